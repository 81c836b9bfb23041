# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who makes way for whom, and whose count is kept."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster import replacement_order
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.bundle import Ref
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.host_ports import clashes, template_ports

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
    assert bool(list(clashes(wanted, template_ports(wanted), [pod(**labels)], going))) is clash
