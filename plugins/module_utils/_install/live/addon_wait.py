# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reads about one EKS add-on, and the wait until an operation on it is over. Private.

Modules eks_addon and eks_addon_info use both. `addon/addon_states.py` judges what is read: its `AddonVerdict` says
whether the operation is done, goes on or has failed. One loop with the clock of the caller repeats the reads. The
retries of botocore are off, because they know neither the remaining time nor fresh credentials.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_collections.amazon.aws.plugins.module_utils.transformation import boto3_resource_to_ansible_dict

from ..._identity.live.aws_api import AnsibleCallError, CallErrors, ServiceCalls, parse_configuration
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import Failure
from ..addon.addon_settings import mask_secrets
from ..addon.addon_states import (
    ABSENT,
    DONE,
    FAILED,
    GONE,
    AddonVerdict,
    Issue,
    Patience,
    describe_issues,
    join_fixes,
    judge_status,
    list_issues,
)
from ..addon.addon_versions import (
    AddonVersion,
    AddonVersionChoice,
    choose_version,
    list_kubernetes_versions,
    list_offered_versions,
    unknown_addon_problem,
)

# An add-on as DescribeAddon returns it.
Addon = dict[str, Any]
# The seconds between two reads: the first pause, the longest one, and the factor by which it grows.
POLL_FIRST, POLL_LAST, POLL_GROWTH = 2.0, 15.0, 1.5
# How messages name the wait for an operation.
TASK_VERBS = {"create": "Create", "update": "Update", "delete": "Delete", "settle": "Wait for", "follow": "Wait for"}
_TIMEOUT_OPTIONS = {"settle": "update_timeout_seconds", "follow": "wait_timeout"}
# The advice after a failure besides that of the issues: by the status, or if another owner manages the add-on.
_ADVICE_TO_OWNER = "The owner of the add-on has to try again: this module only reads."
ADVICE_BY_STATUS = {
    "DELETE_FAILED": "Set preserve to true to let EKS forget the add-on and leave its objects in the cluster.",
    "CREATE_FAILED": "The next run tries again with UpdateAddon; nothing has to be removed first.",
    "UPDATE_FAILED": "The next run tries the update again.",
}


def addon_status(addon: Addon | None) -> str:
    """Return the status of an add-on, or that it is not there."""
    return str(addon.get("status")) if addon else ABSENT


class WaitLimits(NamedTuple):
    """For how long a wait may take, by operation, and how patient it is with a degraded add-on."""

    seconds_by_operation: dict[str, float]
    patience: Patience


class _Sighting(NamedTuple):
    """The add-on as it was read at a time, with what that means for the operation."""

    addon: Addon | None
    issues: tuple[Issue, ...]
    verdict: AddonVerdict
    seen_at: float
    """By the clock of the caller, in seconds."""


class AddonWait:
    """Reads the add-on until an operation is over. `salt` masks the secrets of its configuration in results."""

    def __init__(self, reads: AddonReads, limits: WaitLimits, salt: str) -> None:
        self.reads, self.limits, self.salt = reads, limits, salt
        self.warnings: list[str] = []
        self._degraded_since: float | None = None

    def wait_until_done(
        self, operation: str, update_id: str = "", find_missing: Callable[[Addon], list[str]] = lambda _addon: []
    ) -> Addon | None:
        """Return the add-on when the operation is done. Raises Failure if EKS gives up, or after the time limit.

        `operation` is one of OPERATIONS of addon_states.py. `update_id` is that of an update; empty for any other
        operation. `find_missing` returns the names of settings that EKS does not show yet.
        """
        eks = self.reads.eks
        started_at = eks.clock()
        limit_seconds = self.limits.seconds_by_operation[operation]
        eks.patient_until = started_at + limit_seconds
        self._degraded_since = None
        pause_seconds = POLL_FIRST
        while True:
            sighting = self._look(operation, update_id)
            addon, issues, verdict = sighting.addon, sighting.issues, sighting.verdict
            missing_settings = find_missing(addon) if addon and verdict.outcome == DONE else []
            if verdict.outcome == DONE and not missing_settings:
                self._warn_of_issues(verdict, issues)
                return addon
            if verdict.outcome in (FAILED, GONE):
                raise self._explain_failure(operation, addon, verdict, issues)
            if sighting.seen_at - started_at + pause_seconds > limit_seconds:
                raise self._explain_timeout(operation, addon, issues, missing_settings, limit_seconds)
            eks.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * POLL_GROWTH, POLL_LAST)

    def _look(self, operation: str, update_id: str) -> _Sighting:
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
        return _Sighting(addon, issues, verdict, current_time)

    def _warn_of_issues(self, verdict: AddonVerdict, issues: tuple[Issue, ...]) -> None:
        """Add a warning if the operation is done and the add-on has issues all the same."""
        if verdict.reason:
            issues_text = describe_issues(issues) or "EKS gives no reason"
            self.warnings.append(f"{self.reads.name}: {verdict.reason}: {issues_text}.")

    def _explain_failure(
        self, operation: str, addon: Addon | None, verdict: AddonVerdict, issues: tuple[Issue, ...]
    ) -> Failure:
        """Return the failure of an operation that EKS gave up, or that somebody undid."""
        status = addon_status(addon)
        if verdict.outcome == GONE:
            wrong = "another user removed it, or is removing it"
            return self._build_failure(operation, wrong, addon, (), "Find its other owner, and run the task again.")
        if not issues and status.endswith("_FAILED"):
            issues = list_issues(addon, self.reads.read_failed_update())
        reason = verdict.reason or f"it is {status}"
        wrong = f"{reason}: {describe_issues(issues) or 'EKS gives no reason'}"
        advice = ADVICE_BY_STATUS.get(status, "")
        if advice and operation == "follow":
            advice = _ADVICE_TO_OWNER
        return self._build_failure(operation, wrong, addon, issues, advice)

    def _explain_timeout(
        self,
        operation: str,
        addon: Addon | None,
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
        if operation == "follow" and addon is None:
            fix = f"Check the name and the region, or create the add-on; raise {option} if its owner needs longer."
        return self._build_failure(operation, wrong, addon, issues, fix)

    def _build_failure(
        self, operation: str, wrong: str, addon: Addon | None, issues: tuple[Issue, ...], fix: str
    ) -> Failure:
        """Return the failure of an operation, with the add-on as it is and the problems that EKS reports."""
        facts = {
            "status": addon_status(addon),
            "issues": [issue.fact_row for issue in issues],
            "addon": describe_addon(addon, self.salt),
        }
        task = f"{TASK_VERBS[operation]} the add-on {self.reads.name} of the cluster {self.reads.cluster}"
        return Failure(wrong, asked=task, fix=f"{join_fixes(issues)} {fix}".strip(), facts=facts)


# So many updates at each end of the list are read. The newest one is at one end, but the API does not say at which.
RECENT_UPDATES = 5


class AddonReads:
    """The reads about one add-on of one cluster."""

    def __init__(self, eks: ServiceCalls, cluster: str, name: str) -> None:
        self.eks, self.cluster, self.name = eks, cluster, name

    @CallErrors.list_error_handler("describe the add-on")
    def read_addon(self) -> dict[str, Any] | None:
        """Return the add-on; None if there is no such add-on or cluster."""
        addon: dict[str, Any] = self.eks("describe_addon", clusterName=self.cluster, addonName=self.name)["addon"]
        return addon

    @CallErrors.common_error_handler("describe the cluster")
    def read_kubernetes_version(self) -> str:
        """Return the cluster's version of Kubernetes."""
        return str(self.eks("describe_cluster", name=self.cluster)["cluster"]["version"])

    def choose_version(self, requested_version: str | None, installed_version: str | None) -> AddonVersionChoice:
        """Return the version to install, out of those that EKS offers for the cluster. Raises Problem for no such."""
        kubernetes = self.read_kubernetes_version()
        offered_versions = self.list_versions(kubernetes)
        other_kubernetes = [] if offered_versions or installed_version else self._list_other_kubernetes()
        return choose_version(
            requested_version, installed_version, offered_versions, self.name, kubernetes, elsewhere=other_kubernetes
        )

    @CallErrors.list_error_handler("list the versions of the add-on", ())
    def list_versions(self, kubernetes: str) -> list[AddonVersion]:
        """Return the versions of the add-on that EKS offers for a version of Kubernetes."""
        query = {"addonName": self.name, "kubernetesVersion": kubernetes}
        addons = self.eks.read_pages("describe_addon_versions", "addons", **query)
        return list_offered_versions(addons, self.name, kubernetes)

    @CallErrors.common_error_handler("list the add-ons that EKS has")
    def _list_other_kubernetes(self) -> list[str]:
        """Return the versions of Kubernetes for which EKS offers the add-on. Raises Problem if it has no such one."""
        addons = self.eks.read_pages("describe_addon_versions", "addons")
        addon_names = [addon["addonName"] for addon in addons]
        if self.name not in addon_names:
            raise unknown_addon_problem(self.name, addon_names)
        return list_kubernetes_versions(addons, self.name)

    @CallErrors.common_error_handler("read the configuration schema of the add-on")
    def read_configuration(self, version: str) -> dict[str, Any]:
        """Return the answer of DescribeAddonConfiguration about a version of the add-on."""
        return self.eks("describe_addon_configuration", addonName=self.name, addonVersion=version)

    def read_identities(self, addon: dict[str, Any] | None) -> dict[str, str]:
        """Return the ARNs of an add-on's roles, by service account."""
        roles = {}
        for arn in list_at(addon, "podIdentityAssociations"):
            association = self._read_identity(arn)
            if association:
                roles[association["serviceAccount"]] = association["roleArn"]
        return roles

    @CallErrors.list_error_handler("describe the pod identities of the add-on")
    def _read_identity(self, arn: str) -> dict[str, Any] | None:
        query = {"clusterName": self.cluster, "associationId": arn.rpartition("/")[2]}
        association: dict[str, Any] = self.eks("describe_pod_identity_association", **query)["association"]
        return association

    @CallErrors.list_error_handler("describe the update of the add-on")
    def read_update(self, update_id: str) -> dict[str, Any] | None:
        """Return an update as DescribeUpdate has it; None if there is no such update."""
        query = {"name": self.cluster, "addonName": self.name, "updateId": update_id}
        update: dict[str, Any] = self.eks("describe_update", **query)["update"]
        return update

    def read_failed_update(self) -> dict[str, Any] | None:
        """Return the last update that failed; None if there is none, or if it cannot be read.

        It only adds to the message about a failure, so an error of these reads is ignored.
        """
        failed_updates = []
        try:
            update_ids = self.eks.read_pages("list_updates", "updateIds", name=self.cluster, addonName=self.name)
            for update_id in dict.fromkeys([*update_ids[:RECENT_UPDATES], *update_ids[-RECENT_UPDATES:]]):
                update = self.read_update(update_id)
                if update and update.get("status") == "Failed":
                    failed_updates.append(update)
        except _list_call_errors():
            return None
        return max(failed_updates, key=lambda update: str(update.get("createdAt")), default=None)


def _list_call_errors() -> tuple[type[BaseException], ...]:
    """Return the errors of a call of AWS. botocore is imported here, since hosts without AWS do not have it."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    return (AnsibleCallError, BotoCoreError, ClientError)


def describe_addon(addon: dict[str, Any] | None, salt: str) -> dict[str, Any]:
    """Return an add-on as the result of a task, without the secrets of its configuration."""
    if not addon:
        return {}
    description: dict[str, Any] = boto3_resource_to_ansible_dict(
        addon, transform_tags=False, force_tags=False, ignore_list=["tags"]
    )
    values = mask_secrets(parse_configuration(description.pop("configuration_values", "") or "") or {}, salt)
    tags = mask_and_clean(dict(mapping_at(addon, "tags")))
    return {**mask_and_clean(description), "configuration_values": values, "tags": tags}
