# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run with waves, as module wave_plan returns it. Private.

`_wave_planning.py` makes the plan. Playbook site keeps it in a variable of each host, and passes it to the modules
wave_gate and wave_stop. A member is a host of a wave: a Linux host, or one that stands for a cluster. For example, wave
`canary` has web1, wave `all` has gw1, web2 and web3, and both have `on_failure: roll_back_all`. The agents on web1 to
web3 send to the gateway on gw1, and web3 fails before the first wave:

    {
        "hosts": ["web1", "gw1", "web2"],
        "sizes": [1, 2],
        "wave_of": {"web1": "canary", "gw1": "all", "web2": "all"},
        "waves": [
            {
                "name": "canary",
                "lost": [],
                "max_failed": 0, "watch_seconds": 150, "without_data": "pass", "on_failure": "roll_back_all",
                "approval": False,
                "keeps": True,               # web1 keeps the earlier config, since `all` may undo its change
                "goes_back": ["canary"],     # if canary fails, the change of web1 is undone
                "settles": [],               # the change of web1 is not final yet when canary has passed
                "rest": ["gw1", "web2"],     # they still run the earlier config, so web1 is compared with them
                "rest_clusters": [],
                "behind": {"hosts": {"collectors": {"gw1": ["gateway"]}, "before": ["gw1"], …}, …},
            },
            {
                "name": "all",
                "lost": ["web3"],            # Ansible does nothing more with web3
                "max_failed": 1, "watch_seconds": 0, "without_data": "pass", "on_failure": "roll_back_all",
                "approval": True,
                "keeps": True,
                "goes_back": ["canary", "all"],
                "settles": ["canary", "all"],
                "rest": [], "rest_clusters": [],
                "behind": {…},               # nothing, since this wave is not watched
            },
        ],
        "samples": ["web1", "gw1", "web2"],
        "tolerant_end": "all",
        "ends_alone": False,
        "by": "alice",
        "summary": […],
    }

`plan_rollbacks` of wave_rollbacks.py has the whole rule of `keeps`, `goes_back` and `settles`.
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
    """The members that failed before the first wave began. They count as failed."""

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
    """What is read of collectors downstream of the wave: they get data of it, as gateways do of agents."""


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
    """The members whose collectors can be read while a wave is watched. The tasks of the watch skip all others."""
    tolerant_end: str
    """The last wave with members, if members may fail; otherwise empty.

    After this wave, the task file `wave_end.yml` ends the run as failed if members failed, and names them.
    """
    ends_alone: bool
    """Whether no wave is watched and no change can be undone. Then one host runs the gate of a wave for all others."""
    by: str
    """The user who runs the playbook, for the note of who let a wave pass."""
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
