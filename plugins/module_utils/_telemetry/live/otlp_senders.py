# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to send a request: over gRPC, HTTP or UDP to an address, or through the API server of a cluster. Private.

probe_task.py creates the sender of a target, and probe.py calls it with the request of each signal. For example, an
answer 503 raises `NotSentError(…, again=True)`, after which the probe sends the same request again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

from ..._kube.conditions import is_ready
from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.libraries import import_library
from ..._kube.live.outage import LostError
from ..._kube.live.urls import quote_segment
from ..._otelcol.bounded.live.bounded_reads import read_body, read_file_bytes
from ..._otelcol.bounded.read_limits import CREDENTIAL_LIMIT
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import Problem, strip_credentials
from ..evidence import LONGEST_EXCERPT_LINE
from ..otlp_target import GRPC, HTTP, XRAY, OtlpTarget
from ..pod_ports import select_listening_pods
from .otlp_payloads import SERVICES

PROTOBUF_TYPE = "application/x-protobuf"
# Answers after which a client may send the same request again.
# Source: "OTLP/gRPC Response" and "Retryable Response Codes" of the OTLP specification.
_TRANSIENT_CODES = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"})
_TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})
_FIRST_STATUS_OF_REFUSAL = 300
_UNAUTHORIZED_STATUSES = (401, 403)

# Sends the serialized request of a signal within some seconds, and returns the answer. Raises NotSentError.
SendRequest = Callable[[str, bytes, float], bytes]


class NotSentError(Exception):
    """The receiver did not take a request; `again` says whether it may take it in a moment."""

    def __init__(self, text: str, *, again: bool) -> None:
        self.again = again
        super().__init__(text)


def create_sender(target: OtlpTarget) -> SendRequest:
    """Return how to send to a target that this machine reaches. Raises Problem for a file that cannot be read."""
    creator_by_protocol = {GRPC: _create_grpc_sender, HTTP: _create_http_sender, XRAY: _create_udp_sender}
    try:
        return creator_by_protocol[target.protocol](target)
    except OSError as error:
        wrong = f"a file of tls cannot be read: {error}"
        raise Problem(wrong, asked="Send a probe", fix="Correct its path.") from error


def _create_grpc_sender(target: OtlpTarget) -> SendRequest:
    """Return how to send over gRPC. Raises OSError for a file of TLS that cannot be read."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own log would end up between the lines of the task
    grpc = import_library("grpc", "grpcio")
    tls_contents = _read_tls_files(target)
    if target.is_secure:
        channel = grpc.secure_channel(target.address, grpc.ssl_channel_credentials(*tls_contents))
    else:
        channel = grpc.insecure_channel(target.address)
    metadata = [(name.lower(), value) for name, value in target.headers.items()]

    def send(signal: str, request: bytes, seconds: float) -> bytes:
        service = SERVICES[signal]
        method = f"/opentelemetry.proto.collector.{service.package}.v1.{service.name}Service/Export"
        try:
            response: bytes = channel.unary_unary(method)(request, timeout=seconds, metadata=metadata)
        except grpc.RpcError as error:
            code = error.code().name
            described_error = mask_and_clean(error.details(), LONGEST_EXCERPT_LINE)
            raise NotSentError(
                f"{target.address} answers {code}: {described_error}", again=code in _TRANSIENT_CODES
            ) from error
        return response

    return send


def _read_tls_files(target: OtlpTarget) -> list[bytes | None]:
    """Return the CA, the key and the certificate, None for one that is not given. Raises OSError."""
    return [_read_file_if_given(target.tls_options.get(name)) for name in ("ca_file", "key_file", "cert_file")]


def _read_file_if_given(path: str | None) -> bytes | None:
    return read_file_bytes(path, CREDENTIAL_LIMIT) if path else None


def _create_http_sender(target: OtlpTarget) -> SendRequest:
    """Return how to send over HTTP. The path of a signal is added to the URL unless it ends with it.

    Raises OSError for a file of TLS that cannot be read.
    """
    urllib3 = import_library("urllib3")
    if target.is_secure:
        _read_tls_files(target)  # urllib3 reads them when it sends, and its error looks like a lost connection
    certificate = {name: target.tls_options[name] for name in ("cert_file", "key_file") if target.tls_options.get(name)}
    pool = urllib3.PoolManager(ca_certs=target.tls_options.get("ca_file"), retries=False, **certificate)
    headers = {**target.headers, "Content-Type": PROTOBUF_TYPE}

    def send(signal: str, request: bytes, seconds: float) -> bytes:
        signal_path = f"/v1/{signal}"
        url = target.url if target.path.endswith(signal_path) else f"{target.url}{signal_path}"
        try:
            response = pool.request(
                "POST", url, body=request, headers=headers, timeout=seconds, redirect=False, preload_content=False
            )
            status, content = response.status, read_body(response)
        except urllib3.exceptions.HTTPError as error:
            may_pass = type(error).__name__ != "SSLError"  # a certificate that is not trusted stays so
            raise NotSentError(f"{strip_credentials(url)}: {mask_and_clean(str(error))}", again=may_pass) from error
        check_status(url, status, content)
        return content

    return send


def check_status(url: str, status: int, content: bytes) -> None:
    """Raise NotSentError for an answer of HTTP that does not accept the request."""
    if status >= _FIRST_STATUS_OF_REFUSAL:
        answer_text = mask_and_clean(content.decode(errors="replace").strip(), LONGEST_EXCERPT_LINE)
        raise NotSentError(
            f"{strip_credentials(url)} answers {status}: {answer_text}", again=status in _TRANSIENT_STATUSES
        )


def _create_udp_sender(target: OtlpTarget) -> SendRequest:
    """Return how to send a datagram, which nobody answers."""

    def send(_signal: str, request: bytes, seconds: float) -> bytes:
        try:
            addresses = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
            family, kind, _protocol, _name, address = addresses[0]
            with socket.socket(family, kind) as connection:
                connection.settimeout(seconds)
                connection.sendto(request, address)
        except OSError as error:
            raise NotSentError(f"{target.address}: {error}", again=True) from error
        return b""

    return send


def create_proxy_sender(cluster: Cluster, via: Mapping[str, Any], headers: Mapping[str, str]) -> SendRequest:
    """Return how to send over HTTP through the API server, for a collector that this machine does not reach.

    `via` has the namespace, the port, and a service, a pod or a selector of pods. Raises Problem without a ready pod.
    """
    namespace_path = f"/api/v1/namespaces/{quote_segment(via['namespace'])}"
    if via.get("service"):
        receiver = f"services/{via['service']}"
    else:
        receiver = f"pods/{via.get('pod') or _find_ready_pod(cluster, namespace_path, via)}"
    path = f"{namespace_path}/{receiver}:{via['port']}/proxy"
    request_headers = {**headers, "Content-Type": PROTOBUF_TYPE}

    def send(signal: str, request: bytes, seconds: float) -> bytes:  # noqa: ARG001 - the connection has its own limits
        # The silence of a receiver says nothing about the API server, so the request has a Cluster of its own.
        separate_cluster = cluster.make_independent()
        try:
            return separate_cluster.request_raw(
                "POST", f"{path}/v1/{signal}", headers=request_headers, body=request, patient=False
            ).body
        except LostError as error:
            raise NotSentError(f"{path} gives no answer: {error.text}", again=True) from error
        except ApiError as error:
            if _is_of_api_server(error):
                raise explain(error, f"Send {signal} through the Kubernetes API") from error
            answer_text = f"{path} answers {error.status}: {error.message}"
            raise NotSentError(answer_text, again=error.status in _TRANSIENT_STATUSES) from error

    return send


def _is_of_api_server(error: ApiError) -> bool:
    """Return whether the API server itself refuses a request: it says so by an object of kind Status."""
    return error.status in _UNAUTHORIZED_STATUSES and error.body.get("kind") == "Status"


def _find_ready_pod(cluster: Cluster, root: str, via: Mapping[str, Any]) -> str:
    """Return the name of a ready pod that listens on the port. Raises Problem if there is none."""
    try:
        pods = list(cluster.items(f"{root}/pods", {"labelSelector": via["selector"]}))
    except ApiError as error:
        raise explain(error, "List the pods to send to") from error
    for pod in select_listening_pods(pods, via["port"]):
        if is_ready(pod):
            return str(pod["metadata"]["name"])
    action = f"Send to a pod with {via['selector']}"
    fix = "Deploy the collector first, or see what rollout_wait says of it."
    raise Problem(f"none of {len(pods)} pods is ready", asked=action, where=f"namespace {via['namespace']}", fix=fix)
