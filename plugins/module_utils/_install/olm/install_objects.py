# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation by OLM is to reach, and what its objects in the cluster say of it. Private.

`live/olm_wait.py` reads the objects, `olm_states.py` judges them, and `olm_symptoms.py` finds what holds them up.
A plan is an InstallPlan, which OLM carries out once somebody approves it:

    spec: {approved: false, clusterServiceVersionNames: [opentelemetry-operator.v0.140.0-2]}
    status: {phase: RequiresApproval}

olm_decision.py explains the other words of OLM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube.objects import Manifest

# Conditions that say that something is not to be used any more. They do not stop a Subscription.
DEPRECATIONS = ("PackageDeprecated", "ChannelDeprecated", "BundleDeprecated")
# The phase of an InstallPlan that waits for approval.
REQUIRES_APPROVAL = "RequiresApproval"


class InstallGoal(NamedTuple):
    """The awaited version: exactly the pinned one, or with automatic approval also a newer one."""

    namespace: str
    subscription: str
    """The name of the Subscription."""
    csv: str
    """The ClusterServiceVersion; empty for any version."""
    is_pinned: bool
    """Whether this run approves plans: approval is manual."""

    @property
    def task_text(self) -> str:
        """The goal as messages name it."""
        return f"Install {self.csv or self.subscription} by OLM in namespace {self.namespace}"


class LiveObjects(NamedTuple):
    """The objects of an installation as they are in the cluster now."""

    subscription: Manifest | None
    """None if it is not there."""
    install_plans: Sequence[Manifest]
    """Those that were made for the Subscription, or that it refers to."""
    csvs: Mapping[str, Manifest]
    """The ClusterServiceVersions by name: those that the Subscription names, and the wanted one."""

    @property
    def subscription_status(self) -> dict[str, Any]:
        """What OLM says of the Subscription."""
        return object_status(self.subscription)

    @property
    def installed_csv(self) -> str:
        """The ClusterServiceVersion that is installed; empty without one."""
        return str(self.subscription_status.get("installedCSV") or "")

    @property
    def referred_plan(self) -> Manifest | None:
        """The InstallPlan that the Subscription refers to."""
        name = plan_name(self.subscription)
        for plan in self.install_plans:
            if plan["metadata"]["name"] == name:
                return plan
        return None


def object_status(manifest: Manifest | None) -> dict[str, Any]:
    """Return what OLM says of an object."""
    status: dict[str, Any] = mapping_at(manifest, "status")
    return status


def plan_name(subscription: Manifest | None) -> str:
    """Return the name of the InstallPlan that a Subscription refers to."""
    return str((object_status(subscription).get("installPlanRef") or {}).get("name") or "")


def list_deprecations(subscription: Manifest | None) -> list[str]:
    """Return what the catalog says is not to be used any more."""
    deprecation_conditions = [
        condition for condition in list_true_conditions(subscription) if condition["type"] in DEPRECATIONS
    ]
    return [str(condition.get("message") or condition["type"]) for condition in deprecation_conditions]


def plan_versions(plan: Manifest) -> tuple[str, ...]:
    """Return the ClusterServiceVersions that a plan installs."""
    return tuple(list_at(plan, "spec", "clusterServiceVersionNames"))


def is_awaiting_approval(plan: Manifest) -> bool:
    """Return whether a plan waits for approval."""
    is_approved = mapping_at(plan, "spec").get("approved")
    return object_status(plan).get("phase") == REQUIRES_APPROVAL and not is_approved


def is_made_for(plan: Manifest, subscription: str) -> bool:
    """Return whether a plan was made for a Subscription, among others perhaps."""
    for owner in list_at(plan["metadata"], "ownerReferences"):
        if owner.get("kind") == "Subscription" and owner.get("name") == subscription:
            return True
    return False


def list_true_conditions(subscription: Manifest | None) -> list[dict[str, Any]]:
    """Return the true conditions of a Subscription: something is wrong, or in progress."""
    conditions = object_status(subscription).get("conditions") or []
    return [condition for condition in conditions if condition.get("status") == "True"]
