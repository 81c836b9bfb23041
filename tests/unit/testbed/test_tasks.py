# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order of steps, failures, and waits."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.testbed import progress
from tests.testbed.errors import ClusterError
from tests.testbed.progress import last_lines, wait_for
from tests.testbed.tasks import Task, run_all


def test_steps_run_after_what_they_need() -> None:
    ran: list[str] = []
    run_all(
        [
            Task("c", lambda: ran.append("c"), ("a", "b")),
            Task("b", lambda: ran.append("b"), ("a",)),
            Task("a", lambda: ran.append("a")),
        ]
    )
    assert ran == ["a", "b", "c"]


def test_independent_steps_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=5)

    def meet() -> None:
        meeting.wait()

    run_all([Task("a", meet), Task("b", meet)])


def test_the_first_failure_ends_the_others() -> None:
    def fail() -> None:
        raise ClusterError("it failed", "because", "do this")

    def wait_in_vain() -> None:
        wait_for("never", lambda: "still missing", 60, str)

    with pytest.raises(ClusterError, match="it failed"):
        run_all([Task("waits", wait_in_vain), Task("fails", fail), Task("after", fail, ("waits",))])
    assert progress.STOP.is_set()


@pytest.mark.parametrize("needs", [{"a": "b"}, {"a": "b", "b": "a"}])
def test_a_wrong_table_is_refused(needs: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="need"):
        run_all(Task(name, lambda: None, (need,)) for name, need in needs.items())


def test_a_wait_says_what_is_missing_and_where_to_look() -> None:
    with pytest.raises(ClusterError) as caught:
        wait_for("start of it", lambda: "no answer", 0, lambda: "see the log")
    assert str(caught.value).startswith("start of it: not within 0 s\n  why: no answer\nsee the log\n  do:  ")


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "it.log"
    assert "no log" in last_lines(log)
    log.write_text("".join(f"line {number}\n" for number in range(40)))
    assert last_lines(log).splitlines()[0].endswith("it.log:")
    assert last_lines(log).splitlines()[1:] == [f"line {number}" for number in range(10, 40)]
