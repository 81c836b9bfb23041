# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles that change what runs a collector: nothing is left, nothing is missing, no count is lost."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..._rollout.live.test_rollout_wait import CRASHED, DONE
from ...fake_api import FakeApi, status
from ...live_helpers import obj, owned_by
from .bundle_helpers import (
    COLLECTOR,
    DEFINITION,
    NAMESPACE,
    PORT,
    RESOURCE,
    absent,
    actions,
    changes,
    custom,
    ours,
    plain,
    present,
)

SELECTOR = "o11y.opentelemetry/collector=a"
DEPLOYMENTS = "/apis/apps/v1/namespaces/ns/deployments/"
ON_NODE = {"ports": [{"port": 4317, "hostPort": 4317}]}


def child(**state: Any) -> Any:
    """Return the workload that an operator makes of the resource."""
    owners = [{"kind": "OpenTelemetryCollector", "name": "a", "controller": True}]
    made = plain(replicas=1)
    made["spec"]["template"]["spec"]["containers"] = [{"name": "c", "readinessProbe": {}}]
    made["metadata"] |= {"name": "a-collector", "ownerReferences": owners, "generation": 1, "uid": "w"}
    return {**made, "status": DONE | state}


def operator(api: FakeApi, at: float, *made: Any) -> None:
    """Let an operator take the resource up after some time."""
    ready = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}

    def work(now: float) -> None:
        if now > at and RESOURCE in api.objects and "status" not in api.objects[RESOURCE]:
            api.objects[RESOURCE]["status"] = ready
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
    pod = obj("Pod", "p", spec={}, status=CRASHED, metadata=owned_by("r"))
    revision = obj("ReplicaSet", "r", metadata=owned_by("w", uid="r"))
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
    api.add(obj("ClusterRole", "r", labels=labels))
    switch(api, custom())
    assert api.sent("DELETE") == []


@pytest.mark.parametrize("check", [True, False])
def test_who_holds_the_same_node_port_goes_first(check: bool) -> None:
    pod = obj("Pod", "p", labels=COLLECTOR, status={"phase": "Running"})
    pod["spec"] = {"nodeName": "n", "containers": [{"ports": [PORT]}]}
    api = ours(NAMESPACE, DEFINITION, plain("DaemonSet", [PORT]), pod)
    result = switch(api, custom(**ON_NODE), check=check)
    assert actions(result)["DaemonSet a"] == "pruned"
    assert api.clock.now == 0
    tried = [(method, "dryRun" in query) for method, path, query in api.requests if "/ns/" in path and method != "GET"]
    assert tried == [("PATCH", True)] + ([] if check else [("DELETE", False), ("PATCH", False)])


def test_nothing_goes_for_what_the_server_refuses() -> None:
    api = ours(NAMESPACE, DEFINITION, plain("DaemonSet", [PORT]))
    api.refuse(RESOURCE, status(403, "Forbidden", 'admission webhook "a" denied the request: no way'), "PATCH")
    with pytest.raises(Problem, match="no way"):
        switch(api, custom(**ON_NODE))
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
    api = ours(NAMESPACE, obj("MutatingWebhookConfiguration", "w", labels=COLLECTOR))
    switch(api, *more)
    assert bool(api.sent("DELETE")) is pruned
    assert any("webhookconfigurations" in path for path in api.sent("GET")) is pruned


TARGET = {"scaleTargetRef": {"kind": "Deployment", "name": "a"}}
SCALER = obj("HorizontalPodAutoscaler", labels=COLLECTOR, spec=TARGET)


def test_who_is_autoscaled_from_now_on_keeps_its_count() -> None:
    api = ours(NAMESPACE, plain(replicas=3))
    result = present(api, [NAMESPACE, plain(), SCALER], check=True)
    assert actions(result)["Deployment a"] == "unchanged"
    assert api.objects[f"{DEPLOYMENTS}a"]["spec"]["replicas"] == 3
    api.requests.clear()
    present(api, [NAMESPACE, plain(), SCALER])
    writes = [query for method, path, query in api.requests if (method, path) == ("PATCH", f"{DEPLOYMENTS}a")]
    assert [(query["fieldManager"], query["force"]) for query in writes] == [("us/replicas", "false"), ("us", "true")]


def test_an_autoscaler_that_was_faster_keeps_what_it_wrote() -> None:
    api = ours(NAMESPACE, plain(replicas=3))
    conflict = status(409, "Conflict", "no", details={"causes": [{"reason": "FieldManagerConflict"}]})
    api.trouble = lambda _method, _path: conflict if api.requests[-1][2].get("fieldManager") == "us/replicas" else None
    assert actions(present(api, [NAMESPACE, plain(), SCALER]))["HorizontalPodAutoscaler a"] == "created"


def test_an_autoscaler_goes_before_a_count_is_said() -> None:
    api = ours(NAMESPACE, plain(), SCALER)
    switch(api, plain(replicas=2))
    assert changes(api) == [("DELETE", "horizontalpodautoscalers"), ("PATCH", "deployments")]


def test_removal_waits_for_no_rollout() -> None:
    api = ours(NAMESPACE, DEFINITION, plain(), custom())
    assert actions(absent(api, [custom()], prune_selector=SELECTOR))["Deployment a"] == "pruned"
    assert api.clock.now == 0
