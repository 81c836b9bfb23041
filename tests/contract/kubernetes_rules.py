# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes would refuse, or would take and never do, as far as that can be told without a cluster."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .operator_children import with_children

Manifest = dict[str, Any]

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")  # RFC 1035, as Services want it
SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9](-?[a-z0-9])*\Z")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")
ALLOWED_VOLUMES = {"configMap", "secret", "emptyDir", "projected", "downwardAPI", "persistentVolumeClaim", "ephemeral"}


def violations(manifests: list[Manifest]) -> list[str]:
    """Return every breach of a rule, each with the object it is in."""
    everything = with_children(manifests)
    return [f"{_id(item)}: {breach}" for item in everything for rule in RULES for breach in rule(item, everything)]


def _id(item: Manifest) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def _of(manifests: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    return [item for item in manifests if item["kind"] in kinds]


def _twice(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def _pods(item: Manifest) -> Manifest:
    found: Manifest = item["spec"]["template"]
    return found


def names(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """Names, labels and annotations have the form that the API takes, and no object is there twice."""
    name = item["metadata"]["name"]
    if not (DNS_LABEL if item["kind"] == "Service" else SUBDOMAIN).match(name):
        yield f"name '{name}'"
    if [_id(other) for other in manifests].count(_id(item)) > 1:
        yield "is there twice"
    places = [item["metadata"], *([_pods(item)["metadata"]] if item["kind"] in WORKLOADS else [])]
    for place in places:
        for key, value in place.get("labels", {}).items():
            if not LABEL_KEY.match(key) or not LABEL_VALUE.match(value):
                yield f"label {key}: {value!r}"
        for key, value in place.get("annotations", {}).items():
            if not LABEL_KEY.match(key) or not isinstance(value, str):
                yield f"annotation {key}: {value!r}"


def namespaces(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """Every namespaced object is in a namespace that the bundle brings."""
    wide = item["kind"] in ("Namespace", "ClusterRole", "ClusterRoleBinding", "SecurityContextConstraints")
    known = {other["metadata"]["name"] for other in _of(manifests, "Namespace")}
    if not wide and item["metadata"].get("namespace") not in known:
        yield f"namespace {item['metadata'].get('namespace')}"
    if wide and "namespace" in item["metadata"]:
        yield "has a namespace"


def no_nulls(item: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """A null in an object that is applied means different things to different readers."""

    def nulls(value: Any, path: str) -> Iterator[str]:
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, part in pairs:
            if part is None:
                yield f"null at {path}.{key}"
            yield from nulls(part, f"{path}.{key}")

    # A config may say null: the API server keeps it there, for its schema does not know what is inside.
    spec = {key: value for key, value in item.get("spec", {}).items() if key != "config"}
    yield from nulls({**item, "spec": spec}, "")


def pods(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """Ports, volumes, mounts and variables of a pod are consistent."""
    if item["kind"] not in WORKLOADS:
        return
    spec = _pods(item)["spec"]
    if item["spec"]["selector"]["matchLabels"].items() - _pods(item)["metadata"]["labels"].items():
        yield "selector is not part of the pods' labels"
    volumes = [volume["name"] for volume in spec["volumes"]]
    claims = [claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", [])]
    yield from (f"volume {name} is there twice" for name in _twice([*volumes, *claims]))
    yield from (
        f"volume name {name}" for name in volumes if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name)
    )
    accounts = {other["metadata"]["name"] for other in _of(manifests, "ServiceAccount")}
    if spec.get("serviceAccountName", "default") not in {*accounts, "default"}:
        yield f"service account {spec['serviceAccountName']}"
    for container in spec["containers"]:
        mounts = container["volumeMounts"]
        yield from (f"mount of {m['name']}" for m in mounts if m["name"] not in [*volumes, *claims])
        yield from (f"volume {name} is not mounted" for name in volumes if name not in [m["name"] for m in mounts])
        yield from (f"mount path {path} is there twice" for path in _twice(m["mountPath"] for m in mounts))
        yield from (f"variable {name} is there twice" for name in _twice(e["name"] for e in container["env"]))
        yield from (f"variable {e['name']}" for e in container["env"] if not VARIABLE.match(e["name"]))
        yield from _ports(container["ports"])


def _ports(ports: list[Manifest]) -> Iterator[str]:
    yield from (f"port name {port['name']}" for port in ports if not PORT_NAME.match(port["name"]))
    yield from (f"port name {name} is there twice" for name in _twice(port["name"] for port in ports))
    numbers = [(port["containerPort"], port["protocol"]) for port in ports]
    yield from (f"port {number} is there twice" for number in _twice(numbers))
    yield from (f"port {number}" for number, protocol in numbers if not 0 < number < 65536)


def references(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """What refers to another object of the bundle finds it."""
    spec = item.get("spec", {})
    if item["kind"] == "ClusterRoleBinding":
        known = {_id(other) for other in manifests}
        wanted = [
            f"{item['roleRef']['kind']} {item['roleRef']['name']}",
            *(f"{s['kind']} {s['name']}" for s in item["subjects"]),
        ]
        yield from (f"nobody is {name}" for name in wanted if name not in known)
    if item["kind"] == "HorizontalPodAutoscaler":
        target = spec["scaleTargetRef"]
        scaled = [other for other in _of(manifests, target["kind"]) if other["metadata"]["name"] == target["name"]]
        if not scaled or "replicas" in scaled[0]["spec"]:
            yield "its workload is not there, or has replicas of its own"
    if item["kind"] == "StatefulSet":
        governing = [other for other in _of(manifests, "Service") if other["metadata"]["name"] == spec["serviceName"]]
        if not governing or governing[0]["spec"].get("clusterIP") != "None":
            yield "it has no governing Service"


def selectors(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """What selects pods selects those of exactly one workload, and Services lead to ports that are open."""
    spec = item.get("spec", {})
    fields: dict[str, Callable[[], Any]] = {
        "Service": lambda: spec["selector"],
        "PodDisruptionBudget": lambda: spec["selector"]["matchLabels"],
        "NetworkPolicy": lambda: spec["podSelector"]["matchLabels"],
    }
    if item["kind"] not in fields:
        return
    selected = fields[item["kind"]]().items()
    workloads = [w for w in _of(manifests, *WORKLOADS) if w["metadata"]["namespace"] == item["metadata"]["namespace"]]
    matched = [w for w in workloads if not selected - _pods(w)["metadata"]["labels"].items()]
    if len(matched) != 1:
        yield f"selects {len(matched)} workloads"
        return
    open_ports = {(p["containerPort"], p["protocol"]) for p in _pods(matched[0])["spec"]["containers"][0]["ports"]}
    ports = spec.get("ports", []) if item["kind"] == "Service" else []
    yield from (f"nobody opens {p['targetPort']}" for p in ports if (p["targetPort"], p["protocol"]) not in open_ports)
    yield from (f"port name {name} is there twice" for name in _twice(p["name"] for p in ports))


def ways_in(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """An Ingress and a route lead to a port of a Service."""
    if item["kind"] == "Route":
        yield from _route(item["spec"], manifests)
    services = {s["metadata"]["name"]: s["spec"].get("ports", []) for s in _of(manifests, "Service")}
    rules = item["spec"]["rules"] if item["kind"] in ("Ingress", "HTTPRoute", "GRPCRoute") else []
    backends = [path["backend"]["service"] for rule in rules for path in rule.get("http", {}).get("paths", [])]
    backends += [backend for rule in rules for backend in rule.get("backendRefs", [])]
    for backend in backends:
        known = [
            value for port in services.get(backend["name"], []) for value in (port["port"], {"name": port["name"]})
        ]
        if backend["port"] not in known:
            yield f"nobody is {backend}"


def _route(spec: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    name, port = spec["to"]["name"], spec["port"]["targetPort"]
    services = [other for other in _of(manifests, "Service") if other["metadata"]["name"] == name]
    if port not in [known["name"] for other in services for known in other["spec"].get("ports", [])]:
        yield f"nobody is {name}:{port}"


def restricted(item: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """The restricted Pod Security Standard holds for all that touches nothing of its node."""
    if item["kind"] not in WORKLOADS:
        return
    spec = _pods(item)["spec"]
    container = spec["containers"][0]
    on_node = (
        spec.get("hostNetwork")
        or any("hostPath" in volume for volume in spec["volumes"])
        or any("hostPort" in port for port in container["ports"])
    )
    yield from _confined(container["securityContext"])
    if spec["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccomp is off"
    if on_node:
        return
    if spec["securityContext"].get("runAsNonRoot") is not True or spec["securityContext"].get("runAsUser") == 0:
        yield "may run as root"
    for volume in spec["volumes"]:
        if not set(volume) - {"name"} <= ALLOWED_VOLUMES:
            yield f"volume {volume['name']} is not allowed"


def linux_nodes(item: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """No pod waits on a Windows node for an image that cannot be pulled there."""
    if item["kind"] in WORKLOADS and "kubernetes.io/os" not in _pods(item)["spec"].get("nodeSelector", {}):
        yield "may run on a node of any system"


def _confined(security: Manifest) -> Iterator[str]:
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield "may escalate"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "may write to its image"


RULES = (names, namespaces, no_nulls, pods, references, selectors, ways_in, restricted, linux_nodes)
