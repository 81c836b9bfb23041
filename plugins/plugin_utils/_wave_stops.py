# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an alert stops the waves of a run. Private."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..module_utils._alerts.run_records import WaveRun, check_stop
from ._alert_folder import AlertFolder, process_of


def begin_wave(path: str, planned: Mapping[str, Any], wave: str, now: float) -> dict[str, Any]:
    """Note that a run begins a wave. Raises Problem if an alert has come since the run began.

    An alert that came before is told once, in the first wave of the run, and stops nothing.
    """
    folder, own = AlertFolder(path), _own_run(planned, wave, now)
    earlier = next((run for run in folder.runs(now) if own.is_same(run)), None)
    begun = earlier.begun if earlier else now
    names = [row["name"] for row in planned["waves"]]
    stop = folder.stop()
    check_stop(stop, begun, names[names.index(wave) :])
    folder.note_run(replace(own, begun=begun))
    said = {"changed": False, "msg": f"No alert stops wave {wave}."}
    if stop and earlier is None:
        older = f"{stop.line} is older than this run, and does not stop it."
        return {**said, "warnings": [f"{older} Remove {folder.stop_file} to hear no more of it."]}
    return said


def _own_run(planned: Mapping[str, Any], wave: str, now: float) -> WaveRun:
    """Return the record of this run. The process of the playbook is the parent of the one that runs a task."""
    pid = os.getppid()
    hosts = [host for host, its_wave in planned["wave_of"].items() if its_wave == wave]
    return WaveRun(platform.node(), pid, process_of(pid), now, now, wave, hosts)
