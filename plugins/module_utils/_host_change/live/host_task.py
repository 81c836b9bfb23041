# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module host_apply on a host: deploys, removes, takes back or settles one collector. Private.

`run_host` is the entry point. Each state of the module has a method of `_HostTask`, and each method returns a result of
the module, whose keys the module's documentation lists.

| state | what is done |
|---|---|
| `present` | deploy the bundle as a new release, see `live/host_change.py` |
| `absent` | remove the collector |
| `earlier` | go back to an earlier release, since a wave failed or an alert fires |
| `settled` | forget the way back: the last change stays. Until then, the change is undecided |

A release is a numbered folder with the files of the collector (see host_plan.py). If a change `awaits_wave`, the gate
of its wave decides later whether it stays (see docs/waves.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.errors import MASK, Problem
from ..bundle_form import AWAITED, BEFORE_ALL, BUNDLE_OPTIONS
from ..certificate_ends import warn_of_end
from ..host_release import CollectorBundle, check_collector_name
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
from .host_state import HostOutcome, ServiceOutcome, has_nothing_to_do, plan_outcome
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
# How long a task waits for another run to end, in seconds.
LOCK_SECONDS = 120
# The shortest secret, and the shortest line of a longer secret, that are masked, in characters: a shorter text would
# mask parts of ordinary words.
_SHORTEST_SECRET, _SHORTEST_LINE = 4, 8
# A removal and a way back install no program.
_NO_PROGRAM = Program(Path("/nowhere"))


def run_host(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Do what the task asks, and exit with its result. Tests give a machine and a root of their own."""
    run_task(module, lambda: _compute_result(module, machine or Machine(), root))


def _compute_result(module: AnsibleModule, machine: Machine, root: Path) -> dict[str, Any]:
    options = _TaskOptions.from_params(module.params)
    result = _HostTask(module, options, machine, root).run()
    unlisted_names = _list_unlisted(options, root)
    return {**result, "unlisted": unlisted_names} if unlisted_names else result


@dataclass(frozen=True)
class _TaskOptions:
    """The options of module host_apply."""

    bundle: Mapping[str, Any]
    """The collector as it is wanted, in the form of `bundle_form`."""
    state: str
    """`present`, `absent`, `earlier` or `settled`."""
    awaits_wave: bool
    """Whether the gate of a wave decides later whether the change stays."""
    returns_differences: bool
    """Whether the result has the differences in a key of its own, and not as Ansible's diff."""
    wanted_release: str
    """The release to go back to; BEFORE_ALL to undo a first install. Empty for other states."""
    undone_release: str
    """The release that the task undoes, or that it settles; empty if the task does not say."""
    listed_names: list[str] | None
    """The collectors that the inventory lists for this host; None if the task does not say."""
    discards_unsent: bool
    """Whether the user consents to the loss of unsent data in queues."""
    controller_time: float
    """The time of day of the controller, in seconds since 1970; 0 if it is not known."""

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> _TaskOptions:
        return cls(
            bundle=params["bundle"],
            state=params["state"],
            awaits_wave=bool(params.get("awaits_wave")),
            returns_differences=bool(params.get("differences")),
            wanted_release=params.get("release") or "",
            undone_release=params.get("undoes") or "",
            listed_names=params.get("listed"),
            discards_unsent=bool(params.get("discard_unsent")),
            controller_time=params.get("controller_time") or 0.0,
        )


def _list_unlisted(options: _TaskOptions, root: Path) -> list[str]:
    """Return the collectors of this collection on the host that the inventory does not list."""
    listed_names = options.listed_names
    if listed_names is None:
        return []
    return [name for name in list_own_collectors(root) if name not in listed_names]


class _HostTask:
    """One run of the module for one collector. Raises Problem or Failure if the task cannot be done."""

    def __init__(self, module: AnsibleModule, options: _TaskOptions, machine: Machine, root: Path) -> None:
        self.module = module
        self.options = options
        self.machine = machine
        self.root = root
        self.systemd = read_systemd(machine, root)
        name = check_collector_name(options.bundle["name"])
        self.store = Store(root, name, machine, self.systemd.can_encrypt)

    def run(self) -> dict[str, Any]:
        """Return the result of the task. A run holds the lock of the host while it changes something."""
        compute_by_state = {
            "absent": self._remove_collector,
            "earlier": self._return_to_earlier,
            "settled": self._settle_change,
            "present": self._deploy_collector,
        }
        self._refuse_host_faults()
        with self.machine.hold_lock(self.store.lock, LOCK_SECONDS):
            return compute_by_state[self.options.state]()

    def _refuse_host_faults(self) -> None:
        """Raise Problem for faults of the host, before the task waits for the lock."""
        state = self.options.state
        if state in ("absent", "earlier"):
            refuse_faults(find_access_faults(self.machine, self.root))
        if state == "present":
            host_faults = list(find_host_faults(self.machine, self.root, self.systemd, self.options.controller_time))
            if host_faults:  # the user is told the faults of the collector too, in one message
                refuse_faults([*host_faults, *self._examine_collector().faults])

    def _examine_collector(self) -> Examination:
        return examine_collector(self.machine, self.store, self.options.bundle, self.systemd)

    # ── State absent ──

    def _remove_collector(self) -> dict[str, Any]:
        """Remove the collector, and take back the environment of services that send to it."""
        store = self.store
        foreign_paths = list_foreign_paths(self.machine, store)
        if foreign_paths:
            warn_printable(self.module, f"{', '.join(foreign_paths)} belongs to somebody else and stays.")
            return {"changed": False, "msg": f"{store.name} is absent"}
        discards = self.options.discards_unsent
        drop_ins = make_service_drop_ins(self.machine, store)
        change = make_host_change(self.machine, store, CollectorBundle(store.name), _NO_PROGRAM, str)
        if self.module.check_mode:
            would_change = store.is_own() or drop_ins.plan_changes().is_changed
            forecast_lines = [f"{store.name} would be removed", *change.forecast_drain(discards)]
            message = "; ".join(forecast_lines) if would_change else f"{store.name} is absent"
            return {"changed": would_change, "msg": message}
        change.drain_queues(discards)
        services = drop_ins.apply_changes()
        self._warn_of_waiting_services(services)
        outcome = change.remove_collector()
        is_changed = outcome.is_changed or services.is_changed
        state_word = "removed" if is_changed else "absent"
        return {"changed": is_changed, "msg": "; ".join([f"{store.name} is {state_word}", *outcome.notes])}

    # ── State earlier ──

    def _return_to_earlier(self) -> dict[str, Any]:
        """Go back to the release that ran before. Raises Problem if another run has changed the collector since."""
        store = self.store
        current_release = store.releases.find_current()
        earlier_release = self._check_way_back()
        if self.module.check_mode:
            return self._forecast_return(current_release, earlier_release)
        manifest = store.releases.read_manifest(earlier_release or current_release)
        bundle = CollectorBundle(store.name, metrics_url=str(manifest.get("metrics") or ""))
        change = make_host_change(self.machine, store, bundle, _NO_PROGRAM, str)
        outcome = change.roll_back_to(earlier_release)
        result_lines = outcome.notes or [f"Release {current_release} runs."]
        has_passed_waves = bool(store.passed_waves.read_all())
        if earlier_release and has_passed_waves and not store.passed_waves.find(earlier_release):
            result_lines = [*result_lines, f"Release {earlier_release} passed no wave."]
        message = f"{store.name}: {' '.join(result_lines)}"
        return {"changed": outcome.is_changed, "release": outcome.release, "msg": message}

    def _forecast_return(self, current_release: str, earlier_release: str) -> dict[str, Any]:
        """Return the result of check mode. `earlier_release` is empty if a first install is undone."""
        if earlier_release == current_release:
            forecast_text = f"release {current_release} runs"
        elif earlier_release:
            forecast_text = f"release {earlier_release} would run again"
        else:
            forecast_text = "the first install would be undone"
        return {
            "changed": earlier_release != current_release,
            "release": current_release,
            "msg": f"{self.store.name}: {forecast_text}",
        }

    def _check_way_back(self) -> str:
        """Return the release to go back to; empty to undo a first install.

        Raises Problem if the release in use is not the one to undo: another run has changed the collector since.
        """
        store = self.store
        current_release = store.releases.find_current()
        wanted_release, undone_release = self.options.wanted_release, self.options.undone_release
        asked = f"Take collector {store.name} of this host back"
        if not wanted_release or not undone_release:
            wrong = f"`release` is '{wanted_release}', and `undoes` is '{undone_release}'"
            raise Problem(wrong, asked=asked, fix=f"Name both releases. A first install has `release: {BEFORE_ALL}`.")
        if not current_release or not store.is_own():
            raise Problem("it has no release in use", asked=asked, fix="Deploy it again with `state: present`.")
        if current_release not in (undone_release, wanted_release):
            wrong = f"release {current_release} is in use, and not release {undone_release}, which was to be undone"
            fix = (
                "Another run has changed this collector since. It stays as it is: run the playbook again to see it"
                " judged."
            )
            raise Problem(wrong, asked=asked, fix=fix)
        if wanted_release not in (BEFORE_ALL, *store.releases.list_numbers()):
            fix = "Keep at least 2 releases (`keep`), and deploy the earlier config again."
            raise Problem(f"release {wanted_release} is not kept", asked=asked, fix=fix)
        return "" if wanted_release == BEFORE_ALL else wanted_release

    # ── State settled ──

    def _settle_change(self) -> dict[str, Any]:
        """Remove the note of what the last change goes back to, so that the change stays.

        The note stays if another run has deployed the release in use: the wave of that run decides. Only runs read the
        note, so its removal does not count as a change.
        """
        store = self.store
        current_release, undone_release = store.releases.find_current(), self.options.undone_release
        if undone_release and current_release != undone_release:
            result_text = (
                f"release {current_release} of another run is in use, and not release {undone_release}. It stays"
                " undecided"
            )
        else:
            result_text = f"release {current_release} stays"
            if store.is_own() and not self.module.check_mode:
                store.undecided_change.remove()
        return {"changed": False, "release": current_release, "msg": f"{store.name}: {result_text}"}

    # ── State present ──

    def _deploy_collector(self) -> dict[str, Any]:
        """Deploy the collector, or ask for its program if only the controller has it."""
        examination = self._examine_collector()
        refuse_faults(examination.faults)
        self._warn_of_deployment(examination)
        is_check_mode = self.module.check_mode
        if examination.program.is_awaited and not is_check_mode:
            architecture = self.machine.find_architecture()
            return {"changed": False, AWAITED: architecture, "msg": f"{self.store.name} awaits its program"}
        if not self.options.awaits_wave and not is_check_mode:
            self.store.undecided_change.remove()
        outcome, services = self._make_change(examination)
        self._warn_of_waiting_services(services)
        return self._build_deployment_result(outcome, services)

    def _warn_of_deployment(self, examination: Examination) -> None:
        """Warn of certificates that end soon, and of what SELinux needs."""
        warnings = [warn_of_end(name, data, self.machine.now()) for name, data in examination.secrets.items()]
        warnings.append(describe_selinux_needs(examination.program, self.machine))
        for warning in warnings:
            if warning:
                self._warn_about_host(warning)

    def _warn_of_waiting_services(self, services: ServiceOutcome) -> None:
        for line in services.waiting_lines:
            self._warn_about_host(line)

    def _warn_about_host(self, text: str) -> None:
        """Give a warning that names the host: Ansible shows equal warnings of several hosts only once."""
        warn_printable(self.module, f"{self.store.name} on {self.machine.node_name()}: {text}")

    def _make_change(self, examination: Examination) -> tuple[HostOutcome, ServiceOutcome]:
        """Change the collector and the services that send to it; in check mode, say what would be done."""
        store, bundle = self.store, examination.bundle
        outcome = plan_outcome(self.machine, store, bundle)
        service_rows = self.options.bundle["services"] or ()
        if has_nothing_to_do(store, bundle, outcome) and not service_rows and not store.has_drop_ins():
            outcome.earlier_release = None if self.module.check_mode else outcome.release
            return outcome, ServiceOutcome()
        bundle = replace(bundle, awaits_wave=self.options.awaits_wave)
        mask = build_mask(examination.secrets)
        change = make_host_change(self.machine, store, bundle, examination.program, mask)
        drop_ins = make_service_drop_ins(self.machine, store, service_rows)
        if self.module.check_mode:
            return change.plan_changes(), drop_ins.plan_changes()
        outcome = change.deploy_bundle()
        try:
            return outcome, drop_ins.apply_changes()
        except (Problem, OSError) as error:
            raise self._add_way_back(error, outcome) from error

    def _add_way_back(self, error: Problem | OSError, outcome: HostOutcome) -> Problem:
        """Return a failure of services that send to the collector, with what a wave needs to take it back."""
        problem = to_problem(error)
        problem.facts.update(changed=outcome.is_changed, release=outcome.release)
        if self.options.awaits_wave:
            problem.facts["undecided"] = self.store.undecided_change.read_earlier()
        return problem

    def _build_deployment_result(self, outcome: HostOutcome, services: ServiceOutcome) -> dict[str, Any]:
        """Return the result of a task with `state: present`."""
        result: dict[str, Any] = {
            "changed": outcome.is_changed or services.is_changed,
            "msg": "; ".join([self._write_summary(outcome), *services.notes]),
            "release": outcome.release,
            "earlier": outcome.earlier_release or "",
            "activation": outcome.activation,
            "changed_files": [*outcome.changed_paths, *services.changed_paths],
            "notes": [*outcome.notes, *services.notes],
        }
        if self.options.awaits_wave and not self.module.check_mode:
            result["undecided"] = self.store.undecided_change.read_earlier()
        differences = [*outcome.differences, *services.differences]
        if self.options.returns_differences:
            result["differences"] = differences
        elif self.module._diff and differences:
            result["diff"] = differences
        return result

    def _write_summary(self, outcome: HostOutcome) -> str:
        """Return the message of the task: what changed and how the service took it over."""
        name = self.store.name
        if not outcome.is_changed:
            return f"{name}: release {outcome.release} runs, nothing differs"
        if outcome.notes and not outcome.changed_paths:
            return f"{name}: {'; '.join(outcome.notes)}"
        changed_text = ", ".join(outcome.changed_paths) or "service"
        verb_text = "would be changed by" if self.module.check_mode else "changed by"
        return "; ".join([f"{name}: {changed_text} {verb_text} {outcome.activation}", *outcome.notes])


def build_mask(secrets: Mapping[str, bytes]) -> Callable[[str], str]:
    """Return a function that hides credentials in a text, and each line of a credential that has several.

    `secrets` has the credentials by name.
    """
    hidden_texts: set[str] = set()
    for data in secrets.values():
        secret = data.decode("utf-8", "replace").strip()
        if len(secret) >= _SHORTEST_SECRET:
            hidden_texts.add(secret)
        for line in secret.splitlines():
            if len(line.strip()) >= _SHORTEST_LINE:
                hidden_texts.add(line.strip())
    longest_first = sorted(hidden_texts, key=len, reverse=True)

    def hide_secrets(text: str) -> str:
        for hidden_text in longest_first:
            text = text.replace(hidden_text, MASK)
        return text

    return hide_secrets
