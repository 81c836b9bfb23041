# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workload goes before which, whose count is kept, what two cannot share, and what pods ask of OpenShift."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change import host_ports, replacement_order
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.constraint_needs import find_unmet_needs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.replacement_order import must_go_first
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.replica_counts import (
    find_autoscaled,
    find_kept_replicas,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.written_volumes import list_written_volumes
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ObjectRef

from .._collector.manifests.test_security_context_constraints import CONSTRAINED, LOGS, placed
from ..helpers import build, cases, running

LABEL = "o11y.opentelemetry/collector"
STATE = running(
    receivers={"file_log": {"include": ["/var/log/pods/*/*/*.log"], "storage": "file_storage"}},
    extensions={"file_storage": {"directory": "/var/lib/otelcol/read"}},
)
CLEAR = running(receivers={"otlp": {"protocols": {"http": None}}})
FOLDERS, PORTS, NETWORK, USER = "folders of the node", "ports of the node", "the node's network", "user 10001"


def obj(kind: str, name: str = "a", of: str = "a", namespace: str = "ns", **spec: Any) -> dict[str, Any]:
    labels = {LABEL: of} if of else {}
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec}


def workload(kind: str = "DaemonSet", port: int = 0, **more: Any) -> dict[str, Any]:
    ports = [{"containerPort": 4317, "hostPort": port}] if port else []
    return obj(kind, template={"spec": {"containers": [{"ports": ports}]}}, **more)


def resource(port: int = 0, **spec: Any) -> dict[str, Any]:
    ports = [{"name": "otlp", "port": 4317} | ({"hostPort": port} if port else {})]
    return obj("OpenTelemetryCollector", ports=ports, **spec)


@cases(
    "new, old, yes",
    (resource(), workload(), True),
    (workload(), resource(), True),
    (workload("Deployment"), workload(), True),
    (workload(), workload(), False),
    (resource(), workload(of="b"), False),
    (resource(), workload(of=""), True),
    (resource(), workload(namespace="other"), False),
    (obj("ConfigMap"), workload(), False),
    (resource(), obj("ConfigMap"), False),
)
def test_a_workload_takes_the_place_of_another(new: Any, old: Any, yes: bool) -> None:
    assert replacement_order.replaces(new, old) is yes
    assert bool(replacement_order.find_awaited_workloads([old], [new])) is yes


SCALER = obj("HorizontalPodAutoscaler", scaleTargetRef={"kind": "Deployment", "name": "a"})


@cases(
    "old, new, yes",
    (workload(port=4317), resource(4317), True),
    (resource(4317), workload(port=4317), True),
    (workload(port=4317), resource(4318), False),
    (workload(port=4317), resource(hostNetwork=True), True),
    (workload(), resource(), False),
    (workload(port=4317, of="b"), resource(4317), False),
    (SCALER, obj("Deployment", replicas=2), True),
    (SCALER, obj("Deployment"), False),
    (SCALER, obj("Deployment", "b", replicas=2), False),
)
def test_some_must_go_first(old: Any, new: Any, yes: bool) -> None:
    assert must_go_first(old, [new]) is yes


@cases(
    "manifest, live, yes",
    (resource(mode="daemonset"), resource(mode="daemonset"), False),
    (resource(mode="daemonset"), resource(), True),
    (resource(), resource(mode="deployment"), False),
    (resource(mode="daemonset"), None, False),
    (workload(mode="x"), workload(mode="y"), False),
)
def test_another_mode_needs_another_object(manifest: Any, live: Any, yes: bool) -> None:
    assert replacement_order.must_be_remade(manifest, live) is yes


def test_who_is_autoscaled() -> None:
    own = obj("OpenTelemetryCollector", "c", autoscaler={"maxReplicas": 2})
    given = [SCALER, obj("Deployment"), obj("Deployment", "b"), resource(), own]
    wanted = {ObjectRef("Deployment", "ns", "a"), ObjectRef("OpenTelemetryCollector", "ns", "c")}
    assert find_autoscaled(given) == wanted


def held(manager: str = "us", operation: str = "Apply", fields: Any = None) -> dict[str, Any]:
    found = obj("Deployment", replicas=3)
    given = {"f:spec": {"f:replicas": {}}} if fields is None else fields
    found["metadata"]["managedFields"] = [{"manager": manager, "operation": operation, "fieldsV1": given}]
    return found


@cases(
    "manifest, live, count",
    (obj("Deployment"), held(), 3),
    (obj("Deployment", replicas=1), held(), None),
    (obj("Deployment"), held("kube-controller-manager", "Update"), None),
    (obj("Deployment"), held("us", "Update"), None),
    (obj("Deployment"), held(fields={"f:spec": {}}), None),
    (obj("Deployment"), obj("Deployment", replicas=3), None),
    (obj("Deployment"), obj("Deployment"), None),
    (obj("Deployment"), None, None),
)
def test_a_count_that_only_we_said_is_kept(manifest: Any, live: Any, count: Any) -> None:
    assert find_kept_replicas(manifest, live, "us") == count


OTLP = {"containerPort": 4317, "hostPort": 4317}
NETWORKED = workload()
NETWORKED["spec"]["template"]["spec"] = {"hostNetwork": True, "containers": [{"ports": [{"containerPort": 4317}]}]}
BOUND = workload(port=4317)
BOUND["spec"]["template"]["spec"]["containers"][0]["ports"][0]["hostIP"] = "10.0.0.1"
CR, NODE, OTHERS = resource(4317), workload(port=4317), {"app": "old"}
MADE = {
    "app.kubernetes.io/managed-by": "opentelemetry-operator",
    "app.kubernetes.io/instance": "ns.a",
    "app.kubernetes.io/component": "opentelemetry-collector",
}


def pod(labels: Any = None, namespace: str = "ns", phase: str = "Running", node: str = "n1", **port: Any) -> Any:
    metadata = {"name": "p", "namespace": namespace, "labels": labels or {}}
    spec = {"nodeName": node, "containers": [{"ports": [{**OTLP, **port}]}]}
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase}}


@cases(
    "wanted, other, going, clash",
    (NODE, pod(), [], True),
    (NODE, pod(protocol="TCP"), [], True),
    (NODE, pod(hostPort=4318), [], False),
    (NODE, pod(protocol="UDP"), [], False),
    (obj("DaemonSet", **NODE["spec"], selector={"matchLabels": OTHERS}), pod(OTHERS), [], False),
    (obj("DaemonSet", **NODE["spec"], selector={"matchLabels": OTHERS}), pod(OTHERS, "other"), [], True),
    (NODE, pod(phase="Succeeded"), [], False),
    (NODE, pod(node=""), [], False),
    (BOUND, pod(hostIP="127.0.0.1"), [], False),
    (BOUND, pod(), [], True),
    (NETWORKED, pod(), [], True),
    (workload(), pod(), [], False),
    (CR, pod(MADE), [], False),
    (CR, pod(MADE | {"app.kubernetes.io/instance": "ns.b"}), [], True),
    (CR, pod(OTHERS), [], True),
    (CR, pod(OTHERS), [obj("DaemonSet", selector={"matchLabels": OTHERS})], False),
)
def test_a_node_port_is_held_by_pods_that_stay(wanted: Any, other: Any, going: Any, clash: bool) -> None:
    ports = host_ports.list_template_ports(wanted)
    assert bool(list(host_ports.find_port_clashes(wanted, ports, [other], going))) is clash


def made(backend: str, config: Any = None, mode: str = "daemonset", **options: Any) -> Any:
    kinds = ("DaemonSet", "Deployment", "OpenTelemetryCollector")
    manifests = BACKENDS[backend].build_manifests(build(config, backend=backend, mode=mode, **options))
    return next(item for item in manifests if item["kind"] in kinds)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_collector_writes_to_its_state_and_to_claims_that_are_not_read_only(backend: str) -> None:
    assert list_written_volumes(made(backend, STATE)) == {"folder /var/lib/otelcol/telemetry-gateway"}
    assert list_written_volumes(made(backend)) == list_written_volumes({"kind": "ConfigMap", "data": {}}) == set()
    volume = {"name": "data", "mount_path": "/data", "source": {"persistentVolumeClaim": {"claimName": "data"}}}
    for more, found in (({}, set()), ({"read_only": False}, {"claim data"})):
        assert list_written_volumes(made(backend, mode="deployment", volumes=[{**volume, **more}])) == found


@pytest.mark.parametrize(("old", "new"), [("kubernetes", "operator"), ("operator", "kubernetes")])
def test_an_agent_with_state_makes_way_and_one_without_waits(old: str, new: str) -> None:
    assert must_go_first(made(old, STATE), [made(new, STATE)])
    assert not must_go_first(made(old, host_ports=False), [made(new, host_ports=False)])


def wishes(backend: str, config: Any, **options: Any) -> Any:
    return [
        wish.extra_needs
        for wish in find_unmet_needs(BACKENDS[backend].build_manifests(build(config, backend=backend, **options)))
    ]


@pytest.mark.parametrize("backend", BACKENDS)
@cases(
    "config, options, more",
    (CLEAR, {}, (USER,)),
    (CLEAR, {"mode": "daemonset"}, (PORTS, USER)),
    (CLEAR, {"host_network": True}, (NETWORK, USER)),
    (LOGS, {"mode": "daemonset"}, (FOLDERS, "user 0")),
)
def test_what_pods_ask_for_without_constraints_is_found(backend: str, config: Any, options: Any, more: Any) -> None:
    assert wishes(backend, config, **options) == [more]


@pytest.mark.parametrize("backend", BACKENDS)
def test_own_constraints_or_no_need_of_any_are_fine_and_those_of_others_do_not_count(backend: str) -> None:
    manifests = BACKENDS[backend].build_manifests
    for order in (placed(LOGS, mode="daemonset", backend=backend), placed(CLEAR, backend=backend)):
        assert find_unmet_needs(manifests(order)) == []
    bring = manifests(placed(LOGS, platform=CONSTRAINED, mode="daemonset", name="other", backend=backend))
    (wish,) = find_unmet_needs([*bring, *manifests(build(LOGS, mode="daemonset", backend=backend))])
    assert (wish.owner.namespace, wish.owner.name) == ("telemetry", "gateway")
    assert wishes("operator", CLEAR, mode="sidecar") == [(USER,)], "it has a user in the pods of others"
