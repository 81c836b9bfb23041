# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, change or delete the EKS Pod Identity association of a service account. Private.

An association says which IAM role the pods of a service account get. Settings have the names of the module
`eks_pod_identity_association`; `association_settings.py` translates them from and to the API of EKS. Only one owner may
have an association: those of EKS add-ons are refused.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.transformation import boto3_resource_to_ansible_dict

from ..._kube.eks_token import EXISTS_CODES
from ..._kube.live.libraries import lacking
from ..._otelcol.errors import Problem
from ..association_settings import API_FIELDS, association_request, association_settings, impossible_change
from .aws_api import AnsibleCallError, Aws, CallErrors, changes, retagged, run, tag

# How often a run starts anew when EKS says that an association exists which it did not list, and the pause before it.
COLLISIONS, COLLISION_PAUSE_SECONDS = 5, 2.0
# An association as DescribePodIdentityAssociation returns it.
Association = dict[str, Any]
# Settings of an association, by their names in the module.
Settings = dict[str, Any]


class AssociationTask:
    """The association of one service account: read, and made as the parameters of a task say.

    All methods that call AWS raise AnsibleCallError if a call fails for good.
    """

    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        """Take the parameters of the module `eks_pod_identity_association`."""
        self.aws, self.params, self.eks = aws, params, aws.calls("eks")
        self.cluster = {"clusterName": params["cluster_name"]}
        self.account = {"namespace": params["namespace"], "serviceAccount": params["service_account"]}

    def run(self) -> dict[str, Any]:
        """Make or delete the association, and return the result of the task. Raises Problem if it must stay."""
        if self.params["state"] == "absent":
            return self.delete(self.read())
        return self._present(COLLISIONS)

    def read(self) -> Association | None:
        """Return the association of the service account; None without one."""
        summaries = self._summaries()
        return self._described(summaries[0]["associationId"]) if summaries else None

    # A cluster that is gone has no associations; creating one then says that it is gone.
    @CallErrors.list_error_handler("list the pod identity associations", ())
    def _summaries(self) -> list[Association]:
        """Return the association of the account as a list has it: without its role and policy."""
        return self.eks.pages("list_pod_identity_associations", "associations", **self.cluster, **self.account)

    @CallErrors.list_error_handler("describe the pod identity association")
    def _described(self, association_id: str) -> Association | None:
        """Return an association with all its fields; None if it was deleted meanwhile."""
        answer = self.eks("describe_pod_identity_association", **self.cluster, associationId=association_id)
        association: Association = answer["association"]
        return association

    def _present(self, tries_left: int) -> dict[str, Any]:
        """Give the association the settings of the task; `tries_left` counts the new starts after collisions."""
        association = self.read()
        live = association_settings(association)
        target = self._target(live)
        differing = changes(live, target) if association else list(target)
        if not differing:
            return self._result(association, live, live | target, changed=False)
        problem = impossible_change(association, target)
        if problem:
            raise problem
        if not self.aws.check:
            try:
                association = self._written(association, live, target, differing)
            except AnsibleCallError as error:
                is_collision = not live and error.answer.code in EXISTS_CODES
                if not is_collision or not tries_left:
                    raise
                # Another owner made it, or an earlier call whose answer was lost.
                self.eks.sleep(COLLISION_PAUSE_SECONDS)
                return self._present(tries_left - 1)
        return self._result(association, live, live | target, changed=True)

    def _target(self, live: Settings) -> Settings:
        """Return the settings that the task gives, and the tags as they are after it."""
        target = {name: self.params[name] for name in API_FIELDS if self.params[name] is not None}
        tags = retagged(live.get("tags") or {}, self.params)
        if tags is not None:
            target["tags"] = tags
        return target

    def _written(
        self, association: Association | None, live: Settings, target: Settings, differing: list[str]
    ) -> Association:
        """Update an association, or create one if there is none, and return it."""
        if not association:
            created: Association = self._created(target)
            return created
        updated: Association = self._updated(association, live, target, differing)
        return updated

    @CallErrors.common_error_handler("create the pod identity association")
    def _created(self, target: Settings) -> Association:
        """Create the association. Raises Problem if botocore is too old for a setting."""
        fields = association_request(target, list(target))
        body = {name: value for name, value in fields.items() if value or value is False}
        self._refuse_unknown("CreatePodIdentityAssociation", body)
        if target.get("tags"):
            body["tags"] = target["tags"]
        token = {"clientRequestToken": str(uuid.uuid4())}
        answer = self.eks("create_pod_identity_association", **self.cluster, **self.account, **body, **token)
        association: Association = answer["association"]
        return association

    @CallErrors.common_error_handler("update the pod identity association")
    def _updated(self, association: Association, live: Settings, target: Settings, differing: list[str]) -> Association:
        """Update what differs: fields by one call, tags by others. Raises Problem if botocore is too old."""
        after = association
        body = association_request(target, differing)
        if body:
            self._refuse_unknown("UpdatePodIdentityAssociation", body)
            token = {"clientRequestToken": str(uuid.uuid4())}
            place = {**self.cluster, "associationId": association["associationId"]}
            after = self.eks("update_pod_identity_association", **place, **token, **body)["association"]
        if "tags" in differing:
            tag(self.eks, after["associationArn"], live["tags"], target["tags"])
        if "tags" in target:
            return {**after, "tags": target["tags"]}
        return after

    def _refuse_unknown(self, operation: str, body: Mapping[str, Any]) -> None:
        """Raise Problem if this botocore is too old for a field of the request."""
        for field in body:
            if not self.eks.takes(operation, field):
                raise lacking("boto3", field, "Associate a role")

    def delete(self, association: Association | None) -> dict[str, Any]:
        """Delete an association as it was read, by its ID: another one in its place stays. Return the task's result.

        Raises Problem if an add-on owns it, or if it has another role than the parameters name.
        """
        problem = impossible_change(association, {}) or self._other_role(association)
        if problem:
            raise problem
        if association and not self.aws.check:
            self._deleted(association["associationId"])
        return self._result(None, association_settings(association), {}, changed=bool(association))

    def _other_role(self, association: Association | None) -> Problem | None:
        """Return why an association stays: it has another role than the one to remove."""
        role_to_remove, role = self.params["role_arn"], association_settings(association).get("role_arn", "")
        if not association or not role_to_remove or role_to_remove == role:
            return None
        asked = "Delete the pod identity association of {namespace}/{serviceAccount}".format(**self.account)
        fix = "Leave role_arn out if you want to delete the association of any role."
        return Problem(f"it has the role {role}, not {role_to_remove}", asked=asked, where="role_arn", fix=fix)

    @CallErrors.deletion_error_handler("delete the pod identity association")
    def _deleted(self, association_id: str) -> None:
        """Delete an association; one that is gone already is no error."""
        self.eks("delete_pod_identity_association", **self.cluster, associationId=association_id)

    @staticmethod
    def _result(association: Association | None, before: Settings, after: Settings, *, changed: bool) -> dict[str, Any]:
        """Return the result of the task: the association with the names of Ansible, and the difference."""
        shown = boto3_resource_to_ansible_dict(
            association, transform_tags=False, force_tags=False, ignore_list=["tags"]
        )
        return {"changed": changed, "association": shown or {}, "diff": {"before": before, "after": after}}


def run_association(module: AnsibleAWSModule) -> None:
    """Run the module `eks_pod_identity_association`, and exit with its result or failure."""
    run(module, lambda aws: AssociationTask(aws, module.params).run())
