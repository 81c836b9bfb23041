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
from ._alert_folder import AlertFolder, identify_process


def begin_wave(path: str, planned: Mapping[str, Any], wave: str, current_time: float) -> dict[str, Any]:
    """Note that a run begins a wave. Raises Problem if an alert has come since the run began.

    An alert that came before is told once, in the first wave of the run, and stops nothing.
    """
    folder, own_run = AlertFolder(path), _build_own_run(planned, wave, current_time)
    earlier_run = next((run for run in folder.list_runs(current_time) if own_run.is_same(run)), None)
    begun_at = earlier_run.begun if earlier_run else current_time
    wave_names = [row["name"] for row in planned["waves"]]
    stop = folder.read_stop()
    check_stop(stop, begun_at, wave_names[wave_names.index(wave) :])
    folder.note_run(replace(own_run, begun=begun_at))
    result = {"changed": False, "msg": f"No alert stops wave {wave}."}
    if stop and earlier_run is None:
        age_note = f"{stop.one_line_text} is older than this run, and does not stop it."
        return {**result, "warnings": [f"{age_note} Remove {folder.stop_file} to hear no more of it."]}
    return result


def _build_own_run(planned: Mapping[str, Any], wave: str, current_time: float) -> WaveRun:
    """Return the record of this run. The process of the playbook is the parent of the one that runs a task."""
    pid = os.getppid()
    hosts = [host for host, its_wave in planned["wave_of"].items() if its_wave == wave]
    return WaveRun(platform.node(), pid, identify_process(pid), current_time, current_time, wave, hosts)
