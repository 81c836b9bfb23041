# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For how many seconds components hold data before they pass it on. Private.

A judgement must not take for lost what a component still holds. For example:

    processors: {batch: {timeout: 5s}, tail_sampling: {}}
    exporters: {otlp: {sending_queue: {batch: {flush_timeout: 2s}}}}
    → 37 seconds: 5 of the setting, 30 by default, 2 of the queue

The times of processors and connectors add up, as if data passed all of them. Of the exporters only the longest counts,
since each gets the data at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.paths import mapping_at, value_at
from ..._otelcol.needs.quantities import UNITS_OF_GO, parse_duration
from ..._otelcol.traits import kind_of
from ..._telemetry.signal_flow import FLUSH_TIMEOUT_PATH

# What is accepted should be sent after what components hold it for, and so many seconds more.
MARGIN_SECONDS = 10.0
# How long components hold data, by type without underscores: the setting, and its default in seconds.
# Source: README.md of each component.
_HOLD_SETTINGS: dict[str, tuple[tuple[str, ...], float]] = {
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
_ZERO_DURATION = re.compile(rf"0+(?:\.0*)?(?:{UNITS_OF_GO})?")


def count_hold_seconds(config: Mapping[str, Any]) -> float:
    """Return for how many seconds the components of a config may hold data until they pass it on."""
    seconds = 0.0
    for section_name in ("processors", "connectors"):
        for component_id, settings in mapping_at(config, section_name).items():
            path, usual_seconds = _find_hold_setting(str(component_id))
            own_setting = value_at(settings, path) if path else None
            # `parse_duration` returns 0 for a missing value, and for a variable such as `${env:WAIT}`: the default is
            # the best guess then. A written 0 is meant so.
            if not _is_zero(own_setting):
                seconds += parse_duration(own_setting) or usual_seconds
    export_waits = [value_at(settings, FLUSH_TIMEOUT_PATH) for settings in mapping_at(config, "exporters").values()]
    return seconds + max(map(parse_duration, export_waits), default=0.0)


def default_hold_seconds(component: str) -> float:
    """Return for how many seconds a component holds data by default."""
    return _find_hold_setting(component)[1]


def _find_hold_setting(component: str) -> tuple[tuple[str, ...], float]:
    """Return the path of the setting of a component, and its default in seconds."""
    return _HOLD_SETTINGS.get(kind_of(component), ((), 0.0))


def _is_zero(value: Any) -> bool:
    """Whether a duration is 0, and not missing or a variable."""
    return _ZERO_DURATION.fullmatch(str(value)) is not None
