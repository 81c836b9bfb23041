# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports of files that a run needs only if it changes something. Private.

Ansible sends a module as an archive of texts, so a host compiles all that a module imports, in each run. What is
imported here is compiled only when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..host_release import CollectorBundle
    from .collector_removal import CollectorRemoval
    from .host_change import HostChange
    from .host_store import Store
    from .installed_program import Program
    from .machine import Machine
    from .service_drop_ins import ServiceDropIns


def make_host_change(
    machine: Machine, store: Store, bundle: CollectorBundle, program: Program, mask: Callable[[str], str]
) -> HostChange:
    """Return what deploys a collector, or rolls it back."""
    from .host_change import HostChange  # noqa: PLC0415 - compiled where something changes

    return HostChange(machine, store, bundle, program, mask)


def make_collector_removal(machine: Machine, store: Store, discards: bool) -> CollectorRemoval:
    """Return what removes a collector. `discards` is the consent to the loss of unsent data."""
    from .collector_removal import CollectorRemoval  # noqa: PLC0415 - compiled where something is removed

    return CollectorRemoval(machine, store, discards)


def make_service_drop_ins(machine: Machine, store: Store, rows: Sequence[Mapping[str, Any]] = ()) -> ServiceDropIns:
    """Return the services that send to a collector. May raise Problem for a row that no unit can hold."""
    from .service_drop_ins import ServiceDropIns  # noqa: PLC0415 - compiled where services have drop-ins

    return ServiceDropIns(machine, store, rows)


def import_host_http() -> Any:
    """Return the module `host_http`."""
    from . import host_http  # noqa: PLC0415 - compiled where something is asked over HTTP

    return host_http


def import_packed_program() -> Any:
    """Return the module `packed_program`."""
    from . import packed_program  # noqa: PLC0415 - compiled where a program is installed

    return packed_program
