# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait until an operation on one EKS add-on is over. Private.

Modules eks_addon and eks_addon_info use it. One loop with the clock of the caller reads the add-on again and again;
`addon/addon_states.py` judges what is read: its `AddonVerdict` says whether the operation is done, goes on or has
failed. An operation is one of OPERATIONS there, such as `create`. A failure says for example:

    Update the add-on adot of the cluster prod: it is UPDATE_FAILED: no right [AccessDenied (role/a)].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..._otelcol.errors import Failure
from ..addon.addon_issues import Issue, describe_issues, join_fixes, list_issues
from ..addon.addon_states import DONE, FAILED, GONE, AddonVerdict, Patience, judge_status
from .addon_reads import AddonReads, LiveAddon, addon_status, describe_addon

# The seconds between two reads: the first pause, and the factor by which it grows up to the longest one.
FIRST_PAUSE = 2.0
PAUSE_GROWTH = 1.5
LONGEST_PAUSE = 15.0
# How messages name the wait for an operation.
TASK_VERBS = {
    "create": "Create",
    "update": "Update",
    "delete": "Delete",
    "unchanged": "Wait for",
    "watch": "Wait for",
}
# The options that limit the time of operations; those of others are named after the operation.
_TIMEOUT_OPTIONS = {"unchanged": "update_timeout_seconds", "watch": "wait_timeout"}
# The advice after a failure besides that of the issues.
ADVICE_BY_STATUS = {
    "DELETE_FAILED": "Set preserve to true to let EKS forget the add-on and leave its objects in the cluster.",
    "CREATE_FAILED": "The next run tries again with UpdateAddon; nothing has to be removed first.",
    "UPDATE_FAILED": "The next run tries the update again.",
}
# The same for an add-on that others manage.
_ADVICE_TO_OWNER = "The owner of the add-on has to try again: this module only reads."


class WaitLimits(NamedTuple):
    """For how long a wait may take, by operation, and how patient it is with a degraded add-on."""

    seconds_by_operation: dict[str, float]
    patience: Patience


class _AddonReading(NamedTuple):
    """The add-on as it was read at a time, with what that means for the operation."""

    addon: LiveAddon | None
    issues: tuple[Issue, ...]
    verdict: AddonVerdict
    read_at: float
    """By the clock of the caller, in seconds."""


class AddonWait:
    """Reads the add-on until an operation is over. `salt` masks the secrets of its configuration in results."""

    def __init__(self, reads: AddonReads, limits: WaitLimits, salt: str) -> None:
        self.reads, self.limits, self.salt = reads, limits, salt
        self.warnings: list[str] = []
        self._degraded_since: float | None = None

    def wait_until_done(
        self, operation: str, update_id: str = "", find_missing: Callable[[LiveAddon], list[str]] = lambda _addon: []
    ) -> LiveAddon | None:
        """Return the add-on when the operation is done. Raises Failure if EKS gives up, or after the time limit.

        `operation` is one of OPERATIONS of addon_states.py. `update_id` is that of an update; empty for any other
        operation. `find_missing` returns the names of settings that EKS does not show yet.
        """
        eks = self.reads.eks
        started_at = eks.clock()
        limit_seconds = self.limits.seconds_by_operation[operation]
        # A call that fails for a passing reason is tried again for as long as the wait may take.
        eks.extend_patience_until(started_at + limit_seconds)
        self._degraded_since = None
        pause_seconds = FIRST_PAUSE
        while True:
            reading = self._read_and_judge(operation, update_id)
            addon, issues, verdict = reading.addon, reading.issues, reading.verdict
            # EKS may say ACTIVE before it shows the new settings. So an add-on is done only when it has them.
            missing_settings = find_missing(addon) if addon and verdict.outcome == DONE else []
            if verdict.outcome == DONE and not missing_settings:
                self._warn_of_issues(verdict, issues)
                return addon
            if verdict.outcome in (FAILED, GONE):
                raise self._explain_failure(operation, addon, verdict, issues)
            # A pause that would end after the limit is not begun.
            if reading.read_at - started_at + pause_seconds > limit_seconds:
                raise self._explain_timeout(operation, addon, issues, missing_settings, limit_seconds)
            eks.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * PAUSE_GROWTH, LONGEST_PAUSE)

    def _read_and_judge(self, operation: str, update_id: str) -> _AddonReading:
        """Read the add-on and its update, and judge them. Notes since when the add-on has been degraded."""
        addon = self.reads.read_addon()
        update = self.reads.read_update(update_id) if update_id else None
        current_time = self.reads.eks.clock()
        status, issues = addon_status(addon), list_issues(addon, update)
        if status != "DEGRADED":
            self._degraded_since = None
        elif self._degraded_since is None:
            self._degraded_since = current_time
        verdict = judge_status(
            operation,
            status,
            issues,
            update=str((update or {}).get("status") or ""),
            patience=self.limits.patience,
            degraded_for=0 if self._degraded_since is None else current_time - self._degraded_since,
        )
        return _AddonReading(addon, issues, verdict, current_time)

    def _warn_of_issues(self, verdict: AddonVerdict, issues: tuple[Issue, ...]) -> None:
        """Add a warning if the operation is done and the add-on has issues all the same."""
        if verdict.reason:
            issues_text = describe_issues(issues) or "EKS gives no reason"
            self.warnings.append(f"{self.reads.name}: {verdict.reason}: {issues_text}.")

    def _explain_failure(
        self, operation: str, addon: LiveAddon | None, verdict: AddonVerdict, issues: tuple[Issue, ...]
    ) -> Failure:
        """Return the failure of an operation that EKS gave up, or that somebody undid."""
        status = addon_status(addon)
        if verdict.outcome == GONE:
            wrong = "another user removed it, or is removing it"
            return self._build_failure(operation, wrong, addon, (), "Find its other owner, and run the task again.")
        # An add-on may have failed without an issue of its own. Then the update that failed has the reason.
        if not issues and status.endswith("_FAILED"):
            issues = list_issues(addon, self.reads.read_failed_update())
        reason = verdict.reason or f"it is {status}"
        wrong = f"{reason}: {describe_issues(issues) or 'EKS gives no reason'}"
        advice = ADVICE_BY_STATUS.get(status, "")
        if advice and operation == "watch":
            advice = _ADVICE_TO_OWNER
        return self._build_failure(operation, wrong, addon, issues, advice)

    def _explain_timeout(
        self,
        operation: str,
        addon: LiveAddon | None,
        issues: tuple[Issue, ...],
        missing_settings: list[str],
        limit_seconds: float,
    ) -> Failure:
        """Return the failure of an operation that takes longer than its limit, in seconds."""
        wrong = f"still {addon_status(addon)}"
        if missing_settings:
            wrong += f" with another {', '.join(missing_settings)}"
        wrong += f" after {limit_seconds:g} s"
        if issues:
            wrong += f": {describe_issues(issues)}"
        option = _TIMEOUT_OPTIONS.get(operation, f"{operation}_timeout_seconds")
        fix = f"EKS goes on with it, and the next run takes it up; raise {option} if it only needs longer."
        if operation == "watch" and addon is None:
            fix = f"Check the name and the region, or create the add-on; raise {option} if its owner needs longer."
        return self._build_failure(operation, wrong, addon, issues, fix)

    def _build_failure(
        self, operation: str, wrong: str, addon: LiveAddon | None, issues: tuple[Issue, ...], fix: str
    ) -> Failure:
        """Return the failure of an operation, with the add-on as it is and the problems that EKS reports."""
        result_keys = {
            "status": addon_status(addon),
            "issues": [issue.result_row for issue in issues],
            "addon": describe_addon(addon, self.salt),
        }
        task = f"{TASK_VERBS[operation]} the add-on {self.reads.name} of the cluster {self.reads.cluster}"
        return Failure(wrong, asked=task, fix=f"{join_fixes(issues)} {fix}".strip(), facts=result_keys)
