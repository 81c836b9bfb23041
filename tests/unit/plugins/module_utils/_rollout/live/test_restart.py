# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads with older sidecars are named; selected ones restart one by one, and a bad restart is undone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.namespaced_name import NamespacedName
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure, Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout import stale_sidecars
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.restart import RestartRun
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.restart_obstacles import find_restart_obstacle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.restarts import (
    RESTARTED_AT,
    OutdatedWorkload,
)

from tests.support.cases import cases

from ...fake_api import FakeApi
from ...live_helpers import definition, obj

BEFORE, CHANGED, AFTER = (f"2026-01-01T00:00:0{second}Z" for second in (1, 5, 9))
SIDECARS = [NamespacedName("ns", "side")]
FULL = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2, "observedGeneration": 1}
FULL |= {"conditions": [{"type": "Available", "status": "True"}]}


def resource(name: str = "side", namespace: str = "ns") -> dict[str, Any]:
    fields = [
        {"manager": "o11y.opentelemetry", "operation": "Apply", "time": CHANGED, "fieldsV1": {"f:spec": {}}},
        {"manager": "manager", "operation": "Update", "time": AFTER, "fieldsV1": {"f:metadata": {}}},
        {"manager": "manager", "time": AFTER, "subresource": "status", "fieldsV1": {"f:spec": {}}},
    ]
    metadata = {"managedFields": fields, "creationTimestamp": BEFORE}
    return dict(obj("OpenTelemetryCollector", name, namespace, metadata=metadata, spec={"mode": "sidecar"}))


def pod(
    name: str, created: str = BEFORE, *, inject: str = "side", sidecar: bool = True, namespace: str = "ns", **more: Any
) -> dict[str, Any]:
    """Return a pod of the Deployment `name`."""
    owner = {"kind": "ReplicaSet", "name": f"{name}-5d4f8c7b6", "uid": f"{name}-rs", "controller": True}
    metadata = {"creationTimestamp": created, "uid": f"{namespace}-{name}", "ownerReferences": [owner]}
    metadata["annotations"] = {stale_sidecars.INJECT_ANNOTATION: inject} if inject else {}
    metadata["labels"] = {"pod-template-hash": "5d4f8c7b6"}
    first = [{"name": stale_sidecars.SIDECAR_CONTAINER, "restartPolicy": "Always"}] if sidecar else []
    spec = {"initContainers": first, "containers": [{"name": "app"}]}
    return dict(obj("Pod", f"{name}-x", namespace, metadata=metadata | more, spec=spec, status={"phase": "Running"}))


def deployment(name: str, namespace: str = "ns", **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}, "annotations": {"kept": "yes"}}, "spec": {"containers": []}}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    whole = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "strategy": strategy, "template": template}
    metadata = {"generation": 1, "uid": name}
    return dict(obj("Deployment", name, namespace, metadata=metadata, spec={**whole, **spec}, status=FULL))


def restart(api: FakeApi, *namespaces: str, selector: str = "", check: bool = False) -> RestartRun:
    return RestartRun(api.cluster(), list(namespaces), selector, 10, check)


def api_with(*items: dict[str, Any]) -> FakeApi:
    kind = definition("OpenTelemetryCollector", "opentelemetry.io/v1beta1")
    api, found = FakeApi(kind, obj("Namespace", "ns"), *items), resource()
    # As the server wrote it, where the one in memory writes fields of its own.
    api.objects["/apis/opentelemetry.io/v1beta1/namespaces/ns/opentelemetrycollectors/side"] = found
    return api


def names(found: dict[str, Any], key: str = "stale") -> list[str]:
    return [item["name"] for item in found[key]]


def test_pods_without_or_with_an_older_sidecar_are_named_with_the_command_and_none_restarts() -> None:
    api = api_with(pod("old"), pod("bare", AFTER, sidecar=False), pod("new", AFTER), pod("other", inject=""))
    found = restart(api).run([], SIDECARS)
    assert sorted(names(found)) == ["bare", "old"]
    text = " ".join(found["warnings"])
    assert "Pods run with an older sidecar ns/side in ns until their workloads restart: deployment/old." in text
    assert "`kubectl -n ns rollout restart deployment/bare`" in text
    assert (found["changed"], found["restarted"], api.sent("PATCH")) == (False, [], [])


@cases(
    "own, general, wanted",
    ("side", "", True),
    ("ns/side", "", True),
    ("true", "", True),
    ("True", "other", False),
    ("true", "side", True),
    ("true", "false", True),
    ("false", "true", False),
    ("", "true", True),
    ("", "side", True),
    ("", "", False),
    ("other", "true", False),
    ("elsewhere/side", "", False),
)
def test_what_a_pod_requests_is_read_as_the_operator_reads_it(own: str, general: str, wanted: bool) -> None:
    namespaces = {"ns": {stale_sidecars.INJECT_ANNOTATION: general} if general else {}}
    found = stale_sidecars.find_stale_workloads([pod("a", inject=own)], namespaces, [resource()])
    assert bool(found) is wanted


def test_true_means_the_only_sidecar_of_the_namespace() -> None:
    assert stale_sidecars.find_stale_workloads([pod("a", inject="true")], {}, [resource(), resource("second")]) == []


def test_pods_that_end_do_not_count() -> None:
    leaving = pod("a", deletionTimestamp=AFTER)
    over = {**pod("b"), "status": {"phase": "Succeeded"}}
    assert stale_sidecars.find_stale_workloads([leaving, over], {}, [resource()]) == []


def test_a_pod_in_another_namespace_is_found_by_its_label() -> None:
    labels = {stale_sidecars.INJECTED_LABEL: stale_sidecars.injected_label("ns", "side")}
    far = pod("far", inject="ns/side", namespace="far") | {}
    far["metadata"]["labels"] |= labels
    found = restart(api_with(obj("Namespace", "far"), far)).run([], SIDECARS)
    assert [(item["namespace"], item["name"]) for item in found["stale"]] == [("far", "far")]


def watched(api: FakeApi) -> list[str]:
    """Return the names of workloads as they are patched."""
    return [path.rpartition("/")[2] for method, path, _query in api.requests if method == "PATCH"]


def template(api: FakeApi, name: str) -> dict[str, Any]:
    found = api.objects[f"/apis/apps/v1/namespaces/ns/deployments/{name}"]["spec"]["template"]
    return dict(found["metadata"]["annotations"])


def test_selected_workloads_restart_one_after_the_other() -> None:
    api = api_with(
        pod("one"), pod("two"), pod("far", namespace="far", inject="ns/side"), deployment("one"), deployment("two")
    )
    found = restart(api, "ns").run([], SIDECARS)
    assert (found["changed"], sorted(names(found, "restarted")), sorted(watched(api))) == (
        True,
        ["one", "two"],
        ["one", "two"],
    )
    assert set(template(api, "one")) == {"kept", RESTARTED_AT}


def test_a_workload_that_is_named_and_has_an_older_sidecar_restarts_once() -> None:
    api = api_with(pod("one"), deployment("one"))
    given = OutdatedWorkload("Deployment", "ns", "one")
    found = restart(api, "ns").run([given, given], SIDECARS)
    assert (found["msg"], watched(api)) == ("1 found, 1 restarted", ["one"])
    assert "older sidecar" in found["stale"][0]["reason"]


def test_a_restart_that_is_refused_tells_which_workloads_have_restarted() -> None:
    api = api_with(pod("one"), pod("two"), deployment("one"), deployment("two"))
    api.refuse("deployments/two", method="PATCH")
    with pytest.raises(Problem, match="Restart Deployment ns/two") as caught:
        restart(api, "ns").run([], SIDECARS)
    assert [row["name"] for row in caught.value.facts["restarted"]] == ["one"]


def test_a_server_that_goes_away_tells_which_workloads_have_restarted() -> None:
    api = api_with(pod("one"), pod("two"), deployment("one"), deployment("two"))

    def go_away(method: str, path: str) -> None:
        if (method, path.rpartition("/")[2]) == ("PATCH", "two"):
            raise LostError("reset", "Connection reset by peer", "https://a", again=False)

    api.trouble = go_away  # type: ignore[assignment]
    with pytest.raises(Problem, match="the Kubernetes API at https://a") as refused:
        restart(api, "ns").run([], SIDECARS)
    assert names(refused.value.facts, "restarted") == ["one"]


def test_a_workload_that_cannot_be_read_tells_which_workloads_have_restarted() -> None:
    api = api_with(pod("one"), pod("two"), deployment("one"), deployment("two"))
    api.refuse("deployments/two", method="GET")
    with pytest.raises(Problem, match="Read Deployment ns/two") as caught:
        restart(api, "ns").run([], SIDECARS)
    assert [row["name"] for row in caught.value.facts["restarted"]] == ["one"]


def test_a_replica_set_without_a_deployment_restarts_no_deployment_of_a_similar_name() -> None:
    """A Deployment gives its pods the hash at the end of the name of its ReplicaSet as a label."""
    owner = {"kind": "ReplicaSet", "name": "web-blue", "uid": "web-blue", "controller": True}
    alone = pod("web-blue", ownerReferences=[owner], labels={})
    api = api_with(alone, obj("ReplicaSet", "web-blue"), deployment("web"))
    found = restart(api, "ns").run([], SIDECARS)
    assert (names(found), found["restarted"]) == (["web-blue"], [])
    assert found["left_alone"][0]["obstacle"] == "a ReplicaSet cannot be restarted in steps"
    assert api.sent("PATCH") == []


def test_check_mode_restarts_none_and_says_which() -> None:
    api = api_with(pod("one"), deployment("one"))
    found = restart(api, "ns", check=True).run([], SIDECARS)
    assert (found["changed"], found["msg"], watched(api)) == (True, "1 found, 1 would be restarted", [])


def test_other_namespaces_and_workloads_that_do_not_match_are_only_named() -> None:
    api = api_with(pod("one"), deployment("one"))
    assert restart(api, "elsewhere").run([], SIDECARS)["restarted"] == []
    assert restart(api, selector="app=other").run([], SIDECARS)["restarted"] == []
    assert watched(api) == []
    assert names(restart(api, selector="app=a").run([], SIDECARS), "restarted") == ["one"]


ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}
WITHOUT_SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 0}}
LITTLE_SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "1%"}}


@cases(
    "spec, status, why",
    ({"strategy": {"type": "Recreate"}}, {}, "its strategy is Recreate"),
    ({"strategy": ROLLING}, {}, "allows 1 unavailable of 2 replicas; set maxUnavailable to 0"),
    ({"replicas": 4}, {"replicas": 4}, "allows 1 unavailable of 4"),
    ({"strategy": WITHOUT_SURGE}, {}, "has no maxSurge, so it would lose a replica; set maxSurge to 1"),
    ({"strategy": WITHOUT_SURGE, "replicas": 8}, dict.fromkeys(FULL, 8), "; set maxSurge to 1 and maxUnavailable to 0"),
    ({"strategy": LITTLE_SURGE}, {}, ""),
    ({"paused": True}, {}, "it is paused"),
    ({"replicas": 0}, {}, "it has no replicas"),
    ({}, {"availableReplicas": 1}, "not all of its replicas are available"),
    ({}, {"updatedReplicas": 1}, "a rollout is in progress"),
    ({"replicas": 1}, dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 1), ""),
    ({}, {}, ""),
)
def test_a_deployment_that_could_lose_a_replica_is_left_alone(
    spec: dict[str, Any], status: dict[str, Any], why: str
) -> None:
    live = deployment("one", **spec)
    live["status"] = FULL | status
    assert why in find_restart_obstacle(live)
    assert bool(find_restart_obstacle(live)) is bool(why)


@cases(
    "kind, strategy, why",
    ("DaemonSet", {}, "no maxSurge"),
    ("DaemonSet", {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}, ""),
    ("DaemonSet", {"type": "OnDelete"}, "OnDelete"),
    ("StatefulSet", {}, "only after the pod is gone"),
)
def test_other_kinds(kind: str, strategy: dict[str, Any], why: str) -> None:
    found = find_restart_obstacle({"kind": kind, "spec": {"updateStrategy": strategy}})
    assert (why in found) and bool(found) is bool(why)


def test_what_is_left_alone_is_named_with_its_reason() -> None:
    lonely = pod("lonely")
    lonely["metadata"]["ownerReferences"] = []
    api = api_with(pod("one"), lonely, deployment("one", strategy={"type": "Recreate"}))
    found = restart(api, "ns").run([OutdatedWorkload("Deployment", "ns", "gone")], SIDECARS)
    reasons = {item["name"]: item["obstacle"] for item in found["left_alone"]}
    assert reasons == {
        "gone": "it no longer exists",
        "one": "its strategy is Recreate",
        "lonely-x": "a bare Pod cannot be restarted in steps",
    }
    assert "Deployment ns/one was not restarted: its strategy is Recreate." in found["warnings"]
    assert watched(api) == []


def test_a_workload_that_is_deleted_meanwhile_is_not_restarted() -> None:
    api = api_with(pod("one"), deployment("one"))
    path, read = "/apis/apps/v1/namespaces/ns/deployments/one", []

    def deleted(method: str, where: str) -> None:
        if (method, where) == ("GET", path):
            read.append(where)
            if len(read) > 1:
                api.objects.pop(path, None)

    api.trouble = deleted  # type: ignore[assignment]
    found = restart(api, "ns").run([], SIDECARS)
    assert (names(found), names(found, "restarted"), found["changed"]) == (["one"], [], False)


def test_a_restart_whose_pods_do_not_become_ready_is_undone_and_ends_the_run() -> None:
    api = api_with(pod("one"), pod("two"), deployment("one"), deployment("two"))
    path = "/apis/apps/v1/namespaces/ns/deployments/one"

    def fails(now: float) -> None:
        live = api.objects[path]
        new = RESTARTED_AT in live["spec"]["template"]["metadata"]["annotations"]
        live["status"] = FULL | ({"updatedReplicas": 1, "replicas": 3} if new else {})

    api.trouble = lambda method, where: fails(0) if method == "GET" and where == path else None  # type: ignore[func-returns-value]
    with pytest.raises(Failure) as caught:
        restart(api, "ns").run([], SIDECARS)
    assert "The restart was undone, and all replicas are available. No further workload" in str(caught.value)
    assert set(template(api, "one")) == {"kept"}
    assert watched(api) == ["one", "one"]
    assert caught.value.facts["restarted"] == []
