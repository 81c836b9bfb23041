# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the manifest of a capture tells a forecast. Private."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config.paths import items, section

MANIFEST = "manifest.json"
"""The file of a capture that says what it is of."""
HASH = "hash"
"""The mode of a capture that has masks in place of values."""


@dataclass(frozen=True)
class CaptureFacts:
    """Whose capture it is, and what all pods of the collector received in a second, as far as a manifest says so.

    `rates` are records by signal, `config_sha256` is what `config_hash` returns.
    """

    collector: str = ""
    config_sha256: str = ""
    rates: Mapping[str, float] = field(default_factory=dict)
    is_masked: bool = False
    kept_attributes: tuple[str, ...] = ()
    """Attributes whose values are not masked."""
    left_out_receivers: tuple[str, ...] = ()
    nodes: int = 1
    """How many nodes have a load of their own, of which the capture has that of one."""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> CaptureFacts:
        """Return the facts of a manifest. A pod of a capture gets its share of what all pods get, or those of a node.

        The other nodes are taken for as busy as the one of the capture.
        """
        others, nodes = manifest.get("other_pods"), manifest.get("nodes")
        nodes = nodes if isinstance(nodes, int) else 1
        pods = (1 + others if isinstance(others, int) else 1) * nodes
        rates: dict[str, float] = {}
        for signal, row in section(manifest, "signals").items():
            if "records_per_second" in row:
                rates[signal] = pods * float(row["records_per_second"])
        name = str(section(manifest, "collector").get("name") or "")
        masked = section(manifest, "masked")
        return cls(
            collector=name,
            config_sha256=str(manifest.get("config_sha256") or ""),
            rates=rates,
            is_masked=masked.get("mode") == HASH,
            kept_attributes=tuple(map(str, items(masked, "kept_attributes"))),
            left_out_receivers=tuple(map(str, items(manifest, "left_out_receivers"))),
            nodes=nodes,
        )

    def notes(self) -> Iterator[str]:
        """Yield what a reader of a forecast must know of its capture."""
        if self.is_masked:
            kept = f", but for {', '.join(self.kept_attributes)}" if self.kept_attributes else ""
            yield f"the capture has masks in place of values{kept}: conditions on other values match nothing"
        if self.left_out_receivers:
            yield f"the capture has nothing of {', '.join(self.left_out_receivers)}, and neither have the figures"
        if self.nodes > 1:
            yield f"the capture is of one of {self.nodes} nodes, and its rates are taken for those of each"


def config_hash(config: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a config, by which a forecast sees whether a capture is of this config."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()
