# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check whether services of a host can get the variables by which they send to a collector. Private.

`service_drop_ins.py` makes the checks for the services that a bundle lists, before anything is written. For example:

    the host has no service shp.service, did you mean 'shop.service'? Correct its name, or install the service first.
    service shop.service has OTEL_SERVICE_NAME from /etc/default/shop. Remove the variable there, or remove the service
    …
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..._otelcol.errors import Problem, clean_text, suggest_word
from ..bundle_form import CONFIG_FOLDER, SERVICE_SUFFIX
from ..service_environment import ServiceEnvironment, drop_in_owner, find_names_in_file, find_names_in_unit
from .drop_in_files import DropInFiles, read_file_start
from .host_store import Store
from .machine import Machine
from .owned_folders import is_own
from .service_units import ServiceUnit


class _Obstacle(NamedTuple):
    """Why a service does not get its variables, and what to do. {unit} is its name."""

    wrong: str
    fix: str


# States of a unit that no drop-in helps. Source: org.freedesktop.systemd1(5), LoadState.
_UNLOADED = {
    "masked": _Obstacle(
        "is masked, so it never starts",
        "Run `systemctl unmask {unit}` on the host, or remove it from the list.",
    ),
    "bad-setting": _Obstacle("has a unit that systemd cannot read", "Run `systemd-analyze verify {unit}` on the host."),
    "error": _Obstacle("has a unit that systemd cannot read", "Run `systemctl status {unit}` on the host."),
}
# What is told of a service that gets no drop-in, since it was started without a unit file.
_TRANSIENT = _Obstacle("has no unit file", "Give the variables where it is started, or write a unit file for it.")
# What is told of a service that does not reach the collector.
_OWN_NETWORK = _Obstacle("has a network of its own (PrivateNetwork), so it does not reach the host", "Remove it there.")


@dataclass(frozen=True)
class ServiceChecks:
    """The checks of the services that send to one collector."""

    machine: Machine
    store: Store
    services: Sequence[ServiceEnvironment]
    drop_ins: DropInFiles
    find_unit: Callable[[str], ServiceUnit]
    """Returns what systemd says of a unit."""

    def list_faults(self) -> Iterator[Problem]:
        """Yield why services of the list cannot get their drop-ins. Nothing is written before all of it is read."""
        for service in self.services:
            try:
                self._check_service(service)
            except Problem as problem:
                yield problem

    def _check_service(self, service: ServiceEnvironment) -> None:
        """Raise Problem if a service cannot get its variables.

        Only the first reason is given, since the others may follow from it.
        """
        self._check_owner(service.unit)
        service_unit = self.find_unit(service.unit)
        self._check_loaded(service.unit, service_unit)
        for has_obstacle, obstacle in (
            (service_unit.is_transient, _TRANSIENT),
            (service_unit.has_own_network, _OWN_NETWORK),
        ):
            if has_obstacle:
                raise Problem(f"service {service.unit} {obstacle.wrong}", fix=obstacle.fix)
        self._check_path_is_free(service.unit)
        self._check_variables(service, service_unit)

    def _check_owner(self, unit: str) -> None:
        """Raise Problem for a collector of this collection, whose variables are its option `env`."""
        name = unit[len("otelcol-") : -len(SERVICE_SUFFIX)] if unit.startswith("otelcol-") else ""
        if name and is_own(self.store.root / CONFIG_FOLDER[1:] / name):
            wrong = f"service {unit} is a collector of the inventory"
            raise Problem(wrong, fix=f"Use `env` of collector '{clean_text(name)}', and remove it from the list.")

    def _check_loaded(self, unit: str, service_unit: ServiceUnit) -> None:
        """Raise Problem for a service that the host has not, that does not load, or that has another name."""
        if service_unit.load_state == "not-found":
            wrong = f"the host has no service {unit}{suggest_word(unit, self._list_host_services())}"
            raise Problem(wrong, fix="Correct its name, or install the service first.")
        obstacle = _UNLOADED.get(service_unit.load_state)
        if obstacle:
            raise Problem(f"service {unit} {obstacle.wrong}", fix=obstacle.fix.format(unit=unit))
        if service_unit.name != unit:
            wrong = f"service {unit} is another name of {clean_text(service_unit.name)}"
            raise Problem(wrong, fix="List it by that name.")

    def _list_host_services(self) -> list[str]:
        """Return the services of this host, whether they run or not."""
        lists = (
            ("list-unit-files", "--type=service", "--no-legend", "--no-pager"),
            ("list-units", "--all", "--type=service", "--plain", "--no-legend", "--no-pager"),
        )
        units = set()
        for words in lists:
            for line in self.machine.run_systemctl(*words).output.splitlines():
                columns = line.split()
                if columns and columns[0].endswith(SERVICE_SUFFIX):
                    units.add(columns[0])
        return sorted(units)

    def _check_path_is_free(self, unit: str) -> None:
        """Raise Problem for a file of the same name, or a folder that leads elsewhere, of another owner."""
        drop_in = self.drop_ins.find_path(unit)
        folder = drop_in.parent
        is_folder = folder.is_dir() and not folder.is_symlink()
        if os.path.lexists(str(folder)) and not is_folder:
            raise Problem(f"{folder} is no folder", fix="See who made it, and remove it.")
        if not os.path.lexists(str(drop_in)):
            return
        if drop_in.is_symlink() or not drop_in_owner(read_file_start(drop_in)):
            wrong = f"{drop_in} belongs to somebody else"
            raise Problem(wrong, fix=f"Remove it if it is not needed, or remove {unit} from the list.")

    def _check_variables(self, service: ServiceEnvironment, service_unit: ServiceUnit) -> None:
        """Raise Problem if another file sets the same variables: the owner of the service has decided there."""
        own_drop_in = self.drop_ins.find_path(service.unit)
        readers = (
            (find_names_in_unit, service_unit.unit_files),
            (find_names_in_file, service_unit.environment_files),
        )
        for find_names, paths in readers:
            for path in paths:
                file = self.store.root / path.lstrip("/")
                conflicting_names = find_names(read_file_start(file), service.variables) if file != own_drop_in else []
                if conflicting_names:
                    wrong = f"service {service.unit} has {', '.join(conflicting_names)} from {clean_text(path)}"
                    raise Problem(wrong, fix="Remove the variable there, or remove the service from the list.")
