# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each run of module iam_service_account_role has, whether it makes a role or removes one. Private.

`service_account_role.py` makes roles, and `role_removal.py` removes them. The result names the role for the annotation
of the service account:

    {annotations: {obs/gateway: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/production-obs-gateway"}}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.paths import mapping_at
from ..iam_policy import ServiceAccount
from ..identity import ANNOTATIONS
from ..role import RoleSettings
from ..role_names import role_name_in_region
from .aws_task import Aws
from .role_association import RoleAssociation
from .role_reader import RoleReader


class RoleTask:
    """One run of the module. In check mode it only reads."""

    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        """Take the parameters of the module."""
        self.aws = aws
        # The calls of the two services, such as `self.iam("create_role", RoleName=…)`.
        self.iam, self.eks = aws.calls("iam"), aws.calls("eks")
        self.region = str(self.eks.client.meta.region_name)
        # The name of the role in this region.
        self.name = role_name_in_region(params["name"], self.region)
        self.params = {**params, "name": self.name}
        # That of Kubernetes. The account of AWS is part of the cluster's ARN (`EksCluster`).
        self.service_account = ServiceAccount(params["namespace"], params["service_account"])
        self.reader = RoleReader(self.iam, self.name)
        self.association = RoleAssociation(aws, self.params)

    def build_role_result(
        self, role_arn: str, earlier_role: RoleSettings | None, later_role: RoleSettings | None, *, changed: bool
    ) -> dict[str, Any]:
        """Return the result about the role: its settings, and the annotation of the service account that names it."""
        role = {"arn": role_arn, "name": self.name, **later_role} if later_role else {}
        annotations = {}
        if self.params["state"] == "present":
            annotations[str(self.service_account)] = {ANNOTATIONS[self.params["provider"]]: role_arn}
        identity = {
            "namespace": self.service_account.namespace,
            "service_account": self.service_account.name,
            "role_arn": role_arn,
        }
        diff: dict[str, Any] = {"before": earlier_role or {}, "after": later_role or {}}
        return {"changed": changed, "role": role, "annotations": annotations, "identity": identity, "diff": diff}


def merge_results(role_result: dict[str, Any], association_result: dict[str, Any]) -> dict[str, Any]:
    """Return the result about the role with that about its association, if there is or was an association."""
    association_diff = mapping_at(association_result, "diff")
    if not any(association_diff.values()):
        return role_result
    joined_diff = {}
    for side in ("before", "after"):
        joined_diff[side] = {**role_result["diff"][side], "association": association_diff[side]}
    is_changed = role_result["changed"] or association_result["changed"]
    return {**role_result, "changed": is_changed, "diff": joined_diff}
