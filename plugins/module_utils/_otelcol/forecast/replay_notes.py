# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replay of a capture cannot tell of a config. Private."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..config.paths import Path, leaves, mappings, section
from ..otlp_requests import LISTS
from ..testing.checked_pipelines import fed_receivers
from ..testing.kept_components import FLUSHES
from ..traits import kind_of, sends_nothing
from .size_sinks import is_otlp

# Components whose output depends on how long the telemetry takes to come in.
# Source: README.md of each component in opentelemetry-collector-contrib.
_BY_TIME = frozenset({*FLUSHES, "logdedup"})
_NOTE_OF_TIME = "sends by time, and a replay is faster than the capture was: read its series, not its items"
# Policies of tail_sampling that keep an amount for each second. Source: its config.go.
_BY_SECOND = ("rate_limiting", "bytes_limiting", "composite")
# What takes something from the headers of a request: settings, and a word of conditions.
_SETTINGS_OF_HEADERS = {"metadata_keys", "from_context"}
_WORD_OF_HEADERS = "request["
_TAIL_SAMPLING = "tailsampling"
_K8S_ATTRIBUTES = "k8sattributes"


def replay_notes(config: Mapping[str, Any], exporters: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each part of a config about which a replay says less than the Collector would do."""
    for role in ("processors", "connectors"):
        for component, settings in section(config, role).items():
            known_settings = settings if isinstance(settings, Mapping) else {}
            yield from _notes_of_component(str(component), known_settings)
    yield from _notes_of_exporters(exporters)
    yield from _notes_of_receivers(config)
    if any(_reads_headers(path, value) for path, value in leaves(config)):
        yield "a capture has no headers of requests, so what depends on them takes its usual way"


def _notes_of_exporters(exporters: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each exporter whose bytes are not what the forecast counts."""
    for exporter in exporters:
        if sends_nothing(exporter):
            yield f"{exporter}: it sends nothing to another machine, so it costs nothing here"
        elif not is_otlp(exporter):
            yield f"{exporter}: its bytes are counted as OTLP in gzip, which it does not send"


def notes_of_signals(taken: Collection[str], came: Mapping[str, int]) -> Iterator[str]:
    """Yield a line for the signals that receivers take and of which a capture has no item.

    `came` has the items of the capture by signal.
    """
    missing = [signal for signal in LISTS if signal in taken and not came.get(signal)]
    if missing:
        yield f"the capture has no {', '.join(missing)}, so the forecast says nothing of them"


def _notes_of_receivers(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each signal that several receivers take: a capture does not tell which of them took a record."""
    receivers_by_signal: dict[str, list[str]] = {}
    for receiver, signals in fed_receivers(config).items():
        for signal in signals:
            receivers_by_signal.setdefault(signal, []).append(receiver)
    for signal, receivers in receivers_by_signal.items():
        if len(receivers) > 1:
            yield f"{signal}: all go in at one of {', '.join(receivers)}, since a capture does not tell them apart"


def _reads_headers(path: Path, value: Any) -> bool:
    """Whether a value of a config takes something from the headers of a request: by its setting, or in a condition."""
    keys = {str(part) for part in path}
    if not keys.isdisjoint(_SETTINGS_OF_HEADERS):
        return True
    return isinstance(value, str) and _WORD_OF_HEADERS in value


def _notes_of_component(component: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for what a replay cannot tell of a processor or connector."""
    kind = kind_of(component)
    if kind in _BY_TIME:
        yield f"{component}: {_NOTE_OF_TIME}"
    if kind == _K8S_ATTRIBUTES:
        yield f"{component}: it knows no pods here, so the attributes that it adds are missing before and after"
    if kind == _TAIL_SAMPLING:
        yield from _notes_of_policies(component, settings)


def _notes_of_policies(component: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each policy of tail_sampling that keeps an amount for each second."""
    for policy in mappings(settings, "policies"):
        if _keeps_by_second(policy):
            yield f"{component}: policy {policy.get('name')} keeps an amount per second, so it keeps less here"


def _keeps_by_second(policy: Mapping[str, Any]) -> bool:
    """Whether a policy keeps an amount for each second, or is an `and` with one that does."""
    parts: list[Mapping[str, Any]] = [policy]
    if policy.get("type") == "and":
        parts += mappings(policy, "and", "and_sub_policy")
    return any(part.get("type") in _BY_SECOND for part in parts)
