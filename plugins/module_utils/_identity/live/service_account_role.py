# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module iam_service_account_role: the IAM role of a service account, and its EKS Pod Identity association. Private.

The role is read once, changed as the task says, and read again until IAM shows the change. `role.py` says what the role
shall be, `role_calls.py` which calls make it so. The modules of amazon.aws do not fit: `iam_role` shows no difference,
ends check mode before the role exists, creates instance profiles, and removes policies before it adds others;
`iam_policy` fails if the role does not exist. The result names the role for the annotation of the service account:

    {annotations: {obs/gateway: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/production-obs-gateway"}}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.needs.aws_policy import IRSA, POD_IDENTITY, EksCluster, ServiceAccount, fill_policy, parse_eks_cluster
from ..iam_calls import IamCall
from ..identity import ANNOTATIONS
from ..oidc_provider import NO_ISSUER_FIX, find_issuer
from ..role import (
    RoleRequest,
    RoleSettings,
    check_role_change,
    cluster_arn,
    is_own_role,
    owns_association,
    plan_role,
    role_settings,
)
from ..role_calls import build_creation_request, plan_deletion_calls, plan_role_calls, remaining_settings
from ..role_names import role_name_in_region
from ..trust import STATEMENT_BUILDERS
from .aws_changes import begin_anew_on_collision, merge_task_tags
from .aws_task import Aws, run
from .call_errors import CallErrors
from .role_association import RoleAssociation

# The seconds between two reads of a role that does not show a change yet.
READ_PAUSE_SECONDS = 1.0
# The add-on of EKS that gives pods the credentials of their association. Auto Mode has it built in.
AGENT_ADDON = "eks-pod-identity-agent"


class RoleTask:
    """One run of the module. In check mode it reads and changes nothing."""

    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        """Take the parameters of the module."""
        self.aws, self.iam, self.eks = aws, aws.calls("iam"), aws.calls("eks")
        self.region = str(self.eks.client.meta.region_name)
        self.name = role_name_in_region(params["name"], self.region)
        self.cluster_name = params["cluster_name"]
        self.params = {**params, "name": self.name}
        self.account = ServiceAccount(params["namespace"], params["service_account"])
        self.arn = ""
        """The ARN of the role, once it is known."""
        self.association = RoleAssociation(aws, self.params)

    def run(self) -> dict[str, Any]:
        """Make or remove the role and its association, and return the result of the task."""
        if self.params["state"] == "absent":
            return self._remove_role_and_association()
        return self._make_role_and_association()

    def _make_role_and_association(self) -> dict[str, Any]:
        """Make the role, and after that its association, so that pods never get a role that lacks its rights.

        With provider IRSA an association is removed, and the annotation of the account names the role. EKS gives a pod
        with both the role of the association (aws/amazon-eks-pod-identity-webhook reads ContainerCredentialsConfig
        first), so it is removed before pods are replaced. Running pods keep their credentials for hours.
        """
        request = self._role_request()
        self.association.refuse_other_role()
        role_result = begin_anew_on_collision(self.iam, lambda: self._ensure_present(request))
        if self.params["provider"] == IRSA:
            association_result = self.association.remove_association(self.arn)
        else:
            association_result = self.association.associate_role(self.arn)
        return self._merge_results(role_result, association_result)

    def _remove_role_and_association(self) -> dict[str, Any]:
        """Remove the association, and after that the role. A role of another owner stays.

        Without the role, its association is still removed: a user may have deleted the role.
        """
        live_role = self._read_settings()
        if not live_role or not self._is_own_role(live_role):
            orphaned_role = "" if live_role else self.association.find_orphaned_role()
            association_result = self.association.remove_association(orphaned_role)
            return self._merge_results(self._task_result(live_role, live_role, changed=False), association_result)
        associated_role = self.arn if owns_association(live_role) else ""
        association_result = self.association.remove_association(associated_role)
        return self._merge_results(self._ensure_absent(live_role), association_result)

    def _is_own_role(self, live_role: RoleSettings) -> bool:
        """Return whether the tags of a role say that this module made or took it for this account."""
        cluster = cluster_arn(self.arn, self.region, self.cluster_name)
        return is_own_role(live_role, cluster, self.account, self.params["collectors"])

    @staticmethod
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

    def _role_request(self) -> RoleRequest:
        """Return the role that the task wants. Raises Problem if the cluster cannot give pods roles."""
        params = self.params
        eks_cluster = self._read_eks_cluster()
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
            allows_others=params["adopt"],
            collectors=tuple(params["collectors"]),
        )

    @CallErrors.common_error_handler("describe the cluster")
    def _read_eks_cluster(self) -> EksCluster:
        """Return the cluster. Raises Problem if it lacks what the provider of identities needs."""
        cluster = self.eks("describe_cluster", name=self.cluster_name)["cluster"]
        issuer = find_issuer(cluster)
        task = f"Give {self.account} a role"
        if self.params["provider"] == IRSA:
            if not issuer:
                raise Problem(f"the cluster {self.cluster_name} has no issuer", asked=task, fix=NO_ISSUER_FIX)
        elif self.params["agent"] == "required":
            has_auto_mode = mapping_at(cluster, "computeConfig").get("enabled")
            if not has_auto_mode:
                self._require_agent(task)
        return parse_eks_cluster(str(cluster["arn"]), issuer)

    def _require_agent(self, task: str) -> None:
        """Raise Problem if the cluster does not have the add-on of the agent."""
        if not self._read_agent_addon():
            fix = (
                f"Install it (eks_addon with name: {AGENT_ADDON}), or set agent to ignored where it was installed"
                " otherwise."
            )
            wrong = f"the cluster {self.cluster_name} has neither the add-on {AGENT_ADDON} nor Auto Mode"
            raise Problem(wrong, asked=f"{task} by EKS Pod Identity", where="provider", fix=fix)

    @CallErrors.list_error_handler(f"describe the add-on {AGENT_ADDON}", {})
    def _read_agent_addon(self) -> dict[str, Any]:
        answer = self.eks("describe_addon", clusterName=self.cluster_name, addonName=AGENT_ADDON)
        addon: dict[str, Any] = answer["addon"]
        return addon

    def _read_settings(self) -> RoleSettings | None:
        """Return the role as it is, and note its ARN; None if it does not exist."""
        role = self._read_role()
        if not role:
            return None
        self.arn = role["Arn"]
        policies = {name: self._read_policy(name) for name in self._list_all("list_role_policies", "PolicyNames")}
        attached_arns = [
            policy["PolicyArn"] for policy in self._list_all("list_attached_role_policies", "AttachedPolicies")
        ]
        return role_settings(role, policies, attached_arns, boto3_tag_list_to_ansible_dict(list_at(role, "Tags")))

    @CallErrors.list_error_handler("read the role", {})
    def _read_role(self) -> dict[str, Any]:
        role: dict[str, Any] = self.iam("get_role", RoleName=self.name)["Role"]
        return role

    @CallErrors.list_error_handler("read a policy of the role", {})
    def _read_policy(self, name: str) -> Any:
        return self.iam("get_role_policy", RoleName=self.name, PolicyName=name)["PolicyDocument"]

    @CallErrors.list_error_handler("list the policies of the role", ())
    def _list_all(self, operation: str, key: str) -> list[Any]:
        """Return what an operation lists of the role. `key` names the list on each page."""
        return self.iam.read_iam_pages(operation, key, RoleName=self.name)

    def _ensure_present(self, request: RoleRequest) -> dict[str, Any]:
        """Create or change the role, wait until IAM shows the change, and return the result about the role."""
        live_role = self._read_settings()
        if live_role:
            check_role_change(self.name, live_role, request)
        target = plan_role(live_role, request, self._merge_tags)
        if not self.arn:
            eks_cluster = request.eks_cluster
            self.arn = f"arn:{eks_cluster.partition}:iam::{eks_cluster.account}:role{target['path']}{self.name}"
        calls = plan_role_calls(live_role, target) if live_role else []
        differs = bool(calls) or not live_role
        if self.aws.check or not differs:
            return self._task_result(live_role, target, changed=differs)
        if not live_role:
            self._create_role(build_creation_request(target, self.account))
            new_role: RoleSettings = {**target, "policies": {}, "managed_policies": []}
            calls = plan_role_calls(new_role, target)
        self._make_calls(calls)
        self._wait_until_shown(target)
        return self._task_result(live_role, target, changed=True)

    def _merge_tags(self, live_tags: dict[str, str]) -> dict[str, str]:
        """Return the tags with those of the task."""
        tags = merge_task_tags(live_tags, self.params)
        return live_tags if tags is None else tags

    @CallErrors.common_error_handler("create the role")
    def _create_role(self, request: dict[str, Any]) -> None:
        self.arn = self.iam("create_role", RoleName=self.name, **request)["Role"]["Arn"]

    @CallErrors.common_error_handler("change the role")
    def _make_calls(self, calls: list[IamCall]) -> None:
        for call in calls:
            self.iam(call.operation, RoleName=self.name, **call.parameters)

    def _wait_until_shown(self, target: RoleSettings) -> None:
        """Read the role until IAM shows the target settings. Its reads lag behind its writes by seconds.

        Raises Problem if that takes longer than the task allows.
        """
        deadline = self.iam.clock() + self.params["wait_seconds"]
        while True:
            live_role = self._read_settings()
            if live_role and not plan_role_calls(live_role, target):
                return
            if self.iam.clock() >= deadline:
                wrong = f"IAM does not show what was written after {self.params['wait_seconds']:.0f} s"
                fix = "Run the task again, and find what else changes the role."
                raise Problem(wrong, asked=f"Make the role {self.name}", where="wait_seconds", fix=fix)
            self.iam.sleep(READ_PAUSE_SECONDS)

    def _ensure_absent(self, live_role: RoleSettings) -> dict[str, Any]:
        """Delete the role, or take the additions away if others made it. Returns the result of the task."""
        remaining_role = remaining_settings(live_role, self.params["managed_policies"])
        if not self.aws.check:
            if remaining_role is None:
                self._remove_role(plan_deletion_calls(live_role))
            else:
                self._remove_role(plan_role_calls(live_role, remaining_role))
        return self._task_result(live_role, remaining_role, changed=True)

    def _remove_role(self, calls: list[IamCall]) -> None:
        for call in calls:
            self._make_removal_call(call)

    @CallErrors.deletion_error_handler("remove the role")
    def _make_removal_call(self, call: IamCall) -> None:
        self.iam(call.operation, RoleName=self.name, **call.parameters)

    def _task_result(
        self, earlier_role: RoleSettings | None, later_role: RoleSettings | None, *, changed: bool
    ) -> dict[str, Any]:
        """Return the result of the task: the role after it, and the annotation of the account that names the role."""
        role = {"arn": self.arn, "name": self.name, **later_role} if later_role else {}
        annotations = {}
        if self.params["state"] == "present":
            annotations[str(self.account)] = {ANNOTATIONS[self.params["provider"]]: self.arn}
        identity = {"namespace": self.account.namespace, "service_account": self.account.name, "role_arn": self.arn}
        diff: dict[str, Any] = {"before": earlier_role or {}, "after": later_role or {}}
        return {"changed": changed, "role": role, "annotations": annotations, "identity": identity, "diff": diff}


def run_role(module: AnsibleAWSModule) -> None:
    """Run the module iam_service_account_role, and exit with its result or failure."""
    run(module, lambda aws: RoleTask(aws, module.params).run())
