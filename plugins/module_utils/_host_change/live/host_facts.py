# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of one collector on this host: its service, release, program, ports, health, files and disks. Private.

`live/diagnose_task.py` reads the unit with `read_settled_unit`, and puts the facts of `collect_host_facts` into the
result of module host_diagnose. The controller reads them in `_diagnose/host_situation.py`. Each part of the facts has a
file of its own, such as `serving_facts.py` for ports and health. Nothing is changed.

The bundle is the collector as the inventory wants it. The question (host_question.py) is what the config names: files,
certificates and peers.
"""

from __future__ import annotations

from ..host_answer import CollectorFacts
from ..host_question import DiagnosisOptions
from ..host_release import CollectorBundle
from .disk_facts import describe_disks
from .file_facts import describe_certificates, describe_patterns
from .host_store import Store
from .journal_facts import read_journal_entries
from .machine import Machine
from .peer_facts import describe_peers
from .release_facts import describe_program, describe_release
from .serving_facts import does_serve, explain_unhealthy, list_closed_ports, list_taken_ports
from .unit_state import UnitState, describe_service, find_reader, read_unit_state

# A process that cannot start ends within some seconds. Until then, systemd says that it runs. So a process that is
# younger than so many seconds is read again.
_YOUNG_SECONDS = 30.0
# How many seconds are between two of these readings.
_POLL_SECONDS = 0.3


def read_settled_unit(machine: Machine, store: Store, bundle: CollectorBundle) -> UnitState:
    """Return the state of a collector's unit, once its service serves or has ended.

    A young process that does not serve yet may end soon, and systemd would start it again. So this waits until it
    serves, has ended, or is not young any more.
    """
    state = read_unit_state(machine, store.service)
    deadline = machine.read_uptime() + _YOUNG_SECONDS
    while _is_starting(machine, state, store, bundle) and machine.read_uptime() < deadline:
        machine.sleep(_POLL_SECONDS)
        state = read_unit_state(machine, store.service)
    return state


def _is_starting(machine: Machine, state: UnitState, store: Store, bundle: CollectorBundle) -> bool:
    """Return whether the process is young, and does not serve yet."""
    is_young = state.is_running and state.seconds_up < _YOUNG_SECONDS
    return is_young and not does_serve(machine, state, store, bundle)


def collect_host_facts(
    machine: Machine, state: UnitState, store: Store, bundle: CollectorBundle, options: DiagnosisOptions
) -> CollectorFacts:
    """Return all facts but those of the collector's own metrics, which need two readings."""
    question = options.question
    reader = find_reader(state)
    return {
        "name": store.name,
        "service": describe_service(state),
        "release": describe_release(store, bundle),
        "program": describe_program(state, store, bundle),
        "closed": [f"{port.number}/{port.protocol}" for port in list_closed_ports(machine, state, bundle)],
        "taken": list_taken_ports(machine, store, bundle),
        "unhealthy": explain_unhealthy(machine, state, bundle),
        "journal": read_journal_entries(machine, store.service, options),
        "files": list(describe_patterns(question.get("files") or (), reader)),
        "certificates": list(describe_certificates(question.get("certificates") or (), reader)),
        "peers": list(describe_peers(machine, question.get("peers") or ())),
        # The collector keeps its state in one folder, and this collection its releases in the other.
        "disks": list(describe_disks((bundle.state, str(store.folder)))),
    }
