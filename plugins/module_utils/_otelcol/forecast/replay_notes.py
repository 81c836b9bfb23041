# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replay of a capture cannot tell of a config. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..config.paths import items, section
from ..traits import kind_of
from .size_sinks import is_otlp

# Components whose output depends on how long the telemetry takes to come in.
# Source: README.md of each component in opentelemetry-collector-contrib.
_BY_TIME = ("interval", "logdedup", "servicegraph", "spanmetrics", "exceptions", "count", "sum", "signaltometrics")
_BY_TIME_OF_METRICS = "sends by time, and a replay is faster than the capture was: read its series, not its items"
# Policies of tail_sampling that keep an amount for each second.
_BY_SECOND = ("rate_limiting", "bytes_limiting")
_TAIL_SAMPLING, _K8S_ATTRIBUTES = "tailsampling", "k8sattributes"


def replay_notes(config: Mapping[str, Any], exporters: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each part of a config about which a replay says less than the Collector would do."""
    for role in ("processors", "connectors"):
        for component, settings in section(config, role).items():
            yield from _notes_of(str(component), settings if isinstance(settings, Mapping) else {})
    for exporter in exporters:
        if not is_otlp(exporter):
            yield f"{exporter}: its bytes are counted as OTLP in gzip, which it does not send"


def _notes_of(component: str, settings: Mapping[str, Any]) -> Iterator[str]:
    kind = kind_of(component)
    if kind in _BY_TIME:
        yield f"{component}: {_BY_TIME_OF_METRICS}"
    if kind == _K8S_ATTRIBUTES:
        yield f"{component}: it knows no pods here, so the attributes that it adds are missing before and after"
    if kind == _TAIL_SAMPLING:
        for policy in items(settings, "policies"):
            if policy.get("type") in _BY_SECOND:
                yield f"{component}: policy {policy.get('name')} keeps an amount per second, so it keeps less here"
