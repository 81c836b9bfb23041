# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the manifest of a capture tells a forecast. Private.

The manifest is a file in the folder of a capture, which the playbook capture writes. A capture by the exporter `file`
has none: then all facts have their defaults.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config.paths import list_at, mapping_at

MANIFEST_FILE = "manifest.json"
"""The file of a capture that says what it is of."""
COLLECTOR_RATE = "collector_records_per_second"
"""The key of a signal in a manifest: what all pods received, as their own metrics counted it."""
POD_RATE = "records_per_second"
"""The key of a signal in a manifest: what the pod of the capture received."""
HASH_MODE = "hash"
"""The mode of a capture that has masks in place of values."""


@dataclass(frozen=True)
class CaptureFacts:
    """Whose capture it is, and what all pods of the collector received in a second, as far as a manifest says so.

    `rate_by_signal` are records by signal, `config_sha256` is what `hash_config` returns.
    """

    collector: str = ""
    config_sha256: str = ""
    rate_by_signal: Mapping[str, float] = field(default_factory=dict)
    is_masked: bool = False
    kept_attributes: tuple[str, ...] = ()
    """Attributes whose values are not masked."""
    left_out_receivers: tuple[str, ...] = ()
    node_count: int = 1
    """How many nodes are taken for as busy as the one of the capture."""
    uncounted_signals: tuple[str, ...] = ()
    """The signals whose rates are those of the pod of the capture, times the pods: nobody counted what all receive."""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> CaptureFacts:
        """Return the facts of a manifest.

        Where nobody counted what all pods receive, the pod of the capture is taken for as busy as each of the others.
        """
        node_count = _read_count(manifest, "nodes", 1)
        counted_rates = _read_rates(manifest, COLLECTOR_RATE)
        pod_count = (1 + _read_count(manifest, "other_pods", 0)) * node_count
        pod_rates = _read_rates(manifest, POD_RATE)
        uncounted_signals = tuple(signal for signal in pod_rates if signal not in counted_rates)
        rates = {signal: pod_count * pod_rates[signal] for signal in uncounted_signals}
        name = str(mapping_at(manifest, "collector").get("name") or "")
        masking = mapping_at(manifest, "masked")
        return cls(
            collector=name,
            config_sha256=str(manifest.get("config_sha256") or ""),
            rate_by_signal={**rates, **counted_rates},
            is_masked=masking.get("mode") == HASH_MODE,
            kept_attributes=tuple(map(str, list_at(masking, "kept_attributes"))),
            left_out_receivers=tuple(map(str, list_at(manifest, "left_out_receivers"))),
            node_count=node_count,
            uncounted_signals=uncounted_signals,
        )

    def describe_limits(self) -> Iterator[str]:
        """Yield what a reader of a forecast must know of its capture."""
        if self.is_masked:
            exceptions = f", but for {', '.join(self.kept_attributes)}" if self.kept_attributes else ""
            yield f"the capture has masks in place of values{exceptions}: conditions on other values match nothing"
        if self.left_out_receivers:
            yield f"the capture has nothing of {', '.join(self.left_out_receivers)}, and neither have the figures"
        if self.node_count > 1 and self.uncounted_signals:
            signals = ", ".join(self.uncounted_signals)
            yield (
                f"the capture is of one of {self.node_count} nodes, and its rates of {signals} are taken for those of"
                " each"
            )


def _read_count(manifest: Mapping[str, Any], key: str, default: int) -> int:
    value = manifest.get(key)
    return value if isinstance(value, int) else default


def _read_rates(manifest: Mapping[str, Any], key: str) -> dict[str, float]:
    """Return the numbers that a manifest has under a key, by signal."""
    rates: dict[str, float] = {}
    for signal in mapping_at(manifest, "signals"):
        rate = mapping_at(manifest, "signals", signal).get(key)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            continue
        if 0 <= rate < math.inf:
            rates[signal] = float(rate)
    return rates


def hash_config(config: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a config, by which a forecast sees whether a capture is of this config."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()
