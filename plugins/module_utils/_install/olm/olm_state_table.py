# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each state of a Subscription, InstallPlan and ClusterServiceVersion means. Private.

States and reasons come from the types in github.com/operator-framework/api (operators/v1alpha1). The sources of its
catalog operator and OLM operator show which of them OLM retries. olm_states.py looks up each state that it sees. An
object may stay in a state for the grace of its row; then the state counts as a failure.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# The kinds of objects that have a state.
SUBSCRIPTION = "Subscription"
PLAN = "InstallPlan"
CSV = "ClusterServiceVersion"
# After so many seconds a state counts as a failure. A passing one does so only at the time limit of the wait.
PASSING_SECONDS = math.inf
# A state that may be outdated, since OLM writes it only from time to time.
SOON_SECONDS = 8.0
# A state that OLM retries.
RETRIED_SECONDS = 20.0
# A state that another user of the cluster may be about to fix.
SLOW_SECONDS = 60.0

_CATALOG_FIX = (
    "Look at the CatalogSource and its pod (label olm.catalogSource); without internet give a mirrored catalog."
)
_UNPACK_FIX = (
    "See that the nodes can pull the bundle's image; then delete the failed Job and the ConfigMap of the same name in"
    " the namespace of the catalog: OLM does not try again before that."
)
_MESSAGE_FIX = "Mend what the message names: mostly a missing definition or right, a webhook or a quota."
_PLAN_FIX = f"{_MESSAGE_FIX} Then delete the InstallPlan: OLM makes a new one only then."
_PODS_FIX = "Look at the Deployment of the operator, its pods and their events."
_GROUP_FIX = (
    "The namespace of an operator for all namespaces needs exactly one OperatorGroup, without targetNamespaces."
)


class StateRow(NamedTuple):
    """What a state of an object means, for certain reasons and messages or for all, and what the user does about it."""

    kind: str
    """The kind of the object."""
    state: str
    """Its phase, or for a Subscription the type of a condition that is True. Empty means every state."""
    grace_seconds: float
    """After so many seconds in this state, it counts as a failure."""
    fix: str
    """What the user does about the state."""
    wrong: str = "OLM gives no reason"
    """What is wrong, if OLM gives no message."""
    reasons: tuple[str, ...] = ()
    """The reasons to which the row is limited; empty means every reason."""
    message_words: tuple[str, ...] = ()
    """Texts of which the message has one, in any case of letters; empty means every message."""


_UNSATISFIABLE = ("ConstraintsNotSatisfiable",)
# The first row that fits counts. The last row of each kind fits every state.
STATE_ROWS = (
    # Reports any unhealthy catalog of the cluster, which blocks the resolution while it lasts.
    StateRow(SUBSCRIPTION, "CatalogSourcesUnhealthy", SLOW_SECONDS, _CATALOG_FIX),
    StateRow(
        SUBSCRIPTION,
        "ResolutionFailed",
        SOON_SECONDS,
        "An earlier installation left that ClusterServiceVersion behind, and OLM takes up none that it finds: delete"
        " it, or if this collection made the OperatorGroup beside it, run once with state absent.",
        reasons=_UNSATISFIABLE,
        message_words=("not referenced by a subscription",),
    ),
    StateRow(
        SUBSCRIPTION,
        "ResolutionFailed",
        SOON_SECONDS,
        "All Subscriptions of a namespace are resolved together: mend those that the message names, or use a namespace"
        " of its own.",
        reasons=_UNSATISFIABLE,
    ),
    # OLM could not start the resolution, for example because a catalog is starting; it retries.
    StateRow(SUBSCRIPTION, "ResolutionFailed", SLOW_SECONDS, _CATALOG_FIX),
    StateRow(SUBSCRIPTION, "BundleUnpackFailed", SOON_SECONDS, _UNPACK_FIX),
    StateRow(
        SUBSCRIPTION,
        "BundleUnpacking",
        RETRIED_SECONDS,
        _UNPACK_FIX,
        message_words=("ImagePullBackOff", "ErrImagePull"),
    ),
    StateRow(SUBSCRIPTION, "BundleUnpacking", PASSING_SECONDS, _UNPACK_FIX, "the bundle is being unpacked"),
    StateRow(SUBSCRIPTION, "InstallPlanFailed", 0, _PLAN_FIX),
    StateRow(
        SUBSCRIPTION,
        "InstallPlanMissing",
        RETRIED_SECONDS,
        "It was deleted: remove the operator with state absent, and install it again.",
        "its InstallPlan is gone",
    ),
    StateRow(SUBSCRIPTION, "InstallPlanPending", PASSING_SECONDS, "", "its InstallPlan is not done"),
    StateRow(SUBSCRIPTION, "UpgradeFailed", 0, "Look at the newest ClusterServiceVersion.", "OLM gave the upgrade up"),
    StateRow(
        SUBSCRIPTION,
        "",
        PASSING_SECONDS,
        "Look at the pods of OLM (catalog-operator and olm-operator), and at the OperatorGroups of the namespace:"
        " with none or with two OLM does nothing and says nothing.",
        "OLM has not processed it",
    ),
    StateRow(PLAN, "Failed", 0, _UNPACK_FIX, message_words=("unpack",)),
    StateRow(PLAN, "Failed", 0, _PLAN_FIX),
    StateRow(PLAN, "RequiresApproval", PASSING_SECONDS, "Approve it, or delete it.", "it waits for approval"),
    StateRow(PLAN, "", PASSING_SECONDS, "Look at its status.plan and status.bundleLookups.", "it is not done"),
    StateRow(
        CSV,
        "Pending",
        0,
        "Upgrade the cluster, or take an older channel or CSV.",
        reasons=("RequirementsNotMet",),
        message_words=("minKubeVersion",),
    ),
    StateRow(CSV, "Pending", SLOW_SECONDS, _MESSAGE_FIX, reasons=("RequirementsNotMet", "APIServiceResourceIssue")),
    StateRow(
        CSV,
        "Pending",
        SOON_SECONDS,
        "Read its OperatorCondition; an administrator may override it in spec.overrides.",
        reasons=("OperatorConditionNotUpgradeable",),
    ),
    StateRow(
        CSV, "Pending", SLOW_SECONDS, "Remove the custom resources that OLM waits for.", reasons=("WaitingOnCleanup",)
    ),
    StateRow(CSV, "Pending", SLOW_SECONDS, _PODS_FIX, reasons=("NeedsReinstall",)),
    StateRow(
        CSV,
        "Failed",
        SOON_SECONDS,
        _GROUP_FIX,
        reasons=("UnsupportedOperatorGroup", "NoOperatorGroup", "TooManyOperatorGroups"),
    ),
    StateRow(CSV, "Failed", RETRIED_SECONDS, _GROUP_FIX, reasons=("NoTargetNamespaces",)),
    StateRow(
        CSV,
        "Failed",
        0,
        "Take another version of it.",
        reasons=("InvalidInstallModes", "InvalidInstallStrategy", "InvalidWebhookDescription"),
    ),
    StateRow(
        CSV,
        "Failed",
        0,
        "Remove the other one; two operators for the same kinds cannot be in one cluster.",
        reasons=("OwnerConflict", "InterOperatorGroupOwnerConflict"),
    ),
    StateRow(
        CSV,
        "Failed",
        0,
        "Take staticProvidedAPIs out of the OperatorGroup, or use a namespace of its own.",
        reasons=("CannotModifyStaticOperatorGroupProvidedAPIs",),
    ),
    StateRow(CSV, "Failed", 0, _MESSAGE_FIX, reasons=("InstallComponentFailedNoRetry",)),
    StateRow(CSV, "Failed", RETRIED_SECONDS, _PODS_FIX, reasons=("InstallCheckFailed",)),
    StateRow(CSV, "Failed", SLOW_SECONDS, _PODS_FIX, reasons=("ComponentUnhealthy",)),
    StateRow(CSV, "Failed", RETRIED_SECONDS, f"{_MESSAGE_FIX} If it names nothing, read the log of the olm-operator."),
    StateRow(CSV, "Deleting", RETRIED_SECONDS, "Find what deletes it, and run again.", "it is being deleted"),
    StateRow(CSV, "Installing", PASSING_SECONDS, _PODS_FIX, "its Deployment is not available"),
    StateRow(CSV, "", PASSING_SECONDS, "Look at its conditions.", "it is not installed"),
)


def find_row(kind: str, state: str, reason: str, message: str) -> StateRow:
    """Return what a state of an object means. Raises LookupError for a kind that the table does not have."""
    for row in STATE_ROWS:
        if row.kind == kind and _is_about(row, state, reason, message):
            return row
    raise LookupError(kind)


def _is_about(row: StateRow, state: str, reason: str, message: str) -> bool:
    """Return whether a row is about a state with this reason and message."""
    if row.state not in ("", state):
        return False
    if row.reasons and reason not in row.reasons:
        return False
    if not row.message_words:
        return True
    return any(phrase.lower() in message.lower() for phrase in row.message_words)
