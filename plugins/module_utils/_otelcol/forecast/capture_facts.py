# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the manifest of a capture tells a forecast. Private."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config.paths import section


@dataclass(frozen=True)
class CaptureFacts:
    """Whose capture it is, and what all pods of the collector received in a second, as far as a manifest says so.

    `rates` are records by signal, `config_sha256` is what `config_hash` returns.
    """

    collector: str = ""
    config_sha256: str = ""
    rates: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> CaptureFacts:
        """Return the facts of a manifest. A pod of a capture gets its share of what all pods get."""
        others = manifest.get("other_pods")
        pods = 1 + others if isinstance(others, int) else 1
        rates: dict[str, float] = {}
        for signal, row in section(manifest, "signals").items():
            if "records_per_second" in row:
                rates[signal] = pods * float(row["records_per_second"])
        name = str(section(manifest, "collector").get("name") or "")
        return cls(name, str(manifest.get("config_sha256") or ""), rates)


def config_hash(config: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a config, by which a forecast sees whether a capture is of this config."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()
