# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One span, one metric and one log as OTLP requests, and three ways to send them. Private."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..._kube.conditions import is_ready
from ..._kube.live.api_errors import explain, library
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.urls import segment
from ..._otelcol.bounded.live.bounded_reads import body as body_of
from ..._otelcol.bounded.live.bounded_reads import file_bytes
from ..._otelcol.bounded.read_limits import CREDENTIAL
from ..._otelcol.config.masking import quoted
from ..._otelcol.errors import Problem, shown
from ..backend_queries import ID_ATTRIBUTE, METRIC, segment_id, trace_id
from ..evidence import LINE_LENGTH, listening

PROTOBUF = "application/x-protobuf"
XRAY = "xray"
PORTS = {"grpc": 4317, "http/protobuf": 4318, XRAY: 2000}

# Signal: the part of the names of its service, and the path of OTLP/HTTP.
SERVICES = {"traces": ("trace", "Trace"), "metrics": ("metrics", "Metrics"), "logs": ("logs", "Logs")}
# Where a partial success counts the items of a signal that the receiver rejects. Source: opentelemetry-proto.
REJECTED = {"traces": "rejected_spans", "metrics": "rejected_data_points", "logs": "rejected_log_records"}

Send = Callable[[str, bytes, float], bytes]


class NotSentError(Exception):
    """The receiver did not take it; `again` says whether it may in a moment."""

    def __init__(self, text: str, *, again: bool) -> None:
        self.again = again
        super().__init__(text)


@dataclass(frozen=True)
class OtlpTarget:
    """Where to send, and how."""

    endpoint: str
    protocol: str
    headers: dict[str, str]
    tls: dict[str, Any]

    @property
    def url(self) -> str:
        """Return the endpoint with a scheme and a port."""
        scheme = "https" if self.secure else "http"
        parts = urlsplit(self.endpoint if "://" in self.endpoint else f"{scheme}://{self.endpoint}")
        netloc = parts.netloc if parts.port else f"{parts.netloc}:{PORTS[self.protocol]}"
        return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"

    @property
    def secure(self) -> bool:
        """Return whether TLS is spoken: as the scheme says, else when there is something to verify with."""
        if "://" in self.endpoint:
            return self.endpoint.lower().startswith("https://")
        if self.tls.get("insecure") is not None:
            return not self.tls["insecure"]
        return bool(self.tls.get("ca_file") or self.tls.get("cert_file"))


def _service(signal: str) -> Any:
    folder = SERVICES[signal][0]
    return library(f"opentelemetry.proto.collector.{folder}.v1.{folder}_service_pb2", "opentelemetry-proto")


def new_id() -> str:
    """Return the id of a probe. It begins with the time, because trace IDs of the X-Ray SDKs do."""
    return f"{int(time.time()):08x}{secrets.token_hex(4)}"


def message(signal: str, probe_id: str, service: str, *, failed: bool = False) -> bytes:
    """Return the request for one item of a signal that carries the id wherever a backend may look for it.

    A span that failed is one that tail samplers keep.
    """
    now = time.time_ns()
    attributes = [{"key": ID_ATTRIBUTE, "value": {"stringValue": probe_id}}]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}, *attributes]}
    scope, start, name = {"name": "o11y.opentelemetry"}, str(now - 1_000_000), f"o11y-probe {probe_id}"
    text = {"stringValue": name}
    span: dict[str, Any] = {
        "name": name,
        "kind": "SPAN_KIND_INTERNAL",
        "startTimeUnixNano": start,
        "endTimeUnixNano": str(now),
    }
    span |= {"status": {"code": "STATUS_CODE_ERROR", "message": "a test of the pipeline"}} if failed else {}
    point = {"asInt": "1", "startTimeUnixNano": start, "timeUnixNano": str(now), "attributes": attributes}
    # A gauge: of a cumulative sum, the exporter awsemf and others drop the first data point.
    gauge = {"dataPoints": [point]}
    record = {"timeUnixNano": str(now), "observedTimeUnixNano": str(now), "severityNumber": "SEVERITY_NUMBER_INFO"}
    bodies: dict[str, dict[str, Any]] = {
        "traces": {"resourceSpans": [{"scopeSpans": [{"spans": [span | {"attributes": attributes}]}]}]},
        "metrics": {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": METRIC, "gauge": gauge}]}]}]},
        "logs": {
            "resourceLogs": [{"scopeLogs": [{"logRecords": [record | {"body": text, "attributes": attributes}]}]}]
        },
    }
    for resources in bodies[signal].values():
        resources[0]["resource"] = resource
        next(iter(resources[0].values()))[0]["scope"] = scope
    request = getattr(_service(signal), f"Export{SERVICES[signal][1]}ServiceRequest")()
    library("google.protobuf.json_format", "protobuf").ParseDict(bodies[signal], request)
    if signal == "traces":  # in the JSON of protobuf ids would be base64
        sent = request.resource_spans[0].scope_spans[0].spans[0]
        sent.trace_id, sent.span_id = bytes.fromhex(trace_id(probe_id)), secrets.token_bytes(8)
    serialized: bytes = request.SerializeToString()
    return serialized


def xray_segment(_signal: str, probe_id: str, service: str, *, failed: bool = False) -> bytes:
    """Return a segment as the SDKs of X-Ray send it, with the id as an annotation.

    Source: "Sending trace data to X-Ray" and "Segment documents" of the developer guide of AWS X-Ray.
    """
    now, trace = time.time(), segment_id(probe_id)
    document: dict[str, Any] = {"fault": True} if failed else {}
    document |= {"name": service, "id": secrets.token_hex(8), "trace_id": trace, "start_time": now - 0.001}
    annotations = {ID_ATTRIBUTE.replace(".", "_"): probe_id}
    header = {"format": "json", "version": 1}
    parts = (header, {**document, "end_time": now, "annotations": annotations})
    return "\n".join(map(json.dumps, parts)).encode()


def rejected(signal: str, answer: bytes) -> str:
    """Return why the receiver rejects the item; empty if it takes it, be it with a warning.

    Source: "Partial Success" of the OTLP specification: a text beside no rejected items is a warning.
    """
    response = getattr(_service(signal), f"Export{SERVICES[signal][1]}ServiceResponse")()
    decode_error = library("google.protobuf.message", "protobuf").DecodeError
    try:
        response.ParseFromString(answer)
    except decode_error:  # an answer in another format says nothing of that kind
        return ""
    partial = response.partial_success
    if not getattr(partial, REJECTED[signal]):
        return ""
    return partial.error_message or "the receiver rejects it, and does not say why"


def sender(target: OtlpTarget) -> Send:
    """Return how to send to a target that this machine reaches."""
    try:
        return {"grpc": _grpc, "http/protobuf": _http, XRAY: _udp}[target.protocol](target)
    except OSError as error:
        wrong = f"a file of tls cannot be read: {error}"
        raise Problem(wrong, asked="Send a probe", fix="Correct its path.") from error


def _grpc(target: OtlpTarget) -> Send:
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own log would end up between the lines of the task
    grpc = library("grpc", "grpcio")
    files = []
    for name in ("ca_file", "key_file", "cert_file"):
        path = target.tls.get(name)
        files.append(file_bytes(path, CREDENTIAL) if path else None)
    address = urlsplit(target.url).netloc
    if target.secure:
        channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(*files))
    else:
        channel = grpc.insecure_channel(address)
    metadata = [(name.lower(), value) for name, value in target.headers.items()]
    passing = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED")

    def send(signal: str, body: bytes, seconds: float) -> bytes:
        folder, name = SERVICES[signal]
        call = channel.unary_unary(f"/opentelemetry.proto.collector.{folder}.v1.{name}Service/Export")
        try:
            answer: bytes = call(body, timeout=seconds, metadata=metadata)
        except grpc.RpcError as error:
            code = error.code().name
            raise NotSentError(f"{address} answers {code}: {error.details()}", again=code in passing) from error
        return answer

    return send


def _http(target: OtlpTarget) -> Send:
    urllib3 = library("urllib3")
    files = {name: target.tls[name] for name in ("cert_file", "key_file") if target.tls.get(name)}
    pool = urllib3.PoolManager(ca_certs=target.tls.get("ca_file"), retries=False, **files)

    def send(signal: str, body: bytes, seconds: float) -> bytes:
        path = f"/v1/{signal}"
        url = target.url
        if not urlsplit(url).path.endswith(path):
            url += path
        headers = {**target.headers, "Content-Type": PROTOBUF}
        try:
            answer = pool.request(
                "POST", url, body=body, headers=headers, timeout=seconds, redirect=False, preload_content=False
            )
            status, data = answer.status, body_of(answer)
        except urllib3.exceptions.HTTPError as error:
            may_pass = type(error).__name__ != "SSLError"
            raise NotSentError(f"{shown(url)}: {quoted(str(error))}", again=may_pass) from error
        return _taken(url, status, data)

    return send


def _udp(target: OtlpTarget) -> Send:
    parts = urlsplit(target.url)

    def send(_signal: str, body: bytes, seconds: float) -> bytes:
        try:
            family, kind, *_rest, address = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind) as sent:
                sent.settimeout(seconds)
                sent.sendto(body, address)
        except OSError as error:
            raise NotSentError(f"{shown(target.endpoint)}: {error}", again=True) from error
        return b""  # nobody answers

    return send


def _taken(url: str, status: int, data: bytes) -> bytes:
    """Return the body of an answer. Raises NotSentError for one that does not accept the request."""
    if status >= 300:  # noqa: PLR2004
        text = quoted(data.decode(errors="replace").strip(), LINE_LENGTH)
        raise NotSentError(f"{shown(url)} answers {status}: {text}", again=status in (429, 502, 503, 504))
    return data


def _ready_pod(cluster: Cluster, root: str, via: dict[str, Any]) -> str:
    """Return the name of a ready pod that listens on the port. Raises Problem if there is none."""
    try:
        pods = list(cluster.items(f"{root}/pods", {"labelSelector": via["selector"]}))
    except ApiError as error:
        raise explain(error, "List the pods to send to") from error
    for pod in listening(pods, via["port"]):
        if is_ready(pod):
            return str(pod["metadata"]["name"])
    asked = f"Send to a pod with {via['selector']}"
    fix = "Deploy the collector first, or see what rollout_wait says of it."
    raise Problem(f"none of {len(pods)} pods is ready", asked=asked, where=f"namespace {via['namespace']}", fix=fix)


def proxied(cluster: Cluster, via: dict[str, Any], headers: dict[str, str]) -> Send:
    """Return how to send through the API server, when only that one reaches the collector."""
    root = f"/api/v1/namespaces/{segment(via['namespace'])}"
    if via.get("service"):
        receiver = f"services/{via['service']}"
    else:
        receiver = f"pods/{via.get('pod') or _ready_pod(cluster, root, via)}"
    path = f"{root}/{receiver}:{via['port']}/proxy"

    def send(signal: str, body: bytes, seconds: float) -> bytes:  # noqa: ARG001 - the connection has its own limits
        own = {**headers, "Content-Type": PROTOBUF}
        try:
            return cluster.raw("POST", f"{path}/v1/{signal}", headers=own, body=body, patient=False).body
        except ApiError as error:
            if error.status in (401, 403) and error.body.get("kind") == "Status":
                raise explain(error, f"Send {signal} through the Kubernetes API") from error
            again = error.status in (429, 502, 503, 504)
            raise NotSentError(f"{path} answers {error.status}: {error.message}", again=again) from error

    return send
