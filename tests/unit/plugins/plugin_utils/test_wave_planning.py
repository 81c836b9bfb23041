# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run with waves has what its tasks, and the modules that get it, read of it."""

from __future__ import annotations

from typing import Any, get_type_hints

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._run_plan import PlannedWaveRow, RunPlan
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._wave_planning import Person, plan_run

HOSTS = ["a", "b", "eu", "us"]
GROWTH = {"growth": [1, "100%"], "on_failure": "roll_back_wave", "watch_seconds": 60}


def variables(growth: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of a task: two Linux hosts, and two clusters of which one has failed."""
    return {
        "inventory_hostname": "a",
        "groups": {"all": HOSTS, "otel_linux": HOSTS[:2]},
        "hostvars": {host: {"otel_waves": growth} for host in HOSTS},
        "ansible_play_hosts_all": HOSTS,
        "ansible_play_hosts": HOSTS[:-1],
    }


def test_a_plan_has_what_tasks_read_of_it() -> None:
    run_plan = plan_run({**GROWTH, "max_failed": 1}, "", variables(GROWTH), Person(True, (), "me"))
    first_wave, second_wave = run_plan["waves"]
    assert set(run_plan) == set(get_type_hints(RunPlan))
    assert set(first_wave) == set(get_type_hints(PlannedWaveRow))
    assert (run_plan["hosts"], run_plan["sizes"], run_plan["samples"]) == (HOSTS[:-1], [1, 2], HOSTS[:-1])
    assert (first_wave["rest"], first_wave["rest_clusters"]) == (["b"], ["eu"])
    assert (second_wave["lost"], second_wave["goes_back"], second_wave["keeps"]) == (["us"], ("wave-2",), True)
