# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for an add-on, with the state machine's word on every look. Private."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..._core.aws.issues import Issue, fixes, issues_of, told
from ..._core.aws.wait import ABSENT, DONE, FAILED, GONE, AddonVerdict, Patience, judge
from ..api.translate import Failure
from .addon_reads import AddonReads, fact

Addon = dict[str, Any]
POLL_FIRST, POLL_LAST, POLL_GROWTH = 2.0, 15.0, 1.5
DOING = {"create": "Create", "update": "Update", "delete": "Delete", "settle": "Wait for"}
# What to do besides what the issues say.
MORE = {
    "DELETE_FAILED": "Set preserve to true to let EKS forget the add-on and leave its objects in the cluster.",
    "CREATE_FAILED": "The next run tries again with UpdateAddon; nothing has to be removed first.",
    "UPDATE_FAILED": "The next run tries the update again.",
}


def status_of(addon: Addon | None) -> str:
    """Return the status of an add-on, or that it is not there."""
    return str(addon.get("status")) if addon else ABSENT


class Limits(NamedTuple):
    """For how long an operation may take, and what to do about DEGRADED."""

    seconds: dict[str, float]
    patience: Patience


class AddonWait:
    """Looks until an operation is over."""

    def __init__(self, reads: AddonReads, limits: Limits, salt: str) -> None:
        self.reads, self.limits, self.salt = reads, limits, salt
        self.warnings: list[str] = []

    def until_done(
        self, operation: str, update_id: str = "", missing: Callable[[Addon], list[str]] = lambda _addon: []
    ) -> Addon | None:
        """Return the add-on when the operation is done, or fail. `missing` tells what EKS has yet to show of it."""
        eks, began, degraded_since, pause = self.reads.eks, self.reads.eks.clock(), None, POLL_FIRST
        limit = self.limits.seconds["update" if operation == "settle" else operation]
        eks.until = began + limit
        while True:
            addon = self.reads.addon()
            update = self.reads.update(update_id) if update_id else None
            now, status, issues = eks.clock(), status_of(addon), issues_of(addon, update)
            degraded_since = None if status != "DEGRADED" else now if degraded_since is None else degraded_since
            verdict = judge(
                operation,
                status,
                issues,
                update=str((update or {}).get("status") or ""),
                patience=self.limits.patience,
                degraded_for=now - degraded_since if degraded_since is not None else 0,
            )
            lacking = missing(addon) if addon and verdict.what == DONE else []
            if verdict.what == DONE and not lacking:
                return self._done(addon, verdict, issues)
            if verdict.what in (FAILED, GONE):
                raise self._failed(operation, addon, verdict, issues)
            if now - began + pause > limit:
                raise self._late(operation, addon, issues, lacking, limit)
            eks.sleep(pause)
            pause = min(pause * POLL_GROWTH, POLL_LAST)

    def _done(self, addon: Addon | None, verdict: AddonVerdict, issues: tuple[Issue, ...]) -> Addon | None:
        if verdict.why:
            self.warnings.append(f"{self.reads.name}: {verdict.why}: {told(issues) or 'EKS gives no reason'}.")
        return addon

    def _failed(self, operation: str, addon: Addon | None, verdict: AddonVerdict, issues: tuple[Issue, ...]) -> Failure:
        status = status_of(addon)
        if verdict.what == GONE:
            wrong = "somebody else has removed it, or is about to"
            return self._failure(operation, wrong, addon, (), "Find out who manages it too, and run the task again.")
        if not issues and status.endswith("_FAILED"):
            issues = issues_of(addon, self.reads.failed_update())
        why = verdict.why or f"it is {status}"
        wrong = f"{why}: {told(issues) or 'EKS gives no reason'}"
        return self._failure(operation, wrong, addon, issues, MORE.get(status, ""))

    def _late(
        self, operation: str, addon: Addon | None, issues: tuple[Issue, ...], lacking: list[str], limit: float
    ) -> Failure:
        state = f"still {status_of(addon)}" + (f" with another {', '.join(lacking)}" if lacking else "")
        wrong = f"{state} after {limit:g} s" + (f": {told(issues)}" if issues else "")
        option = f"{'update' if operation == 'settle' else operation}_timeout_seconds"
        fix = f"EKS goes on with it, and the next run takes it up; raise {option} if it only needs longer."
        return self._failure(operation, wrong, addon, issues, fix)

    def _failure(self, operation: str, wrong: str, addon: Addon | None, issues: tuple[Issue, ...], fix: str) -> Failure:
        facts = {
            "status": status_of(addon),
            "issues": [issue.fact for issue in issues],
            "addon": fact(addon, self.salt),
        }
        asked = f"{DOING[operation]} the add-on {self.reads.name} of the cluster {self.reads.cluster}"
        return Failure(wrong, asked=asked, fix=f"{fixes(issues)} {fix}".strip(), facts=facts)
