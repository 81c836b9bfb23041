# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each status of an EKS add-on means: what a task does first, and whether an operation is over. Private.

`live/addon.py` asks for the first step with an add-on, and `live/addon_wait.py` for the verdict after each read. For
example, an add-on in status UPDATE_FAILED is updated again if it is wanted (`FirstStep("repair")`). While a task waits
for its update, the same status is a failure (`AddonVerdict("failed")`).

botocore's own waiter stops at DEGRADED, which is passing while pods start, and spins on UPDATE_FAILED; other tools
wait for ever or take DEGRADED for success. Here it is a table, with a grace period that the user sets.
"""

from __future__ import annotations

from typing import NamedTuple

from .addon_issues import Issue

# Not a status of EKS, which answers with ResourceNotFoundException.
ABSENT = "ABSENT"

# The outcomes of a verdict.
# The operation goes on.
WAIT = "wait"
# The operation has succeeded.
DONE = "done"
# The operation has failed for good.
FAILED = "failed"
# Another owner removed the add-on, or is removing it.
GONE = "gone"
# Only in VERDICT_TABLE: the issues of the add-on and the time decide.
HEALTH = "health"


class _StatusMeanings(NamedTuple):
    """What a status means for each operation."""

    create: str
    update: str
    delete: str
    unchanged: str
    """The task changes nothing, and waits until the add-on is as it should be."""
    watch: str
    """Others manage the add-on, and the task waits until it is healthy."""


OPERATIONS = _StatusMeanings._fields
VERDICT_TABLE: dict[str, _StatusMeanings] = {
    # A new add-on may be invisible for a moment.
    ABSENT: _StatusMeanings(create=WAIT, update=GONE, delete=DONE, unchanged=GONE, watch=WAIT),
    "CREATING": _StatusMeanings(create=WAIT, update=WAIT, delete=WAIT, unchanged=WAIT, watch=WAIT),
    "ACTIVE": _StatusMeanings(create=DONE, update=DONE, delete=WAIT, unchanged=DONE, watch=DONE),
    "UPDATING": _StatusMeanings(create=WAIT, update=WAIT, delete=WAIT, unchanged=WAIT, watch=WAIT),
    "DEGRADED": _StatusMeanings(create=HEALTH, update=HEALTH, delete=WAIT, unchanged=HEALTH, watch=HEALTH),
    "CREATE_FAILED": _StatusMeanings(create=FAILED, update=FAILED, delete=WAIT, unchanged=FAILED, watch=FAILED),
    "UPDATE_FAILED": _StatusMeanings(create=FAILED, update=FAILED, delete=WAIT, unchanged=FAILED, watch=FAILED),
    "DELETING": _StatusMeanings(create=GONE, update=GONE, delete=WAIT, unchanged=GONE, watch=GONE),
    "DELETE_FAILED": _StatusMeanings(create=FAILED, update=FAILED, delete=FAILED, unchanged=FAILED, watch=FAILED),
}
STATUSES = tuple(VERDICT_TABLE)
# A status of a newer API is waited for, until the time limit.
_MEANINGS_OF_UNKNOWN_STATUS = _StatusMeanings(create=WAIT, update=WAIT, delete=WAIT, unchanged=WAIT, watch=WAIT)
# By the status of our own update, which counts first: DescribeUpdate knows of an update before DescribeAddon does.
UPDATE_VERDICTS = {"InProgress": WAIT, "Failed": FAILED, "Cancelled": FAILED}

# The first steps.
# Wait for the operation that runs.
RESUME = "resume"
CREATE = "create"
# Compare the settings, and update what differs.
CHANGE = "change"
# Update even if nothing differs.
REPAIR = "repair"
# Fail: nothing but a deletion helps.
STUCK = "stuck"
DELETE = "delete"
NOTHING = "nothing"


class FirstStep(NamedTuple):
    """What a task does first, given the status of the add-on."""

    action: str
    """RESUME, CREATE, CHANGE, REPAIR, STUCK, DELETE or NOTHING."""
    running_operation: str = ""
    """For RESUME, the operation to wait for: `create`, `update` or `delete`; empty for any other step."""


# A failed add-on takes UpdateAddon again, which is how the AWS controllers for Kubernetes recover it too.
FIRST_STEPS_TO_HAVE: dict[str, FirstStep] = {
    ABSENT: FirstStep(CREATE),
    "CREATING": FirstStep(RESUME, "create"),
    "UPDATING": FirstStep(RESUME, "update"),
    "DELETING": FirstStep(RESUME, "delete"),
    "ACTIVE": FirstStep(CHANGE),
    "DEGRADED": FirstStep(CHANGE),
    "CREATE_FAILED": FirstStep(REPAIR),
    "UPDATE_FAILED": FirstStep(REPAIR),
    "DELETE_FAILED": FirstStep(STUCK),
}
FIRST_STEPS_TO_REMOVE: dict[str, FirstStep] = dict.fromkeys(STATUSES, FirstStep(DELETE)) | {
    ABSENT: FirstStep(NOTHING),
    "DELETING": FirstStep(RESUME, "delete"),
}


def first_step_to_have(status: str) -> FirstStep:
    """Return what to do first if the add-on is wanted. One in an unknown status of a newer API can be changed."""
    return FIRST_STEPS_TO_HAVE.get(status, FirstStep(CHANGE))


def first_step_to_remove(status: str) -> FirstStep:
    """Return what to do first if the add-on is not wanted. One in an unknown status of a newer API can be deleted."""
    return FIRST_STEPS_TO_REMOVE.get(status, FirstStep(DELETE))


class Patience(NamedTuple):
    """What to do about DEGRADED: `wait` for so many seconds, `fail` at once, or `accept` it."""

    degraded_action: str = "wait"
    seconds: float = 300
    """For how long to wait; other actions do not use it."""


class AddonVerdict(NamedTuple):
    """What the status means for the operation that runs."""

    outcome: str
    """WAIT, DONE, FAILED or GONE."""
    reason: str = ""
    """Empty if the status says all. With DONE, a reason says that the add-on has issues all the same."""


def judge_status(
    operation: str,
    status: str,
    issues: tuple[Issue, ...] = (),
    *,
    update: str = "",
    patience: Patience,
    degraded_for: float = 0,
) -> AddonVerdict:
    """Return what an add-on's status means for an operation, which is one of OPERATIONS.

    `update` is the status of our own update; empty if there is none or it is not known. `degraded_for` is for how many
    seconds the add-on has been degraded.
    """
    if update in UPDATE_VERDICTS:
        meaning = UPDATE_VERDICTS[update]
        return AddonVerdict(meaning, f"the update has {update.lower()}" if meaning == FAILED else "")
    meanings = VERDICT_TABLE.get(status, _MEANINGS_OF_UNKNOWN_STATUS)
    meaning = str(getattr(meanings, operation))
    if meaning == HEALTH:
        return _judge_degraded(issues, patience, degraded_for)
    return AddonVerdict(meaning)


def _judge_degraded(issues: tuple[Issue, ...], patience: Patience, degraded_for: float) -> AddonVerdict:
    """Return what a degraded add-on means, by its issues and how long it has been so, in seconds."""
    if patience.degraded_action == "accept":
        return AddonVerdict(DONE, "it is degraded, which is accepted")
    if patience.degraded_action == "fail":
        return AddonVerdict(FAILED, "it is degraded")
    if any(not issue.advice.is_transient for issue in issues):
        return AddonVerdict(FAILED, "it is degraded, and waiting does not mend that")
    if degraded_for >= patience.seconds:
        return AddonVerdict(FAILED, f"it has been degraded for {degraded_for:g} s")
    return AddonVerdict(WAIT)
