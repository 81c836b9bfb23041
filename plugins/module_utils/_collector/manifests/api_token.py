# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token for the Kubernetes API, as a volume of the pods and its mount. Private.

A custom resource of the operator has no field for `automountServiceAccountToken`. So the
ServiceAccount turns the token of Kubernetes itself off, and `open_telemetry_collector.py` adds this one to collectors
that need the API.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .build import CollectorBuild

# What Kubernetes itself gives a pod with a token. Source: plugin/pkg/admission/serviceaccount of Kubernetes.
_TOKEN_VOLUME = "kube-api-access"
_TOKEN_SECONDS = 3607
_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"


class ApiToken(NamedTuple):
    """The volume with the token for the Kubernetes API, and its mount; none if the pods have no token."""

    volumes: list[dict[str, Any]]
    mounts: list[dict[str, Any]]


def render_api_token(build: CollectorBuild) -> ApiToken:
    """Return the token for the Kubernetes API, as Kubernetes itself would add it to the pods.

    OpenShift adds the ConfigMap with the authority of its services, which other clusters do not have.
    """
    if not build.wants_api_token:
        return ApiToken([], [])
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    service_ca = {"name": "openshift-service-ca.crt", "items": [{"key": "service-ca.crt", "path": "service-ca.crt"}]}
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources: list[dict[str, Any]] = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _TOKEN_SECONDS}},
        {"configMap": authority},
        {"configMap": {**service_ca, "optional": True}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    volume = {"name": _TOKEN_VOLUME, "projected": {"sources": sources}}
    mount = {"name": _TOKEN_VOLUME, "mountPath": _TOKEN_FOLDER, "readOnly": True}
    return ApiToken(volumes=[volume], mounts=[mount])
