# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd says of the service of somebody else, read in one call. Private.

service_drop_ins.py asks this about the services that send to a collector. For the unit of a collector itself, `Service`
of machine.py has what is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..._otelcol.errors import Problem, clean_text
from .machine import Machine

# What is asked of systemd. Source: org.freedesktop.systemd1(5).
_UNIT_PROPERTIES = (
    "Id,LoadState,FragmentPath,DropInPaths,EnvironmentFiles,ActiveState,MainPID,NeedDaemonReload,Transient"
    ",PrivateNetwork,ExecMainStartTimestampMonotonic"
)


@dataclass(frozen=True)
class ServiceUnit:
    """A service as systemd has it. Source: the properties of org.freedesktop.systemd1(5)."""

    name: str
    """The name of its unit file, which differs from the one that was asked for if that is an alias."""
    load_state: str
    """`loaded`, `not-found`, `masked`, `bad-setting` or `error`."""
    unit_files: tuple[str, ...]
    """The paths of its unit file and of its drop-ins."""
    environment_files: tuple[str, ...]
    """The paths of the files that it reads variables from."""
    is_active: bool
    pid: int
    """The number of its main process; 0 if it has none."""
    needs_reload: bool
    """Whether a file of it has changed since systemd read it."""
    is_transient: bool
    """Whether it was started without a unit file."""
    has_own_network: bool
    """Whether it runs in a network of its own (PrivateNetwork), where it does not reach the host."""
    started_after_boot: float
    """When its main process started, in seconds since the host booted; 0 if it never did."""


def read_service_unit(machine: Machine, unit: str) -> ServiceUnit:
    """Ask systemd for a service. Raises Problem if it does not answer."""
    answer = machine.run_systemctl("show", unit, f"--property={_UNIT_PROPERTIES}")
    properties = _parse_properties(answer.output)
    if answer.exit_code or "LoadState" not in properties:
        wrong = f"systemd does not answer: {clean_text(answer.output.strip()[-300:])}"
        raise Problem(wrong, asked=f"Read {unit}", fix="Run `systemctl status` on the host.")
    return ServiceUnit(
        name=properties.get("Id") or unit,
        load_state=properties["LoadState"],
        unit_files=_list_unit_files(properties),
        environment_files=_list_environment_files(properties),
        is_active=properties.get("ActiveState") == "active",
        pid=int(properties.get("MainPID") or 0),
        needs_reload=properties.get("NeedDaemonReload") == "yes",
        is_transient=properties.get("Transient") == "yes",
        has_own_network=properties.get("PrivateNetwork") == "yes",
        started_after_boot=int(properties.get("ExecMainStartTimestampMonotonic") or 0) / 1e6,
    )


def _list_unit_files(properties: Mapping[str, str]) -> tuple[str, ...]:
    """Return the paths of the unit file, which a transient service has not, and of the drop-ins."""
    unit_files = (properties.get("FragmentPath", ""), *properties.get("DropInPaths", "").split())
    return tuple(path for path in unit_files if path)


def _list_environment_files(properties: Mapping[str, str]) -> tuple[str, ...]:
    """Return the paths of the files of variables. A line of systemd is `/etc/default/shop (ignore_errors=yes)`."""
    lines = properties.get("EnvironmentFiles", "").splitlines()
    environment_files = [line.rpartition(" (")[0] for line in lines]
    return tuple(path for path in environment_files if path)


def _parse_properties(output: str) -> dict[str, str]:
    """Return the properties that `systemctl show` prints; one that stands several times has lines in one text."""
    properties: dict[str, str] = {}
    for line in output.splitlines():
        key, _sign, value = line.partition("=")
        properties[key] = f"{properties[key]}\n{value}" if key in properties else value
    return properties
