# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a catalog offers, which version is chosen, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import csv_names as found
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import olm_decision
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases
from .samples import NAMESPACE, ONE, THREE, TWO, olm, package, subscription

ASKED = olm_decision.OlmRequest("opentelemetry-product", "redhat-operators", "openshift-marketplace", NAMESPACE)
GROUP = {"name": "global", "ours": False, "targets": [], "all": True}
LEFT = {"name": ONE, "namespace": NAMESPACE, "phase": "Succeeded", "reason": "", "message": "", "product": True}
KUBERNETES = "v1.34.0"
OLD = "opentelemetry-operator.v0.93.0-3"
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


def test_namespaces_are_those_of_the_packages_and_the_version_is_in_the_name() -> None:
    assert olm_decision.choose_namespace("opentelemetry-product", "") == NAMESPACE
    assert olm_decision.choose_namespace("opentelemetry-operator", "") == "opentelemetry-operator-system"
    assert olm_decision.choose_namespace("opentelemetry-product", "mine") == "mine"
    assert (found.parse_csv_name(ONE).version, found.parse_csv_name("odd").version) == ("0.156.0-1", "")


CATALOG = {"name": "redhat-operators", "namespace": "openshift-marketplace", "state": "READY", "message": ""}


AWAY = {**CATALOG, "state": "TRANSIENT_FAILURE", "message": "no"}
NARROW = package(stable=[ONE])
NARROW["channels"][0]["all_namespaces"] = False
MANY = package(stable=[f"opentelemetry-operator.v0.{minor}.0-1" for minor in range(40, 10, -1)])


@cases(
    "channel, csv, installed, expected",
    ("", "", "", ("stable", THREE)),
    ("", "", "old", ("old", ONE)),  # who named none stays
    ("", "", "gone", ("stable", THREE)),
    ("stable", "", "old", ("stable", THREE)),
    ("", TWO, "", ("stable", TWO)),
)
def test_what_is_wanted_now(channel: str, csv: str, installed: str, expected: tuple[str, str]) -> None:
    request = ASKED._replace(channel=channel, csv=csv)
    assert olm_decision.resolve_version(request, olm(), KUBERNETES, installed) == expected


@cases(
    "asked, found, words",
    ({"source": "redhat-operator"}, {}, r"no CatalogSource openshift-marketplace/redhat-operator; did you mean"),
    ({}, {"catalogs": []}, r"to one of: none"),
    ({}, {"catalogs": [AWAY]}, r"TRANSIENT_FAILURE\): no .*pods"),
    ({}, {"catalogs": [{**CATALOG, "state": ""}]}, r"its state is not known"),
    ({}, {"package": None, "packages": ["opentelemetry-products"]}, r"did you mean 'opentelemetry-products'"),
    ({}, {"package": None}, r"It offers no package at all"),
    ({"channel": "stabel"}, {}, r"no channel stabel; did you mean 'stable'.*to one of: stable, old"),
    ({"csv": "opentelemetry-operator.v0.155.0-1"}, {}, r"has no opentelemetry-operator.v0.155.0-1; did you mean"),
    ({"channel": "old", "csv": TWO}, {}, r"it is in channel stable"),
    ({"csv": "latest"}, {}, rf"channel stable of .* has no latest .*to one of: {THREE}, {TWO}, {ONE}"),
    ({}, {"kubernetes": "v1.24.9"}, r"needs Kubernetes 1.25.0 or later, and this cluster has 1.24.9"),
    ({}, {"package": NARROW}, "not for all namespaces"),
    ({"csv": THREE}, {"package": MANY}, r"v0.31.0-1 and 20 more"),
    ({"csv": OLD}, {"package": package(stable=[ONE, OLD])}, rf"{OLD} has .*v1beta1.*from 0.99.0 on.*has: {ONE}\."),
    ({}, {"package": package(stable=[OLD])}, r"v1beta1.*has: none\."),
)
def test_what_is_not_there_is_refused_with_the_near_word(asked: Any, found: Any, words: str) -> None:
    facts = dict(found)
    kubernetes = facts.pop("kubernetes", KUBERNETES)
    with pytest.raises(Problem, match=words):
        olm_decision.resolve_version(ASKED._replace(**asked), olm(**facts), kubernetes)


@pytest.mark.parametrize(
    ("name", "csv"),
    [("opentelemetry-product", "opentelemetry-operator.v0.99.0-1"), ("mirrored", OLD)],
)
def test_the_first_version_with_the_api_is_taken_and_packages_of_other_names_are_not_judged(
    name: str, csv: str
) -> None:
    offered = {**package(stable=[csv]), "name": name}
    request = ASKED._replace(package=name, csv=csv)
    assert olm_decision.resolve_version(request, olm(package=offered), KUBERNETES) == ("stable", csv)


def test_a_pin_may_be_for_an_older_kubernetes_than_the_newest() -> None:
    assert olm_decision.resolve_version(ASKED._replace(csv=ONE), olm(), "v1.24.9") == ("stable", ONE)


@cases(
    "name, base, version",
    ("opentelemetry-operator.v0.140.0-2", "opentelemetry-operator", "0.140.0-2"),
    ("opentelemetry-operator.v0.158.0", "opentelemetry-operator", "0.158.0"),
    ("tempo-operator.v0.8.0+3", "tempo-operator", "0.8.0+3"),
    ("some.operator.1.2.3", "some.operator", "1.2.3"),
)
def test_a_name_has_a_base_and_a_version(name: str, base: str, version: str) -> None:
    said = found.parse_csv_name(name)
    assert (said.operator_name, said.version) == (base, version)


@pytest.mark.parametrize("name", ["project-quay", "operator.v1", "", "operator.v1.2.3 "])
def test_a_name_without_a_version_has_no_order(name: str) -> None:
    assert found.parse_csv_name(name) == found.CsvName()
    assert not found.is_before(name, "b.v2.0.0")


@cases(
    "older, newer",
    ("o.v0.9.0", "o.v0.10.0"),
    ("o.v0.93.0-2", "o.v0.93.0-3"),
    ("o.v0.93.0-9", "o.v0.93.0-10"),
    ("o.v0.93.0-3", "o.v0.93.0"),
    ("o.v0.93.0", "o.v0.93.0+1"),
    ("o.v0.93.0-1", "o.v0.93.0-rc"),
)
def test_versions_have_an_order(older: str, newer: str) -> None:
    assert found.is_before(older, newer)
    assert not found.is_before(newer, older)
    assert found.sort_newest_first([older, newer, "no-version"]) == [newer, older]
    assert not found.is_before("a.v1.0.0", "b.v2.0.0"), "different operators have no order"
