# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to send a request to an address that this machine reaches: over gRPC, HTTP or UDP. Private.

Each way is a class, whose `send` sends one request and returns the answer. A receiver that does not take the request
makes it raise NotSentError. For example, an answer 503 raises `NotSentError(…, again=True)`, after which the probe
sends the same request again. probe_task.py creates the sender of a target, and probe.py calls it for each signal.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ..._kube.live.libraries import import_library
from ..._otelcol.bounded.live.bounded_reads import read_body, read_file_bytes
from ..._otelcol.bounded.read_limits import CREDENTIAL_LIMIT
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import Problem, strip_credentials
from ..evidence import LONGEST_EXCERPT_LINE
from ..otlp_target import GRPC, HTTP, XRAY, OtlpTarget
from .otlp_payloads import SERVICES

PROTOBUF_TYPE = "application/x-protobuf"
# Answers after which a client may send the same request again.
# Source: "OTLP/gRPC Response" and "Retryable Response Codes" of the OTLP specification.
_TRANSIENT_CODES = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"})
TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})
_FIRST_STATUS_OF_REFUSAL = 300


class SendRequest(Protocol):
    """The method `send` of a sender."""

    def __call__(self, signal: str, request: bytes, seconds: float, /) -> bytes:
        """Send the serialized request of a signal within some seconds, and return the answer. Raises NotSentError."""


class NotSentError(Exception):
    """The receiver did not take a request; `again` says whether it may take it in a moment."""

    def __init__(self, text: str, *, again: bool) -> None:
        self.again = again
        super().__init__(text)


def create_sender(target: OtlpTarget) -> SendRequest:
    """Return how to send to a target. Raises Problem for a file of TLS that cannot be read."""
    try:
        return _SENDER_BY_PROTOCOL[target.protocol](target).send
    except OSError as error:
        wrong = f"a file of tls cannot be read: {error}"
        raise Problem(wrong, asked="Send a probe", fix="Correct its path.") from error


# ── Files of TLS ──


class _TlsFiles(NamedTuple):
    """The contents of the files that the options `tls` name; None for a file that is not given."""

    ca: bytes | None
    key: bytes | None
    certificate: bytes | None


def _read_tls_files(target: OtlpTarget) -> _TlsFiles:
    """Return the contents of the files of TLS. Raises OSError for one that cannot be read."""
    return _TlsFiles(
        ca=_read_file_if_given(target.tls_options.get("ca_file")),
        key=_read_file_if_given(target.tls_options.get("key_file")),
        certificate=_read_file_if_given(target.tls_options.get("cert_file")),
    )


def _read_file_if_given(path: str | None) -> bytes | None:
    return read_file_bytes(path, CREDENTIAL_LIMIT) if path else None


# ── Senders ──


class _GrpcSender:
    """Sends over gRPC."""

    def __init__(self, target: OtlpTarget) -> None:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own log would end up between the lines of the task
        self._grpc = import_library("grpc", "grpcio")
        self._target = target
        tls = _read_tls_files(target)
        if target.is_secure:
            credentials = self._grpc.ssl_channel_credentials(tls.ca, tls.key, tls.certificate)
            self._channel = self._grpc.secure_channel(target.address, credentials)
        else:
            self._channel = self._grpc.insecure_channel(target.address)
        self._metadata = [(name.lower(), value) for name, value in target.headers.items()]

    def send(self, signal: str, request: bytes, seconds: float) -> bytes:
        """Call the method Export of the service of the signal."""
        service = SERVICES[signal]
        method = f"/opentelemetry.proto.collector.{service.package}.v1.{service.name}Service/Export"
        call_method = self._channel.unary_unary(method)
        try:
            response: bytes = call_method(request, timeout=seconds, metadata=self._metadata)
        except self._grpc.RpcError as error:
            code = error.code().name
            described_error = mask_and_clean(error.details(), LONGEST_EXCERPT_LINE)
            text = f"{self._target.address} answers {code}: {described_error}"
            raise NotSentError(text, again=code in _TRANSIENT_CODES) from error
        return response


class _HttpSender:
    """Sends over HTTP."""

    def __init__(self, target: OtlpTarget) -> None:
        self._urllib3 = import_library("urllib3")
        self._target = target
        if target.is_secure:
            # urllib3 reads the files when it sends, and its error looks like a lost connection. So they are read here
            # for the error alone.
            _read_tls_files(target)
        options = target.tls_options
        certificate = {name: options[name] for name in ("cert_file", "key_file") if options.get(name)}
        self._pool = self._urllib3.PoolManager(ca_certs=options.get("ca_file"), retries=False, **certificate)
        self._headers = {**target.headers, "Content-Type": PROTOBUF_TYPE}

    def send(self, signal: str, request: bytes, seconds: float) -> bytes:
        """Post the request to the URL of the signal."""
        url = self._build_url(signal)
        try:
            response = self._pool.request(
                "POST",
                url,
                body=request,
                headers=self._headers,
                timeout=seconds,
                redirect=False,
                preload_content=False,
            )
            status, content = response.status, read_body(response)
        except self._urllib3.exceptions.HTTPError as error:
            may_pass = type(error).__name__ != "SSLError"  # a certificate that is not trusted stays so
            raise NotSentError(f"{strip_credentials(url)}: {mask_and_clean(str(error))}", again=may_pass) from error
        check_status(url, status, content)
        return content

    def _build_url(self, signal: str) -> str:
        """Return the URL of the target with the path of a signal, which the user may have given already."""
        signal_path = f"/v1/{signal}"
        has_signal_path = self._target.path.endswith(signal_path)
        return self._target.url if has_signal_path else f"{self._target.url}{signal_path}"


def check_status(url: str, status: int, content: bytes) -> None:
    """Raise NotSentError for an answer of HTTP that does not accept the request."""
    if status >= _FIRST_STATUS_OF_REFUSAL:
        answer_text = mask_and_clean(content.decode(errors="replace").strip(), LONGEST_EXCERPT_LINE)
        raise NotSentError(
            f"{strip_credentials(url)} answers {status}: {answer_text}", again=status in TRANSIENT_STATUSES
        )


class _UdpSender:
    """Sends datagrams, which nobody answers."""

    def __init__(self, target: OtlpTarget) -> None:
        self._target = target

    def send(self, _signal: str, request: bytes, seconds: float) -> bytes:
        """Send the request as one datagram, and return an empty answer."""
        try:
            addresses = socket.getaddrinfo(self._target.host, self._target.port, type=socket.SOCK_DGRAM)
            family, kind, _protocol, _name, address = addresses[0]
            with socket.socket(family, kind) as connection:
                connection.settimeout(seconds)
                connection.sendto(request, address)
        except OSError as error:
            raise NotSentError(f"{self._target.address}: {error}", again=True) from error
        return b""


_SENDER_BY_PROTOCOL: Mapping[str, type[_GrpcSender | _HttpSender | _UdpSender]] = {
    GRPC: _GrpcSender,
    HTTP: _HttpSender,
    XRAY: _UdpSender,
}
