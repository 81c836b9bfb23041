# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine of an EKS add-on: what to begin with, and whether that is done, goes on or failed. Private.

botocore's own waiter stops at DEGRADED, which is passing while pods start, and spins on UPDATE_FAILED; other tools
wait for ever or take DEGRADED for success. Here it is a table, with a grace period that the user sets.

A status is what EKS says of the add-on, an issue a reason that EKS gives for it. A first step is what a task does
first, given the status; a verdict is what the status means for an operation that runs. addon.py and addon_wait.py of
`live` ask for them.

The codes of issues are those of AddonIssueCode in the EKS API; updates report most of them under the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.config.paths import list_at, mapping_at

ABSENT = "ABSENT"  # not a status of EKS, which answers with ResourceNotFoundException
STATUSES = (
    *(ABSENT, "CREATING", "ACTIVE", "UPDATING", "DEGRADED"),
    *("CREATE_FAILED", "UPDATE_FAILED", "DELETING", "DELETE_FAILED"),
)
# `settle` is the wait for an add-on that does not change, `follow` that for one that others manage.
OPERATIONS = ("create", "update", "delete", "settle", "follow")

WAIT, DONE, FAILED, HEALTH, GONE = "wait", "done", "failed", "health", "gone"

# The meaning of a status for an operation, in the order of OPERATIONS. HEALTH: the issues and the time decide; GONE:
# another owner removed it.
VERDICT_TABLE: dict[str, tuple[str, str, str, str, str]] = {
    #                  create  update  delete  settle  follow
    ABSENT: (WAIT, GONE, DONE, GONE, WAIT),  # a new add-on may be invisible for a moment
    "CREATING": (WAIT, WAIT, WAIT, WAIT, WAIT),
    "ACTIVE": (DONE, DONE, WAIT, DONE, DONE),
    "UPDATING": (WAIT, WAIT, WAIT, WAIT, WAIT),
    "DEGRADED": (HEALTH, HEALTH, WAIT, HEALTH, HEALTH),
    "CREATE_FAILED": (FAILED, FAILED, WAIT, FAILED, FAILED),
    "UPDATE_FAILED": (FAILED, FAILED, WAIT, FAILED, FAILED),
    "DELETING": (GONE, GONE, WAIT, GONE, GONE),
    "DELETE_FAILED": (FAILED, FAILED, FAILED, FAILED, FAILED),
}
# DescribeUpdate knows of an update before the add-on's status does, so that its word comes first.
UPDATE_VERDICTS = {"InProgress": WAIT, "Failed": FAILED, "Cancelled": FAILED}

# The first steps. RESUME: wait for the operation that runs; CHANGE: compare the settings, and update what differs;
# REPAIR: update even if nothing differs; STUCK: nothing but a deletion helps.
RESUME, CREATE, CHANGE, REPAIR, STUCK, DELETE, NOTHING = (
    *("resume", "create", "change", "repair", "stuck", "delete", "nothing"),
)


class FirstStep(NamedTuple):
    """What a task does first, and for RESUME the operation that it waits for."""

    action: str
    running_operation: str = ""
    """`create`, `update` or `delete`; empty for any other step than RESUME."""


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


class AddonVerdict(NamedTuple):
    """The verdict: WAIT, DONE, FAILED or GONE, and its reason."""

    outcome: str
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
    """Return what an add-on's status means for an operation.

    `update` is the status of our own update; empty if there is none or it is not known. `degraded_for` is for how many
    seconds the add-on has been degraded.
    """
    if update in UPDATE_VERDICTS:
        meaning = UPDATE_VERDICTS[update]
        return AddonVerdict(meaning, f"the update has {update.lower()}" if meaning == FAILED else "")
    # Wait during an unknown status of a newer API, until the time limit.
    row = VERDICT_TABLE.get(status, (WAIT,) * len(OPERATIONS))
    meaning = row[OPERATIONS.index(operation)]
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


class Advice(NamedTuple):
    """What to do about a code. A transient one can resolve by itself, so the wait for a degraded add-on goes on."""

    is_transient: bool
    fix: str


ADVICE_BY_CODE = {
    "AccessDenied": Advice(  # RBAC of another task may be on its way
        True,
        "Give the user eks:addon-manager the rights that the message names; ADOT up to v0.62.1 wants its RBAC manifest"
        " applied first.",
    ),
    "InternalFailure": Advice(True, "Run the task again; if it stays, ask AWS support and name the add-on's ARN."),
    "ClusterUnreachable": Advice(
        True, "Check the cluster's status, subnets and security groups, and webhooks without running pods."
    ),
    "InsufficientNumberOfReplicas": Advice(  # pods that are starting
        True,
        "Look at its pods and their events: images, room on the nodes, taints, Secrets that wait for cert-manager.",
    ),
    "ConfigurationConflict": Advice(
        False,
        "Set resolve_conflicts to overwrite to give the fields to the add-on, or to preserve to keep them in updates.",
    ),
    "AdmissionRequestDenied": Advice(  # a webhook that is coming up
        True,
        "Allow the add-on's objects in the policy, or mend the webhook, that the message names; ADOT needs a running"
        " cert-manager.",
    ),
    "UnsupportedAddonModification": Advice(
        False, "Take the change back and use configuration_values for it, or set resolve_conflicts to overwrite."
    ),
    "K8sResourceNotFound": Advice(  # made by something that is being installed
        True, "Create what the message names first; for ADOT these are cert-manager's kinds."
    ),
    "AddonSubscriptionNeeded": Advice(
        False,
        "Subscribe on its product page (product_url of eks_addon_info with available=true), and run the task again.",
    ),
    "AddonPermissionFailure": Advice(  # IAM is eventually consistent
        True,
        "Give service_account_role_arn or pod_identity_associations a role with the policies that eks_addon_info"
        " recommends.",
    ),
}
UNKNOWN_ADVICE = Advice(True, "Follow the message.")


class Issue(NamedTuple):
    """One issue, as EKS reports it of an add-on or of an update."""

    code: str
    message: str
    resource_ids: tuple[str, ...] = ()

    @property
    def advice(self) -> Advice:
        return ADVICE_BY_CODE.get(self.code, UNKNOWN_ADVICE)

    @property
    def wrong(self) -> str:
        return self.message or "EKS gives no message"

    @property
    def fact_row(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "resource_ids": list(self.resource_ids),
            "wrong": self.wrong,
            "fix": self.advice.fix,
        }


def list_issues(addon: Mapping[str, Any] | None, update: Mapping[str, Any] | None = None) -> tuple[Issue, ...]:
    """Return the issues of an add-on and the errors of an update, each once."""
    issues: list[Issue] = []
    if addon:
        health = mapping_at(addon, "health")
        issues += [_read_issue(reported, "code", "message") for reported in list_at(health, "issues")]
    if update:
        issues += [_read_issue(reported, "errorCode", "errorMessage") for reported in list_at(update, "errors")]
    return tuple(dict.fromkeys(issues))


def _read_issue(reported: Mapping[str, Any], code_field: str, message_field: str) -> Issue:
    """Return an issue as EKS reports it, under the names that an add-on or an update has for its parts."""
    code = str(reported.get(code_field) or "")
    message = mask_and_clean(str(reported.get(message_field) or ""))
    return Issue(code, message, tuple(mask_and_clean(list_at(reported, "resourceIds"))))


def describe_issues(issues: Iterable[Issue]) -> str:
    """Return each issue as EKS words it, with its code and resources."""
    lines = []
    for issue in issues:
        resources_text = f" ({', '.join(issue.resource_ids)})" if issue.resource_ids else ""
        lines.append(f"{issue.wrong} [{issue.code or 'no code'}{resources_text}]")
    return "; ".join(lines)


def join_fixes(issues: Iterable[Issue]) -> str:
    """Return what to do about them, each advice once."""
    return " ".join(dict.fromkeys(issue.advice.fix for issue in issues))
