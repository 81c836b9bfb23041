# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The issues that EKS reports about an add-on, and what to do about each. Private.

`live/addon_wait.py` reads the issues and shows them in messages and results. `addon_states.py` asks whether a degraded
add-on may recover from them. For example:

    {"code": "AccessDenied", "message": "no right", "resource_ids": ["role/a"],
     "wrong": "no right", "fix": "Give the user eks:addon-manager the rights that the message names; …"}

The codes are those of AddonIssueCode in the EKS API. Errors of updates have most of them under the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.config.paths import list_at, mapping_at


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
        """What to do about it."""
        return ADVICE_BY_CODE.get(self.code, UNKNOWN_ADVICE)

    @property
    def wrong(self) -> str:
        """What is wrong, in the words of EKS."""
        return self.message or "EKS gives no message"

    @property
    def result_row(self) -> dict[str, Any]:
        """The issue in the result of a task."""
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
    """Return an issue as EKS reports it. An add-on and an update have other names for the code and the message."""
    code = str(reported.get(code_field) or "")
    message = mask_and_clean(str(reported.get(message_field) or ""))
    return Issue(code, message, tuple(mask_and_clean(list_at(reported, "resourceIds"))))


def describe_issues(issues: Iterable[Issue]) -> str:
    """Return each issue as EKS words it, such as `no right [AccessDenied (role/a)]`, with semicolons between them."""
    lines = []
    for issue in issues:
        resources_text = f" ({', '.join(issue.resource_ids)})" if issue.resource_ids else ""
        lines.append(f"{issue.wrong} [{issue.code or 'no code'}{resources_text}]")
    return "; ".join(lines)


def join_fixes(issues: Iterable[Issue]) -> str:
    """Return what to do about some issues, each advice once."""
    return " ".join(dict.fromkeys(issue.advice.fix for issue in issues))
