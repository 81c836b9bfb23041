# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workload goes before which, whose count is kept, and what the operator makes of a resource."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster import operator_status, replacement_order
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.bundle import Ref

LABEL = "o11y.opentelemetry/collector"


def obj(kind: str, name: str = "a", of: str = "a", namespace: str = "ns", **spec: Any) -> dict[str, Any]:
    labels = {LABEL: of} if of else {}
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec}


def workload(kind: str = "DaemonSet", port: int = 0, **more: Any) -> dict[str, Any]:
    ports = [{"containerPort": 4317, "hostPort": port}] if port else []
    return obj(kind, template={"spec": {"containers": [{"ports": ports}]}}, **more)


def resource(port: int = 0, **spec: Any) -> dict[str, Any]:
    ports = [{"name": "otlp", "port": 4317} | ({"hostPort": port} if port else {})]
    return obj("OpenTelemetryCollector", ports=ports, **spec)


@pytest.mark.parametrize(
    ("new", "old", "yes"),
    [
        (resource(), workload(), True),
        (workload(), resource(), True),
        (workload("Deployment"), workload(), True),
        (workload(), workload(), False),
        (resource(), workload(of="b"), False),
        (resource(), workload(of=""), True),
        (resource(), workload(namespace="other"), False),
        (obj("ConfigMap"), workload(), False),
        (resource(), obj("ConfigMap"), False),
    ],
)
def test_a_workload_takes_the_place_of_another(new: Any, old: Any, yes: bool) -> None:
    assert replacement_order.replaces(new, old) is yes
    assert bool(replacement_order.awaited([old], [new])) is yes


SCALER = obj("HorizontalPodAutoscaler", scaleTargetRef={"kind": "Deployment", "name": "a"})


@pytest.mark.parametrize(
    ("old", "new", "yes"),
    [
        (workload(port=4317), resource(4317), True),
        (resource(4317), workload(port=4317), True),
        (workload(port=4317), resource(4318), False),
        (workload(port=4317), resource(hostNetwork=True), True),
        (workload(), resource(), False),
        (workload(port=4317, of="b"), resource(4317), False),
        (SCALER, obj("Deployment", replicas=2), True),
        (SCALER, obj("Deployment"), False),
        (SCALER, obj("Deployment", "b", replicas=2), False),
    ],
)
def test_some_must_go_first(old: Any, new: Any, yes: bool) -> None:
    assert replacement_order.goes_first(old, [new]) is yes


@pytest.mark.parametrize(
    ("manifest", "live", "yes"),
    [
        (resource(mode="daemonset"), resource(mode="daemonset"), False),
        (resource(mode="daemonset"), resource(), True),
        (resource(), resource(mode="deployment"), False),
        (resource(mode="daemonset"), None, False),
        (workload(mode="x"), workload(mode="y"), False),
    ],
)
def test_another_mode_needs_another_object(manifest: Any, live: Any, yes: bool) -> None:
    assert replacement_order.remade(manifest, live) is yes


def test_who_is_autoscaled() -> None:
    own = obj("OpenTelemetryCollector", "c", autoscaler={"maxReplicas": 2})
    given = [SCALER, obj("Deployment"), obj("Deployment", "b"), resource(), own]
    assert replacement_order.autoscaled(given) == {
        Ref("Deployment", "ns", "a"),
        Ref("OpenTelemetryCollector", "ns", "c"),
    }


def held(manager: str = "us", operation: str = "Apply", fields: Any = None) -> dict[str, Any]:
    found = obj("Deployment", replicas=3)
    given = {"f:spec": {"f:replicas": {}}} if fields is None else fields
    found["metadata"]["managedFields"] = [{"manager": manager, "operation": operation, "fieldsV1": given}]
    return found


@pytest.mark.parametrize(
    ("manifest", "live", "count"),
    [
        (obj("Deployment"), held(), 3),
        (obj("Deployment", replicas=1), held(), None),
        (obj("Deployment"), held("kube-controller-manager", "Update"), None),
        (obj("Deployment"), held("us", "Update"), None),
        (obj("Deployment"), held(fields={"f:spec": {}}), None),
        (obj("Deployment"), obj("Deployment", replicas=3), None),
        (obj("Deployment"), obj("Deployment"), None),
        (obj("Deployment"), None, None),
    ],
)
def test_a_count_that_only_we_said_is_kept(manifest: Any, live: Any, count: Any) -> None:
    assert replacement_order.kept_replicas(manifest, live, "us") == count


OTLP = {"containerPort": 4317, "hostPort": 4317}
MADE = {
    "app.kubernetes.io/managed-by": "opentelemetry-operator",
    "app.kubernetes.io/instance": "ns.a",
    "app.kubernetes.io/component": "opentelemetry-collector",
}


def pod(**labels: str) -> dict[str, Any]:
    metadata = {"name": "p", "namespace": "ns", "labels": labels}
    spec = {"nodeName": "n1", "containers": [{"ports": [OTLP]}]}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Running"}}


@pytest.mark.parametrize(
    ("labels", "going", "clash"),
    [
        (MADE, [], False),
        (MADE | {"app.kubernetes.io/instance": "ns.b"}, [], True),
        ({"app": "old"}, [], True),
        ({"app": "old"}, [obj("DaemonSet", selector={"matchLabels": {"app": "old"}})], False),
    ],
)
def test_pods_that_make_way_hold_no_port(labels: Any, going: Any, clash: bool) -> None:
    wanted = resource(4317)
    assert (
        bool(list(replacement_order.clashes(wanted, replacement_order.template_ports(wanted), [pod(**labels)], going)))
        is clash
    )


READY = {"type": "Ready", "status": "True", "reason": "Reconciled", "message": "ok"}
FAILED = {"type": "Ready", "status": "False", "reason": "ReconcileError", "message": "no right"}
DONE = {"observedGeneration": 2, "conditions": [READY], "version": "0.158.0"}
OLD = {"version": "0.152.1"}


def operator_status_resource(
    status: Any = None, kind: str = "OpenTelemetryCollector", name: str = "a", **spec: Any
) -> Any:
    metadata = {"name": name, "namespace": "ns", "generation": 2, "uid": "u"}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": status or {}}


def child(
    owner: str = "OpenTelemetryCollector", name: str = "a", image: str = "i", replicas: int = 1, **annotations: str
) -> Any:
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [{"image": image}]}}
    metadata = {"name": "a-collector", "ownerReferences": [{"kind": owner, "name": name}]}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas, "template": template}}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (operator_status_resource(), ["Deployment ns/a-collector"]),
        (operator_status_resource(mode="daemonset"), ["DaemonSet ns/a-collector"]),
        (operator_status_resource(mode="statefulset"), ["StatefulSet ns/a-collector"]),
        (operator_status_resource(mode="sidecar"), []),
        (
            operator_status_resource(mode="statefulset", targetAllocator={"enabled": True}),
            ["StatefulSet ns/a-collector", "Deployment ns/a-targetallocator"],
        ),
        (operator_status_resource(targetAllocator={"enabled": False}), ["Deployment ns/a-collector"]),
        (operator_status_resource(kind="TargetAllocator"), ["Deployment ns/a-targetallocator"]),
    ],
)
def test_the_workloads_of_a_resource(given: Any, names: list[str]) -> None:
    assert [str(item) for item in operator_status.children(given)] == names


@pytest.mark.parametrize(
    ("name", "made"),
    [("a", "a-collector"), ("a.b", "a-b-collector"), ("x" * 60, f"{'x' * 53}-collector"), ("-a", "a-collector")],
)
def test_names_are_cut_as_the_operator_cuts_them(name: str, made: str) -> None:
    assert operator_status.child_name(name, "-collector") == made


@pytest.mark.parametrize(
    ("given", "live", "words"),
    [
        (operator_status_resource(DONE), [child()], ""),
        (operator_status_resource(DONE), [None], "Deployment ns/a-collector does not exist"),
        (operator_status_resource(DONE | {"observedGeneration": 1}), [child()], "has seen generation 1, not 2"),
        (
            operator_status_resource({"observedGeneration": 2, "conditions": [FAILED]}),
            [child()],
            "says ReconcileError: no right",
        ),
        (operator_status_resource(DONE, image="new"), [child()], ""),
        (operator_status_resource(), [child()], "no operator has reconciled it"),
        (operator_status_resource(OLD), [child()], ""),
        (operator_status_resource(OLD), [child(name="b")], "has another owner"),
        (operator_status_resource(OLD, image="new"), [child()], "does not have the image of the resource"),
        (
            operator_status_resource(OLD, podAnnotations={"sum": "2"}),
            [child(sum="1")],
            "does not have the podAnnotations",
        ),
        (operator_status_resource(OLD, podAnnotations={"sum": "2"}), [child(sum="2", more="x")], ""),
        (operator_status_resource(OLD, replicas=2), [child()], "does not have the replicas"),
        (operator_status_resource(OLD, replicas=2, autoscaler={"maxReplicas": 3}), [child()], ""),
        (operator_status_resource(OLD, replicas=2, mode="daemonset"), [child()], ""),
        (operator_status_resource(OLD, mode="sidecar"), [], ""),
        (operator_status_resource(DONE, mode="sidecar"), [], ""),
        (operator_status_resource(mode="sidecar"), [], "no operator has reconciled it"),
        (operator_status_resource(managementState="unmanaged"), [child()], ""),
        (operator_status_resource(managementState="unmanaged"), [None], "does not exist"),
        (
            operator_status_resource(kind="TargetAllocator", image="new"),
            [child("TargetAllocator")],
            "does not have the image",
        ),
    ],
)
def test_when_a_resource_has_become_its_workloads(given: Any, live: Any, words: str) -> None:
    assert words in operator_status.untaken(given, live)
    assert bool(operator_status.untaken(given, live)) is bool(words)


def test_a_workload_that_is_going_does_not_count() -> None:
    gone = child()
    gone["metadata"]["deletionTimestamp"] = "now"
    assert "does not exist" in operator_status.untaken(operator_status_resource(DONE), [gone])


@pytest.mark.parametrize(("found", "words"), [("1", "does not have the podAnnotations"), ("2", "")])
def test_what_the_operator_says_does_not_hold_for_the_target_allocator(found: str, words: str) -> None:
    given = operator_status_resource(DONE, podAnnotations={"sum": "2"}, targetAllocator={"enabled": True})
    assert words in operator_status.untaken(given, [child(), child("TargetAllocator", sum=found)])
    assert bool(operator_status.untaken(given, [child(), child("TargetAllocator", sum=found)])) is bool(words)
