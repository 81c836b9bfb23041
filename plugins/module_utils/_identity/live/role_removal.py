# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove the IAM role of a service account, and its EKS Pod Identity association: state absent of the module. Private.

The association goes first, so that no pod has a role that is being removed. What is removed depends on the role:

| the role | association that goes | what happens to the role |
|---|---|---|
| is missing | that with a role of its name, since a user may have deleted the role | nothing |
| is of another owner | none | it stays |
| was made by this module | that with the role, if this module made it | it is deleted |
| was taken over by this module | that with the role, if this module made it | it loses what this module added |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..iam_calls import IamCall
from ..role_calls import plan_deletion_calls, plan_role_calls, remaining_settings
from ..role_owner import cluster_arn, is_own_role, owns_association
from .call_errors import CallErrors
from .role_reader import LiveRole
from .role_task import RoleTask, merge_results


class RoleRemoval(RoleTask):
    """A run of the module with state `absent`."""

    def remove(self) -> dict[str, Any]:
        """Remove the association, and after that the role. Return the result of the task."""
        live_role = self.reader.read()
        association_result = self.association.remove_association(self._find_associated_role(live_role))
        return merge_results(self._remove_role(live_role), association_result)

    def _find_associated_role(self, live_role: LiveRole | None) -> str:
        """Return the ARN of the role whose association goes; empty if the association stays."""
        if not live_role:
            return self.association.find_orphaned_role()
        is_removable = self._is_own_role(live_role) and owns_association(live_role.settings)
        return live_role.arn if is_removable else ""

    def _remove_role(self, live_role: LiveRole | None) -> dict[str, Any]:
        """Remove what this module has made of a role, and return the result about the role."""
        if not live_role:
            return self.build_role_result("", None, None, changed=False)
        if not self._is_own_role(live_role):
            return self.build_role_result(live_role.arn, live_role.settings, live_role.settings, changed=False)
        remaining_role = remaining_settings(live_role.settings, self.params["managed_policies"])
        if remaining_role is None:
            calls = plan_deletion_calls(live_role.settings)
        else:
            calls = plan_role_calls(live_role.settings, remaining_role)
        if not self.aws.check:
            self._make_removal_calls(calls)
        return self.build_role_result(live_role.arn, live_role.settings, remaining_role, changed=True)

    def _is_own_role(self, live_role: LiveRole) -> bool:
        """Return whether the tags of a role say that this module made or took it for this service account."""
        cluster = cluster_arn(live_role.arn, self.region, self.params["cluster_name"])
        return is_own_role(live_role.settings, cluster, self.service_account, self.params["collectors"])

    def _make_removal_calls(self, calls: Iterable[IamCall]) -> None:
        for call in calls:
            self._make_removal_call(call)

    @CallErrors.deletion_error_handler("remove the role")
    def _make_removal_call(self, call: IamCall) -> None:
        """Make one call. If what it removes is missing, that is no error, and the calls after it are still made."""
        self.iam(call.operation, RoleName=self.name, **call.parameters)
