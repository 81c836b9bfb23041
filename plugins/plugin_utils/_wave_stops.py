# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module wave_stop: note that a run begins a wave, unless an alert has come since the run began. Private.

Playbook site calls it before each wave. Playbook alert leaves the alert in the folder of alerts (`_alert_folder.py`).
Then the run ends before its next wave, and the hosts of the waves that passed keep their change.
"""

from __future__ import annotations

import os
import platform
from dataclasses import replace
from typing import Any

from ..module_utils._alerts.run_records import WaveRun, check_stop
from ._alert_folder import AlertFolder, identify_process
from ._run_plan import RunPlan, list_members_of_waves, list_wave_names


def begin_wave(path: str, run_plan: RunPlan, wave: str, current_time: float) -> dict[str, Any]:
    """Note that a run begins a wave. Raises Problem if an alert has come since the run began.

    An alert that came before is told once, in the first wave of the run, and stops nothing.
    """
    folder = AlertFolder(path)
    own_run = _build_own_run(run_plan, wave, current_time)
    earlier_note = _find_earlier_note(folder, own_run, current_time)
    folder.remove_ended_runs(current_time)
    # The run began with its first wave. An alert of the time between two of its waves stops it too.
    begun_at = earlier_note.begun if earlier_note else current_time
    stop = folder.read_stop()
    wave_names = list_wave_names(run_plan)
    check_stop(stop, begun_at, wave_names[wave_names.index(wave) :])
    folder.note_run(replace(own_run, begun=begun_at))
    result = {"changed": False, "msg": f"No alert stops wave {wave}."}
    is_first_wave = earlier_note is None
    if stop and is_first_wave:
        age_note = f"{stop.one_line_text} is older than this run, and does not stop it."
        return {**result, "warnings": [f"{age_note} Remove {folder.stop_file} to hear no more of it."]}
    return result


def _find_earlier_note(folder: AlertFolder, own_run: WaveRun, current_time: float) -> WaveRun | None:
    """Return what this run noted before its last wave; None in its first wave."""
    for run in folder.list_runs(current_time):
        if own_run.is_same(run):
            return run
    return None


def _build_own_run(run_plan: RunPlan, wave: str, current_time: float) -> WaveRun:
    """Return the record of this run. The process of the playbook is the parent of the one that runs a task."""
    pid = os.getppid()
    hosts = list_members_of_waves(run_plan, [wave])
    return WaveRun(
        node=platform.node(),
        pid=pid,
        process=identify_process(pid),
        begun=current_time,
        wave_begun=current_time,
        wave=wave,
        hosts=hosts,
    )
