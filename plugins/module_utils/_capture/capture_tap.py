# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector's config gets on top to write down what its receivers get. Private.

The Collector merges the config of the capture over its own one, which stays as it is, with its references to secrets.
Each signal gets a pipeline of its own beside the others, so what is captured also goes on to the backends. Processor
batch in it takes a request and answers at once: a file that cannot be written fails no request, and no client sends
one again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import at, items, section
from .._otelcol.config.pipelines import PipelineGraph, signal_of
from .._otelcol.otlp_requests import LISTS
from .._otelcol.traits import EXPORTERS, EXTENSIONS, PROCESSORS, RECEIVERS, Trait, traits_of
from . import capture_refusals

# The consent to capture at a collector that decides by records that it saw before.
STATE = "state"
_ID = "o11y_capture"
_FILE, _BATCH = f"file/{_ID}", f"batch/{_ID}"
# What stands in for the receivers of a pipeline that has none left: nobody can reach it, and it gets nothing.
_IDLE = f"otlp/{_ID}"
_IDLE_SETTINGS = {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}
_FLUSH = "500ms"
# Records in a line of the file, so that a bound is met closely.
_RECORDS_OF_LINE = 512


@dataclass(frozen=True)
class Tap:
    """The config on top, the signals and receivers whose data it writes down, and the receivers that do not run."""

    overlay: dict[str, Any]
    signals: tuple[str, ...]
    receivers: tuple[str, ...]
    left_out: tuple[str, ...]


def tap(config: Mapping[str, Any], path: str, consents: Collection[str]) -> Tap:
    """Return the config on top that lets a collector write what it gets to the file `path` as OTLP JSON lines.

    Raises Problem if no receiver gets traces, metrics or logs from others, if a part of the config stands elsewhere,
    if the pod would keep a port shut, or if its records would be lost or counted otherwise.
    """
    capture_refusals.check_readable(config)
    graph = PipelineGraph.of(config)
    used = graph.signals_by_id(RECEIVERS)
    receivers = tuple(name for name in used if Trait.IS_SENT_TO in traits_of(RECEIVERS, name))
    left_out = tuple(name for name in used if name not in receivers)
    if not receivers:
        raise capture_refusals.without_receivers(left_out)
    capture_refusals.check_left_out(left_out)
    capture_refusals.check_exporters(config, graph)
    if STATE not in consents:
        capture_refusals.check_state(config, graph)
    sources = _sources_by_signal(graph, receivers)
    if not sources:
        raise capture_refusals.without_signals(receivers)
    overlay = {
        "receivers": {_IDLE: _IDLE_SETTINGS},
        "processors": {_BATCH: _batch_settings()},
        "exporters": {_FILE: {"path": path, "flush_interval": _FLUSH}, **_exporters_without_storage(config)},
        "service": {
            "extensions": list(_kept_extensions(config)),
            "pipelines": {**_reduced_pipelines(graph, left_out), **_tap_pipelines(sources)},
        },
    }
    return Tap(overlay, tuple(sources), receivers, left_out)


def _sources_by_signal(graph: PipelineGraph, receivers: Collection[str]) -> dict[str, list[str]]:
    """Return the receivers whose data is written down, by the signals that a capture has; no signal without any."""
    sources: dict[str, dict[str, None]] = {}
    for pipeline in graph.pipelines:
        taken = [receiver for receiver in graph.listed(pipeline, RECEIVERS) if receiver in receivers]
        sources.setdefault(signal_of(pipeline), {}).update(dict.fromkeys(taken))
    return {signal: list(names) for signal, names in sources.items() if names and signal in LISTS}


def _batch_settings() -> dict[str, Any]:
    """Return the settings of the processor that answers before it hands on."""
    return {"timeout": _FLUSH, "send_batch_size": _RECORDS_OF_LINE, "send_batch_max_size": _RECORDS_OF_LINE}


def _exporters_without_storage(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return exporters with a queue in memory: a pod that ends sends what is in it, and leaves what is on a volume."""
    without_storage: dict[str, Any] = {}
    for name, settings in section(config, EXPORTERS).items():
        if at(settings, ("sending_queue", "storage")):
            without_storage[name] = {"sending_queue": {"storage": None}}
    return without_storage


def _kept_extensions(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the extensions of the pod. A pod for a minute leads no election, and is no agent of a server."""
    for name in items(config, "service", EXTENSIONS):
        if not traits_of(EXTENSIONS, name) & {Trait.ELECTS, Trait.REPORTS_AGENT}:
            yield name


def _reduced_pipelines(graph: PipelineGraph, left_out: Collection[str]) -> dict[str, Any]:
    """Return the pipelines that lose receivers, with those that they keep."""
    reduced = {}
    for pipeline in graph.pipelines:
        listed = graph.listed(pipeline, RECEIVERS)
        kept = [receiver for receiver in listed if receiver not in left_out]
        if kept != listed:
            reduced[pipeline] = {RECEIVERS: kept or [_IDLE]}
    return reduced


def _tap_pipelines(sources: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return a pipeline for each signal that writes down what receivers get."""
    pipelines = {}
    for signal, receivers in sources.items():
        pipelines[f"{signal}/{_ID}"] = {RECEIVERS: receivers, PROCESSORS: [_BATCH], EXPORTERS: [_FILE]}
    return pipelines
