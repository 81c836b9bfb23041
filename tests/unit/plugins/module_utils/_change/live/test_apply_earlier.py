# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of an earlier version of this collection, which had no label of a release: converted, and removed."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import (
    COLLECTOR_LABEL,
    OWNER,
    OWNER_LABEL,
)

from ...fake_api import FakeApi
from ...live_helpers import obj
from .bundle_helpers import RELEASE, absent, actions, present

MARK = {OWNER_LABEL: OWNER}
OWN = {**MARK, COLLECTOR_LABEL: "gw"}
POD: dict[str, Any] = {"template": {"spec": {"containers": []}}}


def given(namespace: str, **labels: str) -> list[Any]:
    """Return the objects of a collector gw that both versions make under one name."""
    shared = {**MARK, **({RELEASE: f"{namespace}_shared"} if labels else {})}
    return [
        obj("Namespace", namespace, labels=shared),
        obj("ServiceAccount", "gw", namespace, labels={**MARK, **labels}),
        obj("Service", "gw", namespace, labels={**OWN, **labels}, spec={"ports": []}),
        obj("Deployment", "gw", namespace, labels={**OWN, **labels}, spec=POD),
    ]


def earlier(namespace: str = "shop") -> list[Any]:
    """Return the objects of an earlier version."""
    return [
        *given(namespace),
        obj("ClusterRole", f"{namespace}-gw", labels=OWN),
        obj("ClusterRoleBinding", f"{namespace}-gw", labels=OWN),
        obj("ConfigMap", "gw", namespace, labels=OWN, data={"a": "1"}),
    ]


def today(namespace: str = "shop") -> list[Any]:
    mark = {RELEASE: f"{namespace}.gw"}
    return [
        *given(namespace, **mark),
        obj("ClusterRole", f"{namespace}.gw", labels={**OWN, **mark}),
        obj("ConfigMap", "gw-1", namespace, labels={**OWN, **mark}, data={"a": "1"}),
    ]


def options(namespace: str = "shop") -> dict[str, Any]:
    return {"field_manager": OWNER, "prune_selector": f"{RELEASE}={namespace}.gw,{OWNER_LABEL}={OWNER}"}


def cluster(*manifests: Any) -> FakeApi:
    api = FakeApi()
    api.apply(OWNER, *(manifests or earlier()))
    return api


def names(api: FakeApi) -> set[str]:
    return {f"{item['kind']} {item['metadata']['name']}" for item in api.objects.values()} - {"Namespace default"}


LEFT = {"ClusterRole shop-gw", "ClusterRoleBinding shop-gw", "ConfigMap gw"}
CONVERTED = (
    "This run takes over objects of an earlier version of this collection: Namespace shop, ServiceAccount shop/gw,"
    " Service shop/gw, Deployment shop/gw."
)


def test_objects_of_an_earlier_version_are_converted_and_what_it_named_differently_goes() -> None:
    api = cluster()
    result = present(api, today(), **options())
    assert CONVERTED in result["warnings"]
    assert actions(result)["Deployment gw"] == "changed"
    assert {name for name, action in actions(result).items() if action == "pruned"} == LEFT
    labels = api.objects["/apis/apps/v1/namespaces/shop/deployments/gw"]["metadata"]["labels"]
    assert labels[RELEASE] == "shop.gw"
    asked = len(api.requests)
    again = present(api, today(), **options())
    assert (again["changed"], again["warnings"]) == (False, [])
    new = FakeApi()
    present(new, today(), **options())
    before = len(new.requests)
    present(new, today(), **options())
    assert len(api.requests) - asked == len(new.requests) - before, "a run that changes nothing lists nothing more"


def test_check_mode_names_what_it_would_convert_and_writes_nothing() -> None:
    api = cluster()
    before = copy.deepcopy(api.objects)
    result = present(api, today(), check=True, **options())
    assert [text for text in result["warnings"] if text.startswith("Without check mode, this run takes over objects")]
    assert {name for name, action in actions(result).items() if action == "pruned"} >= LEFT
    assert api.objects == before


@pytest.mark.parametrize("converted", [False, True])
def test_remove_takes_objects_of_an_earlier_version_along(converted: bool) -> None:
    api = cluster()
    if converted:
        present(api, today(), **options())
    absent(api, today(), **options())
    assert names(api) == set()


OTHER = {**MARK, COLLECTOR_LABEL: "other"}


def test_remove_names_what_an_earlier_version_left_of_other_collectors() -> None:
    others = [
        obj("ConfigMap", "other", "shop", labels=OTHER, data={"a": "1"}),
        obj("ClusterRole", "shop-other", labels=OTHER),
        obj("ClusterRole", "team-b-gw", labels=OWN),
        obj("ConfigMap", "gw", "team-b", labels=OWN, data={"a": "1"}),
    ]
    api = cluster(*earlier(), *others)
    result = absent(api, today(), **options())
    kept = [text for text in result["warnings"] if "earlier version" in text]
    why = "it belongs to an earlier version of this collection, and to no collector of this run"
    assert sorted(kept) == [f"Kept ClusterRole shop-other: {why}", f"Kept ConfigMap shop/other: {why}"]
    assert names(api) == {
        *("Namespace shop", "ConfigMap other", "ClusterRole shop-other", "ClusterRole team-b-gw", "ConfigMap gw"),
    }


def foreign(api: FakeApi, item: Any) -> None:
    """Let someone make an object that only looks like one of an earlier version."""
    api.apply("kubectl", item)


def test_a_copy_of_an_object_of_an_earlier_version_is_not_converted() -> None:
    api = FakeApi()
    foreign(api, obj("Service", "gw", "shop", labels=OWN, spec={"ports": []}))
    foreign(api, obj("ClusterRole", "shop-gw", labels=OWN))
    before = copy.deepcopy(api.objects)
    with pytest.raises(Problem, match="Service shop/gw is managed by field manager kubectl"):
        present(api, today(), **options())
    absent(api, today(), **options())
    assert api.objects == before


def test_an_object_of_another_collector_is_not_converted_and_its_owner_is_told() -> None:
    api = cluster(obj("Deployment", "gw", "shop", labels=OTHER, spec=POD))
    with pytest.raises(Problem, match="Deployment shop/gw is managed by an earlier version of this collection"):
        present(api, today(), **options())


def test_a_namespace_that_others_made_or_labelled_is_used_as_it_is() -> None:
    api = cluster()
    by_hand = {"manager": "kubectl-create", "operation": "Update"}
    api.objects["/api/v1/namespaces/shop"]["metadata"]["managedFields"].append(by_hand)
    present(api, today(), **options())
    absent(api, today(), **options())
    assert names(api) == {"Namespace shop"}


def test_an_account_that_several_inventories_name_keeps_the_annotations_of_another() -> None:
    account = obj("ServiceAccount", "gw", "shop", labels=MARK, metadata={"annotations": {"role": "theirs"}})
    api = cluster(obj("Namespace", "shop", labels=MARK), account)
    present(api, today(), existing_accounts=("shop/gw",), **options())
    found = api.objects["/api/v1/namespaces/shop/serviceaccounts/gw"]["metadata"]
    assert (found["annotations"], RELEASE in found["labels"]) == ({"role": "theirs"}, False)
