# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each state of a Subscription, InstallPlan and ClusterServiceVersion means, and the plan to approve. Private.

States and reasons come from the types in github.com/operator-framework/api (operators/v1alpha1). The sources of its
catalog operator and OLM operator show which of them OLM retries. OLM plans for a whole namespace: a plan may
bring other operators too, and dependencies of ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..._kube.bundle import Manifest
from .olm_objects import is_before, read_csv

SUBSCRIPTION, PLAN, CSV = "Subscription", "InstallPlan", "ClusterServiceVersion"
# Temporary: a failure only at the time limit.
PASSING = math.inf
# States that may be outdated, that OLM retries, and that other users may be about to fix.
SOON, RETRIED, SLOW = 8.0, 20.0, 60.0

_NAMESPACE = (
    "An operator that is for all namespaces needs the one OperatorGroup of its namespace without targetNamespaces."
)
_REMOVE_PLAN = "Fix that, then delete the InstallPlan: OLM makes a new one only then."
_UNPACK = (
    "See that the nodes can pull the bundle's image; then delete the failed Job and the ConfigMap of the same name in"
    " the namespace of the catalog: OLM does not try again before that."
)
_RIGHTS = "Read the message: mostly a webhook, a quota or a missing right refuses an object of the operator."
_CATALOG = "Look at the CatalogSource and its pod (label olm.catalogSource); without internet give a mirrored catalog."


class Row(NamedTuple):
    """One state: of which object, its state, its reason and words of its message (empty: any), and what it means.

    It counts as a failure when it has been there for `grace` seconds.
    """

    kind: str
    state: str
    reason: str
    words: str
    grace: float
    wrong: str
    fix: str


# The first row that fits counts. A condition of a Subscription is a state of it while it is True.
ROWS = (
    Row(SUBSCRIPTION, "CatalogSourcesUnhealthy", "", " missing", SOON, "its catalog does not exist",
        "Correct otel_operator_olm_source and otel_operator_olm_source_namespace."),
    Row(SUBSCRIPTION, "CatalogSourcesUnhealthy", "NoCatalogSourcesFound", "", SOON, "there is no catalog at all",
        "Create a CatalogSource, or let OpenShift's default ones be (OperatorHub, disableAllDefaultSources)."),
    # Reports any unhealthy catalog of the cluster, which blocks the resolution while it lasts.
    Row(SUBSCRIPTION, "CatalogSourcesUnhealthy", "", "", SLOW, "a catalog does not answer", _CATALOG),
    Row(SUBSCRIPTION, "ResolutionFailed", "ConstraintsNotSatisfiable", "not referenced by a subscription", SOON,
        "a ClusterServiceVersion of an earlier installation was left behind, and OLM takes up none that it finds",
        "Delete that ClusterServiceVersion, or run once with state absent."),
    Row(SUBSCRIPTION, "ResolutionFailed", "ConstraintsNotSatisfiable", "no operators found", SOON,
        "the catalog does not have what the Subscription asks for",
        "Correct the package, the channel or the pinned CSV; `kubectl get packagemanifests` lists what there is."),
    Row(SUBSCRIPTION, "ResolutionFailed", "ConstraintsNotSatisfiable", "", SOON,
        "OLM finds no set of operators that go together in this namespace",
        "All Subscriptions of a namespace are resolved together: mend the others that the message names, or use a"
        " namespace of its own."),
    # OLM could not start the resolution, for example because a catalog is starting; it retries.
    Row(SUBSCRIPTION, "ResolutionFailed", "", "", SLOW, "OLM cannot resolve it", _CATALOG),
    Row(SUBSCRIPTION, "BundleUnpackFailed", "", "", SOON, "the bundle of the operator cannot be unpacked", _UNPACK),
    Row(SUBSCRIPTION, "BundleUnpacking", "", "ImagePullBackOff", RETRIED, "the bundle cannot be pulled", _UNPACK),
    Row(SUBSCRIPTION, "BundleUnpacking", "", "ErrImagePull", RETRIED, "the bundle cannot be pulled", _UNPACK),
    Row(SUBSCRIPTION, "BundleUnpacking", "", "", PASSING, "the bundle is being unpacked", _UNPACK),
    Row(SUBSCRIPTION, "InstallPlanFailed", "", "", 0, "its InstallPlan has failed", f"{_RIGHTS} {_REMOVE_PLAN}"),
    Row(SUBSCRIPTION, "InstallPlanMissing", "", "", RETRIED, "its InstallPlan is gone",
        "It was deleted: remove the operator with state absent, and install it again."),
    Row(SUBSCRIPTION, "InstallPlanPending", "", "", PASSING, "its InstallPlan is not done", ""),
    Row(SUBSCRIPTION, "UpgradeFailed", "", "", 0, "OLM gave the upgrade up",
        "Look at the newest ClusterServiceVersion."),
    Row(SUBSCRIPTION, "", "", "", PASSING, "OLM has not processed it",
        "Look at the pods of OLM (catalog-operator and olm-operator), and at the OperatorGroups of the namespace:"
        " with none or with two OLM does nothing and says nothing."),
    Row(PLAN, "Failed", "", "unpack", 0, "the bundle of the operator cannot be unpacked", _UNPACK),
    Row(PLAN, "Failed", "", "", 0, "it has failed", f"{_RIGHTS} {_REMOVE_PLAN}"),
    Row(PLAN, "RequiresApproval", "", "", PASSING, "it waits for approval", "Approve it, or delete it."),
    Row(PLAN, "", "", "", PASSING, "it is not done", "Look at its status.plan and status.bundleLookups."),
    Row(CSV, "Pending", "RequirementsNotMet", "minKubeVersion", 0, "it is not for this version of Kubernetes",
        "Upgrade the cluster, or take an older channel or CSV."),
    Row(CSV, "Pending", "RequirementsNotMet", "", SLOW, "something that it needs is not there",
        "Create what the message names: mostly another operator's definition, or permissions of its ServiceAccount."),
    Row(CSV, "Pending", "OperatorConditionNotUpgradeable", "", SOON,
        "the operator that runs says that it must not be replaced",
        "Read its OperatorCondition; an administrator may override it in spec.overrides."),
    Row(CSV, "Pending", "WaitingOnCleanup", "", SLOW, "OLM waits until custom resources are gone", "Remove them."),
    Row(CSV, "Pending", "APIServiceResourceIssue", "", SLOW, "its API service cannot be set up", _RIGHTS),
    Row(CSV, "Pending", "NeedsReinstall", "", SLOW, "OLM installs it again and again",
        "Something changes or removes what the operator is made of: look at its Deployment and its events."),
    Row(CSV, "Failed", "UnsupportedOperatorGroup", "", SOON,
        "it is for all namespaces, and its OperatorGroup is not", _NAMESPACE),
    Row(CSV, "Failed", "InvalidInstallModes", "", 0, "its install modes are not valid", "Take another version of it."),
    Row(CSV, "Failed", "NoOperatorGroup", "", SOON, "its namespace has no OperatorGroup", _NAMESPACE),
    Row(CSV, "Failed", "TooManyOperatorGroups", "", SOON, "its namespace has more than one OperatorGroup",
        f"Delete all but one. {_NAMESPACE}"),
    Row(CSV, "Failed", "NoTargetNamespaces", "", RETRIED, "its OperatorGroup selects no namespace", _NAMESPACE),
    Row(CSV, "Failed", "OwnerConflict", "", 0, "another ClusterServiceVersion has the same definitions",
        "Remove the other one; two operators for the same kinds cannot be in one cluster."),
    Row(CSV, "Failed", "InterOperatorGroupOwnerConflict", "", 0,
        "an operator of another OperatorGroup has the same definitions",
        "Remove the other one; two operators for the same kinds cannot be in one cluster."),
    Row(CSV, "Failed", "CannotModifyStaticOperatorGroupProvidedAPIs", "", 0,
        "the OperatorGroup has a fixed list of kinds, without this operator's",
        "Take staticProvidedAPIs out of the OperatorGroup, or use a namespace of its own."),
    Row(CSV, "Failed", "InvalidInstallStrategy", "", 0, "its bundle is broken", "Take another version of it."),
    Row(CSV, "Failed", "InvalidWebhookDescription", "", 0, "its bundle is broken", "Take another version of it."),
    Row(CSV, "Failed", "InstallComponentFailedNoRetry", "", 0, "a part of it cannot be installed", _RIGHTS),
    Row(CSV, "Failed", "InstallComponentFailed", "", RETRIED, "a part of it cannot be installed", _RIGHTS),
    Row(CSV, "Failed", "InstallCheckFailed", "", RETRIED, "its pods do not become ready",
        "Look at the Deployment of the operator, its pods and their events."),
    Row(CSV, "Failed", "ComponentUnhealthy", "", SLOW, "its pods are not ready any more",
        "Look at the Deployment of the operator, its pods and their events."),
    Row(CSV, "Failed", "APIServiceInstallFailed", "", RETRIED, "its API service cannot be set up", _RIGHTS),
    Row(CSV, "Failed", "APIServiceResourceIssue", "", RETRIED, "its API service cannot be set up", _RIGHTS),
    Row(CSV, "Failed", "RequirementsNotMet", "", RETRIED, "something that it needs is not there",
        "Create what the message names."),
    Row(CSV, "Failed", "", "", RETRIED, "it has failed", "Read the message, and the log of the olm-operator."),
    Row(CSV, "Deleting", "", "", RETRIED, "it is being deleted", "Find what deletes it, and run again."),
    Row(CSV, "Installing", "", "", PASSING, "its Deployment is not available",
        "Look at the Deployment of the operator, its pods and their events."),
    Row(CSV, "", "", "", PASSING, "it is not installed", "Look at its conditions."),
)  # fmt: skip


def row_for(kind: str, state: str, reason: str, message: str) -> Row:
    """Return what a state means; each kind has a row for what is not in the table."""
    return next(row for row in ROWS if row.kind == kind and _fits(row, state, reason, message))


def _fits(row: Row, state: str, reason: str, message: str) -> bool:
    return row.state in ("", state) and row.reason in ("", reason) and row.words.lower() in message.lower()


WAITING = "RequiresApproval"
APPROVE, REFUSE, LEAVE = "approve", "refuse", "leave"


class PlanDecision(NamedTuple):
    """What becomes of a plan that waits for approval, and why."""

    what: str
    plan: str = ""
    brings: tuple[str, ...] = ()
    wrong: str = ""
    fix: str = ""


def names_of(plan: Manifest) -> tuple[str, ...]:
    return tuple((plan.get("spec") or {}).get("clusterServiceVersionNames") or ())


def waits(plan: Manifest) -> bool:
    return (plan.get("status") or {}).get("phase") == WAITING and not (plan.get("spec") or {}).get("approved")


def is_owned(plan: Manifest, subscription: str) -> bool:
    """Return whether a plan was made for a Subscription, among others perhaps."""
    owners = plan["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") == "Subscription" and owner.get("name") == subscription for owner in owners)


def choose(plans: Sequence[Manifest], newest: str, target: str, installed: str, *, pinned: bool) -> PlanDecision:
    """Return what becomes of the plans that wait; `newest` is the one that the Subscription refers to.

    A plan of before may still be the only one for the pin, when the catalog has got newer versions since.
    """
    waiting = [plan for plan in plans if waits(plan)]
    exact = [plan for plan in waiting if names_of(plan) == (target,)]
    if exact and installed != target:
        latest = max(exact, key=lambda plan: (plan["metadata"]["name"] == newest, _generation(plan)))
        return PlanDecision(APPROVE, latest["metadata"]["name"], (target,))
    plan = next((plan for plan in waiting if plan["metadata"]["name"] == newest), None)
    if plan is None:
        return PlanDecision(LEAVE)
    brings = names_of(plan)
    what, wrong, fix = _judged(brings, target, installed, pinned)
    return PlanDecision(what, newest, brings, wrong, fix)


def _judged(brings: tuple[str, ...], target: str, installed: str, pinned: bool) -> tuple[str, str, str]:
    ours = [name for name in brings if _same(name, target)]
    others = [name for name in brings if name not in ours]
    if pinned and installed == target:
        return LEAVE, "", ""
    if ours and others:
        fix = (
            "Bring the others first on their own terms, or install this operator in a namespace of its own;"
            " to take all of it, approve the InstallPlan yourself and run again."
        )
        return REFUSE, f"it installs {_list(others)} beside {_list(ours)}", fix
    if not ours:
        return LEAVE, "", ""
    if is_before(target, ours[-1]) and not pinned:
        # It may be of an earlier channel, and is then not the newest of the requested one.
        return LEAVE, "", ""
    if is_before(target, ours[-1]):
        fix = f"Pin {ours[-1]}; to have {target} all the same, remove the operator first and install that."
        return REFUSE, f"it goes to {ours[-1]}, past the pinned {target}", fix
    return APPROVE, "", ""


def _same(name: str, target: str) -> bool:
    one, other = read_csv(name), read_csv(target)
    return bool(one and other and one.base == other.base)


def _generation(plan: Manifest) -> int:
    return int((plan.get("spec") or {}).get("generation") or 0)


def _list(names: Iterable[Any]) -> str:
    return ", ".join(str(name) for name in names)
