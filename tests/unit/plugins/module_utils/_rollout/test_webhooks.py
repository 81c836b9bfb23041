# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks as data; what the OpenTelemetry operator says of its resources, and makes of them."""

from __future__ import annotations

import base64
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube import operator_status
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import operator_names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout import webhooks

from ..helpers import cases

BUNDLE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIB\n").decode()
SERVICE = {"namespace": "ns", "name": "hook"}
READY = {"type": "Ready", "status": "True", "reason": "Reconciled", "message": "ok"}
UNRECONCILED = {"type": "Ready", "status": "False", "reason": "ReconcileError", "message": "no right"}
DONE = {"observedGeneration": 2, "conditions": [READY], "version": "0.158.0"}
OLD = {"version": "0.152.1"}
SHARED = {"mode": "statefulset", "targetAllocator": {"enabled": True}}


def configuration(*clients: Any, annotations: Any = None) -> dict[str, Any]:
    webhooks = [{"name": f"w{number}", "clientConfig": client} for number, client in enumerate(clients)]
    return {"metadata": {"name": "c", "annotations": annotations or {}}, "webhooks": webhooks}


def definition(strategy: str, client: Any) -> dict[str, Any]:
    conversion = {"strategy": strategy, "webhook": {"clientConfig": client}}
    return {"metadata": {"name": "d"}, "spec": {"conversion": conversion}}


@cases(
    "given, without",
    (configuration({"service": SERVICE, "caBundle": BUNDLE}, {"service": SERVICE}), ["w1"]),
    (configuration({"service": SERVICE, "caBundle": "Cg=="}), ["w0"]),
    (configuration({"service": SERVICE, "caBundle": "%"}), ["w0"]),
    (configuration({"url": "https://hooks.example.com"}), []),
    (definition("Webhook", {"service": SERVICE}), ["conversion"]),
    (definition("Webhook", {"service": SERVICE, "caBundle": BUNDLE}), []),
    (definition("None", {}), []),
    ({"metadata": {"name": "d"}, "spec": {}}, []),
)
def test_webhooks_without_a_ca(given: Any, without: list[str]) -> None:
    assert webhooks.list_webhooks_without_ca(given) == without


def test_services_are_named_once() -> None:
    client = {"service": SERVICE}
    given = [configuration(client, client, {"url": "https://a"}), definition("Webhook", client)]
    assert webhooks.list_webhook_services(given) == [("ns", "hook")]


@cases(
    "annotations, found",
    ({"cert-manager.io/inject-ca-from": "ns/c", "x": "y"}, ("cert-manager.io/inject-ca-from", "ns/c")),
    ({"service.beta.openshift.io/inject-cabundle": "true"}, ("service.beta.openshift.io/inject-cabundle", "true")),
    (None, None),
)
def test_who_injects(annotations: Any, found: tuple[str, str] | None) -> None:
    assert webhooks.find_injection_request(configuration(annotations=annotations)) == found


@cases("selector, yes", ({"a": "1"}, True), ({"a": "1", "b": "2"}, True), ({"a": "2"}, False), ({}, False))
def test_a_service_selects_a_workload(selector: Any, yes: bool) -> None:
    workload = {"spec": {"template": {"metadata": {"labels": {"a": "1", "b": "2"}}}}}
    assert webhooks.selects_workload({"spec": {"selector": selector}}, workload) is yes


@cases("endpoints, ready", ([{"conditions": {"ready": False}}], False), ([{}], True), ([], False), (None, False))
def test_endpoints(endpoints: Any, ready: bool) -> None:
    slices = [{"endpoints": endpoints, "ports": [{"port": 9443}]}]
    assert webhooks.has_ready_endpoint(slices) is ready
    assert webhooks.describe_pod_ports(slices) == "9443"
    assert webhooks.describe_pod_ports([]) == "that its targetPort names"


def custom(status: Any = None, kind: str = "OpenTelemetryCollector", **spec: Any) -> Any:
    metadata = {"name": "a", "namespace": "ns", "generation": 2, "uid": "u"}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": status or {}}


def child(owner: str = "OpenTelemetryCollector", name: str = "a", **annotations: str) -> Any:
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [{"image": "i"}]}}
    metadata = {"name": "a-collector", "ownerReferences": [{"kind": owner, "name": name}]}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 1, "template": template}}


@cases(
    "given, names",
    (custom(), ["Deployment ns/a-collector"]),
    (custom(mode="daemonset"), ["DaemonSet ns/a-collector"]),
    (custom(mode="statefulset"), ["StatefulSet ns/a-collector"]),
    (custom(mode="sidecar"), []),
    (custom(**SHARED), ["StatefulSet ns/a-collector", "Deployment ns/a-targetallocator"]),
    (custom(targetAllocator={"enabled": False}), ["Deployment ns/a-collector"]),
    (custom(kind="TargetAllocator"), ["Deployment ns/a-targetallocator"]),
)
def test_the_workloads_of_a_resource(given: Any, names: list[str]) -> None:
    assert [str(item) for item in operator_status.list_children(given)] == names


@cases("name, made", ("a", "a"), ("a.b", "a-b"), ("x" * 60, "x" * 53), ("-a", "a"))
def test_names_are_cut_as_the_operator_cuts_them(name: str, made: str) -> None:
    assert operator_names.child_name(name, "-collector") == f"{made}-collector"


SUMMED = {"podAnnotations": {"sum": "2"}}
GONE = child()
GONE["metadata"]["deletionTimestamp"] = "now"
BOTH = custom(DONE, **SUMMED, targetAllocator={"enabled": True})


@cases(
    "given, live, words",
    (custom(DONE), [child()], ""),
    (custom(DONE), [None], "Deployment ns/a-collector does not exist"),
    (custom(DONE), [GONE], "does not exist"),
    (custom(DONE | {"observedGeneration": 1}), [child()], "has seen generation 1, not 2"),
    (custom({"observedGeneration": 2, "conditions": [UNRECONCILED]}), [child()], "says ReconcileError: no right"),
    (custom(DONE, image="new"), [child()], ""),
    (custom(), [child()], "no operator has reconciled it"),
    (custom(OLD), [child()], ""),
    (custom(OLD), [child(name="b")], "has another owner"),
    (custom(OLD, image="new"), [child()], "does not have the image of the resource"),
    (custom(OLD, **SUMMED), [child(sum="1")], "does not have the podAnnotations"),
    (custom(OLD, **SUMMED), [child(sum="2", more="x")], ""),
    (custom(OLD, replicas=2), [child()], "does not have the replicas"),
    (custom(OLD, replicas=2, autoscaler={"maxReplicas": 3}), [child()], ""),
    (custom(OLD, replicas=2, mode="daemonset"), [child()], ""),
    (custom(OLD, mode="sidecar"), [], ""),
    (custom(DONE, mode="sidecar"), [], ""),
    (custom(mode="sidecar"), [], "no operator has reconciled it"),
    (custom(managementState="unmanaged"), [child()], ""),
    (custom(managementState="unmanaged"), [None], "does not exist"),
    (custom(kind="TargetAllocator", image="new"), [child("TargetAllocator")], "does not have the image"),
    # What the operator says of a collector does not hold for its target allocator.
    (BOTH, [child(), child("TargetAllocator", sum="1")], "does not have the podAnnotations"),
    (BOTH, [child(), child("TargetAllocator", sum="2")], ""),
)
def test_when_a_resource_has_become_its_workloads(given: Any, live: Any, words: str) -> None:
    found = operator_status.explain_unreconciled(given, live)
    assert words in found and bool(found) is bool(words)
