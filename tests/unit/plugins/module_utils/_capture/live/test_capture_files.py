# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as captures: what exporter file and others wrote is read, what is broken or foreign is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.live.capture_task import (
    ARGUMENTS,
    capture_all,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem


def logs(body: str = "order 4711") -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": body}}]}]}]}


def options(tmp_path: Path, *files: Path, **more: Any) -> dict[str, Any]:
    defaults = {name: argument.get("default") for name, argument in ARGUMENTS.items()}
    return {**defaults, "path": str(tmp_path / "captures"), "files": [str(file) for file in files], **more}


def read(tmp_path: Path, *files: Path, **more: Any) -> dict[str, Any]:
    return capture_all(options(tmp_path, *files, **more), lambda: pytest.fail("a cluster is asked"), check=False)


def written(folder: Path, content: bytes) -> Path:
    file = folder / "x.jsonl"
    file.write_bytes(content)
    return file


LINES = b"".join(json.dumps(logs()).encode() + b"\n" for _line in range(3))


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (LINES, 3),
        (LINES[:-1], 3),
        (gzip.compress(LINES, mtime=0), 3),
        (b"\n" + LINES, 3),
        (json.dumps(logs(), indent=2).encode(), 1),
    ],
)
def test_lines_and_documents_are_read(tmp_path: Path, content: bytes, records: int) -> None:
    result = read(tmp_path, written(tmp_path, content))
    (row,) = result["captures"]
    assert (row["records"], row["ended_by"], result["changed"], result["warnings"]) == (
        records, "end of the files", True, [],
    )  # fmt: skip
    lines = gzip.decompress((tmp_path / "captures/files/logs.jsonl.gz").read_bytes())
    assert b"4711" not in lines
    assert lines.count(b"\n") == records


def test_a_line_that_is_still_written_is_left_out_and_told(tmp_path: Path) -> None:
    result = read(tmp_path, written(tmp_path, LINES[:-9]))
    assert result["captures"][0]["records"] == 2
    assert ["ends inside line 3, which was left out" in line for line in result["warnings"]] == [True]


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (gzip.compress(LINES, mtime=0)[:-12], "cut off or broken"),
        (b"\x28\xb5\x2f\xfd rest", "packed with zstd"),
        (LINES + b"garbage\n" + LINES, "this is no JSON.*line 4"),
        (b'{"half', "no whole line of JSON"),
        (b"", "the files have no record. Get them again when"),
        (b'{"resourceLogs": []}\n', "the files have no record"),
    ],
)
def test_a_file_that_is_broken_or_foreign_leaves_nothing(tmp_path: Path, content: bytes, wrong: str) -> None:
    with pytest.raises(Problem, match=wrong):
        read(tmp_path, written(tmp_path, content))
    assert not list(tmp_path.glob("captures/*"))


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"none\.jsonl cannot be read: No such file or directory"):
        read(tmp_path, tmp_path / "none.jsonl")


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    given = options(tmp_path, written(tmp_path, LINES))
    assert capture_all(given, lambda: pytest.fail("a cluster is asked"), check=True)["changed"]
    assert not (tmp_path / "captures").exists()


@pytest.mark.parametrize(
    ("content", "wrong"),
    [(b"", "the files have no record"), (b"garbage\n", "this is no JSON")],
    ids=["empty", "foreign"],
)
def test_check_mode_reads_the_files(tmp_path: Path, content: bytes, wrong: str) -> None:
    given = options(tmp_path, written(tmp_path, content))
    with pytest.raises(Problem, match=wrong):
        capture_all(given, lambda: pytest.fail("a cluster is asked"), check=True)


def test_a_name_to_keep_that_nothing_has_is_told(tmp_path: Path) -> None:
    attribute = {"key": "http.request.method", "value": {"stringValue": "GET"}}
    line = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": [attribute]}]}]}]}) + "\n"
    result = read(tmp_path, written(tmp_path, line.encode()), keep=["http.request.method", "servce.name"])
    assert result["warnings"] == ["capture_keep has servce.name, which nothing in the captures has"]


def test_a_name_to_keep_may_be_that_of_scopes(tmp_path: Path) -> None:
    line = json.dumps({"resourceLogs": [{"scopeLogs": [{"scope": {"name": "shop"}, "logRecords": [{}]}]}]}) + "\n"
    assert read(tmp_path, written(tmp_path, line.encode()), keep=["scope.name"])["warnings"] == []


def test_collectors_are_not_chosen_among_files(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="`capture_only` names gateway, and files are captured, not collectors"):
        read(tmp_path, written(tmp_path, LINES), only=["gateway"])


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"values": "keep"}, "Consent with `capture_allow: \\[values\\]`"),
        ({"keep": ["http.request.header.authorization"]}, "no capture has these"),
        ({"keep": ["api_key"]}, "no capture has these"),
        ({"seconds": 0.5}, "seconds is 0.5.*from 1 to 3600"),
        ({"bytes": 1 << 40}, "bytes is"),
        ({"folder": "../../etc"}, "is no name of a folder"),
    ],
)
def test_options_without_consent_or_bounds_are_refused(tmp_path: Path, more: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Problem, match=wrong):
        read(tmp_path, written(tmp_path, LINES), **more)
    assert not (tmp_path / "captures").exists()


def test_values_stay_with_consent(tmp_path: Path) -> None:
    read(tmp_path, written(tmp_path, LINES), values="keep", allow=["values"])
    assert b"order 4711" in gzip.decompress((tmp_path / "captures/files/logs.jsonl.gz").read_bytes())
    masked = json.loads((tmp_path / "captures/files/manifest.json").read_text())["masked"]
    assert masked["mode"] == "keep"


def test_records_end_a_capture_of_files(tmp_path: Path) -> None:
    result = read(tmp_path, written(tmp_path, LINES), records=2)
    assert (result["captures"][0]["ended_by"], result["captures"][0]["records"]) == ("records", 2)


def test_without_files_and_collectors_nothing_is_captured(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no collector and no file"):
        capture_all(options(tmp_path), lambda: None, check=False)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("files_of", "folder", "collector"),
    [
        ("agent", "agent", {"name": "agent"}),
        ("opentelemetry/agent", "opentelemetry.agent", {"namespace": "opentelemetry", "name": "agent"}),
    ],
)
def test_a_capture_of_files_may_have_the_name_of_a_collector(
    tmp_path: Path, files_of: str, folder: str, collector: dict[str, str]
) -> None:
    """One of a cluster stands where a forecast looks for it, and names the collector as an inventory has it."""
    read(tmp_path, written(tmp_path, LINES), files_of=files_of)
    manifest = json.loads((tmp_path / "captures" / folder / "manifest.json").read_text())
    assert manifest["collector"] == collector


@pytest.mark.parametrize("files_of", ["../agent", "a/b/agent", "a/..", "/agent", "agent/", "..", "a/../agent"])
def test_no_name_of_a_collector_leads_to_another_folder(tmp_path: Path, files_of: str) -> None:
    with pytest.raises(Problem, match="is no name of a collector"):
        read(tmp_path, written(tmp_path, LINES), files_of=files_of)
    assert not (tmp_path / "captures").exists()
