# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every phase with every reason that OLM's types know: how long it may last, and that there is something to do."""

from __future__ import annotations

import itertools
import math

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm.meanings import (
    CSV,
    PLAN,
    RETRIED,
    ROWS,
    SLOW,
    SOON,
    SUBSCRIPTION,
    row_for,
)

# ClusterServiceVersionPhase and ConditionReason of operators/v1alpha1.
PHASES = ("", "Pending", "InstallReady", "Installing", "Succeeded", "Failed", "Unknown", "Replacing", "Deleting")
REASONS = (
    *("RequirementsUnknown", "RequirementsNotMet", "AllRequirementsMet", "OwnerConflict", "InstallComponentFailed"),
    *("InstallComponentFailedNoRetry", "InvalidInstallStrategy", "InstallWaiting", "InstallSucceeded"),
    *("InstallCheckFailed", "ComponentUnhealthy", "BeingReplaced", "Replaced", "NeedsReinstall", "NeedsCertRotation"),
    *("APIServiceResourceIssue", "APIServiceResourcesNeedReinstall", "APIServiceInstallFailed", "Copied"),
    *("InvalidInstallModes", "NoTargetNamespaces", "UnsupportedOperatorGroup", "NoOperatorGroup"),
    *("TooManyOperatorGroups", "InterOperatorGroupOwnerConflict", "CannotModifyStaticOperatorGroupProvidedAPIs"),
    *("DetectedClusterChange", "InvalidWebhookDescription", "OperatorConditionNotUpgradeable", "WaitingOnCleanup"),
)
AT_ONCE, PASSING = 0.0, math.inf
# What lasts for how long; every other reason of the phase is in the last column.
EXPECTED = {
    "Pending": (
        {
            **{"RequirementsNotMet": SLOW, "OperatorConditionNotUpgradeable": SOON, "WaitingOnCleanup": SLOW},
            **{"APIServiceResourceIssue": SLOW, "NeedsReinstall": SLOW},
        },
        PASSING,
    ),
    "Failed": (
        {
            **dict.fromkeys(("UnsupportedOperatorGroup", "TooManyOperatorGroups", "NoOperatorGroup"), SOON),
            **dict.fromkeys(("OwnerConflict", "InterOperatorGroupOwnerConflict", "InvalidInstallModes"), AT_ONCE),
            **dict.fromkeys(("InvalidInstallStrategy", "InvalidWebhookDescription"), AT_ONCE),
            **dict.fromkeys(("InstallComponentFailedNoRetry", "CannotModifyStaticOperatorGroupProvidedAPIs"), AT_ONCE),
            "ComponentUnhealthy": SLOW,
        },
        RETRIED,
    ),
    "Deleting": ({}, RETRIED),
}


@pytest.mark.parametrize(("phase", "reason"), list(itertools.product(PHASES, REASONS)))
def test_every_phase_with_every_reason(phase: str, reason: str) -> None:
    row = row_for(CSV, phase, reason, "")
    special, others = EXPECTED.get(phase, ({}, PASSING))
    assert row.grace == special.get(reason, others)
    assert row.wrong


@pytest.mark.parametrize(
    ("kind", "state", "reason", "message", "meaning"),
    [
        (
            SUBSCRIPTION,
            "CatalogSourcesUnhealthy",
            "UnhealthyCatalogSourceFound",
            "targeted a/b missing",
            (SOON, "exist"),
        ),
        (SUBSCRIPTION, "CatalogSourcesUnhealthy", "UnhealthyCatalogSourceFound", "a/b unhealthy", (SLOW, "answer")),
        (SUBSCRIPTION, "CatalogSourcesUnhealthy", "NoCatalogSourcesFound", "", (SOON, "no catalog")),
        (SUBSCRIPTION, "ResolutionFailed", "ConstraintsNotSatisfiable", "x", (SOON, "go together")),
        (
            SUBSCRIPTION,
            "ResolutionFailed",
            "ConstraintsNotSatisfiable",
            "no operators found in",
            (SOON, "does not have"),
        ),
        (
            *(SUBSCRIPTION, "ResolutionFailed", "ConstraintsNotSatisfiable"),
            *("clusterserviceversion a exists and is not referenced by a subscription", (SOON, "left behind")),
        ),
        (SUBSCRIPTION, "ResolutionFailed", "ErrorPreventedResolution", "x", (SLOW, "resolve")),
        (SUBSCRIPTION, "BundleUnpackFailed", "BundleUnpackFailed", "x", (SOON, "unpacked")),
        (SUBSCRIPTION, "BundleUnpacking", "", "Reason: ImagePullBackOff", (RETRIED, "pulled")),
        (SUBSCRIPTION, "BundleUnpacking", "", "", (PASSING, "unpacked")),
        (SUBSCRIPTION, "InstallPlanFailed", "InstallComponentFailed", "x", (AT_ONCE, "failed")),
        (SUBSCRIPTION, "InstallPlanMissing", "ReferencedInstallPlanNotFound", "", (RETRIED, "gone")),
        (SUBSCRIPTION, "InstallPlanPending", "RequiresApproval", "", (PASSING, "not done")),
        (SUBSCRIPTION, "UpgradeFailed", "", "", (AT_ONCE, "gave")),
        (SUBSCRIPTION, "UpgradePending", "", "", (PASSING, "not taken it up")),
        (PLAN, "Failed", "InstallComponentFailed", "bundle unpacking failed", (AT_ONCE, "unpacked")),
        (PLAN, "Failed", "InstallComponentFailed", "x", (AT_ONCE, "failed")),
        (PLAN, "RequiresApproval", "", "", (PASSING, "approval")),
        (PLAN, "Planning", "", "", (PASSING, "not done")),
        (CSV, "Pending", "RequirementsNotMet", "minKubeVersion (1.99.0)", (AT_ONCE, "Kubernetes")),
    ],
)
def test_states_and_words(kind: str, state: str, reason: str, message: str, meaning: tuple[float, str]) -> None:
    row = row_for(kind, state, reason, message)
    assert row.grace == meaning[0]
    assert meaning[1] in row.wrong


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}-{row.state}-{row.reason}-{row.words}")
def test_who_fails_is_told_what_to_do(row: object) -> None:
    kind, state, reason, words, grace, wrong, fix = row  # type: ignore[misc]
    assert row_for(kind, state, reason, words) == row  # no row before it takes its place
    assert wrong[0].islower() or wrong.startswith("OLM")
    assert fix.endswith((".", ":")) or math.isinf(grace)
