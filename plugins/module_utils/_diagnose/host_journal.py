# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal of a host says of a service: its last words, whether systemd gave up, and when it was killed.

`host_situation.py` asks it. Private.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._host_change.host_answer import JournalEntry
from .._telemetry import crash_logs, logs

# The result of a service that was started too often, and what systemd writes to its journal then. Source:
# systemd.service(5), `$SERVICE_RESULT`, and unit_start in src/core/unit.c of systemd.
START_LIMIT_HIT = "start-limit-hit"
_TOO_OFTEN_WORDS = "Start request repeated too quickly"
# What systemd logs when the kernel has killed a process of the unit. Source: src/core/unit.c, service.c.
_KILL_WORDS = ("oom-kill", "killed by the OOM killer")
# What each message of systemd about a failure has: `Failed with result`, `failed to start`.
_FAILED_WORD = "ailed"


@dataclass(frozen=True)
class HostJournal:
    """The entries of a service in the journal, the oldest first."""

    entries: Sequence[JournalEntry]

    def find_last_words(self) -> str:
        """Return the last line of the process; if it wrote none, the last line of systemd about a failure."""
        own_words = self._find_words_of_last_run()
        if own_words:
            return own_words[: logs.LONGEST_TEXT]
        for text in reversed(self._list_texts_of_systemd()):
            if _FAILED_WORD in text:
                return text[: logs.LONGEST_TEXT]
        return ""

    def _find_words_of_last_run(self) -> str:
        """Return the last line of the process in its last run; empty if it wrote none."""
        entries = self._list_entries_by("collector")
        if not entries:
            return ""
        last_run = entries[-1]["run"]  # systemd gives each start of the service an id
        return crash_logs.find_last_words([str(entry["text"]) for entry in entries if entry["run"] == last_run])

    def says_started_too_often(self) -> bool:
        """Whether systemd refused the last start of the service because there were too many before."""
        last_start = ""
        for text in self._list_texts_of_systemd():
            if "Starting" in text or _TOO_OFTEN_WORDS in text:
                last_start = text
        return _TOO_OFTEN_WORDS in last_start

    def find_time_of_last_kill(self) -> str | None:
        """Return when the kernel last killed the service for its memory; None if it never did."""
        last_time = None
        for entry in self._list_entries_by("systemd"):
            if any(words in entry["text"] for words in _KILL_WORDS):
                last_time = entry["time"]
        return last_time

    def build_collector_log(self) -> str:
        """Return the lines of the process with the time of each before it, as the kubelet writes a log."""
        lines = []
        for entry in self._list_entries_by("collector"):
            lines += [f"{entry['time']} {line}" for line in entry["text"].splitlines()]
        return "\n".join(lines)

    def _list_entries_by(self, author: str) -> list[JournalEntry]:
        """Return the entries of `systemd` or the `collector`."""
        return [entry for entry in self.entries if entry["by"] == author]

    def _list_texts_of_systemd(self) -> list[str]:
        """Return the texts of the entries that systemd wrote."""
        return [str(entry["text"]) for entry in self._list_entries_by("systemd")]
