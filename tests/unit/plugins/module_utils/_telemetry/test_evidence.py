# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the arrival of a probe in logs and metrics."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.evidence import (
    ItemCounter,
    compare_counters,
    find_probe_lines,
    read_item_counters,
)

from ..helpers import cases

SPANS = """2026-01-01T00:00:00Z\tinfo\tResourceSpans #0
Resource SchemaURL:
Resource attributes:
     -> o11y.probe.id: Str(other)
ResourceSpans #1
Resource attributes:
     -> o11y.probe.id: Str(mine)
Span #0
\t{"otelcol.component.id": "debug"}"""
IN, OUT = ItemCounter("receiver_accepted", "spans"), ItemCounter("exporter_sent", "spans")
AS_JSON = json.dumps({"level": "info", "msg": SPANS.rpartition("\n")[0], "otelcol.component.id": "debug"})


@pytest.mark.parametrize("text", [SPANS, AS_JSON])
def test_the_record_of_the_probe_is_cut_out(text: str) -> None:
    lines = find_probe_lines(f"start\n{text}", "traces", "mine")
    assert lines[0] == "ResourceSpans #1" and lines[-1].startswith("Span #0")
    assert "Str(mine)" in lines[2] and "other" not in "".join(lines)
    for signal, probe in (("traces", "absent"), ("metrics", "mine"), ("logs", "mine")):
        assert find_probe_lines(text, signal, probe) == []
    assert len(find_probe_lines("ResourceSpans #0\nmine" + "\nline" * 99, "traces", "mine")) == 25


@cases(
    "line",
    'otelcol_receiver_accepted_spans{receiver="otlp"} 3',
    'otelcol_receiver_accepted_spans_total{receiver="otlp"} 3',
    'otelcol_receiver_accepted_spans__spans__total{receiver="otlp"} 3',
    "otelcol_receiver_accepted_spans__spans_ 3e+00",
    'otelcol_receiver_accepted_spans{receiver="a"} 1\notelcol_receiver_accepted_spans{receiver="b"} 2',
)
def test_counters_of_all_versions_are_read_and_summed(line: str) -> None:
    assert read_item_counters(f"# HELP x\n{line}\nother 1\n") == {IN: 3}


@pytest.mark.parametrize("name", ["processor_refused_spans", "processor_memory_limiter_refused_spans_total"])
def test_what_the_memory_limiter_refuses_is_read_by_both_names(name: str) -> None:
    assert list(read_item_counters(f"otelcol_{name} 2\n").values()) == [2]


@cases(
    "after, arrived, trouble",
    ({IN: 1, OUT: 1}, True, []),
    ({IN: 1}, False, []),
    ({IN: 1, ItemCounter("exporter_send_failed", "spans"): 1}, False, ["otelcol_exporter_send_failed_spans +1"]),
    ({IN._replace(item_name="log_records"): 1, OUT._replace(item_name="log_records"): 1}, False, []),
)
def test_growth_in_and_out_is_an_arrival(after: Any, arrived: Any, trouble: Any) -> None:
    found = compare_counters(Counter(), Counter(after), "traces")
    assert (found[0], found[2]) == (arrived, trouble)
