# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The EKS Pod Identity association that belongs to a role of module `iam_service_account_role`. Private.

A service account has at most one association, which says which role its pods get. The module makes that of its own
role, and removes it when the role goes or when its provider is IRSA. An association with another role is refused:

    Associate obs/gateway with production-obs-gateway: it is associated with arn:aws:iam::…:role/other already.

With option `adopt` the task takes such an association over: it is changed, or with IRSA removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ..._otelcol.errors import Problem
from ..association_settings import association_settings
from .association import AssociationTask
from .aws_task import Aws
from .call_errors import AnsibleCallError

# What EKS answers about a role that IAM does not show to it yet.
UNKNOWN_ROLE_CODE = "InvalidParameterException"
# The pause before EKS is asked again.
PAUSE_SECONDS = 2.0
# The parameters of `eks_pod_identity_association` that this module does not have.
_UNSET_PARAMETERS = {"target_role_arn": None, "disable_session_tags": None, "policy": None}
_SHARED_PARAMETERS = ("cluster_name", "namespace", "service_account", "tags", "purge_tags")


class RoleAssociation:
    """The association of a service account with its role, and with no other."""

    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        """Take the parameters of the module `iam_service_account_role`."""
        self.aws, self.params = aws, params

    def refuse_other_role(self) -> None:
        """Raise Problem if the account is associated with another role, unless the task may take that over."""
        role_arn = self._earlier_role_arn
        if not role_arn or self._names_role(role_arn) or self.params["adopt"]:
            return
        task_text = f"Associate {self.params['namespace']}/{self.params['service_account']} with {self.params['name']}"
        fix = "Remove that association, or set adopt."
        raise Problem(f"it is associated with {role_arn} already", asked=task_text, where="service_account", fix=fix)

    def has_role(self) -> bool:
        """Return whether the account is associated with a role that has the name of the task's role."""
        return self._names_role(self._earlier_role_arn)

    def find_orphaned_role(self) -> str:
        """Return the ARN of the role that the account is associated with, if it has the name of the task's role.

        Ask only if there is no such role: then the association is a remainder. Empty without one.
        """
        role_arn = self._earlier_role_arn
        return role_arn if self._names_role(role_arn) else ""

    @cached_property
    def _earlier_role_arn(self) -> str:
        """The ARN of the role that the account was associated with before this task; empty without an association."""
        settings = association_settings(self._association_task("present", "").read())
        return str(settings.get("role_arn", ""))

    def _names_role(self, role_arn: str) -> bool:
        """Return whether an ARN has the name of the task's role. The path, before the name, may be any."""
        return bool(role_arn.rpartition("/")[2] == self.params["name"])

    def associate_role(self, role_arn: str) -> dict[str, Any]:
        """Associate the account with the role, and return the result of a task.

        EKS may not see a new role yet, so it is asked again for `wait_seconds`. Raises AnsibleCallError after them, and
        at once for any other error.
        """
        task = self._association_task("present", role_arn)
        deadline = self.aws.clock() + self.params["wait_seconds"]
        while True:
            try:
                return task.run()
            except AnsibleCallError as error:
                if error.answer.code != UNKNOWN_ROLE_CODE or self.aws.clock() >= deadline:
                    raise
            self.aws.sleep(PAUSE_SECONDS)

    def remove_association(self, role_arn: str) -> dict[str, Any]:
        """Delete the association if it is with this role, or if the task takes it over. Return the result of a task.

        An empty `role_arn` stands for no role, so that only an association that is taken over is deleted.
        """
        task = self._association_task("absent", "")
        association = task.read()
        live_settings = association_settings(association)
        is_taken_over = bool(live_settings) and self.params["adopt"] and self.params["state"] == "present"
        is_with_role = bool(role_arn) and live_settings.get("role_arn") == role_arn
        if is_taken_over or is_with_role:
            return task.remove_association(association)
        return {"changed": False, "diff": {"before": live_settings, "after": live_settings}}

    def _association_task(self, state: str, role_arn: str) -> AssociationTask:
        """Return the task of module `eks_pod_identity_association` for the account."""
        shared = {name: self.params[name] for name in _SHARED_PARAMETERS}
        return AssociationTask(self.aws, {**shared, **_UNSET_PARAMETERS, "state": state, "role_arn": role_arn})
