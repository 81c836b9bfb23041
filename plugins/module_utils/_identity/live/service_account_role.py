# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module iam_service_account_role: the IAM role of a service account, and its EKS Pod Identity association. Private.

The role is read once, changed as the task says, and read again until IAM shows the change. `role_owner.py` says whether
the task may change it, `role_plan.py` what it shall be, and `role_calls.py` which calls make it so. The modules of
amazon.aws do not fit: `iam_role` shows no difference, ends check mode before the role exists, creates instance
profiles, and removes policies before it adds others; `iam_policy` fails if the role does not exist. The result names
the role for the annotation of the service account:

    {annotations: {obs/gateway: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/production-obs-gateway"}}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.needs.aws_policy import IRSA, POD_IDENTITY, EksCluster, ServiceAccount, fill_policy
from ..iam_calls import IamCall
from ..identity import ANNOTATIONS
from ..role import RoleRequest, RoleSettings
from ..role_calls import build_creation_request, plan_deletion_calls, plan_role_calls, remaining_settings
from ..role_names import role_name_in_region
from ..role_owner import check_role_change, cluster_arn, is_own_role, owns_association
from ..role_plan import plan_role
from ..trust import STATEMENT_BUILDERS
from .aws_changes import begin_anew_on_collision, merge_task_tags
from .aws_task import Aws, run
from .call_errors import CallErrors
from .identity_cluster import IdentityNeed, read_identity_cluster
from .role_association import RoleAssociation
from .role_reader import LiveRole, RoleReader

# The seconds between two reads of a role that does not show a change yet.
READ_PAUSE_SECONDS = 1.0


class RoleTask:
    """One run of the module. In check mode it reads and changes nothing."""

    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        """Take the parameters of the module."""
        self.aws, self.iam, self.eks = aws, aws.calls("iam"), aws.calls("eks")
        self.region = str(self.eks.client.meta.region_name)
        self.name = role_name_in_region(params["name"], self.region)
        self.params = {**params, "name": self.name}
        self.account = ServiceAccount(params["namespace"], params["service_account"])
        self.reader = RoleReader(self.iam, self.name)
        self.association = RoleAssociation(aws, self.params)

    def run(self) -> dict[str, Any]:
        """Make or remove the role and its association, and return the result of the task."""
        if self.params["state"] == "absent":
            return self._remove_role_and_association()
        return self._make_role_and_association()

    # ── State present ──

    def _make_role_and_association(self) -> dict[str, Any]:
        """Make the role, and after that its association, so that pods never get a role that lacks its rights.

        With provider IRSA an association is removed, and the annotation of the account names the role. EKS gives a pod
        with both the role of the association (aws/amazon-eks-pod-identity-webhook reads ContainerCredentialsConfig
        first), so it is removed before pods are replaced. Running pods keep their credentials for hours.
        """
        request = self._role_request()
        self.association.refuse_other_role()
        role_result = begin_anew_on_collision(self.iam, lambda: self._ensure_present(request))
        role_arn = role_result["identity"]["role_arn"]
        if self.params["provider"] == IRSA:
            association_result = self.association.remove_association(role_arn)
        else:
            association_result = self.association.associate_role(role_arn)
        return _merge_results(role_result, association_result)

    def _role_request(self) -> RoleRequest:
        """Return the role that the task wants. Raises Problem if the cluster cannot give pods roles."""
        params = self.params
        requires_agent = params["agent"] == "required"
        need = IdentityNeed(params["cluster_name"], self.account, params["provider"], requires_agent)
        eks_cluster = read_identity_cluster(self.eks, need)
        is_associated = params["provider"] == POD_IDENTITY
        return RoleRequest(
            account=self.account,
            eks_cluster=eks_cluster,
            trust=STATEMENT_BUILDERS[params["provider"]](eks_cluster, self.account),
            statements=fill_policy(params["statements"], eks_cluster),
            managed_policies=tuple(params["managed_policies"]),
            path=params["path"],
            permissions_boundary=params["permissions_boundary"],
            keep_trust=not params["purge_trust"],
            is_associated=is_associated,
            was_associated=is_associated and self.association.has_role(),
            may_adopt=params["adopt"],
            collectors=tuple(params["collectors"]),
        )

    def _ensure_present(self, request: RoleRequest) -> dict[str, Any]:
        """Create or change the role, wait until IAM shows the change, and return the result about the role."""
        live_role = self.reader.read()
        if live_role:
            return self._ensure_changed(live_role, request)
        return self._ensure_created(request)

    def _ensure_changed(self, live_role: LiveRole, request: RoleRequest) -> dict[str, Any]:
        """Change a role as requested. Raises Problem for a role of another owner."""
        check_role_change(self.name, live_role.settings, request)
        target = plan_role(live_role.settings, request, self._merge_tags)
        calls = plan_role_calls(live_role.settings, target)
        if calls and not self.aws.check:
            self._make_calls(calls)
            self._wait_until_shown(target)
        return self._task_result(live_role.arn, live_role.settings, target, changed=bool(calls))

    def _ensure_created(self, request: RoleRequest) -> dict[str, Any]:
        """Create a role, and give it its policies."""
        target = plan_role(None, request, self._merge_tags)
        role_arn = self._predict_arn(target, request.eks_cluster)
        if not self.aws.check:
            role_arn = self._create_role(build_creation_request(target, self.account))
            bare_role: RoleSettings = {**target, "policies": {}, "managed_policies": []}
            self._make_calls(plan_role_calls(bare_role, target))
            self._wait_until_shown(target)
        return self._task_result(role_arn, None, target, changed=True)

    def _predict_arn(self, target: RoleSettings, eks_cluster: EksCluster) -> str:
        """Return the ARN that the role gets, for check mode."""
        return f"arn:{eks_cluster.partition}:iam::{eks_cluster.account}:role{target['path']}{self.name}"

    def _merge_tags(self, live_tags: dict[str, str]) -> dict[str, str]:
        """Return the tags with those of the task."""
        tags = merge_task_tags(live_tags, self.params)
        return live_tags if tags is None else tags

    @CallErrors.common_error_handler("create the role")
    def _create_role(self, request: dict[str, Any]) -> str:
        """Create the role, and return its ARN."""
        role_arn: str = self.iam("create_role", RoleName=self.name, **request)["Role"]["Arn"]
        return role_arn

    @CallErrors.common_error_handler("change the role")
    def _make_calls(self, calls: Iterable[IamCall]) -> None:
        for call in calls:
            self.iam(call.operation, RoleName=self.name, **call.parameters)

    def _wait_until_shown(self, target: RoleSettings) -> None:
        """Read the role until IAM shows the target settings. Its reads lag behind its writes by seconds.

        Raises Problem if that takes longer than the task allows.
        """
        deadline = self.iam.clock() + self.params["wait_seconds"]
        while True:
            live_role = self.reader.read()
            if live_role and not plan_role_calls(live_role.settings, target):
                return
            if self.iam.clock() >= deadline:
                wrong = f"IAM does not show what was written after {self.params['wait_seconds']:.0f} s"
                fix = "Run the task again, and find what else changes the role."
                raise Problem(wrong, asked=f"Make the role {self.name}", where="wait_seconds", fix=fix)
            self.iam.sleep(READ_PAUSE_SECONDS)

    # ── State absent ──

    def _remove_role_and_association(self) -> dict[str, Any]:
        """Remove the association, and after that the role. A role of another owner stays.

        Without the role, its association is still removed: a user may have deleted the role.
        """
        live_role = self.reader.read()
        if not live_role:
            association_result = self.association.remove_association(self.association.find_orphaned_role())
            return _merge_results(self._task_result("", None, None, changed=False), association_result)
        if not self._is_own_role(live_role):
            association_result = self.association.remove_association("")
            role_result = self._task_result(live_role.arn, live_role.settings, live_role.settings, changed=False)
            return _merge_results(role_result, association_result)
        associated_role = live_role.arn if owns_association(live_role.settings) else ""
        association_result = self.association.remove_association(associated_role)
        return _merge_results(self._ensure_absent(live_role), association_result)

    def _is_own_role(self, live_role: LiveRole) -> bool:
        """Return whether the tags of a role say that this module made or took it for this account."""
        cluster = cluster_arn(live_role.arn, self.region, self.params["cluster_name"])
        return is_own_role(live_role.settings, cluster, self.account, self.params["collectors"])

    def _ensure_absent(self, live_role: LiveRole) -> dict[str, Any]:
        """Delete the role, or take the additions away if others made it. Returns the result about the role."""
        remaining_role = remaining_settings(live_role.settings, self.params["managed_policies"])
        if not self.aws.check:
            if remaining_role is None:
                self._make_removal_calls(plan_deletion_calls(live_role.settings))
            else:
                self._make_removal_calls(plan_role_calls(live_role.settings, remaining_role))
        return self._task_result(live_role.arn, live_role.settings, remaining_role, changed=True)

    def _make_removal_calls(self, calls: Iterable[IamCall]) -> None:
        for call in calls:
            self._make_removal_call(call)

    @CallErrors.deletion_error_handler("remove the role")
    def _make_removal_call(self, call: IamCall) -> None:
        """Make one call. If what it removes is missing, that is no error, and the calls after it are still made."""
        self.iam(call.operation, RoleName=self.name, **call.parameters)

    # ── The result ──

    def _task_result(
        self, role_arn: str, earlier_role: RoleSettings | None, later_role: RoleSettings | None, *, changed: bool
    ) -> dict[str, Any]:
        """Return the result about the role: its settings, and the annotation of the account that names it."""
        role = {"arn": role_arn, "name": self.name, **later_role} if later_role else {}
        annotations = {}
        if self.params["state"] == "present":
            annotations[str(self.account)] = {ANNOTATIONS[self.params["provider"]]: role_arn}
        identity = {"namespace": self.account.namespace, "service_account": self.account.name, "role_arn": role_arn}
        diff: dict[str, Any] = {"before": earlier_role or {}, "after": later_role or {}}
        return {"changed": changed, "role": role, "annotations": annotations, "identity": identity, "diff": diff}


def _merge_results(role_result: dict[str, Any], association_result: dict[str, Any]) -> dict[str, Any]:
    """Return the result about the role with that about its association, if there is or was an association."""
    association_diff = mapping_at(association_result, "diff")
    if not any(association_diff.values()):
        return role_result
    joined_diff = {}
    for side in ("before", "after"):
        joined_diff[side] = {**role_result["diff"][side], "association": association_diff[side]}
    is_changed = role_result["changed"] or association_result["changed"]
    return {**role_result, "changed": is_changed, "diff": joined_diff}


def run_role(module: AnsibleAWSModule) -> None:
    """Run the module iam_service_account_role, and exit with its result or failure."""
    run(module, lambda aws: RoleTask(aws, module.params).run())
