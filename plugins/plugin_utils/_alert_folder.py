# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder on the controller in which runs of waves and alerts note what the other has to know. Private.

    runs/MACHINE-PID.json                a run of playbook site: which wave it changes, and which hosts
    stop.json                            the last alert that stops such runs
    alerts/HOST/COLLECTOR/TIME-ALERT.json  what was found out about an alert, and what was done

`_wave_stops.py` notes a run, `_alert_plan.py` an alert that stops runs, and `_alert_keep.py` keeps the outcome of an
alert. Only the user of the controller may read the folder.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..module_utils._alerts.run_records import (
    READ_RECORDS,
    REMOVE_FIX,
    Record,
    Stop,
    WaveRun,
    is_under_way,
    parse_record,
    record_to_dict,
)
from ..module_utils._otelcol.bounded.live.bounded_reads import read_file_text
from ..module_utils._otelcol.errors import Problem
from ._otelcol import _files

_RUNS_FOLDER = "runs"
_STOP_FILE = "stop.json"
_ALERTS_FOLDER = "alerts"
# So many results of a collector are kept.
MOST_KEPT_RESULTS = 20
# The index of the start of a process among the fields of /proc/PID/stat behind its name: the start is field 22 of the
# file, and the first one behind the name is field 3. Source: proc_pid_stat(5)
_START_TIME_INDEX = 19
# Identifies a process on a system that does not tell when it was started.
_RUNNING = "running"


@dataclass(frozen=True)
class _NotedRun:
    """A run of waves, and the file that notes it."""

    path: Path
    run: WaveRun


class AlertFolder:
    """The files of one folder. Raises Problem for what cannot be read or written."""

    def __init__(self, path: str) -> None:
        self.path = _files.require_expanded_path(path)

    def list_runs(self, current_time: float) -> list[WaveRun]:
        """Return the runs of waves that are under way."""
        return [noted.run for noted in self._read_noted_runs() if _is_current(noted.run, current_time)]

    def remove_ended_runs(self, current_time: float) -> None:
        """Remove the notes of runs that are not under way any more."""
        for noted in self._read_noted_runs():
            if not _is_current(noted.run, current_time):
                with suppress(OSError):
                    noted.path.unlink()

    def note_run(self, run: WaveRun) -> None:
        """Note which wave a run changes."""
        self._write(self.path / _RUNS_FOLDER / f"{platform.node() or 'controller'}-{run.pid}.json", record_to_dict(run))

    def read_stop(self) -> Stop | None:
        """Return the last alert that stops runs of waves."""
        return self._read(Stop, self.path / _STOP_FILE)

    def note_stop(self, stop: Stop) -> None:
        """Let no run of waves that is under way begin another wave."""
        self._write(self.path / _STOP_FILE, record_to_dict(stop))

    def keep_alert(self, host: str, collector: str, name: str, alert_result: Mapping[str, Any]) -> str:
        """Write the file of an answered alert, and return its path. The oldest files of the collector are removed."""
        folder = self.path / _ALERTS_FOLDER / _make_file_name(host) / _make_file_name(collector)
        file = folder / f"{_make_file_name(name)}.json"
        self._write(file, alert_result)
        # A name begins with the time, so that the oldest files come first.
        for old_file in sorted(folder.glob("*.json"))[:-MOST_KEPT_RESULTS]:
            with suppress(OSError):
                old_file.unlink()
        return str(file)

    @property
    def stop_file(self) -> str:
        """The path of the file with the last alert that stops runs."""
        return str(self.path / _STOP_FILE)

    def _read_noted_runs(self) -> list[_NotedRun]:
        """Return all runs that have a note, in the order of their files."""
        noted_runs = []
        for path in sorted((self.path / _RUNS_FOLDER).glob("*.json")):
            run = self._read(WaveRun, path)
            if run is not None:  # else another run has removed the file since the folder was listed
                noted_runs.append(_NotedRun(path, run))
        return noted_runs

    def _read(self, record_type: type[Record], path: Path) -> Record | None:
        """Return the record in a file; None if there is no such file."""
        try:
            file_content = json.loads(read_file_text(path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Problem(f"cannot read it: {error}", asked=READ_RECORDS, where=str(path), fix=REMOVE_FIX) from error
        return parse_record(record_type, file_content, str(path))

    def _write(self, path: Path, value: Mapping[str, Any]) -> None:
        """Write a file of the folder. New folders are for their user alone; modes of existing ones stay."""
        text = json.dumps(value, indent=1, sort_keys=True, default=str) + "\n"
        # The outermost folder comes first, so that each has its mode before anything is in it.
        for folder in reversed([parent for parent in path.parents if parent.is_relative_to(self.path)]):
            if not folder.is_dir():
                _files.make_folder(folder)
                folder.chmod(0o700)
        _files.write_or_check(path, text, check=False)


def _is_current(run: WaveRun, current_time: float) -> bool:
    """Whether a run is under way."""
    return is_under_way(run, platform.node(), identify_process(run.pid), current_time)


def identify_process(pid: int) -> str:
    """Return a text that tells a process from later ones with its number; empty if none runs.

    On Linux it is the time of its start, such as `8671234`.
    """
    if not _is_process_running(pid):
        return ""
    try:
        fields_behind_name = read_file_text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
        return fields_behind_name[_START_TIME_INDEX]
    except (OSError, ValueError, IndexError):  # no Linux
        return _RUNNING


def _is_process_running(pid: int) -> bool:
    """Whether a process has this number. Signal 0 only asks."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # it is of another user
    except OSError:
        return False
    return True


def _make_file_name(text: str) -> str:
    """Return a text as a part of a path: of letters, digits, dots and hyphens, and never hidden or a parent.

    For example, `telemetry/agent` becomes `telemetry_agent`.
    """
    safe_name = "".join(character if character.isalnum() or character in "-._" else "_" for character in text)
    return f"_{safe_name}" if safe_name.startswith(".") else safe_name
