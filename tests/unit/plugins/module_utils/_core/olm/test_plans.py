# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plans are approved, what the API's objects say, and what goes with a Subscription."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core import olm
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm import meanings

from ..helpers import cases
from . import samples
from .samples import NAMESPACE, ONE, THREE, TWO, plan, subscription

OTHER = "tempo-operator.v0.20.0"


def choose(
    *listed: dict[str, Any], target: str = TWO, installed: str = "", pinned: bool = True
) -> meanings.PlanDecision:
    return meanings.choose(listed, "newest", target, installed, pinned=pinned)


@cases(
    "brings, target, installed, pinned, what",
    ((TWO,), TWO, "", True, "approve"),
    ((TWO,), TWO, ONE, True, "approve"),
    ((TWO,), THREE, ONE, True, "approve"),  # a step on the way
    ((THREE,), TWO, ONE, True, "refuse"),
    ((THREE,), TWO, TWO, True, "leave"),  # the pin is there, the next one waits
    ((TWO, OTHER), TWO, ONE, True, "refuse"),
    ((OTHER, TWO), TWO, ONE, True, "refuse"),
    ((THREE, OTHER), TWO, TWO, True, "leave"),
    ((OTHER,), TWO, ONE, True, "leave"),
    ((TWO,), TWO, ONE, False, "approve"),
    ((TWO,), THREE, ONE, False, "approve"),
    ((THREE,), TWO, ONE, False, "leave"),  # a plan of the channel of before
    ((THREE, OTHER), TWO, ONE, False, "refuse"),
)
def test_a_plan_is_judged_by_what_it_brings(
    brings: tuple[str, ...], target: str, installed: str, pinned: bool, what: str
) -> None:
    choice = choose(plan("newest", *brings), target=target, installed=installed, pinned=pinned)
    assert choice.what == what
    assert (choice.plan == "newest") == (what != "leave" or choice.brings != ())
    assert bool(choice.wrong and choice.fix) == (what == "refuse")


def test_what_would_come_is_told() -> None:
    choice = choose(plan("newest", TWO, OTHER))
    assert choice.wrong == f"it installs {OTHER} beside {TWO}"
    assert "a namespace of its own" in choice.fix
    assert choose(plan("newest", THREE)).wrong == f"it goes to {THREE}, past the pinned {TWO}"


def test_the_plan_for_the_pin_counts_though_a_newer_one_came() -> None:
    listed = [plan("early", TWO), plan("newest", THREE, generation=2)]
    assert choose(*listed, installed=ONE) == meanings.PlanDecision("approve", "early", (TWO,))


def test_of_two_plans_for_the_pin_the_newest_counts() -> None:
    listed = [plan("early", TWO, generation=5), plan("newest", TWO, generation=1)]
    assert choose(*listed).plan == "newest"
    assert choose(plan("a", TWO, generation=1), plan("b", TWO, generation=2)).plan == "b"


@cases(
    "done", plan("newest", TWO, approved=True), plan("newest", TWO, phase="Installing"), plan("newest", TWO, phase="")
)
def test_what_does_not_wait_is_left(done: dict[str, Any]) -> None:
    assert choose(done) == meanings.PlanDecision("leave")


def test_the_owner_is_one_of_several() -> None:
    item = plan("newest", TWO)
    item["metadata"]["ownerReferences"].append({"kind": "Subscription", "name": "tempo-product"})
    assert meanings.is_owned(item, "tempo-product")
    assert not meanings.is_owned(item, "other")
    assert not meanings.is_owned({"metadata": {}}, "other")


OURS = {"o11y.opentelemetry/release": "opentelemetry-operator"}


def test_a_subscription() -> None:
    metadata = {"name": "a", "namespace": "ns", "labels": OURS}
    spec = {"name": "p", "channel": "c", "source": "s", "sourceNamespace": "sn", "installPlanApproval": "Manual"}
    result = olm.found.subscription({"metadata": metadata, "spec": spec, "status": {"installedCSV": "x"}})
    assert result == {
        **{"name": "a", "namespace": "ns", "ours": True, "package": "p", "channel": "c", "source": "s"},
        **{"source_namespace": "sn", "starting_csv": "", "approval": "Manual", "installed_csv": "x"},
        **{"current_csv": "", "state": ""},
    }


@cases(
    "spec, everywhere",
    ({}, True),
    ({"upgradeStrategy": "Default"}, True),
    ({"targetNamespaces": [""]}, True),
    ({"selector": {}}, True),
    ({"targetNamespaces": ["a"]}, False),
    ({"selector": {"matchLabels": {"a": "b"}}}, False),
    ({"selector": {"matchExpressions": [{"key": "a"}]}}, False),
)
def test_an_operator_group_is_for_all_namespaces_or_not(spec: dict[str, Any], everywhere: bool) -> None:
    assert olm.found.operator_group({"metadata": {"name": "a"}, "spec": spec})["all"] is everywhere


def test_a_version_of_the_operator_is_known_by_what_it_defines() -> None:
    assert olm.found.csv(samples.csv(samples.ONE, "Failed", "OwnerConflict", "no")) == {
        **{"name": samples.ONE, "namespace": samples.NAMESPACE, "phase": "Failed", "reason": "OwnerConflict"},
        **{"message": "no", "product": True},
    }
    other = samples.csv("tempo-operator.v1.0.0")
    other["spec"] = {}
    assert olm.found.csv(other)["product"] is False


def test_a_catalog() -> None:
    metadata = {"name": "a", "namespace": "ns"}
    assert olm.found.catalog({"metadata": metadata}) == {"name": "a", "namespace": "ns", "state": "", "message": ""}
    status = {"connectionState": {"lastObservedState": "READY"}, "message": "m"}
    assert olm.found.catalog({"metadata": metadata, "status": status})["state"] == olm.found.READY


def test_what_a_package_offers() -> None:
    modes = [{"type": "OwnNamespace", "supported": False}, {"type": "AllNamespaces", "supported": True}]
    described = {"minKubeVersion": "1.25.0", "installModes": modes}
    entries = [{"name": samples.ONE}, {"name": samples.THREE}]
    stable = {"name": "stable", "currentCSV": samples.THREE, "currentCSVDesc": described, "entries": entries}
    own = {"name": "own", "currentCSV": samples.ONE, "currentCSVDesc": {"installModes": modes[:1]}}
    status = {"packageName": "p", "catalogSource": "s", "defaultChannel": "stable", "channels": [stable, own]}
    result = olm.found.package({"metadata": {"name": "p"}, "status": status})
    assert [channel["csvs"] for channel in result["channels"]] == [[samples.THREE, samples.ONE], [samples.ONE]]
    assert [channel["all_namespaces"] for channel in result["channels"]] == [True, False]
    assert result["channels"][0]["min_kubernetes"] == "1.25.0"


def test_the_operator_has_two_packages_and_the_one_that_was_asked_for() -> None:
    listed = [samples.subscription(package=name) for name in (*olm.found.PACKAGES, "own-build", "tempo-product")]
    assert [item["package"] for item in olm.found.of_operator(listed, "own-build")] == [
        *olm.found.PACKAGES,
        "own-build",
    ]


CSV = {"name": ONE, "namespace": NAMESPACE, "phase": "Succeeded", "reason": "", "message": "", "product": True}
PACKAGE = "opentelemetry-product"


def found(by: str = "olm", namespace: str = NAMESPACE, **more: Any) -> dict[str, Any]:
    crd = {"name": "instrumentations.opentelemetry.io", "ours": False, "installer": {"by": "olm", "name": ""}}
    workloads = [{"kind": "Deployment", "namespace": namespace, "name": "manager"}]
    there = {"installed": True, "ours": False, "installer": {"by": by, "name": ONE}, "namespace": namespace}
    return {**there, "crds": [crd], "workloads": workloads, "objects": [], **more}


@cases(
    "by, namespace, subscriptions, csvs, ours",
    ("olm", NAMESPACE, [subscription()], [CSV], True),
    ("olm", NAMESPACE, [], [CSV], True),  # what an interrupted removal left
    ("olm", NAMESPACE, [subscription(ours=False)], [CSV], False),
    ("olm", "elsewhere", [subscription()], [], False),
    ("helm", NAMESPACE, [subscription()], [CSV], False),
    ("olm", NAMESPACE, [], [], False),
)
def test_what_a_subscription_of_ours_brought_is_ours(
    by: str, namespace: str, subscriptions: list[Any], csvs: list[Any], ours: bool
) -> None:
    there = samples.olm(subscriptions=subscriptions, csvs=csvs)
    assert olm.found.as_ours(NAMESPACE, PACKAGE, found(by, namespace), there)["ours"] is ours


def test_definitions_of_olm_are_ours_unless_somebody_else_has_a_subscription() -> None:
    for subscriptions, ours in (([], True), ([subscription()], True), ([subscription(ours=False)], False)):
        result = olm.found.as_ours(NAMESPACE, PACKAGE, found(), samples.olm(subscriptions=subscriptions))
        assert [item["ours"] for item in result["crds"]] == [ours]


def test_what_helm_made_stays_helms() -> None:
    crd = {"name": "instrumentations.opentelemetry.io", "ours": False, "installer": {"by": "helm", "name": "a/b"}}
    assert not olm.found.as_ours(NAMESPACE, PACKAGE, found(crds=[crd]), samples.olm())["crds"][0]["ours"]


def test_versions_and_their_workloads_go_with_the_subscription() -> None:
    result = olm.found.with_versions(
        NAMESPACE, found(ours=True), samples.olm(subscriptions=[subscription()], csvs=[CSV])
    )
    assert [(item["kind"], item["name"]) for item in result["objects"]] == [
        ("ClusterServiceVersion", ONE),
        ("Deployment", "manager"),
    ]


def test_versions_of_somebody_else_stay() -> None:
    theirs = samples.olm(subscriptions=[subscription(ours=False)], csvs=[CSV])
    assert olm.found.with_versions(NAMESPACE, found(), theirs)["objects"] == []
    other = samples.olm(csvs=[{**CSV, "product": False}])
    assert olm.found.with_versions(NAMESPACE, found(ours=True), other)["objects"] == []


def test_an_operator_group_that_others_use_stays() -> None:
    objects = [{"kind": kind, "name": "a"} for kind in ("OperatorGroup", "Subscription")]
    neighbour = subscription(ours=False, name="tempo-product", package="tempo-product")
    there = samples.olm(subscriptions=[subscription(), neighbour])
    result = olm.found.with_versions(NAMESPACE, found(ours=True, objects=objects), there)
    assert [item["kind"] for item in result["objects"]] == ["Subscription"]
    assert olm.found.neighbours(NAMESPACE, there) == [f"{NAMESPACE}/tempo-product"]
    assert olm.found.neighbours("elsewhere", there) == []
