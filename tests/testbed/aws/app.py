# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WSGI application: our operations and troubles first, moto behind them."""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from tests.testbed.aws import addons, associations, control, identity
from tests.testbed.aws.model import DriftError, check_answer, find_error_status, find_operation, read_parameters
from tests.testbed.aws.world import NO_FAULT, AwsError, Fault, World

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
CREDENTIAL_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
OPERATIONS: dict[str, Callable[..., dict[str, Any] | None]] = {**addons.OPERATIONS, **associations.OPERATIONS}
REST_SERVICES = ("eks", "xray")
XML_ERROR = "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error><RequestId>t</RequestId></ErrorResponse>"


class Request:
    """What a request asks of which service.

    `key` is the access key that has signed it, `target` the operation in the header of JSON services, `given` the
    parameters of the operation by their names.
    """

    def __init__(self, environ: Environ) -> None:
        """Read a request of WSGI. Its body can be read again."""
        body_size = int(environ.get("CONTENT_LENGTH") or 0)
        self.body = environ["wsgi.input"].read(body_size) if body_size else b""
        environ["wsgi.input"] = io.BytesIO(self.body)
        signature_scope = CREDENTIAL_SCOPE.search(environ.get("HTTP_AUTHORIZATION") or "")
        self.key, self.region, self.service = signature_scope.groups() if signature_scope else ("", "us-east-1", "")
        self.path = str(environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0]
        self.query = str(environ.get("QUERY_STRING") or "")
        self.target = str(environ.get("HTTP_X_AMZ_TARGET") or "").rpartition(".")[2]
        self.operation, self.given = self._read(environ["REQUEST_METHOD"])

    def _read(self, method: str) -> tuple[str, dict[str, Any]]:
        """Return the operation, empty if it is unknown, and its parameters. Those of JSON services are left to moto."""
        called_operation = find_operation(self.service, method, self.path) if self.service in REST_SERVICES else None
        if called_operation:
            operation, path_parameters = called_operation
            return operation, read_parameters(self.service, operation, path_parameters, self.query, self.body)
        if self.target:
            return self.target, {}
        form = {key: values[0] for key, values in parse_qs(self.body.decode(errors="replace")).items()}
        return form.get("Action", ""), form


class Application:
    """AWS as the tests want it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.stop: Callable[[], None] = lambda: None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"].startswith(control.PREFIX):
            return _json_response(start_response, 200, control.obey_order(self, environ))
        request = Request(environ)
        with self.world.lock:
            self.world.calls.append(request.operation)
            fault = self.world.take_fault(request.operation) or NO_FAULT
        if fault.seconds:
            self.world.sleep(fault.seconds)
        if fault.drop == "before":
            return self._drop_connection(environ)
        try:
            response = self._answer_or_refuse(request, fault, environ, start_response)
        except DriftError as error:  # a mistake of the testbed: never tried again, and seen by who looks
            self.world.drift.append(str(error))
            response = _json_response(start_response, 400, {"message": str(error)}, "TestbedDrift")
        return self._drop_connection(environ) if fault.drop == "after" else response

    def _answer_or_refuse(
        self, request: Request, fault: Fault, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request, with an error if the operation or a fault wants one."""
        try:
            self._check_request(request, fault)
            return self._answer(request, environ, start_response)
        except AwsError as error:
            return self._error_response(request, error, fault.status, start_response)

    def _check_request(self, request: Request, fault: Fault) -> None:
        """Raise AwsError if the credentials have expired, or a test wants an error."""
        if request.key in self.world.expired_keys:
            code = "ExpiredTokenException" if request.service == "eks" else "ExpiredToken"
            raise AwsError(code, "The security token included in the request is expired")
        if fault.code:
            raise AwsError(fault.code, fault.message)

    def _answer(self, request: Request, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer by an operation of ours, or by moto where there is none or where it leaves the request to moto."""
        operation = request.operation
        if request.service == "eks" and operation in OPERATIONS:
            with self.world.lock:
                parameters_answer = OPERATIONS[operation](self.world, request.region, **request.given)
                if parameters_answer is not None:
                    return _json_response(start_response, 200, check_answer("eks", operation, parameters_answer))
        if request.service == "iam" and operation in identity.OPERATIONS:
            return _text_response(
                start_response, 200, "text/xml", identity.change_audiences(operation, request.region, request.given)
            )
        response: Iterable[bytes] = self.moto(environ, start_response)
        return response

    @staticmethod
    def _error_response(
        request: Request, error: AwsError, status: int, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Say no, as the service says it: in JSON or in XML. `status` is the one that a test has set, or 0."""
        if not request.service or not request.operation:
            return _json_response(start_response, status or 400, {"message": error.message}, error.code)
        http_status = find_error_status(request.service, request.operation, error.code, status)
        if request.service in REST_SERVICES or request.target:
            return _json_response(start_response, http_status, {"message": error.message}, error.code)
        return _text_response(
            start_response, http_status, "text/xml", XML_ERROR.format(escape(error.code), escape(error.message))
        )

    @staticmethod
    def _drop_connection(environ: Environ) -> Iterable[bytes]:
        """Break the connection without an answer."""
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError


def _json_response(start_response: StartResponse, status: int, answer: Any, code: str = "") -> Iterable[bytes]:
    error_headers = [("x-amzn-ErrorType", code)] if code else []
    return _text_response(start_response, status, "application/json", json.dumps(answer), error_headers)


def _text_response(
    start_response: StartResponse,
    status: int,
    content_type: str,
    text: str,
    extra_headers: Iterable[tuple[str, str]] = (),
) -> Iterable[bytes]:
    body = text.encode()
    start_response(
        f"{status} {'OK' if status < 400 else 'Error'}",
        [("Content-Type", content_type), ("Content-Length", str(len(body))), *extra_headers],
    )
    return [body]
