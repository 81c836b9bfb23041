# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line for each state that changes, and none for what changes nothing or takes no time."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.progress import Progress

from tests.support.cases import cases

# When, what (`done` for the last state), the state.
Seen = list[tuple[float, str, str]]


@cases(
    "seen, told",
    ([(0, "a", "0 of 1"), (0.4, "done", "ready")], []),  # soon done
    ([(0, "done", "ready"), (9, "done", "ready")], []),  # nothing to wait for
    ([(0, "a", "0 of 1"), (2, "a", "0 of 1"), (5, "a", "0 of 1")], ["a: 0 of 1 (2 s)"]),
    ([(0, "a", "0 of 1"), (2, "a", "0 of 1"), (7, "done", "ready")], ["a: 0 of 1 (2 s)", "a: ready (7 s)"]),
    ([(0, "a", "0"), (2, "a", "1"), (2.1, "a", "2"), (2.2, "a", "3"), (4, "a", "3")], ["a: 1 (2 s)", "a: 3 (4 s)"]),
    (
        [(0, "now", "judged"), (0, "now", "passed"), (9, "a", "0 of 1")],
        ["a: judged (0 s)", "a: passed (0 s)", "a: 0 of 1 (9 s)"],
    ),
    ([(0, "a", "0"), (60, "a", "1"), (63, "a", "2"), (67, "a", "3")], ["a: 1 (60 s)", "a: 3 (67 s)"]),
)
def test_lines(seen: Seen, told: list[str]) -> None:
    lines: list[str] = []
    time = [0.0]
    progress = Progress(lines.append, lambda: time[0])
    for at, what, state in seen:
        time[0] = at
        {"done": progress.tell_done, "now": progress.tell_now}.get(what, progress)("a", state)
    assert lines == told


def test_a_long_rollout_of_many_pods_takes_few_lines() -> None:
    lines: list[str] = []
    time = [0.0]
    progress = Progress(lines.append, lambda: time[0])
    for second in range(1000):
        time[0] = float(second)
        progress("DaemonSet ns/agent", f"{second} of 1000 ready")
    assert 10 < len(lines) < 60
