# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs at the same time, with the table at the end; and what git leaves of packages that became modules."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.growth import SLOW, measure_growth
from tools import bytecode
from tools.job_output import Target, Usage
from tools.jobs import (
    MAX_SLOW_TESTS,
    PARALLEL_JOBS,
    Job,
    list_slowest_tests,
    list_table_rows,
    main,
)
from tools.processes import LOW_PRIORITY, measure_cpu_seconds

# The niceness of this process, and of its session among the sessions.
PRIORITY = """import os
def priority():
  return os.nice(0), int(open("/proc/self/autogroup").read().split()[-1])"""
PROGRAMS = {
    "usual": f"{PRIORITY}\nprint(*priority())",
    "low": f"{PRIORITY}\nimport time\nfor _ in range(400):\n  if 0 in priority(): time.sleep(0.05)\nprint(*priority())",
    "interrupts": f"import os, signal; os.kill({os.getpid()}, signal.SIGTERM)",
    "endless": "import subprocess; print('first ➜ verify: Executing', flush=True); subprocess.run(['sleep', '600'])",
    "good": "print('\\x1b[32mgreen\\x1b[0m'); print('== 3 passed in 1s ==')",
    "bad": "import sys; [print(f'line {n}') for n in range(80)]; sys.exit(2)",
    "fails": "print('a ➜ verify: Executing', 'E   no such thing', '', 'FAILED a/test_a.py::test_thing', sep='\\n');"
    "print('a ➜ verify: Executed: Failed'); [print(f'line {n}') for n in range(80)]; exit(1)",
    "partly": "print('INFO [first > verify] Executing'); print('INFO [first > verify] Executed: Successful');"
    "print('INFO [second > converge] Executing'); print('SKIPPED: scenario third, because of the moon'); exit(1)",
}


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(*jobs: str) -> int:
    return main(jobs, lambda target: [sys.executable, "-c", PROGRAMS[target]], lambda: 0)


def read(*lines: str) -> Target:
    clock: Iterator[int] = count(step=5)
    target = Target("target", lambda: Usage(next(clock), next(clock)))
    for line in lines:
        target.read_line(line)
    return target


def test_each_line_has_its_time_and_its_job_and_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("one=good", "two=good") == 0
    shown = capsys.readouterr().out.splitlines()
    assert "[    0s] one     | green" in shown
    assert "[    0s] two     | green" in shown
    assert Path(".cache/log/one.log").read_text().splitlines() == [line for line in shown if "] one     |" in line]
    assert "one: == 3 passed in 1s ==" in shown


def test_a_failure_is_repeated_at_the_end_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("one=bad,good", "two=good") == 1
    shown = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in shown[shown.index("") :]]
    assert ["one", "bad", "0", "0", "FAILED"] in rows
    assert ["one", "good", "0", "0", "passed"] in rows
    assert ["two", "good", "0", "0", "passed"] in rows
    end = shown[shown.index("FAILED: one, see .cache/log/one.log:") + 1 :]
    assert len(end) == 60
    assert end[0].endswith("| line 22")


def test_a_failure_s_errors_are_shown_and_not_what_came_after(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fails") == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[shown.index("FAILED: fails, see .cache/log/fails.log:") + 1 :] == [
        "a verify: E   no such thing",
        "a verify: FAILED a/test_a.py::test_thing",
    ]


def test_who_is_interrupted_ends_all_of_it_and_says_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("one=endless,good", "two=interrupts") == 130
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["one", "endless", "0", "0", "FAILED"] in rows or ["one", "first", "0", "0", "FAILED"] in rows
    assert ["one", "good", "0", "0", "passed"] not in rows


def test_a_job_waits_until_fewer_than_three_run() -> None:
    """Those that began first meet after a minute at most; a fourth one among them would have been seen."""
    began: list[str] = []
    all_places = threading.Barrier(PARALLEL_JOBS, timeout=60)

    def command(target: str) -> list[str]:
        began.append(target)
        if len(began) <= PARALLEL_JOBS:
            all_places.wait()
            assert len(began) == PARALLEL_JOBS
        return [sys.executable, "-c", ""]

    jobs = [f"job{number}" for number in range(PARALLEL_JOBS + 1)]
    assert main(jobs, command, lambda: 0) == 0
    assert sorted(began) == jobs


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel has no groups of sessions")
def test_jobs_of_several_targets_leave_the_processors_to_those_on_clusters(capsys: pytest.CaptureFixture[str]) -> None:
    """Both the process and its session give way: with groups of sessions, Linux compares the sessions alone."""
    assert run("usual", "both=low,usual") == 0
    shown = capsys.readouterr().out.splitlines()
    assert f"[    0s] usual   | {os.nice(0)} 0" in shown
    assert f"[    0s] both    | {max(os.nice(0), LOW_PRIORITY)} {LOW_PRIORITY}" in shown


def test_parts_are_told_apart_and_what_is_skipped_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("partly") == 1
    shown = capsys.readouterr().out.splitlines()
    assert "partly   first                          0      0  passed  verify 0" in shown
    assert "partly   second                         0      0  FAILED" in shown
    assert "partly: SKIPPED: scenario third, because of the moon" in shown


def test_the_dearest_tests_of_all_jobs_are_listed() -> None:
    """Pytest lists the dearest tests of each of its runs."""
    jobs = [Job.from_text("one"), Job.from_text("two")]
    jobs[0].done_targets = [
        read("  3.00s call     tests/a.py::test_b", "0.50s setup    tests/a.py::test_c", "a ➜ verify: ok")
    ]
    jobs[1].done_targets = [read(*(f"{number}.25s call     tests/d.py::test_{number}" for number in range(4, 14)))]
    shown = list_slowest_tests(jobs)
    assert shown[:2] == [
        "    13.2 two: call tests/d.py::test_13",
        "    12.2 two: call tests/d.py::test_12",
    ]
    assert len(shown) == MAX_SLOW_TESTS
    assert list_slowest_tests([]) == []


def test_the_table_has_the_seconds_of_each_step() -> None:
    target = read(
        "[a > converge] Executing", "[a > converge] Executed: Successful",
        "[a > cleanup] Executing", "[a > cleanup] Executed: Missing playbook (Remove from test_sequence to suppress)",
        "INFO     b ➜ verify: Executing", "INFO     b ➜ verify: Executing tests in b/tests/...",
        "INFO     b ➜ verify: Executed: Failed",
        "a ➜ converge: Executed: Successful", "b ➜ verify: Executed: Failed",
    )  # fmt: skip
    target.end_target(1, Usage(0, 0))
    assert list_table_rows([Job("job", [], [target])])[1:] == [
        "job      a                             20     20  passed  converge 10, cleanup 10",
        "job      b                             10     10  FAILED  verify 10",
    ]


def test_the_errors_of_a_failed_step_are_kept_and_no_other() -> None:
    target = read(
        "a ➜ converge: Executing", "fatal: [host]: FAILED! => rescued", "", "a ➜ converge: Executed: Successful",
        "b ➜ converge: Executing", "TASK [one]", "fatal: [host]: FAILED! =>", "    msg: no such thing",
        "", "PLAY RECAP",
        "b ➜ converge: Executed: Failed",
        "b ➜ cleanup: Executing", "E   a test failed", "b ➜ cleanup: Executed: Successful",
    )  # fmt: skip
    target.end_target(1, Usage(0, 0))
    assert target.errors == ["b converge: fatal: [host]: FAILED! =>", "b converge:     msg: no such thing"]


def test_a_step_of_a_script_that_fails_is_told_before_the_next_begins() -> None:
    """Its errors would be forgotten at the beginning of the next one."""
    steps = ". tools/step.sh; step tests verify sh -c 'echo \"E   no such thing\"; exit 1'; step other verify true"
    ran = subprocess.run(["bash", "-c", steps], cwd=ROOT, capture_output=True, text=True, check=True)
    target = read(*ran.stdout.splitlines())
    target.end_target(1, Usage(0, 0))
    assert target.errors == ["tests verify: E   no such thing"]
    assert {name: part.result for name, part in target.parts.items()} == {"tests": "FAILED", "other": "passed"}


@pytest.mark.parametrize(("status", "result"), [(0, "passed"), (1, "FAILED"), (3, "incomplete")])
def test_a_step_returns_what_its_command_returns(status: int, result: str) -> None:
    """A command of the testbed returns 3 for what cannot be had."""
    command = f". tools/step.sh; step tests verify sh -c 'exit {status}'"
    ran = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == status
    assert read(*ran.stdout.splitlines()).parts["tests"].result == result


def test_the_errors_of_a_failed_target_without_steps_are_kept() -> None:
    target = read("make: *** [Makefile:9: unit] Error 1")
    target.end_target(2, Usage(0, 0))
    assert target.errors == ["target: make: *** [Makefile:9: unit] Error 1"]


def test_the_errors_of_a_run_of_pytest_stay_when_the_output_of_another_run_follows() -> None:
    progress = [f"{'.' * 72} [{percent:3}%]" for percent in range(101)]
    target = read(
        "FAILED tests/contract/test_a.py::test_a", "1 failed, 2 passed in 3.10s", *progress, "9 passed in 9.00s"
    )
    target.end_target(1, Usage(0, 0))
    assert target.errors == ["target: FAILED tests/contract/test_a.py::test_a", "target: 1 failed, 2 passed in 3.10s"]


def test_a_failure_outside_of_all_parts_is_the_target_s() -> None:
    target = read("[a > verify] Executing", "[a > verify] Executed: Successful")
    target.end_target(1, Usage(0, 0))
    assert {name: part.result for name, part in target.parts.items()} == {"a": "passed", "target": "FAILED"}


def test_a_failure_beside_what_cannot_be_had_is_the_target_s() -> None:
    target = read("a ➜ install: Executing", "a ➜ install: Executed: Incomplete: not all of it can be had here")
    target.end_target(1, Usage(0, 0))
    assert {name: part.result for name, part in target.parts.items()} == {"a": "incomplete", "target": "FAILED"}


def test_the_cpu_time_of_what_has_ended_and_of_what_runs_counts() -> None:
    burn = "import os, time\nwhile sum(os.times()[:2]) < 0.3: pass\nprint(flush=True)"
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\n{burn}\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline(), process.stdout.readline()
        assert 0.55 < measure_cpu_seconds(process.pid) < 5
        process.kill()


def test_folders_with_nothing_but_bytecode_go_and_all_others_stay(tmp_path: Path) -> None:
    files = ["_yaml.py", "__pycache__/_yaml.pyc", "room/one.py", "room/__pycache__/one.pyc", "_data/table/a.json"]
    gone = ["_yaml/__pycache__/__init__.pyc", "old/inner/__pycache__/two.pyc", "room/part/__pycache__/three.pyc"]
    for name in (*files, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    bytecode.remove_bytecode_folders(tmp_path)
    left = [path for path in tmp_path.rglob("*") if not path.is_dir() or not any(path.iterdir())]
    assert sorted(str(path.relative_to(tmp_path)) for path in left) == sorted(files)


def test_a_line_of_a_megabyte_is_read_at_once() -> None:
    """A failed test may print one; the lines of all jobs wait for it."""
    target = Target("target", lambda: Usage(0.0, 0.0))
    for character in ("a", "7", " "):
        assert measure_growth(target.read_line, character * 250_000, character * 1_000_000) < SLOW
