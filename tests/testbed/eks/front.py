# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way into AWS: who has not signed, or may not, is refused; the rest is noted with whose credentials it came."""

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
from tests.testbed.eks.otlp import Kept
from tests.testbed.eks.requests import Asked
from tests.testbed.eks.signatures import Sent

Environ = dict[str, Any]
Start = Callable[..., Any]
Wsgi = Callable[[Environ, Start], Iterable[bytes]]
# What AWS answers with 400; all else that is refused here is a 403.
BAD = {"InvalidIdentityToken", "ExpiredTokenException", "IncompleteSignatureException"}
PASSED_ON = ("content-type", "content-encoding", "x-prometheus-remote-write-version", "user-agent")
AMP_PATHS = {"RemoteWrite": "/api/v1/write", "QueryMetrics": "/api/v1/query"}
AMP_SECONDS = 10
KEPT = 5000


class Front:
    """A WSGI application before another one."""

    def __init__(self, behind: Wsgi, identities: Identities) -> None:
        self.behind, self.identities = behind, identities
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget what came, and where workspaces are."""
        self.received: list[dict[str, Any]] = []
        self.workspaces: dict[str, Callable[[], str]] = {}
        self.kept = Kept()

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request."""
        sent = read(environ)
        asked, caller = None, Caller("")
        try:
            signed = signatures.read(sent)
            asked = requests.read(sent, (signed.service, signed.region) if signed else None)
            caller = self._admitted(sent, signed, asked)
            self._noted(sent, asked, caller, "")
            return self._answered(environ, start, sent, asked)
        except AwsError as error:
            asked = asked or requests.read(sent, None)
            self._noted(sent, asked, caller, error.code)
            return _refused(start, asked, error)

    def _admitted(self, sent: Sent, signed: signatures.Signed | None, asked: Asked) -> Caller:
        if signed is None:
            if (asked.service, asked.operation) != ("sts", "AssumeRoleWithWebIdentity"):
                raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
            self.identities.web_identity(dict(asked.given))
            return Caller("", str(asked.given["RoleArn"]))
        if (signed.service, signed.region) != (asked.service, asked.region) and asked.host in requests.NAMES:
            text = f"Credential should be scoped to {asked.service} in {asked.region}"
            raise AwsError("InvalidSignatureException", text)
        caller = self.identities.caller(sent, signed)
        if asked.service != "sts":
            self.identities.authorize(caller, asked.action, asked.resource, asked.region)
        return caller

    def note(self, told: dict[str, Any]) -> None:
        """Keep for tests what came; the oldest goes when there is much of it."""
        with self.lock:
            self.received = [*self.received[1 - KEPT :], {"time": datetime.now(UTC).isoformat(), **told}]

    def _noted(self, sent: Sent, asked: Asked, caller: Caller, refused: str) -> None:
        told = {
            **{name: getattr(asked, name) for name in ("host", "service", "region", "operation", "otlp")},
            "caller": caller.arn,
            "role": caller.role,
            "refused": refused,
            "agent": sent.headers.get("user-agent", ""),
            **requests.told(asked, sent),
        }
        self.note(told)

    def _answered(self, environ: Environ, start: Start, sent: Sent, asked: Asked) -> Iterable[bytes]:
        if asked.service == "aps":
            return self._amp(start, sent, asked)
        if asked.operation == "GetMetricData" and "query" in asked.given:
            return text(start, 200, "application/json", json.dumps(self.kept.query(asked.given["query"])).encode())
        if asked.otlp:
            with self.lock:
                self.kept.keep(asked, requests.decoded(sent), int(time.time() * 1000))
            return text(start, 200, sent.headers.get("content-type", ""), b"")
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(sent.body), str(len(sent.body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self.behind(environ, start)

    def _amp(self, start: Start, sent: Sent, asked: Asked) -> Iterable[bytes]:
        """Hand a call of Amazon Managed Service for Prometheus on to the Prometheus behind the workspace."""
        name = str(asked.given["workspace"])
        if name not in self.workspaces:
            raise AwsError("ResourceNotFoundException", f"Workspace not found: {name}")
        query = urlsplit(sent.url).query
        headers = {header: sent.headers[header] for header in PASSED_ON if header in sent.headers}
        try:
            url = f"{self.workspaces[name]()}{AMP_PATHS[asked.operation]}{'?' if query else ''}{query}"
            request = urllib.request.Request(url, sent.body or None, headers, method=sent.method)
            with urllib.request.urlopen(request, timeout=AMP_SECONDS) as answer:
                return text(start, answer.status, answer.headers.get("content-type", "text/plain"), answer.read())
        except urllib.error.HTTPError as error:
            return text(start, error.code, "text/plain", error.read())
        except OSError as error:
            return text(start, 503, "text/plain", str(error).encode())


def read(environ: Environ) -> Sent:
    """Return the request that a WSGI server has read."""
    headers = {key[5:].replace("_", "-").lower(): str(value) for key, value in environ.items() if key[:5] == "HTTP_"}
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            headers[key.replace("_", "-").lower()] = str(environ[key])
    stream, length = environ["wsgi.input"], int(environ.get("CONTENT_LENGTH") or 0)
    body = stream.read() if "chunked" in headers.get("transfer-encoding", "") else stream.read(length)
    url = f"https://{headers.get('host', '')}{environ.get('RAW_URI') or environ['PATH_INFO']}"
    return Sent(environ["REQUEST_METHOD"], url, headers, body)


def text(start: Start, status: int, kind: str, body: bytes, more: Mapping[str, str] | None = None) -> Iterable[bytes]:
    """Answer with a body."""
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}
    start(f"{status} {'OK' if status < 400 else 'Refused'}", list(headers.items()))
    return [body]


def _refused(start: Start, asked: Asked, error: AwsError) -> Iterable[bytes]:
    """Say no, as the service says it."""
    status = 400 if error.code in BAD else 404 if error.code.startswith("ResourceNotFound") else 403
    if asked.service in requests.GLOBAL:
        xml = XML_ERROR.format(escape(error.code), escape(error.message))
        return text(start, status, "text/xml", xml.encode())
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    return text(start, status, "application/json", body, {"x-amzn-ErrorType": error.code})
