# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a CA and a certificate for a webhook with the library cryptography, and read such certificates. Private.

`webhook_certificate.py` calls this when a webhook needs a certificate and cert-manager is not there. Each certificate
gets a CA of its own, whose key is thrown away at once, so that nobody can sign anything else with it.

Values of the library are `Any` here, because it is imported only when a certificate is needed.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..._kube.live.libraries import import_library

# The package of cryptography that has keys, hashes and encodings.
_PRIMITIVES = "cryptography.hazmat.primitives"
# Clocks of nodes and controller differ a little, so a certificate is valid from so long ago.
_CLOCK_MARGIN = datetime.timedelta(minutes=10)


class IssuedCertificate(NamedTuple):
    """A certificate of a webhook, as three texts in PEM. Each is empty if the Secret does not have it."""

    ca_bundle: str = ""
    """Key `ca.crt`: the CAs to trust, the newest first."""
    certificate: str = ""
    """Key `tls.crt`."""
    private_key: str = ""
    """Key `tls.key`."""


class ValidityPeriod(NamedTuple):
    """From when until when a certificate and its CA are valid."""

    start: datetime.datetime
    end: datetime.datetime


def issue_certificate(name: str, hosts: Sequence[str], days: int, current_time: datetime.datetime) -> IssuedCertificate:
    """Return a new certificate for the host names of a webhook, and its CA, both valid for so many days.

    `name` is the common name of the certificate, and with ` CA` that of the CA.
    """
    elliptic_curves = import_library(f"{_PRIMITIVES}.asymmetric.ec", "cryptography")
    serialization = import_library(f"{_PRIMITIVES}.serialization", "cryptography")
    ca_key = elliptic_curves.generate_private_key(elliptic_curves.SECP256R1())
    server_key = elliptic_curves.generate_private_key(elliptic_curves.SECP256R1())
    period = ValidityPeriod(current_time - _CLOCK_MARGIN, current_time + datetime.timedelta(days=days))
    private_key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return IssuedCertificate(
        ca_bundle=_sign_ca(name, ca_key, period),
        certificate=_sign_server_certificate(name, hosts, server_key.public_key(), ca_key, period),
        private_key=private_key.decode(),
    )


def _sign_ca(name: str, ca_key: Any, period: ValidityPeriod) -> str:
    """Return the CA, signed by itself, as PEM. It may sign no other CA (`path_length=0`)."""
    x509 = import_library("cryptography.x509", "cryptography")
    builder = _start_certificate(_ca_name(name), _ca_name(name), ca_key.public_key(), period)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return _sign_as_pem(builder, ca_key)


def _sign_server_certificate(
    name: str, hosts: Sequence[str], public_key: Any, ca_key: Any, period: ValidityPeriod
) -> str:
    """Return the certificate of the webhook's server, signed by the CA, as PEM."""
    x509 = import_library("cryptography.x509", "cryptography")
    builder = _start_certificate(_common_name(name), _ca_name(name), public_key, period)
    host_names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    builder = builder.add_extension(host_names, critical=False)
    key_usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
    builder = builder.add_extension(key_usage, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return _sign_as_pem(builder, ca_key)


def _start_certificate(subject: Any, issuer: Any, public_key: Any, period: ValidityPeriod) -> Any:
    """Return a builder with what every certificate has."""
    x509 = import_library("cryptography.x509", "cryptography")
    builder = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(public_key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(period.start).not_valid_after(period.end)


def _sign_as_pem(builder: Any, ca_key: Any) -> str:
    hashes = import_library(f"{_PRIMITIVES}.hashes", "cryptography")
    serialization = import_library(f"{_PRIMITIVES}.serialization", "cryptography")
    return str(builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())


def _ca_name(name: str) -> Any:
    return _common_name(f"{name} CA")


def _common_name(text: str) -> Any:
    """Return a name of X.509 that has only a common name."""
    x509 = import_library("cryptography.x509", "cryptography")
    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, text)])


# ── Certificates that are there ──


def find_valid_ca(ca_bundle: str, current_time: datetime.datetime) -> str:
    """Return the newest CA of a bundle that is still valid, as PEM; empty if there is none.

    The newest CA stands first. It signed the certificate that pods serve until they load a new one.
    """
    serialization = import_library(f"{_PRIMITIVES}.serialization", "cryptography")
    for ca in _load_certificates(ca_bundle):
        if _expiry_time(ca) > current_time:
            return str(ca.public_bytes(serialization.Encoding.PEM).decode())
    return ""


def read_expiry(pem: str) -> datetime.datetime | None:
    """Return the end of the first certificate in a text; None for an empty text."""
    certificates = _load_certificates(pem)
    return _expiry_time(certificates[0]) if certificates else None


def read_host_names(pem: str) -> set[str]:
    """Return the host names for which the first certificate in a text is valid."""
    x509 = import_library("cryptography.x509", "cryptography")
    extensions = _load_certificates(pem)[0].extensions
    certified_names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(certified_names.get_values_for_type(x509.DNSName))


def _load_certificates(pem: str) -> list[Any]:
    """Return the certificates in a text, in their order; none for an empty text."""
    if not pem:
        return []
    return list(import_library("cryptography.x509", "cryptography").load_pem_x509_certificates(pem.encode()))


def _expiry_time(certificate: Any) -> datetime.datetime:
    """Return the end of a certificate; before version 42 of the library it has no time zone."""
    aware_expiry = getattr(certificate, "not_valid_after_utc", None)
    expiry: datetime.datetime = aware_expiry or certificate.not_valid_after.replace(tzinfo=datetime.UTC)
    return expiry
