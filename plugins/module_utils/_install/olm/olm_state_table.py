# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each state of a Subscription, InstallPlan and ClusterServiceVersion means. Private.

States and reasons come from the types in github.com/operator-framework/api (operators/v1alpha1). The sources of its
catalog operator and OLM operator show which of them OLM retries.
"""

from __future__ import annotations

import math
from typing import NamedTuple

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


_PODS = "Look at the Deployment of the operator, its pods and their events."


class Row(NamedTuple):
    """One state: of which object, its state, its reasons and words of its message (empty: any), and what to do.

    It counts as a failure when it has been there for `grace` seconds. `wrong` stands where OLM gives no message.
    """

    kind: str
    state: str
    reasons: tuple[str, ...]
    words: tuple[str, ...]
    grace: float
    fix: str
    wrong: str = "OLM gives no reason"


# The first row that fits counts. A condition of a Subscription is a state of it while it is True.
ROWS = (
    Row(SUBSCRIPTION, "CatalogSourcesUnhealthy", (), (" missing",), SOON,
        "Correct otel_operator_olm_source and otel_operator_olm_source_namespace."),
    Row(SUBSCRIPTION, "CatalogSourcesUnhealthy", ("NoCatalogSourcesFound",), (), SOON,
        "Create a CatalogSource, or let OpenShift's default ones be (OperatorHub, disableAllDefaultSources)."),
    # Reports any unhealthy catalog of the cluster, which blocks the resolution while it lasts.
    Row(SUBSCRIPTION, "CatalogSourcesUnhealthy", (), (), SLOW, _CATALOG),
    Row(SUBSCRIPTION, "ResolutionFailed", ("ConstraintsNotSatisfiable",), ("not referenced by a subscription",), SOON,
        "An earlier installation left that ClusterServiceVersion behind, and OLM takes up none that it finds: delete"
        " it, or run once with state absent."),
    Row(SUBSCRIPTION, "ResolutionFailed", ("ConstraintsNotSatisfiable",), ("no operators found",), SOON,
        "Correct the package, the channel or the pinned CSV; `kubectl get packagemanifests` lists what there is."),
    Row(SUBSCRIPTION, "ResolutionFailed", ("ConstraintsNotSatisfiable",), (), SOON,
        "All Subscriptions of a namespace are resolved together: mend the others that the message names, or use a"
        " namespace of its own."),
    # OLM could not start the resolution, for example because a catalog is starting; it retries.
    Row(SUBSCRIPTION, "ResolutionFailed", (), (), SLOW, _CATALOG),
    Row(SUBSCRIPTION, "BundleUnpackFailed", (), (), SOON, _UNPACK),
    Row(SUBSCRIPTION, "BundleUnpacking", (), ("ImagePullBackOff", "ErrImagePull"), RETRIED, _UNPACK),
    Row(SUBSCRIPTION, "BundleUnpacking", (), (), PASSING, _UNPACK, "the bundle is being unpacked"),
    Row(SUBSCRIPTION, "InstallPlanFailed", (), (), 0, f"{_RIGHTS} {_REMOVE_PLAN}"),
    Row(SUBSCRIPTION, "InstallPlanMissing", (), (), RETRIED,
        "It was deleted: remove the operator with state absent, and install it again.", "its InstallPlan is gone"),
    Row(SUBSCRIPTION, "InstallPlanPending", (), (), PASSING, "", "its InstallPlan is not done"),
    Row(SUBSCRIPTION, "UpgradeFailed", (), (), 0, "Look at the newest ClusterServiceVersion.",
        "OLM gave the upgrade up"),
    Row(SUBSCRIPTION, "", (), (), PASSING,
        "Look at the pods of OLM (catalog-operator and olm-operator), and at the OperatorGroups of the namespace:"
        " with none or with two OLM does nothing and says nothing.", "OLM has not processed it"),
    Row(PLAN, "Failed", (), ("unpack",), 0, _UNPACK),
    Row(PLAN, "Failed", (), (), 0, f"{_RIGHTS} {_REMOVE_PLAN}"),
    Row(PLAN, "RequiresApproval", (), (), PASSING, "Approve it, or delete it.", "it waits for approval"),
    Row(PLAN, "", (), (), PASSING, "Look at its status.plan and status.bundleLookups.", "it is not done"),
    Row(CSV, "Pending", ("RequirementsNotMet",), ("minKubeVersion",), 0,
        "Upgrade the cluster, or take an older channel or CSV."),
    Row(CSV, "Pending", ("RequirementsNotMet",), (), SLOW,
        "Create what the message names: mostly another operator's definition, or permissions of its ServiceAccount."),
    Row(CSV, "Pending", ("OperatorConditionNotUpgradeable",), (), SOON,
        "Read its OperatorCondition; an administrator may override it in spec.overrides."),
    Row(CSV, "Pending", ("WaitingOnCleanup",), (), SLOW, "Remove the custom resources that OLM waits for."),
    Row(CSV, "Pending", ("APIServiceResourceIssue",), (), SLOW, _RIGHTS),
    Row(CSV, "Pending", ("NeedsReinstall",), (), SLOW,
        "Something changes or removes what the operator is made of: look at its Deployment and its events."),
    Row(CSV, "Failed", ("UnsupportedOperatorGroup", "NoOperatorGroup"), (), SOON, _NAMESPACE),
    Row(CSV, "Failed", ("TooManyOperatorGroups",), (), SOON, f"Delete all but one. {_NAMESPACE}"),
    Row(CSV, "Failed", ("NoTargetNamespaces",), (), RETRIED, _NAMESPACE),
    Row(CSV, "Failed", ("InvalidInstallModes", "InvalidInstallStrategy", "InvalidWebhookDescription"), (), 0,
        "Take another version of it."),
    Row(CSV, "Failed", ("OwnerConflict", "InterOperatorGroupOwnerConflict"), (), 0,
        "Remove the other one; two operators for the same kinds cannot be in one cluster."),
    Row(CSV, "Failed", ("CannotModifyStaticOperatorGroupProvidedAPIs",), (), 0,
        "Take staticProvidedAPIs out of the OperatorGroup, or use a namespace of its own."),
    Row(CSV, "Failed", ("InstallComponentFailedNoRetry",), (), 0, _RIGHTS),
    Row(CSV, "Failed", ("InstallComponentFailed", "APIServiceInstallFailed", "APIServiceResourceIssue"), (), RETRIED,
        _RIGHTS),
    Row(CSV, "Failed", ("InstallCheckFailed",), (), RETRIED, _PODS),
    Row(CSV, "Failed", ("ComponentUnhealthy",), (), SLOW, _PODS),
    Row(CSV, "Failed", ("RequirementsNotMet",), (), RETRIED, "Create what the message names."),
    Row(CSV, "Failed", (), (), RETRIED, "Read the message, and the log of the olm-operator."),
    Row(CSV, "Deleting", (), (), RETRIED, "Find what deletes it, and run again.", "it is being deleted"),
    Row(CSV, "Installing", (), (), PASSING, _PODS, "its Deployment is not available"),
    Row(CSV, "", (), (), PASSING, "Look at its conditions.", "it is not installed"),
)  # fmt: skip


def row_for(kind: str, state: str, reason: str, message: str) -> Row:
    """Return what a state means; each kind has a row for what is not in the table."""
    return next(row for row in ROWS if row.kind == kind and _fits(row, state, reason, message))


def _fits(row: Row, state: str, reason: str, message: str) -> bool:
    told = not row.words or any(words.lower() in message.lower() for words in row.words)
    return row.state in ("", state) and (not row.reasons or reason in row.reasons) and told
