# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the plan of a run reads."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.plan_summary import describe_plan
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_gates import Gate
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_plan import RolloutWave
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_run import select_run_waves


def test_the_summary_says_what_a_failure_and_a_gate_do() -> None:
    waves = (
        RolloutWave("first", ("dev",), Gate(on_failure="roll_back_wave", watch_seconds=60)),
        RolloutWave("last", ("eu", "us"), Gate(1, on_failure="roll_back_all", approval=True)),
    )
    assert list(describe_plan(select_run_waves(waves, ("dev", "eu", "us"), ()), 2)) == [
        "Wave first (1 of 2): 1 host: dev. No host may fail. Its data is compared for 60 s. If it fails, its hosts go"
        " back.",
        "Wave last (2 of 2): 2 hosts: eu, us. 1 host may fail. If it fails, its hosts and those of earlier waves go"
        " back. A person lets it begin.",
    ]
