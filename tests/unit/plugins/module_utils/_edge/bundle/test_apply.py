# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply and remove a bundle against an API server in memory."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.bundle.apply import apply_bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.bundle.bundle import BundleOptions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.bundle.remove import remove_bundle

from ..fake_api import FakeApi, status

OURS = {"app.kubernetes.io/managed-by": "o11y.opentelemetry"}
SELECTOR = "app=a"


def obj(kind: Any, name: Any = "a", namespace: Any = "ns", api: Any = "v1", labels: Any = None, **more: Any) -> Any:
    metadata = {"name": name, "labels": labels or {"app": "a"}} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


NAMESPACE = obj("Namespace", "ns", "", labels=OURS)
CONFIG = obj("ConfigMap", data={"a": "1"})
SECRET = obj("Secret", stringData={"token": "hush-hush"})
PORT = {"containerPort": 4317, "hostPort": 4317}
AGENT = obj(
    "DaemonSet",
    api="apps/v1",
    spec={
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"spec": {"containers": [{"name": "c", "ports": [PORT]}]}},
    },
)
DEFINITION = obj(
    "CustomResourceDefinition",
    "things.example.com",
    "",
    api="apiextensions.k8s.io/v1",
    spec={
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Thing", "plural": "things"},
        "versions": [{"name": "v1", "served": True}],
    },
)
THING = obj("Thing", api="example.com/v1")
BUNDLE = [THING, AGENT, SECRET, CONFIG, NAMESPACE, DEFINITION]


def ours(*manifests: Any) -> FakeApi:
    """Return a cluster with what an earlier run applied."""
    api = FakeApi()
    api.apply("us", *manifests)
    return api


def options(manifests: Any, **more: Any) -> Any:
    given = {
        "field_manager": "us",
        "force_conflicts": True,
        "prune_selector": "",
        "wait_seconds": 30,
        "check": False,
        "diff": True,
    }
    return BundleOptions(manifests=copy.deepcopy(manifests), **given | more)


def present(api: Any, manifests: Any, **more: Any) -> Any:
    return apply_bundle(api.cluster(), options(manifests, **more))


def absent(api: Any, manifests: Any, **more: Any) -> Any:
    return remove_bundle(api.cluster(), options(manifests, **more))


def actions(result: Any) -> Any:
    return {f"{item['kind']} {item['name']}": item["action"] for item in result["objects"]}


def test_a_bundle_is_made_once() -> None:
    api = FakeApi()
    first, second = present(api, BUNDLE), present(api, BUNDLE)
    assert set(actions(first).values()) == {"created"}
    assert first["changed"]
    assert set(actions(second).values()) == {"unchanged"}
    assert (second["changed"], second["diff"], second["msg"]) == (False, [], "6 unchanged")


def test_definitions_and_namespaces_come_first() -> None:
    api = FakeApi()
    present(api, BUNDLE)
    kinds = [path.split("/")[-2] for path in api.sent("PATCH")]
    assert kinds[:2] == ["customresourcedefinitions", "namespaces"]
    assert kinds[-2:] == ["daemonsets", "things"]


def test_nobody_is_warned_of_a_deprecated_version_that_only_we_asked_for() -> None:
    api = FakeApi()
    definition = copy.deepcopy(DEFINITION)
    definition["spec"]["versions"].append({"name": "v1alpha1", "served": True, "deprecated": True})
    present(api, [definition])
    assert "/apis/example.com/v1/things" in api.sent("GET")
    assert not any("v1alpha1" in path for path in api.sent("GET"))


def test_check_mode_on_an_empty_cluster_shows_all_and_changes_nothing() -> None:
    api = FakeApi()
    before = copy.deepcopy(api.objects)
    result = present(api, BUNDLE, check=True, prune_selector=SELECTOR)
    assert api.objects == before
    assert set(actions(result).values()) == {"created"}
    assert len(result["diff"]) == len(BUNDLE)
    assert all(query.get("dryRun") == "All" for method, _, query in api.requests if method == "PATCH")


def test_a_change_is_shown_without_secrets() -> None:
    api = FakeApi()
    present(api, BUNDLE)
    changed = [NAMESPACE, {**SECRET, "stringData": {"token": "new-secret"}}, {**CONFIG, "data": {"a": "2"}}]
    result = present(api, changed, check=True)
    assert actions(result) == {"Namespace ns": "unchanged", "Secret a": "changed", "ConfigMap a": "changed"}
    assert {change["before_header"] for change in result["diff"]} == {"Secret ns/a", "ConfigMap ns/a"}
    assert "hush-hush" not in str(result)
    assert "new-secret" not in str(result)
    assert "managedFields" not in str(result)


def test_a_missing_namespace_is_told_before_anything_is_written() -> None:
    api = FakeApi()
    with pytest.raises(Problem, match="namespace 'ns' does not exist"):
        present(api, [CONFIG, DEFINITION])
    assert not api.sent("PATCH")


def test_a_missing_kind_is_told_before_anything_is_written() -> None:
    api = FakeApi(NAMESPACE)
    with pytest.raises(Problem, match="does not serve this kind"):
        present(api, [CONFIG, THING])
    assert not api.sent("PATCH")
    assert actions(present(api, [CONFIG, THING], check=True)) == {"ConfigMap a": "created", "Thing a": "created"}


def test_a_namespaced_object_says_where_it_belongs() -> None:
    with pytest.raises(Problem, match="has no namespace"):
        present(FakeApi(), [obj("ConfigMap", namespace="")])


def test_a_namespace_of_somebody_else_is_left_alone() -> None:
    theirs = obj("Namespace", "ns", "", labels={"team": "b"})
    api = FakeApi(theirs)
    assert actions(present(api, [NAMESPACE, CONFIG])) == {"Namespace ns": "unchanged", "ConfigMap a": "created"}
    assert api.objects["/api/v1/namespaces/ns"]["metadata"]["labels"] == {"team": "b"}


def test_a_namespace_that_is_going_is_waited_for() -> None:
    api = FakeApi({**NAMESPACE, "metadata": {**NAMESPACE["metadata"], "deletionTimestamp": "now"}})
    api.clock.on_sleep.append(lambda now: api.objects.pop("/api/v1/namespaces/ns", None) if now > 1 else None)
    assert actions(present(api, [NAMESPACE])) == {"Namespace ns": "created"}


def test_who_may_not_read_namespaces_may_still_write_into_one() -> None:
    api = FakeApi(NAMESPACE)
    no = status(403, "Forbidden", 'User "u" cannot get resource "namespaces" in API group ""')
    api.trouble = lambda _method, path: no if path == "/api/v1/namespaces/ns" else None
    assert actions(present(api, [CONFIG])) == {"ConfigMap a": "created"}


def test_a_failure_tells_what_was_done_before() -> None:
    api = FakeApi(NAMESPACE)
    no = status(422, "Invalid", "Required value")
    api.trouble = lambda method, path: no if method == "PATCH" and "daemonsets" in path else None
    with pytest.raises(Problem, match="DaemonSet ns/a: the object is not valid") as caught:
        present(api, [AGENT, CONFIG, {**AGENT, "kind": "Deployment"}])
    assert actions(caught.value.facts) == {"ConfigMap a": "created", "Deployment a": "created"}
    assert caught.value.facts["changed"] is True


def neighbour(**metadata: Any) -> Any:
    pod = obj("Pod", "other", "default", labels={"app": "b"}, status={"phase": "Running"})
    return {**pod, "spec": {"nodeName": "n1", "containers": [{"ports": [PORT]}]}}


@pytest.mark.parametrize("check", [True, False])
def test_a_taken_node_port_is_told_before_anything_is_written(check: Any) -> None:
    api = FakeApi(NAMESPACE, neighbour())
    with pytest.raises(Problem, match="4317/TCP on node n1 by pod default/other"):
        present(api, [AGENT], check=check)
    assert not api.sent("PATCH")


def test_pods_are_not_listed_when_the_ports_are_ours_already() -> None:
    api = ours(NAMESPACE, AGENT)
    present(api, [AGENT])
    assert "/api/v1/pods" not in api.sent("GET")


CONSTRAINTS = obj("SecurityContextConstraints", "ns-a", "", api="security.openshift.io/v1")
CONSTRAINED = "/apis/security.openshift.io/v1"


def collector_on_its_node() -> Any:
    return {**AGENT, "metadata": {**AGENT["metadata"], "labels": {"o11y.opentelemetry/collector": "a"}}}


@pytest.mark.parametrize("check", [True, False])
def test_pods_that_no_constraints_allow_are_told_of(check: Any) -> None:
    api = FakeApi(NAMESPACE)
    api.texts[CONSTRAINED] = '{"kind": "APIResourceList"}'
    (warning,) = present(api, [collector_on_its_node()], check=check)["warnings"]
    assert "DaemonSet ns/a asks for more than restricted-v2 allows (ports of the node)" in warning
    assert "Set `platform: openshift` for this collector" in warning


def test_where_there_are_no_constraints_nothing_is_told() -> None:
    api = FakeApi(NAMESPACE)
    assert present(api, [collector_on_its_node()])["warnings"] == []
    assert api.sent("GET").count(CONSTRAINED) == 1


def test_a_bundle_without_collectors_asks_for_no_constraints() -> None:
    api = FakeApi(NAMESPACE)
    present(api, [AGENT])
    assert CONSTRAINED not in api.sent("GET")


def test_a_cluster_without_constraints_is_no_place_for_them() -> None:
    api = FakeApi(NAMESPACE)
    with pytest.raises(
        Problem, match=r"ns-a: .*does not serve this kind.*This cluster is not OpenShift: set `platform`"
    ):
        present(api, [collector_on_its_node(), CONSTRAINTS])
    assert not api.sent("PATCH")


def test_who_may_not_list_pods_is_warned() -> None:
    api = FakeApi(NAMESPACE)
    api.trouble = lambda _method, path: status(403, "Forbidden", "no") if path == "/api/v1/pods" else None
    assert "host ports" in present(api, [AGENT])["warnings"][0]


def test_prune_deletes_what_the_bundle_lost() -> None:
    api = FakeApi()
    owned = obj("ConfigMap", "owned")
    owned["metadata"]["ownerReferences"] = [{"kind": "X", "name": "x", "controller": True}]
    present(api, [NAMESPACE, CONFIG, obj("ConfigMap", "old"), obj("ConfigMap", "theirs", labels={"app": "b"}), owned])
    planned = present(api, [NAMESPACE, CONFIG], prune_selector=SELECTOR, check=True)
    done = present(api, [NAMESPACE, CONFIG], prune_selector=SELECTOR)
    expected = {"Namespace ns": "unchanged", "ConfigMap a": "unchanged", "ConfigMap old": "pruned"}
    assert actions(planned) == actions(done) == expected
    assert done["changed"]
    assert api.sent("DELETE") == ["/api/v1/namespaces/ns/configmaps/old"]


def test_prune_leaves_what_may_not_be_listed() -> None:
    api = FakeApi(NAMESPACE)
    api.trouble = lambda _method, path: status(403, "Forbidden", "no") if path.endswith("/secrets") else None
    result = present(api, [NAMESPACE], prune_selector=SELECTOR)
    assert result["warnings"] == ["Not pruned, since this user may not list them: secrets"]


def test_a_bundle_is_removed_once_in_reverse_order() -> None:
    api = FakeApi()
    present(api, BUNDLE)
    planned = absent(api, BUNDLE, check=True)
    assert not api.sent("DELETE")
    first, second = absent(api, BUNDLE), absent(api, BUNDLE)
    assert actions(planned) == actions(first)
    assert set(actions(first).values()) == {"deleted"}
    assert set(actions(second).values()) == {"absent"}
    assert (first["changed"], second["changed"]) == (True, False)
    kinds = [path.split("/")[-2] for path in api.sent("DELETE")]
    assert kinds[:2] == ["things", "daemonsets"]
    assert kinds[-2:] == ["namespaces", "customresourcedefinitions"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (obj("ConfigMap", "theirs"), "ConfigMap ns/theirs"),
        (obj("PersistentVolumeClaim", "d"), "ns/d"),
        (obj("Instrumentation", "theirs", api="opentelemetry.io/v1alpha1"), "Instrumentation ns/theirs"),
    ],
)
def test_a_namespace_with_something_in_it_stays(extra: Any, words: Any) -> None:
    api = FakeApi()
    present(api, [NAMESPACE, CONFIG])
    api.add(extra)
    for check in (True, False):
        result = absent(api, [NAMESPACE, CONFIG], check=check)
        assert words in result["warnings"][0]
        assert actions(result)["Namespace ns"] == "unchanged"
    assert "/api/v1/namespaces/ns" in api.objects


def test_a_namespace_of_somebody_else_is_not_deleted() -> None:
    api = FakeApi(obj("Namespace", "ns", "", labels={"team": "b"}))
    result = absent(api, [NAMESPACE])
    assert result["warnings"] == ["Kept Namespace ns: it belongs to field manager kubectl-create"]
    assert not result["changed"]


def test_a_definition_in_use_stays() -> None:
    api = FakeApi()
    present(api, BUNDLE)
    api.add(obj("Thing", "theirs", "default", api="example.com/v1"))
    result = absent(api, BUNDLE)
    assert any("Thing default/theirs" in warning for warning in result["warnings"])
    assert actions(result)["CustomResourceDefinition things.example.com"] == "unchanged"


def test_removal_waits_and_tells_what_holds_it() -> None:
    api = ours(NAMESPACE, {**CONFIG, "metadata": {**CONFIG["metadata"], "finalizers": ["example.com/hold"]}})
    api._delete = lambda _path, _query, _body, _match: status(200, "", "")
    with pytest.raises(Problem, match=r"still there after 30 s: ConfigMap ns/a \(finalizers: example.com/hold\)"):
        absent(api, [CONFIG])
    assert api.clock.now >= 30


def test_removal_prunes_too() -> None:
    api = FakeApi()
    present(api, [NAMESPACE, CONFIG, obj("ConfigMap", "old")])
    result = absent(api, [NAMESPACE, CONFIG], prune_selector=SELECTOR)
    assert actions(result) == {"ConfigMap a": "deleted", "ConfigMap old": "pruned", "Namespace ns": "deleted"}


STATUS = {"observedGeneration": 1, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1}


@pytest.mark.parametrize(
    ("change", "ready"),
    [({}, True), ({"numberAvailable": 0}, False), ({"observedGeneration": 0}, False)],
    ids=["complete", "a pod is missing", "not seen yet"],
)
def test_a_bundle_tells_whether_there_is_something_to_wait_for(change: Any, ready: bool) -> None:
    api = FakeApi()
    present(api, [NAMESPACE, AGENT])
    agent = next(item for item in api.objects.values() if item["kind"] == "DaemonSet")
    agent["metadata"]["generation"] = 1
    agent["status"] = {**STATUS, **change}
    assert present(api, [NAMESPACE, AGENT])["ready"] is ready
    assert present(api, [NAMESPACE])["ready"] is True
    assert present(api, [NAMESPACE, AGENT], check=True)["ready"] is False


@pytest.mark.parametrize("check", [True, False])
def test_the_result_says_which_rights_change(check: bool) -> None:
    def role(*resources: str) -> Any:
        rules = [{"apiGroups": [""], "resources": list(resources), "verbs": ["get", "list"]}]
        return obj("ClusterRole", namespace="", api="rbac.authorization.k8s.io/v1", rules=rules)

    api = ours(NAMESPACE, role("pods", "nodes"))
    changed = present(api, [NAMESPACE, role("pods", "secrets")], check=check)
    assert changed["rights"] == ["a: + get, list secrets (all namespaces)", "a: - get, list nodes (all namespaces)"]
    assert present(api, [NAMESPACE, role("pods", "nodes" if check else "secrets")])["rights"] == []
