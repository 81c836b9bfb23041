# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from copy import deepcopy
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary import (
    change_plan,
    evictions,
    hold,
    pod_renewal,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS

from ...helpers import build, cases

CANARY = {"strategy": "canary", "share": "1", "observe_seconds": 60, "on_failure": "rollback"}
ROLLING = {"strategy": "rolling", "on_failure": "rollback"}
CLAIM = {"name": "d", "mount_path": "/d", "source": {"persistentVolumeClaim": {"claimName": "d"}}}


def workload(mode: str, backend: str = "kubernetes", **options: Any) -> Any:
    made = BACKENDS[backend].build_manifests(build(mode=mode, backend=backend, **options))
    return next(item for item in made if item["kind"].lower() in (mode, "opentelemetrycollector"))


def live(manifest: Any, total: int) -> Any:
    """Return a workload with so many pods, as the server has it."""
    daemon_set = manifest["kind"] == "DaemonSet"
    spec = {**manifest["spec"], **({} if daemon_set else {"replicas": total})}
    return {**manifest, "spec": spec, "status": {"desiredNumberScheduled": total} if daemon_set else {}}


def held(manifest: Any, total: int, share: str = "1") -> Any:
    before = deepcopy(manifest)
    found = hold.hold_workload(manifest, live(manifest, total), share)
    assert manifest == before, "the manifest is needed unchanged later"
    return found


@cases("total, share, count", (1, "1", 1), (3, "1", 1), (3, "2", 2), (10, "25%", 2), (3, "10%", 1))
def test_a_deployment_makes_new_pods_beside_all_old_ones_and_waits(total: int, share: str, count: int) -> None:
    found = held(workload("deployment", replicas=total), total, share)
    spec = found.manifest["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": count, "maxUnavailable": 0}}
    assert spec["progressDeadlineSeconds"] > spec["minReadySeconds"] >= 365 * 86_400
    assert (found.changed_pod_count, found.pod_count, found.needs_eviction) == (count, total, False)


@cases(
    "options, why",
    ({"host_ports": True}, "host port 4317"),
    ({"host_network": True}, "the network of its node"),
    ({"volumes": [CLAIM]}, "a PersistentVolumeClaim"),
    ({"update_strategy": {"type": "Recreate"}}, "Recreate"),
    ({"topology_spread": [{"maxSkew": 1}]}, "spread over nodes"),
    ({"affinity": {"podAntiAffinity": {"required": []}}}, "spread over nodes"),
)
def test_without_room_beside_them_old_pods_make_room(options: Any, why: str) -> None:
    manifest = workload("deployment", replicas=3, **options)
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    assert held(manifest, 3).manifest["spec"]["strategy"] == strategy
    assert held(manifest, 1) is None
    assert why in change_plan.describe_plan(manifest, live(manifest, 3), CANARY, has_service=True)


def test_a_node_affinity_leaves_room() -> None:
    manifest = workload("deployment", affinity={"nodeAffinity": {"a": "b"}})
    assert held(manifest, 1).manifest["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 1


def test_the_count_changes_only_after_the_hold_and_an_autoscaler_keeps_it() -> None:
    assert held(workload("deployment", replicas=9), 3).manifest["spec"]["replicas"] == 3
    scaled = workload("deployment", autoscaling={"min_replicas": 2, "max_replicas": 9, "cpu_percent": 80})
    assert "replicas" not in held(scaled, 3).manifest["spec"]


def test_a_stateful_set_changes_its_last_pods() -> None:
    found = held(workload("statefulset", replicas=5), 5, "2")
    assert found.manifest["spec"]["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}
    assert found.manifest["spec"]["minReadySeconds"] < 60, "it would apply to old pods too"
    own = workload("statefulset", replicas=5, update_strategy={"rollingUpdate": {"partition": 4, "maxUnavailable": 2}})
    kept = {"partition": 4, "maxUnavailable": 2}
    assert held(own, 5, "2").manifest["spec"]["updateStrategy"]["rollingUpdate"] == kept
    assert held(workload("statefulset", replicas=1), 1) is None


def test_a_daemon_set_waits_for_evictions() -> None:
    found = held(workload("daemonset"), 4, "50%")
    assert found.manifest["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert found.manifest["spec"]["minReadySeconds"] < 60, "it would apply to old pods too"
    assert (found.changed_pod_count, found.needs_eviction, str(found)) == (2, True, "2 of 4 nodes")
    assert held(workload("daemonset"), 1) is None
    assert held(workload("daemonset"), 0) is None


def test_the_operator_cannot_be_held() -> None:
    assert held(workload("deployment", "operator"), 3) is None


def test_only_new_pods_are_worth_a_canary() -> None:
    old = workload("deployment", cpu_request="100m")
    new = workload("deployment", cpu_request="200m")
    assert pod_renewal.renews_pods(new, old, None), "the server would not say"
    assert pod_renewal.renews_pods(new, old, new)
    more = {**old, "spec": {**old["spec"], "replicas": 9}}
    assert not pod_renewal.renews_pods(more, old, more)
    assert pod_renewal.renews_pods(more, {**old, "kind": "OpenTelemetryCollector"}, None)
    resource, scaled, changed = (
        workload("deployment", "operator", **given) for given in ({}, {"replicas": 9}, {"cpu_request": "200m"})
    )
    assert not pod_renewal.renews_pods(scaled, resource, scaled)
    assert pod_renewal.renews_pods(changed, resource, changed)
    assert not pod_renewal.renews_pods(resource, changed, resource, before=resource), "an inventory that goes back"


def test_an_inventory_that_goes_back_needs_no_canary() -> None:
    """An interrupted run left the new config held: the live workload has it, and `before` is what was there."""
    old = workload("deployment", cpu_request="100m")
    new = workload("deployment", cpu_request="200m")
    assert pod_renewal.renews_pods(new, new, new, before=old)
    assert not pod_renewal.renews_pods(old, new, old, before=old)
    served = deepcopy(old)
    served["spec"]["template"]["spec"]["schedulerName"] = "default-scheduler"
    assert not pod_renewal.renews_pods(old, new, served, before=old), "the server adds defaults"


def pod(name: str, node: str, ready: str = "True") -> Any:
    metadata = {"name": name, "namespace": "ns", "uid": f"uid-{name}"}
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": metadata, "spec": {"nodeName": node}, "status": status}


def test_pods_that_are_ready_go_first_and_only_these_very_pods() -> None:
    pods = [pod("c", "n3"), pod("a", "n1", "False"), pod("b", "n2")]
    assert [one["metadata"]["name"] for one in evictions.choose_pods_to_evict(pods, 2)] == ["b", "c"]
    assert evictions.choose_pods_to_evict(pods, 0) == evictions.choose_pods_to_evict(pods, -1) == []
    assert evictions.build_eviction(pods[0]) == {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "c", "namespace": "ns"},
        "deleteOptions": {"preconditions": {"uid": "uid-c"}},
    }
    assert not evictions.is_ready({"metadata": {}, "status": {}})


@cases(
    "mode, total, options, line",
    (
        "deployment",
        3,
        CANARY,
        "Deployment telemetry/gateway: canary of 1 of 3 pods, judged for 60 s; then the others, judged for 60 s;"
        " goes back if it fails.",
    ),
    ("deployment", 1, ROLLING, "Deployment telemetry/gateway: rolling; goes back if it fails."),
    ("deployment", 1, {**ROLLING, "on_failure": "keep"}, "Deployment telemetry/gateway: rolling; stays if it fails."),
    (
        "daemonset",
        4,
        CANARY,
        "DaemonSet telemetry/gateway: canary of 1 of 4 nodes, judged for 60 s; then the others, judged for 60 s;"
        " goes back if it fails. Risks: a node has no pod while its pod is replaced.",
    ),
    (
        "daemonset",
        1,
        CANARY,
        "DaemonSet telemetry/gateway: rolling, since no pod can keep the earlier config; then judged for 60 s;"
        " goes back if it fails. Risks: a node has no pod while its pod is replaced.",
    ),
    (
        "statefulset",
        1,
        ROLLING,
        "StatefulSet telemetry/gateway: rolling; goes back if it fails. Risks: with one replica no other pod receives"
        " meanwhile.",
    ),
)
def test_check_mode_says_what_a_change_does(mode: str, total: int, options: Any, line: str) -> None:
    manifest = workload(mode)
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container["readinessProbe"] = {"httpGet": {}}
    assert change_plan.describe_plan(manifest, live(manifest, total), options, has_service=True) == line
    del container["readinessProbe"]
    assert "without a readiness probe" in change_plan.describe_plan(
        manifest, live(manifest, total), options, has_service=True
    )


def test_risks_name_what_clients_see() -> None:
    manifest = workload("deployment", host_ports=True)
    line = change_plan.describe_plan(manifest, live(manifest, 1), ROLLING, has_service=False)
    assert "a pod stops before its replacement starts, since it uses the host port 4317; with one replica" in line
    assert "without a Service, clients keep the addresses of pods that stop" in line
    resource = workload("deployment", "operator")
    assert "Risks" not in change_plan.describe_plan(resource, resource, ROLLING, has_service=False)
