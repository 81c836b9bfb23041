# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change one collector on a host: deploy a release, go back to an earlier one, or remove the collector. Private.

A new release is the candidate of a change. The change prepares and checks the candidate, switches to it, starts the
service and judges it; if a step fails, the change goes back to the earlier release. The record of the change is written
before each step. A run that is killed leaves the record, and the next run first completes or undoes that change.
`live/host_task.py` calls the public methods. host_plan.py has the steps in a table. A draft is a file or folder that is
written beside its place and then renamed; a killed run may leave one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from ..._otelcol.errors import Failure, Problem, clean_text
from ..bundle_form import TMPFILES, state_folder
from ..check_unit import CheckPaths, read_unit_user, render_check_unit
from ..host_judgement import EarlierCounts
from ..host_plan import (
    ACTIVATE,
    COMPLETE,
    DISCARD,
    JUDGE,
    NOTHING,
    PREPARE,
    RELOAD,
    RESTART,
    ROLL_BACK,
    STEPS_WITHOUT_EFFECT,
    SWITCH,
    OngoingChange,
    choose_activation,
    choose_recovery,
    list_superfluous_releases,
    list_unused_programs,
    next_release_number,
)
from ..host_release import CollectorBundle, StoredFile, list_changed_paths
from ..journal_lines import explain_unstarted, journal_sentence
from .host_drain import Drain
from .host_edge import to_problem
from .host_state import HostOutcome, note_differences
from .host_store import Store
from .host_watch import ReleaseStart, Watch, read_earlier_counts
from .installed_program import Program
from .machine import Machine, read_text_or_empty
from .owned_folders import make_own_folder, remove_if_empty
from .program_installation import install_program, remove_unfinished_installs
from .state_folders import has_state, private_state_path

# How many of the last lines of a check are shown.
_CHECK_LINES = 12


class HostChange:
    """The change of one collector of this host. If it fails, it goes back and raises Problem or Failure.

    `mask` hides credentials in texts that are shown.
    """

    def __init__(
        self, machine: Machine, store: Store, bundle: CollectorBundle, program: Program, mask: Callable[[str], str]
    ) -> None:
        self.machine, self.store, self.bundle, self.program, self.mask = machine, store, bundle, program, mask
        self.outcome = HostOutcome()

    # ── What a killed run left ──

    def recover_interrupted(self) -> None:
        """Complete or undo the change that a killed run left. Without one, mend a lost link to the release in use."""
        self._remove_temporary_paths()
        change = self.store.change_record.read()
        if change is None:
            self._restore_lost_link()
            return
        is_wanted = not list_changed_paths(self.store.releases.read_files(change.candidate), self.bundle.files)
        recovery_step = choose_recovery(change, is_wanted)
        self.outcome.earlier_release = change.earlier
        self.outcome.is_changed = True
        if recovery_step == DISCARD:
            self._discard_candidate(change)
        elif recovery_step == COMPLETE:
            self.outcome.notes.append(f"completed release {change.candidate}, which a killed run had begun")
            self._take_candidate(change, self.bundle.files, read_earlier_counts(self.machine, self.bundle))
        else:
            self.outcome.notes.append(f"undid release {change.candidate}, which a killed run had begun")
            self._go_back(change)

    def _restore_lost_link(self) -> None:
        """Link to the newest release if no release is in use: a failed change would count as a first install."""
        newest = self.store.releases.find_newest()
        if newest and not self.store.releases.find_current():
            self.store.releases.switch_to(newest)
            self._reload_units()
            self.outcome.is_changed = True
            self.outcome.notes.append(f"release {newest} is in use again, whose link was lost")

    # ── The change ──

    def plan_changes(self) -> HostOutcome:
        """Return what a change would do, for check mode."""
        note_differences(self.machine, self.store, self.bundle, self.outcome)
        return self.outcome

    def apply_changes(self) -> HostOutcome:
        """Deploy the bundle, and return what was done."""
        outcome = self.plan_changes()
        if outcome.earlier_release is None:
            outcome.earlier_release = outcome.release
        if outcome.changed_paths:
            self._make_change()
        elif outcome.activation != NOTHING or self.store.links.compare(self.bundle.files).wrong_links:
            self._repair_links()
        self._drop_superfluous()
        outcome.release = self.store.releases.find_current()
        return outcome

    def _make_change(self) -> None:
        """Write a candidate with the files of the bundle, check it, and take it."""
        store, earlier = self.store, self.store.releases.find_current()
        self._make_folders()
        if self.bundle.awaits_wave:
            store.undecided_change.write(earlier)
        candidate = next_release_number(store.releases.list_numbers())
        change = OngoingChange(earlier, candidate, PREPARE, self._current_time_text(), self.outcome.activation)
        store.change_record.write(change)
        try:
            install_program(self.program, store, self.machine)
            store.releases.write(change.candidate, self.bundle.files, self._build_manifest_facts())
            self._check_candidate(change)
        except (Problem, OSError) as error:
            self._discard_candidate(change)
            raise to_problem(error) from error
        self._take_candidate(change, self.bundle.files, read_earlier_counts(self.machine, self.bundle))

    def _build_manifest_facts(self) -> dict[str, str]:
        """Return what the manifest of a release says: its program, and where it serves its own metrics."""
        return {"program": str(self.program.path), "metrics": self.bundle.metrics_url}

    def _make_folders(self) -> None:
        store = self.store
        make_own_folder(store.all)
        make_own_folder(store.folder, collector=store.name, had_state=has_state(store.root, self.bundle.state))
        store.releases.make_folder()

    def _current_time_text(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.machine.now()))

    def _check_candidate(self, change: OngoingChange) -> None:
        """Let the program check the candidate in the sandbox of its unit, beside the running process."""
        store = self.store
        unit = self.bundle.files[store.service].data.decode("utf-8", "replace")
        places = CheckPaths(
            current=str(store.releases.current),
            candidate=str(store.releases.path(change.candidate)),
            output=str(store.check_output),
        )
        places = self._add_state_owner(places, read_unit_user(unit))
        store.check_unit.parent.mkdir(parents=True, exist_ok=True)
        store.check_unit.write_text(render_check_unit(unit, places), encoding="utf-8")
        self._reload_units()
        check_began = self.machine.now()
        start_result = self.machine.run_systemctl("start", store.check_unit.name)
        output = read_text_or_empty(store.check_output)
        self._clear_check()
        if start_result.exit_code:
            printed_lines = [line for line in output.splitlines() if line.strip()][-_CHECK_LINES:]
            raise self._describe_refusal(
                change, printed_lines, self.machine.journal(store.check_unit.name, check_began)
            )

    def _add_state_owner(self, places: CheckPaths, candidate_user: str) -> CheckPaths:
        """Return the paths of a check with the state folder and its owner, if the check must not own that folder."""
        store, state = self.store, self.bundle.state
        service = self.machine.service(store.service)
        if state and private_state_path(store.root, state).is_dir():
            folder = str(private_state_path(store.root, state)) if service.is_active else ""
            return replace(places, state=folder, user=service.user_name)
        if state and service.is_active and service.user_name != candidate_user:
            return replace(places, state=state, user=service.user_name, is_dynamic=False)
        return places

    def _describe_refusal(self, change: OngoingChange, printed_lines: list[str], journal: str) -> Problem:
        """Return why the check failed: by what the program printed, or by the journal if systemd did not start it."""
        wrong, last_lines, fix = "the program refuses the config", printed_lines, "Correct the config."
        if not printed_lines:
            missing_fix, last_lines = explain_unstarted(journal)
            if missing_fix:
                wrong, fix = "systemd cannot start the service", missing_fix
        reason = " ".join(clean_text(self.mask(line)) for line in last_lines)
        untouched_text = "The running collector is untouched. " if change.earlier else ""
        return Problem(f"{wrong}: {reason}", asked=self._describe_task(), fix=f"{untouched_text}{fix}")

    def _clear_check(self) -> None:
        """Remove the unit and the output of a check."""
        name = self.store.check_unit.name
        if self.store.check_unit.exists():
            self.machine.run_systemctl("stop", name)
            self.store.check_unit.unlink()
            self.machine.run_systemctl("reset-failed", name)
        if self.store.check_output.exists():
            self.store.check_output.unlink()

    def _describe_task(self) -> str:
        return f"Change collector {self.store.name} of this host"

    def _take_candidate(
        self, change: OngoingChange, files: Mapping[str, StoredFile], earlier_counts: EarlierCounts
    ) -> None:
        """Switch to the candidate, and keep it if it works."""
        watch = None
        try:
            started = self._activate(change, files)
            watch = self._build_watch(started)
            watch.wait_until_ready()
            self.store.change_record.write(replace(change, step=JUDGE))
            judgement = watch.judge_release(earlier_counts)
        except (Problem, OSError) as error:
            raise self._go_back_after_failure(change, to_problem(error)) from error
        if self.bundle.watch_seconds:
            self.outcome.notes.append(judgement.describe_judgement(self.bundle.watch_seconds))
        self.store.change_record.remove()

    def _activate(self, change: OngoingChange, files: Mapping[str, StoredFile]) -> ReleaseStart:
        """Switch to the candidate, and let the service take it by a reload, a restart or a start."""
        store = self.store
        earlier = self.machine.service(store.service)
        changed_paths = list_changed_paths(store.releases.read_files(change.earlier), files)
        way = choose_activation(changed_paths, earlier.is_active)
        if way == RELOAD and change.step not in STEPS_WITHOUT_EFFECT:
            way = RESTART  # a killed run may have reloaded the process, so its config is not known
        self.outcome.activation = way
        store.change_record.write(replace(change, step=SWITCH, way=way))
        store.releases.switch_to(change.candidate)
        store.links.write(files)
        self._reload_units()
        self._make_tmpfiles(files)
        store.change_record.write(replace(change, step=ACTIVATE, way=way))
        started = ReleaseStart(self.machine.now(), way, earlier)
        self._start_service(started)
        return started

    def _start_service(self, started: ReleaseStart) -> None:
        """Let the service take the release in use, as `started.activation` says.

        Raises Failure, with lines of the journal, if systemd cannot start it. Only the journal has the reason, also for
        a program that ends at once.
        """
        if started.activation == NOTHING:
            return
        if started.activation == RELOAD:
            self.machine.reload_process(started.earlier_service.pid)
            return
        self.machine.run_systemctl("reset-failed", self.store.service)
        restart_result = self.machine.run_systemctl("restart", self.store.service)
        if restart_result.exit_code:
            wrong = f"systemd does not start it: {restart_result.output.strip()[-500:].rstrip('.')}"
            raise Failure(wrong, facts={"journal": self._build_watch(started).wait_for_telling_lines()})

    def _build_watch(self, started: ReleaseStart, bundle: CollectorBundle | None = None) -> Watch:
        """Return the watch over a release that was started. `bundle` has the ports and the health check to wait for."""
        return Watch(self.machine, self.store, bundle or self.bundle, started, self.mask)

    def _reload_units(self) -> None:
        reload_result = self.machine.run_systemctl("daemon-reload")
        if reload_result.exit_code:
            raise Failure(f"systemd does not read its units: {reload_result.output.strip()[-300:]}")

    def _make_tmpfiles(self, files: Mapping[str, StoredFile]) -> None:
        if TMPFILES in files:
            create_result = self.machine.run("systemd-tmpfiles", "--create", str(self.store.links.tmpfiles))
            if create_result.exit_code:
                raise Failure(f"systemd-tmpfiles fails: {create_result.output.strip()[-300:]}")

    # ── The way back ──

    def go_back_to(self, earlier: str) -> HostOutcome:
        """Go back from the release in use to an earlier one. If `earlier` is empty, undo the first install.

        Raises Failure if the earlier release does not run.
        """
        outcome, current_number = self.outcome, self.store.releases.find_current()
        if earlier == current_number:
            outcome.release = current_number
            return outcome
        outcome.is_changed, outcome.activation = True, RESTART
        outcome.notes.append(
            self._go_back(OngoingChange(earlier, current_number, ROLL_BACK, self._current_time_text(), RESTART))
        )
        if earlier:
            with suppress(OSError):  # the earlier release runs, even if a full disk takes no note
                self.store.rollback_note.write(earlier)
        self._drop_unused()
        outcome.release = earlier
        return outcome

    def _go_back_after_failure(self, change: OngoingChange, problem: Problem) -> Failure:
        """Go back after a failure, and return it with lines of the journal and the state of the collector now."""
        journal_lines = list(problem.facts.get("journal") or ())
        try:
            state_text = self._go_back(self.store.change_record.read() or change)
        except Problem as later_error:
            state_text = f"The earlier release does not run either: {later_error}"
        except OSError as later_error:
            state_text = f"The way back is not complete: {to_problem(later_error)}"
        wrong = f"{problem.wrong}.{journal_sentence(journal_lines)} {state_text}"
        return Failure(wrong, asked=self._describe_task(), facts={"journal": journal_lines})

    def _go_back(self, change: OngoingChange) -> str:
        """Undo a change, and return a sentence about the result. Raises Failure if the earlier release does not run."""
        store = self.store
        with suppress(OSError):  # a full disk must not keep the release that works from running
            store.change_record.write(replace(change, step=ROLL_BACK))
        if not change.earlier:
            self._stop_service()
            loss_lines = Drain(self.machine, store, discards=True).list_losses()
            self._remove_all()
            return " ".join(["The first install is undone.", *(f"{line}." for line in loss_lines)])
        files = store.releases.read_files(change.earlier)
        is_in_use = store.releases.find_current() == change.earlier
        is_untouched = is_in_use and self.machine.service(store.service).is_active
        way = NOTHING if is_untouched else RESTART
        store.releases.switch_to(change.earlier)
        store.links.write(files)
        self._reload_units()
        self._make_tmpfiles(files)
        started = ReleaseStart(self.machine.now(), way, self.machine.service(store.service))
        self._start_service(started)
        store.drop_release(change.candidate)
        store.undecided_change.remove()
        store.change_record.remove()
        if way != NOTHING:
            # The bundle has the ports and the health check of the release that failed.
            bundle = replace(self.bundle, ports=(), health_url="")
            self._build_watch(started, bundle).wait_until_ready()
        return f"Release {change.earlier} runs again."

    def _discard_candidate(self, change: OngoingChange) -> None:
        """Remove a candidate to which no run has switched."""
        self.store.drop_release(change.candidate)
        if change.earlier:
            self.store.undecided_change.remove()
            self.store.change_record.remove()
        else:
            self._remove_all()

    # ── Other work ──

    def _repair_links(self) -> None:
        """Set the links of the system to the release in use again, and start the service if it does not run."""
        files = self.bundle.files
        self.store.links.write(files)
        self._reload_units()
        self._make_tmpfiles(files)
        started = ReleaseStart(self.machine.now(), self.outcome.activation, self.machine.service(self.store.service))
        try:
            self._start_service(started)
            self._build_watch(started).wait_until_ready()
        except Failure as failure:
            journal_lines = list(failure.facts.get("journal") or ())
            wrong = f"{failure.wrong}.{journal_sentence(journal_lines)}"
            raise Failure(wrong, asked=self._describe_task(), facts=failure.facts) from failure

    def _drop_superfluous(self) -> None:
        """Remove old releases, as the bundle says how many are kept, and programs that no release names."""
        releases = self.store.releases
        numbers = list_superfluous_releases(
            releases.list_numbers(), releases.find_current(), self.bundle.kept_release_count
        )
        for number in numbers:
            self.store.drop_release(number)
        self._drop_programs()

    def _drop_programs(self) -> None:
        for folder in list_unused_programs(self.store.programs.map_owned(), self.store.programs.list_used()):
            self.store.programs.remove(folder)

    def forecast_drain(self, discards: bool) -> list[str]:
        """Return lines about unsent data in the collector's queues, for check mode of a removal."""
        return Drain(self.machine, self.store, discards).forecast_losses()

    def drain_queues(self, discards: bool) -> None:
        """Stop a collector before its removal, once its queues are empty.

        Raises Problem for unsent data in its queues, unless `discards` consents to the loss. The collector still runs
        then.
        """
        if self.store.is_own():
            drain = Drain(self.machine, self.store, discards)
            self.outcome.notes += drain.stop_collector(self._stop_service)

    def remove_collector(self) -> HostOutcome:
        """Remove all that runs of this collection have made for this collector."""
        self._remove_temporary_paths()
        self.outcome.is_changed = self.store.is_own()
        if self.outcome.is_changed:
            self._remove_all()
        self._drop_unused()
        return self.outcome

    def _drop_unused(self) -> None:
        """Remove programs that no release names, and folders of this collection in which nothing is left."""
        self._drop_programs()
        for folder in (self.store.all, self.store.programs.folder):
            remove_if_empty(folder)

    def _remove_temporary_paths(self) -> None:
        self.store.remove_temporary_paths()
        remove_unfinished_installs(self.store)
        self._clear_check()

    def _stop_service(self) -> None:
        if self.store.links.unit.is_symlink():
            stop_result = self.machine.run_systemctl("stop", self.store.service)
            if stop_result.exit_code:
                raise Failure(
                    f"systemd does not stop it: {stop_result.output.strip()[-300:]}", asked=self._describe_task()
                )

    def _remove_all(self) -> None:
        """Stop the service, and remove its links, its files, and its state unless that was there before."""
        store = self.store
        had_state = store.had_state()
        self._stop_service()
        store.remove_links()
        self._reload_units()
        self.machine.run_systemctl("reset-failed", store.service)
        store.remove("" if had_state else state_folder(store.name))
