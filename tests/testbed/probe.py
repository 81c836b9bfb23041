# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to the servers of a cluster, answered with what is still missing."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.testbed.cluster import Cluster

TIMEOUT_SECONDS = 5


def _admin_tls_context(cluster: Cluster) -> ssl.SSLContext:
    """The administrator's certificate. (The other servers' health ports have certificates of their own making.)"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(cluster.dir / "pki" / "admin.crt", cluster.dir / "pki" / "admin.key")
    return context


def fetch_body(cluster: Cluster, url: str) -> bytes:
    """The body of an answer with a status of success; OSError otherwise."""
    context = _admin_tls_context(cluster) if url.startswith("https:") else None
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if context:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=TIMEOUT_SECONDS) as answer:
            body: bytes = answer.read()
            return body
    except http.client.HTTPException as error:
        raise OSError(f"{url}: {error!r}") from error


def find_url_fault(cluster: Cluster, url: str) -> str | None:
    """None once the URL answers with success."""
    try:
        fetch_body(cluster, url)
    except urllib.error.HTTPError as error:
        return f"{url} answers {error.code}: {error.read(500).decode(errors='replace').strip()}"
    except OSError as error:
        return f"{url} does not answer: {error}"
    return None


def find_socket_fault(path: Path) -> str | None:
    """None once something listens. The folder is opened first: a socket's whole path may be too long for the kernel."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        return f"{path.parent}: {error.strerror}"
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError as error:
        return f"nobody listens at {path}: {error.strerror}"
    finally:
        os.close(folder)
    return None


def read_object(cluster: Cluster, path: str) -> Any:
    """An object of the Kubernetes API."""
    return json.loads(fetch_body(cluster, f"https://{cluster.nodes[0].ip}:6443{path}"))


def find_api_fault(cluster: Cluster) -> str | None:
    """None once the API server is ready."""
    return find_url_fault(cluster, f"https://{cluster.nodes[0].ip}:6443/readyz")


def find_nodes_fault(cluster: Cluster) -> str | None:
    """None once every node is Ready."""
    try:
        node_objects = read_object(cluster, "/api/v1/nodes")["items"]
    except OSError as error:
        return f"the API does not answer: {error}"
    conditions: dict[str, dict[str, str]] = {
        node_object["metadata"]["name"]: next(
            (condition for condition in node_object["status"].get("conditions", []) if condition["type"] == "Ready"), {}
        )
        for node_object in node_objects
    }
    for node in cluster.nodes:
        ready_condition = conditions.get(node.name, {"status": "Unknown", "message": "it has not registered itself"})
        if ready_condition.get("status") != "True":
            return f"{node.name} is not Ready: {ready_condition.get('message', 'no condition reported yet')}"
    return None


def find_dns_fault(cluster: Cluster) -> str | None:
    """None once CoreDNS has a ready pod."""
    try:
        deployment = read_object(cluster, "/apis/apps/v1/namespaces/kube-system/deployments/coredns")
        pods = read_object(cluster, "/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-dns")["items"]
    except OSError as error:
        return f"CoreDNS cannot be read: {error}"
    if deployment.get("status", {}).get("readyReplicas", 0) > 0:
        return None
    container_states = [
        json.dumps(status.get("state")) for pod in pods for status in pod["status"].get("containerStatuses", [])
    ]
    return f"CoreDNS has no ready pod: {'; '.join(container_states) or 'no container yet'}"
