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
# After so many seconds a state counts as a failure. A passing one does so only at the time limit of the wait.
PASSING = math.inf
# A state that may be outdated, since OLM writes it only from time to time.
SOON = 8.0
# A state that OLM retries.
RETRIED = 20.0
# A state that another user of the cluster may be about to fix.
SLOW = 60.0

_CATALOG = "Look at the CatalogSource and its pod (label olm.catalogSource); without internet give a mirrored catalog."
_UNPACK = (
    "See that the nodes can pull the bundle's image; then delete the failed Job and the ConfigMap of the same name in"
    " the namespace of the catalog: OLM does not try again before that."
)
_MESSAGE = "Mend what the message names: mostly a missing definition or right, a webhook or a quota."
_PLAN = f"{_MESSAGE} Then delete the InstallPlan: OLM makes a new one only then."
_PODS = "Look at the Deployment of the operator, its pods and their events."
_GROUP = "The namespace of an operator for all namespaces needs exactly one OperatorGroup, without targetNamespaces."


class Row(NamedTuple):
    """What a state of an object means, for certain reasons and messages or for all, and what the user does about it."""

    kind: str
    """The kind of the object."""
    state: str
    """Its phase, or for a Subscription the type of a condition that is True. Empty means every state."""
    grace: float
    """After so many seconds in this state, it counts as a failure."""
    fix: str
    """What the user does about the state."""
    wrong: str = "OLM gives no reason"
    """What is wrong, if OLM gives no message."""
    reasons: tuple[str, ...] = ()
    """The reasons to which the row is limited; empty means every reason."""
    words: tuple[str, ...] = ()
    """Texts of which the message has one, in any case of letters; empty means every message."""


_UNSATISFIABLE = ("ConstraintsNotSatisfiable",)
# The first row that fits counts. The last row of each kind fits every state.
ROWS = (
    # Reports any unhealthy catalog of the cluster, which blocks the resolution while it lasts.
    Row(SUBSCRIPTION, "CatalogSourcesUnhealthy", SLOW, _CATALOG),
    Row(SUBSCRIPTION, "ResolutionFailed", SOON,
        "An earlier installation left that ClusterServiceVersion behind, and OLM takes up none that it finds: delete"
        " it, or run once with state absent.",
        reasons=_UNSATISFIABLE, words=("not referenced by a subscription",)),
    Row(SUBSCRIPTION, "ResolutionFailed", SOON,
        "All Subscriptions of a namespace are resolved together: mend those that the message names, or use a namespace"
        " of its own.", reasons=_UNSATISFIABLE),
    # OLM could not start the resolution, for example because a catalog is starting; it retries.
    Row(SUBSCRIPTION, "ResolutionFailed", SLOW, _CATALOG),
    Row(SUBSCRIPTION, "BundleUnpackFailed", SOON, _UNPACK),
    Row(SUBSCRIPTION, "BundleUnpacking", RETRIED, _UNPACK, words=("ImagePullBackOff", "ErrImagePull")),
    Row(SUBSCRIPTION, "BundleUnpacking", PASSING, _UNPACK, "the bundle is being unpacked"),
    Row(SUBSCRIPTION, "InstallPlanFailed", 0, _PLAN),
    Row(SUBSCRIPTION, "InstallPlanMissing", RETRIED,
        "It was deleted: remove the operator with state absent, and install it again.", "its InstallPlan is gone"),
    Row(SUBSCRIPTION, "InstallPlanPending", PASSING, "", "its InstallPlan is not done"),
    Row(SUBSCRIPTION, "UpgradeFailed", 0, "Look at the newest ClusterServiceVersion.", "OLM gave the upgrade up"),
    Row(SUBSCRIPTION, "", PASSING,
        "Look at the pods of OLM (catalog-operator and olm-operator), and at the OperatorGroups of the namespace:"
        " with none or with two OLM does nothing and says nothing.", "OLM has not processed it"),
    Row(PLAN, "Failed", 0, _UNPACK, words=("unpack",)),
    Row(PLAN, "Failed", 0, _PLAN),
    Row(PLAN, "RequiresApproval", PASSING, "Approve it, or delete it.", "it waits for approval"),
    Row(PLAN, "", PASSING, "Look at its status.plan and status.bundleLookups.", "it is not done"),
    Row(CSV, "Pending", 0, "Upgrade the cluster, or take an older channel or CSV.",
        reasons=("RequirementsNotMet",), words=("minKubeVersion",)),
    Row(CSV, "Pending", SLOW, _MESSAGE, reasons=("RequirementsNotMet", "APIServiceResourceIssue")),
    Row(CSV, "Pending", SOON, "Read its OperatorCondition; an administrator may override it in spec.overrides.",
        reasons=("OperatorConditionNotUpgradeable",)),
    Row(CSV, "Pending", SLOW, "Remove the custom resources that OLM waits for.", reasons=("WaitingOnCleanup",)),
    Row(CSV, "Pending", SLOW, _PODS, reasons=("NeedsReinstall",)),
    Row(CSV, "Failed", SOON, _GROUP, reasons=("UnsupportedOperatorGroup", "NoOperatorGroup", "TooManyOperatorGroups")),
    Row(CSV, "Failed", RETRIED, _GROUP, reasons=("NoTargetNamespaces",)),
    Row(CSV, "Failed", 0, "Take another version of it.",
        reasons=("InvalidInstallModes", "InvalidInstallStrategy", "InvalidWebhookDescription")),
    Row(CSV, "Failed", 0, "Remove the other one; two operators for the same kinds cannot be in one cluster.",
        reasons=("OwnerConflict", "InterOperatorGroupOwnerConflict")),
    Row(CSV, "Failed", 0, "Take staticProvidedAPIs out of the OperatorGroup, or use a namespace of its own.",
        reasons=("CannotModifyStaticOperatorGroupProvidedAPIs",)),
    Row(CSV, "Failed", 0, _MESSAGE, reasons=("InstallComponentFailedNoRetry",)),
    Row(CSV, "Failed", RETRIED, _PODS, reasons=("InstallCheckFailed",)),
    Row(CSV, "Failed", SLOW, _PODS, reasons=("ComponentUnhealthy",)),
    Row(CSV, "Failed", RETRIED, f"{_MESSAGE} If it names nothing, read the log of the olm-operator."),
    Row(CSV, "Deleting", RETRIED, "Find what deletes it, and run again.", "it is being deleted"),
    Row(CSV, "Installing", PASSING, _PODS, "its Deployment is not available"),
    Row(CSV, "", PASSING, "Look at its conditions.", "it is not installed"),
)  # fmt: skip


def row_for(kind: str, state: str, reason: str, message: str) -> Row:
    """Return what a state of an object means. Raises LookupError for a kind that the table does not have."""
    for row in ROWS:
        if row.kind == kind and _fits(row, state, reason, message):
            return row
    raise LookupError(kind)


def _fits(row: Row, state: str, reason: str, message: str) -> bool:
    """Return whether a row is about a state with this reason and message."""
    if row.state not in ("", state):
        return False
    if row.reasons and reason not in row.reasons:
        return False
    if not row.words:
        return True
    return any(words.lower() in message.lower() for words in row.words)
