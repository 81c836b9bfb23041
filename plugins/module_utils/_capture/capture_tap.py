# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the config with which the pod of a capture writes what its receivers get to a file: the tap. Private.

`capture_plan.py` calls `build_tap` for each collector. The Collector in the pod merges this config over the collector's
own one, which stays as it is, with its references to secrets. The config adds a pipeline for each signal beside the
others, so telemetry also goes on to the backends. For a collector whose receiver otlp gets traces, it has:

    exporters: {file/o11y_capture: {path: /o11y-capture/received.jsonl, flush_interval: 500ms}}
    service: {pipelines: {traces/o11y_capture: {receivers: [otlp], processors: [batch/o11y_capture],
      exporters: [file/o11y_capture]}}}

Processor batch in these pipelines answers each request at once: a file that cannot be written fails no request, and no
client sends one again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.config.pipelines import PipelineGraph, signal_of
from .._otelcol.otlp_requests import LISTS_BY_SIGNAL
from .._otelcol.traits import EXPORTERS, EXTENSIONS, PROCESSORS, RECEIVERS, Trait, traits_of
from . import capture_refusals
from .known_config import check_config_is_known

# The consent to capture at a collector that decides by records that it saw before.
STATE_CONSENT = "state"
# The name of each component that the tap adds, after its type.
_COMPONENT_NAME = "o11y_capture"
_FILE_EXPORTER = f"file/{_COMPONENT_NAME}"
_BATCH_PROCESSOR = f"batch/{_COMPONENT_NAME}"
# What stands in for the receivers of a pipeline that has none left: nobody can reach it, and it gets nothing.
_IDLE_RECEIVER = f"otlp/{_COMPONENT_NAME}"
_IDLE_SETTINGS = {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}
# How often the batches and the file are written out.
_FLUSH_INTERVAL = "500ms"
# How many records a line of the file has, so that a bound of the capture is met closely.
_RECORDS_OF_LINE = 512


@dataclass(frozen=True)
class Tap:
    """The config of a capture, and what it captures."""

    config_overlay: dict[str, Any]
    """The config that the Collector merges over its own."""
    signals: tuple[str, ...]
    receivers: tuple[str, ...]
    """The receivers whose data is written to the file: clients send to them."""
    left_out_receivers: tuple[str, ...]
    """The receivers that do not run in the pod of the capture: they read by themselves, and must not read twice."""


def build_tap(config: Mapping[str, Any], path: str, consents: Collection[str]) -> Tap:
    """Return the config with which a collector writes what it gets to the file `path`, as lines of OTLP JSON.

    Raises Problem if no receiver gets traces, metrics or logs from clients, if a part of the config stands elsewhere,
    if the pod would keep a port shut, or if its records would be lost or counted otherwise.
    """
    # First, since all that follows reads the config, and a reference in it would hide what the Collector runs.
    check_config_is_known(config)
    graph = PipelineGraph.of(config)
    used_receivers = graph.find_signals_by_id(RECEIVERS)
    receivers = tuple(name for name in used_receivers if Trait.IS_SENT_TO in traits_of(RECEIVERS, name))
    left_out = tuple(name for name in used_receivers if name not in receivers)
    if not receivers:
        raise capture_refusals.build_no_receivers_problem(left_out)
    capture_refusals.check_left_out_receivers(left_out)
    capture_refusals.check_exporters(config, graph)
    if STATE_CONSENT not in consents:
        capture_refusals.check_stateless_components(config, graph)
    receivers_by_signal = _group_receivers_by_signal(graph, receivers)
    if not receivers_by_signal:
        raise capture_refusals.build_no_signals_problem(receivers)
    # The Collector merges mappings key by key and replaces lists, so each list here is a whole one.
    overlay = {
        "receivers": {_IDLE_RECEIVER: _IDLE_SETTINGS},
        "processors": {_BATCH_PROCESSOR: _build_batch_settings()},
        "exporters": {
            _FILE_EXPORTER: {"path": path, "flush_interval": _FLUSH_INTERVAL},
            **_drop_exporter_storage(config),
        },
        "service": {
            "extensions": list(_list_kept_extensions(config)),
            "pipelines": {**_reduce_pipelines(graph, left_out), **_build_tap_pipelines(receivers_by_signal)},
        },
    }
    return Tap(overlay, tuple(receivers_by_signal), receivers, left_out)


def _group_receivers_by_signal(graph: PipelineGraph, receivers: Collection[str]) -> dict[str, list[str]]:
    """Return the receivers whose data is written down, by the signals that a capture has; no signal without any."""
    receivers_by_signal: dict[str, dict[str, None]] = {}
    for pipeline in graph.pipelines:
        tapped_receivers = [receiver for receiver in graph.list_ids(pipeline, RECEIVERS) if receiver in receivers]
        receivers_by_signal.setdefault(signal_of(pipeline), {}).update(dict.fromkeys(tapped_receivers))
    return {
        signal: list(receiver_ids)
        for signal, receiver_ids in receivers_by_signal.items()
        if receiver_ids and signal in LISTS_BY_SIGNAL
    }


def _build_batch_settings() -> dict[str, Any]:
    """Return the settings of the processor that answers before it hands on."""
    return {"timeout": _FLUSH_INTERVAL, "send_batch_size": _RECORDS_OF_LINE, "send_batch_max_size": _RECORDS_OF_LINE}


def _drop_exporter_storage(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return exporters with a queue in memory: a pod that ends sends what is in it, and leaves what is on a volume."""
    exporter_overlays: dict[str, Any] = {}
    for name, settings in mapping_at(config, EXPORTERS).items():
        if value_at(settings, ("sending_queue", "storage")):
            exporter_overlays[name] = {"sending_queue": {"storage": None}}
    return exporter_overlays


def _list_kept_extensions(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the extensions of the pod. A pod for a minute leads no election, and is no agent of a server."""
    for name in list_at(config, "service", EXTENSIONS):
        if not traits_of(EXTENSIONS, name) & {Trait.ELECTS, Trait.REPORTS_AGENT}:
            yield name


def _reduce_pipelines(graph: PipelineGraph, left_out: Collection[str]) -> dict[str, Any]:
    """Return the pipelines that lose receivers, with those that they keep."""
    reduced_pipelines = {}
    for pipeline in graph.pipelines:
        listed_receivers = graph.list_ids(pipeline, RECEIVERS)
        kept_receivers = [receiver for receiver in listed_receivers if receiver not in left_out]
        if kept_receivers != listed_receivers:
            reduced_pipelines[pipeline] = {RECEIVERS: kept_receivers or [_IDLE_RECEIVER]}
    return reduced_pipelines


def _build_tap_pipelines(receivers_by_signal: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return a pipeline for each signal that writes down what receivers get."""
    pipelines = {}
    for signal, receivers in receivers_by_signal.items():
        pipelines[f"{signal}/{_COMPONENT_NAME}"] = {
            RECEIVERS: receivers,
            PROCESSORS: [_BATCH_PROCESSOR],
            EXPORTERS: [_FILE_EXPORTER],
        }
    return pipelines
