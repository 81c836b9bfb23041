# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator makes of a custom resource, as far as rules over manifests look at it.

So the same rules hold for both backends. Source: internal/manifests of the operator 0.158.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]

KINDS = {"daemonset": "DaemonSet", "deployment": "Deployment", "statefulset": "StatefulSet"}
CONFIG = {"name": "otc-internal", "configMap": {"name": "made-by-the-operator"}}


def with_children(manifests: list[Manifest]) -> list[Manifest]:
    """Return the manifests, and after each custom resource what the operator makes of it."""
    return [made for item in manifests for made in (item, *_children(item))]


def _children(item: Manifest) -> Iterator[Manifest]:
    if item["kind"] != "OpenTelemetryCollector":
        return
    spec = item["spec"]
    if spec["mode"] in KINDS:
        yield _workload(item, spec)
    if spec.get("targetAllocator", {}).get("enabled"):
        yield _allocator(item, spec["targetAllocator"])


def _labels(item: Manifest, component: str) -> Manifest:
    metadata = item["metadata"]
    return {
        "app.kubernetes.io/managed-by": "opentelemetry-operator",
        "app.kubernetes.io/instance": f"{metadata['namespace']}.{metadata['name']}",
        "app.kubernetes.io/part-of": "opentelemetry",
        "app.kubernetes.io/component": component,
    }


def _frame(item: Manifest, kind: str, component: str, spec: Manifest, template: Manifest) -> Manifest:
    metadata = item["metadata"]
    suffix = component.removeprefix("opentelemetry-")
    selector = _labels(item, component)
    labels = {**metadata["labels"], **selector}
    annotations = item["spec"].get("podAnnotations", {})
    pods = {"metadata": {"labels": labels, "annotations": annotations}, "spec": template}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": f"{metadata['name']}-{suffix}", "namespace": metadata["namespace"], "labels": labels},
        "spec": {"selector": {"matchLabels": selector}, "template": pods, **spec},
    }


def _workload(item: Manifest, spec: Manifest) -> Manifest:
    ports = [
        {"name": port["name"], "containerPort": port["port"], "protocol": port["protocol"]}
        | ({"hostPort": port["hostPort"]} if "hostPort" in port else {})
        for port in spec.get("ports", [])
    ]
    mounts = [{"name": CONFIG["name"], "mountPath": "/conf"}, *spec.get("volumeMounts", [])]
    container = {
        "name": "otc-container",
        "env": [*spec["env"], {"name": "POD_NAME"}],
        "ports": ports,
        "volumeMounts": mounts,
        "securityContext": spec["securityContext"],
    }
    pod = {
        "serviceAccountName": spec["serviceAccount"],
        "containers": [container],
        "volumes": [CONFIG, *spec.get("volumes", [])],
        "securityContext": spec["podSecurityContext"],
        "hostNetwork": spec.get("hostNetwork", False),
        "nodeSelector": spec.get("nodeSelector", {}),
    }
    own = {key: spec[key] for key in ("serviceName", "volumeClaimTemplates") if key in spec}
    return _frame(item, KINDS[spec["mode"]], "opentelemetry-collector", own, pod)


def _allocator(item: Manifest, settings: Manifest) -> Manifest:
    container = {
        "name": "ta-container",
        "env": [],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "volumeMounts": [{"name": "ta-internal", "mountPath": "/conf"}],
        "securityContext": settings["securityContext"],
    }
    pod = {
        "serviceAccountName": settings["serviceAccount"],
        "containers": [container],
        "volumes": [{"name": "ta-internal", "configMap": {}}],
        "securityContext": settings["podSecurityContext"],
        "nodeSelector": settings.get("nodeSelector", {}),
    }
    return _frame(item, "Deployment", "opentelemetry-targetallocator", {}, pod)
