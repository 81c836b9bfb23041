# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pod identity association that goes with the role of a service account. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._core.aws.association import settings
from ..._core.errors import Problem
from .association import AssociationTask
from .calls import AnsibleCallError
from .doors import Aws

# What EKS says of a role that IAM has not shown to it yet.
UNKNOWN, PAUSE = "InvalidParameterException", 2.0
NOTHING = {"target_role_arn": None, "disable_session_tags": None, "policy": None}


class RoleAssociation:
    """The association of a service account with its role, and with no other."""

    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        self.aws, self.params = aws, params

    def check(self) -> None:
        """Raise Problem where somebody has given the account another role."""
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
        task = self._task("absent", arn)
        found = settings(task.read())
        adopted = self.params["adopt"] and self.params["state"] == "present"
        if not (adopted and found) and (not arn or found.get("role_arn") != arn):
            return {"changed": False, "diff": {"before": found, "after": found}}
        return task.run()

    def _task(self, state: str, arn: str) -> AssociationTask:
        names = ("cluster_name", "namespace", "service_account", "tags", "purge_tags")
        given = {name: self.params[name] for name in names}
        return AssociationTask(self.aws, {**given, **NOTHING, "state": state, "role_arn": arn})
