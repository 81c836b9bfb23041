# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast says what its replay cannot tell."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.replay_notes import (
    list_replay_notes,
    list_signal_notes,
)

from tests.support.cases import cases

PIPELINE = {"receivers": ["otlp"], "exporters": ["otlp_grpc"]}
SERVICE = {"service": {"pipelines": {"traces": PIPELINE}}}
BY_SECOND = {"name": "few", "type": "rate_limiting"}
COMPOSITE = {"name": "mix", "type": "composite", "composite": {"max_total_spans_per_second": 100}}
AND = {"name": "both", "type": "and", "and": {"and_sub_policy": [{"name": "slow", "type": "latency"}, BY_SECOND]}}
AND_OF_OTHERS = {**AND, "and": {"and_sub_policy": [{"name": "slow", "type": "latency"}]}}
POLICIES = [{"name": "slow", "type": "latency"}, BY_SECOND]


@cases(
    "config, said",
    ({"connectors": {"span_metrics/a": None}}, ["span_metrics/a: sends by time"]),
    ({"connectors": {"spanmetrics": {}}}, ["spanmetrics: sends by time"]),
    ({"processors": {"tail_sampling": {"policies": POLICIES}}}, ["tail_sampling: policy few keeps an amount"]),
    ({"processors": {"tail_sampling": {"policies": [COMPOSITE]}}}, ["tail_sampling: policy mix keeps an amount"]),
    ({"processors": {"tail_sampling": {"policies": [AND]}}}, ["tail_sampling: policy both keeps an amount"]),
    ({"processors": {"tail_sampling": {"policies": [AND_OF_OTHERS, "${env:POLICY}"]}}}, []),
    ({"processors": {"k8s_attributes": {}, "batch": {}}}, ["k8s_attributes: it knows no pods here"]),
    ({"processors": {"filter": {}}}, []),
)
def test_parts_that_a_replay_cannot_tell_are_noted(config: dict[str, Any], said: list[str]) -> None:
    notes = list(list_replay_notes({**SERVICE, **config}, ("otlp_grpc/a",)))
    assert len(notes) == len(said)
    assert all(note.startswith(words) for note, words in zip(notes, said, strict=True))


def test_exporters_of_other_protocols_are_noted() -> None:
    assert list(list_replay_notes(SERVICE, ("kafka", "otlp_http", "debug"))) == [
        "kafka: its bytes are counted as OTLP in gzip, which it does not send",
        "debug: it sends nothing to another machine, so it costs nothing here",
    ]


def test_what_a_capture_does_not_tell_of_the_way_in_is_noted() -> None:
    two = {"service": {"pipelines": {"traces/a": PIPELINE, "traces/b": {**PIPELINE, "receivers": ["jaeger"]}}}}
    (note,) = list_replay_notes(two, ())
    assert note.startswith("traces: all go in at one of otlp, jaeger")
    for batch in (
        {"metadata_keys": ["tenant"]},
        {"a": {"from_context": "tenant"}},
        {"s": ['request["tenant"] == "a"']},
    ):
        (note,) = list_replay_notes({**SERVICE, "processors": {"batch": batch}}, ())
        assert note.startswith("a capture has no headers of requests")


@cases(
    "came, said",
    ({"traces": 5, "logs": 1}, []),
    ({"traces": 5, "logs": 0}, ["the capture has no logs, so the forecast says nothing of them"]),
    ({"metrics": 5}, ["the capture has no traces, logs, so the forecast says nothing of them"]),
)
def test_signals_that_receivers_take_and_the_capture_lacks_are_told(came: dict[str, int], said: list[str]) -> None:
    assert list(list_signal_notes({"logs", "traces", "profiles"}, came)) == said
