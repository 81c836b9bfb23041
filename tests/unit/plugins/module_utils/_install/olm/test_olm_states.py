# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each state of OLM may last, what there is to do, and what is to be done now."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import install_objects
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import (
    olm_state_table as meanings,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import olm_states as state
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm.install_objects import InstallGoal
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm.olm_states import APPROVE, DONE, WAIT

from ...helpers import cases
from .samples import NAME, NAMESPACE, ONE, THREE, TWO, csv, plan, subscribed

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
REFUSE = "refuse"
# What lasts for how long; every other reason of the phase is in the last column.
SLOW, SOON, RETRIED = meanings.SLOW_SECONDS, meanings.SOON_SECONDS, meanings.RETRIED_SECONDS
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
SUBSCRIPTION, PLAN, CSV = meanings.SUBSCRIPTION, meanings.PLAN, meanings.CSV
UNHEALTHY = (SUBSCRIPTION, "CatalogSourcesUnhealthy", "UnhealthyCatalogSourceFound")
UNSATISFIABLE = (SUBSCRIPTION, "ResolutionFailed", "ConstraintsNotSatisfiable")
NEXT, TEMPO = "opentelemetry-operator.v0.159.0-1", "tempo-operator.v0.20.0"
PINNED, NEWEST, ANY = (InstallGoal(NAMESPACE, NAME, *rest) for rest in ((TWO, True), (THREE, False), ("", False)))


@pytest.mark.parametrize(("phase", "reason"), list(itertools.product(PHASES, REASONS)))
def test_every_phase_with_every_reason(phase: str, reason: str) -> None:
    row = meanings.find_row(meanings.CSV, phase, reason, "")
    special, others = EXPECTED.get(phase, ({}, PASSING))
    assert row.grace_seconds == special.get(reason, others)
    assert row.wrong


@cases(
    "state, message, grace, advice",
    (UNHEALTHY, "targeted a/b missing", SLOW, "Look at the CatalogSource"),
    (UNHEALTHY, "a/b unhealthy", SLOW, "Look at the CatalogSource"),
    ((SUBSCRIPTION, "CatalogSourcesUnhealthy", "NoCatalogSourcesFound"), "", SLOW, "Look at the CatalogSource"),
    (UNSATISFIABLE, "x", SOON, "resolved together"),
    (UNSATISFIABLE, "no operators found in", SOON, "mend those that the message names"),
    (UNSATISFIABLE, "clusterserviceversion a exists and is not referenced by a subscription", SOON, "left that"),
    ((SUBSCRIPTION, "ResolutionFailed", "ErrorPreventedResolution"), "x", SLOW, "Look at the CatalogSource"),
    ((SUBSCRIPTION, "BundleUnpackFailed", "BundleUnpackFailed"), "x", SOON, "delete the failed Job"),
    ((SUBSCRIPTION, "BundleUnpacking", ""), "Reason: ImagePullBackOff", RETRIED, "can pull"),
    ((SUBSCRIPTION, "BundleUnpacking", ""), "Reason: ErrImagePull", RETRIED, "can pull"),
    ((SUBSCRIPTION, "BundleUnpacking", ""), "", PASSING, "can pull"),
    ((SUBSCRIPTION, "InstallPlanFailed", "InstallComponentFailed"), "x", AT_ONCE, "delete the InstallPlan"),
    ((SUBSCRIPTION, "InstallPlanMissing", "ReferencedInstallPlanNotFound"), "", RETRIED, "It was deleted"),
    ((SUBSCRIPTION, "InstallPlanPending", "RequiresApproval"), "", PASSING, ""),
    ((SUBSCRIPTION, "UpgradeFailed", ""), "", AT_ONCE, "newest ClusterServiceVersion"),
    ((SUBSCRIPTION, "UpgradePending", ""), "", PASSING, "with none or with two"),
    ((PLAN, "Failed", "InstallComponentFailed"), "bundle unpacking failed", AT_ONCE, "delete the failed Job"),
    ((PLAN, "Failed", "InstallComponentFailed"), "x", AT_ONCE, "delete the InstallPlan"),
    ((PLAN, "RequiresApproval", ""), "", PASSING, "Approve it"),
    ((PLAN, "Planning", ""), "", PASSING, "status.plan"),
    ((CSV, "Pending", "RequirementsNotMet"), "minKubeVersion (1.99.0)", AT_ONCE, "Upgrade the cluster"),
    ((CSV, "Pending", "RequirementsNotMet"), "x", SLOW, "a missing definition or right"),
    ((CSV, "Failed", "TooManyOperatorGroups"), "x", SOON, "exactly one OperatorGroup"),
    ((CSV, "Failed", "RequirementsNotMet"), "", RETRIED, "read the log of the olm-operator"),
)
def test_states_and_words(state: tuple[str, str, str], message: str, grace: float, advice: str) -> None:
    row = meanings.find_row(*state, message)
    assert row.grace_seconds == grace and advice in row.fix


@pytest.mark.parametrize("row", meanings.STATE_ROWS, ids=str)
def test_who_fails_is_told_what_to_do(row: meanings.StateRow) -> None:
    for reason, words in itertools.product(row.reasons or ("",), row.message_words or ("",)):
        assert meanings.find_row(row.kind, row.state, reason, words) == row  # no row before it takes its place
    assert row.wrong[0].islower() or row.wrong.startswith("OLM")
    assert row.fix.endswith((".", ":")) or math.isinf(row.grace_seconds)


def look(goal: InstallGoal, subscription: dict[str, Any] | None, *items: dict[str, Any]) -> state.OlmVerdict:
    plans = [item for item in items if item["kind"] == "InstallPlan"]
    csvs = {item["metadata"]["name"]: item for item in items if item["kind"] == "ClusterServiceVersion"}
    return state.judge_installation(goal, install_objects.LiveObjects(subscription, plans, csvs))


def outcome(verdict: state.OlmVerdict) -> str:
    """Return the next step, or that it is refused: then a symptom is none of the table."""
    refused = [symptom for symptom in verdict.symptoms if symptom.row not in meanings.STATE_ROWS]
    assert all(symptom.row.grace_seconds == SOON and symptom.wrong and symptom.row.fix for symptom in refused)
    return REFUSE if refused else verdict.next_step


def states(verdict: state.OlmVerdict) -> list[tuple[str, str]]:
    return [(symptom.row.kind, symptom.state) for symptom in verdict.symptoms]


@cases(
    "goal, installed, current, phase, what",
    (PINNED, TWO, TWO, "Succeeded", DONE),
    (PINNED, TWO, THREE, "Succeeded", DONE),  # the next one waits for approval
    (PINNED, TWO, TWO, "Installing", WAIT),
    (PINNED, ONE, ONE, "Succeeded", WAIT),
    (PINNED, THREE, THREE, "Succeeded", REFUSE),
    (PINNED, "", "", "", WAIT),
    (NEWEST, THREE, THREE, "Succeeded", DONE),
    (NEWEST, TWO, TWO, "Succeeded", WAIT),
    (NEWEST, NEXT, NEXT, "Succeeded", DONE),
    (NEWEST, THREE, NEXT, "Succeeded", WAIT),  # OLM goes on by itself
    (NEWEST, THREE, THREE, "Failed", WAIT),
    (ANY, ONE, ONE, "Succeeded", DONE),
    (ANY, ONE, TWO, "Succeeded", DONE),
    (ANY, "", "", "", WAIT),
)
def test_when_it_is_there(goal: InstallGoal, installed: str, current: str, phase: str, what: str) -> None:
    subscription = subscribed(installedCSV=installed, currentCSV=current, state="AtLatestKnown")
    assert outcome(look(goal, subscription, *([csv(installed, phase)] if installed else []))) == what


@cases(
    "installed, current, brings, done, told",
    ("", TWO, (TWO,), {}, (APPROVE, "install-1", (TWO,))),
    ("", TWO, (TWO, TEMPO), {}, (REFUSE, "install-1", (TWO, TEMPO))),
    (TWO, THREE, (THREE,), {}, (DONE, "install-1", (THREE,))),  # an upgrade beyond the pin is left
    (TWO, TWO, (TWO,), {"phase": "Complete", "approved": True}, (DONE, "", ())),
)
def test_a_plan_is_approved_or_ends_the_wait(installed: str, current: str, brings: Any, done: Any, told: Any) -> None:
    subscription = subscribed("install-1", installedCSV=installed, currentCSV=current, state="UpgradePending")
    verdict = look(PINNED, subscription, plan("install-1", *brings, **done), *([csv(TWO)] if installed else []))
    assert (outcome(verdict), verdict.plan_name, verdict.plan_versions) == told


def test_what_knows_most_comes_first() -> None:
    condition = ("InstallPlanPending", "Installing", "")
    subscription = subscribed("install-1", (condition,), currentCSV=TWO, installedCSV="", state="UpgradePending")
    installing = plan("install-1", TWO, phase="Installing", approved=True)
    found = states(look(PINNED, subscription, installing, csv(TWO, "Pending", "RequirementsNotMet")))
    assert found == [(CSV, "Pending"), (PLAN, "Installing")]
    assert states(look(PINNED, subscription)) == [(SUBSCRIPTION, "InstallPlanPending")]  # its plan may not be read


@cases(
    "coming, installed, names",
    (("Pending", "RequirementsUnknown"), ("Failed", "ComponentUnhealthy"), [TWO, ONE]),
    (("Installing", "InstallWaiting"), ("Replacing",), [TWO]),
)
def test_an_installed_version_that_is_in_the_way_is_told(coming: Any, installed: Any, names: list[str]) -> None:
    subscription = subscribed("install-1", installedCSV=ONE, currentCSV=TWO)
    verdict = look(PINNED, subscription, csv(TWO, *coming), csv(ONE, *installed))
    assert [symptom.name for symptom in verdict.symptoms] == names


def test_conditions_are_told_and_deprecations_are_not() -> None:
    conditions = (
        ("ResolutionFailed", "ConstraintsNotSatisfiable", "no operators found in channel x"),
        *(("Deprecated", "", "it is old"), ("ChannelDeprecated", "", "channel old ends")),
    )
    subscription = subscribed(conditions=conditions)
    verdict = look(PINNED, subscription)
    assert states(verdict) == [(SUBSCRIPTION, "ResolutionFailed")]
    assert verdict.symptoms[0].wrong == "no operators found in channel x"
    assert install_objects.list_deprecations(subscription) == ["channel old ends"]


def test_a_catalog_that_is_away_does_not_stop_what_is_resolved() -> None:
    condition = ("CatalogSourcesUnhealthy", "UnhealthyCatalogSourceFound", "targeted catalogsource a/b unhealthy")
    waiting = look(PINNED, subscribed(conditions=(condition,))).symptoms
    assert [symptom.row.grace_seconds for symptom in waiting] == [SLOW]
    coming = look(PINNED, subscribed("i", (condition,), currentCSV=TWO), csv(TWO, "Installing", "InstallWaiting"))
    assert states(coming) == [(CSV, "Installing")]
    left = look(PINNED, subscribed(conditions=(condition,)), csv(TWO, "Installing", "InstallWaiting"))
    assert states(left) == [(CSV, "Installing"), (SUBSCRIPTION, "CatalogSourcesUnhealthy")], "nothing is resolved"


def test_without_a_true_condition_a_subscription_that_nobody_has_taken_up_is_the_symptom() -> None:
    subscription = subscribed(conditions=(("CatalogSourcesUnhealthy", "AllCatalogSourcesHealthy", "fine"),))
    subscription["status"]["conditions"][0]["status"] = "False"
    for given in (subscription, subscribed(), None):
        assert states(look(PINNED, given)) == [(SUBSCRIPTION, "")]


def test_requirements_that_are_not_met_are_named() -> None:
    met = {"kind": "ServiceAccount", "name": "manager", "status": "Present"}
    unmet = {"kind": "CustomResourceDefinition", "name": "a.b", "status": "NotPresent", "message": "CRD is not present"}
    pending = csv(TWO, "Pending", "RequirementsNotMet", "not found", requirementStatus=[met, unmet])
    (symptom, *_rest) = look(PINNED, subscribed(currentCSV=TWO), pending).symptoms
    assert symptom.message == "not found; CustomResourceDefinition a.b is NotPresent: CRD is not present"
    assert symptom.result_row["reason"] == "RequirementsNotMet"


@cases(
    "status, reason, message",
    ({"conditions": [{"status": "False", "reason": "Component", "message": "no"}]}, "Component", "no"),
    ({"bundleLookups": [{"conditions": [{"reason": "Incomplete", "message": "pulling"}]}]}, "Incomplete", "pulling"),
    ({"message": "said"}, "", "said"),
    ({"conditions": [{"status": "True", "message": "well"}]}, "", ""),
)
def test_a_plan_tells_what_is_wrong(status: dict[str, Any], reason: str, message: str) -> None:
    failed = plan("install-1", TWO, phase="Installing", approved=True, **status)
    (symptom,) = look(PINNED, subscribed("install-1", currentCSV=TWO), failed).symptoms
    assert (symptom.reason, symptom.message) == (reason, message)


def test_an_upgrade_that_olm_gave_up_is_told_and_a_symptom_stays_the_same_while_its_message_counts() -> None:
    subscription = subscribed("install-1", currentCSV=TWO, state="UpgradeFailed")
    done = plan("install-1", TWO, phase="Complete", approved=True)
    assert states(look(PINNED, subscription, done)) == [(SUBSCRIPTION, "UpgradeFailed")]
    failed = (csv(TWO, "Failed", "InstallCheckFailed", text) for text in "12")
    one, two = (look(PINNED, subscribed(currentCSV=TWO), item).symptoms[0] for item in failed)
    assert one.identity_key == two.identity_key


def choose(*plans: Any, target: str = TWO, installed: str = "", pinned: bool = True) -> state.OlmVerdict:
    """Return the verdict on plans; the Subscription refers to `newest`, and what is installed does not work yet."""
    there = subscribed("newest", installedCSV=installed, currentCSV=installed)
    return look(InstallGoal(NAMESPACE, NAME, target, pinned), there, csv(installed, "Installing"), *plans)


@cases(
    "brings, target, installed, pinned, what",
    ((TWO,), TWO, "", True, APPROVE),
    ((TWO,), TWO, ONE, True, APPROVE),
    ((TWO,), THREE, ONE, True, APPROVE),  # a step on the way
    ((THREE,), TWO, ONE, True, REFUSE),
    ((THREE,), TWO, TWO, True, WAIT),  # the pin is there, the next one waits
    ((TWO, TEMPO), TWO, ONE, True, REFUSE),
    ((TEMPO, TWO), TWO, ONE, True, REFUSE),
    ((THREE, TEMPO), TWO, TWO, True, WAIT),
    ((TEMPO,), TWO, ONE, True, WAIT),
    ((TWO,), TWO, ONE, False, APPROVE),
    ((TWO,), THREE, ONE, False, APPROVE),
    ((THREE,), TWO, ONE, False, WAIT),  # a plan of the channel of before
    ((THREE, TEMPO), TWO, ONE, False, REFUSE),
)
def test_a_plan_is_judged_by_what_it_brings(brings: Any, target: str, installed: str, pinned: bool, what: str) -> None:
    verdict = choose(plan("newest", *brings), target=target, installed=installed, pinned=pinned)
    assert outcome(verdict) == what
    assert (verdict.plan_name == "newest") == (what != WAIT)


def test_what_would_come_is_told_and_the_newest_plan_for_the_pin_counts_though_a_newer_one_came() -> None:
    (more,), (past,) = (choose(plan("newest", *names)).symptoms for names in ((TWO, TEMPO), (THREE,)))
    assert more.wrong == f"it installs {TEMPO} beside {TWO}" and "a namespace of its own" in more.row.fix
    assert past.wrong == f"it goes to {THREE}, past the pinned {TWO}"
    listed = [plan("early", TWO), plan("newest", THREE, generation=2)]
    assert choose(*listed, installed=ONE) == state.OlmVerdict("approve", "early", (TWO,))
    assert choose(plan("early", TWO, generation=5), plan("newest", TWO, generation=1)).plan_name == "newest"
    assert choose(plan("a", TWO, generation=1), plan("b", TWO, generation=2)).plan_name == "b"


@cases("more", {"approved": True}, {"phase": "Installing"}, {"phase": ""})
def test_what_does_not_wait_is_left(more: dict[str, Any]) -> None:
    assert choose(plan("newest", TWO, **more)).next_step == "wait"


def test_the_owner_is_one_of_several() -> None:
    item = plan("newest", TWO)
    item["metadata"]["ownerReferences"].append({"kind": "Subscription", "name": "tempo-product"})
    assert install_objects.is_made_for(item, "tempo-product")
    assert not install_objects.is_made_for(item, "other") and not install_objects.is_made_for({"metadata": {}}, "other")
