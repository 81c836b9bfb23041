# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The validity of a certificate is read in both forms of a time; what is broken has none."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.certificate_dates import (
    Validity,
    read_validity,
)

from .test_certificate_ends import SHORT

SEQUENCE, UTC_TIME, GENERALIZED_TIME, VERSION = 0x30, 0x17, 0x18, 0xA0
FILLING = bytes(300)  # so long that lengths have several bytes


def part(tag: int, value: bytes) -> bytes:
    if len(value) < 0x80:
        return bytes([tag, len(value)]) + value
    return bytes([tag, 0x82]) + len(value).to_bytes(2, "big") + value


def pem(der: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(der).decode()}\n-----END CERTIFICATE-----\n"


def certificate(*times: tuple[int, str], version: bytes = b"") -> bytes:
    """Return what a certificate begins with: serial number, algorithm, issuer and its times."""
    before = part(0x02, b"\x01") + part(SEQUENCE, b"") + part(SEQUENCE, FILLING)
    dates = b"".join(part(tag, text.encode()) for tag, text in times)
    return part(SEQUENCE, part(SEQUENCE, version + before + part(SEQUENCE, dates)))


FIRST, LAST = (UTC_TIME, "491231235959Z"), (GENERALIZED_TIME, "20500101000000Z")


@pytest.mark.parametrize("version", [b"", part(VERSION, b"\x02\x01\x02")])
def test_both_forms_of_a_time_are_read_with_and_without_a_version(version: bytes) -> None:
    dates = read_validity(pem(certificate(FIRST, LAST, version=version)))
    assert dates == Validity("2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z")


def test_two_digits_from_50_on_are_of_the_last_century() -> None:
    dates = read_validity(pem(certificate((UTC_TIME, "500101000000Z"), FIRST)))
    assert dates == Validity("1950-01-01T00:00:00Z", "2049-12-31T23:59:59Z")


def test_the_first_certificate_of_a_chain_counts() -> None:
    text = SHORT.decode()
    assert read_validity(text) is not None
    assert read_validity(text + pem(certificate(FIRST, LAST))) == read_validity(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN CERTIFICATE-----\nMII",
        pem(b""),
        pem(part(SEQUENCE, b"")),
        pem(certificate(FIRST, LAST)[:-1]),
        pem(certificate(FIRST)),
        pem(certificate(FIRST, (0x02, "20500101000000Z"))),
        pem(certificate(FIRST, (UTC_TIME, "no time"))),
        "-----BEGIN CERTIFICATE-----\nno base64!\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_broken_or_no_certificate_has_no_dates(text: str) -> None:
    assert read_validity(text) is None
