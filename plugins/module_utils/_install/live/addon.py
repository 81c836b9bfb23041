# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One EKS add-on: read, do one operation, wait, and read again after operations of others. Private."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..._identity.live.aws_api import AnsibleCallError, Aws, CallErrors, busy, parsed, run, tag
from ..._kube.live.libraries import lacking
from ..._otelcol.errors import Problem
from ..addon.addon_settings import IDENTITIES, creation, difference, secrets_of, settings, shown, update
from ..addon.addon_states import (
    ABSENT,
    CREATE,
    DELETE,
    NOTHING,
    PRESENT,
    REMOVED,
    REPAIR,
    RESUME,
    STUCK,
    Patience,
)
from .addon_plan import AddonPlan, Planner, missing
from .addon_wait import Addon, AddonReads, AddonWait, Limits, fact, status_of

COLLISION_PAUSE = 5.0
# Parameters that botocore learned late.
LATE = {"namespace": "namespaceConfig", IDENTITIES: "podIdentityAssociations"}
UNDER_WAY = ("CREATING", "UPDATING", "DELETING")


class AddonTask:
    def __init__(self, aws: Aws, params: Mapping[str, Any]) -> None:
        self.aws, self.params, self.salt = aws, params, secrets.token_hex(8)
        self.eks = aws.calls("eks")
        self.names = {"clusterName": params["cluster_name"], "addonName": params["name"]}
        self.reads = AddonReads(self.eks, params["cluster_name"], params["name"])
        self.seconds = {
            "create": params["create_timeout_seconds"],
            "update": params["update_timeout_seconds"],
            "delete": params["delete_timeout_seconds"],
            "settle": params["update_timeout_seconds"],
        }
        patience = Patience(params["degraded"], params["degraded_seconds"])
        self.wait = AddonWait(self.reads, Limits(self.seconds, patience), self.salt)
        self.waits = params["wait"] and not aws.check
        self.tagged = False  # before an update that collided with another operation

    def run(self) -> dict[str, Any]:
        """Run the task, and repeat it after a collision with another operation."""
        work, limit = self._present, "update"
        if self.params["state"] == "absent":
            work, limit = self._absent, "delete"
        until = self.eks.clock() + self.seconds[limit]
        while True:
            try:
                result = work()
            except AnsibleCallError as error:
                may_try_again = self.waits and self.eks.clock() <= until
                if not may_try_again or not (busy(error) or self._too_early(error)):
                    raise
                self.eks.sleep(COLLISION_PAUSE)
                continue
            self.aws.warn(*self.wait.warnings)
            return result | {"changed": result["changed"] or self.tagged}

    def _too_early(self, error: AnsibleCallError) -> bool:
        """Return whether a deletion came while something else is under way.

        DeleteAddon has no ResourceInUseException, unlike the other operations; in botocore's model it has
        InvalidRequestException for what the state does not allow.
        """
        refused = error.answer.code == "InvalidRequestException" and error.answer.action == "DeleteAddon"
        return refused and status_of(self.reads.addon()) in UNDER_WAY

    def _settled(self, table: dict[str, tuple[str, str]]) -> Addon | None:
        """Return the add-on without running operations; wait for those of others."""
        addon: Addon | None = self.reads.addon()
        step, operation = table.get(status_of(addon), (NOTHING, ""))
        if step == RESUME and self.waits:
            return self.wait.until_done(operation)
        return addon

    def _present(self) -> dict[str, Any]:
        addon = self._settled(PRESENT)
        if status_of(addon) == "DELETING" and self.aws.check:
            addon = None  # by the time of the real run
        step, _operation = PRESENT.get(status_of(addon), (NOTHING, ""))
        if step == STUCK:
            fix = "Finish that first with state=absent, and preserve=true to leave its objects in the cluster."
            raise Problem("an earlier deletion of it has failed", asked=f"Change {self.params['name']}", fix=fix)
        plan = Planner(self.reads, self.params).plan(addon, repair=step == REPAIR)
        self.aws.warn(*plan.warnings)
        if not plan.differing and not plan.repair and status_of(addon) != "DELETING":
            return self._result("unchanged", self._healthy(addon), plan)
        if step == CREATE:
            return self._result("created", addon if self.aws.check else self._create(plan), plan)
        return self._result("updated", addon if self.aws.check else self._update(plan), plan)

    def _healthy(self, addon: Addon | None) -> Addon | None:
        """Return an add-on that does not change, once it is healthy if the task waits."""
        return self.wait.until_done("settle") if self.waits else addon

    @CallErrors.common_error_handler("create the add-on")
    def _create(self, plan: AddonPlan) -> Addon | None:
        self._known()
        # One token for all tries, so that an answer that was lost does not become a second add-on.
        request = {**self._conflicts(), **creation(plan.wanted), "clientRequestToken": str(uuid.uuid4())}
        addon: Addon = self.eks("create_addon", **self.names, **request)["addon"]
        if self.waits:
            return self.wait.until_done("create", missing=lambda live: missing(live, plan))
        return addon

    @CallErrors.common_error_handler("update the add-on")
    def _update(self, plan: AddonPlan) -> Addon | None:
        self._known()
        request = update(plan.live, plan.wanted, plan.differing, repair=plan.repair)
        if status_of(plan.addon) in UNDER_WAY and not self.waits:
            wrong = f"another operation is under way ({status_of(plan.addon)}), and wait is false"
            fix = "Set wait to true, or run the task again when that is over."
            raise Problem(wrong, asked=f"Update the add-on {self.params['name']}", fix=fix)
        self._tag(plan)
        update_id = ""
        if request:
            token = {"clientRequestToken": str(uuid.uuid4())}
            begun = self.eks("update_addon", **self.names, **self._conflicts(), **request, **token)["update"]
            update_id = begun["id"]
        if not self.waits:
            live: Addon | None = self.reads.addon()
            return live
        if not request:
            return self.wait.until_done("settle")
        return self.wait.until_done("update", update_id, lambda live: missing(live, plan))

    def _tag(self, plan: AddonPlan) -> None:
        if "tags" not in plan.differing or not plan.addon:
            return
        self.tagged = True
        tag(self.eks, plan.addon["addonArn"], plan.live["tags"], plan.wanted["tags"])

    def _known(self) -> None:
        """Fail in words where this botocore is too old for an option."""
        for option, parameter in LATE.items():
            if self.params[option] is not None and not self.eks.takes("CreateAddon", parameter):
                raise lacking("boto3", parameter, f"Set {option}")

    def _conflicts(self) -> dict[str, str]:
        asked = self.params["resolve_conflicts"]
        return {"resolveConflicts": asked.upper()} if asked else {}

    def _absent(self) -> dict[str, Any]:
        addon = self._settled(REMOVED)
        plan = AddonPlan(addon, settings(addon, parsed), {}, [])
        if REMOVED.get(status_of(addon), (DELETE, ""))[0] != DELETE:
            return self._result("unchanged", addon, plan)
        if not self.aws.check:
            self._delete(status_of(addon))
        return self._result("deleted", None, plan)

    @CallErrors.deletion_error_handler("delete the add-on")
    def _delete(self, status: str) -> None:
        self.eks("delete_addon", **self.names, preserve=self.params["preserve"])
        if self.waits:
            if status == "DELETE_FAILED":  # the word of the attempt before may be read a moment longer
                self.eks.sleep(COLLISION_PAUSE)
            self.wait.until_done("delete")

    def _result(self, action: str, addon: Addon | None, plan: AddonPlan) -> dict[str, Any]:
        """Return the result of the task: what was done, the add-on after it, and the difference."""
        status = status_of(addon)
        version = plan.wanted.get("version") or plan.live.get("version") or ""
        diff = difference(plan.live, plan.wanted, plan.differing, self.salt)
        if plan.repair:
            diff["before"]["status"], diff["after"]["status"] = status_of(plan.addon), "ACTIVE"
        if action == "deleted":
            status, version, diff["after"] = ABSENT, "", {}
        facts = {"action": action, "status": status, "version": version, "addon": fact(addon, self.salt)}
        return {"changed": action != "unchanged", **facts, "diff": diff}


def run_addon(module: AnsibleAWSModule) -> None:
    """Do what the task eks_addon asks, with the secrets in its configuration out of sight whatever happens."""
    params = module.params
    configuration = params["configuration_values"]
    # Ansible shows the options of a task with -vvv, and when the task fails.
    module._module.params = {**params, "configuration_values": shown(configuration, secrets.token_hex(8))}
    run(module, lambda aws: AddonTask(aws, params).run(), set(secrets_of(configuration or {})), configuration)
