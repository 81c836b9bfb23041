# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle in a cluster that other teams use: it writes and deletes what its releases own, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.collector import names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from ..fake_api import FakeApi, status
from .test_apply import absent, actions, obj, present

RBAC = "rbac.authorization.k8s.io/v1"
RELEASE = "o11y.opentelemetry/release"
HELM = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop"}


def bundle(namespace: str, name: str = "gw") -> list[Any]:
    """Return the objects of a collector in small, with the labels that its bundle has."""
    labels = {RELEASE: f"{namespace}.{name}"}
    return [
        obj("Namespace", namespace, "", labels={RELEASE: f"{namespace}_shared"}),
        obj("ServiceAccount", name, namespace, labels=labels),
        obj("ClusterRole", f"{namespace}.{name}", "", RBAC, labels),
        obj("ClusterRoleBinding", f"{namespace}.{name}", "", RBAC, labels),
        obj("ConfigMap", name, namespace, labels=labels, data={"a": namespace}),
        obj("Service", name, namespace, labels=labels, spec={"ports": []}),
        obj("Deployment", name, namespace, "apps/v1", labels, spec={"template": {"spec": {"containers": []}}}),
    ]


def run(api: FakeApi, namespace: str, name: str = "gw", **more: Any) -> Any:
    return present(api, bundle(namespace, name), prune_selector=f"{RELEASE}={namespace}.{name}", **more)


def remove(api: FakeApi, namespace: str, name: str = "gw", **more: Any) -> Any:
    return absent(api, bundle(namespace, name), prune_selector=f"{RELEASE}={namespace}.{name}", **more)


def theirs(annotations: Any = None) -> list[Any]:
    """Return what others made in the namespace shop, of the names that a collector gw would have."""
    found = [
        item for item in bundle("shop") if item["kind"] in ("ServiceAccount", "ConfigMap", "Service", "Deployment")
    ]
    for item in found:
        item["metadata"] |= {"labels": {"app": "shop"}, "annotations": annotations or {}}
    return [obj("Namespace", "shop", "", labels={"team": "shop"}), *found]


@pytest.mark.parametrize("again", [run, remove])
def test_a_collector_of_the_same_name_in_another_namespace_loses_nothing(again: Any) -> None:
    api = FakeApi()
    run(api, "team-a")
    before = {path: item for path, item in api.objects.items() if "team-a" in path}
    run(api, "team-b")
    again(api, "team-b")
    assert {path: item for path, item in api.objects.items() if "team-a" in path} == before
    assert "/apis/rbac.authorization.k8s.io/v1/clusterroles/team-a.gw" in before


@pytest.mark.parametrize("check", [True, False])
def test_removal_leaves_what_others_made_under_the_names_of_a_collector(check: bool) -> None:
    api = FakeApi(*theirs(HELM))
    before = copy.deepcopy(api.objects)
    result = remove(api, "shop", check=check)
    assert api.objects == before
    assert not result["changed"]
    assert "Kept Deployment shop/gw: it belongs to Helm release shop/shop" in result["warnings"]
    assert {kind.split()[0] for kind, action in actions(result).items() if action == "unchanged"} == {
        *("Namespace", "ServiceAccount", "ConfigMap", "Service", "Deployment")
    }


@pytest.mark.parametrize("check", [True, False])
def test_what_others_made_is_refused_before_anything_is_written(check: bool) -> None:
    api = FakeApi(*theirs(HELM))
    with pytest.raises(Problem) as refused:
        run(api, "shop", check=check)
    assert "Deployment shop/gw belongs to Helm release shop/shop" in refused.value.wrong
    assert "adopt: true" in refused.value.fix
    assert refused.value.where == "release shop.gw"
    assert not api.sent("PATCH", "DELETE")


def test_what_is_adopted_is_taken_over_and_removed_later() -> None:
    api = FakeApi(*theirs())
    run(api, "shop", adopt=("shop.gw",))
    assert not run(api, "shop")["changed"]
    remove(api, "shop")
    assert [path for path in api.objects if "/shop" in path] == ["/api/v1/namespaces/shop"]


def test_one_adopted_release_opens_no_other() -> None:
    api = FakeApi(obj("ConfigMap", "ca", "shop"), *theirs())
    ca = obj("ConfigMap", "ca", "shop", labels={RELEASE: "shop_shared"})
    with pytest.raises(Problem, match="ConfigMap shop/ca belongs to field manager kubectl-create") as refused:
        present(api, [*bundle("shop"), ca], adopt=("shop.gw",))
    assert refused.value.where == "release shop_shared"


@pytest.mark.parametrize("again", [run, remove])
def test_a_copy_with_our_labels_stays(again: Any) -> None:
    api = FakeApi()
    run(api, "shop")
    api.add(obj("Service", "gw-public", "shop", labels={RELEASE: "shop.gw"}, spec={"type": "LoadBalancer"}))
    again(api, "shop")
    assert "/api/v1/namespaces/shop/services/gw-public" in api.objects


def test_what_others_change_in_an_object_of_ours_leaves_it_ours() -> None:
    api = FakeApi()
    run(api, "shop")
    for manager, path in (("kubectl-rollout", "deployments/gw"), ("kube-controller-manager", "deployments/gw")):
        found = api.objects[f"/apis/apps/v1/namespaces/shop/{path}"]
        found["metadata"]["managedFields"].append({"manager": manager, "operation": "Update"})
        found["metadata"]["resourceVersion"] += "1"
    run(api, "shop")
    remove(api, "shop")
    assert not [path for path in api.objects if "/shop" in path]


def test_an_object_of_another_field_manager_is_not_ours_by_its_label() -> None:
    api = FakeApi()
    api.apply("argocd-controller", *bundle("shop"))
    with pytest.raises(Problem, match="Service shop/gw belongs to field manager argocd-controller"):
        run(api, "shop")
    assert not remove(api, "shop")["changed"]


def deletions(api: FakeApi, between: Any) -> None:
    """Do something between the moment when an object is read and its deletion, once."""
    done: list[str] = []

    def trouble(method: str, path: str) -> None:
        if method == "DELETE" and path.endswith("/deployments/gw") and not done:
            done.append(path)
            between(path)

    api.trouble = trouble


def test_an_object_that_changes_before_it_is_deleted_is_read_again() -> None:
    api = FakeApi()
    run(api, "shop")
    deletions(api, lambda path: api.objects[path]["metadata"].update(resourceVersion="later"))
    assert actions(remove(api, "shop"))["Deployment gw"] == "deleted"
    assert api.clock.now == 0


def test_an_object_that_others_made_in_its_place_stays() -> None:
    api = FakeApi()
    run(api, "shop")
    deletions(api, lambda _path: api.add(next(item for item in theirs() if item["kind"] == "Deployment")))
    result = remove(api, "shop")
    assert actions(result)["Deployment gw"] == "unchanged"
    assert "/apis/apps/v1/namespaces/shop/deployments/gw" in api.objects
    assert "Kept Deployment shop/gw: it belongs to another owner now" in result["warnings"]


def test_an_object_that_never_rests_is_given_up() -> None:
    api = FakeApi()
    run(api, "shop")
    changing = status(409, "Conflict", "the resourceVersion in the precondition does not match")
    api.trouble = lambda method, path: changing if method == "DELETE" and path.endswith("/gw") else None
    with pytest.raises(Problem, match=r"Delete Deployment shop/gw: it has changed 10 times meanwhile"):
        remove(api, "shop")


def test_a_deletion_names_the_very_state_that_was_judged() -> None:
    api, sent = FakeApi(), []
    run(api, "shop")
    call = api.__call__

    def noted(method: str, target: str, headers: Any, body: Any) -> Any:
        sent.extend([json.loads(body)["preconditions"]] if method == "DELETE" else [])
        return call(method, target, headers, body)

    api.cluster = lambda: type(FakeApi.cluster(api))(noted, clock=api.clock, sleep=api.clock.sleep)  # type: ignore[method-assign]
    remove(api, "shop")
    assert sent
    assert all(found.keys() == {"uid", "resourceVersion"} for found in sent)


def test_what_comes_while_we_look_loses_no_field() -> None:
    api = FakeApi()
    api.trouble = lambda method, path: (
        api.add(obj("ConfigMap", "gw", "shop", labels={"app": "b"}, data={"a": "b"}))
        if method == "PATCH" and path.endswith("/namespaces/shop")
        else None
    )
    with pytest.raises(Problem, match="other field managers own some of its fields"):
        run(api, "shop")
    assert api.objects["/api/v1/namespaces/shop/configmaps/gw"]["data"] == {"a": "b"}


def test_adopting_takes_nothing_that_another_collector_owns() -> None:
    """The headless Service of `gw` has the name of the collector `gw-headless`."""
    api = FakeApi()
    service = obj("Service", "gw-headless", "shop", labels={RELEASE: "shop.gw-headless"}, spec={"ports": []})
    api.add(obj("Namespace", "shop", ""))
    present(api, [service], field_manager=names.OWNER)
    before = copy.deepcopy(api.objects)
    theirs = {**service, "metadata": {**service["metadata"], "labels": {RELEASE: "shop.gw"}}}
    with pytest.raises(Problem, match=r"belongs to release shop\.gw-headless of this collection"):
        present(api, [theirs], field_manager=names.OWNER, adopt=("shop.gw",))
    assert api.objects == before
