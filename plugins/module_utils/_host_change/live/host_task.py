# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a task to the work on a collector of this host. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.errors import MASK, Problem
from ..bundle_form import AWAITED, BEFORE_ALL, BUNDLE
from ..certificate_ends import told
from ..fitted_unit import Systemd
from ..host_release import Bundle, checked_name
from .host_edge import problem_of, run_task, warn_of
from .host_faults import Examined, examined, foreign_places, host_faults, place_faults, refuse, systemd_of
from .host_state import Outcome, ServiceOutcome, compare, is_settled
from .host_store import Store, own_collectors
from .installed_program import Program, selinux_line
from .late_imports import change_of, drop_ins_of
from .machine import Machine

ARGUMENTS: dict[str, Any] = {
    "bundle": {"type": "dict", "required": True, "options": BUNDLE},
    "state": {"choices": ["present", "absent", "earlier", "settled"], "default": "present"},
    "awaits_wave": {"type": "bool", "default": False},
    "differences": {"type": "bool", "default": False},
    "release": {},
    "undoes": {},
    "listed": {"type": "list", "elements": "str"},
    "discard_unsent": {"type": "bool", "default": False},
    "stage": {"type": "int"},
    "receivers": {"type": "dict", "default": {}},
    "controller_time": {"type": "float"},
}
REQUIRED_IF = [("state", "earlier", ("release", "undoes"))]
LOCK_SECONDS = 120
_SHORTEST, _SHORTEST_LINE = 4, 8


def run_host(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Do what the task asks."""
    run_task(module, lambda: {**_work(module, machine or Machine(), root), **_beside(module, root)})


def _beside(module: AnsibleModule, root: Path) -> dict[str, Any]:
    """Return the collectors of this collection that the inventory does not list; nothing without its list."""
    listed = module.params.get("listed")
    others = [] if listed is None else [name for name in own_collectors(root) if name not in listed]
    return {"unlisted": others} if others else {}


def _work(module: AnsibleModule, machine: Machine, root: Path) -> dict[str, Any]:
    given = module.params["bundle"]
    systemd = systemd_of(machine, root)
    store = Store(root, checked_name(given["name"]), machine, systemd.encrypts)
    if module.params["state"] == "absent":
        refuse(place_faults(machine, root))
        with machine.alone(store.lock, LOCK_SECONDS):
            return _absent(module, machine, store)
    if module.params["state"] == "earlier":
        refuse(place_faults(machine, root))
        with machine.alone(store.lock, LOCK_SECONDS):
            return _earlier(module, machine, store)
    if module.params["state"] == "settled":
        with machine.alone(store.lock, LOCK_SECONDS):
            return _settled(module, store)
    faults = list(host_faults(machine, root, systemd, module.params.get("controller_time") or 0.0))
    if faults:  # nothing will be changed, so the faults of the collector need no lock
        refuse([*faults, *examined(machine, store, given, systemd).faults])
    with machine.alone(store.lock, LOCK_SECONDS):
        return _present(module, machine, store, systemd)


def _absent(module: AnsibleModule, machine: Machine, store: Store) -> dict[str, Any]:
    foreign = foreign_places(machine, store)
    if foreign:
        warn_of(module, f"{', '.join(foreign)} belongs to somebody else and stays.")
        return {"changed": False, "msg": f"{store.name} is absent"}
    discards, drop_ins = bool(module.params.get("discard_unsent")), drop_ins_of(machine, store)
    change = change_of(machine, store, Bundle(store.name), Program(Path("/nowhere")), str)
    if module.check_mode:
        is_there = store.is_own(store.folder) or drop_ins.plan().changed
        told = [f"{store.name} would be removed", *change.drain_forecast(discards)]
        return {"changed": is_there, "msg": "; ".join(told) if is_there else f"{store.name} is absent"}
    change.drain(discards)
    services = drop_ins.apply()
    _warn_waiting(module, machine, store, services)
    outcome = change.remove()
    is_changed = outcome.changed or services.changed
    word = "removed" if is_changed else "absent"
    return {"changed": is_changed, "msg": "; ".join([f"{store.name} is {word}", *outcome.notes])}


def _earlier(module: AnsibleModule, machine: Machine, store: Store) -> dict[str, Any]:
    """Go back to the release that ran before. Raises Problem for a collector that is not as the task expects it."""
    number, earlier = store.in_use(), _checked_back(module, store)
    if module.check_mode:
        would = f"release {earlier} would run again" if earlier else "the first install would be undone"
        forecast = would if earlier != number else f"release {number} runs"
        return {"changed": earlier != number, "release": number, "msg": f"{store.name}: {forecast}"}
    manifest = store.manifest(store.path(earlier or number))
    bundle = Bundle(store.name, metrics=str(manifest.get("metrics") or ""))
    outcome = change_of(machine, store, bundle, Program(Path("/nowhere")), str).go_back_to(earlier)
    said = outcome.notes or [f"Release {number} runs."]
    if earlier and store.passed_waves() and not store.passed(earlier):
        said = [*said, f"Release {earlier} passed no wave."]
    return {"changed": outcome.changed, "release": outcome.release, "msg": f"{store.name}: {' '.join(said)}"}


def _settled(module: AnsibleModule, store: Store) -> dict[str, Any]:
    """Let the last change stay, unless it is that of another run, whose wave decides.

    The note of a change is of runs alone, so nothing counts as changed.
    """
    number, own = store.in_use(), module.params.get("undoes")
    if own and number != own:
        said = f"release {number} of another run is in use, and not release {own}. It stays undecided"
        return {"changed": False, "release": number, "msg": f"{store.name}: {said}"}
    if store.is_own(store.folder) and not module.check_mode:
        store.decided()
    return {"changed": False, "release": number, "msg": f"{store.name}: release {number} stays"}


def _checked_back(module: AnsibleModule, store: Store) -> str:
    """Return the release to go back to; empty to undo a first install.

    Raises Problem if another release is in use than the one to undo: another run has changed the collector since.
    """
    number, given, undone = store.in_use(), module.params["release"], module.params["undoes"]
    asked = f"Take collector {store.name} of this host back"
    if not given or not undone:
        wrong = f"`release` is '{given or ''}', and `undoes` is '{undone or ''}'"
        raise Problem(wrong, asked=asked, fix=f"Name both releases. A first install has `release: {BEFORE_ALL}`.")
    if not number or not store.is_own(store.folder):
        raise Problem("it has no release in use", asked=asked, fix="Deploy it again with `state: present`.")
    if number not in (undone, given):
        wrong = f"release {number} is in use, and not release {undone}, which was to be undone"
        fix = (
            "Another run has changed this collector since. It stays as it is: run the playbook again to see it judged."
        )
        raise Problem(wrong, asked=asked, fix=fix)
    if given not in (BEFORE_ALL, *store.numbers()):
        fix = "Keep at least 2 releases (`keep`), and deploy the earlier config again."
        raise Problem(f"release {given} is not kept", asked=asked, fix=fix)
    return "" if given == BEFORE_ALL else str(given)


def _warn_waiting(module: AnsibleModule, machine: Machine, store: Store, services: ServiceOutcome) -> None:
    for line in services.waiting:
        warn_of(module, f"{store.name} on {machine.node_name()}: {line}")


def _present(module: AnsibleModule, machine: Machine, store: Store, systemd: Systemd) -> dict[str, Any]:
    found = examined(machine, store, module.params["bundle"], systemd)
    refuse(found.faults)
    program = found.program
    ending = [told(name, data, machine.now()) for name, data in found.secrets.items()]
    for line in filter(None, (*ending, selinux_line(program, machine))):
        # Ansible shows each text once, so that of another host must differ.
        warn_of(module, f"{store.name} on {machine.node_name()}: {line}")
    if program.is_awaited and not module.check_mode:
        return {"changed": False, AWAITED: machine.architecture(), "msg": f"{store.name} awaits its program"}
    if not module.params.get("awaits_wave") and not module.check_mode:
        store.decided()
    outcome, services = _changed(module, machine, store, found)
    _warn_waiting(module, machine, store, services)
    return _result(module, store, outcome, services)


def _changed(module: AnsibleModule, machine: Machine, store: Store, found: Examined) -> tuple[Outcome, ServiceOutcome]:
    """Bring a collector and the services that send to it to what is wanted, or say what would be done."""
    outcome, rows = Outcome(), module.params["bundle"]["services"] or ()
    compare(machine, store, found.bundle, outcome)
    if is_settled(store, found.bundle, outcome) and not rows and not store.has_drop_ins():
        outcome.earlier = None if module.check_mode else outcome.release
        return outcome, ServiceOutcome()
    bundle = replace(found.bundle, awaits_wave=bool(module.params.get("awaits_wave")))
    change = change_of(machine, store, bundle, found.program, masked(found.secrets))
    drop_ins = drop_ins_of(machine, store, rows)
    if module.check_mode:
        return change.plan(), drop_ins.plan()
    change.recover()
    outcome = change.apply()
    try:
        return outcome, drop_ins.apply()
    except (Problem, OSError) as error:
        raise _with_way_back(error, module, store, outcome) from error


def _with_way_back(error: Problem | OSError, module: AnsibleModule, store: Store, outcome: Outcome) -> Problem:
    """Return a failure of services that send to a collector, with what a wave needs to take the collector back."""
    problem = problem_of(error)
    problem.facts.update(changed=outcome.changed, release=outcome.release)
    if module.params.get("awaits_wave"):
        problem.facts["undecided"] = store.undecided()
    return problem


def _result(module: AnsibleModule, store: Store, outcome: Outcome, services: ServiceOutcome) -> dict[str, Any]:
    summary = _summary(store, outcome, module.check_mode)
    result: dict[str, Any] = {
        "changed": outcome.changed or services.changed,
        "msg": "; ".join([summary, *services.notes]),
        "release": outcome.release,
        "earlier": outcome.earlier or "",
        "activation": outcome.way,
        "changed_files": [*outcome.paths, *services.paths],
        "notes": [*outcome.notes, *services.notes],
    }
    if module.params.get("awaits_wave") and not module.check_mode:
        result["undecided"] = store.undecided()
    diff = [*outcome.diff, *services.diff]
    if module.params.get("differences"):
        result["differences"] = diff
    elif module._diff and diff:
        result["diff"] = diff
    return result


def _summary(store: Store, outcome: Outcome, check: bool) -> str:
    if not outcome.changed:
        return f"{store.name}: release {outcome.release} runs, nothing differs"
    if outcome.notes and not outcome.paths:
        return f"{store.name}: {'; '.join(outcome.notes)}"
    what = ", ".join(outcome.paths) or "service"
    would = "would be changed by" if check else "changed by"
    return "; ".join([f"{store.name}: {what} {would} {outcome.way}", *outcome.notes])


def masked(secrets: Mapping[str, bytes]) -> Callable[[str], str]:
    """Return what hides the credentials in a text, also one line of a credential of several."""
    texts = [data.decode("utf-8", "replace").strip() for data in secrets.values()]
    lines = [line.strip() for text in texts for line in text.splitlines() if len(line.strip()) >= _SHORTEST_LINE]
    known = sorted({*lines, *(text for text in texts if len(text) >= _SHORTEST)}, key=len, reverse=True)

    def mask(text: str) -> str:
        for secret in known:
            text = text.replace(secret, MASK)
        return text

    return mask
