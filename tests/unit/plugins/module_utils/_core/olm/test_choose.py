# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm.choose import (
    OlmPlan,
    OlmRequest,
    namespace_for,
    plan,
    version_of,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm.offer import PackageRequest

from .samples import NAMESPACE, ONE, THREE, TWO, olm, subscription

ASKED = PackageRequest("opentelemetry-product", "redhat-operators", "openshift-marketplace")
GROUP = {"name": "global", "ours": False, "targets": [], "all": True}
LEFT = {"name": ONE, "namespace": NAMESPACE, "phase": "Succeeded", "reason": "", "message": "", "product": True}


def chosen(found: dict[str, Any] | None = None, csv: str = "", **more: Any) -> OlmPlan:
    approval = "manual" if csv else "automatic"
    wanted = OlmRequest(ASKED._replace(csv=csv, channel=more.pop("channel", "")), NAMESPACE, approval)
    return plan(wanted._replace(**more), found or olm())


def kinds(result: OlmPlan) -> dict[str, Any]:
    return {item["kind"]: item for item in result.manifests}


def test_an_empty_cluster_gets_a_namespace_an_operator_group_and_a_subscription() -> None:
    result = chosen()
    assert (result.action, result.csv, result.subscription) == ("install", THREE, "opentelemetry-product")
    made = kinds(result)
    assert list(made) == ["Namespace", "OperatorGroup", "Subscription"]
    assert made["Namespace"]["metadata"]["labels"]["openshift.io/cluster-monitoring"] == "true"
    assert made["OperatorGroup"]["spec"] == {}
    assert made["Subscription"]["spec"] == {
        **{"name": "opentelemetry-product", "channel": "stable", "installPlanApproval": "Automatic"},
        **{"source": "redhat-operators", "sourceNamespace": "openshift-marketplace"},
    }
    for item in result.manifests:
        assert item["metadata"]["labels"]["o11y.opentelemetry/release"] == "opentelemetry-operator"


def test_a_pin_is_where_olm_begins_and_every_plan_waits() -> None:
    spec = kinds(chosen(csv=ONE))["Subscription"]["spec"]
    assert (spec["startingCSV"], spec["installPlanApproval"]) == (ONE, "Manual")


def test_a_pin_that_moves_leaves_the_beginning() -> None:
    found = olm(subscriptions=[subscription(installed_csv=ONE, starting_csv=ONE, approval="Manual")])
    result = chosen(found, csv=TWO)
    assert (result.action, result.csv) == ("upgrade", TWO)
    assert kinds(result)["Subscription"]["spec"]["startingCSV"] == ONE


def test_a_pin_that_was_never_begun_may_move() -> None:
    result = chosen(olm(subscriptions=[subscription(starting_csv=ONE)]), csv=TWO)
    assert result.action == "install"
    assert kinds(result)["Subscription"]["spec"]["startingCSV"] == TWO


@pytest.mark.parametrize(
    ("installed", "csv", "action"),
    [
        (THREE, "", "unchanged"),
        (ONE, "", "upgrade"),
        (TWO, TWO, "unchanged"),
        (ONE, TWO, "upgrade"),
        ("odd", "", "upgrade"),
    ],
)
def test_what_is_there_is_left_or_goes_on(installed: str, csv: str, action: str) -> None:
    found = olm(subscriptions=[subscription(installed_csv=installed, name="as-it-was")])
    result = chosen(found, csv=csv)
    assert (result.action, result.subscription) == (action, "as-it-was")
    assert kinds(result)["Subscription"]["metadata"]["name"] == "as-it-was"


def test_the_configuration_of_the_deployment_is_passed_on() -> None:
    config = {"env": [{"name": "A", "value": "1"}]}
    assert kinds(chosen(config=config))["Subscription"]["spec"]["config"] == config


@pytest.mark.parametrize(
    ("groups", "name"),
    [([], NAMESPACE), ([{**GROUP, "ours": True, "name": "mine"}], "mine"), ([GROUP], None)],
)
def test_an_operator_group_that_is_there_is_used(groups: list[dict[str, Any]], name: str | None) -> None:
    made = kinds(chosen(olm(operator_groups=groups)))
    assert (made["OperatorGroup"]["metadata"]["name"] if name else made.get("OperatorGroup")) == name


def test_an_operator_group_may_have_a_name_of_its_own() -> None:
    assert kinds(chosen(operator_group="mine"))["OperatorGroup"]["metadata"]["name"] == "mine"


def test_a_version_of_ours_with_its_subscription_is_no_leftover() -> None:
    found = olm(subscriptions=[subscription(installed_csv=ONE)], csvs=[LEFT])
    assert chosen(found).action == "upgrade"


@pytest.mark.parametrize(
    ("found", "given", "words"),
    [
        ({"served": False}, {}, "nobody serves operators.coreos.com"),
        ({"packages_served": False}, {}, "apiservice v1.packages.operators.coreos.com"),
        ({}, {"approval": "manual"}, "manual approval needs the version"),
        ({}, {"csv": ONE, "approval": "automatic"}, f"goes past {ONE} to the newest"),
        (
            {"subscriptions": [subscription(ours=False)]},
            {},
            "somebody else's Subscription .* brings the operator already",
        ),
        (
            {"subscriptions": [subscription(ours=False, namespace="operators", package="opentelemetry-operator")]},
            *({}, "operators/opentelemetry-product brings"),
        ),
        ({"subscriptions": [subscription(namespace="elsewhere")]}, {}, "is elsewhere/opentelemetry-product, and"),
        (
            {"subscriptions": [subscription(package="opentelemetry-operator")]},
            {},
            "is for package opentelemetry-operator",
        ),
        ({"subscriptions": [subscription(installed_csv=THREE)]}, {"csv": TWO}, f"the pinned {TWO} is older"),
        (
            {"subscriptions": [subscription(installed_csv=THREE)]},
            *({"channel": "old"}, f"the newest of channel old, {ONE}, is older"),
        ),
        ({"subscriptions": [subscription(current_csv=THREE)]}, {"csv": TWO}, "OLM never goes back"),
        ({"operator_groups": [GROUP, {**GROUP, "name": "two"}]}, {}, r"more than one OperatorGroup \(global, two\)"),
        ({"operator_groups": [{**GROUP, "targets": ["a"], "all": False}]}, {}, "is for a namespaces"),
        ({"csvs": [LEFT]}, {}, "there without a Subscription"),
    ],
)
def test_what_olm_could_not_do_is_refused(found: dict[str, Any], given: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem, match=words):
        chosen(olm(**found), **given)


def test_other_versions_of_the_namespace_are_nobodys_business() -> None:
    assert chosen(olm(csvs=[{**LEFT, "product": False}])).action == "install"


def test_namespaces_are_those_of_the_packages() -> None:
    assert namespace_for("opentelemetry-product", "") == NAMESPACE
    assert namespace_for("opentelemetry-operator", "") == "opentelemetry-operator-system"
    assert namespace_for("opentelemetry-product", "mine") == "mine"


def test_the_version_is_in_the_name() -> None:
    assert version_of(ONE) == "0.156.0-1"
    assert version_of("odd") == ""
