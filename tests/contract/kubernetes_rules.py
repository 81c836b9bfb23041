# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes would refuse, or would take and never do, as far as that can be told without a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .manifest_lookups import (
    WORKLOADS,
    Manifest,
    find_repeated,
    identify_object,
    list_containers,
    list_named,
    list_of_kinds,
    matches_pods,
    read_pod_template,
)
from .operator_children import with_children
from .pod_rules import list_pod_breaches

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")  # RFC 1035, as Services want it
SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
CLUSTER_WIDE_KINDS = ("Namespace", "ClusterRole", "ClusterRoleBinding", "SecurityContextConstraints")
KINDS_WITH_BACKENDS = ("Ingress", "HTTPRoute", "GRPCRoute")
SELECTOR_PATHS = {
    "Service": ("selector",),
    "PodDisruptionBudget": ("selector", "matchLabels"),
    "NetworkPolicy": ("podSelector", "matchLabels"),
}
"""Where the specs of kinds that select pods have the labels of these pods."""


def violations(manifests: list[Manifest]) -> list[str]:
    """Return every breach of a rule, each with the object it is in."""
    everything = with_children(manifests)
    return [
        f"{identify_object(item)}: {breach}"
        for item in everything
        for rule in RULES
        for breach in rule(item, everything)
    ]


def list_name_breaches(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """Names have the form that the API takes, and no object is there twice."""
    name = item["metadata"]["name"]
    form = DNS_LABEL if item["kind"] == "Service" else SUBDOMAIN
    if not form.match(name):
        yield f"name '{name}'"
    if [identify_object(other) for other in manifests].count(identify_object(item)) > 1:
        yield "is there twice"


def list_metadata_breaches(item: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """Labels and annotations of an object and of its pods have the form that the API takes."""
    yield from _list_key_breaches(item["metadata"])
    if item["kind"] in WORKLOADS:
        yield from _list_key_breaches(read_pod_template(item)["metadata"])


def _list_key_breaches(metadata: Manifest) -> Iterator[str]:
    for key, value in metadata.get("labels", {}).items():
        if not LABEL_KEY.match(key) or not LABEL_VALUE.match(value):
            yield f"label {key}: {value!r}"
    for key, value in metadata.get("annotations", {}).items():
        if not LABEL_KEY.match(key) or not isinstance(value, str):
            yield f"annotation {key}: {value!r}"


def list_namespace_breaches(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """Every namespaced object is in a namespace that the bundle brings."""
    if item["kind"] in CLUSTER_WIDE_KINDS:
        if "namespace" in item["metadata"]:
            yield "has a namespace"
        return
    known = {other["metadata"]["name"] for other in list_of_kinds(manifests, "Namespace")}
    namespace = item["metadata"].get("namespace")
    if namespace not in known:
        yield f"namespace {namespace}"


def list_null_breaches(item: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """A null in an object that is applied means different things to different readers."""
    # A config may say null: the API server keeps it there, for its schema does not know what is inside.
    spec = {key: value for key, value in item.get("spec", {}).items() if key != "config"}
    for path in _list_null_paths({**item, "spec": spec}, ""):
        yield f"null at {path}"


def _list_null_paths(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path
    for key, part in _list_parts(value):
        yield from _list_null_paths(part, f"{path}.{key}")


def _list_parts(value: Any) -> list[tuple[Any, Any]]:
    """Return what a mapping or a list holds, by key or place; nothing for any other value."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def list_binding_breaches(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """The role and the accounts that a binding names are in the bundle."""
    if item["kind"] != "ClusterRoleBinding":
        return
    known = {identify_object(other) for other in manifests}
    for reference in (item["roleRef"], *item["subjects"]):
        name = f"{reference['kind']} {reference['name']}"
        if name not in known:
            yield f"nobody is {name}"


def list_autoscaler_breaches(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """The workload that an autoscaler scales is in the bundle, and leaves the number of pods to it."""
    if item["kind"] != "HorizontalPodAutoscaler":
        return
    target = item["spec"]["scaleTargetRef"]
    scaled = list_named(manifests, target["kind"], target["name"])
    if not scaled or "replicas" in scaled[0]["spec"]:
        yield "its workload is not there, or has replicas of its own"


def list_stateful_set_breaches(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """The Service that names the pods of a StatefulSet is in the bundle, and has no address of its own."""
    if item["kind"] != "StatefulSet":
        return
    governing = list_named(manifests, "Service", item["spec"]["serviceName"])
    if not governing or governing[0]["spec"].get("clusterIP") != "None":
        yield "it has no governing Service"


def list_selector_breaches(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """What selects pods selects those of exactly one workload, and Services lead to ports that are open."""
    if item["kind"] not in SELECTOR_PATHS:
        return
    workloads = _list_selected_workloads(item, manifests)
    if len(workloads) != 1:
        yield f"selects {len(workloads)} workloads"
    elif item["kind"] == "Service":
        yield from _list_service_port_breaches(item["spec"].get("ports", []), workloads[0])


def _list_selected_workloads(item: Manifest, manifests: list[Manifest]) -> list[Manifest]:
    """Return the workloads in the namespace of an object whose pods it selects."""
    labels = item["spec"]
    for key in SELECTOR_PATHS[item["kind"]]:
        labels = labels[key]
    namespace = item["metadata"]["namespace"]
    neighbours = [one for one in list_of_kinds(manifests, *WORKLOADS) if one["metadata"]["namespace"] == namespace]
    return [workload for workload in neighbours if matches_pods(labels, workload)]


def _list_service_port_breaches(ports: list[Manifest], workload: Manifest) -> Iterator[str]:
    container = next(list_containers(workload))
    open_ports = {(port["containerPort"], port["protocol"]) for port in container["ports"]}
    for port in ports:
        if (port["targetPort"], port["protocol"]) not in open_ports:
            yield f"nobody opens {port['targetPort']}"
    for name in find_repeated(port["name"] for port in ports):
        yield f"port name {name} is there twice"


def list_entry_breaches(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """An Ingress and a route of the gateway API lead to a port of a Service."""
    if item["kind"] not in KINDS_WITH_BACKENDS:
        return
    for rule in item["spec"]["rules"]:
        for backend in _list_backends(rule):
            if backend["port"] not in _list_port_references(manifests, backend["name"]):
                yield f"nobody is {backend}"


def _list_backends(rule: Manifest) -> Iterator[Manifest]:
    """Yield the backends of a rule: those of an Ingress by path, and those of a route."""
    for path in rule.get("http", {}).get("paths", []):
        yield path["backend"]["service"]
    yield from rule.get("backendRefs", [])


def _list_port_references(manifests: list[Manifest], service: str) -> Iterator[Any]:
    """Yield how a port of a Service may be named: `4318` by a route, `{"name": "http"}` by an Ingress."""
    for found in list_named(manifests, "Service", service):
        for port in found["spec"].get("ports", []):
            yield port["port"]
            yield {"name": port["name"]}


def list_route_breaches(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """A Route of OpenShift leads to a port of a Service."""
    if item["kind"] != "Route":
        return
    service, port = item["spec"]["to"]["name"], item["spec"]["port"]["targetPort"]
    if {"name": port} not in _list_port_references(manifests, service):
        yield f"nobody is {service}:{port}"


RULES = (
    list_name_breaches,
    list_metadata_breaches,
    list_namespace_breaches,
    list_null_breaches,
    list_pod_breaches,
    list_binding_breaches,
    list_autoscaler_breaches,
    list_stateful_set_breaches,
    list_selector_breaches,
    list_entry_breaches,
    list_route_breaches,
)
