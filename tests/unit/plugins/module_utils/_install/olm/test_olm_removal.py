# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the removal of an operator of OLM has to delete."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import olm_removal

from ...helpers import cases
from .samples import NAME, NAMESPACE, ONE, THREE, TWO, olm, subscription

CSV = {"name": ONE, "namespace": NAMESPACE, "phase": "Succeeded", "reason": "", "message": "", "product": True}
OURS = {"o11y.opentelemetry/release": "opentelemetry-operator"}
GROUP = {"name": "mine", "namespace": NAMESPACE, "ours": True, "targets": [], "all": True}
GROUP_OF_OTHERS = {**GROUP, "name": "global", "ours": False}
OWN_SUBSCRIPTION = subscription(installed_csv=ONE, current_csv=ONE)
OTHER_SUBSCRIPTION = subscription(
    ours=False, name="theirs", package="opentelemetry-operator", installed_csv=TWO, current_csv=THREE
)
OTHER_CSV = {**CSV, "name": TWO}
BY_MANIFEST = {"ours": True, "installer": {"by": "manifest", "name": ""}, "namespace": "elsewhere"}
OBJECTS = [{"kind": kind, "name": "a"} for kind in ("OperatorGroup", "Subscription")]
NEIGHBOUR = subscription(ours=False, name="tempo-product", package="tempo-product")


def installed(by: str = "olm", namespace: str = NAMESPACE, **more: Any) -> dict[str, Any]:
    crd = {"name": "instrumentations.opentelemetry.io", "ours": False, "installer": {"by": "olm", "name": ""}}
    workloads = [{"kind": "Deployment", "namespace": namespace, "name": "manager"}]
    there = {"installed": True, "ours": False, "installer": {"by": by, "name": ONE}, "namespace": namespace}
    return {**there, "crds": [crd], "workloads": workloads, "objects": [], **more}


@cases(
    "by, namespace, there, ours",
    ("olm", NAMESPACE, {"subscriptions": [subscription()], "csvs": [CSV]}, True),
    ("olm", NAMESPACE, {"csvs": [CSV], "operator_groups": [GROUP]}, True),  # what an interrupted removal left
    ("olm", NAMESPACE, {"csvs": [CSV], "operator_groups": [GROUP_OF_OTHERS]}, False),
    ("olm", NAMESPACE, {"csvs": [CSV]}, False),
    ("olm", NAMESPACE, {"subscriptions": [subscription(ours=False)], "csvs": [CSV]}, False),
    ("olm", NAMESPACE, {"subscriptions": [subscription(ours=False)], "operator_groups": [GROUP]}, False),
    ("olm", "elsewhere", {"subscriptions": [subscription()]}, False),
    ("helm", NAMESPACE, {"subscriptions": [subscription()], "csvs": [CSV]}, False),
    ("olm", NAMESPACE, {"operator_groups": [GROUP]}, False),
)
def test_what_a_subscription_of_ours_brought_is_ours(
    by: str, namespace: str, there: dict[str, Any], ours: bool
) -> None:
    there = olm(**there)
    assert as_ours(there, installed(by, namespace))["ours"] is ours


def as_ours(there: Any, product: Any) -> Any:
    return olm_removal.mark_own_objects(NAMESPACE, "opentelemetry-product", product, there)


def test_definitions_of_olm_are_ours_unless_somebody_else_has_a_subscription_and_those_of_helm_are_not() -> None:
    for subscriptions, ours in (([], True), ([subscription()], True), ([subscription(ours=False)], False)):
        result = as_ours(olm(subscriptions=subscriptions), installed())
        assert [item["ours"] for item in result["crds"]] == [ours]
    assert not as_ours(olm(csvs=[CSV]), installed())["crds"][0]["ours"]
    crd = {"name": "instrumentations.opentelemetry.io", "ours": False, "installer": {"by": "helm", "name": "a/b"}}
    assert not as_ours(olm(), installed(crds=[crd]))["crds"][0]["ours"]


@cases(
    "product, there, kinds",
    ({"ours": True}, {"subscriptions": [subscription()], "csvs": [CSV]}, ["ClusterServiceVersion", "Deployment"]),
    ({}, {"subscriptions": [subscription(ours=False)], "csvs": [CSV]}, []),
    ({}, {"subscriptions": [subscription(ours=False, package="own-build")], "csvs": [CSV]}, []),
    ({"ours": True}, {"csvs": [{**CSV, "product": False}]}, []),
    # Without a Subscription, the OperatorGroup says whose a version is, also if its Deployment is gone.
    ({"installed": False}, {"csvs": [CSV], "operator_groups": [GROUP]}, ["ClusterServiceVersion", "Deployment"]),
    ({"installed": False}, {"csvs": [CSV], "operator_groups": [GROUP_OF_OTHERS]}, []),
    ({"installed": False}, {"csvs": [CSV]}, []),
    # A Deployment of ours from a manifest says nothing of versions of OLM.
    (BY_MANIFEST, {"subscriptions": [subscription(ours=False)], "csvs": [CSV]}, []),
    (BY_MANIFEST, {"subscriptions": [OTHER_SUBSCRIPTION], "csvs": [OTHER_CSV]}, []),
    (BY_MANIFEST, {"subscriptions": [OWN_SUBSCRIPTION], "csvs": [CSV]}, ["ClusterServiceVersion"]),
    # Beside a Subscription of others, those that ours names are ours.
    (
        {"ours": True},
        {"subscriptions": [OWN_SUBSCRIPTION, OTHER_SUBSCRIPTION], "csvs": [CSV, OTHER_CSV]},
        ["ClusterServiceVersion", "Deployment"],
    ),
    (
        {"ours": True, "installer": {"by": "olm", "name": TWO}},
        {"subscriptions": [OWN_SUBSCRIPTION, OTHER_SUBSCRIPTION], "csvs": [CSV, OTHER_CSV]},
        ["ClusterServiceVersion"],
    ),
    (
        {"ours": True},
        {"subscriptions": [subscription(), OTHER_SUBSCRIPTION], "csvs": [{**CSV, "name": THREE}, OTHER_CSV, CSV]},
        [],
    ),
    # A Subscription of others may be of a package that nobody knows.
    (
        {"ours": True},
        {
            "subscriptions": [subscription(), {**OTHER_SUBSCRIPTION, "package": "rebuilt"}],
            "csvs": [CSV, OTHER_CSV],
        },
        ["ClusterServiceVersion", "Deployment"],
    ),
    # The Deployment of another namespace is of another installation, whatever the name of its version is.
    (
        {"namespace": "elsewhere"},
        {"subscriptions": [subscription()], "csvs": [CSV]},
        ["ClusterServiceVersion"],
    ),
    # An OperatorGroup that others use stays.
    ({"ours": True, "objects": OBJECTS}, {"subscriptions": [subscription(), NEIGHBOUR]}, ["Subscription"]),
)
def test_versions_and_their_workloads_go_with_the_subscription(product: Any, there: Any, kinds: list[str]) -> None:
    result = olm_removal.choose_objects_to_remove(NAMESPACE, "own-build", installed(**product), olm(**there))
    assert [item["kind"] for item in result["objects"]] == kinds
    names = {"ClusterServiceVersion": ONE, "Deployment": "manager", "Subscription": "a"}
    assert [item["name"] for item in result["objects"]] == [names[kind] for kind in kinds]


def test_neighbours_are_other_subscriptions_of_the_namespace() -> None:
    there = olm(subscriptions=[subscription(), NEIGHBOUR])
    assert olm_removal.list_other_subscriptions(NAMESPACE, there) == [NEIGHBOUR]
    assert olm_removal.list_other_subscriptions("elsewhere", there) == []


@cases(
    "there, names",
    ({"csvs": [CSV]}, [f"{NAMESPACE}/{ONE}"]),
    ({"csvs": [CSV], "operator_groups": [GROUP]}, []),
    ({"csvs": [CSV], "subscriptions": [subscription()]}, []),
    ({"csvs": [CSV], "subscriptions": [subscription(ours=False)]}, []),
    ({"csvs": [{**CSV, "product": False}]}, []),
    # Beside a Subscription of others, a version that no Subscription names may be of either owner.
    (
        {
            "csvs": [CSV, OTHER_CSV, {**CSV, "name": "left-over"}],
            "subscriptions": [OWN_SUBSCRIPTION, OTHER_SUBSCRIPTION],
        },
        [f"{NAMESPACE}/left-over"],
    ),
)
def test_versions_that_nothing_shows_to_be_ours_are_named(there: Any, names: list[str]) -> None:
    assert olm_removal.list_unclaimed_versions(NAMESPACE, NAME, olm(**there)) == names
