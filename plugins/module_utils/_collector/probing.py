# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a collector is probed: what is sent to it, where it is counted, and to whom its exporters send. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.config.pipelines import PipelineGraph, signal_of
from .._otelcol.needs.quantities import parse_duration
from .._otelcol.traits import is_for_trials, kind_of, samples_records
from .manifests.build import CollectorBuild
from .manifests.network import OTLP_HTTP, list_plain_ports

_METRICS_PORT = "metrics"
_SIGNALS = ("traces", "metrics", "logs")
_TAIL_SAMPLER = "tailsampling"
# Seconds of a probe by default, those for the way behind a sampler, and how long tail_sampling waits by default.
_TIMEOUT_SECONDS, _MARGIN_SECONDS, _DECISION_SECONDS = 30, 20, 30
_ALL_PERCENT = 100  # percent


def plan_probe(build: CollectorBuild, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what to send through the API server, and where it must be counted; None if that is not possible.

    Telemetry goes in by OTLP/HTTP in clear text, and is counted where the collector serves its own metrics.
    """
    if explain_unprobed(build, config):
        return None
    ports = list_plain_ports(build, config)
    pods = {"namespace": build.collector.namespace, "selector": build.collector.selector_text}
    via = {**pods, "port": ports[OTLP_HTTP]}
    arrival = {**pods, "evidence": "metrics", "metrics_port": ports[_METRICS_PORT]}
    return {
        "name": build.collector.name,
        "via": via,
        "arrival": arrival,
        "signals": list_passed_signals(config),
        **plan_sampled_probe(config),
    }


def plan_hop(build: CollectorBuild, receivers: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    """Return how to see what a collector takes and sends on, by the collectors that its exporters send to."""
    collector = build.collector
    if collector.mode == "sidecar":  # it has no pods of its own
        return None
    signals_by_exporter = PipelineGraph.of(build.config).find_signals_by_id("exporters")
    signals = {
        name: exporter_signals for name, exporter_signals in signals_by_exporter.items() if not is_for_trials(name)
    }
    return {
        "name": f"{collector.namespace}/{collector.name}",
        "namespace": collector.namespace,
        "selector": collector.selector_text,
        "metrics_port": list_plain_ports(build, build.config).get(_METRICS_PORT, 0),
        "exporters": {
            name: {"signals": sorted(signals[name]), "to": list(receivers.get(name, ()))} for name in sorted(signals)
        },
    }


def explain_unprobed(build: CollectorBuild, config: Mapping[str, Any]) -> str:
    """Return why a collector cannot be tested through the API server; empty if it can."""
    ports, cleartext_ports = {port.name for port in build.needs.ports}, list_plain_ports(build, config)
    reasons = (
        (build.collector.mode == "sidecar", "it runs in the pods of applications, on localhost"),
        (OTLP_HTTP in ports and OTLP_HTTP not in cleartext_ports, "its OTLP receiver over HTTP requires TLS"),
        (OTLP_HTTP not in ports or not list_received_signals(config), "it has no OTLP receiver over HTTP"),
        (not list_passed_signals(config), "its sampler may drop what is sent"),
        (_METRICS_PORT not in ports, "it does not serve its own metrics, in which the data would be counted"),
    )
    return next((reason for applies, reason in reasons if applies), "")


def explain_untested(build: CollectorBuild, config: Mapping[str, Any]) -> str:
    """Return why a collector, or a signal of it, is not tested; empty if all is."""
    untested_signals = [signal for signal in list_received_signals(config) if signal not in list_passed_signals(config)]
    return explain_unprobed(build, config) or (
        f"its {' and '.join(untested_signals)}, which a sampler may drop" if untested_signals else ""
    )


def _list_entry_pipelines(graph: PipelineGraph) -> list[str]:
    """Return the pipelines that have an OTLP receiver."""
    receivers_by_pipeline = {pipeline: graph.list_ids(pipeline, "receivers") for pipeline in graph.pipelines}
    return [
        pipeline
        for pipeline, receiver_ids in receivers_by_pipeline.items()
        if any(kind_of(name) == "otlp" for name in receiver_ids)
    ]


def _find_sampler_paths(config: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each signal that an OTLP receiver takes, with the samplers on each way to an exporter."""
    graph = PipelineGraph.of(config)
    for pipeline in _list_entry_pipelines(graph):
        for samplers in _find_ways_out(graph, pipeline):
            yield signal_of(pipeline), samplers


def _find_ways_out(
    graph: PipelineGraph, pipeline: str, passed_pipelines: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Yield the samplers on each way out of a pipeline, also through connectors that hand on what they get."""
    own_samplers = tuple(filter(samples_records, graph.list_ids(pipeline, "processors")))
    for exporter in graph.list_ids(pipeline, "exporters"):
        if exporter not in graph.connectors:
            yield own_samplers
        for next_pipeline in graph.find_pipelines_behind(pipeline, exporter):
            if next_pipeline not in passed_pipelines:
                yield from (
                    (*own_samplers, *later_samplers)
                    for later_samplers in _find_ways_out(graph, next_pipeline, (*passed_pipelines, pipeline))
                )


def list_received_signals(config: Mapping[str, Any]) -> list[str]:
    """Return the signals whose pipelines have an OTLP receiver."""
    otlp_signals = {signal_of(pipeline) for pipeline in _list_entry_pipelines(PipelineGraph.of(config))}
    return [signal for signal in _SIGNALS if signal in otlp_signals]


def list_passed_signals(config: Mapping[str, Any]) -> list[str]:
    """Return the signals of which a way passes every record, or every span that failed."""
    passes_by_signal: dict[str, bool] = {}
    for signal, samplers in _find_sampler_paths(config):
        keeps_all = all(_keeps_probe(config, sampler) for sampler in samplers)
        passes_by_signal[signal] = passes_by_signal.get(signal, False) or keeps_all
    return [signal for signal in list_received_signals(config) if passes_by_signal.get(signal, True)]


def _keeps_probe(config: Mapping[str, Any], sampler: str) -> bool:
    """Whether a sampler keeps all records, or all spans that failed."""
    settings = mapping_at(config, "processors", sampler)
    share = settings.get("sampling_percentage")
    if isinstance(share, (int, float)) and share >= _ALL_PERCENT:
        return True
    for policy in list_at(settings, "policies"):
        if value_at(policy, ("type",)) == "always_sample" or "ERROR" in list_at(policy, "status_code", "status_codes"):
            return True
    return False


def plan_sampled_probe(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how to probe tail samplers: they keep spans that failed, after they have waited for the whole trace."""
    decision_waits = []
    for _signal, samplers in _find_sampler_paths(config):
        for sampler in samplers:
            if kind_of(sampler) == _TAIL_SAMPLER:
                decision_waits.append(_decision_wait(mapping_at(config, "processors", sampler)))
    if not decision_waits:
        return {}
    return {"span_status": "error", "timeout_seconds": max(_TIMEOUT_SECONDS, max(decision_waits) + _MARGIN_SECONDS)}


def _decision_wait(sampler: Mapping[str, Any]) -> float:
    """Return for how many seconds a tail sampler waits for the spans of a trace."""
    wait = sampler.get("decision_wait")
    return _DECISION_SECONDS if wait is None else parse_duration(wait)
