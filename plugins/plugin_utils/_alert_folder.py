# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder on the controller in which runs of waves and alerts note what the other has to know. Private.

`runs/` has a file for each run of waves, `stop.json` the last alert that stops them, and `alerts/HOST/COLLECTOR/` what
was found out about each alert. Only the user of the controller may read the folder.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..module_utils._alerts.run_records import (
    READ,
    REMOVE,
    Record,
    Stop,
    WaveRun,
    is_under_way,
    record_of,
    record_text,
)
from ..module_utils._otelcol.bounded.live.bounded_reads import file_text
from ..module_utils._otelcol.errors import Problem
from ._otelcol import _files

_RUNS, _STOP, _KEPT = "runs", "stop.json", "alerts"
_START = 21  # the number of the field with the start of a process, after its name. Source: proc_pid_stat(5)
# So many results of a collector are kept.
MOST_KEPT = 20


def process_of(pid: int) -> str:
    """Return what tells a process from another one of its number, such as when it began; empty if there is none."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass
    except OSError:
        return ""
    try:
        return file_text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()[_START - 2]
    except (OSError, ValueError, IndexError):  # no Linux
        return "running"


class AlertFolder:
    """The files of one folder. Raises Problem for what cannot be read or written."""

    def __init__(self, path: str) -> None:
        self.path = _files.named(path).expanduser()

    def runs(self, now: float) -> list[WaveRun]:
        """Return the runs of waves that are under way. Removes what ended ones of this machine left."""
        found = []
        for path in sorted((self.path / _RUNS).glob("*.json")):
            run = self._read(WaveRun, path)
            if run is None:
                continue
            if is_under_way(run, platform.node(), process_of(run.pid), now):
                found.append(run)
            else:
                with suppress(OSError):
                    path.unlink()
        return found

    def note_run(self, run: WaveRun) -> None:
        """Note which wave a run changes."""
        self._write(self.path / _RUNS / f"{platform.node() or 'controller'}-{run.pid}.json", record_text(run))

    def stop(self) -> Stop | None:
        """Return the last alert that stops runs of waves."""
        return self._read(Stop, self.path / _STOP)

    def note_stop(self, stop: Stop) -> None:
        """Let no run of waves that is under way begin another wave."""
        self._write(self.path / _STOP, record_text(stop))

    def keep(self, host: str, collector: str, name: str, found: Mapping[str, Any]) -> str:
        """Keep what was found out about an alert, and return the file. The oldest ones of the collector go."""
        folder = self.path / _KEPT / _file_name(host) / _file_name(collector)
        file = folder / f"{_file_name(name)}.json"
        self._write(file, found)
        for old in sorted(folder.glob("*.json"))[:-MOST_KEPT]:
            with suppress(OSError):
                old.unlink()
        return str(file)

    @property
    def stop_file(self) -> str:
        return str(self.path / _STOP)

    def _read(self, kind: type[Record], path: Path) -> Record | None:
        try:
            given = json.loads(file_text(path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Problem(f"cannot read it: {error}", asked=READ, where=str(path), fix=REMOVE) from error
        return record_of(kind, given, str(path))

    def _write(self, path: Path, value: Mapping[str, Any]) -> None:
        text = json.dumps(value, indent=1, sort_keys=True, default=str) + "\n"
        for folder in reversed([one for one in path.parents if one.is_relative_to(self.path)]):
            if not folder.is_dir():
                _files.make_folder(folder)
                folder.chmod(0o700)
        _files.place(path, text, check=False)


def _file_name(text: str) -> str:
    """Return a text as a part of a path: of letters, digits, dots and hyphens, and never hidden or a parent."""
    found = "".join(sign if sign.isalnum() or sign in "-._" else "_" for sign in text)
    return f"_{found}" if found.startswith(".") else found
