# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send requests over HTTP through the API server, to a collector that this machine does not reach. Private.

The API server passes a request on to a Service or a pod. For example, the logs for port 4318 of Service `gateway` go to

    /api/v1/namespaces/obs/services/gateway:4318/proxy/v1/logs

probe_task.py takes this sender for a probe with option `via`. For other probes, it takes one of otlp_senders.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._kube.conditions import is_ready
from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.outage import LostError
from ..._kube.live.urls import quote_segment
from ..._otelcol.errors import Problem
from ..pod_ports import select_listening_pods
from .otlp_senders import PROTOBUF_TYPE, TRANSIENT_STATUSES, NotSentError, SendRequest

_UNAUTHORIZED_STATUSES = (401, 403)


def create_proxy_sender(cluster: Cluster, via: Mapping[str, Any], headers: Mapping[str, str]) -> SendRequest:
    """Return how to send through the API server.

    `via` has the namespace, the port, and a service, a pod or a selector of pods. Raises Problem without a ready pod.
    """
    namespace_path = f"/api/v1/namespaces/{quote_segment(via['namespace'])}"
    if via.get("service"):
        receiver = f"services/{via['service']}"
    else:
        receiver = f"pods/{via.get('pod') or _find_ready_pod(cluster, namespace_path, via)}"
    return _ProxySender(cluster, f"{namespace_path}/{receiver}:{via['port']}/proxy", headers).send


def _find_ready_pod(cluster: Cluster, namespace_path: str, via: Mapping[str, Any]) -> str:
    """Return the name of a ready pod that listens on the port. Raises Problem if there is none."""
    try:
        pods = list(cluster.items(f"{namespace_path}/pods", {"labelSelector": via["selector"]}))
    except ApiError as error:
        raise explain(error, "List the pods to send to") from error
    for pod in select_listening_pods(pods, via["port"]):
        if is_ready(pod):
            return str(pod["metadata"]["name"])
    action = f"Send to a pod with {via['selector']}"
    fix = "Deploy the collector first, or see what rollout_wait says of it."
    raise Problem(f"none of {len(pods)} pods is ready", asked=action, where=f"namespace {via['namespace']}", fix=fix)


class _ProxySender:
    """Sends to one receiver, whose path at the API server is `proxy_path`."""

    def __init__(self, cluster: Cluster, proxy_path: str, headers: Mapping[str, str]) -> None:
        self._cluster = cluster
        self._proxy_path = proxy_path
        self._headers = {**headers, "Content-Type": PROTOBUF_TYPE}

    def send(self, signal: str, request: bytes, _seconds: float) -> bytes:
        """Post the request to the path of the signal. The connection to the API server has its own limits of time.

        Raises Problem if the API server refuses to pass the request on.
        """
        # The silence of a receiver says nothing about the API server, so the request has a Cluster of its own.
        separate_cluster = self._cluster.make_independent()
        signal_path = f"{self._proxy_path}/v1/{signal}"
        try:
            answer = separate_cluster.request_raw(
                "POST", signal_path, headers=self._headers, body=request, patient=False
            )
        except LostError as error:
            raise NotSentError(f"{self._proxy_path} gives no answer: {error.text}", again=True) from error
        except ApiError as error:
            if _is_of_api_server(error):
                raise explain(error, f"Send {signal} through the Kubernetes API") from error
            answer_text = f"{self._proxy_path} answers {error.status}: {error.message}"
            raise NotSentError(answer_text, again=error.status in TRANSIENT_STATUSES) from error
        return answer.body


def _is_of_api_server(error: ApiError) -> bool:
    """Return whether the API server itself refuses a request, and not the receiver: it sends an object Status."""
    return error.status in _UNAUTHORIZED_STATUSES and error.body.get("kind") == "Status"
