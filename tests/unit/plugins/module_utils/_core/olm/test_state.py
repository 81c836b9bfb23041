# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done now, over everything that can be seen."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm.meanings import (
    CSV,
    PASSING,
    PLAN,
    SLOW,
    SUBSCRIPTION,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm.state import (
    APPROVE,
    DONE,
    FAIL,
    WAIT,
    Goal,
    OlmObjects,
    OlmVerdict,
    deprecations,
    judge,
)

from ..helpers import cases
from .samples import ONE, THREE, TWO, csv, plan, subscribed

PINNED, NEWEST, ANY = (Goal("opentelemetry-product", *rest) for rest in ((TWO, True), (THREE, False), ("", False)))


def look(goal: Goal, subscription: dict[str, Any] | None, *items: dict[str, Any]) -> OlmVerdict:
    plans = [item for item in items if item["kind"] == "InstallPlan"]
    csvs = {item["metadata"]["name"]: item for item in items if item["kind"] == "ClusterServiceVersion"}
    return judge(goal, OlmObjects(subscription, plans, csvs))


def states(verdict: OlmVerdict) -> list[tuple[str, str]]:
    return [(symptom.row.kind, symptom.state) for symptom in verdict.symptoms]


@cases(
    "goal, installed, current, phase, what",
    (PINNED, TWO, TWO, "Succeeded", DONE),
    (PINNED, TWO, THREE, "Succeeded", DONE),  # the next one waits for approval
    (PINNED, TWO, TWO, "Installing", WAIT),
    (PINNED, ONE, ONE, "Succeeded", WAIT),
    (PINNED, THREE, THREE, "Succeeded", FAIL),
    (PINNED, "", "", "", WAIT),
    (NEWEST, THREE, THREE, "Succeeded", DONE),
    (NEWEST, TWO, TWO, "Succeeded", WAIT),
    (NEWEST, "opentelemetry-operator.v0.159.0-1", "opentelemetry-operator.v0.159.0-1", "Succeeded", DONE),
    (NEWEST, THREE, "opentelemetry-operator.v0.159.0-1", "Succeeded", WAIT),  # OLM goes on by itself
    (NEWEST, THREE, THREE, "Failed", WAIT),
    (ANY, ONE, ONE, "Succeeded", DONE),
    (ANY, ONE, TWO, "Succeeded", DONE),
    (ANY, "", "", "", WAIT),
)
def test_when_it_is_there(goal: Goal, installed: str, current: str, phase: str, what: str) -> None:
    subscription = subscribed(installedCSV=installed, currentCSV=current, state="AtLatestKnown")
    assert look(goal, subscription, *([csv(installed, phase)] if installed else [])).what == what


def test_a_plan_for_the_pin_is_approved() -> None:
    verdict = look(PINNED, subscribed("install-1", currentCSV=TWO, state="UpgradePending"), plan("install-1", TWO))
    assert (verdict.what, verdict.choice.plan) == (APPROVE, "install-1")


def test_a_plan_that_brings_more_ends_the_wait() -> None:
    verdict = look(PINNED, subscribed("install-1", currentCSV=TWO), plan("install-1", TWO, "tempo-operator.v0.20.0"))
    assert verdict.what == FAIL
    assert verdict.choice.brings == (TWO, "tempo-operator.v0.20.0")


def test_an_upgrade_beyond_the_pin_is_told_and_left() -> None:
    subscription = subscribed("install-2", installedCSV=TWO, currentCSV=THREE)
    verdict = look(PINNED, subscription, plan("install-2", THREE), csv(TWO))
    assert (verdict.what, verdict.choice.what, verdict.choice.brings) == (DONE, "leave", (THREE,))


def test_a_plan_that_is_done_is_not_told_as_waiting() -> None:
    subscription = subscribed("install-2", installedCSV=TWO, currentCSV=TWO)
    verdict = look(PINNED, subscription, plan("install-2", TWO, phase="Complete", approved=True), csv(TWO))
    assert verdict.choice.plan == ""


def test_what_knows_most_comes_first() -> None:
    condition = ("InstallPlanPending", "Installing", "")
    subscription = subscribed("install-1", (condition,), currentCSV=TWO, installedCSV="", state="UpgradePending")
    installing = plan("install-1", TWO, phase="Installing", approved=True)
    assert states(look(PINNED, subscription, installing, csv(TWO, "Pending", "RequirementsNotMet"))) == [
        (CSV, "Pending"),
        (PLAN, "Installing"),
    ]
    assert states(look(PINNED, subscription)) == [(SUBSCRIPTION, "InstallPlanPending")]  # its plan may not be read


def test_an_installed_version_that_is_in_the_way_is_told() -> None:
    subscription = subscribed("install-1", installedCSV=ONE, currentCSV=TWO)
    verdict = look(
        PINNED, subscription, csv(TWO, "Pending", "RequirementsUnknown"), csv(ONE, "Failed", "ComponentUnhealthy")
    )
    assert [symptom.name for symptom in verdict.symptoms] == [TWO, ONE]
    replaced = look(PINNED, subscription, csv(TWO, "Installing", "InstallWaiting"), csv(ONE, "Replacing"))
    assert [symptom.name for symptom in replaced.symptoms] == [TWO]


def test_a_subscription_that_nobody_has_taken_up_is_a_symptom() -> None:
    assert states(look(PINNED, subscribed())) == [(SUBSCRIPTION, "")]
    assert states(look(PINNED, None)) == [(SUBSCRIPTION, "")]


def test_conditions_are_told_and_deprecations_are_not() -> None:
    conditions = (
        ("ResolutionFailed", "ConstraintsNotSatisfiable", "no operators found in channel x"),
        ("Deprecated", "", "it is old"),
        ("ChannelDeprecated", "", "channel old ends"),
    )
    subscription = subscribed(conditions=conditions)
    verdict = look(PINNED, subscription)
    assert states(verdict) == [(SUBSCRIPTION, "ResolutionFailed")]
    assert "does not have" in verdict.symptoms[0].row.wrong
    assert deprecations(subscription) == ["channel old ends"]


def test_a_catalog_that_is_away_does_not_stop_what_is_resolved() -> None:
    condition = ("CatalogSourcesUnhealthy", "UnhealthyCatalogSourceFound", "targeted catalogsource a/b unhealthy")
    waiting = look(PINNED, subscribed(conditions=(condition,))).symptoms
    assert [symptom.row.grace for symptom in waiting] == [SLOW]
    coming = look(PINNED, subscribed("i", (condition,), currentCSV=TWO), csv(TWO, "Installing", "InstallWaiting"))
    assert [(symptom.row.kind, symptom.row.grace) for symptom in coming.symptoms] == [
        *((CSV, PASSING), (SUBSCRIPTION, PASSING))
    ]


def test_a_condition_that_is_not_true_is_none() -> None:
    subscription = subscribed(conditions=(("CatalogSourcesUnhealthy", "AllCatalogSourcesHealthy", "fine"),))
    subscription["status"]["conditions"][0]["status"] = "False"
    assert states(look(PINNED, subscription)) == [(SUBSCRIPTION, "")]


def test_requirements_that_are_not_met_are_named() -> None:
    met = {"kind": "ServiceAccount", "name": "manager", "status": "Present"}
    unmet = {"kind": "CustomResourceDefinition", "name": "a.b", "status": "NotPresent", "message": "CRD is not present"}
    pending = csv(TWO, "Pending", "RequirementsNotMet", "not found", requirementStatus=[met, unmet])
    (symptom, *_rest) = look(PINNED, subscribed(currentCSV=TWO), pending).symptoms
    assert symptom.message == "not found; CustomResourceDefinition a.b is NotPresent: CRD is not present"
    assert symptom.fact["reason"] == "RequirementsNotMet"


@cases(
    "status, reason, message",
    (
        {"conditions": [{"status": "False", "reason": "InstallComponentFailed", "message": "no"}]},
        "InstallComponentFailed",
        "no",
    ),
    (
        {"bundleLookups": [{"conditions": [{"reason": "JobIncomplete", "message": "pulling"}]}]},
        "JobIncomplete",
        "pulling",
    ),
    ({"message": "said"}, "", "said"),
    ({"conditions": [{"status": "True", "message": "well"}]}, "", ""),
)
def test_a_plan_tells_what_is_wrong(status: dict[str, Any], reason: str, message: str) -> None:
    failed = plan("install-1", TWO, phase="Installing", approved=True, **status)
    (symptom,) = look(PINNED, subscribed("install-1", currentCSV=TWO), failed).symptoms
    assert (symptom.reason, symptom.message) == (reason, message)


def test_an_upgrade_that_olm_gave_up_is_told() -> None:
    subscription = subscribed("install-1", currentCSV=TWO, state="UpgradeFailed")
    assert states(look(PINNED, subscription, plan("install-1", TWO, phase="Complete", approved=True))) == [
        (SUBSCRIPTION, "UpgradeFailed")
    ]


def test_a_symptom_stays_the_same_while_its_message_counts() -> None:
    one, two = (
        look(PINNED, subscribed(currentCSV=TWO), csv(TWO, "Failed", "InstallCheckFailed", text)) for text in "12"
    )
    assert one.symptoms[0].key == two.symptoms[0].key
