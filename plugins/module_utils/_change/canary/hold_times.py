# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For how many seconds components hold data before they pass it on. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.paths import at, section
from ..._otelcol.needs.quantities import duration
from ..._otelcol.traits import kind_of
from ..._telemetry.metrics import FLUSH

# What is accepted should be sent after what components hold it for, and so many seconds more.
MARGIN = 10.0
# How long components hold data, by type without underscores: the setting, and its default in seconds.
# Source: README.md of each component.
_HOLDS: dict[str, tuple[tuple[str, ...], float]] = {
    "batch": (("timeout",), 0.2),
    "tailsampling": (("decision_wait",), 30.0),
    "groupbytrace": (("wait_duration",), 1.0),
    "interval": (("interval",), 60.0),
    "logdedup": (("interval",), 10.0),
    "spanmetrics": (("metrics_flush_interval",), 60.0),
    "servicegraph": (("metrics_flush_interval",), 60.0),
    # They pass no first point of a series, and points come once a minute.
    "cumulativetodelta": ((), 120.0),
    "deltatorate": ((), 120.0),
    "metricstarttime": ((), 120.0),
}
_ZERO = re.compile(r"0+(?:\.0*)?(?:ns|us|µs|ms|s|m|h)?")


def hold_seconds(config: Mapping[str, Any]) -> float:
    """Return for how many seconds the components of a config may hold data until they pass it on."""
    seconds = 0.0
    for name in ("processors", "connectors"):
        for key, settings in section(config, name).items():
            path, usual_seconds = _hold_of(str(key))
            own = at(settings, path) if path else None
            if not _is_zero(own):
                seconds += duration(own) or usual_seconds
    waits = [at(settings, FLUSH) for settings in section(config, "exporters").values()]
    return seconds + max(map(duration, waits), default=0.0)


def usual_hold_seconds(component: str) -> float:
    """Return for how many seconds a component holds data by default."""
    return _hold_of(component)[1]


def _hold_of(component: str) -> tuple[tuple[str, ...], float]:
    """Return the path of the setting of a component, and its default in seconds."""
    return _HOLDS.get(kind_of(component), ((), 0.0))


def _is_zero(value: Any) -> bool:
    """Whether a duration is 0, and not missing or a variable."""
    return _ZERO.fullmatch(str(value)) is not None
