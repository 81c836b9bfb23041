# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver answers to an export without data: whether it takes what applications will send. Private.

`live/prerequisites.py` sends the export through the API server to a pod of the Service, and asks `judge_answer` for
the fault. Example: applications will send OTLP over HTTP, and the API server says `malformed HTTP response`, followed
by the greeting of a server of HTTP/2. Then a gRPC server is there, and the fault is `speaks gRPC, but java will send
http/protobuf`.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from .requirements import ExportTarget
from .sdk_languages import GRPC, HTTP

# So many characters of a message are shown.
_MOST_MESSAGE_CHARACTERS = 200


class EmptyExport(NamedTuple):
    """A request of OTLP without data."""

    path: str
    content_type: str
    body: bytes


class ReceiverFault(NamedTuple):
    """Why a receiver does not take what applications will send."""

    wrong: str
    may_pass: bool
    """Whether the receiver may only be starting."""


def build_empty_export(target: ExportTarget, signal: str) -> EmptyExport:
    """Return the export of a signal without data to a target."""
    if target["protocol"] == HTTP:
        return EmptyExport(f"{target['path'] or ''}/v1/{signal}", "application/x-protobuf", b"")
    # The body is an empty message: a byte that says it is not compressed, and four of its length (gRPC over HTTP2).
    return EmptyExport("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc", bytes(5))


def judge_answer(status: int, message: str, target: ExportTarget, signal: str) -> ReceiverFault | None:
    """Return what is wrong with a receiver by its answer to an export without data; None if it takes such exports.

    `status` and `message` come from the API server. It cannot pass a request without TLS on to a gRPC server, but then
    its message has the greeting of that server.
    """
    protocol = target["protocol"]
    meaning = _find_meaning(status, message, protocol)
    if meaning in _MEANINGS_OF_A_FIT[protocol]:
        return None
    wrong = _FAULT_TEXTS[protocol][meaning].format(
        languages=", ".join(target["languages"]),
        signal=signal,
        said=f"{status} {message[:_MOST_MESSAGE_CHARACTERS]}",
    )
    may_pass = meaning is _Meaning.UNKNOWN and status in _UNREACHED_STATUSES
    return ReceiverFault(wrong, may_pass)


# ── What an answer means ──


class _Meaning(Enum):
    """What an answer says of the server that gives it."""

    WANTS_CLIENT_CERTIFICATE = auto()
    SPEAKS_NO_TLS = auto()
    WANTS_TLS = auto()
    CLOSES_CONNECTION = auto()
    SPEAKS_GRPC = auto()
    SPEAKS_OTLP_OVER_HTTP = auto()
    SPEAKS_OTHER_HTTP = auto()
    REFUSES_CONTENT_TYPE = auto()
    UNKNOWN = auto()


# The API server could not pass the request on: the receiver may be starting.
_UNREACHED_STATUSES = (500, 502, 503, 504)
# Parts of the messages of the API server when it cannot pass a request on. The words are those of Go's net/http.
# `malformed HTTP response` quotes the SETTINGS frame with which a server of HTTP/2 greets a client of HTTP/1 (RFC 9113,
# 3.4), so a gRPC server is there.
_MEANING_BY_PHRASE = {
    "certificate required": _Meaning.WANTS_CLIENT_CERTIFICATE,
    "bad certificate": _Meaning.WANTS_CLIENT_CERTIFICATE,
    "server gave HTTP response to HTTPS client": _Meaning.SPEAKS_NO_TLS,
    "first record does not look like a TLS handshake": _Meaning.SPEAKS_NO_TLS,
    "HTTP request to an HTTPS server": _Meaning.WANTS_TLS,
    "malformed HTTP response": _Meaning.SPEAKS_GRPC,
    "error trying to reach service: EOF": _Meaning.CLOSES_CONNECTION,
}
# The status of a receiver's own answer, by the protocol of the target. A receiver that wants credentials (401) speaks
# OTLP. With TLS, a gRPC server answers 200 to any request, because both sides then agree on HTTP/2. Its own result
# comes after the status, and the API server does not pass that on.
_MEANING_BY_STATUS = {
    HTTP: {
        200: _Meaning.SPEAKS_OTLP_OVER_HTTP,
        401: _Meaning.SPEAKS_OTLP_OVER_HTTP,
        404: _Meaning.SPEAKS_OTHER_HTTP,
        415: _Meaning.REFUSES_CONTENT_TYPE,
    },
    GRPC: {
        200: _Meaning.SPEAKS_GRPC,
        401: _Meaning.SPEAKS_OTLP_OVER_HTTP,
        404: _Meaning.SPEAKS_OTHER_HTTP,
        405: _Meaning.SPEAKS_OTHER_HTTP,
        415: _Meaning.SPEAKS_OTHER_HTTP,
    },
}
# The meanings with which a receiver fits, by the protocol of the target. One that wants a certificate of the client
# speaks TLS, and nobody can look further without a certificate.
_MEANINGS_OF_A_FIT = {
    HTTP: (_Meaning.SPEAKS_OTLP_OVER_HTTP, _Meaning.WANTS_CLIENT_CERTIFICATE),
    GRPC: (_Meaning.SPEAKS_GRPC, _Meaning.WANTS_CLIENT_CERTIFICATE),
}
# What is wrong for the others, as a predicate of the receiver.
_TLS_FAULT_TEXTS = {
    _Meaning.SPEAKS_NO_TLS: "speaks no TLS, but the endpoint is https://",
    _Meaning.WANTS_TLS: "wants TLS, but the endpoint is http://",
    _Meaning.CLOSES_CONNECTION: "closes the connection, as one does that wants TLS",
}
_FAULT_TEXTS = {
    GRPC: {
        **_TLS_FAULT_TEXTS,
        _Meaning.SPEAKS_OTLP_OVER_HTTP: "speaks HTTP, but {languages} will send gRPC",
        _Meaning.SPEAKS_OTHER_HTTP: "speaks HTTP, but {languages} will send gRPC",
        _Meaning.UNKNOWN: "does not speak gRPC ({said})",
    },
    HTTP: {
        **_TLS_FAULT_TEXTS,
        _Meaning.SPEAKS_GRPC: "speaks gRPC, but {languages} will send http/protobuf",
        _Meaning.SPEAKS_OTHER_HTTP: "takes no {signal} over HTTP",
        _Meaning.REFUSES_CONTENT_TYPE: "takes no OTLP over HTTP (415), like a server of gRPC",
        _Meaning.UNKNOWN: "does not answer as OTLP over HTTP does ({said})",
    },
}


def _find_meaning(status: int, message: str, protocol: str) -> _Meaning:
    """Return what an answer means. The message counts before the status."""
    for phrase, meaning in _MEANING_BY_PHRASE.items():
        if phrase in message:
            return meaning
    return _MEANING_BY_STATUS[protocol].get(status, _Meaning.UNKNOWN)
