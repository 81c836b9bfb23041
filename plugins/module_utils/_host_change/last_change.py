# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the last change of a collector may be what an alert is about, so that it can be undone. Private.

`live/last_change_task.py` asks this for an alert. A release is a numbered folder with the files of one collector (see
host_plan.py). For example, for an alert that began 30 s after release 000007 was written, the change is undone; for one
that began a day later, the reason to keep it is

    release 000007 was written 86400 s before the alert began, and at most 3600 count
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LastChange:
    """The release in use, and what is known about its change."""

    release: str
    earlier_release: str
    """The release that ran before; empty if none is kept."""
    written_time: float
    """When the release in use was written, in seconds of Unix."""
    has_come_back: bool = False
    """Whether the release is in use because a later one was undone."""
    is_unfinished: bool = False
    """Whether a killed run has left a change."""


def explain_kept_change(change: LastChange, alert_began: float, most_seconds: float) -> str:
    """Return why the last change is kept, and not undone for an alert; empty if it is to be undone.

    The alert began to fire at `alert_began`, in seconds of Unix. A change that is more than so many seconds older is
    not what the alert is about.
    """
    change_age = alert_began - change.written_time
    # The killed run may have switched to its release or not, so nothing else about the change can be relied on.
    if change.is_unfinished:
        return "a killed run has left a change, which the next run of site completes or undoes"
    if change.has_come_back:
        return f"release {change.release} runs since a later release was undone, and nothing has changed it since"
    if not change.earlier_release:
        return f"no release before {change.release} is kept"
    if change_age < 0:
        return (
            f"release {change.release} was written {-change_age:.0f} s after the alert began, so the alert is not"
            " about it"
        )
    if change_age > most_seconds:
        return (
            f"release {change.release} was written {change_age:.0f} s before the alert began, and at most"
            f" {most_seconds:.0f} count"
        )
    return ""
