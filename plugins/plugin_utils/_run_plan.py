# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run with waves, as module wave_plan returns it. Private.

`_wave_planning.py` makes the plan. Playbook site keeps it in a variable of each host, and passes it to the modules
wave_gate and wave_stop. The words of the plan, by an example with two waves that have `on_failure: roll_back_all`, of
which wave `canary` has the Linux host web1, and wave `all` the Linux hosts web2 and web3:

- A member is a host of a wave: a Linux host, or one that stands for a cluster. web1 is the member of `canary`.
- `lost`: members that failed before the first wave began. Ansible does nothing more with them.
- `rest`: members of later waves. web2 and web3 still run the earlier config while `canary` is watched, so web1 is
  compared with them.
- `behind`: collectors downstream of the wave: they get data of it, such as the gateway of web1.
- `keeps`: whether members keep the earlier config, so that the change can be undone. Those of both waves do.
- `goes_back`: the waves whose change is undone if this one fails. If `all` fails, these are `canary` and `all`.
- `settles`: the waves whose change becomes final when this one has passed. For `all`, these are `canary` and `all`.

`plan_rollbacks` of wave_run.py has the whole rule of the last three.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypedDict

from ..module_utils._waves.downstream_collectors import DownstreamReads

# The variables of a task, as Ansible passes them to an action: among them `hostvars` and `ansible_play_hosts`.
TaskVariables = Mapping[str, Any]


class PlannedWaveRow(TypedDict):
    """A wave of a plan."""

    name: str
    lost: Sequence[str]
    """The members that failed before the first wave."""

    # When it passes, by the option otel_waves.
    max_failed: int
    """So many of its members may fail."""
    watch_seconds: float
    """For how long its collectors are watched after their change; 0 for no watch."""
    without_data: str
    """What becomes of a wave whose collectors have no data to compare: `pass` or `fail`."""
    on_failure: str
    """What becomes of its changes if it fails: `stop` lets them stay, `roll_back_wave` undoes them, and `roll_back_all`
    undoes those of earlier waves too."""
    approval: bool
    """Whether a person has to let it begin."""

    # The rollback.
    keeps: bool
    """Whether its members keep what they would go back to, until a wave settles their change."""
    goes_back: Sequence[str]
    """The waves whose members go back if this one fails."""
    settles: Sequence[str]
    """The waves whose changes become final once this one has passed: nothing undoes them any more."""

    # What is read beside its own members while it is watched.
    rest: Sequence[str]
    """Some Linux hosts of later waves, which have not changed yet."""
    rest_clusters: Sequence[str]
    """Some clusters of later waves."""
    behind: DownstreamReads
    """What is read of collectors that get data of the wave, such as gateways of agents."""


class RunPlan(TypedDict):
    """The waves of a run."""

    hosts: Sequence[str]
    """The members in the order of their waves."""
    sizes: Sequence[int]
    """The number of members of each wave that has some: the batches of the play (`serial`)."""
    wave_of: Mapping[str, str]
    """The wave of each member."""
    waves: Sequence[PlannedWaveRow]
    """All waves in order, also those without members in this run."""
    samples: Sequence[str]
    """The members whose collectors can be read while a wave is watched."""
    tolerant_end: str
    """The last wave with members, if members may fail; otherwise empty. After it, the run names those that failed."""
    ends_alone: bool
    """Whether nothing is left to do once the last wave has passed."""
    by: str
    """Who runs the playbook."""
    summary: Sequence[str]
    """The plan in lines for people."""


def list_wave_names(run_plan: RunPlan) -> list[str]:
    """Return the names of all waves, in order."""
    return [wave["name"] for wave in run_plan["waves"]]


def find_wave(run_plan: RunPlan, name: str) -> PlannedWaveRow:
    """Return the wave of a name, which the plan has."""
    return next(wave for wave in run_plan["waves"] if wave["name"] == name)


def list_members_of_waves(run_plan: RunPlan, wave_names: Collection[str]) -> list[str]:
    """Return the members of some waves that this run changes, in the order of the plan."""
    return [member for member, wave_name in run_plan["wave_of"].items() if wave_name in wave_names]
