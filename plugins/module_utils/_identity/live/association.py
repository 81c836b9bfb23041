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

from ..._kube.live.libraries import missing_part_problem
from ..._otelcol.errors import Problem
from ..association_settings import API_FIELDS, association_settings, build_association_request, find_impossible_change
from .aws_changes import begin_anew_on_collision, list_changed_settings, merge_task_tags, update_tags
from .aws_task import Aws, run
from .call_errors import CallErrors

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
            return self.remove_association(self.read())
        return begin_anew_on_collision(self.eks, self._ensure_present)

    def read(self) -> Association | None:
        """Return the association of the service account; None without one."""
        summaries = self._list_summaries()
        return self._describe_association(summaries[0]["associationId"]) if summaries else None

    # A cluster that is gone has no associations; creating one then says that it is gone.
    @CallErrors.list_error_handler("list the pod identity associations", ())
    def _list_summaries(self) -> list[Association]:
        """Return the association of the account as a list has it: without its role and policy."""
        return self.eks.read_pages("list_pod_identity_associations", "associations", **self.cluster, **self.account)

    @CallErrors.list_error_handler("describe the pod identity association")
    def _describe_association(self, association_id: str) -> Association | None:
        """Return an association with all its fields; None if it was deleted meanwhile."""
        answer = self.eks("describe_pod_identity_association", **self.cluster, associationId=association_id)
        association: Association = answer["association"]
        return association

    def _ensure_present(self) -> dict[str, Any]:
        """Give the association the settings of the task, and return the result of the task."""
        association = self.read()
        live_settings = association_settings(association)
        target_settings = self._target_settings(live_settings)
        differing_names = (
            list_changed_settings(live_settings, target_settings) if association else list(target_settings)
        )
        if not differing_names:
            return self._task_result(association, live_settings, live_settings | target_settings, changed=False)
        problem = find_impossible_change(association, target_settings)
        if problem:
            raise problem
        if not self.aws.check:
            association = self._write_association(association, live_settings, target_settings, differing_names)
        return self._task_result(association, live_settings, live_settings | target_settings, changed=True)

    def _target_settings(self, live_settings: Settings) -> Settings:
        """Return the settings that the task gives, with the tags as they are after it. A missing one stays as it is."""
        target = {name: self.params[name] for name in API_FIELDS if self.params[name] is not None}
        tags = merge_task_tags(live_settings.get("tags") or {}, self.params)
        if tags is not None:
            target["tags"] = tags
        return target

    def _write_association(
        self,
        association: Association | None,
        live_settings: Settings,
        target_settings: Settings,
        differing_names: list[str],
    ) -> Association:
        """Update an association, or create one if there is none, and return it."""
        if not association:
            created: Association = self._create_association(target_settings)
            return created
        updated: Association = self._update_association(association, live_settings, target_settings, differing_names)
        return updated

    @CallErrors.common_error_handler("create the pod identity association")
    def _create_association(self, target_settings: Settings) -> Association:
        """Create the association. Raises Problem if botocore is too old for a setting."""
        fields = build_association_request(target_settings, list(target_settings))
        body = {name: value for name, value in fields.items() if value or value is False}
        self._refuse_unknown_fields("CreatePodIdentityAssociation", body)
        if target_settings.get("tags"):
            body["tags"] = target_settings["tags"]
        token = {"clientRequestToken": str(uuid.uuid4())}
        answer = self.eks("create_pod_identity_association", **self.cluster, **self.account, **body, **token)
        association: Association = answer["association"]
        return association

    @CallErrors.common_error_handler("update the pod identity association")
    def _update_association(
        self, association: Association, live_settings: Settings, target_settings: Settings, differing_names: list[str]
    ) -> Association:
        """Update what differs: fields by one call, tags by others. Raises Problem if botocore is too old."""
        updated = association
        body = build_association_request(target_settings, differing_names)
        if body:
            self._refuse_unknown_fields("UpdatePodIdentityAssociation", body)
            token = {"clientRequestToken": str(uuid.uuid4())}
            identifiers = {**self.cluster, "associationId": association["associationId"]}
            updated = self.eks("update_pod_identity_association", **identifiers, **token, **body)["association"]
        if "tags" in differing_names:
            update_tags(self.eks, updated["associationArn"], live_settings["tags"], target_settings["tags"])
        if "tags" in target_settings:
            return {**updated, "tags": target_settings["tags"]}
        return updated

    def _refuse_unknown_fields(self, operation: str, body: Mapping[str, Any]) -> None:
        """Raise Problem if this botocore is too old for a field of the request."""
        for field in body:
            if not self.eks.knows_parameter(operation, field):
                raise missing_part_problem("boto3", field, "Associate a role")

    def remove_association(self, association: Association | None) -> dict[str, Any]:
        """Delete an association as it was read, by its ID: another one in its place stays. Return the task's result.

        Raises Problem if an add-on owns it, or if it has another role than the parameters name.
        """
        problem = find_impossible_change(association, {}) or self._find_other_role(association)
        if problem:
            raise problem
        if association and not self.aws.check:
            self._delete_association(association["associationId"])
        return self._task_result(None, association_settings(association), {}, changed=bool(association))

    def _find_other_role(self, association: Association | None) -> Problem | None:
        """Return why an association stays: it has another role than the one to remove."""
        role_to_remove, role = self.params["role_arn"], association_settings(association).get("role_arn", "")
        if not association or not role_to_remove or role_to_remove == role:
            return None
        task = "Delete the pod identity association of {namespace}/{serviceAccount}".format(**self.account)
        fix = "Leave role_arn out if you want to delete the association of any role."
        return Problem(f"it has the role {role}, not {role_to_remove}", asked=task, where="role_arn", fix=fix)

    @CallErrors.deletion_error_handler("delete the pod identity association")
    def _delete_association(self, association_id: str) -> None:
        """Delete an association; one that is gone already is no error."""
        self.eks("delete_pod_identity_association", **self.cluster, associationId=association_id)

    @staticmethod
    def _task_result(
        association: Association | None, earlier_settings: Settings, later_settings: Settings, *, changed: bool
    ) -> dict[str, Any]:
        """Return the result of the task: the association with the names of Ansible, and the difference."""
        description = boto3_resource_to_ansible_dict(
            association, transform_tags=False, force_tags=False, ignore_list=["tags"]
        )
        return {
            "changed": changed,
            "association": description or {},
            "diff": {"before": earlier_settings, "after": later_settings},
        }


def run_association(module: AnsibleAWSModule) -> None:
    """Run the module `eks_pod_identity_association`, and exit with its result or failure."""
    run(module, lambda aws: AssociationTask(aws, module.params).run())
