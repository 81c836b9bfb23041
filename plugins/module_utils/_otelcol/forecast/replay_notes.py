# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replay of a capture cannot tell of a config. Private."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..config.paths import leaves, mappings, section
from ..otlp_requests import LISTS
from ..testing.checked_pipelines import fed_receivers
from ..testing.kept_components import FLUSHES
from ..traits import kind_of, sends_nothing
from .size_sinks import is_otlp

# Components whose output depends on how long the telemetry takes to come in.
# Source: README.md of each component in opentelemetry-collector-contrib.
_BY_TIME = frozenset({*FLUSHES, "logdedup"})
_BY_TIME_OF_METRICS = "sends by time, and a replay is faster than the capture was: read its series, not its items"
# Policies of tail_sampling that keep an amount for each second. Source: its config.go.
_BY_SECOND = ("rate_limiting", "bytes_limiting", "composite")
# Settings that take something from the headers of a request.
_OF_HEADERS = {"metadata_keys", "from_context"}
_TAIL_SAMPLING = "tailsampling"
_K8S_ATTRIBUTES = "k8sattributes"


def replay_notes(config: Mapping[str, Any], exporters: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each part of a config about which a replay says less than the Collector would do."""
    for role in ("processors", "connectors"):
        for component, settings in section(config, role).items():
            yield from _notes_of(str(component), settings if isinstance(settings, Mapping) else {})
    for exporter in exporters:
        if sends_nothing(exporter):
            yield f"{exporter}: it sends nothing to another machine, so it costs nothing here"
        elif not is_otlp(exporter):
            yield f"{exporter}: its bytes are counted as OTLP in gzip, which it does not send"
    yield from _ways_in(config)


def notes_of_signals(taken: Collection[str], came: Mapping[str, int]) -> Iterator[str]:
    """Yield a line for the signals that receivers take and of which a capture has no item.

    `came` has the items of the capture by signal.
    """
    missing = [signal for signal in LISTS if signal in taken and not came.get(signal)]
    if missing:
        yield f"the capture has no {', '.join(missing)}, so the forecast says nothing of them"


def _ways_in(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a capture does not tell of how the telemetry came in."""
    receivers_of: dict[str, list[str]] = {}
    for receiver, signals in fed_receivers(config).items():
        for signal in signals:
            receivers_of.setdefault(signal, []).append(receiver)
    for signal, receivers in receivers_of.items():
        if len(receivers) > 1:
            yield f"{signal}: all go in at one of {', '.join(receivers)}, since a capture does not tell them apart"
    if any(_reads_headers(path, value) for path, value in leaves(config)):
        yield "a capture has no headers of requests, so what depends on them takes its usual way"


def _reads_headers(path: tuple[Any, ...], value: Any) -> bool:
    names = {str(part) for part in path}
    return bool(names & _OF_HEADERS) or (isinstance(value, str) and "request[" in value)


def _notes_of(component: str, settings: Mapping[str, Any]) -> Iterator[str]:
    kind = kind_of(component)
    if kind in _BY_TIME:
        yield f"{component}: {_BY_TIME_OF_METRICS}"
    if kind == _K8S_ATTRIBUTES:
        yield f"{component}: it knows no pods here, so the attributes that it adds are missing before and after"
    if kind == _TAIL_SAMPLING:
        for policy in mappings(settings, "policies"):
            if _keeps_by_second(policy):
                yield f"{component}: policy {policy.get('name')} keeps an amount per second, so it keeps less here"


def _keeps_by_second(policy: Mapping[str, Any]) -> bool:
    """Whether a policy keeps an amount for each second, or is an `and` with one that does."""
    parts = mappings(policy, "and", "and_sub_policy") if policy.get("type") == "and" else []
    return any(part.get("type") in _BY_SECOND for part in (policy, *parts))
