# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change one collector on a host: deploy a release, or roll back to an earlier one. Private.

`live/host_task.py` makes a `HostChange`, and calls one of its public methods. A deployment has the steps that
host_plan.py lists: it writes a new release (the candidate of the change), checks it, switches to it, starts the service
and judges it. If a step fails, it rolls back to the earlier release. For example, if release 000007 does not start, the
task fails with `the process ended. The journal says: Error: … Release 000006 runs again.`

The record of the change is written before each step: on the host, a file with the steps PREPARE, SWITCH, ACTIVATE,
JUDGE or ROLL_BACK. A run that is killed leaves the record, and the next run first completes or undoes that change.

An activation is how the service takes a release: RELOAD, RESTART, START or NOTHING. The outcome is what the task
returns: the release, the changed files, the activation, and notes for the user.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from ..._otelcol.errors import Failure, Problem
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
    next_release_number,
)
from ..host_release import CollectorBundle, StoredFile, list_changed_paths
from ..journal_lines import journal_sentence
from .candidate_check import CandidateCheck, describe_change_task
from .collector_removal import (
    remove_all_files,
    remove_temporary_paths,
    remove_unused_folders,
    remove_unused_programs,
    stop_service,
)
from .host_drain import describe_losses
from .host_edge import to_problem
from .host_state import HostOutcome, plan_outcome
from .host_store import Store
from .host_watch import ReleaseStart, Watch, read_earlier_counts
from .installed_program import Program
from .machine import Machine
from .owned_folders import make_own_folder
from .program_installation import install_program
from .state_folders import has_state
from .systemd_calls import make_tmpfiles, reload_units


class HostChange:
    """The change of one collector of this host. If it fails, it is rolled back, and raises Problem or Failure.

    `mask` hides credentials in texts that are shown.
    """

    def __init__(
        self, machine: Machine, store: Store, bundle: CollectorBundle, program: Program, mask: Callable[[str], str]
    ) -> None:
        self.machine = machine
        self.store = store
        self.bundle = bundle
        self.program = program
        self.mask = mask
        self.outcome = HostOutcome()

    # ── The change ──

    def plan_changes(self) -> HostOutcome:
        """Return what a change would do, for check mode.

        What `_recover_interrupted` has done before counts as a part of it.
        """
        planned = plan_outcome(self.machine, self.store, self.bundle)
        planned.is_changed = planned.is_changed or self.outcome.is_changed
        planned.earlier_release = self.outcome.earlier_release
        planned.notes = self.outcome.notes
        return planned

    def deploy_bundle(self) -> HostOutcome:
        """Complete or undo what a killed run left, then deploy the bundle, and return what was done."""
        self._recover_interrupted()
        self.outcome = outcome = self.plan_changes()
        # If a change of a killed run was completed or undone, the earlier release is the one before that change.
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
        """Write a candidate with the files of the bundle, check it, and take it.

        A candidate that fails the check is removed: the service has never run with it. Raises Problem or Failure.
        """
        store, earlier = self.store, self.store.releases.find_current()
        self._make_folders()
        if self.bundle.awaits_wave:
            store.undecided_change.write(earlier)
        used_numbers = [*store.releases.list_numbers(), *store.rollback_note.list_undone()]
        candidate = next_release_number(used_numbers)
        change = OngoingChange(earlier, candidate, PREPARE, self._current_time_text(), self.outcome.activation)
        store.change_record.write(change)
        try:
            install_program(self.program, store, self.machine)
            store.releases.write(change.candidate, self.bundle.files, self._build_manifest_facts())
            check = CandidateCheck(self.machine, store, self.bundle, self.mask)
            check.check_candidate(change.candidate, has_earlier=bool(change.earlier))
        except (Problem, OSError) as error:
            self._discard_candidate(change)
            raise to_problem(error) from error
        # The counts before the change are read last: the process of the earlier release still runs.
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

    def _take_candidate(
        self, change: OngoingChange, files: Mapping[str, StoredFile], earlier_counts: EarlierCounts
    ) -> None:
        """Switch to the candidate, and keep it if it works. Otherwise roll back, and raise Failure."""
        try:
            started = self._activate(change, files)
            watch = self._build_watch(started)
            pid = watch.wait_until_ready()
            self.store.change_record.write(replace(change, step=JUDGE))
            judgement = watch.judge_release(pid, earlier_counts)
        except (Problem, OSError) as error:
            raise self._roll_back_after_failure(change, to_problem(error)) from error
        if self.bundle.watch_seconds:
            self.outcome.notes.append(judgement.describe_judgement(self.bundle.watch_seconds))
        # The change is done only now. Until here, the record tells the next run how far a killed one came.
        self.store.change_record.remove()

    def _activate(self, change: OngoingChange, files: Mapping[str, StoredFile]) -> ReleaseStart:
        """Switch to the candidate, and let the service take it by a reload, a restart or a start."""
        store = self.store
        earlier = self.machine.service(store.service)
        changed_paths = list_changed_paths(store.releases.read_files(change.earlier), files)
        activation = choose_activation(changed_paths, earlier.is_active)
        if activation == RELOAD and change.step not in STEPS_WITHOUT_EFFECT:
            activation = RESTART  # a killed run may have reloaded the process, so its config is not known
        self.outcome.activation = activation
        store.change_record.write(replace(change, step=SWITCH, activation=activation))
        # The links of the system lead through the link `current`, so that one is switched first. systemd reads the unit
        # by these links, and systemd-tmpfiles its file.
        store.releases.switch_to(change.candidate)
        store.links.write(files)
        reload_units(self.machine)
        make_tmpfiles(self.machine, store, files)
        store.change_record.write(replace(change, step=ACTIVATE, activation=activation))
        started = ReleaseStart(self.machine.now(), activation, earlier)
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
        # systemd refuses to start a unit that has failed too often of late (start-limit-hit), unless it forgets that.
        self.machine.run_systemctl("reset-failed", self.store.service)
        # `restart` also starts a service that does not run.
        restart_result = self.machine.run_systemctl("restart", self.store.service)
        if restart_result.exit_code:
            wrong = f"systemd does not start it: {restart_result.output.strip()[-500:].rstrip('.')}"
            raise Failure(wrong, facts={"journal": self._build_watch(started).wait_for_telling_lines()})

    def _build_watch(self, started: ReleaseStart, bundle: CollectorBundle | None = None) -> Watch:
        """Return the watch over a release that was started. `bundle` has the ports and the health check to wait for."""
        return Watch(self.machine, self.store, bundle or self.bundle, started, self.mask)

    # ── What a killed run left ──

    def _recover_interrupted(self) -> None:
        """Complete or undo the change that a killed run left. Without one, mend a lost link to the release in use."""
        remove_temporary_paths(self.machine, self.store)
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
            if self.bundle.awaits_wave:  # the killed run may not have been in a wave
                self.store.undecided_change.write(change.earlier)
            self._take_candidate(change, self.bundle.files, read_earlier_counts(self.machine, self.bundle))
        else:
            self.outcome.notes.append(f"undid release {change.candidate}, which a killed run had begun")
            self._roll_back(change)

    def _restore_lost_link(self) -> None:
        """Link to the newest release if there are releases and none is in use.

        Without that, the next change would count as a first install, and its failure would remove the collector.
        """
        newest = self.store.releases.find_newest()
        if newest and not self.store.releases.find_current():
            self.store.releases.switch_to(newest)
            reload_units(self.machine)
            self.outcome.is_changed = True
            self.outcome.notes.append(f"release {newest} is in use again, whose link was lost")

    # ── Rollbacks ──

    def roll_back_to(self, earlier: str) -> HostOutcome:
        """Roll back from the release in use to an earlier one. If `earlier` is empty, undo the first install.

        Raises Failure if the earlier release does not run.
        """
        outcome = self.outcome
        current_number = self.store.releases.find_current()
        if earlier == current_number:
            outcome.release = current_number
            return outcome
        outcome.is_changed = True
        outcome.activation = RESTART
        change = OngoingChange(earlier, current_number, ROLL_BACK, self._current_time_text(), RESTART)
        outcome.notes.append(self._roll_back(change))
        if earlier:
            with suppress(OSError):  # the earlier release runs, even if a full disk takes no note
                self.store.rollback_note.write(earlier, current_number)
        remove_unused_folders(self.store)
        outcome.release = earlier
        return outcome

    def _roll_back_after_failure(self, change: OngoingChange, problem: Problem) -> Failure:
        """Roll back after a failure, and return it with lines of the journal and the state of the collector now."""
        journal_lines = list(problem.facts.get("journal") or ())
        try:
            state_text = self._roll_back(self.store.change_record.read() or change)
        except Problem as later_error:
            state_text = f"The earlier release does not run either: {later_error}"
        except OSError as later_error:
            state_text = f"The way back is not complete: {to_problem(later_error)}"
        wrong = f"{problem.wrong}.{journal_sentence(journal_lines)} {state_text}"
        return Failure(wrong, asked=describe_change_task(self.store), facts={"journal": journal_lines})

    def _roll_back(self, change: OngoingChange) -> str:
        """Undo a change, and return a sentence about the result, such as `Release 000006 runs again.`.

        Raises Failure if the earlier release does not run.
        """
        store = self.store
        with suppress(OSError):  # a full disk must not keep the release that works from running
            store.change_record.write(replace(change, step=ROLL_BACK))
        if not change.earlier:
            return self._undo_first_install()
        files = store.releases.read_files(change.earlier)
        # The change may have failed before it switched to the candidate. Then the process needs no restart.
        is_in_use = store.releases.find_current() == change.earlier
        is_untouched = is_in_use and self.machine.service(store.service).is_active
        activation = NOTHING if is_untouched else RESTART
        store.releases.switch_to(change.earlier)
        store.links.write(files)
        reload_units(self.machine)
        make_tmpfiles(self.machine, store, files)
        started = ReleaseStart(self.machine.now(), activation, self.machine.service(store.service))
        self._start_service(started)
        # The change is undone once the service was told to start. If the earlier release is not ready after that, there
        # is nothing left that another run could undo.
        store.drop_release(change.candidate)
        store.undecided_change.remove()
        store.change_record.remove()
        if activation != NOTHING:
            # The bundle has the ports and the health check of the release that failed.
            bundle = replace(self.bundle, ports=(), health_url="")
            self._build_watch(started, bundle).wait_until_ready()
        return f"Release {change.earlier} runs again."

    def _undo_first_install(self) -> str:
        """Remove the collector from the host, and return a sentence on that and on each queue that is lost with it."""
        # A running collector goes on writing to its queues. What is lost is known when it has stopped.
        stop_service(self.machine, self.store)
        loss_lines = describe_losses(self.store)
        remove_all_files(self.machine, self.store)
        return " ".join(["The first install is undone.", *(f"{line}." for line in loss_lines)])

    def _discard_candidate(self, change: OngoingChange) -> None:
        """Remove a candidate to which no run has switched; after a first install, all that it has made on the host."""
        self.store.drop_release(change.candidate)
        if change.earlier:
            self.store.undecided_change.remove()
            self.store.change_record.remove()
        else:
            remove_all_files(self.machine, self.store)

    # ── Other work ──

    def _repair_links(self) -> None:
        """Set the links of the system to the release in use again, and start the service if it does not run."""
        files = self.bundle.files
        self.store.links.write(files)
        reload_units(self.machine)
        make_tmpfiles(self.machine, self.store, files)
        started = ReleaseStart(self.machine.now(), self.outcome.activation, self.machine.service(self.store.service))
        try:
            self._start_service(started)
            self._build_watch(started).wait_until_ready()
        except Failure as failure:
            journal_lines = list(failure.facts.get("journal") or ())
            wrong = f"{failure.wrong}.{journal_sentence(journal_lines)}"
            raise Failure(wrong, asked=describe_change_task(self.store), facts=failure.facts) from failure

    def _drop_superfluous(self) -> None:
        """Remove old releases, as the bundle says how many are kept, and programs that no release names."""
        releases = self.store.releases
        numbers = list_superfluous_releases(
            releases.list_numbers(), releases.find_current(), self.bundle.kept_release_count
        )
        for number in numbers:
            self.store.drop_release(number)
        remove_unused_programs(self.store)
