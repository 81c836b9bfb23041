# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles that change what runs a collector: nothing is left, nothing is missing, no count is lost."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from ..fake_api import FakeApi, status
from ..rollout.test_wait import CRASHED, DONE
from .test_apply import NAMESPACE, PORT, absent, actions, obj, ours, present

COLLECTOR = {"o11y.opentelemetry/collector": "a"}
SELECTOR = "o11y.opentelemetry/collector=a"
DEFINITION = obj(
    "CustomResourceDefinition",
    "opentelemetrycollectors.opentelemetry.io",
    "",
    api="apiextensions.k8s.io/v1",
    spec={
        "group": "opentelemetry.io",
        "names": {"plural": "opentelemetrycollectors", "kind": "OpenTelemetryCollector"},
        "versions": [{"name": "v1beta1", "served": True}],
    },
)
DEPLOYMENTS = "/apis/apps/v1/namespaces/ns/deployments/"
RESOURCE = "/apis/opentelemetry.io/v1beta1/namespaces/ns/opentelemetrycollectors/a"


def plain(kind: str = "Deployment", ports: Any = (), **spec: Any) -> Any:
    template = {"spec": {"serviceAccountName": "s", "containers": [{"name": "c", "ports": list(ports)}]}}
    given = {"selector": {"matchLabels": COLLECTOR}, "template": template, **spec}
    return obj(kind, api="apps/v1", labels=COLLECTOR, spec=given)


def custom(**spec: Any) -> Any:
    return obj("OpenTelemetryCollector", api="opentelemetry.io/v1beta1", labels=COLLECTOR, spec=spec)


def child(**state: Any) -> Any:
    owners = [{"kind": "OpenTelemetryCollector", "name": "a", "controller": True}]
    made = plain(replicas=1)
    made["spec"]["template"]["spec"]["containers"] = [{"name": "c", "readinessProbe": {}}]
    metadata = {"name": "a-collector", "ownerReferences": owners, "generation": 1, "uid": "w", "labels": COLLECTOR}
    return {**made, "metadata": {**made["metadata"], **metadata}, "status": DONE | state}


def operator(api: FakeApi, at: float, *made: Any) -> None:
    """Let an operator take the resource up after some time."""

    def work(now: float) -> None:
        if now > at and RESOURCE in api.objects and "status" not in api.objects[RESOURCE]:
            api.objects[RESOURCE]["status"] = {
                "observedGeneration": 1,
                "conditions": [{"type": "Ready", "status": "True"}],
            }
            api.add(*made)

    api.clock.on_sleep.append(work)


def switch(api: FakeApi, *manifests: Any, **more: Any) -> Any:
    return present(api, [NAMESPACE, *manifests], prune_selector=SELECTOR, **more)


def test_the_old_one_goes_when_the_new_one_works() -> None:
    api = ours(NAMESPACE, DEFINITION, plain(), obj("ConfigMap", labels=COLLECTOR))
    operator(api, 5, child())
    gone = []
    api.clock.on_sleep.append(lambda now: gone.append(now) if f"{DEPLOYMENTS}a" not in api.objects else None)
    planned = switch(api, custom(), check=True)
    assert (api.clock.now, api.sent("DELETE")) == (0, [])
    result = switch(api, custom())
    assert api.clock.now > 5
    assert gone == []
    expected = {"OpenTelemetryCollector a": "created", "Deployment a": "pruned", "ConfigMap a": "pruned"}
    assert actions(planned) == actions(result) == {"Namespace ns": "unchanged", **expected}
    assert result["ready"] is True
    assert f"{DEPLOYMENTS}a-collector" in api.objects


def test_the_old_one_stays_when_the_new_one_does_not_work() -> None:
    api = ours(NAMESPACE, DEFINITION, plain())
    pod = obj("Pod", "p", spec={}, status=CRASHED)
    pod["metadata"]["ownerReferences"] = [{"uid": "r"}]
    revision = obj("ReplicaSet", "r", api="apps/v1")
    revision["metadata"] |= {"uid": "r", "ownerReferences": [{"uid": "w"}]}
    operator(api, 1, child(availableReplicas=0), revision, pod)
    with pytest.raises(Problem, match="exit code 1") as caught:
        switch(api, custom())
    assert "Until it works these are kept: Deployment ns/a" in str(caught.value)
    assert caught.value.facts["failures"][0]["of"] == "OpenTelemetryCollector ns/a"  # type: ignore[attr-defined]
    assert actions(caught.value.facts)["OpenTelemetryCollector a"] == "created"  # type: ignore[attr-defined]
    assert api.sent("DELETE") == []


def test_back_from_the_operator_its_resource_goes_with_all_of_it() -> None:
    api = ours(NAMESPACE, DEFINITION, custom(), child())
    done = plain(replicas=1) | {"status": DONE}
    done["metadata"]["generation"] = 1
    api.clock.on_sleep.append(lambda now: api.add(done) if now > 3 and f"{DEPLOYMENTS}a" in api.objects else None)
    result = switch(api, plain(replicas=1))
    assert api.sent("DELETE") == [RESOURCE]
    assert actions(result)["OpenTelemetryCollector a"] == "pruned"


def test_what_the_operator_made_for_the_cluster_is_not_pruned() -> None:
    labels = COLLECTOR | {"app.kubernetes.io/managed-by": "opentelemetry-operator"}
    api = ours(NAMESPACE, DEFINITION)
    api.add(obj("ClusterRole", "r", "", "rbac.authorization.k8s.io/v1", labels))
    switch(api, custom())
    assert api.sent("DELETE") == []


@pytest.mark.parametrize("check", [True, False])
def test_who_holds_the_same_node_port_goes_first(check: bool) -> None:
    pod = obj(
        "Pod",
        "p",
        labels=COLLECTOR,
        status={"phase": "Running"},
        spec={"nodeName": "n", "containers": [{"ports": [PORT]}]},
    )
    api = ours(NAMESPACE, DEFINITION, plain("DaemonSet", [PORT]), pod)
    result = switch(api, custom(ports=[{"port": 4317, "hostPort": 4317}]), check=check)
    assert actions(result)["DaemonSet a"] == "pruned"
    assert api.clock.now == 0
    tried = [
        (method, query.get("dryRun", "")) for method, path, query in api.requests if method != "GET" and "/ns/" in path
    ]
    assert tried == ([("PATCH", "All")] if check else [("PATCH", "All"), ("DELETE", ""), ("PATCH", "")])


def test_nothing_goes_for_what_the_server_refuses() -> None:
    api = ours(NAMESPACE, DEFINITION, plain("DaemonSet", [PORT]))
    no = status(403, "Forbidden", 'admission webhook "a" denied the request: no way')
    api.trouble = lambda method, path: no if (method, path) == ("PATCH", RESOURCE) else None
    with pytest.raises(Problem, match="no way"):
        switch(api, custom(ports=[{"port": 4317, "hostPort": 4317}]))
    assert api.sent("DELETE") == []


@pytest.mark.parametrize("check", [True, False])
def test_another_mode_makes_the_resource_anew(check: bool) -> None:
    api = ours(NAMESPACE, DEFINITION, custom(mode="deployment"))
    result = switch(api, custom(mode="daemonset"), check=check)
    assert actions(result)["OpenTelemetryCollector a"] == "changed"
    assert api.sent("DELETE") == ([] if check else [RESOURCE])
    assert api.objects[RESOURCE]["spec"]["mode"] == ("deployment" if check else "daemonset")


@pytest.mark.parametrize(("more", "pruned"), [([DEFINITION], True), ([], False)])
def test_webhooks_are_pruned_of_who_brings_definitions(more: Any, pruned: bool) -> None:
    old = obj("MutatingWebhookConfiguration", "w", "", "admissionregistration.k8s.io/v1", COLLECTOR)
    api = ours(NAMESPACE, old)
    switch(api, *more)
    assert bool(api.sent("DELETE")) is pruned
    assert any("webhookconfigurations" in path for path in api.sent("GET")) is pruned


SCALER = obj(
    "HorizontalPodAutoscaler",
    api="autoscaling/v2",
    labels=COLLECTOR,
    spec={"scaleTargetRef": {"kind": "Deployment", "name": "a"}},
)


def counted(count: int = 3) -> Any:
    found = plain(replicas=count)
    fields = {"f:spec": {"f:replicas": {}}}
    found["metadata"]["managedFields"] = [{"manager": "us", "operation": "Apply", "fieldsV1": fields}]
    return found


def test_who_is_autoscaled_from_now_on_keeps_its_count() -> None:
    api = ours(NAMESPACE, counted())
    result = present(api, [NAMESPACE, plain(), SCALER], check=True)
    assert actions(result)["Deployment a"] == "unchanged"
    assert api.objects[f"{DEPLOYMENTS}a"]["spec"]["replicas"] == 3
    api.requests.clear()
    present(api, [NAMESPACE, plain(), SCALER])
    patches = [
        (query["fieldManager"], query["force"])
        for method, path, query in api.requests
        if path == f"{DEPLOYMENTS}a" and method == "PATCH"
    ]
    assert patches == [("us/replicas", "false"), ("us", "true")]


def test_an_autoscaler_that_was_faster_keeps_what_it_wrote() -> None:
    api = ours(NAMESPACE, counted())
    conflict = status(409, "Conflict", "no", details={"causes": [{"reason": "FieldManagerConflict"}]})
    api.trouble = lambda _method, _path: conflict if api.requests[-1][2].get("fieldManager") == "us/replicas" else None
    assert actions(present(api, [NAMESPACE, plain(), SCALER]))["HorizontalPodAutoscaler a"] == "created"


def test_an_autoscaler_goes_before_a_count_is_said() -> None:
    api = ours(NAMESPACE, plain(), SCALER)
    switch(api, plain(replicas=2))
    writes = [(method, path.split("/")[-2]) for method, path, _ in api.requests if method != "GET" and "/ns/" in path]
    assert writes == [("DELETE", "horizontalpodautoscalers"), ("PATCH", "deployments")]


def test_removal_waits_for_no_rollout() -> None:
    api = ours(NAMESPACE, DEFINITION, plain(), custom())
    assert actions(absent(api, [custom()], prune_selector=SELECTOR))["Deployment a"] == "pruned"
    assert api.clock.now == 0
