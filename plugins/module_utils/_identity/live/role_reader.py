# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an IAM role with its policies and tags. Private.

The reads fail by the exceptions of amazon.aws, see call_errors.py. For example, the role of the service account
`obs/gateway` is read as

    LiveRole("arn:aws:iam::123456789012:role/o11y/production-obs-gateway",
             {"path": "/o11y/", "trust": {…}, "policies": {"o11y-opentelemetry": {…}}, "managed_policies": [], …})
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from ..._otelcol.config.paths import list_at
from ..role import PolicyDocument, RoleSettings, role_settings
from .call_errors import CallErrors
from .service_calls import ServiceCalls


class LiveRole(NamedTuple):
    """A role as it is in IAM."""

    arn: str
    settings: RoleSettings


class RoleReader:
    """Reads one role."""

    def __init__(self, iam: ServiceCalls, name: str) -> None:
        """Take the calls to IAM, and the name of the role."""
        self.iam, self.name = iam, name

    def read(self) -> LiveRole | None:
        """Return the role as it is; None if it does not exist."""
        role = self._read_role()
        if not role:
            return None
        policies = {name: self._read_policy(name) for name in self._list_all("list_role_policies", "PolicyNames")}
        attached_arns = [
            policy["PolicyArn"] for policy in self._list_all("list_attached_role_policies", "AttachedPolicies")
        ]
        tags = boto3_tag_list_to_ansible_dict(list_at(role, "Tags"))
        return LiveRole(role["Arn"], role_settings(role, policies, attached_arns, tags))

    @CallErrors.list_error_handler("read the role", {})
    def _read_role(self) -> dict[str, Any]:
        role: dict[str, Any] = self.iam("get_role", RoleName=self.name)["Role"]
        return role

    @CallErrors.list_error_handler("list the policies of the role", ())
    def _list_all(self, operation: str, key: str) -> list[Any]:
        """Return what an operation lists of the role. `key` names the list on each page."""
        return self.iam.read_iam_pages(operation, key, RoleName=self.name)

    @CallErrors.list_error_handler("read a policy of the role", {})
    def _read_policy(self, name: str) -> PolicyDocument:
        document: PolicyDocument = self.iam("get_role_policy", RoleName=self.name, PolicyName=name)["PolicyDocument"]
        return document
