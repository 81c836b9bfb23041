# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entrance to the simulated AWS: it refuses callers without a valid signature or permission, and answers the rest.

Every request is recorded for tests, with its caller and whether it was refused. Requests of OTLP and of Amazon Managed
Service for Prometheus (AMP) are answered here, all others by the application behind the entrance.
"""

from __future__ import annotations

import io
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from tests.testbed.aws.app import XML_ERROR
from tests.testbed.aws.world import AwsError
from tests.testbed.eks import requests, signatures
from tests.testbed.eks.identities import Caller, Identities
from tests.testbed.eks.otlp import TelemetryStore
from tests.testbed.eks.requests import Call
from tests.testbed.eks.signatures import SentRequest, Signature

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApplication = Callable[[Environ, StartResponse], Iterable[bytes]]

BAD_REQUEST_CODES = {"InvalidIdentityToken", "ExpiredTokenException", "IncompleteSignatureException"}
"""The codes of errors that AWS answers with status 400."""
UNSIGNED_CALL = ("sts", "AssumeRoleWithWebIdentity")
"""The service and the operation that need no signature, because the token of a pod is their credential."""
FORWARDED_HEADERS = ("content-type", "content-encoding", "x-prometheus-remote-write-version", "user-agent")
"""The headers that a Prometheus behind AMP needs."""
AMP_PATHS = {"RemoteWrite": "/api/v1/write", "QueryMetrics": "/api/v1/query"}
"""The paths of Prometheus, by the operation of AMP."""
AMP_SECONDS = 60
MAX_RECORDED_REQUESTS = 5000
"""How many requests are recorded before the oldest one is forgotten."""


class FrontApplication:
    """The WSGI application that stands before `inner_application`, which answers the calls that are admitted."""

    def __init__(self, inner_application: WsgiApplication, identities: Identities) -> None:
        self.inner_application, self.identities = inner_application, identities
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget what was received, and all workspaces of AMP."""
        self.received: list[dict[str, Any]] = []
        self.workspaces: dict[str, Callable[[], str]] = {}
        self.telemetry = TelemetryStore()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = read_request(environ)
        call, caller = None, Caller("")
        try:
            signature = signatures.read_signature(request)
            call = requests.read_call(request, signature)
            caller = self._admit(request, signature, call)
            self._record(request, call, caller, "")
            return self._answer(environ, start_response, request, call)
        except AwsError as error:
            call = call or requests.read_call(request, None)
            self._record(request, call, caller, error.code)
            return _send_refusal(start_response, call, error)

    def _admit(self, request: SentRequest, signature: Signature | None, call: Call) -> Caller:
        """Return the caller. Raises AwsError if the caller is unknown or lacks the permission for the call."""
        if signature is None:
            return self._admit_by_token(call)
        service, region = call.endpoint.service, call.endpoint.region
        if (signature.service, signature.region) != (service, region) and call.endpoint.host in requests.HOST_NAMES:
            raise AwsError("InvalidSignatureException", f"Credential should be scoped to {service} in {region}")
        caller = self.identities.identify_caller(request, signature)
        if service != "sts":
            self.identities.authorize(caller, call.action, call.resource, region)
        return caller

    def _admit_by_token(self, call: Call) -> Caller:
        """Return the caller of an unsigned call, who gets a role for the token of a pod."""
        if (call.endpoint.service, call.operation) != UNSIGNED_CALL:
            raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
        self.identities.check_web_identity(dict(call.parameters))
        return Caller("", str(call.parameters["RoleArn"]))

    def note_request(self, request_facts: dict[str, Any]) -> None:
        """Record a received request, with the time."""
        with self.lock:
            newest_requests = self.received[1 - MAX_RECORDED_REQUESTS :]
            self.received = [*newest_requests, {"time": datetime.now(UTC).isoformat(), **request_facts}]

    def _record(self, request: SentRequest, call: Call, caller: Caller, refusal_code: str) -> None:
        """Record a call; `refusal_code` is the code of the error, empty for a call that was admitted."""
        self.note_request(
            {
                "host": call.endpoint.host,
                "service": call.endpoint.service,
                "region": call.endpoint.region,
                "operation": call.operation,
                "otlp": call.is_otlp,
                "caller": caller.arn,
                "role": caller.role,
                "refused": refusal_code,
                "agent": request.headers.get("user-agent", ""),
                **requests.describe_content(call, request),
            }
        )

    def _answer(
        self, environ: Environ, start_response: StartResponse, request: SentRequest, call: Call
    ) -> Iterable[bytes]:
        """Answer a call that was admitted."""
        if call.endpoint.service == "aps":
            return self._answer_amp(start_response, request, call)
        if call.operation == requests.PROMQL_OPERATION and "query" in call.parameters:
            query_result = self.telemetry.answer_query(call.parameters["query"])
            return send_response(start_response, 200, "application/json", json.dumps(query_result).encode())
        if call.is_otlp:
            with self.lock:
                self.telemetry.keep_records(call, requests.decompress_body(request), int(time.time() * 1000))
            return send_response(start_response, 200, request.headers.get("content-type", ""), b"")
        # The body was read here; the application behind reads a copy, which is not in chunks.
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(request.body), str(len(request.body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self.inner_application(environ, start_response)

    def _answer_amp(self, start_response: StartResponse, request: SentRequest, call: Call) -> Iterable[bytes]:
        """Hand a call of AMP to the Prometheus behind its workspace, and return the answer of that Prometheus."""
        if call.operation not in AMP_PATHS:
            operations = ", ".join(AMP_PATHS)
            raise AwsError("ResourceNotFoundException", f"The testbed has only these operations of AMP: {operations}")
        workspace_name = str(call.parameters["workspace"])
        if workspace_name not in self.workspaces:
            raise AwsError("ResourceNotFoundException", f"Workspace not found: {workspace_name}")
        try:
            prometheus_request = _build_prometheus_request(self.workspaces[workspace_name](), request, call)
            with urllib.request.urlopen(prometheus_request, timeout=AMP_SECONDS) as answer:
                content_type = answer.headers.get("content-type", "text/plain")
                return send_response(start_response, answer.status, content_type, answer.read())
        except urllib.error.HTTPError as error:
            return send_response(start_response, error.code, "text/plain", error.read())
        except OSError as error:
            return send_response(start_response, 503, "text/plain", str(error).encode())


def _build_prometheus_request(base_url: str, request: SentRequest, call: Call) -> urllib.request.Request:
    """Return the request to Prometheus that means the same as a call of AMP."""
    query_text = urlsplit(request.url).query
    url = f"{base_url}{AMP_PATHS[call.operation]}"
    headers = {header: request.headers[header] for header in FORWARDED_HEADERS if header in request.headers}
    return urllib.request.Request(
        f"{url}?{query_text}" if query_text else url, request.body or None, headers, method=request.method
    )


def read_request(environ: Environ) -> SentRequest:
    """Return the request that a WSGI server has received."""
    headers = _read_headers(environ)
    stream = environ["wsgi.input"]
    if "chunked" in headers.get("transfer-encoding", ""):
        body = stream.read()
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    target = environ.get("RAW_URI") or environ["PATH_INFO"]
    return SentRequest(environ["REQUEST_METHOD"], f"https://{headers.get('host', '')}{target}", headers, body)


def _read_headers(environ: Environ) -> dict[str, str]:
    """Return the headers of a request, with names in lower case."""
    headers = {}
    for variable, value in environ.items():
        if variable.startswith("HTTP_"):
            headers[_header_name(variable.removeprefix("HTTP_"))] = str(value)
    for variable in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(variable):
            headers[_header_name(variable)] = str(environ[variable])
    return headers


def _header_name(variable: str) -> str:
    return variable.replace("_", "-").lower()


def send_response(
    start_response: StartResponse,
    status: int,
    content_type: str,
    body: bytes,
    extra_headers: Mapping[str, str] | None = None,
) -> Iterable[bytes]:
    """Answer with a body of a content type; `extra_headers` are further headers."""
    headers = {"Content-Type": content_type, "Content-Length": str(len(body)), **(extra_headers or {})}
    start_response(f"{status} {'OK' if status < 400 else 'Refused'}", list(headers.items()))
    return [body]


def _send_refusal(start_response: StartResponse, call: Call, error: AwsError) -> Iterable[bytes]:
    """Answer with an error as the service of the call does: as XML or as JSON."""
    status = _error_status(error.code)
    if call.endpoint.service in requests.GLOBAL_SERVICES:
        xml = XML_ERROR.format(escape(error.code), escape(error.message))
        return send_response(start_response, status, "text/xml", xml.encode())
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    return send_response(start_response, status, "application/json", body, {"x-amzn-ErrorType": error.code})


def _error_status(code: str) -> int:
    """Return the HTTP status of an error."""
    if code in BAD_REQUEST_CODES:
        return 400
    return 404 if code.startswith("ResourceNotFound") else 403
