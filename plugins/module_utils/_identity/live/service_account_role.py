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

from ..._kube.eks_token import EXISTS_CODES
from ..._otelcol.config.paths import items, section
from ..._otelcol.errors import Problem
from ..._otelcol.needs.aws_policy import IRSA, Account, EksCluster, eks_cluster_of, filled_policy
from ..identity import ANNOTATIONS
from ..role import (
    RoleRequest,
    check,
    cluster_arn,
    creation,
    goal,
    owned,
    remaining_settings,
    removal,
    settings,
    steps,
)
from ..role_names import role_name_in_region
from ..trust import STATEMENTS, Step
from .aws_api import AnsibleCallError, Aws, CallErrors, retagged, run
from .role_association import RoleAssociation

COLLISIONS, COLLISION_PAUSE, SETTLE_PAUSE = 5, 2.0, 1.0
AGENT = "eks-pod-identity-agent"
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
            live = self._read()
            ours = bool(live) and self._owned(live)
            freed = self.association.removed(self.arn if ours else "")
            return self._joined(self._absent(live) if ours else self._result(live, live, changed=False), freed)
        request = self._request()
        self.association.check()
        role = self._present(request)
        association = self.association.removed if self.params["provider"] == IRSA else self.association.made
        return self._joined(role, association(self.arn))

    def _owned(self, live: Role) -> bool:
        cluster = cluster_arn(self.arn, self.region, self.cluster_name)
        return owned(live, cluster, self.account, self.params["collectors"])

    @staticmethod
    def _joined(role: dict[str, Any], association: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a role with that of its association, if there is or was one."""
        diff = section(association, "diff")
        if not any(diff.values()):
            return role
        joined_diff = {}
        for when in ("before", "after"):
            joined_diff[when] = {**role["diff"][when], "association": diff[when]}
        return role | {"changed": role["changed"] or association["changed"], "diff": joined_diff}

    def _request(self) -> RoleRequest:
        asked = self.params
        eks_cluster = self._eks_cluster()
        return RoleRequest(
            account=self.account,
            eks_cluster=eks_cluster,
            trust=STATEMENTS[asked["provider"]](eks_cluster, self.account),
            statements=filled_policy(asked["statements"], eks_cluster),
            managed_policies=tuple(asked["managed_policies"]),
            path=asked["path"],
            permissions_boundary=asked["permissions_boundary"],
            keep_trust=not asked["purge_trust"],
            adopt=asked["adopt"],
            collectors=tuple(asked["collectors"]),
        )

    @CallErrors.common_error_handler("describe the cluster")
    def _eks_cluster(self) -> EksCluster:
        """Return the cluster. Raises Problem if it lacks what the provider of identities needs."""
        cluster = self.eks("describe_cluster", name=self.cluster_name)["cluster"]
        oidc = section(cluster, "identity", "oidc")
        issuer = str(oidc.get("issuer") or "")
        asked = f"Give {self.account} a role"
        if self.params["provider"] == IRSA:
            if not issuer:
                fix = "Wait until it is ACTIVE; clusters that are only connected to EKS have none."
                raise Problem(f"the cluster {self.cluster_name} has no issuer", asked=asked, fix=fix)
        elif self.params["agent"] == "required":
            has_auto_mode = section(cluster, "computeConfig").get("enabled")
            if not has_auto_mode:
                self._agent(asked)
        return eks_cluster_of(str(cluster["arn"]), issuer)

    def _agent(self, asked: str) -> None:
        """Raise Problem if the cluster does not have the add-on of the agent."""
        if not self._addon():
            fix = (
                f"Install it (eks_addon with name: {AGENT}), or set agent to ignored where it was installed otherwise."
            )
            wrong = f"the cluster {self.cluster_name} has neither the add-on {AGENT} nor Auto Mode"
            raise Problem(wrong, asked=f"{asked} by EKS Pod Identity", where="provider", fix=fix)

    @CallErrors.list_error_handler(f"describe the add-on {AGENT}", {})
    def _addon(self) -> dict[str, Any]:
        found: dict[str, Any] = self.eks("describe_addon", clusterName=self.cluster_name, addonName=AGENT)["addon"]
        return found

    def _read(self) -> Role:
        role = self._role()
        if not role:
            return {}
        self.arn = role["Arn"]
        policies = {name: self._policy(name) for name in self._all("list_role_policies", "PolicyNames")}
        attached = [item["PolicyArn"] for item in self._all("list_attached_role_policies", "AttachedPolicies")]
        return settings(role, policies, attached, boto3_tag_list_to_ansible_dict(items(role, "Tags")))

    @CallErrors.list_error_handler("read the role", {})
    def _role(self) -> dict[str, Any]:
        found: dict[str, Any] = self.iam("get_role", RoleName=self.name)["Role"]
        return found

    @CallErrors.list_error_handler("read a policy of the role", {})
    def _policy(self, name: str) -> Any:
        return self.iam("get_role_policy", RoleName=self.name, PolicyName=name)["PolicyDocument"]

    @CallErrors.list_error_handler("list the policies of the role", ())
    def _all(self, operation: str, key: str) -> list[Any]:
        """Return what all pages of an operation of IAM have below a key."""
        listed: list[Any] = []
        marker: dict[str, str] = {}
        while True:
            page = self.iam(operation, RoleName=self.name, **marker)
            listed += page.get(key) or []
            if not page.get("IsTruncated"):
                return listed
            marker = {"Marker": page["Marker"]} if page.get("Marker") else {}

    def _present(self, request: RoleRequest, tries: int = COLLISIONS) -> dict[str, Any]:
        """Make the role the wanted one, and return the result; `tries` is how often a collision is tried again."""
        live = self._read()
        if live:
            check(self.name, live, request)
        wanted = goal(live, request, self._retagged)
        if not self.arn:
            eks_cluster = request.eks_cluster
            self.arn = f"arn:{eks_cluster.partition}:iam::{eks_cluster.account}:role{wanted['path']}{self.name}"
        todo = steps(live, wanted) if live else []
        differs = bool(todo) or not live
        if self.aws.check or not differs:
            return self._result(live, wanted, changed=differs)
        if not live:
            try:
                self._create(creation(wanted, self.account))
            except AnsibleCallError as error:
                if error.answer.code not in EXISTS_CODES or not tries:
                    raise
                # Another owner made it, or an earlier call whose answer was lost; reads of IAM lag behind.
                self.iam.sleep(COLLISION_PAUSE)
                return self._present(request, tries - 1)
            todo = steps(wanted | {"policies": {}, "managed_policies": []}, wanted)
        self._do(todo)
        self._settle(wanted)
        return self._result(live, wanted, changed=True)

    def _retagged(self, live: dict[str, str]) -> dict[str, str]:
        tags = retagged(live, self.params)
        return live if tags is None else tags

    @CallErrors.common_error_handler("create the role")
    def _create(self, request: dict[str, Any]) -> None:
        self.arn = self.iam("create_role", RoleName=self.name, **request)["Role"]["Arn"]

    @CallErrors.common_error_handler("change the role")
    def _do(self, todo: list[Step]) -> None:
        for step in todo:
            self.iam(step.operation, RoleName=self.name, **step.parameters)

    def _settle(self, wanted: Role) -> None:
        """Read until IAM shows what was written; its reads lag behind its writes by seconds."""
        until = self.iam.clock() + self.params["wait_seconds"]
        while True:
            live = self._read()
            if live and not steps(live, wanted):
                return
            if self.iam.clock() >= until:
                wrong = f"IAM does not show what was written after {self.params['wait_seconds']:.0f} s"
                fix = "Run the task again, and find what else changes the role."
                raise Problem(wrong, asked=f"Make the role {self.name}", where="wait_seconds", fix=fix)
            self.iam.sleep(SETTLE_PAUSE)

    def _absent(self, live: Role) -> dict[str, Any]:
        left = remaining_settings(live, self.params["managed_policies"])
        if not self.aws.check:
            self._remove(removal(live) if left is None else steps(live, left))
        return self._result(live, left or {}, changed=True)

    def _remove(self, todo: list[Step]) -> None:
        for step in todo:
            self._gone(step)

    @CallErrors.deletion_error_handler("remove the role")
    def _gone(self, step: Step) -> None:
        self.iam(step.operation, RoleName=self.name, **step.parameters)

    def _result(self, before: Role, after: Role, *, changed: bool) -> dict[str, Any]:
        """Return the result of the task: the role, and the annotations of the account that carry it."""
        role = {"arn": self.arn, "name": self.name, **after} if after else {}
        annotations = {}
        if self.params["state"] == "present":
            annotations[str(self.account)] = {ANNOTATIONS[self.params["provider"]]: self.arn}
        identity = {"namespace": self.account.namespace, "service_account": self.account.name, "role_arn": self.arn}
        diff = {"before": before, "after": after}
        return {"changed": changed, "role": role, "annotations": annotations, "identity": identity, "diff": diff}


def run_role(module: AnsibleAWSModule) -> None:
    run(module, lambda aws: RoleTask(aws, module.params).run())
