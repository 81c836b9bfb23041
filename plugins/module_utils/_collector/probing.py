# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a collector is tested with telemetry of our own: what is sent to it, and where its arrival is counted. Private.

The render of a collector plans the test, and the verification runs it. Telemetry goes in by OTLP over HTTP in clear
text, and must be counted in the collector's own metrics. A signal is left out if a sampler on its way may drop what is
sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.config.pipelines import PipelineGraph, signal_of
from .._otelcol.needs.quantities import parse_duration
from .._otelcol.traits import is_for_trials, kind_of, samples_records
from .manifests.build import CollectorBuild
from .manifests.network import OTLP_HTTP, list_plain_ports

_METRICS_PORT = "metrics"
_SIGNALS = ("traces", "metrics", "logs")
_TAIL_SAMPLER = "tailsampling"
# How many seconds a test takes at most, unless a tail sampler waits longer.
_TIMEOUT_SECONDS = 30
# How many seconds telemetry may take behind a tail sampler.
_MARGIN_SECONDS = 20
# How many seconds a tail sampler waits without settings. Source: createDefaultConfig of tailsamplingprocessor.
_DECISION_SECONDS = 30
_ALL_PERCENT = 100


class SampledProbe(TypedDict, total=False):
    """What a test adds for tail samplers; empty without any."""

    span_status: str
    """`error`: the spans that are sent say that they failed, since samplers keep those."""
    timeout_seconds: float


def plan_probe(build: CollectorBuild, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the test of a collector; None if it cannot be tested through the API server.

    `via` names the pods and the port to send to, `arrival` the pods and the port with the metrics that count it. The
    test has `signals`, and what `plan_sampled_probe` adds.
    """
    if explain_unprobed(build, config):
        return None
    ports = list_plain_ports(build, config)
    pods = {"namespace": build.collector.namespace, "selector": build.collector.selector_text}
    return {
        "name": build.collector.name,
        "via": {**pods, "port": ports[OTLP_HTTP]},
        "arrival": {**pods, "evidence": "metrics", "metrics_port": ports[_METRICS_PORT]},
        "signals": list_passed_signals(config),
        **plan_sampled_probe(config),
    }


def plan_hop(build: CollectorBuild, receivers: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    """Return how to see what a collector takes and sends on; None for a sidecar, which has no pods of its own.

    `receivers` are the collectors that each exporter sends to. The result has the pods with their port of metrics, and
    the signals and receivers of each exporter.
    """
    collector = build.collector
    if collector.mode == "sidecar":
        return None
    signals_by_exporter = PipelineGraph.of(build.config).find_signals_by_id("exporters")
    exporters = {}
    for name in sorted(signals_by_exporter):
        if not is_for_trials(name):
            exporters[name] = {"signals": sorted(signals_by_exporter[name]), "to": list(receivers.get(name, ()))}
    return {
        "name": f"{collector.namespace}/{collector.name}",
        "namespace": collector.namespace,
        "selector": collector.selector_text,
        "metrics_port": list_plain_ports(build, build.config).get(_METRICS_PORT, 0),
        "exporters": exporters,
    }


def explain_untested(build: CollectorBuild, config: Mapping[str, Any]) -> str:
    """Return why a collector, or a signal of it, is not tested; empty if all signals are."""
    reason = explain_unprobed(build, config)
    if reason:
        return reason
    passed_signals = list_passed_signals(config)
    untested_signals = [signal for signal in list_received_signals(config) if signal not in passed_signals]
    return f"its {' and '.join(untested_signals)}, which a sampler may drop" if untested_signals else ""


def explain_unprobed(build: CollectorBuild, config: Mapping[str, Any]) -> str:
    """Return why a collector cannot be tested through the API server; empty if it can."""
    port_names = {port.name for port in build.needs.ports}
    if build.collector.mode == "sidecar":
        return "it runs in the pods of applications, on localhost"
    if OTLP_HTTP in port_names and OTLP_HTTP not in list_plain_ports(build, config):
        return "its OTLP receiver over HTTP requires TLS"
    if OTLP_HTTP not in port_names or not list_received_signals(config):
        return "it has no OTLP receiver over HTTP"
    if not list_passed_signals(config):
        return "its sampler may drop what is sent"
    if _METRICS_PORT not in port_names:
        return "it does not serve its own metrics, in which the data would be counted"
    return ""


def list_received_signals(config: Mapping[str, Any]) -> list[str]:
    """Return the signals whose pipelines have an OTLP receiver."""
    otlp_signals = {signal_of(pipeline) for pipeline in _list_entry_pipelines(PipelineGraph.of(config))}
    return [signal for signal in _SIGNALS if signal in otlp_signals]


def list_passed_signals(config: Mapping[str, Any]) -> list[str]:
    """Return the signals with a way to an exporter on which no sampler drops test data, or a span that failed."""
    passes_by_signal: dict[str, bool] = {}
    for way in _find_ways_from_receivers(config):
        keeps_all = all(_keeps_probe(config, sampler) for sampler in way.samplers)
        passes_by_signal[way.signal] = passes_by_signal.get(way.signal, False) or keeps_all
    return [signal for signal in list_received_signals(config) if passes_by_signal.get(signal, True)]


def plan_sampled_probe(config: Mapping[str, Any]) -> SampledProbe:
    """Return how to test tail samplers: they keep spans that failed, after they have waited for the whole trace."""
    decision_waits = []
    for way in _find_ways_from_receivers(config):
        for sampler in way.samplers:
            if kind_of(sampler) == _TAIL_SAMPLER:
                decision_waits.append(_decision_wait(mapping_at(config, "processors", sampler)))
    if not decision_waits:
        return {}
    return {"span_status": "error", "timeout_seconds": max(_TIMEOUT_SECONDS, max(decision_waits) + _MARGIN_SECONDS)}


# ── Samplers ──


def _keeps_probe(config: Mapping[str, Any], sampler: str) -> bool:
    """Return whether a sampler keeps all records, or all spans that failed."""
    settings = mapping_at(config, "processors", sampler)
    percentage = settings.get("sampling_percentage")
    if isinstance(percentage, (int, float)) and percentage >= _ALL_PERCENT:
        return True
    for policy in list_at(settings, "policies"):
        if value_at(policy, ("type",)) == "always_sample" or "ERROR" in list_at(policy, "status_code", "status_codes"):
            return True
    return False


def _decision_wait(sampler_settings: Mapping[str, Any]) -> float:
    """Return for how many seconds a tail sampler waits for the spans of a trace."""
    wait = sampler_settings.get("decision_wait")
    return _DECISION_SECONDS if wait is None else parse_duration(wait)


# ── Ways through the pipelines ──


class _SignalPath(NamedTuple):
    """A way of data from an OTLP receiver to an exporter: the signal that is received, and the samplers on the way."""

    signal: str
    samplers: tuple[str, ...]


def _find_ways_from_receivers(config: Mapping[str, Any]) -> Iterator[_SignalPath]:
    """Yield the ways from all OTLP receivers of a config."""
    graph = PipelineGraph.of(config)
    for pipeline in _list_entry_pipelines(graph):
        for samplers in _find_ways_out(graph, pipeline):
            yield _SignalPath(signal_of(pipeline), samplers)


def _list_entry_pipelines(graph: PipelineGraph) -> list[str]:
    """Return the pipelines that have an OTLP receiver."""
    entry_pipelines = []
    for pipeline in graph.pipelines:
        if any(kind_of(receiver) == "otlp" for receiver in graph.list_ids(pipeline, "receivers")):
            entry_pipelines.append(pipeline)
    return entry_pipelines


def _find_ways_out(
    graph: PipelineGraph, pipeline: str, passed_pipelines: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Yield the samplers on each way out of a pipeline, also through connectors that hand on what they get.

    A way does not come back to the pipelines that it has passed.
    """
    own_samplers = tuple(filter(samples_records, graph.list_ids(pipeline, "processors")))
    for exporter in graph.list_ids(pipeline, "exporters"):
        if exporter not in graph.connectors:
            yield own_samplers
        for next_pipeline in graph.find_pipelines_behind(pipeline, exporter):
            if next_pipeline in passed_pipelines:
                continue
            for later_samplers in _find_ways_out(graph, next_pipeline, (*passed_pipelines, pipeline)):
                yield (*own_samplers, *later_samplers)
