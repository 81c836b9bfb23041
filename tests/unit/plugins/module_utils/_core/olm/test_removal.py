# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes with a Subscription."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm import removal

from .samples import NAMESPACE, ONE, olm, subscription

CSV = {"name": ONE, "namespace": NAMESPACE, "phase": "Succeeded", "reason": "", "message": "", "product": True}
PACKAGE = "opentelemetry-product"


def found(by: str = "olm", namespace: str = NAMESPACE, **more: Any) -> dict[str, Any]:
    crd = {"name": "instrumentations.opentelemetry.io", "ours": False, "installer": {"by": "olm", "name": ""}}
    workloads = [{"kind": "Deployment", "namespace": namespace, "name": "manager"}]
    there = {"installed": True, "ours": False, "installer": {"by": by, "name": ONE}, "namespace": namespace}
    return {**there, "crds": [crd], "workloads": workloads, "objects": [], **more}


@pytest.mark.parametrize(
    ("by", "namespace", "subscriptions", "csvs", "ours"),
    [
        ("olm", NAMESPACE, [subscription()], [CSV], True),
        ("olm", NAMESPACE, [], [CSV], True),  # what an interrupted removal left
        ("olm", NAMESPACE, [subscription(ours=False)], [CSV], False),
        ("olm", "elsewhere", [subscription()], [], False),
        ("helm", NAMESPACE, [subscription()], [CSV], False),
        ("olm", NAMESPACE, [], [], False),
    ],
)
def test_what_a_subscription_of_ours_brought_is_ours(
    by: str, namespace: str, subscriptions: list[Any], csvs: list[Any], ours: bool
) -> None:
    there = olm(subscriptions=subscriptions, csvs=csvs)
    assert removal.as_ours(NAMESPACE, PACKAGE, found(by, namespace), there)["ours"] is ours


def test_definitions_of_olm_are_ours_unless_somebody_else_has_a_subscription() -> None:
    for subscriptions, ours in (([], True), ([subscription()], True), ([subscription(ours=False)], False)):
        result = removal.as_ours(NAMESPACE, PACKAGE, found(), olm(subscriptions=subscriptions))
        assert [item["ours"] for item in result["crds"]] == [ours]


def test_what_helm_made_stays_helms() -> None:
    crd = {"name": "instrumentations.opentelemetry.io", "ours": False, "installer": {"by": "helm", "name": "a/b"}}
    assert not removal.as_ours(NAMESPACE, PACKAGE, found(crds=[crd]), olm())["crds"][0]["ours"]


def test_versions_and_their_workloads_go_with_the_subscription() -> None:
    result = removal.with_versions(NAMESPACE, found(ours=True), olm(subscriptions=[subscription()], csvs=[CSV]))
    assert [(item["kind"], item["name"]) for item in result["objects"]] == [
        ("ClusterServiceVersion", ONE),
        ("Deployment", "manager"),
    ]


def test_versions_of_somebody_else_stay() -> None:
    theirs = olm(subscriptions=[subscription(ours=False)], csvs=[CSV])
    assert removal.with_versions(NAMESPACE, found(), theirs)["objects"] == []
    other = olm(csvs=[{**CSV, "product": False}])
    assert removal.with_versions(NAMESPACE, found(ours=True), other)["objects"] == []


def test_an_operator_group_that_others_use_stays() -> None:
    objects = [{"kind": kind, "name": "a"} for kind in ("OperatorGroup", "Subscription")]
    neighbour = subscription(ours=False, name="tempo-product", package="tempo-product")
    there = olm(subscriptions=[subscription(), neighbour])
    result = removal.with_versions(NAMESPACE, found(ours=True, objects=objects), there)
    assert [item["kind"] for item in result["objects"]] == ["Subscription"]
    assert removal.neighbours(NAMESPACE, there) == [f"{NAMESPACE}/tempo-product"]
    assert removal.neighbours("elsewhere", there) == []
