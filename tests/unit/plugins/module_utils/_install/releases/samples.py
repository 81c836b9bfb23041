# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small releases, and what is found of them."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import products
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.version_numbers import Version

NEWEST = Version(1, 2, 3)
CERTIFIER, OPERATING = (products.PRODUCTS[name] for name in (products.CERT_MANAGER, products.OPERATOR))
TABLE: dict[str, Any] = yaml.safe_load("""
tested: {cert-manager: 1.21.2, opentelemetry-operator: 0.158.0}
cert_manager:
  "1.21": {kubernetes: ["1.33", "1.36"]}
  "1.20": {kubernetes: ["1.32", "1.35"]}
  "1.19": {kubernetes: ["1.31", "1.35"]}
operator_images:
  collector: {flag: collector-image, image: ghcr.io/otel/collector}
  target_allocator: {flag: target-allocator-image, image: ghcr.io/otel/allocator, version: operator}
  java: {flag: auto-instrumentation-java-image, image: ghcr.io/otel/java}
operator:
  0.158.0: {kubernetes: ["1.25", "1.36"], chart: 0.122.0, collector: 0.158.0, java: 2.30.0}
  0.152.0: {kubernetes: ["1.25", "1.35"], chart: 0.114.1, collector: 0.152.1, java: 2.28.1}
""")
CONVERSION = {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"name": "hook", "namespace": "op"}}}}


def obj(kind: str, name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    """Return an object."""
    metadata: dict[str, Any] = {"name": name} | ({"namespace": namespace} if namespace else {})
    metadata |= more.pop("metadata", {})
    return {"apiVersion": more.pop("api", "v1"), "kind": kind, "metadata": metadata, **more}


def deployment(name: str, namespace: str, image: str, **more: Any) -> dict[str, Any]:
    """Return a Deployment of one container."""
    container = {"name": name, "image": image, **more.pop("container", {})}
    spec = {"template": {"spec": {"containers": [container], **more.pop("pod", {})}}}
    return obj("Deployment", name, namespace, api="apps/v1", spec=spec, **more)


def definition(name: str = "things", group: str = "example.com", **more: Any) -> dict[str, Any]:
    """Return a definition with one version."""
    versions = more.pop("versions", [{"name": "v1", "served": True, "storage": True}])
    names = {"kind": name[:-1].capitalize(), "plural": name}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": versions, **more.pop("spec", {})}
    return obj("CustomResourceDefinition", f"{name}.{group}", api="apiextensions.k8s.io/v1", spec=spec, **more)


def webhook(kind: str = "MutatingWebhookConfiguration", namespace: str = "op", **more: Any) -> dict[str, Any]:
    """Return a webhook configuration that calls a service."""
    client = {"service": {"name": "hook", "namespace": namespace, "path": "/"}}
    hooks = [{"name": "a.b.c", "clientConfig": client}]
    return obj(kind, "hooks", api="admissionregistration.k8s.io/v1", webhooks=hooks, **more)


def operator_release() -> list[dict[str, Any]]:
    """Return what a manifest of the operator is made of, in small."""
    inject = {"annotations": {"cert-manager.io/inject-ca-from": "op/serving"}}
    volume = {"volumes": [{"name": "cert", "secret": {"secretName": "served"}}, {"name": "tmp", "emptyDir": {}}]}
    certificate = {"secretName": "served", "dnsNames": ["hook.op.svc", "hook.op.svc.cluster.local"]}
    image = "ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator:0.158.0"
    return [
        obj("Namespace", "op"),
        definition("collectors", spec={"conversion": CONVERSION}, metadata=inject),
        definition("things"),
        obj("ServiceAccount", "operator", "op"),
        obj("ClusterRoleBinding", "b", subjects=[{"kind": "ServiceAccount", "name": "operator", "namespace": "op"}]),
        deployment("manager", "op", image, container={"args": ["--zap-log-level=info"]}, pod=volume),
        obj("Certificate", "serving", "op", spec={**certificate, "issuerRef": {"name": "self", "kind": "Issuer"}}),
        obj("Issuer", "self", "op", spec={"selfSigned": {}}),
        webhook(metadata=inject),
    ]


def certifier_release() -> list[dict[str, Any]]:
    """Return what a manifest of cert-manager is made of, in small."""
    arguments = ["--v=2", "--leader-election-namespace=kube-system", "--acme-http01-solver-image=quay.io/j/solver:v1"]
    labels = {"labels": {"app.kubernetes.io/version": "v1.21.2"}}
    controller = "quay.io/j/cert-manager-controller:v1.21.2"
    subject = {"kind": "ServiceAccount", "name": "cm", "namespace": "cert-manager"}
    return [
        obj("Namespace", "cert-manager"),
        definition("certificates"),
        obj("Role", "election", "kube-system"),
        obj("RoleBinding", "election", "kube-system", subjects=[subject]),
        deployment("cm", "cert-manager", controller, metadata=labels, container={"args": arguments}),
        deployment("cm-webhook", "cert-manager", "quay.io/j/cert-manager-webhook:v1.21.2"),
    ]


def found(**more: Any) -> dict[str, Any]:
    """Return what release_info tells of a cluster with nothing in it."""
    nothing: dict[str, Any] = {
        **{"installed": False, "ours": False, "version": "", "namespace": "", "namespaces": []},
        **{"installer": {"by": "", "name": ""}, "kubernetes": "v1.34.4", "cert_manager": True},
        **{key: [] for key in ("crds", "resources", "objects", "denied", "workloads", "webhooks")},
    }
    return {**nothing, **more}


def here(version: str, **more: Any) -> dict[str, Any]:
    """Return what release_info tells of an installation of ours."""
    told = {"installed": True, "ours": True, "version": version, "namespace": "ns", "namespaces": ["ns"]}
    return found(**{**told, "installer": {"by": "manifest", "name": ""}, **more})


def resource(kind: str, name: str = "a", **more: Any) -> dict[str, Any]:
    """Return what release_info tells of a custom resource."""
    told = {"kind": kind, "api_version": "x/v1", "namespace": "ns", "name": name, "ours": False, "release": False}
    return {**told, "finalizers": [], "image": "", "version": "", "automatic": True, **more}
