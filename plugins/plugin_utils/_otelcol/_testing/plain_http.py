# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 with a Collector on loopback, in both directions, for thousands of small requests.

The library reads headers as those of mail, which takes most of the time of a small request. Source: RFC 9112. Private.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from io import BufferedIOBase
from typing import BinaryIO, NamedTuple

from ....module_utils._otelcol.bounded.read_limits import SMALL_ANSWER, joined_chunks

_MOST_FIELDS, _LONGEST_LINE = 100, 65536
"""How many headers a message may have, and bytes of one: those of http.client."""
_WORDS_OF_STATUS = 2
"""The words that a first line of an answer has at least: the version of HTTP and the status."""
_HEXADECIMAL = 16
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Answer(NamedTuple):
    """What a server answers. `stays_open` says whether the connection takes another request."""

    status: int
    body: bytes
    stays_open: bool


def read_fields(file: BinaryIO | BufferedIOBase) -> dict[str, str]:
    """Return the headers of a message, by their names in lower case."""
    fields: dict[str, str] = {}
    for _number in range(_MOST_FIELDS):
        line = file.readline(_LONGEST_LINE).decode("latin-1").strip()
        if not line:
            break
        name, _colon, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return fields


def send_request(to: socket.socket, first_line: str, headers: Mapping[str, str], body: bytes) -> None:
    """Send a request, whose head and body leave at once. Raises OSError."""
    fields = {"Host": "localhost", **headers, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    to.sendall(f"{first_line} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)


def read_answer(file: BinaryIO) -> Answer:
    """Return the answer to a request. Raises OSError if it breaks off or is none, and Problem for a large body."""
    status = _read_status(file)
    fields = read_fields(file)
    body = joined_chunks(_body(file, fields, status), SMALL_ANSWER, "the answer")
    has_end = "content-length" in fields or _is_chunked(fields) or status in _WITHOUT_BODY
    return Answer(status, body, has_end and fields.get("connection", "").lower() != "close")


def _read_status(file: BinaryIO) -> int:
    line = file.readline(_LONGEST_LINE)
    if not line:
        raise ConnectionResetError("the connection was closed without an answer")
    words = line.split()
    if len(words) < _WORDS_OF_STATUS or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise ConnectionError("the answer is none of HTTP/1.1")
    return int(words[1])


def _is_chunked(fields: Mapping[str, str]) -> bool:
    return fields.get("transfer-encoding", "").lower() == "chunked"


def _body(file: BinaryIO, fields: Mapping[str, str], status: int) -> Iterator[bytes]:
    """Yield the parts of a body. One without a length ends with its connection."""
    if status in _WITHOUT_BODY:
        return
    if _is_chunked(fields):
        yield from _chunks(file)
    elif "content-length" in fields:
        yield _exactly(file, _number(fields["content-length"], 10))
    else:
        while part := file.read(_LONGEST_LINE):
            yield part


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the chunks of a body, which a chunk without content and headers end."""
    while size := _number(file.readline(_LONGEST_LINE).decode("latin-1").partition(";")[0], _HEXADECIMAL):
        yield _exactly(file, size)
        file.readline(_LONGEST_LINE)
    read_fields(file)


def _number(text: str, base: int) -> int:
    """Return the size of a body or of a chunk. Raises ConnectionError for one that is none or too large."""
    try:
        size = int(text, base)
    except ValueError:
        size = -1
    if not 0 <= size <= SMALL_ANSWER:
        raise ConnectionError(f"the answer has a part of '{text.strip()[:20]}' bytes")
    return size


def _exactly(file: BinaryIO, size: int) -> bytes:
    part = file.read(size)
    if len(part) < size:
        raise ConnectionResetError("the connection was closed within an answer")
    return part
