# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the service of a collector serves: its ports and its health check. Private.

`host_facts.py` asks this until a young process serves, and puts the answers into the facts of the collector. For
example, a collector whose port 4317 nothing listens on has `list_closed_ports(…) == [OpenedPort(4317, "tcp", …)]`.
"""

from __future__ import annotations

from ..host_answer import TakenPortFacts
from ..host_release import CollectorBundle, OpenedPort
from ..taken_ports import describe_port_fix, find_closed_ports, find_taken_ports
from .host_store import Store
from .machine import Machine
from .owned_folders import list_own_collectors
from .unit_state import UnitState


def does_serve(machine: Machine, state: UnitState, store: Store, bundle: CollectorBundle) -> bool:
    """Return whether a running service has all its ports, and its health check succeeds."""
    if list_closed_ports(machine, state, bundle) or list_taken_ports(machine, store, bundle):
        return False
    return not explain_unhealthy(machine, state, bundle)


def list_closed_ports(machine: Machine, state: UnitState, bundle: CollectorBundle) -> list[OpenedPort]:
    """Return the ports of the receivers on which nothing listens although the service runs."""
    if not state.is_running:
        return []
    return find_closed_ports(bundle.ports, machine.list_listeners())


def list_taken_ports(machine: Machine, store: Store, bundle: CollectorBundle) -> list[TakenPortFacts]:
    """Return the ports of the receivers that another service has."""
    taken_ports = find_taken_ports(bundle.ports, machine.list_listeners(), machine.holders(), store.service)
    rows: list[TakenPortFacts] = []
    for taken_port in taken_ports:
        fix = describe_port_fix([taken_port], list_own_collectors(store.root))
        rows.append({"text": taken_port.description, "fix": fix})
    return rows


def explain_unhealthy(machine: Machine, state: UnitState, bundle: CollectorBundle) -> str:
    """Return the failure of the health check; empty if the check succeeds, or if there is none to ask."""
    if not bundle.health_url or not state.is_running:
        return ""
    try:
        machine.get(bundle.health_url)
    except (OSError, ValueError) as error:
        return f"{bundle.health_url}: {error}"
    return ""
