# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is applied so that OLM installs the operator, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import olm_decision
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm.olm_request import OlmRequest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases
from .samples import NAMESPACE, ONE, THREE, TWO, olm, subscription

ASKED = OlmRequest("opentelemetry-product", "redhat-operators", "openshift-marketplace", NAMESPACE)
GROUP = {"name": "global", "ours": False, "targets": [], "all": True}
LEFT = {"name": ONE, "namespace": NAMESPACE, "phase": "Succeeded", "reason": "", "message": "", "product": True}
KUBERNETES = "v1.34.0"
COMMUNITY = {"ours": False, "namespace": "operators", "package": "opentelemetry-operator"}


def chosen(found: dict[str, Any] | None = None, csv: str = "", **more: Any) -> olm_decision.OlmPlan:
    approval = "manual" if csv else "automatic"
    request = ASKED._replace(**{"csv": csv, "approval": approval, **more})
    return olm_decision.plan_installation(request, found or olm(), KUBERNETES)


def kinds(result: olm_decision.OlmPlan) -> dict[str, Any]:
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
    releases = {item["metadata"]["labels"]["o11y.opentelemetry/release"] for item in result.manifests}
    assert releases == {"opentelemetry-operator"}


@cases(
    "subscriptions, csv, action, starting",
    ([], ONE, "install", ONE),  # a pin is where OLM begins
    ([subscription(installed_csv=ONE, starting_csv=ONE)], TWO, "upgrade", ONE),
    ([subscription(starting_csv=ONE)], TWO, "install", TWO),  # a pin that was never begun may move
)
def test_a_pin_is_where_olm_begins_and_every_plan_waits(
    subscriptions: Any, csv: str, action: str, starting: str
) -> None:
    result = chosen(olm(subscriptions=subscriptions), csv=csv)
    spec = kinds(result)["Subscription"]["spec"]
    assert (result.action, result.csv) == (action, csv)
    assert (spec["startingCSV"], spec["installPlanApproval"]) == (starting, "Manual")


@cases(
    "installed, csv, action",
    (THREE, "", "unchanged"),
    (ONE, "", "upgrade"),
    (TWO, TWO, "unchanged"),
    (ONE, TWO, "upgrade"),
    ("odd", "", "upgrade"),
)
def test_what_is_there_is_left_or_goes_on(installed: str, csv: str, action: str) -> None:
    found = olm(subscriptions=[subscription(installed_csv=installed, name="as-it-was")])
    result = chosen(found, csv=csv)
    assert (result.action, result.subscription) == (action, "as-it-was")
    assert kinds(result)["Subscription"]["metadata"]["name"] == "as-it-was"


@cases("groups, name", ([], NAMESPACE), ([{**GROUP, "ours": True, "name": "mine"}], "mine"), ([GROUP], None))
def test_an_operator_group_that_is_there_is_used(groups: list[dict[str, Any]], name: str | None) -> None:
    made = kinds(chosen(olm(operator_groups=groups)))
    assert (made["OperatorGroup"]["metadata"]["name"] if name else made.get("OperatorGroup")) == name


def test_the_configuration_of_the_deployment_and_the_name_of_the_group_are_passed_on() -> None:
    config = {"env": [{"name": "A", "value": "1"}]}
    made = kinds(chosen(config=config, operator_group="mine"))
    assert (made["Subscription"]["spec"]["config"], made["OperatorGroup"]["metadata"]["name"]) == (config, "mine")


def test_a_version_with_its_subscription_and_those_of_other_operators_are_no_leftovers() -> None:
    assert chosen(olm(subscriptions=[subscription(installed_csv=ONE)], csvs=[LEFT])).action == "upgrade"
    assert chosen(olm(csvs=[{**LEFT, "product": False}])).action == "install"


def there(**more: Any) -> dict[str, Any]:
    return {"subscriptions": [subscription(**more)]}


@cases(
    "found, given, words",
    ({"served": False}, {}, "it does not serve operators.coreos.com"),
    ({"packages_served": False}, {}, "apiservice v1.packages.operators.coreos.com"),
    ({}, {"approval": "manual"}, "manual approval needs the version"),
    ({}, {"csv": ONE, "approval": "automatic"}, f"goes past {ONE} to the newest"),
    (there(ours=False), {}, "Subscription .* of another owner already installs the operator"),
    (there(**COMMUNITY), {}, "operators/opentelemetry-product of another owner already installs"),
    (there(namespace="elsewhere"), {}, "is elsewhere/opentelemetry-product, and"),
    (there(package="opentelemetry-operator"), {}, "is for package opentelemetry-operator"),
    (there(installed_csv=THREE), {"csv": TWO}, f"the pinned {TWO} is older"),
    (there(installed_csv=THREE), {"channel": "old"}, f"the newest of channel old, {ONE}, is older"),
    (there(current_csv=THREE), {"csv": TWO}, "OLM never goes back"),
    ({"operator_groups": [GROUP, {**GROUP, "name": "two"}]}, {}, r"more than one OperatorGroup \(global, two\)"),
    ({"operator_groups": [{**GROUP, "targets": ["a"], "all": False}]}, {}, "is for a namespaces"),
    ({"csvs": [LEFT]}, {}, "there without a Subscription"),
)
def test_what_olm_could_not_do_is_refused(found: dict[str, Any], given: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem, match=f"^Install the operator by OLM: .*{words}"):
        chosen(olm(**found), **given)


def test_namespaces_are_those_of_the_packages() -> None:
    assert olm_decision.choose_namespace("opentelemetry-product", "") == NAMESPACE
    assert olm_decision.choose_namespace("opentelemetry-operator", "") == "opentelemetry-operator-system"
    assert olm_decision.choose_namespace("opentelemetry-product", "mine") == "mine"
