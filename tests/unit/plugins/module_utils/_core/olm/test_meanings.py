# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every phase with every reason that OLM's types know: how long it may last, and that there is something to do."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm import found, meanings

from ..helpers import cases

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
SLOW, SOON, RETRIED = meanings.SLOW, meanings.SOON, meanings.RETRIED
EXPECTED: dict[str, tuple[dict[str, float], float]] = {
    "Pending": (
        dict.fromkeys(("RequirementsNotMet", "WaitingOnCleanup", "APIServiceResourceIssue", "NeedsReinstall"), SLOW)
        | {"OperatorConditionNotUpgradeable": SOON},
        PASSING,
    ),
    "Failed": (
        dict.fromkeys(("UnsupportedOperatorGroup", "TooManyOperatorGroups", "NoOperatorGroup"), SOON)
        | dict.fromkeys(("OwnerConflict", "InterOperatorGroupOwnerConflict", "InvalidInstallModes"), AT_ONCE)
        | dict.fromkeys(("InvalidInstallStrategy", "InvalidWebhookDescription"), AT_ONCE)
        | dict.fromkeys(("InstallComponentFailedNoRetry", "CannotModifyStaticOperatorGroupProvidedAPIs"), AT_ONCE)
        | {"ComponentUnhealthy": SLOW},
        RETRIED,
    ),
    "Deleting": ({}, RETRIED),
}


@pytest.mark.parametrize(("phase", "reason"), list(itertools.product(PHASES, REASONS)))
def test_every_phase_with_every_reason(phase: str, reason: str) -> None:
    row = meanings.row_for(meanings.CSV, phase, reason, "")
    special, others = EXPECTED.get(phase, ({}, PASSING))
    assert row.grace == special.get(reason, others)
    assert row.wrong


SUBSCRIPTION, PLAN, CSV = meanings.SUBSCRIPTION, meanings.PLAN, meanings.CSV
UNHEALTHY = (SUBSCRIPTION, "CatalogSourcesUnhealthy", "UnhealthyCatalogSourceFound")
UNSATISFIABLE = (SUBSCRIPTION, "ResolutionFailed", "ConstraintsNotSatisfiable")


@cases(
    "state, message, grace, wrong",
    (UNHEALTHY, "targeted a/b missing", SOON, "exist"),
    (UNHEALTHY, "a/b unhealthy", SLOW, "answer"),
    ((SUBSCRIPTION, "CatalogSourcesUnhealthy", "NoCatalogSourcesFound"), "", SOON, "no catalog"),
    (UNSATISFIABLE, "x", SOON, "go together"),
    (UNSATISFIABLE, "no operators found in", SOON, "does not have"),
    (UNSATISFIABLE, "clusterserviceversion a exists and is not referenced by a subscription", SOON, "left behind"),
    ((SUBSCRIPTION, "ResolutionFailed", "ErrorPreventedResolution"), "x", SLOW, "resolve"),
    ((SUBSCRIPTION, "BundleUnpackFailed", "BundleUnpackFailed"), "x", SOON, "unpacked"),
    ((SUBSCRIPTION, "BundleUnpacking", ""), "Reason: ImagePullBackOff", RETRIED, "pulled"),
    ((SUBSCRIPTION, "BundleUnpacking", ""), "", PASSING, "unpacked"),
    ((SUBSCRIPTION, "InstallPlanFailed", "InstallComponentFailed"), "x", AT_ONCE, "failed"),
    ((SUBSCRIPTION, "InstallPlanMissing", "ReferencedInstallPlanNotFound"), "", RETRIED, "gone"),
    ((SUBSCRIPTION, "InstallPlanPending", "RequiresApproval"), "", PASSING, "not done"),
    ((SUBSCRIPTION, "UpgradeFailed", ""), "", AT_ONCE, "gave"),
    ((SUBSCRIPTION, "UpgradePending", ""), "", PASSING, "not processed it"),
    ((PLAN, "Failed", "InstallComponentFailed"), "bundle unpacking failed", AT_ONCE, "unpacked"),
    ((PLAN, "Failed", "InstallComponentFailed"), "x", AT_ONCE, "failed"),
    ((PLAN, "RequiresApproval", ""), "", PASSING, "approval"),
    ((PLAN, "Planning", ""), "", PASSING, "not done"),
    ((CSV, "Pending", "RequirementsNotMet"), "minKubeVersion (1.99.0)", AT_ONCE, "Kubernetes"),
)
def test_states_and_words(state: tuple[str, str, str], message: str, grace: float, wrong: str) -> None:
    row = meanings.row_for(*state, message)
    assert row.grace == grace and wrong in row.wrong


@pytest.mark.parametrize("row", meanings.ROWS, ids=lambda row: f"{row.kind}-{row.state}-{row.reason}-{row.words}")
def test_who_fails_is_told_what_to_do(row: object) -> None:
    kind, state, reason, words, grace, wrong, fix = row  # type: ignore[misc]
    assert meanings.row_for(kind, state, reason, words) == row  # no row before it takes its place
    assert wrong[0].islower() or wrong.startswith("OLM")
    assert fix.endswith((".", ":")) or math.isinf(grace)


@cases(
    "name, base, version",
    ("opentelemetry-operator.v0.140.0-2", "opentelemetry-operator", "0.140.0-2"),
    ("opentelemetry-operator.v0.158.0", "opentelemetry-operator", "0.158.0"),
    ("tempo-operator.v0.8.0+3", "tempo-operator", "0.8.0+3"),
    ("some.operator.1.2.3", "some.operator", "1.2.3"),
)
def test_a_name_has_a_base_and_a_version(name: str, base: str, version: str) -> None:
    said: Any = found.read_csv(name)
    assert (said.base, said.version) == (base, version)


@pytest.mark.parametrize("name", ["project-quay", "operator.v1", "", "operator.v1.2.3 "])
def test_a_name_without_a_version_has_no_order(name: str) -> None:
    assert found.read_csv(name) is None
    with pytest.raises(Problem, match=r"no version in it.*at otel_operator_olm_csv"):
        found.checked(name, "otel_operator_olm_csv")
    assert not found.is_before(name, "b.v2.0.0")


@cases(
    "older, newer",
    ("o.v0.9.0", "o.v0.10.0"),
    ("o.v0.93.0-2", "o.v0.93.0-3"),
    ("o.v0.93.0-9", "o.v0.93.0-10"),
    ("o.v0.93.0-3", "o.v0.93.0"),
    ("o.v0.93.0", "o.v0.93.0+1"),
    ("o.v0.93.0-1", "o.v0.93.0-rc"),
)
def test_versions_have_an_order(older: str, newer: str) -> None:
    assert found.is_before(older, newer)
    assert not found.is_before(newer, older)
    assert found.newest_first([older, newer, "no-version"]) == [newer, older]
    assert not found.is_before("a.v1.0.0", "b.v2.0.0"), "different operators have no order"
