# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pod identity association of a service account, by itself and with the role of the account. Private."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.transformation import boto3_resource_to_ansible_dict

from ..._kube.eks_token import EXISTS_CODES
from ..._kube.live.libraries import lacking
from ..._otelcol.errors import Problem
from ..assignment import FIELDS, impossible, request, settings
from .aws_api import AnsibleCallError, Aws, CallErrors, changes, retagged, run, tag

COLLISIONS, COLLISION_PAUSE = 5, 2.0
Association = dict[str, Any]


class AssociationTask:
    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        self.aws, self.params, self.eks = aws, params, aws.calls("eks")
        self.cluster = {"clusterName": params["cluster_name"]}
        self.account = {"namespace": params["namespace"], "serviceAccount": params["service_account"]}

    def run(self) -> dict[str, Any]:
        """Make or delete the association, and return the result of the task."""
        if self.params["state"] == "absent":
            return self._absent()
        return self._present()

    def read(self) -> Association | None:
        """Return the association of the service account; None without one."""
        listed = self._listed()
        return self._described(listed[0]["associationId"]) if listed else None

    # A cluster that is gone has no associations; creating one then says that it is gone.
    @CallErrors.list_error_handler("list the pod identity associations", ())
    def _listed(self) -> list[Association]:
        return self.eks.pages("list_pod_identity_associations", "associations", **self.cluster, **self.account)

    @CallErrors.list_error_handler("describe the pod identity association")
    def _described(self, association_id: str) -> Association | None:
        query = {**self.cluster, "associationId": association_id}
        found: Association = self.eks("describe_pod_identity_association", **query)["association"]
        return found

    def _present(self, tries: int = COLLISIONS) -> dict[str, Any]:
        """Make the association the wanted one; `tries` is how often a collision is tried again."""
        association = self.read()
        live = settings(association)
        wanted = self._wanted(live)
        differing = changes(live, wanted) if association else list(wanted)
        if not differing:
            return self._result(association, live, live | wanted, changed=False)
        problem = impossible(association, wanted)
        if problem:
            raise problem
        if not self.aws.check:
            try:
                if association:
                    association = self._update(association, live, wanted, differing)
                else:
                    association = self._create(wanted)
            except AnsibleCallError as error:
                if live or error.answer.code not in EXISTS_CODES or not tries:
                    raise
                # Another owner made it, or an earlier call whose answer was lost.
                self.eks.sleep(COLLISION_PAUSE)
                return self._present(tries - 1)
        return self._result(association, live, live | wanted, changed=True)

    def _wanted(self, live: dict[str, Any]) -> dict[str, Any]:
        """Return the settings that the task gives, with the tags as they are to be."""
        wanted = {name: self.params[name] for name in FIELDS if self.params[name] is not None}
        tags = retagged(live.get("tags") or {}, self.params)
        if tags is not None:
            wanted["tags"] = tags
        return wanted

    @CallErrors.common_error_handler("create the pod identity association")
    def _create(self, wanted: dict[str, Any]) -> Association:
        fields = request(wanted, list(wanted))
        body = {name: value for name, value in fields.items() if value or value is False}
        self._known("CreatePodIdentityAssociation", body)
        tags = {"tags": wanted["tags"]} if wanted.get("tags") else {}
        token = {"clientRequestToken": str(uuid.uuid4())}
        made = self.eks("create_pod_identity_association", **self.cluster, **self.account, **body, **tags, **token)
        association: Association = made["association"]
        return association

    @CallErrors.common_error_handler("update the pod identity association")
    def _update(
        self, found: Association, live: dict[str, Any], wanted: dict[str, Any], differing: list[str]
    ) -> Association:
        body = request(wanted, differing)
        if body:
            self._known("UpdatePodIdentityAssociation", body)
            where = {**self.cluster, "associationId": found["associationId"], "clientRequestToken": str(uuid.uuid4())}
            found = self.eks("update_pod_identity_association", **where, **body)["association"]
        if "tags" in differing:
            tag(self.eks, found["associationArn"], live["tags"], wanted["tags"])
        return found | ({"tags": wanted["tags"]} if "tags" in wanted else {})

    def _known(self, operation: str, body: Mapping[str, Any]) -> None:
        """Raise Problem where this botocore is too old for a setting."""
        for field in body:
            if not self.eks.takes(operation, field):
                raise lacking("boto3", field, "Associate a role")

    def _absent(self) -> dict[str, Any]:
        return self.without(self.read())

    def without(self, found: Association | None) -> dict[str, Any]:
        """Delete an association as it was read: another one in its place has another id."""
        problem = impossible(found, {}) or self._foreign(found)
        if problem:
            raise problem
        if found and not self.aws.check:
            self._delete(found["associationId"])
        return self._result(None, settings(found), {}, changed=bool(found))

    def _foreign(self, found: Association | None) -> Problem | None:
        """Return why an association stays: it has another role than the one to remove."""
        wanted, role = self.params["role_arn"], settings(found).get("role_arn", "")
        if not found or not wanted or wanted == role:
            return None
        asked = "Delete the pod identity association of {namespace}/{serviceAccount}".format(**self.account)
        fix = "Leave role_arn out if you want to delete the association of any role."
        return Problem(f"it has the role {role}, not {wanted}", asked=asked, where="role_arn", fix=fix)

    @CallErrors.deletion_error_handler("delete the pod identity association")
    def _delete(self, association_id: str) -> None:
        self.eks("delete_pod_identity_association", **self.cluster, associationId=association_id)

    def _result(
        self, found: Association | None, before: dict[str, Any], after: dict[str, Any], *, changed: bool
    ) -> dict[str, Any]:
        shown = boto3_resource_to_ansible_dict(found, transform_tags=False, force_tags=False, ignore_list=["tags"])
        return {"changed": changed, "association": shown or {}, "diff": {"before": before, "after": after}}


def run_association(module: AnsibleAWSModule) -> None:
    run(module, lambda aws: AssociationTask(aws, module.params).run())


# What EKS says of a role that IAM has not shown to it yet.
UNKNOWN, PAUSE = "InvalidParameterException", 2.0
NOTHING = {"target_role_arn": None, "disable_session_tags": None, "policy": None}


class RoleAssociation:
    """The association of a service account with its role, and with no other."""

    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        self.aws, self.params = aws, params

    def check(self) -> None:
        """Raise Problem if the account has another role."""
        other = settings(self._task("present", "").read()).get("role_arn", "")
        if other and other.rpartition("/")[2] != self.params["name"] and not self.params["adopt"]:
            asked = f"Associate {self.params['namespace']}/{self.params['service_account']} with {self.params['name']}"
            fix = "Remove that association, or set adopt."
            raise Problem(f"it is associated with {other} already", asked=asked, where="service_account", fix=fix)

    def made(self, arn: str) -> dict[str, Any]:
        """Associate the account with the role, which EKS may not see yet."""
        task = self._task("present", arn)
        until = self.aws.clock() + self.params["wait_seconds"]
        while True:
            try:
                return task.run()
            except AnsibleCallError as error:
                if error.answer.code != UNKNOWN or self.aws.clock() >= until:
                    raise
            self.aws.sleep(PAUSE)

    def removed(self, arn: str) -> dict[str, Any]:
        """Take the association away if it is with this role, or an adopted one."""
        task = self._task("absent", "")
        association = task.read()
        live = settings(association)
        is_adopted = bool(live) and self.params["adopt"] and self.params["state"] == "present"
        is_of_role = bool(arn) and live.get("role_arn") == arn
        if is_adopted or is_of_role:
            return task.without(association)
        return {"changed": False, "diff": {"before": live, "after": live}}

    def _task(self, state: str, arn: str) -> AssociationTask:
        names = ("cluster_name", "namespace", "service_account", "tags", "purge_tags")
        given = {name: self.params[name] for name in names}
        return AssociationTask(self.aws, {**given, **NOTHING, "state": state, "role_arn": arn})
