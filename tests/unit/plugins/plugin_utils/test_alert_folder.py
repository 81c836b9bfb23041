# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of runs and alerts: who may read it, which runs count, and how much is kept."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._alerts.run_records import Stop, WaveRun
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._alert_folder import (
    MOST_KEPT_RESULTS,
    AlertFolder,
    identify_process,
)

NOW = 1_800_000_000.0


def run(pid: int, process: str, node: str = platform.node()) -> WaveRun:
    return WaveRun(node, pid, process, NOW, NOW, "first", ["web1"])


@pytest.fixture
def folder(tmp_path: Path) -> AlertFolder:
    return AlertFolder(str(tmp_path / "alerts"))


def test_a_run_counts_as_long_as_its_process(folder: AlertFolder) -> None:
    own = run(os.getpid(), identify_process(os.getpid()))
    with subprocess.Popen(["sleep", "60"]) as other:
        ends = run(other.pid, identify_process(other.pid))
        for one in (own, ends):
            folder.note_run(one)
        assert {one.pid for one in folder.list_runs(NOW)} == {own.pid, other.pid}
        other.kill()
    assert folder.list_runs(NOW) == [own]
    assert len(list((folder.path / "runs").iterdir())) == 2, "a list changes nothing"
    folder.remove_ended_runs(NOW)
    assert [path.name for path in (folder.path / "runs").iterdir()] == [f"{platform.node()}-{own.pid}.json"]


def test_another_process_of_the_same_number_is_another_run(folder: AlertFolder) -> None:
    folder.note_run(run(os.getpid(), "another start"))
    assert folder.list_runs(NOW) == []


def test_there_is_no_process_of_no_number() -> None:
    assert identify_process(2**22 + 1) == ""
    assert identify_process(os.getpid()) == identify_process(os.getpid()) != ""


def test_a_run_elsewhere_counts_for_some_time(folder: AlertFolder) -> None:
    folder.note_run(run(7, "start", node="elsewhere"))
    assert len(folder.list_runs(NOW + 7199)) == 1
    assert folder.list_runs(NOW + 7200) == []


def test_only_the_user_reads_the_folder(folder: AlertFolder) -> None:
    folder.keep_alert("eu", "obs/gateway", "one", {})
    folders = [folder.path, *(path for path in folder.path.rglob("*") if path.is_dir())]
    assert len(folders) == 4
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


def test_a_stop_is_read_as_it_was_written(folder: AlertFolder) -> None:
    assert folder.read_stop() is None
    stop = Stop("OtelCollectorDown", "obs/gateway", "eu", NOW)
    folder.note_stop(stop)
    assert folder.read_stop() == stop


def test_what_is_no_note_is_named(folder: AlertFolder) -> None:
    folder.note_stop(Stop("OtelCollectorDown", "obs/gateway", "eu", NOW))
    Path(folder.stop_file).write_bytes(b"\xff")
    with pytest.raises(Problem) as wrong:
        folder.read_stop()
    assert wrong.value.where == folder.stop_file


@pytest.mark.parametrize(("host", "name"), [("../eu", "_.._eu"), ("/", "_"), (".", "_."), ("eu-1.example.com", "")])
def test_a_name_stays_below_the_folder(folder: AlertFolder, host: str, name: str) -> None:
    file = Path(folder.keep_alert(host, "obs/gateway", "one", {"a": 1}))
    assert file.parents[2] == folder.path / "alerts"
    assert file.parent.parent.name == (name or host)
    assert json.loads(file.read_text(encoding="utf-8")) == {"a": 1}


def test_the_newest_results_stay(folder: AlertFolder) -> None:
    for number in range(MOST_KEPT_RESULTS + 2):
        folder.keep_alert("eu", "gateway", f"{number:03}", {})
    found = sorted(path.stem for path in folder.path.rglob("alerts/eu/gateway/*"))
    assert (len(found), found[0]) == (MOST_KEPT_RESULTS, "002")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "alerts").write_text("a file", encoding="utf-8")
    started = time.monotonic()
    with pytest.raises(Problem):
        AlertFolder(str(tmp_path / "alerts")).keep_alert("eu", "gateway", "one", {})
    with pytest.raises(Problem, match="a path is empty"):
        AlertFolder("")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("path", ["~no-such-user-here/alerts", "/a\0b"])
def test_a_path_that_no_folder_can_have_is_told(path: str) -> None:
    with pytest.raises(Problem, match=r"no user 'no-such-user-here'|holds a NUL"):
        AlertFolder(path)


def test_a_user_without_a_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", fail)
    with pytest.raises(Problem, match="the user of this run has none"):
        AlertFolder("~/alerts")


def test_a_folder_below_another_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert AlertFolder("./~root").path == Path("~root")
