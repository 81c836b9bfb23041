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
from tests.testbed.eks.signatures import Sent, Signed

Environ = dict[str, Any]
Start = Callable[..., Any]
Wsgi = Callable[[Environ, Start], Iterable[bytes]]

BAD_REQUESTS = {"InvalidIdentityToken", "ExpiredTokenException", "IncompleteSignatureException"}
"""The codes of errors that AWS answers with status 400."""
UNSIGNED_CALL = ("sts", "AssumeRoleWithWebIdentity")
"""The service and the operation that need no signature, because the token of a pod is their credential."""
PASSED_ON = ("content-type", "content-encoding", "x-prometheus-remote-write-version", "user-agent")
"""The headers that a Prometheus behind AMP needs."""
AMP_PATHS = {"RemoteWrite": "/api/v1/write", "QueryMetrics": "/api/v1/query"}
"""The paths of Prometheus, by the operation of AMP."""
AMP_SECONDS = 60
MOST_RECEIVED = 5000
"""How many requests are recorded before the oldest one is forgotten."""


class Front:
    """The WSGI application that stands before `behind`, which answers the calls that are admitted."""

    def __init__(self, behind: Wsgi, identities: Identities) -> None:
        self.behind, self.identities = behind, identities
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget what was received, and all workspaces of AMP."""
        self.received: list[dict[str, Any]] = []
        self.workspaces: dict[str, Callable[[], str]] = {}
        self.telemetry = TelemetryStore()

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request."""
        sent = read(environ)
        call, caller = None, Caller("")
        try:
            signed = signatures.read(sent)
            call = requests.read(sent, signed)
            caller = self._admitted(sent, signed, call)
            self._record(sent, call, caller, "")
            return self._answer(environ, start, sent, call)
        except AwsError as error:
            call = call or requests.read(sent, None)
            self._record(sent, call, caller, error.code)
            return _refuse(start, call, error)

    def _admitted(self, sent: Sent, signed: Signed | None, call: Call) -> Caller:
        """Return the caller. Raises AwsError if the caller is unknown or lacks the permission for the call."""
        if signed is None:
            return self._admitted_by_token(call)
        service, region = call.endpoint.service, call.endpoint.region
        if (signed.service, signed.region) != (service, region) and call.endpoint.host in requests.NAMES:
            raise AwsError("InvalidSignatureException", f"Credential should be scoped to {service} in {region}")
        caller = self.identities.caller(sent, signed)
        if service != "sts":
            self.identities.authorize(caller, call.action, call.resource, region)
        return caller

    def _admitted_by_token(self, call: Call) -> Caller:
        """Return the caller of an unsigned call, who gets a role for the token of a pod."""
        if (call.endpoint.service, call.operation) != UNSIGNED_CALL:
            raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
        self.identities.web_identity(dict(call.parameters))
        return Caller("", str(call.parameters["RoleArn"]))

    def note(self, told: dict[str, Any]) -> None:
        """Record a received request, with the time."""
        with self.lock:
            newest = self.received[1 - MOST_RECEIVED :]
            self.received = [*newest, {"time": datetime.now(UTC).isoformat(), **told}]

    def _record(self, sent: Sent, call: Call, caller: Caller, refused: str) -> None:
        """Record a call; `refused` is the code of the error, empty for a call that was admitted."""
        self.note(
            {
                "host": call.endpoint.host,
                "service": call.endpoint.service,
                "region": call.endpoint.region,
                "operation": call.operation,
                "otlp": call.otlp,
                "caller": caller.arn,
                "role": caller.role,
                "refused": refused,
                "agent": sent.headers.get("user-agent", ""),
                **requests.told(call, sent),
            }
        )

    def _answer(self, environ: Environ, start: Start, sent: Sent, call: Call) -> Iterable[bytes]:
        """Answer a call that was admitted."""
        if call.endpoint.service == "aps":
            return self._answer_amp(start, sent, call)
        if call.operation == requests.PROMQL_OPERATION and "query" in call.parameters:
            found = self.telemetry.query(call.parameters["query"])
            return respond(start, 200, "application/json", json.dumps(found).encode())
        if call.otlp:
            with self.lock:
                self.telemetry.keep(call, requests.decompressed(sent), int(time.time() * 1000))
            return respond(start, 200, sent.headers.get("content-type", ""), b"")
        # The body was read here; the application behind reads a copy, which is not in chunks.
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(sent.body), str(len(sent.body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self.behind(environ, start)

    def _answer_amp(self, start: Start, sent: Sent, call: Call) -> Iterable[bytes]:
        """Hand a call of AMP to the Prometheus behind its workspace, and return the answer of that Prometheus."""
        if call.operation not in AMP_PATHS:
            operations = ", ".join(AMP_PATHS)
            raise AwsError("ResourceNotFoundException", f"The testbed has only these operations of AMP: {operations}")
        name = str(call.parameters["workspace"])
        if name not in self.workspaces:
            raise AwsError("ResourceNotFoundException", f"Workspace not found: {name}")
        try:
            request = _prometheus_request(self.workspaces[name](), sent, call)
            with urllib.request.urlopen(request, timeout=AMP_SECONDS) as answer:
                kind = answer.headers.get("content-type", "text/plain")
                return respond(start, answer.status, kind, answer.read())
        except urllib.error.HTTPError as error:
            return respond(start, error.code, "text/plain", error.read())
        except OSError as error:
            return respond(start, 503, "text/plain", str(error).encode())


def _prometheus_request(base_url: str, sent: Sent, call: Call) -> urllib.request.Request:
    """Return the request to Prometheus that means the same as a call of AMP."""
    query = urlsplit(sent.url).query
    url = f"{base_url}{AMP_PATHS[call.operation]}"
    headers = {header: sent.headers[header] for header in PASSED_ON if header in sent.headers}
    return urllib.request.Request(f"{url}?{query}" if query else url, sent.body or None, headers, method=sent.method)


def read(environ: Environ) -> Sent:
    """Return the request that a WSGI server has received."""
    headers = _headers(environ)
    stream = environ["wsgi.input"]
    if "chunked" in headers.get("transfer-encoding", ""):
        body = stream.read()
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    target = environ.get("RAW_URI") or environ["PATH_INFO"]
    return Sent(environ["REQUEST_METHOD"], f"https://{headers.get('host', '')}{target}", headers, body)


def _headers(environ: Environ) -> dict[str, str]:
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


def respond(
    start: Start, status: int, kind: str, body: bytes, more: Mapping[str, str] | None = None
) -> Iterable[bytes]:
    """Answer with a body of a content type; `more` are further headers."""
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}
    start(f"{status} {'OK' if status < 400 else 'Refused'}", list(headers.items()))
    return [body]


def _refuse(start: Start, call: Call, error: AwsError) -> Iterable[bytes]:
    """Answer with an error as the service of the call does: as XML or as JSON."""
    status = _status(error.code)
    if call.endpoint.service in requests.GLOBAL:
        xml = XML_ERROR.format(escape(error.code), escape(error.message))
        return respond(start, status, "text/xml", xml.encode())
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    return respond(start, status, "application/json", body, {"x-amzn-ErrorType": error.code})


def _status(code: str) -> int:
    """Return the HTTP status of an error."""
    if code in BAD_REQUESTS:
        return 400
    return 404 if code.startswith("ResourceNotFound") else 403
