# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module eks_addon: it creates, updates or deletes one EKS add-on. Private.

`addon/addon_states.py` says what to do first with an add-on in a status, `addon_plan.py` compares it with the task, and
`addon_wait.py` waits for EKS. An operation is one of `create`, `update`, `delete`, and `unchanged` for an add-on that
only has to become steady. A collision is that EKS refuses an operation because another one runs. The result is for
example:

    {changed: true, action: updated, status: ACTIVE, version: v0.151.0-eksbuild.2, addon: {…}, diff: {…}}
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..._identity.live.aws_changes import update_tags
from ..._identity.live.aws_task import Aws, run
from ..._identity.live.call_errors import AnsibleCallError, CallErrors, is_busy
from ..._kube.live.libraries import missing_part_problem
from ..._otelcol.errors import Problem
from ..addon.addon_secrets import find_secrets, mask_secrets
from ..addon.addon_settings import (
    IDENTITIES,
    addon_settings,
    build_creation_request,
    build_update_request,
    describe_difference,
)
from ..addon.addon_states import (
    ABSENT,
    CREATE,
    DELETE,
    REPAIR,
    RESUME,
    STUCK,
    FirstStep,
    Patience,
    first_step_to_have,
    first_step_to_remove,
)
from .addon_plan import AddonPlan, AddonPlanner, list_missing_settings
from .addon_reads import AddonReads, LiveAddon, addon_status, describe_addon, parse_configuration
from .addon_wait import AddonWait, WaitLimits

# The seconds before a task begins anew after a collision.
COLLISION_PAUSE_SECONDS = 5.0
# Options whose parameter botocore learned late.
LATE_PARAMETERS = {"namespace": "namespaceConfig", IDENTITIES: "podIdentityAssociations"}
# The statuses during an operation.
_DELETING = "DELETING"
CHANGING_STATUSES = ("CREATING", "UPDATING", _DELETING)


class AddonTask:
    """One run of eks_addon: it reads the add-on, does at most one operation, and waits for it if the user asks.

    A run that collides with an operation of others begins anew. In check mode nothing is changed or waited for.
    """

    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        """Take the parameters of the module."""
        self.aws, self.params, self.eks = aws, params, aws.calls("eks")
        self.salt = secrets.token_hex(8)
        self.names = {"clusterName": params["cluster_name"], "addonName": params["name"]}
        self.reads = AddonReads(self.eks, params["cluster_name"], params["name"])
        self.seconds = _seconds_by_operation(params)
        patience = Patience(params["degraded"], params["degraded_seconds"])
        self.wait = AddonWait(self.reads, WaitLimits(self.seconds, patience), self.salt)
        self.waits = params["wait"] and not aws.check
        self.has_tagged = False
        """Whether tags were changed, also before a collision. The run that begins anew sees no difference in them."""

    def run(self) -> dict[str, Any]:
        """Run the task, begin anew after a collision with another operation, and return the result."""
        is_removal = self.params["state"] == "absent"
        ensure_state = self._ensure_absent if is_removal else self._ensure_present
        deadline = self.eks.clock() + self.seconds["delete" if is_removal else "update"]
        while True:
            try:
                result = ensure_state()
            except AnsibleCallError as error:
                if not self._may_begin_anew(error, deadline):
                    raise
                self.eks.sleep(COLLISION_PAUSE_SECONDS)
                continue
            self.aws.warn(*self.wait.warnings)
            return result | {"changed": result["changed"] or self.has_tagged}

    def _may_begin_anew(self, error: AnsibleCallError, deadline: float) -> bool:
        """Whether an error is a collision with another operation, and there is time to wait for that."""
        has_time = self.waits and self.eks.clock() <= deadline
        return has_time and (is_busy(error) or self._is_too_early_deletion(error))

    def _is_too_early_deletion(self, error: AnsibleCallError) -> bool:
        """Whether a deletion came while something else is under way.

        DeleteAddon has no ResourceInUseException, unlike the other operations; in botocore's model it has
        InvalidRequestException for what the state does not allow.
        """
        is_refused = error.answer.code == "InvalidRequestException" and error.answer.action == "DeleteAddon"
        return is_refused and addon_status(self.reads.read_addon()) in CHANGING_STATUSES

    def _read_when_idle(self, first_step: Callable[[str], FirstStep]) -> LiveAddon | None:
        """Return the add-on. If an operation runs on it and the task waits, that is over."""
        addon: LiveAddon | None = self.reads.read_addon()
        step = first_step(addon_status(addon))
        if step.action == RESUME and self.waits:
            return self.wait.wait_until_done(step.running_operation)
        return addon

    def _ensure_present(self) -> dict[str, Any]:
        """Create or update the add-on, or leave it as it is. Returns the result of the task."""
        addon = self._read_when_idle(first_step_to_have)
        if self.aws.check and addon_status(addon) == _DELETING:
            addon = None  # by the time of the real run
        step = first_step_to_have(addon_status(addon)).action
        if step == STUCK:
            fix = "Finish that first with state=absent, and preserve=true to leave its objects in the cluster."
            raise Problem("an earlier deletion of it has failed", asked=f"Change {self.params['name']}", fix=fix)
        plan = AddonPlanner(self.reads, self.params).build_plan(addon, repair=step == REPAIR)
        self.aws.warn(*plan.warnings)
        if _is_as_wanted(plan):
            if self.waits:
                addon = self.wait.wait_until_done("unchanged")
            return self._task_result("unchanged", addon, plan)
        action = "created" if step == CREATE else "updated"
        if not self.aws.check:
            addon = self._create_addon(plan) if step == CREATE else self._update_addon(plan)
        return self._task_result(action, addon, plan)

    @CallErrors.common_error_handler("create the add-on")
    def _create_addon(self, plan: AddonPlan) -> LiveAddon | None:
        """Create the add-on, and return it when it is done if the task waits."""
        self._require_recent_botocore()
        # `eks` repeats a call with its token, so that an answer that was lost does not become a second add-on.
        request = {
            **self._conflict_parameters(),
            **build_creation_request(plan.wanted_settings),
            "clientRequestToken": str(uuid.uuid4()),
        }
        addon: LiveAddon = self.eks("create_addon", **self.names, **request)["addon"]
        if self.waits:
            return self.wait.wait_until_done(
                "create", find_missing=lambda live_addon: list_missing_settings(live_addon, plan)
            )
        return addon

    @CallErrors.common_error_handler("update the add-on")
    def _update_addon(self, plan: AddonPlan) -> LiveAddon | None:
        """Update what differs, and return the add-on when that is done if the task waits."""
        self._require_recent_botocore()
        self._require_idle(plan.live_addon)
        request = build_update_request(
            plan.live_settings, plan.wanted_settings, plan.differing_settings, repair=plan.needs_repair
        )
        self._change_tags(plan)
        update_id = self._begin_update(request) if request else ""
        if not self.waits:
            live_addon: LiveAddon | None = self.reads.read_addon()
            return live_addon
        if not update_id:  # only tags differ
            return self.wait.wait_until_done("unchanged")
        return self.wait.wait_until_done(
            "update", update_id, find_missing=lambda live_addon: list_missing_settings(live_addon, plan)
        )

    def _begin_update(self, request: Mapping[str, Any]) -> str:
        """Call UpdateAddon, and return the id of the update."""
        token = {"clientRequestToken": str(uuid.uuid4())}
        answer = self.eks("update_addon", **self.names, **self._conflict_parameters(), **request, **token)
        return str(answer["update"]["id"])

    def _require_idle(self, addon: LiveAddon | None) -> None:
        """Raise Problem if another operation runs that the task does not wait for."""
        status = addon_status(addon)
        if status in CHANGING_STATUSES and not self.waits:
            wrong = f"another operation is under way ({status}), and wait is false"
            fix = "Set wait to true, or run the task again when that is over."
            raise Problem(wrong, asked=f"Update the add-on {self.params['name']}", fix=fix)

    def _change_tags(self, plan: AddonPlan) -> None:
        """Give the add-on the wanted tags, if they differ."""
        if "tags" not in plan.differing_settings or not plan.live_addon:
            return
        self.has_tagged = True  # before the calls, of which one may fail after another
        update_tags(self.eks, plan.live_addon["addonArn"], plan.live_settings["tags"], plan.wanted_settings["tags"])

    def _require_recent_botocore(self) -> None:
        """Raise Problem if this botocore is too old for an option of the task."""
        for option, parameter in LATE_PARAMETERS.items():
            if self.params[option] is not None and not self.eks.knows_parameter("CreateAddon", parameter):
                raise missing_part_problem("boto3", parameter, f"Set {option}")

    def _conflict_parameters(self) -> dict[str, str]:
        """Return the parameter that says which owner keeps a field in a conflict. Without it, EKS decides."""
        resolution = self.params["resolve_conflicts"]
        return {"resolveConflicts": resolution.upper()} if resolution else {}

    def _ensure_absent(self) -> dict[str, Any]:
        """Delete the add-on if it is there. Returns the result of the task."""
        addon = self._read_when_idle(first_step_to_remove)
        status = addon_status(addon)
        plan = AddonPlan(
            addon, live_settings=addon_settings(addon, parse_configuration), wanted_settings={}, differing_settings=[]
        )
        if first_step_to_remove(status).action != DELETE:
            return self._task_result("unchanged", addon, plan)
        if not self.aws.check:
            self._delete_addon(status)
        return self._task_result("deleted", None, plan)

    @CallErrors.deletion_error_handler("delete the add-on")
    def _delete_addon(self, status: str) -> None:
        """Delete the add-on, and wait until it is gone if the task waits. `status` is its status before that."""
        self.eks("delete_addon", **self.names, preserve=self.params["preserve"])
        if not self.waits:
            return
        if status == "DELETE_FAILED":  # EKS may show this status of the earlier attempt for a moment
            self.eks.sleep(COLLISION_PAUSE_SECONDS)
        self.wait.wait_until_done("delete")

    def _task_result(self, action: str, addon: LiveAddon | None, plan: AddonPlan) -> dict[str, Any]:
        """Return the result of the task: what was done, the add-on after it, and the difference.

        `action` is `created`, `updated`, `deleted` or `unchanged`.
        """
        status = addon_status(addon)
        version = plan.wanted_settings.get("version") or plan.live_settings.get("version") or ""
        diff = describe_difference(plan.live_settings, plan.wanted_settings, plan.differing_settings, self.salt)
        if plan.needs_repair:
            diff["before"]["status"] = addon_status(plan.live_addon)
            diff["after"]["status"] = "ACTIVE"
        if action == "deleted":
            status = ABSENT
            version = ""
            diff["after"] = {}
        return {
            "changed": action != "unchanged",
            "action": action,
            "status": status,
            "version": version,
            "addon": describe_addon(addon, self.salt),
            "diff": diff,
        }


def _seconds_by_operation(params: Mapping[str, Any]) -> dict[str, float]:
    """Return for how long a wait may take, by operation. An add-on that does not change gets as long as an update."""
    return {
        "create": params["create_timeout_seconds"],
        "update": params["update_timeout_seconds"],
        "delete": params["delete_timeout_seconds"],
        "unchanged": params["update_timeout_seconds"],
    }


def _is_as_wanted(plan: AddonPlan) -> bool:
    """Return whether nothing has to be done.

    An add-on that is being deleted is never as wanted, whatever its settings are.
    """
    has_difference = bool(plan.differing_settings) or plan.needs_repair
    return not has_difference and addon_status(plan.live_addon) != _DELETING


def run_addon(module: AnsibleAWSModule) -> None:
    """Run the module eks_addon, and exit with its result or failure. No output shows secrets of its configuration."""
    params = module.params
    configuration = params["configuration_values"]
    # Ansible shows the options of a task with -vvv, and when the task fails.
    module._module.params = {**params, "configuration_values": mask_secrets(configuration, secrets.token_hex(8))}
    run(
        module,
        lambda aws: AddonTask(aws, params).run(),
        secret_parts=set(find_secrets(configuration or {})),
        partly_secret_option=configuration,
    )
