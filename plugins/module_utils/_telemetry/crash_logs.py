# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a collector has ended, by the last lines of its log: lines to show, its last words, and their cause. Private.

The rollout and the diagnosis read the log of a container that has ended, or the journal of a host. For example:

    2026-01-31T12:00:00.000Z info Starting otelcol
    Error: cannot start pipelines: listen tcp :4317: bind: address already in use

The last words are `cannot start pipelines: listen tcp :4317: bind: address already in use`. Their cause is the row
`port_taken` of log_causes.py: another component or process listens on the port.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .log_causes import CAUSES, Cause, find_causes
from .log_entries import FATAL_LINE, join_log_lines, read_failure_entry

# The longest line of a failure that is shown, in characters: the reason is near its end, after the Collector's fields.
LONGEST_FAILURE = 1500
# The causes of log_causes.py that do not end a collector at its start, or that a more exact one describes better.
_NOT_CRASH_CAUSES = (
    "broken",
    "rejected",
    "queue_full",
    "memory",
    "too_many",
    "too_large",
    "out_of_order",
    "series_limit",
    "file",
)


class ShownLine(NamedTuple):
    """A line of a log that a message shows."""

    text: str
    longest: int
    """To how many characters the message cuts it."""


def select_last_lines(lines: Sequence[str], most_lines: int, longest_line: int) -> list[ShownLine]:
    """Return the last lines of a log, at most so many. A line that reports a failure may be longer than the others.

    A long stack trace may follow the failure. If no failure is among the last lines, the last two failures before them
    take the place of the first ones.
    """
    last_lines = list(lines[-most_lines:])
    has_failure = any(read_failure_entry(line) for line in last_lines)
    if not has_failure:
        earlier_failures = [line for line in lines[:-most_lines] if read_failure_entry(line)][-2:]
        last_lines = [*earlier_failures, *last_lines[len(earlier_failures) :]]
    shown_lines = []
    for line in last_lines:
        longest = LONGEST_FAILURE if read_failure_entry(line) else longest_line
        shown_lines.append(ShownLine(line, longest))
    return shown_lines


def find_crash_cause(lines: Sequence[str]) -> Cause | None:
    """Return the row of CAUSES that matches a collector's last words; None if no cause of a crash matches."""
    crash_causes = [cause for cause in CAUSES if cause.id not in _NOT_CRASH_CAUSES]
    return next(find_causes(find_last_words(lines), crash_causes), None)


def find_last_words(lines: Sequence[str]) -> str:
    """Return the last fatal error in a log without timestamps; the last line if there is no fatal error.

    Each line gets `- ` for a timestamp, which `join_log_lines` takes off again.
    """
    timestamped_lines = "\n".join(f"- {line}" for line in lines)
    last_error = None
    for log_line in join_log_lines(timestamped_lines):
        match = FATAL_LINE.match(log_line.text)
        if match:
            last_error = match["message"]
    if last_error is not None:
        return last_error
    return lines[-1] if lines else ""
