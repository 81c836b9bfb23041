# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API's objects say, and what goes with a Subscription."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import olm_objects

from ...helpers import cases
from . import samples
from .samples import NAMESPACE, ONE, THREE, olm, subscription

CSV = {"name": ONE, "namespace": NAMESPACE, "phase": "Succeeded", "reason": "", "message": "", "product": True}
OURS = {"o11y.opentelemetry/release": "opentelemetry-operator"}
OBJECTS = [{"kind": kind, "name": "a"} for kind in ("OperatorGroup", "Subscription")]
NEIGHBOUR = subscription(ours=False, name="tempo-product", package="tempo-product")


def test_a_subscription() -> None:
    metadata = {"name": "a", "namespace": "ns", "labels": OURS}
    spec = {"name": "p", "channel": "c", "source": "s", "sourceNamespace": "sn", "installPlanApproval": "Manual"}
    result = olm_objects.read_subscription({"metadata": metadata, "spec": spec, "status": {"installedCSV": "x"}})
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
    assert (
        olm_objects.read_operator_group({"metadata": {"name": "a", "namespace": "ns"}, "spec": spec})["all"]
        is everywhere
    )


def test_a_version_of_the_operator_is_known_by_what_it_defines() -> None:
    told = {**CSV, "ours": False, "phase": "Failed", "reason": "OwnerConflict", "message": "no"}
    assert olm_objects.read_csv_object(samples.csv(ONE, "Failed", "OwnerConflict", "no")) == told
    other = {**samples.csv("tempo-operator.v1.0.0"), "spec": {}}
    assert olm_objects.read_csv_object(other)["product"] is False


def test_what_catalogs_and_packages_offer() -> None:
    metadata = {"name": "a", "namespace": "ns"}
    facts = {"name": "a", "namespace": "ns", "ours": False, "state": "", "message": ""}
    assert olm_objects.read_catalog({"metadata": metadata}) == facts
    status: dict[str, Any] = {"connectionState": {"lastObservedState": "READY"}, "message": "m"}
    assert olm_objects.read_catalog({"metadata": metadata, "status": status})["state"] == olm_objects.READY
    modes = [{"type": "OwnNamespace", "supported": False}, {"type": "AllNamespaces", "supported": True}]
    described = {"minKubeVersion": "1.25.0", "installModes": modes}
    entries = [{"name": ONE}, {"name": THREE}]
    stable = {"name": "stable", "currentCSV": THREE, "currentCSVDesc": described, "entries": entries}
    own = {"name": "own", "currentCSV": ONE, "currentCSVDesc": {"installModes": modes[:1]}}
    status = {"packageName": "p", "catalogSource": "s", "defaultChannel": "stable", "channels": [stable, own]}
    channels = olm_objects.read_package({"metadata": {"name": "p"}, "status": status})["channels"]
    offered = [(channel["csvs"], channel["all_namespaces"]) for channel in channels]
    assert offered == [([THREE, ONE], True), ([ONE], False)]
    assert channels[0]["min_kubernetes"] == "1.25.0"


def test_the_operator_has_two_packages_and_the_one_that_was_asked_for() -> None:
    wanted = [*olm_objects.PACKAGES, "own-build"]
    listed = [subscription(package=name) for name in (*wanted, "tempo-product")]
    assert [item["package"] for item in olm_objects.select_of_operator(listed, "own-build")] == wanted


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
    return olm_objects.mark_own_objects(NAMESPACE, "opentelemetry-product", product, there)


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
    ({}, {"subscriptions": [subscription(ours=False, package="own-build")], "csvs": [CSV]}, []),
    ({"ours": True}, {"csvs": [{**CSV, "product": False}]}, []),
    # An OperatorGroup that others use stays.
    ({"ours": True, "objects": OBJECTS}, {"subscriptions": [subscription(), NEIGHBOUR]}, ["Subscription"]),
)
def test_versions_and_their_workloads_go_with_the_subscription(product: Any, there: Any, kinds: list[str]) -> None:
    result = olm_objects.add_versions(NAMESPACE, "own-build", installed(**product), olm(**there))
    assert [item["kind"] for item in result["objects"]] == kinds
    names = {"ClusterServiceVersion": ONE, "Deployment": "manager", "Subscription": "a"}
    assert [item["name"] for item in result["objects"]] == [names[kind] for kind in kinds]


def test_neighbours_are_other_subscriptions_of_the_namespace() -> None:
    there = olm(subscriptions=[subscription(), NEIGHBOUR])
    assert olm_objects.list_other_subscriptions(NAMESPACE, there) == [NEIGHBOUR]
    assert olm_objects.list_other_subscriptions("elsewhere", there) == []
