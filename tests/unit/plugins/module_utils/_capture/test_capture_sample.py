# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample ends at the bound that is met first, and takes nothing but OTLP JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.capture_manifest import build_manifest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.capture_sample import (
    Bounds,
    CaptureSample,
    LineSplitter,
    SampleEnd,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.collector_rates import ServedRecords
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.record_masks import RecordMasks
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem


def logs(count: int) -> bytes:
    records = [{"body": {"stringValue": "order 4711"}}] * count
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()


def sample(**bounds: Any) -> tuple[CaptureSample, list[tuple[str, bytes]]]:
    written: list[tuple[str, bytes]] = []
    most = Bounds(**{"seconds": 60, "records": 10**6, "octets": 10**9, **bounds})
    return CaptureSample(RecordMasks(b"k" * 32), most, lambda *line: written.append(line)), written


@pytest.mark.parametrize(
    ("bounds", "ended"), [({"records": 6}, "records"), ({"octets": 2 * len(logs(3))}, "bytes"), ({}, "")]
)
def test_the_first_bound_ends_a_sample(bounds: dict[str, int], ended: str) -> None:
    taken, written = sample(**bounds)
    taken.add(logs(3), "here")
    assert taken.full == ""
    taken.add(logs(3), "here")
    assert (taken.full, taken.records, len(written)) == (ended, 6, 2)


def test_the_bytes_of_a_line_with_several_signals_count_once() -> None:
    line = json.dumps({"resourceLogs": [{}], "resourceSpans": [{}]}).encode()
    taken, written = sample(octets=2 * len(line))
    taken.add(line, "here")
    assert ([signal for signal, _line in written], taken.full) == (["traces", "logs"], "")
    taken.add(line, "here")
    assert taken.full == "bytes"


def test_rates_are_those_of_the_time() -> None:
    taken, _written = sample()
    taken.add(logs(30), "here")
    shown = build_manifest({"source": "pod"}, taken, SampleEnd(10.0, "seconds"))
    assert shown["signals"]["logs"]["records_per_second"] == 3.0
    of_files = build_manifest({}, taken, SampleEnd(0.0, "end of the files"))
    assert not [key for key in of_files["signals"]["logs"] if "per_second" in key]


def test_what_the_other_pods_receive_is_added_to_what_the_own_one_does() -> None:
    taken, _written = sample()
    taken.add(logs(30), "here")
    served = ServedRecords({"logs": 90.0, "traces": 7.0}, seconds=20.0, known_pod_count=2, ready_pod_count=2)
    shown = build_manifest({}, taken, SampleEnd(10.0, "seconds", served))
    assert shown["signals"]["logs"]["collector_records_per_second"] == 6.0
    assert (shown["rates_of_pods"], [*shown["signals"]]) == (2, ["logs"])
    assert "rates_of_pods" not in build_manifest({}, taken, SampleEnd(1.0, "records", served))


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (b"\x0a\x15binary", "this is no JSON"),
        (b'{"resourceLogs": [{"scope', "this is no JSON"),
        (b"[" * 100_000, "this is no JSON"),
        (b'{"level": "info"}', "no request of OTLP"),
        (b"[1]", "no request of OTLP"),
        (b'{"resourceLogs": 5}', "not of OTLP"),
        (b'{"resourceLogs": [{"resource": {"attributes": [5]}}]}', "not of OTLP"),
        (
            b'{"resourceLogs": [{"resource": {"attributes": [{"key": "n", "value": {"intValue": "x"}}]}}]}',
            "not of OTLP",
        ),
    ],
)
def test_foreign_lines_are_named_without_their_content(line: bytes, wrong: str) -> None:
    taken, written = sample()
    with pytest.raises(Problem, match=wrong) as problem:
        taken.add(line, "x.jsonl, line 7")
    assert "x.jsonl, line 7" in str(problem.value)
    assert "binary" not in str(problem.value)
    assert written == []


def test_lines_are_whole_however_their_parts_come() -> None:
    lines = LineSplitter()
    assert [line for part in (b"ab", b"c\nd", b"\n\ne\nf") for line in lines.split_off_lines(part)] == [
        b"abc",
        b"d",
        b"e",
    ]
    assert lines.unfinished_line == b"f"
