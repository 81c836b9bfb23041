# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a collector is probed: what is sent to it, where it is counted, and to whom its exporters send. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._otelcol.config.paths import at, items, section
from .._otelcol.config.pipelines import PipelineGraph, signal_of
from .._otelcol.needs.quantities import duration
from .._otelcol.traits import is_for_trials, kind_of, samples_records
from .manifests.build import CollectorBuild
from .manifests.network import OTLP_HTTP, plain_ports

_COUNTS = "metrics"
_SIGNALS = ("traces", "metrics", "logs")
_TAIL_SAMPLER = "tailsampling"
# Seconds of a probe by default, those for the way behind a sampler, and how long tail_sampling waits by default.
_PATIENCE, _MARGIN, _DECISION = 30, 20, 30
_ALL = 100  # percent


def probe(build: CollectorBuild, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what to send through the API server, and where it must be counted; None if that is not possible.

    Telemetry goes in by OTLP/HTTP in clear text, and is counted where the collector serves its own metrics.
    """
    if unprobed(build, config):
        return None
    ports = plain_ports(build, config)
    pods = {"namespace": build.collector.namespace, "selector": build.collector.selector_text}
    via = {**pods, "port": ports[OTLP_HTTP]}
    arrival = {**pods, "evidence": "metrics", "metrics_port": ports[_COUNTS]}
    return {
        "name": build.collector.name,
        "via": via,
        "arrival": arrival,
        "signals": passed_signals(config),
        **sampled_probe(config),
    }


def hop(build: CollectorBuild, receivers: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    """Return how to see what a collector takes and sends on, by the collectors that its exporters send to."""
    collector = build.collector
    if collector.mode == "sidecar":  # it has no pods of its own
        return None
    exporting = PipelineGraph.of(build.config).signals_by_id("exporters")
    signals = {name: found for name, found in exporting.items() if not is_for_trials(name)}
    return {
        "name": f"{collector.namespace}/{collector.name}",
        "namespace": collector.namespace,
        "selector": collector.selector_text,
        "metrics_port": plain_ports(build, build.config).get(_COUNTS, 0),
        "exporters": {
            name: {"signals": sorted(signals[name]), "to": list(receivers.get(name, ()))} for name in sorted(signals)
        },
    }


def unprobed(build: CollectorBuild, config: Mapping[str, Any]) -> str:
    """Return why a collector cannot be tested through the API server; empty if it can."""
    ports, plain = {port.name for port in build.needs.ports}, plain_ports(build, config)
    reasons = (
        (build.collector.mode == "sidecar", "it runs in the pods of applications, on localhost"),
        (OTLP_HTTP in ports and OTLP_HTTP not in plain, "its OTLP receiver over HTTP requires TLS"),
        (OTLP_HTTP not in ports or not received_signals(config), "it has no OTLP receiver over HTTP"),
        (not passed_signals(config), "its sampler may drop what is sent"),
        (_COUNTS not in ports, "it does not serve its own metrics, in which the data would be counted"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def not_tested(build: CollectorBuild, config: Mapping[str, Any]) -> str:
    """Return why a collector, or a signal of it, is not tested; empty if all is."""
    left = [signal for signal in received_signals(config) if signal not in passed_signals(config)]
    return unprobed(build, config) or (f"its {' and '.join(left)}, which a sampler may drop" if left else "")


def _entered(graph: PipelineGraph) -> list[str]:
    """Return the pipelines that have an OTLP receiver."""
    receives = {pipeline: graph.listed(pipeline, "receivers") for pipeline in graph.pipelines}
    return [pipeline for pipeline, names in receives.items() if any(kind_of(name) == "otlp" for name in names)]


def _paths(config: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each signal that an OTLP receiver takes, with the samplers on each way to an exporter."""
    graph = PipelineGraph.of(config)
    for pipeline in _entered(graph):
        for samplers in _ways(graph, pipeline):
            yield signal_of(pipeline), samplers


def _ways(graph: PipelineGraph, pipeline: str, passed: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the samplers on each way out of a pipeline, also through connectors that hand on what they get."""
    own = tuple(filter(samples_records, graph.listed(pipeline, "processors")))
    for exporter in graph.listed(pipeline, "exporters"):
        if exporter not in graph.connectors:
            yield own
        for other in graph.behind(pipeline, exporter):
            if other not in passed:
                yield from ((*own, *behind) for behind in _ways(graph, other, (*passed, pipeline)))


def received_signals(config: Mapping[str, Any]) -> list[str]:
    """Return the signals whose pipelines have an OTLP receiver."""
    found = {signal_of(pipeline) for pipeline in _entered(PipelineGraph.of(config))}
    return [signal for signal in _SIGNALS if signal in found]


def passed_signals(config: Mapping[str, Any]) -> list[str]:
    """Return the signals of which a way passes every record, or every span that failed."""
    passes: dict[str, bool] = {}
    for signal, samplers in _paths(config):
        keeps_all = all(_keeps(config, sampler) for sampler in samplers)
        passes[signal] = passes.get(signal, False) or keeps_all
    return [signal for signal in received_signals(config) if passes.get(signal, True)]


def _keeps(config: Mapping[str, Any], sampler: str) -> bool:
    """Whether a sampler keeps all records, or all spans that failed."""
    settings = section(config, "processors", sampler)
    share = settings.get("sampling_percentage")
    if isinstance(share, (int, float)) and share >= _ALL:
        return True
    for policy in items(settings, "policies"):
        if at(policy, ("type",)) == "always_sample" or "ERROR" in items(policy, "status_code", "status_codes"):
            return True
    return False


def sampled_probe(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how to probe tail samplers: they keep spans that failed, after they have waited for the whole trace."""
    waits = []
    for _signal, samplers in _paths(config):
        for name in samplers:
            if kind_of(name) == _TAIL_SAMPLER:
                waits.append(_decision_wait(section(config, "processors", name)))
    if not waits:
        return {}
    return {"span_status": "error", "timeout_seconds": max(_PATIENCE, max(waits) + _MARGIN)}


def _decision_wait(sampler: Mapping[str, Any]) -> float:
    """Return for how many seconds a tail sampler waits for the spans of a trace."""
    wait = sampler.get("decision_wait")
    return _DECISION if wait is None else duration(wait)
