# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failure that several pods report is as recent as its last report, in whatever order their logs are read."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.logs import group_log_failures

NOW = "2026-07-01T10:10:00Z"


def report(time: str, pod: str) -> str:
    """Return a line of a pod's log that reports a full disk, with the time of the kubelet."""
    return f'{time} {time}\terror\ta/b.go:1\tExporting failed\t{{"error": "no space left on device: pod {pod}"}}'


# The kubelet omits zeros at the end of a fraction, so times do not sort as texts.
FAILING_POD = report("2026-07-01T10:09:30.5Z", "a")
HEALED_POD = report("2026-07-01T10:00:00Z", "b")
POD_WITHOUT_TIME = report("soon", "c")


@pytest.mark.parametrize("logs", [(FAILING_POD, HEALED_POD), (HEALED_POD, FAILING_POD)], ids=["first", "last"])
def test_a_failure_of_two_pods_is_as_recent_as_its_last_report(logs: tuple[str, ...]) -> None:
    (failure,) = group_log_failures("\n".join(logs), NOW, str)
    assert (failure["count"], failure["seconds_ago"], failure["time"]) == (2, 30, "2026-07-01T10:09:30.5Z")
    assert "pod a" in failure["error"]


def test_the_later_of_two_entries_of_one_moment_is_shown() -> None:
    (failure,) = group_log_failures("\n".join([HEALED_POD, report("2026-07-01T10:00:00Z", "d")]), NOW, str)
    assert "pod d" in failure["error"]


@pytest.mark.parametrize(
    "logs", [(POD_WITHOUT_TIME, HEALED_POD), (HEALED_POD, POD_WITHOUT_TIME)], ids=["first", "last"]
)
def test_an_entry_whose_time_cannot_be_read_makes_no_failure_one_of_now(logs: tuple[str, ...]) -> None:
    (failure,) = group_log_failures("\n".join(logs), NOW, str)
    assert (failure["seconds_ago"], failure["count"]) == (600, 2)
