# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plans are approved, what the API's objects say, and what goes with a Subscription."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import olm_objects
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import olm_states as state

from ...helpers import cases
from . import samples
from .samples import NAMESPACE, ONE, THREE, TWO, olm, plan, subscription

OTHER = "tempo-operator.v0.20.0"
CSV = {"name": ONE, "namespace": NAMESPACE, "phase": "Succeeded", "reason": "", "message": "", "product": True}
OURS = {"o11y.opentelemetry/release": "opentelemetry-operator"}
OBJECTS = [{"kind": kind, "name": "a"} for kind in ("OperatorGroup", "Subscription")]
NEIGHBOUR = subscription(ours=False, name="tempo-product", package="tempo-product")


def choose(*plans: Any, target: str = TWO, installed: str = "", pinned: bool = True) -> state.OlmVerdict:
    """Return the verdict on plans; the Subscription refers to `newest`, and what is installed does not work yet."""
    there = samples.subscribed("newest", installedCSV=installed, currentCSV=installed)
    csvs = {installed: samples.csv(installed, "Installing")}
    return state.judge(state.Goal(NAMESPACE, "a", target, pinned), state.OlmObjects(there, plans, csvs))


@cases(
    "brings, target, installed, pinned, what",
    ((TWO,), TWO, "", True, "approve"),
    ((TWO,), TWO, ONE, True, "approve"),
    ((TWO,), THREE, ONE, True, "approve"),  # a step on the way
    ((THREE,), TWO, ONE, True, "fail"),
    ((THREE,), TWO, TWO, True, "wait"),  # the pin is there, the next one waits
    ((TWO, OTHER), TWO, ONE, True, "fail"),
    ((OTHER, TWO), TWO, ONE, True, "fail"),
    ((THREE, OTHER), TWO, TWO, True, "wait"),
    ((OTHER,), TWO, ONE, True, "wait"),
    ((TWO,), TWO, ONE, False, "approve"),
    ((TWO,), THREE, ONE, False, "approve"),
    ((THREE,), TWO, ONE, False, "wait"),  # a plan of the channel of before
    ((THREE, OTHER), TWO, ONE, False, "fail"),
)
def test_a_plan_is_judged_by_what_it_brings(brings: Any, target: str, installed: str, pinned: bool, what: str) -> None:
    verdict = choose(plan("newest", *brings), target=target, installed=installed, pinned=pinned)
    assert verdict.what == what
    assert (verdict.plan == "newest") == (what != "wait")
    assert bool(verdict.wrong and verdict.fix) == (what == "fail")


def test_what_would_come_is_told_and_the_newest_plan_for_the_pin_counts_though_a_newer_one_came() -> None:
    verdict = choose(plan("newest", TWO, OTHER))
    assert verdict.wrong == f"it installs {OTHER} beside {TWO}" and "a namespace of its own" in verdict.fix
    assert choose(plan("newest", THREE)).wrong == f"it goes to {THREE}, past the pinned {TWO}"
    listed = [plan("early", TWO), plan("newest", THREE, generation=2)]
    assert choose(*listed, installed=ONE) == state.OlmVerdict("approve", "early", (TWO,))
    assert choose(plan("early", TWO, generation=5), plan("newest", TWO, generation=1)).plan == "newest"
    assert choose(plan("a", TWO, generation=1), plan("b", TWO, generation=2)).plan == "b"


@cases("more", {"approved": True}, {"phase": "Installing"}, {"phase": ""})
def test_what_does_not_wait_is_left(more: dict[str, Any]) -> None:
    assert choose(plan("newest", TWO, **more)).what == "wait"


def test_the_owner_is_one_of_several() -> None:
    item = plan("newest", TWO)
    item["metadata"]["ownerReferences"].append({"kind": "Subscription", "name": "tempo-product"})
    assert state.is_owned(item, "tempo-product")
    assert not state.is_owned(item, "other") and not state.is_owned({"metadata": {}}, "other")


def test_a_subscription() -> None:
    metadata = {"name": "a", "namespace": "ns", "labels": OURS}
    spec = {"name": "p", "channel": "c", "source": "s", "sourceNamespace": "sn", "installPlanApproval": "Manual"}
    result = olm_objects.subscription({"metadata": metadata, "spec": spec, "status": {"installedCSV": "x"}})
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
    assert olm_objects.operator_group({"metadata": {"name": "a", "namespace": "ns"}, "spec": spec})["all"] is everywhere


def test_a_version_of_the_operator_is_known_by_what_it_defines() -> None:
    told = {**CSV, "ours": False, "phase": "Failed", "reason": "OwnerConflict", "message": "no"}
    assert olm_objects.csv(samples.csv(ONE, "Failed", "OwnerConflict", "no")) == told
    other = {**samples.csv("tempo-operator.v1.0.0"), "spec": {}}
    assert olm_objects.csv(other)["product"] is False


def test_what_catalogs_and_packages_offer() -> None:
    metadata = {"name": "a", "namespace": "ns"}
    facts = {"name": "a", "namespace": "ns", "ours": False, "state": "", "message": ""}
    assert olm_objects.catalog({"metadata": metadata}) == facts
    status: dict[str, Any] = {"connectionState": {"lastObservedState": "READY"}, "message": "m"}
    assert olm_objects.catalog({"metadata": metadata, "status": status})["state"] == olm_objects.READY
    modes = [{"type": "OwnNamespace", "supported": False}, {"type": "AllNamespaces", "supported": True}]
    described = {"minKubeVersion": "1.25.0", "installModes": modes}
    entries = [{"name": ONE}, {"name": THREE}]
    stable = {"name": "stable", "currentCSV": THREE, "currentCSVDesc": described, "entries": entries}
    own = {"name": "own", "currentCSV": ONE, "currentCSVDesc": {"installModes": modes[:1]}}
    status = {"packageName": "p", "catalogSource": "s", "defaultChannel": "stable", "channels": [stable, own]}
    channels = olm_objects.package({"metadata": {"name": "p"}, "status": status})["channels"]
    offered = [(channel["csvs"], channel["all_namespaces"]) for channel in channels]
    assert offered == [([THREE, ONE], True), ([ONE], False)]
    assert channels[0]["min_kubernetes"] == "1.25.0"


def test_the_operator_has_two_packages_and_the_one_that_was_asked_for() -> None:
    wanted = [*olm_objects.PACKAGES, "own-build"]
    listed = [subscription(package=name) for name in (*wanted, "tempo-product")]
    assert [item["package"] for item in olm_objects.of_operator(listed, "own-build")] == wanted


def installed(by: str = "olm", namespace: str = NAMESPACE, **more: Any) -> dict[str, Any]:
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
    there = olm(subscriptions=subscriptions, csvs=csvs)
    assert as_ours(there, installed(by, namespace))["ours"] is ours


def as_ours(there: Any, product: Any) -> Any:
    return olm_objects.as_ours(NAMESPACE, "opentelemetry-product", product, there)


def test_definitions_of_olm_are_ours_unless_somebody_else_has_a_subscription_and_those_of_helm_are_not() -> None:
    for subscriptions, ours in (([], True), ([subscription()], True), ([subscription(ours=False)], False)):
        result = as_ours(olm(subscriptions=subscriptions), installed())
        assert [item["ours"] for item in result["crds"]] == [ours]
    crd = {"name": "instrumentations.opentelemetry.io", "ours": False, "installer": {"by": "helm", "name": "a/b"}}
    assert not as_ours(olm(), installed(crds=[crd]))["crds"][0]["ours"]


@cases(
    "product, there, kinds",
    ({"ours": True}, {"subscriptions": [subscription()], "csvs": [CSV]}, ["ClusterServiceVersion", "Deployment"]),
    ({}, {"subscriptions": [subscription(ours=False)], "csvs": [CSV]}, []),
    ({"ours": True}, {"csvs": [{**CSV, "product": False}]}, []),
    # An OperatorGroup that others use stays.
    ({"ours": True, "objects": OBJECTS}, {"subscriptions": [subscription(), NEIGHBOUR]}, ["Subscription"]),
)
def test_versions_and_their_workloads_go_with_the_subscription(product: Any, there: Any, kinds: list[str]) -> None:
    result = olm_objects.with_versions(NAMESPACE, installed(**product), olm(**there))
    assert [item["kind"] for item in result["objects"]] == kinds
    names = {"ClusterServiceVersion": ONE, "Deployment": "manager", "Subscription": "a"}
    assert [item["name"] for item in result["objects"]] == [names[kind] for kind in kinds]


def test_neighbours_are_other_subscriptions_of_the_namespace() -> None:
    there = olm(subscriptions=[subscription(), NEIGHBOUR])
    assert olm_objects.neighbours(NAMESPACE, there) == [NEIGHBOUR]
    assert olm_objects.neighbours("elsewhere", there) == []
