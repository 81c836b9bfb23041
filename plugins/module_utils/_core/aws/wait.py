# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine of an EKS add-on: what to begin with, and whether that is done, goes on or failed. Private.

botocore's own waiter stops at DEGRADED, which is passing while pods start, and spins on UPDATE_FAILED; other tools
wait for ever or take DEGRADED for success. Here it is a table, with a grace period that the user sets.
"""

from __future__ import annotations

from typing import NamedTuple

from .issues import Issue

ABSENT = "ABSENT"  # ours, for what EKS answers with ResourceNotFoundException
STATUSES = (
    *(ABSENT, "CREATING", "ACTIVE", "UPDATING", "DEGRADED"),
    *("CREATE_FAILED", "UPDATE_FAILED", "DELETING", "DELETE_FAILED"),
)
# `settle` is the wait for an add-on that nobody changes.
OPERATIONS = ("create", "update", "delete", "settle")

WAIT, DONE, FAILED, HEALTH, GONE = "wait", "done", "failed", "health", "gone"

# What a status says about an operation. HEALTH is decided by the issues and the time; GONE: somebody took it away.
TABLE: dict[str, tuple[str, str, str, str]] = {
    #                  create  update  delete  settle
    ABSENT: (WAIT, GONE, DONE, GONE),  # a new add-on may be invisible for a moment
    "CREATING": (WAIT, WAIT, WAIT, WAIT),
    "ACTIVE": (DONE, DONE, WAIT, DONE),
    "UPDATING": (WAIT, WAIT, WAIT, WAIT),
    "DEGRADED": (HEALTH, HEALTH, WAIT, HEALTH),
    "CREATE_FAILED": (FAILED, FAILED, WAIT, FAILED),
    "UPDATE_FAILED": (FAILED, FAILED, WAIT, FAILED),
    "DELETING": (GONE, GONE, WAIT, GONE),
    "DELETE_FAILED": (FAILED, FAILED, FAILED, FAILED),
}
# DescribeUpdate knows of an update before the add-on's status does, so that its word comes first.
UPDATES = {"InProgress": WAIT, "Failed": FAILED, "Cancelled": FAILED}

RESUME, CREATE, CHANGE, REPAIR, STUCK, DELETE, NOTHING = (
    *("resume", "create", "change", "repair", "stuck", "delete", "nothing"),
)
# What to begin with, and for RESUME the operation that somebody else began. A failed add-on takes UpdateAddon again,
# which is how the AWS controllers for Kubernetes recover it too.
PRESENT: dict[str, tuple[str, str]] = {
    ABSENT: (CREATE, ""),
    "CREATING": (RESUME, "create"),
    "UPDATING": (RESUME, "update"),
    "DELETING": (RESUME, "delete"),
    "ACTIVE": (CHANGE, ""),
    "DEGRADED": (CHANGE, ""),
    "CREATE_FAILED": (REPAIR, ""),
    "UPDATE_FAILED": (REPAIR, ""),
    "DELETE_FAILED": (STUCK, ""),
}
REMOVED: dict[str, tuple[str, str]] = dict.fromkeys(STATUSES, (DELETE, "")) | {
    ABSENT: (NOTHING, ""),
    "DELETING": (RESUME, "delete"),
}


class Patience(NamedTuple):
    """What to do about DEGRADED: `wait` for so many seconds, `fail` at once, or `accept` it."""

    degraded: str = "wait"
    seconds: float = 300


class AddonVerdict(NamedTuple):
    """What is to be done: one of WAIT, DONE, FAILED and GONE, and why where that is not plain."""

    what: str
    why: str = ""


def judge(
    operation: str,
    status: str,
    issues: tuple[Issue, ...] = (),
    *,
    update: str = "",
    patience: Patience,
    degraded_for: float = 0,
) -> AddonVerdict:
    """Return what an add-on's status means for an operation; `update` is the status of our own update, if known."""
    if update in UPDATES:
        return AddonVerdict(UPDATES[update], f"the update has {update.lower()}" if UPDATES[update] == FAILED else "")
    # A status that a newer API brings is waited for: the time limit ends that.
    row = TABLE.get(status, (WAIT, WAIT, WAIT, WAIT))
    what = row[OPERATIONS.index(operation)]
    return _health(issues, patience, degraded_for) if what == HEALTH else AddonVerdict(what)


def _health(issues: tuple[Issue, ...], patience: Patience, degraded_for: float) -> AddonVerdict:
    if patience.degraded == "accept":
        return AddonVerdict(DONE, "it is degraded, which is accepted")
    if patience.degraded == "fail":
        return AddonVerdict(FAILED, "it is degraded")
    if any(not issue.meaning.heals for issue in issues):
        return AddonVerdict(FAILED, "it is degraded, and waiting does not mend that")
    if degraded_for >= patience.seconds:
        return AddonVerdict(FAILED, f"it has been degraded for {degraded_for:g} s")
    return AddonVerdict(WAIT)
