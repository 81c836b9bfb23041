# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of a collector as systemd sees it at one moment. Private.

`read_unit_state` asks systemd once. What the diagnosis says of the service, its age and its user follows from that
answer, so these facts are of one moment. For example, the answer `ActiveState=active`, `MainPID=7`, … of a service that
began ten seconds ago is `UnitState(properties={"ActiveState": "active", "MainPID": "7", …}, uptime=…)`, and it
`is_running`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..file_rights import Reader
from ..host_answer import ServiceFacts
from .accounts import group_id, parse_account_number, user_id
from .machine import Machine

# What is asked of systemd about the unit. Source: org.freedesktop.systemd1(5).
_UNIT_PROPERTIES = (
    "LoadState,UnitFileState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainCode,ExecMainStatus,FragmentPath,"
    "DropInPaths,NeedDaemonReload,MemoryMax,User,DynamicUser,UID,GID,SupplementaryGroups,AmbientCapabilities,"
    "ActiveEnterTimestampMonotonic,InvocationID"
)
_MICROSECONDS = 1e6


@dataclass(frozen=True)
class UnitState:
    """What systemd said of a unit, and when."""

    unit: str
    """The name of the unit, such as `otelcol-agent.service`."""
    properties: Mapping[str, str]
    """By systemd's names. A property that systemd does not know is missing."""
    uptime: float
    """For how many seconds the host had run when systemd was asked."""

    @property
    def is_running(self) -> bool:
        """Whether the unit has a process."""
        return self.properties.get("ActiveState") == "active" and self.main_pid != "0"

    @property
    def main_pid(self) -> str:
        """The number of its process, as text; `0` without one."""
        return self.properties.get("MainPID", "0")

    @property
    def seconds_up(self) -> float:
        """For how many seconds the process ran; 0 if it does not run, or if systemd does not know it."""
        began_at = int(self.properties.get("ActiveEnterTimestampMonotonic") or 0) / _MICROSECONDS
        if not self.is_running or not began_at:
            return 0.0
        return self.uptime - began_at


def read_unit_state(machine: Machine, unit: str) -> UnitState:
    """Return what systemd says of a unit now."""
    show_result = machine.run_systemctl("show", unit, f"--property={_UNIT_PROPERTIES}")
    properties = {}
    for line in show_result.output.splitlines():
        key, _sign, value = line.partition("=")
        if key:
            properties[key] = value
    return UnitState(unit, properties, machine.read_uptime())


def describe_service(state: UnitState) -> ServiceFacts:
    """Return the facts of the service."""
    properties = state.properties
    return {
        "unit": state.unit,
        "load": properties.get("LoadState", ""),
        "at_boot": properties.get("UnitFileState", ""),
        "active": properties.get("ActiveState", ""),
        "sub": properties.get("SubState", ""),
        "result": properties.get("Result", ""),
        "status": int(properties.get("ExecMainStatus") or 0),
        "restarts": int(properties.get("NRestarts") or 0),
        "seconds": int(state.seconds_up),
        "drop_ins": properties.get("DropInPaths", "").split(),
        "stale": properties.get("NeedDaemonReload") == "yes",
        "memory_max": properties.get("MemoryMax", ""),
        "groups": properties.get("SupplementaryGroups", "").split(),
    }


def find_reader(state: UnitState) -> Reader:
    """Return the user of the service, with the groups and capabilities by which it may read files."""
    properties = state.properties
    group_ids = [group_id(name) for name in properties.get("SupplementaryGroups", "").split()]
    group_ids.append(parse_account_number(properties.get("GID", "")))
    known_group_ids = tuple(number for number in group_ids if number >= 0)
    capabilities = tuple(properties.get("AmbientCapabilities", "").split())
    return Reader(_find_user_id(state), known_group_ids, capabilities)


def _find_user_id(state: UnitState) -> int:
    """Return the number of the user of the service; negative if it has none.

    systemd knows the number only while the service runs. After that, a named user still has the number of its account,
    and a dynamic one has none.
    """
    properties = state.properties
    running_id = parse_account_number(properties.get("UID", ""))
    is_dynamic = properties.get("DynamicUser") == "yes"
    if running_id >= 0 or is_dynamic:
        return running_id
    return user_id(properties.get("User") or "root")
