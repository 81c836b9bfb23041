# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which waves are rolled back if a wave fails, and until when their hosts keep the earlier release for that. Private.

A rollback is the return of hosts to what they ran before their change. The gate of each wave says by `on_failure` what
its failure rolls back: nothing (`stop`), the wave itself (`roll_back_wave`), or it and all earlier waves
(`roll_back_all`). `_wave_planning.py` of plugin_utils calls `plan_rollbacks` for the plan of a run.

A host can be rolled back as long as it keeps its earlier release. A change becomes final when nothing can roll it back
any more; the host drops the earlier release then. For example, of three waves:

| wave | `on_failure` | keeps the earlier release | rolled back if it fails | final once it has passed |
|---|---|---|---|---|
| a | `stop` | yes: b would roll it back | none | none |
| b | `roll_back_all` | yes | a, b | a, b |
| c | `stop` | no | none | none |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .wave_gates import ROLL_BACK, ROLL_BACK_ALL, STOP
from .wave_run import RunWave


class WaveRollback(NamedTuple):
    """What a run keeps, rolls back and makes final at one wave."""

    keeps_earlier: bool
    """Whether the hosts of the wave keep what they ran before, until their change is final."""
    rolled_back_waves: tuple[str, ...]
    """The names of the waves whose hosts are rolled back if this wave fails."""
    final_waves: tuple[str, ...]
    """The names of the waves whose changes are final once this wave has passed."""


def plan_rollbacks(waves: Sequence[RunWave]) -> list[WaveRollback]:
    """Return the rollback of each wave of a run, in the order of the waves.

    The last wave with `roll_back_all` may roll back all waves up to it, so their changes are final when that wave has
    passed. The change of a later wave is final when the wave itself has passed.
    """
    last_rolling_back_all = _find_last_rolling_back_all(waves)
    rollbacks: list[WaveRollback] = []
    waves_not_final: list[str] = []
    for index, wave in enumerate(waves):
        keeps_earlier = index <= last_rolling_back_all or wave.gate.on_failure != STOP
        if keeps_earlier:
            waves_not_final.append(wave.name)
        final_waves: tuple[str, ...] = ()
        if index >= last_rolling_back_all:
            final_waves = tuple(waves_not_final)
            waves_not_final = []
        rollbacks.append(WaveRollback(keeps_earlier, _list_rolled_back_waves(waves, index), final_waves))
    return rollbacks


def _find_last_rolling_back_all(waves: Sequence[RunWave]) -> int:
    """Return the index of the last wave with hosts and `on_failure: roll_back_all`; -1 if there is none.

    A wave without hosts never runs, so it rolls nothing back.
    """
    last_index = -1
    for index, wave in enumerate(waves):
        if wave.hosts and wave.gate.on_failure == ROLL_BACK_ALL:
            last_index = index
    return last_index


def _list_rolled_back_waves(waves: Sequence[RunWave], index: int) -> tuple[str, ...]:
    """Return the names of the waves whose hosts are rolled back if the wave of this index fails."""
    on_failure = waves[index].gate.on_failure
    if on_failure == ROLL_BACK:
        return (waves[index].name,)
    if on_failure == ROLL_BACK_ALL:
        return tuple(wave.name for wave in waves[: index + 1])
    return ()
