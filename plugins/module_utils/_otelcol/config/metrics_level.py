# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Collector has metrics of its own. Private.

`{"service": {"telemetry": {"metrics": {"level": "none"}}}}` turns them off. The word counts in any case. Source:
Level.UnmarshalText of config/configtelemetry in opentelemetry-collector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .paths import mapping_at

_OFF = "none"


def has_own_metrics(config: Mapping[str, Any]) -> bool:
    """Return whether a Collector with this config has metrics of its own."""
    level = mapping_at(config, "service", "telemetry", "metrics").get("level")
    return not (isinstance(level, str) and level.lower() == _OFF)
