# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of OLM's states knows every reason and condition of OLM's own types, so that a new one is noticed."""

from __future__ import annotations

import re

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm.olm_state_table import (
    CSV,
    STATE_ROWS,
    SUBSCRIPTION,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm.olm_symptoms import HARMLESS_CONDITIONS

from tests.testbed import olm

# Reasons that tell of work that goes on, or is done.
GOING_ON = {
    *("RequirementsUnknown", "AllRequirementsMet", "InstallWaiting", "InstallSucceeded", "BeingReplaced", "Replaced"),
    *("NeedsCertRotation", "APIServiceResourcesNeedReinstall", "Copied", "DetectedClusterChange"),
}
# Reasons of a failure that OLM retries: the message names what is wrong, and the last row of the failures is for all.
RETRIED = {"InstallComponentFailed", "APIServiceInstallFailed"}


def constants(file: str, type_name: str) -> set[str]:
    """Return the values of a type's constants."""
    lacking = olm.find_obstacle()
    if lacking:
        pytest.skip(f"OLM's types cannot be had: {lacking.why}")
    folder = olm.list_definitions()[0].parents[1] / "pkg" / "operators" / "v1alpha1"
    return set(re.findall(rf"\b\w+ +{type_name} += \"(\w+)\"", (folder / file).read_text(encoding="utf-8")))


def test_every_reason_of_a_version_has_a_meaning() -> None:
    known = {reason for row in STATE_ROWS if row.kind == CSV for reason in row.reasons}
    found = constants("clusterserviceversion_types.go", "ConditionReason")
    assert len(found) > len(GOING_ON)
    assert found - known - GOING_ON - RETRIED == set()
    assert known - found == set()


def test_every_phase_of_a_version_that_is_named_exists() -> None:
    phases = constants("clusterserviceversion_types.go", "ClusterServiceVersionPhase")
    assert {row.state for row in STATE_ROWS if row.kind == CSV} - phases == {""}


def test_every_condition_of_a_subscription_has_a_meaning() -> None:
    known = {row.state for row in STATE_ROWS if row.kind == SUBSCRIPTION}
    found = constants("subscription_types.go", "SubscriptionConditionType")
    assert found - known - set(HARMLESS_CONDITIONS) == set()
    assert known - found == {"", "UpgradeFailed"}
