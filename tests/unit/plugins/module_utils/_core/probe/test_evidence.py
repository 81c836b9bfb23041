# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the arrival of a probe in logs and metrics."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.probe.evidence import counters, excerpt, growth

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
AS_JSON = json.dumps({"level": "info", "msg": SPANS.rpartition("\n")[0], "otelcol.component.id": "debug"})


@pytest.mark.parametrize("text", [SPANS, AS_JSON])
def test_the_record_of_the_probe_is_cut_out(text: Any) -> None:
    lines = excerpt(f"start\n{text}", "traces", "mine")
    assert lines[0] == "ResourceSpans #1"
    assert lines[-1].startswith("Span #0")
    assert "Str(mine)" in lines[2]
    assert "other" not in "".join(lines)


@pytest.mark.parametrize(("signal", "probe"), [("traces", "absent"), ("metrics", "mine"), ("logs", "mine")])
def test_another_record_is_no_evidence(signal: Any, probe: Any) -> None:
    assert excerpt(SPANS, signal, probe) == []


def test_a_long_record_is_cut() -> None:
    assert len(excerpt("ResourceSpans #0\nmine" + "\nline" * 99, "traces", "mine")) == 25


@cases(
    "line",
    'otelcol_receiver_accepted_spans{receiver="otlp"} 3',
    'otelcol_receiver_accepted_spans_total{receiver="otlp"} 3',
    'otelcol_receiver_accepted_spans__spans__total{receiver="otlp"} 3',
    "otelcol_receiver_accepted_spans__spans_ 3e+00",
)
def test_counters_of_all_versions_are_read(line: Any) -> None:
    assert counters(f"# HELP x\n{line}\nother 1\n") == {("receiver_accepted", "spans"): 3}


def test_counters_are_summed() -> None:
    assert counters('otelcol_exporter_sent_spans{exporter="a"} 1\notelcol_exporter_sent_spans{exporter="b"} 2') == {
        ("exporter_sent", "spans"): 3
    }


IN, OUT = ("receiver_accepted", "spans"), ("exporter_sent", "spans")


@cases(
    "after, arrived, trouble",
    ({IN: 1, OUT: 1}, True, []),
    ({IN: 1}, False, []),
    ({IN: 1, ("exporter_send_failed", "spans"): 1}, False, ["otelcol_exporter_send_failed_spans +1"]),
    ({("receiver_accepted", "log_records"): 1, ("exporter_sent", "log_records"): 1}, False, []),
)
def test_growth_in_and_out_is_an_arrival(after: Any, arrived: Any, trouble: Any) -> None:
    found = growth(Counter(), Counter(after), "traces")
    assert (found[0], found[2]) == (arrived, trouble)
