# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From when to when a certificate is valid, with the standard library alone. Private.

Source: RFC 5280, 4.1: Certificate is a sequence whose first part is TBSCertificate, which has, after an optional
version, a serial number, an algorithm, an issuer and the validity: two times.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_UTC_TIME, _GENERALIZED_TIME, _VERSION, _BEFORE_VALIDITY = 0x17, 0x18, 0xA0, 3
_LONG, _CENTURY = 0x80, 50


@dataclass(frozen=True)
class Validity:
    """The first and the last moment, as `2026-01-31T12:00:00Z`."""

    not_before: str
    not_after: str


def validity(pem: str) -> Validity | None:
    """Return when the first certificate of a text is valid; None if there is none, or if it is broken."""
    _before, begin, rest = pem.partition(_BEGIN)
    text, end, _after = rest.partition(_END)
    if not (begin and end):
        return None
    try:
        body = next(_parts(next(_parts(binascii.a2b_base64(text)))[1]))[1]
        rows = [row for row in _parts(body) if row[0] != _VERSION]
        times = [_time(tag, value) for tag, value in _parts(rows[_BEFORE_VALIDITY][1])]
        return Validity(times[0], times[1])
    except (ValueError, IndexError, StopIteration):
        return None


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and value of each part. Raises IndexError for a part that is cut."""
    place = 0
    while place < len(data):
        tag, size, place = data[place], data[place + 1], place + 2
        if size & _LONG:
            digits = size & ~_LONG
            size, place = int.from_bytes(data[place : place + digits], "big"), place + digits
        if place + size > len(data):
            raise IndexError("a part of a certificate is cut")
        yield tag, data[place : place + size]
        place += size


def _time(tag: int, value: bytes) -> str:
    text = value.decode("ascii")
    if tag == _UTC_TIME:
        text = ("20" if int(text[:2]) < _CENTURY else "19") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(text[:14], "%Y%m%d%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ")
