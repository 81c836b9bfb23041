# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures are read whole, or a message says which line is wrong."""

from __future__ import annotations

import gzip
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._forecast.captured import (
    check_not_in_capture,
    read_capture,
)

from tests.support.cases import cases

LOGS: dict[str, Any] = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{}, {}]}]}]}
SPANS: dict[str, Any] = {"resourceSpans": []}
TEXT = "".join(json.dumps(request) + "\n" for request in (LOGS, SPANS, LOGS))


def test_a_folder_has_requests_of_all_its_files_and_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(TEXT.encode()))
    (tmp_path / "b.json").write_text(f"\n{TEXT}\n")
    (tmp_path / "notes.txt").write_text("no capture")
    (tmp_path / "manifest.json").write_text('{"collector": "gateway"}')
    capture = read_capture(tmp_path)
    assert [request.signal for request in capture.read_requests()] == ["logs", "traces", "logs"] * 2
    assert capture.manifest == {"collector": "gateway"}
    assert [request.items for request in capture.read_requests()] == [2, 0, 2] * 2, "it can be read again"
    assert [content.signal for content in capture.read_contents()] == ["logs", "traces", "logs"] * 2


def test_a_capture_that_changes_between_two_replays_is_refused(tmp_path: Path) -> None:
    """The kinds of the lines are known from the first reading."""
    file = tmp_path / "a.jsonl"
    file.write_text(TEXT)
    capture = read_capture(tmp_path)
    assert len(list(capture.read_requests())) == 3
    for text in (TEXT * 2, TEXT.partition("\n")[0]):
        file.write_text(text)
        with pytest.raises(Problem, match="the capture changes while it is read"):
            list(capture.read_requests())


def test_a_file_alone_is_a_capture(tmp_path: Path) -> None:
    (tmp_path / "of-others.json").write_text(TEXT)
    capture = read_capture(tmp_path / "of-others.json")
    request, content = next(capture.read_requests()), next(capture.read_contents())
    assert (request.signal, json.loads(request.body)) == ("logs", LOGS)
    assert (content.signal, content.request) == ("logs", LOGS)


@cases(
    "name, content, said",
    ("a.json", b"{", "a.json:1).*no JSON"),
    ("a.json", TEXT.encode() + b"{}\n", "a.json:4"),
    ("a.json", b'"resourceLogs"\n', "is no request of OTLP"),
    ("a.json", b"\xff\xfe\n", "no JSON"),
    ("a.json", b'{"resourceLogs": [1]}\n', "a.json:1).*is JSON, but not of OTLP"),
    ("a.jsonl.gz", gzip.compress(TEXT.encode(), mtime=0)[:-9], "cut off or damaged"),
    ("a.jsonl.gz", gzip.compress(TEXT.encode(), mtime=0)[:40] + b"plain text", "cut off or damaged"),
    ("a.jsonl.gz", b"plain text", "a.jsonl.gz:1).*no JSON"),
)
def test_what_is_no_whole_capture_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Problem) as problem:
        list(read_capture(tmp_path).read_requests())
    assert all(words in str(problem.value) for words in said.split(").*"))


def test_a_folder_without_a_capture_and_a_wrong_manifest_are_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"there is no capture in .*: no file ends in"):
        read_capture(tmp_path)
    with pytest.raises(Problem, match="there is no capture"):
        read_capture(tmp_path / "nowhere.json")
    (tmp_path / "a.json").write_text(TEXT)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(Problem, match="manifest of a capture is no mapping"):
        read_capture(tmp_path)


@cases(
    "name, is_refused",
    ("a.jsonl.gz", True),
    ("savings.json", True),
    ("manifest.json", True),
    ("forecast.html", False),
    ("../savings.json", False),
    ("other/savings.json", False),
)
def test_a_report_is_no_file_of_a_capture(tmp_path: Path, name: str, is_refused: bool) -> None:
    folder = tmp_path / "capture"
    folder.mkdir()
    refused = pytest.raises(Problem, match=r"`output_path` is .*, in the folder of the capture")
    with refused if is_refused else nullcontext():
        check_not_in_capture(str(folder / name), str(folder), "output_path")
    check_not_in_capture(None, str(folder), "output_path")


@pytest.mark.parametrize("half", [b"\\ud800", b"\\uDBFF", b"\xed\xa0\x80"], ids=["escaped", "upper_case", "bytes"])
def test_half_a_character_is_read_as_the_collector_reads_it(tmp_path: Path, half: bytes) -> None:
    """No file can hold it, and it may be in a proposal."""
    file = tmp_path / "logs.jsonl"
    body = b'{"body": {"stringValue": "\\\\ud83d \\ud83d\\ude00 ' + half + b'"}}'
    file.write_bytes(b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [' + body + b"]}]}]}\n")
    (content,) = read_capture(file).read_contents()
    (record,) = content.request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert record["body"]["stringValue"] == "\\ud83d \U0001f600 \ufffd"
