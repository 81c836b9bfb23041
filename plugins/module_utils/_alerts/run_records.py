# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of waves and an alert write for each other: which wave changes, and that no other one may begin. Private.

Both are files in one folder on the controller, which `_alert_folder.py` of plugin_utils reads and writes. A run writes
which wave it changes; an alert writes that no other wave may begin, and the run reads that before its next wave
(`check_stop`). A record may be half written or somebody else's, so it is checked. For example:

    {"node": "ci1", "pid": 4711, "process": "1769860800", "begun": 1769860800.0, "wave_begun": 1769860860.0,
     "wave": "canary", "hosts": ["web1"]}
    {"alert": "OtelCollectorDown", "collector": "agent", "host": "web1", "at": 1769860900.0}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from .._otelcol.errors import Problem, clean_text
from .collector_alert import format_moment

# So long after its last wave began, a run on another machine counts as ended: nobody here can look for its process.
ELSEWHERE_SECONDS = 2 * 3600
# For messages: the task in which a record could not be read, and what to do about a record that is left over.
READ_RECORDS = "Read what runs and alerts note"
REMOVE_FIX = "Remove the file if no run is under way."

# Either kind of record.
Record = TypeVar("Record", "WaveRun", "Stop")


@dataclass(frozen=True)
class WaveRun:
    """A run that changes the fleet in waves: the machine and the process, and the wave that it changes."""

    node: str
    """The name of the machine that runs it."""
    pid: int
    process: str
    """What tells its process from another one with the same number, such as its start."""
    begun: float
    """When the run began, in seconds of Unix."""
    wave_begun: float
    """When its wave began, in seconds of Unix."""
    wave: str
    hosts: Sequence[str]
    """The hosts of the wave."""

    @property
    def wave_begun_at(self) -> str:
        return format_moment(self.wave_begun)

    @property
    def begun_at(self) -> str:
        return format_moment(self.begun)

    def is_same(self, other_run: WaveRun | None) -> bool:
        """Whether both records are of one run."""
        return other_run is not None and (self.node, self.pid, self.process) == (
            other_run.node,
            other_run.pid,
            other_run.process,
        )


@dataclass(frozen=True)
class Stop:
    """What an alert leaves for runs of waves: no other wave begins."""

    alert: str
    collector: str
    host: str
    at: float
    """When the alert came, in seconds of Unix."""

    @property
    def one_line_text(self) -> str:
        return f"{self.alert} of collector {self.collector} on {self.host} at {format_moment(self.at)}"


def record_to_dict(record: WaveRun | Stop) -> dict[str, Any]:
    """Return a record as data."""
    return asdict(record)


def is_under_way(run: WaveRun, node: str, process: str, current_time: float) -> bool:
    """Whether a run goes on, seen from the machine `node`.

    `process` tells which process has the number of the run on this machine now; it is empty if none has. Another one
    may have got the number since the run ended.
    """
    if run.node == node:
        return bool(process) and run.process == process
    return current_time - run.wave_begun < ELSEWHERE_SECONDS


def check_stop(stop: Stop | None, run_begun: float, waves: Sequence[str]) -> None:
    """Raise Problem if an alert has come since a run began. `waves` are those that have not begun: one at least.

    An older stop is no reason: whoever starts a run after an alert knows of it.
    """
    if stop and stop.at >= run_begun:
        fix = (
            f"These waves did not begin: {', '.join(waves)}. Mend what the diagnosis of the alert names, then run the"
            " same command: it continues, since hosts that have the change stay unchanged."
        )
        raise Problem(
            f"an alert has come since this run began: {stop.one_line_text}",
            asked=f"Begin wave {waves[0]}",
            fix=fix,
        )


# ── Reading ──

# In the year 5138: a later moment is no time of a run.
_LAST_MOMENT = 10**11


def _is_moment(value: Any) -> bool:
    """Whether a value is a time in seconds of Unix."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _LAST_MOMENT


def _is_pid(value: Any) -> bool:
    """Whether a value is the number of a process."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list_of_texts(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text(value: Any) -> bool:
    """Whether a value is a text."""
    return isinstance(value, str)


# What each field of a record holds; all others hold texts.
_CHECKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("begun", "wave_begun", "at"), _is_moment),
    "pid": _is_pid,
    "hosts": _is_list_of_texts,
}


def parse_record(kind: type[Record], raw_record: Any, path: str) -> Record:
    """Return a record from data, with its texts cleaned for a terminal. Raises Problem for data of another form.

    `path` is the file of the record, for the message.
    """
    field_names = [field.name for field in fields(kind)]
    record_fields = raw_record if isinstance(raw_record, Mapping) else {}
    for name in field_names:
        is_valid = _CHECKS.get(name, _is_text)
        if not is_valid(record_fields.get(name)):
            wrong = f"`{name}` is missing or of another type"
            raise Problem(wrong, asked=READ_RECORDS, where=path, fix=REMOVE_FIX)
    return kind(**{name: clean_text(record_fields[name]) for name in field_names})
