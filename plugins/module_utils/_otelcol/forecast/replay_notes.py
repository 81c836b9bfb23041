# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replay of a capture cannot tell of a config. Private.

A replay sends captured telemetry through a config, faster than it came and without its headers. A note is a line for
the reader of a forecast.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..config.paths import Path, iter_leaves, mapping_at, mappings_at
from ..otlp_requests import LISTS_BY_SIGNAL
from ..testing.checked_pipelines import map_signals_of_receivers
from ..testing.kept_components import FLUSHES_BY_KIND
from ..traits import kind_of, sends_nothing
from .size_sinks import sends_otlp

# Components whose output depends on how long the telemetry takes to come in.
# Source: README.md of each component in opentelemetry-collector-contrib.
_TYPES_SENDING_BY_TIME = frozenset({*FLUSHES_BY_KIND, "logdedup"})
_NOTE_OF_TIME = "sends by time, and a replay is faster than the capture was: read its series, not its items"
# Policies of tail_sampling that keep an amount for each second. Source: its config.go.
_POLICIES_BY_SECOND = ("rate_limiting", "bytes_limiting", "composite")
# What takes something from the headers of a request: settings, and a word of conditions.
_HEADER_SETTINGS = {"metadata_keys", "from_context"}
_HEADER_EXPRESSION = "request["
_TAIL_SAMPLING = "tailsampling"
_K8S_ATTRIBUTES = "k8sattributes"


def list_replay_notes(config: Mapping[str, Any], exporters: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each part of a config about which a replay says less than the Collector would do."""
    for role in ("processors", "connectors"):
        for component_id, settings in mapping_at(config, role).items():
            known_settings = settings if isinstance(settings, Mapping) else {}
            yield from _list_component_notes(str(component_id), known_settings)
    yield from _list_exporter_notes(exporters)
    yield from _list_receiver_notes(config)
    if any(_reads_headers(path, value) for path, value in iter_leaves(config)):
        yield "a capture has no headers of requests, so what depends on them takes its usual way"


def _list_exporter_notes(exporters: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each exporter whose bytes are not what the forecast counts."""
    for exporter in exporters:
        if sends_nothing(exporter):
            yield f"{exporter}: it sends nothing to another machine, so it costs nothing here"
        elif not sends_otlp(exporter):
            yield f"{exporter}: its bytes are counted as OTLP in gzip, which it does not send"


def list_signal_notes(taken_signals: Collection[str], item_counts: Mapping[str, int]) -> Iterator[str]:
    """Yield a line for the signals that receivers take and of which a capture has no item.

    `item_counts` has the items of the capture by signal.
    """
    missing_signals = [signal for signal in LISTS_BY_SIGNAL if signal in taken_signals and not item_counts.get(signal)]
    if missing_signals:
        yield f"the capture has no {', '.join(missing_signals)}, so the forecast says nothing of them"


def _list_receiver_notes(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each signal that several receivers take: a capture does not tell which of them took a record."""
    receivers_by_signal: dict[str, list[str]] = {}
    for receiver, signals in map_signals_of_receivers(config).items():
        for signal in signals:
            receivers_by_signal.setdefault(signal, []).append(receiver)
    for signal, receivers in receivers_by_signal.items():
        if len(receivers) > 1:
            yield f"{signal}: all go in at one of {', '.join(receivers)}, since a capture does not tell them apart"


def _reads_headers(path: Path, value: Any) -> bool:
    """Whether a value of a config takes something from the headers of a request: by its setting, or in a condition."""
    keys = {str(part) for part in path}
    if not keys.isdisjoint(_HEADER_SETTINGS):
        return True
    return isinstance(value, str) and _HEADER_EXPRESSION in value


def _list_component_notes(component_id: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for what a replay cannot tell of a processor or connector."""
    component_type = kind_of(component_id)
    if component_type in _TYPES_SENDING_BY_TIME:
        yield f"{component_id}: {_NOTE_OF_TIME}"
    if component_type == _K8S_ATTRIBUTES:
        yield f"{component_id}: it knows no pods here, so the attributes that it adds are missing before and after"
    if component_type == _TAIL_SAMPLING:
        yield from _list_policy_notes(component_id, settings)


def _list_policy_notes(component_id: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each policy of tail_sampling that keeps an amount for each second."""
    for policy in mappings_at(settings, "policies"):
        if _keeps_by_second(policy):
            yield f"{component_id}: policy {policy.get('name')} keeps an amount per second, so it keeps less here"


def _keeps_by_second(policy: Mapping[str, Any]) -> bool:
    """Whether a policy keeps an amount for each second, or is an `and` with one that does."""
    policies: list[Mapping[str, Any]] = [policy]
    if policy.get("type") == "and":
        policies += mappings_at(policy, "and", "and_sub_policy")
    return any(part_policy.get("type") in _POLICIES_BY_SECOND for part_policy in policies)
