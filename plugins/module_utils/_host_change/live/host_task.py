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
from ..bundle_form import AWAITED, BEFORE_ALL, BUNDLE_OPTIONS
from ..certificate_ends import warn_of_end
from ..fitted_unit import Systemd
from ..host_release import Bundle, check_collector_name
from .host_edge import run_task, to_problem, warn_printable
from .host_faults import (
    Examination,
    examine_collector,
    find_access_faults,
    find_host_faults,
    list_foreign_paths,
    read_systemd,
    refuse_faults,
)
from .host_state import Outcome, ServiceOutcome, is_settled, note_differences
from .host_store import Store
from .installed_program import Program, describe_selinux_needs
from .late_imports import make_host_change, make_service_drop_ins
from .machine import Machine
from .owned_folders import list_own_collectors

ARGUMENTS: dict[str, Any] = {
    "bundle": {"type": "dict", "required": True, "options": BUNDLE_OPTIONS},
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
_SHORTEST_SECRET, _SHORTEST_LINE = 4, 8


def run_host(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Do what the task asks."""
    run_task(module, lambda: {**_carry_out(module, machine or Machine(), root), **_list_unlisted(module, root)})


def _list_unlisted(module: AnsibleModule, root: Path) -> dict[str, Any]:
    """Return the collectors of this collection that the inventory does not list; nothing without its list."""
    listed_names = module.params.get("listed")
    unlisted_names = (
        [] if listed_names is None else [name for name in list_own_collectors(root) if name not in listed_names]
    )
    return {"unlisted": unlisted_names} if unlisted_names else {}


def _carry_out(module: AnsibleModule, machine: Machine, root: Path) -> dict[str, Any]:
    bundle_options = module.params["bundle"]
    systemd = read_systemd(machine, root)
    store = Store(root, check_collector_name(bundle_options["name"]), machine, systemd.can_encrypt)
    if module.params["state"] == "absent":
        refuse_faults(find_access_faults(machine, root))
        with machine.hold_lock(store.lock, LOCK_SECONDS):
            return _remove_collector(module, machine, store)
    if module.params["state"] == "earlier":
        refuse_faults(find_access_faults(machine, root))
        with machine.hold_lock(store.lock, LOCK_SECONDS):
            return _return_to_earlier(module, machine, store)
    if module.params["state"] == "settled":
        with machine.hold_lock(store.lock, LOCK_SECONDS):
            return _settle_change(module, store)
    faults = list(find_host_faults(machine, root, systemd, module.params.get("controller_time") or 0.0))
    if faults:  # nothing will be changed, so the faults of the collector need no lock
        refuse_faults([*faults, *examine_collector(machine, store, bundle_options, systemd).faults])
    with machine.hold_lock(store.lock, LOCK_SECONDS):
        return _deploy_collector(module, machine, store, systemd)


def _remove_collector(module: AnsibleModule, machine: Machine, store: Store) -> dict[str, Any]:
    foreign_paths = list_foreign_paths(machine, store)
    if foreign_paths:
        warn_printable(module, f"{', '.join(foreign_paths)} belongs to somebody else and stays.")
        return {"changed": False, "msg": f"{store.name} is absent"}
    discards, drop_ins = bool(module.params.get("discard_unsent")), make_service_drop_ins(machine, store)
    change = make_host_change(machine, store, Bundle(store.name), Program(Path("/nowhere")), str)
    if module.check_mode:
        is_there = store.is_own() or drop_ins.plan_changes().is_changed
        forecast_lines = [f"{store.name} would be removed", *change.forecast_drain(discards)]
        return {"changed": is_there, "msg": "; ".join(forecast_lines) if is_there else f"{store.name} is absent"}
    change.drain_queues(discards)
    services = drop_ins.apply_changes()
    _warn_of_waiting(module, machine, store, services)
    outcome = change.remove_collector()
    is_changed = outcome.is_changed or services.is_changed
    state_word = "removed" if is_changed else "absent"
    return {"changed": is_changed, "msg": "; ".join([f"{store.name} is {state_word}", *outcome.notes])}


def _return_to_earlier(module: AnsibleModule, machine: Machine, store: Store) -> dict[str, Any]:
    """Go back to the release that ran before. Raises Problem for a collector that is not as the task expects it."""
    number, earlier = store.releases.find_current(), _check_way_back(module, store)
    if module.check_mode:
        would_text = f"release {earlier} would run again" if earlier else "the first install would be undone"
        forecast_text = would_text if earlier != number else f"release {number} runs"
        return {"changed": earlier != number, "release": number, "msg": f"{store.name}: {forecast_text}"}
    manifest = store.releases.read_manifest(earlier or number)
    bundle = Bundle(store.name, metrics_url=str(manifest.get("metrics") or ""))
    outcome = make_host_change(machine, store, bundle, Program(Path("/nowhere")), str).go_back_to(earlier)
    result_lines = outcome.notes or [f"Release {number} runs."]
    if earlier and store.read_passed_waves.read_all() and not store.read_passed_waves.find(earlier):
        result_lines = [*result_lines, f"Release {earlier} passed no wave."]
    return {"changed": outcome.is_changed, "release": outcome.release, "msg": f"{store.name}: {' '.join(result_lines)}"}


def _settle_change(module: AnsibleModule, store: Store) -> dict[str, Any]:
    """Let the last change stay, unless it is that of another run, whose wave decides.

    The note of a change is of runs alone, so nothing counts as changed.
    """
    number, undone_release = store.releases.find_current(), module.params.get("undoes")
    if undone_release and number != undone_release:
        result_text = f"release {number} of another run is in use, and not release {undone_release}. It stays undecided"
        return {"changed": False, "release": number, "msg": f"{store.name}: {result_text}"}
    if store.is_own() and not module.check_mode:
        store.undecided_change.remove()
    return {"changed": False, "release": number, "msg": f"{store.name}: release {number} stays"}


def _check_way_back(module: AnsibleModule, store: Store) -> str:
    """Return the release to go back to; empty to undo a first install.

    Raises Problem if another release is in use than the one to undo: another run has changed the collector since.
    """
    number = store.releases.find_current()
    wanted_release, undone_release = module.params["release"], module.params["undoes"]
    asked = f"Take collector {store.name} of this host back"
    if not wanted_release or not undone_release:
        wrong = f"`release` is '{wanted_release or ''}', and `undoes` is '{undone_release or ''}'"
        raise Problem(wrong, asked=asked, fix=f"Name both releases. A first install has `release: {BEFORE_ALL}`.")
    if not number or not store.is_own():
        raise Problem("it has no release in use", asked=asked, fix="Deploy it again with `state: present`.")
    if number not in (undone_release, wanted_release):
        wrong = f"release {number} is in use, and not release {undone_release}, which was to be undone"
        fix = (
            "Another run has changed this collector since. It stays as it is: run the playbook again to see it judged."
        )
        raise Problem(wrong, asked=asked, fix=fix)
    if wanted_release not in (BEFORE_ALL, *store.releases.list_numbers()):
        fix = "Keep at least 2 releases (`keep`), and deploy the earlier config again."
        raise Problem(f"release {wanted_release} is not kept", asked=asked, fix=fix)
    return "" if wanted_release == BEFORE_ALL else str(wanted_release)


def _warn_of_waiting(module: AnsibleModule, machine: Machine, store: Store, services: ServiceOutcome) -> None:
    for line in services.waiting_lines:
        warn_printable(module, f"{store.name} on {machine.node_name()}: {line}")


def _deploy_collector(module: AnsibleModule, machine: Machine, store: Store, systemd: Systemd) -> dict[str, Any]:
    examination = examine_collector(machine, store, module.params["bundle"], systemd)
    refuse_faults(examination.faults)
    program = examination.program
    certificate_warnings = [warn_of_end(name, data, machine.now()) for name, data in examination.secrets.items()]
    for line in filter(None, (*certificate_warnings, describe_selinux_needs(program, machine))):
        # Ansible shows each text once, so that of another host must differ.
        warn_printable(module, f"{store.name} on {machine.node_name()}: {line}")
    if program.is_awaited and not module.check_mode:
        return {"changed": False, AWAITED: machine.find_architecture(), "msg": f"{store.name} awaits its program"}
    if not module.params.get("awaits_wave") and not module.check_mode:
        store.undecided_change.remove()
    outcome, services = _make_change(module, machine, store, examination)
    _warn_of_waiting(module, machine, store, services)
    return _build_result(module, store, outcome, services)


def _make_change(
    module: AnsibleModule, machine: Machine, store: Store, examination: Examination
) -> tuple[Outcome, ServiceOutcome]:
    """Bring a collector and the services that send to it to what is wanted, or say what would be done."""
    outcome, service_rows = Outcome(), module.params["bundle"]["services"] or ()
    note_differences(machine, store, examination.bundle, outcome)
    if is_settled(store, examination.bundle, outcome) and not service_rows and not store.has_drop_ins():
        outcome.earlier_release = None if module.check_mode else outcome.release
        return outcome, ServiceOutcome()
    bundle = replace(examination.bundle, awaits_wave=bool(module.params.get("awaits_wave")))
    change = make_host_change(machine, store, bundle, examination.program, build_mask(examination.secrets))
    drop_ins = make_service_drop_ins(machine, store, service_rows)
    if module.check_mode:
        return change.plan_changes(), drop_ins.plan_changes()
    change.recover_interrupted()
    outcome = change.apply_changes()
    try:
        return outcome, drop_ins.apply_changes()
    except (Problem, OSError) as error:
        raise _add_way_back(error, module, store, outcome) from error


def _add_way_back(error: Problem | OSError, module: AnsibleModule, store: Store, outcome: Outcome) -> Problem:
    """Return a failure of services that send to a collector, with what a wave needs to take the collector back."""
    problem = to_problem(error)
    problem.facts.update(changed=outcome.is_changed, release=outcome.release)
    if module.params.get("awaits_wave"):
        problem.facts["undecided"] = store.undecided_change.read_earlier()
    return problem


def _build_result(module: AnsibleModule, store: Store, outcome: Outcome, services: ServiceOutcome) -> dict[str, Any]:
    summary = _write_summary(store, outcome, module.check_mode)
    result: dict[str, Any] = {
        "changed": outcome.is_changed or services.is_changed,
        "msg": "; ".join([summary, *services.notes]),
        "release": outcome.release,
        "earlier": outcome.earlier_release or "",
        "activation": outcome.activation,
        "changed_files": [*outcome.changed_paths, *services.changed_paths],
        "notes": [*outcome.notes, *services.notes],
    }
    if module.params.get("awaits_wave") and not module.check_mode:
        result["undecided"] = store.undecided_change.read_earlier()
    diff = [*outcome.differences, *services.differences]
    if module.params.get("differences"):
        result["differences"] = diff
    elif module._diff and diff:
        result["diff"] = diff
    return result


def _write_summary(store: Store, outcome: Outcome, is_check_mode: bool) -> str:
    if not outcome.is_changed:
        return f"{store.name}: release {outcome.release} runs, nothing differs"
    if outcome.notes and not outcome.changed_paths:
        return f"{store.name}: {'; '.join(outcome.notes)}"
    changed_text = ", ".join(outcome.changed_paths) or "service"
    verb_text = "would be changed by" if is_check_mode else "changed by"
    return "; ".join([f"{store.name}: {changed_text} {verb_text} {outcome.activation}", *outcome.notes])


def build_mask(secrets: Mapping[str, bytes]) -> Callable[[str], str]:
    """Return what hides the credentials in a text, also one line of a credential of several."""
    secret_texts = [data.decode("utf-8", "replace").strip() for data in secrets.values()]
    secret_lines = [
        line.strip() for text in secret_texts for line in text.splitlines() if len(line.strip()) >= _SHORTEST_LINE
    ]
    longest_first = sorted(
        {*secret_lines, *(text for text in secret_texts if len(text) >= _SHORTEST_SECRET)}, key=len, reverse=True
    )

    def hide_secrets(text: str) -> str:
        for secret in longest_first:
            text = text.replace(secret, MASK)
        return text

    return hide_secrets
