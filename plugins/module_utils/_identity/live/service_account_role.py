# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module iam_service_account_role: make the IAM role of a service account, and its Pod Identity association. Private.

The role is read once, changed as the task says, and read again until IAM shows the change. `role_owner.py` says whether
the task may change it, `role_plan.py` what it shall be, and `role_calls.py` which calls make it so. For example, a role
that lacks one policy gets it by one call of `put_role_policy`. `role_removal.py` has the state `absent`.

The modules of amazon.aws do not fit: `iam_role` shows no difference, ends check mode before the role exists, creates
instance profiles, and removes policies before it adds others; `iam_policy` fails if the role does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..._otelcol.errors import Problem
from ..iam_calls import IamCall
from ..iam_policy import IRSA, POD_IDENTITY, EksCluster, fill_policy
from ..role import RoleRequest, RoleSettings
from ..role_calls import build_creation_request, plan_role_calls
from ..role_owner import check_role_change
from ..role_plan import plan_role
from ..trust import STATEMENT_BUILDERS
from .aws_changes import begin_anew_on_collision, merge_task_tags
from .aws_task import Aws, run
from .call_errors import CallErrors
from .identity_cluster import IdentityNeed, read_identity_cluster
from .role_reader import LiveRole
from .role_removal import RoleRemoval
from .role_task import RoleTask, merge_results

# The seconds between two reads of a role that does not show a change yet.
_READ_PAUSE_SECONDS = 1.0


def run_role(module: AnsibleAWSModule) -> None:
    """Run the module iam_service_account_role, and exit with its result or failure."""
    run(module, lambda aws: _make_or_remove_role(aws, module.params))


def _make_or_remove_role(aws: Aws, params: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the state asks for, and return the result of the task."""
    if params["state"] == "absent":
        return RoleRemoval(aws, params).remove()
    return RoleCreation(aws, params).make()


class RoleCreation(RoleTask):
    """A run of the module with state `present`: it creates the role, or changes one that is there.

    `RoleTask` has what both states use: `aws`, `iam` and `eks` for calls, the `name` of the role, its `reader`, its
    `association`, the `service_account` of Kubernetes, and `build_role_result`.
    """

    def make(self) -> dict[str, Any]:
        """Make the role, and after that its association, so that pods never get a role that lacks its rights.

        With provider IRSA an association is removed, and the annotation of the service account names the role. EKS
        gives a pod with both the role of the association (aws/amazon-eks-pod-identity-webhook reads
        ContainerCredentialsConfig first), so it is removed before pods are replaced. Running pods keep their
        credentials for hours.
        """
        request = self._build_request()
        self.association.refuse_other_role()
        role_result = begin_anew_on_collision(self.iam, lambda: self._make_role(request))
        role_arn = role_result["identity"]["role_arn"]
        if self.params["provider"] == IRSA:
            association_result = self.association.remove_association(role_arn)
        else:
            association_result = self.association.associate_role(role_arn)
        return merge_results(role_result, association_result)

    def _build_request(self) -> RoleRequest:
        """Return the role that the task wants. Raises Problem if the cluster cannot give pods roles."""
        params = self.params
        requires_agent = params["agent"] == "required"
        provider = params["provider"]
        need = IdentityNeed(params["cluster_name"], self.service_account, provider, requires_agent)
        eks_cluster = read_identity_cluster(self.eks, need)
        is_associated = provider == POD_IDENTITY
        return RoleRequest(
            service_account=self.service_account,
            eks_cluster=eks_cluster,
            trust=STATEMENT_BUILDERS[provider](eks_cluster, self.service_account),
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

    def _make_role(self, request: RoleRequest) -> dict[str, Any]:
        """Create the role or change it, wait until IAM shows the change, and return the result about the role."""
        live_role = self.reader.read()
        if live_role:
            return self._change_role(live_role, request)
        return self._create_role(request)

    def _change_role(self, live_role: LiveRole, request: RoleRequest) -> dict[str, Any]:
        """Change a role as requested, and return the result about it. Raises Problem for a role of another owner."""
        check_role_change(self.name, live_role.settings, request)
        target = plan_role(live_role.settings, request, self._merge_tags)
        calls = plan_role_calls(live_role.settings, target)
        if calls and not self.aws.check:
            self._make_calls(calls)
            self._wait_until_shown(target)
        return self.build_role_result(live_role.arn, live_role.settings, target, changed=bool(calls))

    def _create_role(self, request: RoleRequest) -> dict[str, Any]:
        """Create a role, and give it its policies. Return the result about the role."""
        target = plan_role(None, request, self._merge_tags)
        role_arn = self._predict_arn(target, request.eks_cluster)
        if not self.aws.check:
            role_arn = self._create_bare_role(build_creation_request(target, self.service_account))
            # The new role has everything but its policies, so what it lacks of the target are the calls that add them.
            bare_role: RoleSettings = {**target, "policies": {}, "managed_policies": []}
            self._make_calls(plan_role_calls(bare_role, target))
            self._wait_until_shown(target)
        return self.build_role_result(role_arn, None, target, changed=True)

    def _predict_arn(self, target: RoleSettings, eks_cluster: EksCluster) -> str:
        """Return the ARN that the role gets, for check mode."""
        return f"arn:{eks_cluster.partition}:iam::{eks_cluster.account}:role{target['path']}{self.name}"

    def _merge_tags(self, live_tags: dict[str, str]) -> dict[str, str]:
        """Return the tags with those of the task."""
        tags = merge_task_tags(live_tags, self.params)
        return live_tags if tags is None else tags

    @CallErrors.common_error_handler("create the role")
    def _create_bare_role(self, request: dict[str, Any]) -> str:
        """Create the role without its policies, which IAM takes by other calls only. Return its ARN."""
        role_arn: str = self.iam("create_role", RoleName=self.name, **request)["Role"]["Arn"]
        return role_arn

    @CallErrors.common_error_handler("change the role")
    def _make_calls(self, calls: Iterable[IamCall]) -> None:
        """Make calls that change the role."""
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
            self.iam.sleep(_READ_PAUSE_SECONDS)
