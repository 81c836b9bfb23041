# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From when to when a certificate is valid, with the standard library alone. Private.

`certificate_ends.py` warns of certificates that end soon, and `live/file_facts.py` tells the dates for the diagnosis.
Hosts have no library for certificates. A certificate in PEM is base64 text of DER bytes. DER is a row of parts, each a
tag, a size and a value; the value of a sequence is a row of parts again. For example, `read_validity` of a PEM text
returns `Validity("2026-01-31T12:00:00Z", "2027-01-31T12:00:00Z")`.

Source: RFC 5280, 4.1: Certificate is a sequence whose first part is TBSCertificate, which has, after an optional
version, a serial number, an algorithm, an issuer and the validity: two times.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

# The lines around a certificate in PEM.
_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"
# Tags of DER: of a time such as `260131120000Z`, and of one such as `20260131120000Z`.
_TAG_UTC_TIME = 0x17
_TAG_GENERALIZED_TIME = 0x18
# The tag of the version.
_TAG_VERSION = 0xA0
# Serial number, algorithm and issuer stand before the validity.
_INDEX_OF_VALIDITY = 3
# With this bit, a length has more than one byte, and the other bits say how many. Source: X.690, 8.1.3.
_LONG_FORM_BIT = 0x80
# A UTCTime has two digits of the year: from this one on, it is one of the last century. Source: RFC 5280, 4.1.2.5.1.
_PIVOT_YEAR = 50


@dataclass(frozen=True)
class Validity:
    """The first and the last moment, as `2026-01-31T12:00:00Z`."""

    not_before: str
    not_after: str


def read_validity(pem: str) -> Validity | None:
    """Return when the first certificate of a text is valid; None if there is none, or if it is broken."""
    _before, begin_mark, after_begin = pem.partition(_BEGIN)
    base64_text, end_mark, _after = after_begin.partition(_END)
    if not (begin_mark and end_mark):
        return None
    try:
        return _parse_validity(binascii.a2b_base64(base64_text))
    except (ValueError, IndexError):
        return None


def _parse_validity(der: bytes) -> Validity:
    """Return when a certificate is valid. Raises IndexError or ValueError if it is broken."""
    certificate = _first_value(der)
    tbs_certificate = _first_value(certificate)
    values = [part.value for part in _read_parts(tbs_certificate) if part.tag != _TAG_VERSION]
    not_before, not_after = list(_read_parts(values[_INDEX_OF_VALIDITY]))[:2]
    return Validity(_format_time(not_before), _format_time(not_after))


def _first_value(data: bytes) -> bytes:
    """Return the value of the first part. Raises IndexError if there is none."""
    for part in _read_parts(data):
        return part.value
    raise IndexError("a part of a certificate is empty")


class _DerPart(NamedTuple):
    """A part of DER. Its tag says what its value is."""

    tag: int
    value: bytes


def _read_parts(data: bytes) -> Iterator[_DerPart]:
    """Yield the parts of a row. Raises IndexError for a part that is cut."""
    part_start = 0
    while part_start < len(data):
        tag, size = data[part_start], data[part_start + 1]
        part_start += 2
        if size & _LONG_FORM_BIT:
            size_bytes = size & ~_LONG_FORM_BIT
            size = int.from_bytes(data[part_start : part_start + size_bytes], "big")
            part_start += size_bytes
        part_end = part_start + size
        if part_end > len(data):
            raise IndexError("a part of a certificate is cut")
        yield _DerPart(tag, data[part_start:part_end])
        part_start = part_end


def _format_time(part: _DerPart) -> str:
    """Return a time of a certificate as text. Raises ValueError for what is none."""
    text = part.value.decode("ascii")
    if part.tag == _TAG_UTC_TIME:
        century = "20" if int(text[:2]) < _PIVOT_YEAR else "19"
        text = century + text
    elif part.tag != _TAG_GENERALIZED_TIME:
        raise ValueError("no time")
    # Both forms end with seconds and `Z`: RFC 5280, 4.1.2.5, demands them of certificates.
    return datetime.strptime(text[:14], "%Y%m%d%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ")
