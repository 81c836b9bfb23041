# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the Collector's program check the config of a new release, beside the running process. Private.

`live/host_change.py` does this before it switches to the release, the candidate of a change. systemd starts a unit for
the check, `otelcol-agent.check.service` for collector `agent` (check_unit.py renders it): it has the sandbox and the
credentials of the candidate. If the program refuses the config, `check_candidate` raises, for example, `the program
refuses the config: Error: invalid key. The running collector is untouched. Correct the config.`
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..._otelcol.errors import Problem, clean_text
from ..check_unit import CheckPaths, read_unit_user, render_check_unit
from ..host_release import CollectorBundle
from ..journal_lines import explain_unstarted
from .host_store import Store
from .machine import Machine
from .process_files import read_text_or_empty
from .state_folders import private_state_path
from .systemd_calls import reload_units

# How many of the last lines of a check are shown.
_SHOWN_LINES = 12


def describe_change_task(store: Store) -> str:
    """Return what a change does, for messages."""
    return f"Change collector {store.name} of this host"


@dataclass(frozen=True)
class CandidateCheck:
    """The check of one candidate. `mask` hides credentials in what the program prints."""

    machine: Machine
    store: Store
    bundle: CollectorBundle
    mask: Callable[[str], str]

    def check_candidate(self, candidate: str, *, has_earlier: bool) -> None:
        """Let the program check a release, such as `000007`, in the sandbox of its unit. Raises Problem if it fails.

        `has_earlier` says whether an earlier release runs meanwhile.
        """
        store = self.store
        unit = self.bundle.files[store.service].data.decode("utf-8", "replace")
        paths = CheckPaths(
            current=str(store.releases.current),
            candidate=str(store.releases.path(candidate)),
            output=str(store.check_output),
        )
        paths = self._add_state_owner(paths, read_unit_user(unit))
        store.check_unit.parent.mkdir(parents=True, exist_ok=True)
        store.check_unit.write_text(render_check_unit(unit, paths), encoding="utf-8")
        reload_units(self.machine)
        check_began = self.machine.now()
        start_result = self.machine.run_systemctl("start", store.check_unit.name)
        output = read_text_or_empty(store.check_output)
        remove_check(self.machine, store)
        if start_result.exit_code:
            printed_lines = [line for line in output.splitlines() if line.strip()][-_SHOWN_LINES:]
            journal = self.machine.journal(store.check_unit.name, check_began)
            raise self._build_refusal(printed_lines, journal, has_earlier=has_earlier)

    def _add_state_owner(self, paths: CheckPaths, candidate_user: str) -> CheckPaths:
        """Return the paths of a check with the state folder and its owner, if the check must not own that folder."""
        store, state = self.store, self.bundle.state
        service = self.machine.service(store.service)
        # systemd has made the folder for a dynamic user. While the service runs, the check only reads the folder.
        # Otherwise it may use the folder as the service does, if it names the same dynamic user.
        if state and private_state_path(store.root, state).is_dir():
            folder = str(private_state_path(store.root, state)) if service.is_active else ""
            return replace(paths, state=folder, user=service.user_name)
        # The folder belongs to a user of the host, and the candidate names another one.
        if state and service.is_active and service.user_name != candidate_user:
            return replace(paths, state=state, user=service.user_name, is_dynamic=False)
        return paths

    def _build_refusal(self, printed_lines: Sequence[str], journal: str, *, has_earlier: bool) -> Problem:
        """Return why the check failed: by what the program printed, or by the journal if systemd did not start it."""
        wrong, last_lines, fix = "the program refuses the config", printed_lines, "Correct the config."
        if not printed_lines:
            unstarted = explain_unstarted(journal)
            last_lines = unstarted.lines
            if unstarted.fix:
                wrong, fix = "systemd cannot start the service", unstarted.fix
        reason = " ".join(clean_text(self.mask(line)) for line in last_lines)
        untouched_text = "The running collector is untouched. " if has_earlier else ""
        return Problem(f"{wrong}: {reason}", asked=describe_change_task(self.store), fix=f"{untouched_text}{fix}")


def remove_check(machine: Machine, store: Store) -> None:
    """Remove the unit and the output of a check, also of one that a killed run left."""
    name = store.check_unit.name
    if store.check_unit.exists():
        machine.run_systemctl("stop", name)
        store.check_unit.unlink()
        machine.run_systemctl("reset-failed", name)
    if store.check_output.exists():
        store.check_output.unlink()
