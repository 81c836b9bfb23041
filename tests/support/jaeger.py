# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Jaeger client: spans in the Thrift compact protocol over UDP, as `emitBatch` of jaeger.thrift.

Sources: "Thrift Compact protocol encoding" of Apache Thrift; agent.thrift and jaeger.thrift of jaeger-idl.
"""

from __future__ import annotations

import secrets
import socket

_I32, _I64, _TEXT, _LIST, _STRUCT, _STOP = 5, 6, 8, 9, 12, b"\0"
_ONEWAY = b"\x82\x81"  # the protocol, then version 1 and a message without an answer


def send_span(address: str, port: int, service: str, name: str) -> None:
    """Send one span."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(build_batch(service, name), (address, port))


def build_batch(service: str, name: str) -> bytes:
    """Return the message with one span of a service."""
    span = b"".join(
        _encode_field(1, _I64, _encode_number(secrets.randbits(60))) for _id in range(3)
    )  # trace id, its half, span id
    span += (
        _encode_field(1, _I64, _encode_number(0))
        + _encode_field(1, _TEXT, _encode_text(name))
        + _encode_field(2, _I32, _encode_number(1))
    )
    span += (
        _encode_field(1, _I64, _encode_number(1)) + _encode_field(1, _I64, _encode_number(1)) + _STOP
    )  # start and duration
    process = _encode_field(1, _TEXT, _encode_text(service)) + _STOP
    list_header = bytes([1 << 4 | _STRUCT])
    content = _encode_field(1, _STRUCT, process) + _encode_field(1, _LIST, list_header + span) + _STOP
    return _ONEWAY + b"\0" + _encode_text("emitBatch") + _encode_field(1, _STRUCT, content) + _STOP


def _encode_field(id_step: int, type_number: int, value: bytes) -> bytes:
    """Return a field whose id is so much larger than that of the field before."""
    return bytes([id_step << 4 | type_number]) + value


def _encode_text(value: str) -> bytes:
    return _encode_varint(len(value.encode())) + value.encode()


def _encode_number(value: int) -> bytes:
    return _encode_varint(value << 1)  # zigzag of a number that is not negative


def _encode_varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
