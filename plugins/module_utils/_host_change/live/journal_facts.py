# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last entries of the journal about one service of this host. Private.

`host_facts.py` puts them into the facts of a collector, for the diagnosis on the controller. For example, the line

    {"__REALTIME_TIMESTAMP": "1769860800000000", "MESSAGE": "Everything is ready", "_PID": "7", …}

that journalctl prints becomes `{"time": "2026-01-31T12:00:00Z", "text": "Everything is ready", "by": "collector", …}`.
"""

from __future__ import annotations

import time
from typing import Any

from ..._otelcol.bounded.json_text import parse_json
from ..host_answer import JournalEntry
from ..host_question import DiagnosisOptions
from .machine import Machine


def read_journal_entries(machine: Machine, unit: str, options: DiagnosisOptions) -> list[JournalEntry]:
    """Return the last entries of a unit, and those of systemd about it. `options` say how many, and from when on."""
    since_time = machine.now() - options.log_seconds
    journal_options = ("-o", "json", "-u", unit, f"--since=@{since_time:.0f}", "-n", str(options.log_line_count))
    lines = machine.run("journalctl", "--no-pager", *journal_options).output.splitlines()
    entries = [_parse_entry(line) for line in lines]
    return [entry for entry in entries if entry is not None]


def _parse_entry(line: str) -> JournalEntry | None:
    """Return the entry in a line of `journalctl -o json`; None for a line that has none."""
    try:
        fields = parse_json(line)
        seconds = int(fields["__REALTIME_TIMESTAMP"]) / 1e6
    except (ValueError, KeyError, TypeError):
        return None
    time_text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    return {
        "time": time_text,
        "text": _read_message(fields.get("MESSAGE")),
        "by": "systemd" if fields.get("_PID") == "1" else "collector",
        # An entry of the service has the first field. One of systemd about the service has the second.
        "run": str(fields.get("_SYSTEMD_INVOCATION_ID") or fields.get("INVOCATION_ID") or ""),
    }


def _read_message(value: Any) -> str:
    """Return the text of a field of the journal; empty without a value.

    The value is a text, or a list of bytes if the text is not UTF-8, or a list of values if the entry has the field
    several times.
    Source: the Journal JSON Format of systemd, https://systemd.io/JOURNAL_EXPORT_FORMATS/.
    """
    if not isinstance(value, list):
        return str(value or "")
    if all(isinstance(part, int) for part in value):
        return bytes(value).decode("utf-8", "replace")
    return "\n".join(_read_message(part) for part in value)
