# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a collector from a host: its service, its files, and programs that nothing needs any more. Private.

`live/host_task.py` makes a `CollectorRemoval` for state `absent`: it calls `drain_queues`, takes the environment of
services back, and calls `remove`. For collector `agent`, these go: the links in /etc/systemd/system and
/etc/tmpfiles.d, /etc/otelcol/agent, and /var/lib/otelcol/agent unless it was there before the first install.
`live/host_change.py` uses the functions below to undo a first install.
"""

from __future__ import annotations

from ..._otelcol.errors import Failure
from ..bundle_form import state_folder
from ..host_plan import list_unused_programs
from .candidate_check import describe_change_task, remove_check
from .host_drain import Drain
from .host_store import Store
from .machine import Machine
from .owned_folders import remove_if_empty
from .program_installation import remove_unfinished_installs
from .systemd_calls import reload_units


class CollectorRemoval:
    """The removal of one collector of this host. `discards` is the consent to the loss of unsent data."""

    def __init__(self, machine: Machine, store: Store, discards: bool) -> None:
        self.machine, self.store, self.discards = machine, store, discards

    def forecast_losses(self) -> list[str]:
        """Return lines about unsent data in the collector's queues, for check mode."""
        return Drain(self.machine, self.store, self.discards).forecast_losses()

    def drain_queues(self) -> list[str]:
        """Stop the collector once its queues are empty, and return lines about lost data.

        Raises Problem for unsent data in its queues without consent to its loss. The collector still runs then.
        """
        if not self.store.is_own():
            return []
        drain = Drain(self.machine, self.store, self.discards)
        return drain.stop_collector(lambda: stop_service(self.machine, self.store))

    def remove(self) -> bool:
        """Remove all that runs of this collection have made for this collector. Return whether there was something."""
        remove_temporary_paths(self.machine, self.store)
        was_there = self.store.is_own()
        if was_there:
            remove_all_files(self.machine, self.store)
        remove_unused_folders(self.store)
        return was_there


def stop_service(machine: Machine, store: Store) -> None:
    """Stop the service of a collector, if it has a unit. Raises Failure if systemd does not stop it."""
    if store.links.unit.is_symlink():
        stop_result = machine.run_systemctl("stop", store.service)
        if stop_result.exit_code:
            wrong = f"systemd does not stop it: {stop_result.output.strip()[-300:]}"
            raise Failure(wrong, asked=describe_change_task(store))


def remove_all_files(machine: Machine, store: Store) -> None:
    """Stop the service, and remove its links, its files, and its state unless that was there before."""
    had_state = store.had_state()
    stop_service(machine, store)
    store.remove_links()
    reload_units(machine)
    # systemd goes on listing a unit that has failed, even if its file is gone, until it is told to forget that.
    machine.run_systemctl("reset-failed", store.service)
    store.remove("" if had_state else state_folder(store.name))


def remove_temporary_paths(machine: Machine, store: Store) -> None:
    """Remove what killed runs left: files under temporary names, unfinished programs, and the unit of a check."""
    store.remove_temporary_paths()
    remove_unfinished_installs(store)
    remove_check(machine, store)


def remove_unused_programs(store: Store) -> None:
    """Remove the programs of this collection that no release of any collector names."""
    for folder in list_unused_programs(store.programs.map_ownership(), store.programs.list_used()):
        store.programs.remove(folder)


def remove_unused_folders(store: Store) -> None:
    """Remove programs that no release names, and folders of this collection in which nothing is left."""
    remove_unused_programs(store)
    for folder in (store.all, store.programs.folder):
        remove_if_empty(folder)
