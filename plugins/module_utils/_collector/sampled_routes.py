# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which signals reach an exporter of a collector although it samples, so that a test with telemetry can find them.

A route leads from a pipeline with an OTLP receiver to an exporter, through connectors too. A sampler on it may drop the
spans of a test. `probing.py` and the diagnosis of hosts ask for the signals that pass, and for how to test them.

Example: pipeline `traces` has processor `tail_sampling`, whose policies keep spans with status ERROR. Then signal
`traces` passes, with spans that say that they failed, after the decision wait of the sampler. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypedDict

from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.config.pipelines import PipelineGraph, signal_of
from .._otelcol.needs.quantities import parse_duration
from .._otelcol.otlp_requests import OTLP_SIGNALS
from .._otelcol.traits import kind_of, samples_records

# Why a collector is not tested, in a cluster or on a host.
NO_HTTP_RECEIVER = "it has no OTLP receiver over HTTP"
SAMPLER_MAY_DROP = "its sampler may drop what is sent"

_TAIL_SAMPLER = "tailsampling"
# How many seconds a test takes at most, unless a tail sampler waits longer.
_TIMEOUT_SECONDS = 30
# How many seconds telemetry may take after a tail sampler has decided.
_MARGIN_SECONDS = 20
# How many seconds a tail sampler waits without settings. Source: createDefaultConfig of tailsamplingprocessor.
_DEFAULT_DECISION_SECONDS = 30
_ALL_PERCENT = 100


class SampledProbe(TypedDict, total=False):
    """What a test adds for tail samplers; empty without any."""

    span_status: str
    """`error`: the spans that are sent say that they failed, since samplers keep those."""
    timeout_seconds: float


def list_received_signals(config: Mapping[str, Any]) -> list[str]:
    """Return the signals whose pipelines have an OTLP receiver."""
    otlp_signals = {signal_of(pipeline) for pipeline in _list_otlp_pipelines(PipelineGraph.of(config))}
    return [signal for signal in OTLP_SIGNALS if signal in otlp_signals]


def list_passed_signals(config: Mapping[str, Any]) -> list[str]:
    """Return the received signals with a route to an exporter on which no sampler drops the data of a test."""
    routes = list(_find_routes(config))
    passed_signals = []
    for signal in list_received_signals(config):
        routes_of_signal = [route for route in routes if route.signal == signal]
        # Without a route, no sampler drops anything.
        if not routes_of_signal or any(_passes_probe(config, route) for route in routes_of_signal):
            passed_signals.append(signal)
    return passed_signals


def plan_sampled_probe(config: Mapping[str, Any]) -> SampledProbe:
    """Return how to test tail samplers: they keep spans that failed, after they have waited for the whole trace."""
    decision_waits = []
    for route in _find_routes(config):
        for sampler in route.samplers:
            if kind_of(sampler) == _TAIL_SAMPLER:
                decision_waits.append(_read_decision_wait(mapping_at(config, "processors", sampler)))
    if not decision_waits:
        return {}
    return {"span_status": "error", "timeout_seconds": max(_TIMEOUT_SECONDS, max(decision_waits) + _MARGIN_SECONDS)}


# ── Samplers ──


class _Route(NamedTuple):
    """A route of data from an OTLP receiver to an exporter: the signal that is received, and the samplers on it."""

    signal: str
    samplers: tuple[str, ...]


def _passes_probe(config: Mapping[str, Any], route: _Route) -> bool:
    """Return whether the data of a test passes all samplers of a route."""
    return all(_keeps_probe(mapping_at(config, "processors", sampler)) for sampler in route.samplers)


def _keeps_probe(sampler_settings: Mapping[str, Any]) -> bool:
    """Return whether a sampler keeps all records, or all spans that failed."""
    # The option of a probabilistic sampler. It decides at random, so a smaller share may drop the data of a test.
    percentage = sampler_settings.get("sampling_percentage")
    if isinstance(percentage, (int, float)) and percentage >= _ALL_PERCENT:
        return True
    # The option of a tail sampler, which keeps a trace that one of its policies keeps. The spans of a test have failed.
    for policy in list_at(sampler_settings, "policies"):
        keeps_all = value_at(policy, ("type",)) == "always_sample"
        keeps_errors = "ERROR" in list_at(policy, "status_code", "status_codes")
        if keeps_all or keeps_errors:
            return True
    return False


def _read_decision_wait(sampler_settings: Mapping[str, Any]) -> float:
    """Return for how many seconds a tail sampler waits for the spans of a trace."""
    wait = sampler_settings.get("decision_wait")
    return _DEFAULT_DECISION_SECONDS if wait is None else parse_duration(wait)


# ── Routes through the pipelines ──


def _find_routes(config: Mapping[str, Any]) -> Iterator[_Route]:
    """Yield the routes from all OTLP receivers of a config."""
    graph = PipelineGraph.of(config)
    for pipeline in _list_otlp_pipelines(graph):
        for samplers in _find_samplers_behind(graph, pipeline, passed_pipelines=()):
            yield _Route(signal_of(pipeline), samplers)


def _list_otlp_pipelines(graph: PipelineGraph) -> list[str]:
    """Return the pipelines that have an OTLP receiver."""
    otlp_pipelines = []
    for pipeline in graph.pipelines:
        if any(kind_of(receiver) == "otlp" for receiver in graph.list_ids(pipeline, "receivers")):
            otlp_pipelines.append(pipeline)
    return otlp_pipelines


def _find_samplers_behind(
    graph: PipelineGraph, pipeline: str, passed_pipelines: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield the samplers on each route from a pipeline to an exporter, also through connectors that hand on data.

    A route does not come back to the pipelines that it has passed.
    """
    own_samplers = tuple(filter(samples_records, graph.list_ids(pipeline, "processors")))
    for exporter in graph.list_ids(pipeline, "exporters"):
        if exporter not in graph.connectors:
            yield own_samplers  # the route ends here: there is no pipeline behind an exporter
        for next_pipeline in graph.find_pipelines_behind(pipeline, exporter):
            if next_pipeline in passed_pipelines:
                continue
            for later_samplers in _find_samplers_behind(graph, next_pipeline, (*passed_pipelines, pipeline)):
                yield (*own_samplers, *later_samplers)
