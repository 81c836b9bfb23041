# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each wave keeps, rolls back and makes final."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_gates import Gate
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_plan import RolloutWave
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_rollbacks import (
    WaveRollback,
    plan_rollbacks,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_run import select_run_waves

STOPS, OWN, EVERY = Gate(), Gate(on_failure="roll_back_wave"), Gate(on_failure="roll_back_all")


@pytest.mark.parametrize(
    ("gates", "ways"),
    [
        ((STOPS, STOPS), [WaveRollback(False, (), ()), WaveRollback(False, (), ())]),
        ((OWN, OWN), [WaveRollback(True, ("a",), ("a",)), WaveRollback(True, ("b",), ("b",))]),
        (
            (STOPS, OWN, EVERY, OWN, STOPS),
            [
                WaveRollback(True, (), ()),
                WaveRollback(True, ("b",), ()),
                WaveRollback(True, ("a", "b", "c"), ("a", "b", "c")),
                WaveRollback(True, ("d",), ("d",)),
                WaveRollback(False, (), ()),
            ],
        ),
    ],
)
def test_waves_keep_their_way_back_until_the_last_one_that_needs_it_passed(
    gates: tuple[Gate, ...], ways: list[WaveRollback]
) -> None:
    waves = [RolloutWave("abcde"[number], (f"host{number}",), gate) for number, gate in enumerate(gates)]
    hosts = [host for wave in waves for host in wave.members]
    assert plan_rollbacks(select_run_waves(waves, hosts, ())) == ways


def test_nothing_waits_for_a_wave_without_hosts() -> None:
    waves = (RolloutWave("first", ("dev",), OWN), RolloutWave("last", ("eu",), EVERY))
    assert plan_rollbacks(select_run_waves(waves, ("dev",), ()))[0] == WaveRollback(True, ("first",), ("first",))
