# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How records go from pipeline to pipeline. Each graph is a list of `pipeline: receivers > exporters`."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.pipelines import (
    PipelineGraph,
    signal_of,
)

TWO_SIGNALS = """
traces: otlp > forward, kafka
traces/a: forward > otlp
logs: otlp > forward
logs/a: forward > otlp
"""
CHAIN = """
traces: otlp > forward
traces/between: forward > routing
traces/end: routing > otlp
"""
MADE = """
traces: otlp > datadog, span_metrics
traces/kept: datadog > otlp
metrics: datadog, span_metrics > otlp
"""
SELF = "traces: otlp, forward > forward"


def graph(text: str) -> PipelineGraph:
    pipelines: dict[str, Any] = {}
    for line in text.strip().splitlines():
        name, _colon, ends = line.partition(": ")
        receivers, exporters = (side.split(", ") for side in ends.split(" > "))
        pipelines[name] = {"receivers": receivers, "exporters": exporters}
    connectors = dict.fromkeys(("forward", "routing", "datadog", "span_metrics"))
    return PipelineGraph.of({"connectors": connectors, "service": {"pipelines": pipelines}})


@pytest.mark.parametrize(
    ("text", "pipeline", "before"),
    [
        (TWO_SIGNALS, "logs/a", {"logs": "forward"}),
        (CHAIN, "traces/end", {"traces/between": "routing", "traces": "forward"}),
        (MADE, "traces/kept", {"traces": "datadog"}),
        (MADE, "metrics", {}),
        (SELF, "traces", {}),
        (CHAIN, "unknown", {}),
    ],
)
def test_records_come_by_connectors_that_hand_on_within_a_signal(
    text: str, pipeline: str, before: dict[str, str]
) -> None:
    assert graph(text).find_feeding_pipelines(pipeline) == before


@pytest.mark.parametrize(
    ("text", "pipeline", "connector", "behind"),
    [
        (TWO_SIGNALS, "traces", "forward", ["traces/a"]),
        (MADE, "traces", "datadog", ["traces/kept"]),
        (MADE, "traces", "span_metrics", []),
        (TWO_SIGNALS, "traces", "kafka", []),
        (SELF, "traces", "forward", []),
    ],
)
def test_the_other_way_is_the_same(text: str, pipeline: str, connector: str, behind: list[str]) -> None:
    found = graph(text)
    assert list(found.find_pipelines_behind(pipeline, connector)) == behind
    assert all(pipeline in found.find_connector_sources(connector, other) for other in behind)


@pytest.mark.parametrize(
    ("pipeline", "others", "holds"),
    [
        ("traces/end", {"traces"}, True),
        ("traces/end", {"traces/between"}, True),
        ("traces/end", {"logs"}, False),
        ("traces", {"traces/end"}, False),
    ],
)
def test_what_gets_records_only_from_others(pipeline: str, others: set[str], holds: bool) -> None:
    assert graph(CHAIN).is_fed_only_by(pipeline, others) is holds


def test_pipelines_in_a_circle_get_records_from_nowhere() -> None:
    assert (
        graph("traces/a: forward > routing\ntraces/b: routing > forward").is_fed_only_by("traces/a", {"logs"}) is False
    )


def test_many_ways_through_many_layers_take_no_time() -> None:
    """Two pipelines in each of 200 layers: there are 2 to the power of 200 ways."""
    pipelines: dict[str, Any] = {"traces": {"receivers": ["otlp"], "exporters": ["forward/0"]}}
    for layer in range(200):
        ends = {"receivers": [f"forward/{layer}"], "exporters": [f"forward/{layer + 1}"]}
        pipelines |= {f"traces/a{layer}": ends, f"traces/b{layer}": ends}
    connectors = {f"forward/{layer}": None for layer in range(201)}
    layered = PipelineGraph.of({"connectors": connectors, "service": {"pipelines": pipelines}})
    assert layered.is_fed_only_by("traces/a199", {"traces"}) is True
    assert layered.is_fed_only_by("traces/a199", {"logs"}) is False


def test_components_have_the_signals_of_their_pipelines_and_connectors_are_none() -> None:
    assert graph(TWO_SIGNALS).find_signals_by_id("exporters") == {"kafka": ("traces",), "otlp": ("traces", "logs")}
    assert graph(TWO_SIGNALS).find_signals_by_id("processors") == {}
    assert signal_of("traces/a/b") == "traces"


def test_ids_and_signals_are_read_without_white_space_around_them() -> None:
    """As the Collector reads them. A pipeline keeps the key by which the config has it."""
    pipelines = {
        "traces ": {"receivers": ["otlp"], "exporters": ["kafka / a", " forward/b"]},
        " traces / b": {"receivers": ["forward / b"], "exporters": ["otlp "]},
    }
    spaced = PipelineGraph.of({"connectors": {" forward / b": None}, "service": {"pipelines": pipelines}})
    assert spaced.find_signals_by_id("exporters") == {"kafka/a": ("traces",), "otlp": ("traces",)}
    assert list(spaced.find_feeders(" traces / b")) == [("traces ", "forward/b")]


@pytest.mark.parametrize("odd", [None, [], {"service": {"pipelines": {1: None, "traces": {"receivers": [None, "a"]}}}}])
def test_what_is_no_text_is_left_out(odd: Any) -> None:
    assert PipelineGraph.of(odd).find_signals_by_id("receivers") in ({}, {"a": ("traces",)})
