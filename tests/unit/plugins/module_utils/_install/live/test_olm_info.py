# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OLM has, read from an API server in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.olm_info import OlmReader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.namespaced_name import NamespacedName
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi, status
from ..olm.samples import NAME, NAMESPACE, ONE, TWO, csv, subscribed
from .olm_api import PACKAGES, obj, served

MARKET = "openshift-marketplace"
CATALOG = (MARKET, "redhat-operators")


def catalog(state: str = "READY", name: str = "redhat-operators") -> dict[str, Any]:
    return obj("CatalogSource", name, MARKET, status={"connectionState": {"lastObservedState": state}})


def manifest(name: str = NAME, source: str = "redhat-operators") -> dict[str, Any]:
    told = {"catalogSource": source, "catalogSourceNamespace": MARKET, "packageName": name, "defaultChannel": "stable"}
    channels = [{"name": "stable", "currentCSV": TWO, "entries": [{"name": ONE}, {"name": TWO}]}]
    labels = {"catalog": source}
    return obj("PackageManifest", name, MARKET, f"{PACKAGES}/v1", labels=labels, status={**told, "channels": channels})


def read(api: FakeApi, packages: bool = True, seconds: float = 5) -> dict[str, Any]:
    return OlmReader(api.cluster(), NAMESPACE, NAME, NamespacedName(*CATALOG)).read_state(packages, seconds)


def test_a_cluster_without_olm_is_told_so() -> None:
    result = read(FakeApi())
    assert (result["served"], result["packages_served"], result["subscriptions"]) == (False, False, [])
    assert result["package"] is None
    assert read(served(catalog(), packages=False))["packages_served"] is False


def test_what_is_there_is_told() -> None:
    group = obj("OperatorGroup", "mine", version="operators.coreos.com/v1", spec={})
    neighbour = obj("Subscription", "tempo-product", spec={"name": "tempo-product"})
    elsewhere = obj("Subscription", "other", "elsewhere", spec={"name": "something-else"})
    theirs = obj("Subscription", "theirs", "elsewhere", spec={"name": "opentelemetry-operator"})
    there = (subscribed(), neighbour, elsewhere, theirs, group, csv(ONE), catalog(), manifest())
    result = read(served(*there))
    assert sorted(item["name"] for item in result["subscriptions"]) == [NAME, "tempo-product", "theirs"]
    assert [item["name"] for item in result["operator_groups"]] == ["mine"]
    assert [item["name"] for item in result["csvs"]] == [ONE]
    assert result["package"]["channels"][0]["csvs"] == [TWO, ONE]


def test_copies_of_versions_are_not_asked_for_and_packages_only_on_request() -> None:
    api = served(catalog(), manifest())
    result = read(api, packages=False)
    (query,) = (query for _method, path, query in api.requests if path.endswith("/clusterserviceversions"))
    assert query["labelSelector"] == "!olm.copiedFrom"
    assert (result["packages_served"], result["catalogs"], result["package"]) == (False, [], None)
    assert [path for path in api.sent("GET") if "packages" in path] == []


def test_a_catalog_that_starts_is_waited_for() -> None:
    api = served(catalog("CONNECTING"), manifest())
    api.later(2, catalog())
    result = read(api)
    assert result["package"]["name"] == NAME
    assert 2 < api.clock.now < 5


def test_a_catalog_that_stays_away_is_told_after_the_time() -> None:
    api = served(catalog("TRANSIENT_FAILURE"), manifest())
    result = read(api)
    assert [item["state"] for item in result["catalogs"]] == ["TRANSIENT_FAILURE"]
    assert result["package"] is None
    assert api.clock.now >= 5


def test_a_catalog_that_does_not_exist_is_not_waited_for() -> None:
    api = served(catalog(name="community-operators"))
    assert [item["name"] for item in read(api)["catalogs"]] == ["community-operators"]
    assert api.clock.now == 0


def test_a_package_of_another_catalog_is_not_taken_for_it() -> None:
    result = read(served(catalog(), manifest(source="community-operators"), manifest("opentelemetry-products")))
    assert result["package"] is None
    assert result["packages"] == ["opentelemetry-products"]


def test_who_may_not_read_is_told_what_to_grant() -> None:
    api = served(catalog())
    text = 'subscriptions is forbidden: User "me" cannot list resource "subscriptions" in API group'
    text += ' "operators.coreos.com" at the cluster scope'
    api.refuse("/subscriptions", status(403, "Forbidden", text))
    with pytest.raises(Problem, match=r"user me may not list subscriptions.operators.coreos.com"):
        read(api)


def test_the_same_package_of_two_catalogs_is_found_by_its_catalog() -> None:
    api = served(catalog(), catalog(name="community-operators"), manifest())
    wrong = manifest(source="community-operators")
    api.texts[f"/apis/{PACKAGES}/v1/namespaces/{MARKET}/packagemanifests/{NAME}"] = json.dumps(wrong)
    result = read(api)
    assert result["package"]["source"] == "redhat-operators"
