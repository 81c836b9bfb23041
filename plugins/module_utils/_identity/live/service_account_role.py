# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role of a service account: read, made as wanted, and read again until IAM shows it.

`amazon.aws.iam_role` shows no difference, ends check mode before the role exists, creates instance profiles, and
removes policies before it adds others; `iam_policy` fails if the role does not exist. Here the role is read once, with
its owner.
Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from ..._kube.aws_failures import EXISTS_CODES
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.needs.aws_policy import IRSA, Account, EksCluster, fill_policy, parse_eks_cluster
from ..identity import ANNOTATIONS
from ..role import (
    RoleRequest,
    build_creation_request,
    check_role_change,
    cluster_arn,
    is_own_role,
    plan_removal,
    plan_role,
    plan_steps,
    remaining_settings,
    role_settings,
)
from ..role_names import role_name_in_region
from ..trust import STATEMENT_BUILDERS, Step
from .aws_api import AnsibleCallError, Aws, CallErrors, merge_task_tags, run
from .role_association import RoleAssociation

COLLISIONS, COLLISION_PAUSE, SETTLE_PAUSE = 5, 2.0, 1.0
AGENT_ADDON = "eks-pod-identity-agent"
Role = dict[str, Any]


class RoleTask:
    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        self.aws, self.iam, self.eks = aws, aws.calls("iam"), aws.calls("eks")
        self.region = str(self.eks.client.meta.region_name)
        self.name, self.cluster_name = role_name_in_region(params["name"], self.region), params["cluster_name"]
        self.params = {**params, "name": self.name}
        self.account = Account(params["namespace"], params["service_account"])
        self.arn = ""
        self.association = RoleAssociation(aws, self.params)

    def run(self) -> dict[str, Any]:
        """Do it: what is new is whole before pods are given it.

        EKS gives pods that have both the association and not the annotation (ContainerCredentialsConfig is looked at
        first in aws/amazon-eks-pod-identity-webhook), so it goes before pods are replaced; those that run keep their
        credentials for hours.
        """
        if self.params["state"] == "absent":
            live_role = self._read_settings()
            is_ours = bool(live_role) and self._is_own_role(live_role)
            removal_result = self.association.remove_association(self.arn if is_ours else "")
            return self._merge_results(
                self._ensure_absent(live_role) if is_ours else self._task_result(live_role, live_role, changed=False),
                removal_result,
            )
        request = self._role_request()
        self.association.refuse_other_role()
        role = self._ensure_present(request)
        change_association = (
            self.association.remove_association if self.params["provider"] == IRSA else self.association.associate_role
        )
        return self._merge_results(role, change_association(self.arn))

    def _is_own_role(self, live_role: Role) -> bool:
        cluster = cluster_arn(self.arn, self.region, self.cluster_name)
        return is_own_role(live_role, cluster, self.account, self.params["collectors"])

    @staticmethod
    def _merge_results(role: dict[str, Any], association: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a role with that of its association, if there is or was one."""
        diff = mapping_at(association, "diff")
        if not any(diff.values()):
            return role
        joined_diff = {}
        for side in ("before", "after"):
            joined_diff[side] = {**role["diff"][side], "association": diff[side]}
        return role | {"changed": role["changed"] or association["changed"], "diff": joined_diff}

    def _role_request(self) -> RoleRequest:
        params = self.params
        eks_cluster = self._read_eks_cluster()
        return RoleRequest(
            account=self.account,
            eks_cluster=eks_cluster,
            trust=STATEMENT_BUILDERS[params["provider"]](eks_cluster, self.account),
            statements=fill_policy(params["statements"], eks_cluster),
            managed_policies=tuple(params["managed_policies"]),
            path=params["path"],
            permissions_boundary=params["permissions_boundary"],
            keep_trust=not params["purge_trust"],
            adopt=params["adopt"],
            collectors=tuple(params["collectors"]),
        )

    @CallErrors.common_error_handler("describe the cluster")
    def _read_eks_cluster(self) -> EksCluster:
        """Return the cluster. Raises Problem if it lacks what the provider of identities needs."""
        cluster = self.eks("describe_cluster", name=self.cluster_name)["cluster"]
        oidc = mapping_at(cluster, "identity", "oidc")
        issuer = str(oidc.get("issuer") or "")
        task = f"Give {self.account} a role"
        if self.params["provider"] == IRSA:
            if not issuer:
                fix = "Wait until it is ACTIVE; clusters that are only connected to EKS have none."
                raise Problem(f"the cluster {self.cluster_name} has no issuer", asked=task, fix=fix)
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
        addon: dict[str, Any] = self.eks("describe_addon", clusterName=self.cluster_name, addonName=AGENT_ADDON)[
            "addon"
        ]
        return addon

    def _read_settings(self) -> Role:
        role = self._read_role()
        if not role:
            return {}
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
        """Return what all pages of an operation of IAM have below a key."""
        entries: list[Any] = []
        marker: dict[str, str] = {}
        while True:
            page = self.iam(operation, RoleName=self.name, **marker)
            entries += page.get(key) or []
            if not page.get("IsTruncated"):
                return entries
            marker = {"Marker": page["Marker"]} if page.get("Marker") else {}

    def _ensure_present(self, request: RoleRequest, tries_left: int = COLLISIONS) -> dict[str, Any]:
        """Make the role the wanted one, and return the result; `tries_left` is how often a collision is tried again."""
        live_role = self._read_settings()
        if live_role:
            check_role_change(self.name, live_role, request)
        target = plan_role(live_role, request, self._merge_tags)
        if not self.arn:
            eks_cluster = request.eks_cluster
            self.arn = f"arn:{eks_cluster.partition}:iam::{eks_cluster.account}:role{target['path']}{self.name}"
        pending_steps = plan_steps(live_role, target) if live_role else []
        differs = bool(pending_steps) or not live_role
        if self.aws.check or not differs:
            return self._task_result(live_role, target, changed=differs)
        if not live_role:
            try:
                self._create_role(build_creation_request(target, self.account))
            except AnsibleCallError as error:
                if error.answer.code not in EXISTS_CODES or not tries_left:
                    raise
                # Another owner made it, or an earlier call whose answer was lost; reads of IAM lag behind.
                self.iam.sleep(COLLISION_PAUSE)
                return self._ensure_present(request, tries_left - 1)
            pending_steps = plan_steps(target | {"policies": {}, "managed_policies": []}, target)
        self._apply_steps(pending_steps)
        self._wait_until_shown(target)
        return self._task_result(live_role, target, changed=True)

    def _merge_tags(self, live_tags: dict[str, str]) -> dict[str, str]:
        tags = merge_task_tags(live_tags, self.params)
        return live_tags if tags is None else tags

    @CallErrors.common_error_handler("create the role")
    def _create_role(self, request: dict[str, Any]) -> None:
        self.arn = self.iam("create_role", RoleName=self.name, **request)["Role"]["Arn"]

    @CallErrors.common_error_handler("change the role")
    def _apply_steps(self, pending_steps: list[Step]) -> None:
        for step in pending_steps:
            self.iam(step.operation, RoleName=self.name, **step.parameters)

    def _wait_until_shown(self, target: Role) -> None:
        """Read until IAM shows what was written; its reads lag behind its writes by seconds."""
        deadline = self.iam.clock() + self.params["wait_seconds"]
        while True:
            live_role = self._read_settings()
            if live_role and not plan_steps(live_role, target):
                return
            if self.iam.clock() >= deadline:
                wrong = f"IAM does not show what was written after {self.params['wait_seconds']:.0f} s"
                fix = "Run the task again, and find what else changes the role."
                raise Problem(wrong, asked=f"Make the role {self.name}", where="wait_seconds", fix=fix)
            self.iam.sleep(SETTLE_PAUSE)

    def _ensure_absent(self, live_role: Role) -> dict[str, Any]:
        remaining_role = remaining_settings(live_role, self.params["managed_policies"])
        if not self.aws.check:
            self._remove_role(
                plan_removal(live_role) if remaining_role is None else plan_steps(live_role, remaining_role)
            )
        return self._task_result(live_role, remaining_role or {}, changed=True)

    def _remove_role(self, pending_steps: list[Step]) -> None:
        for step in pending_steps:
            self._apply_removal(step)

    @CallErrors.deletion_error_handler("remove the role")
    def _apply_removal(self, step: Step) -> None:
        self.iam(step.operation, RoleName=self.name, **step.parameters)

    def _task_result(self, earlier_role: Role, later_role: Role, *, changed: bool) -> dict[str, Any]:
        """Return the result of the task: the role, and the annotations of the account that carry it."""
        role = {"arn": self.arn, "name": self.name, **later_role} if later_role else {}
        annotations = {}
        if self.params["state"] == "present":
            annotations[str(self.account)] = {ANNOTATIONS[self.params["provider"]]: self.arn}
        identity = {"namespace": self.account.namespace, "service_account": self.account.name, "role_arn": self.arn}
        diff = {"before": earlier_role, "after": later_role}
        return {"changed": changed, "role": role, "annotations": annotations, "identity": identity, "diff": diff}


def run_role(module: AnsibleAWSModule) -> None:
    run(module, lambda aws: RoleTask(aws, module.params).run())
