# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, as openssl writes them, say until when they are valid."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.certificate_ends import warn_of_end

# Of an elliptic curve, with a version and names; its end is a UTCTime.
SHORT = b"""\
-----BEGIN CERTIFICATE-----
MIIBpjCCAU2gAwIBAgIUep2ljjadXQ5j7zO56hTDnY1M55YwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwHhcNMjYxMTI2MTExNDEwWhcNMjYxMjE2MTExNDEwWjAQ
MQ4wDAYDVQQDDAVob3N0MjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABI6mjkEB
suS3wmlLyX5+jePdoshzbnPJINNK4kVP4AwPD07By8RUvp1m3r1apxkssJIejcnv
cmPeeZUdao1PgKOjgYcwgYQwIwYDVR0RBBwwGoIFaG9zdDKCEWdhdGV3YXlzLmlu
dGVybmFsMB0GA1UdJQQWMBQGCCsGAQUFBwMBBggrBgEFBQcDAjAdBgNVHQ4EFgQU
Q6F5OibxPUc/3kPrcMTGnnYuhyIwHwYDVR0jBBgwFoAUmOOlnus12ymkewIXD2c8
kxKXjI0wCgYIKoZIzj0EAwIDRwAwRAIgNCDq+jSi7Qc4yGzhSwdSc3juESCdbfkf
EeUEJ6AECd0CIFYcOlLVucrn7Iyj8s8ArvIFfb+ksDuUXFnpxrZJ1Ea6
-----END CERTIFICATE-----
"""
SHORT_END = 1797419650
# Of RSA; its end is a GeneralizedTime.
LONG = b"""\
-----BEGIN CERTIFICATE-----
MIIDATCCAemgAwIBAgIULsfyiHRgvXPi+fGlN1dKrTiUXmMwDQYJKoZIhvcNAQEL
BQAwDzENMAsGA1UEAwwEbG9uZzAgFw0yNjExMjYxMTE1NDRaGA8yMDY1MDMyNjEx
MTU0NFowDzENMAsGA1UEAwwEbG9uZzCCASIwDQYJKoZIhvcNAQEBBQADggEPADCC
AQoCggEBALcUdiL5sD+JbnvjxUmSJ2/0OtVj+QqaqgTZpdM5ZAHQcfI4m89PY/lw
WCRM4N7jq4dzJD4EJ7+1V9uNZ6583TCeqBWbqGY49Gz7I0gpoEInynO7jPzqdnFg
8iIVqeI/tOqRt4QgnKaU1Fr/qQKHG0VJQghHWaxYtrTrtvGIPtGkUKVxg8tcyuj+
kMgvBPwDreu7rNH0QdwHdB0AMxrPQtus+i+nFc2fruFykEwnBGK1Rd9Kl/xEF2cC
HtCCflcBrO2vcqOfKNLLfS0R7dOm7LkKfVn/WmetyMUrwrj5VJKZoq7R1f/0LBL3
HBsbzjfiU+xP2Li4OQg7M51WIzrUHysCAwEAAaNTMFEwHQYDVR0OBBYEFEOYmc/o
xfIEWMTKakEJ546GFhozMB8GA1UdIwQYMBaAFEOYmc/oxfIEWMTKakEJ546GFhoz
MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAGr9a1lCCmwatomS
hshsMT0GO9D2+P+L5j3q3R9EIhSEvEzNwoQVhLGtBCs1mTvGlNzKkYV1D9dProxs
NzEU8eWxYaTYaO1+QKSDIfL8eRJpuSZ8185K3ZkDhFSMXdZzVA31JEGn/VIBv1rA
pz4taaQPCw8b3uDG23AktMrcitiSpURIBDSCpAmUG1U1M037CNoc2EoeJPEVOjco
zZtwBHww1o1wztsjBEGOA6EIYDYwMxE5Ua8qggC7eQC/gaNXOCb0eQ2DNFFRuX4e
lxxUgL9IQxnmZgOSe1yuMQoCnMZxZVmSMiAd/jeZq5HDwt2KUNZYQ1uqxvUqE44z
WNOseig=
-----END CERTIFICATE-----
"""
LONG_END = 3005291744
DAY = 86_400


@pytest.mark.parametrize("cut", [0, 1, 10, 100, 200])
def test_what_is_no_certificate_has_no_end(cut: int) -> None:
    begin, _line, rest = SHORT.partition(b"\n")
    broken = begin + b"\n" + rest[:cut] + b"\n-----END CERTIFICATE-----\n"
    assert warn_of_end("tls-ca", broken, SHORT_END) == ""


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (SHORT_END - 15 * DAY, ""),
        (SHORT_END - 13 * DAY, "the certificate in credential tls-ca is valid only until 20"),
        (SHORT_END, "the certificate in credential tls-ca is not valid any more since "),
    ],
)
def test_the_end_is_told_two_weeks_before(now: float, words: str) -> None:
    said = warn_of_end("tls-ca", SHORT, now)
    assert said.startswith(words)
    assert bool(said) == bool(words)


def test_an_end_after_the_year_2050_is_not_near() -> None:
    assert warn_of_end("tls-ca", LONG, SHORT_END) == ""
    assert warn_of_end("tls-ca", LONG, LONG_END) != ""


def test_a_token_is_no_certificate() -> None:
    assert warn_of_end("TOKEN", b"hunter2", SHORT_END) == ""
