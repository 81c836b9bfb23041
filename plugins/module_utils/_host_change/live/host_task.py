# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module host_apply on a host: deploy, remove or roll back one collector, or let its change stay. Private.

`run_host` is the entry point. Each state of the module has a method of `_HostTask`, and each method returns a result of
the module, such as `{"changed": True, "msg": "agent: config.yaml changed by reload", "release": "000007", …}`. The
documentation of the module lists the keys.

| state | what is done |
|---|---|
| `present` | deploy the bundle as a new release, see `live/host_change.py` |
| `absent` | remove the collector, see `live/collector_removal.py` |
| `earlier` | roll back to an earlier release, since a wave failed or an alert fires, see `live/rollback_task.py` |
| `settled` | let the last change stay for good, since its wave has passed; until then, it is undecided |

A release is a numbered folder with the files of the collector (see host_plan.py). If a change `awaits_wave`, the gate
of its wave decides later whether it stays (see docs/waves.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.errors import Problem
from ..bundle_form import AWAITED
from ..certificate_ends import warn_of_end
from ..host_release import check_collector_name
from .credential_mask import build_mask
from .host_edge import run_task, to_problem, warn_printable
from .host_faults import Examination, examine_collector, list_foreign_paths
from .host_state import HostOutcome, ServiceOutcome, has_nothing_to_do, plan_outcome
from .host_store import Store
from .host_task_options import HostTaskOptions
from .installed_program import describe_selinux_needs
from .late_imports import make_collector_removal, make_host_change, make_service_drop_ins
from .machine import Machine
from .owned_folders import list_own_collectors
from .rollback_task import let_change_stay, roll_back
from .system_faults import find_access_faults, find_host_faults, read_systemd, refuse_faults

if TYPE_CHECKING:
    from .collector_removal import CollectorRemoval
    from .service_drop_ins import ServiceDropIns

# How long a task waits for another run to end, in seconds.
LOCK_SECONDS = 120


def run_host(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Do what the task asks, and exit with its result. Tests give a machine and a root of their own."""
    run_task(module, lambda: _compute_result(module, machine or Machine(), root))


def _compute_result(module: AnsibleModule, machine: Machine, root: Path) -> dict[str, Any]:
    options = HostTaskOptions.from_params(module.params)
    result = _HostTask(module, options, machine, root).run()
    unlisted_names = _list_unlisted(options, root)
    return {**result, "unlisted": unlisted_names} if unlisted_names else result


def _list_unlisted(options: HostTaskOptions, root: Path) -> list[str]:
    """Return the collectors of this collection on the host that the inventory does not list."""
    listed_names = options.listed_names
    if listed_names is None:
        return []
    return [name for name in list_own_collectors(root) if name not in listed_names]


class _Outcomes(NamedTuple):
    """What a deployment has done, or would do."""

    collector: HostOutcome
    services: ServiceOutcome
    """To the services that send to the collector."""


class _HostTask:
    """One run of the module for one collector. Raises Problem or Failure if the task cannot be done."""

    def __init__(self, module: AnsibleModule, options: HostTaskOptions, machine: Machine, root: Path) -> None:
        self.module = module
        self.options = options
        self.machine = machine
        self.root = root
        self.systemd = read_systemd(machine, root)
        name = check_collector_name(options.bundle["name"])
        self.store = Store(root, name, machine, encrypts=self.systemd.can_encrypt)

    def run(self) -> dict[str, Any]:
        """Return the result of the task. A run holds the lock of the host while it changes something."""
        compute_by_state = {
            "present": self._deploy_collector,
            "absent": self._remove_collector,
            "earlier": self._roll_back,
            "settled": self._let_change_stay,
        }
        self._refuse_host_faults()
        with self.machine.hold_lock(self.store.lock, LOCK_SECONDS):
            return compute_by_state[self.options.state]()

    def _refuse_host_faults(self) -> None:
        """Raise Problem for faults of the host, before the task waits for the lock.

        State `settled` has none to find: it only removes a note.
        """
        state = self.options.state
        if state in ("absent", "earlier"):
            refuse_faults(find_access_faults(self.machine, self.root))
        if state == "present":
            host_faults = list(find_host_faults(self.machine, self.root, self.systemd, self.options.controller_time))
            if host_faults:  # the user is told the faults of the collector too, in one message
                refuse_faults([*host_faults, *self._examine_collector().faults])

    def _examine_collector(self) -> Examination:
        return examine_collector(self.machine, self.store, self.options.bundle, self.systemd)

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
            # This change is final at once. A note of an earlier run would let a rollback undo it too.
            self.store.undecided_change.remove()
        outcomes = self._make_change(examination)
        self._warn_of_waiting_services(outcomes.services)
        return self._build_deployment_result(outcomes.collector, outcomes.services)

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

    def _make_change(self, examination: Examination) -> _Outcomes:
        """Change the collector and the services that send to it; in check mode, say what would be done."""
        unchanged_outcome = self._find_unchanged_outcome(examination)
        if unchanged_outcome is not None:
            return _Outcomes(unchanged_outcome, ServiceOutcome())
        bundle = replace(examination.bundle, awaits_wave=self.options.awaits_wave)
        mask = build_mask(examination.secrets)
        change = make_host_change(self.machine, self.store, bundle, examination.program, mask)
        drop_ins = make_service_drop_ins(self.machine, self.store, self._service_rows)
        if self.module.check_mode:
            return _Outcomes(change.plan_changes(), drop_ins.plan_changes())
        outcome = change.deploy_bundle()
        try:
            return _Outcomes(outcome, drop_ins.apply_changes())
        except (Problem, OSError) as error:
            raise self._add_outcome(error, outcome) from error

    def _find_unchanged_outcome(self, examination: Examination) -> HostOutcome | None:
        """Return the outcome of a run that has nothing to do; None if it has.

        Most runs change nothing. For them, the files that make changes are not imported and compiled.
        """
        if self._service_rows or self.store.has_drop_ins():
            return None
        outcome = plan_outcome(self.machine, self.store, examination.bundle)
        if not has_nothing_to_do(self.store, examination.bundle, outcome):
            return None
        # The same as in a run with something to do. There `plan_changes` knows no earlier release, and `deploy_bundle`
        # finds the release in use.
        outcome.earlier_release = None if self.module.check_mode else outcome.release
        return outcome

    @property
    def _service_rows(self) -> Sequence[Mapping[str, Any]]:
        """The services that send to the collector, as the task lists them."""
        rows: Sequence[Mapping[str, Any]] = self.options.bundle["services"] or ()
        return rows

    def _add_outcome(self, error: Problem | OSError, outcome: HostOutcome) -> Problem:
        """Return a failure of services that send to the collector, with the facts that a wave needs to roll back.

        The collector itself has changed by then.
        """
        problem = to_problem(error)
        written_mark = self.store.releases.find_written_mark(outcome.release)
        problem.facts.update(changed=outcome.is_changed, release=outcome.release, written=written_mark)
        if self.options.awaits_wave:
            problem.facts["undecided"] = self.store.undecided_change.read_earlier()
        return problem

    def _build_deployment_result(self, outcome: HostOutcome, services: ServiceOutcome) -> dict[str, Any]:
        """Return the result of a task with `state: present`."""
        result: dict[str, Any] = {
            "changed": outcome.is_changed or services.is_changed,
            "msg": "; ".join([self._write_summary(outcome), *services.notes]),
            "release": outcome.release,
            "written": self.store.releases.find_written_mark(outcome.release),
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

    # ── State absent ──

    def _remove_collector(self) -> dict[str, Any]:
        """Remove the collector, and take back the environment of services that send to it."""
        store = self.store
        foreign_paths = list_foreign_paths(self.machine, store)
        if foreign_paths:
            warn_printable(self.module, f"{', '.join(foreign_paths)} belongs to somebody else and stays.")
            return {"changed": False, "msg": f"{store.name} is absent"}
        drop_ins = make_service_drop_ins(self.machine, store)
        removal = make_collector_removal(self.machine, store, self.options.discards_unsent)
        if self.module.check_mode:
            return self._forecast_removal(removal, drop_ins)
        loss_lines = removal.drain_queues()
        services = drop_ins.apply_changes()
        self._warn_of_waiting_services(services)
        was_removed = removal.remove()
        is_changed = was_removed or services.is_changed
        state_word = "removed" if is_changed else "absent"
        return {"changed": is_changed, "msg": "; ".join([f"{store.name} is {state_word}", *loss_lines])}

    def _forecast_removal(self, removal: CollectorRemoval, drop_ins: ServiceDropIns) -> dict[str, Any]:
        """Return the result of a removal in check mode."""
        would_change = self.store.is_own() or drop_ins.plan_changes().is_changed
        forecast_lines = [f"{self.store.name} would be removed", *removal.forecast_losses()]
        message = "; ".join(forecast_lines) if would_change else f"{self.store.name} is absent"
        return {"changed": would_change, "msg": message}

    # ── States earlier and settled ──

    def _roll_back(self) -> dict[str, Any]:
        return roll_back(self.options, self.machine, self.store, check_mode=self.module.check_mode)

    def _let_change_stay(self) -> dict[str, Any]:
        return let_change_stay(self.options, self.store, check_mode=self.module.check_mode)
