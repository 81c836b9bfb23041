# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate for webhooks without an issuer: made when there is none, or when the old one ends soon. Private.

The key of its CA is thrown away at once: nobody can sign anything else with it, and a new certificate gets a new CA.
Both CAs are trusted while the old one is valid, so that a renewal interrupts nothing.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import APPLY, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.libraries import import_library
from ..._kube.live.task_end import run
from ..._kube.live.urls import quote_segment
from ..._kube.ownership import describe_owner, is_applied_by
from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import OWNER, OWNER_LABEL
from ..._otelcol.kube.objects import Manifest

Clock = Callable[[], datetime.datetime]
_PRIMITIVES = "cryptography.hazmat.primitives"


@dataclass(frozen=True)
class CertificateRequest:
    """Which certificate is wanted, and where."""

    namespace: str
    name: str
    hosts: list[str]
    labels: dict[str, str]
    days: int
    renew_days: int
    check: bool

    @property
    def path(self) -> str:
        """The URL path of its Secret."""
        return f"/api/v1/namespaces/{quote_segment(self.namespace)}/secrets/{quote_segment(self.name)}"


def run_webhook_certificate(module: AnsibleModule) -> None:
    """See to the certificate, and leave the task."""
    params = {key: module.params[key] for key in ("namespace", "name", "hosts", "labels", "days", "renew_days")}
    request = CertificateRequest(**params, check=module.check_mode)
    run(module, lambda: ensure_certificate(connect(module), request, lambda: datetime.datetime.now(datetime.UTC)))


def ensure_certificate(cluster: Cluster, request: CertificateRequest, clock: Clock) -> dict[str, Any]:
    """Return the CA bundle and the end of the certificate; make one where that is needed."""
    action = f"See to the certificate {request.namespace}/{request.name}"
    try:
        live_secret = cluster.get(request.path)
        _refuse_foreign_secret(live_secret, request)
        data = (live_secret or {}).get("data") or {}
        old_data = {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
        renewal_reason = _find_renewal_reason(old_data, request, clock())
        if not renewal_reason:
            return _describe_result(False, old_data, clock(), f"it is valid until {_expiry_date(old_data)}")
        if request.check:
            return _describe_result(True, old_data, clock(), f"it would be made: {renewal_reason}")
        new_data = _make_certificate(request, old_data, clock())
        # A Secret that appeared since the read belongs to another owner, who must not lose a key.
        query = {"fieldManager": OWNER, "force": "true" if live_secret else "false"}
        cluster.request("PATCH", request.path, query, _build_secret(request, new_data), APPLY)
    except ApiError as error:
        raise explain(error, action) from error
    return _describe_result(True, new_data, clock(), f"it was made: {renewal_reason}")


def _refuse_foreign_secret(live_secret: Manifest | None, request: CertificateRequest) -> None:
    labels = (live_secret or {"metadata": {}})["metadata"].get("labels") or {}
    if live_secret and not (labels.get(OWNER_LABEL) == OWNER and is_applied_by(live_secret, OWNER)):
        wrong = f"the Secret {request.namespace}/{request.name} belongs to {describe_owner(live_secret)}"
        raise Problem(wrong, fix="Remove it, or let certificates come from cert-manager.")


def _find_renewal_reason(
    old_data: Mapping[str, str], request: CertificateRequest, current_time: datetime.datetime
) -> str:
    """Return why there has to be a new certificate, or nothing."""
    if not all(old_data.get(key) for key in ("tls.crt", "tls.key", "ca.crt")):
        return "there was none"
    server_certificate = _load_certificates(old_data["tls.crt"])[0]
    if _expiry_time(server_certificate) - current_time < datetime.timedelta(days=request.renew_days):
        return f"the old one ends {_expiry_date(old_data)}"
    x509 = import_library("cryptography.x509", "cryptography")
    certified_names = server_certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    missing_hosts = sorted(set(request.hosts) - set(certified_names.get_values_for_type(x509.DNSName)))
    return f"the old one is not for {', '.join(missing_hosts)}" if missing_hosts else ""


def _describe_result(
    changed: bool, secret_data: Mapping[str, str], current_time: datetime.datetime, message: str
) -> dict[str, Any]:
    expiry = next(map(_expiry_time, _load_certificates(secret_data.get("tls.crt", ""))), None)
    return {
        "changed": changed,
        "ca_bundle": secret_data.get("ca.crt", ""),
        "not_after": expiry.isoformat() if expiry else "",
        "days_left": (expiry - current_time).days if expiry else 0,
        "msg": message,
    }


def _expiry_date(secret_data: Mapping[str, str]) -> str:
    return _expiry_time(_load_certificates(secret_data["tls.crt"])[0]).date().isoformat()


def _build_secret(request: CertificateRequest, secret_data: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": request.name,
            "namespace": request.namespace,
            "labels": {**request.labels, OWNER_LABEL: OWNER},
        },
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in secret_data.items()},
    }


def _make_certificate(
    request: CertificateRequest, old_data: Mapping[str, str], current_time: datetime.datetime
) -> dict[str, str]:
    """Make a CA, a certificate that it signs, and the bundle of this CA and the one before it, if that is valid."""
    x509, serialization = (
        import_library("cryptography.x509", "cryptography"),
        import_library(f"{_PRIMITIVES}.serialization", "cryptography"),
    )
    elliptic_curves, hashes = import_library(f"{_PRIMITIVES}.asymmetric.ec"), import_library(f"{_PRIMITIVES}.hashes")
    ca_key, server_key = (elliptic_curves.generate_private_key(elliptic_curves.SECP256R1()) for _key in range(2))
    ca_name, server_name = (
        x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, text)])
        for text in (f"{request.name} CA", request.name)
    )
    # Clocks of nodes and controller differ a little.
    valid_from, valid_until = (
        current_time - datetime.timedelta(minutes=10),
        current_time + datetime.timedelta(days=request.days),
    )

    def sign_certificate(subject: Any, public_key: Any, *extensions: tuple[Any, bool]) -> str:
        builder = x509.CertificateBuilder().issuer_name(ca_name).subject_name(subject).public_key(public_key)
        builder = (
            builder.serial_number(x509.random_serial_number()).not_valid_before(valid_from).not_valid_after(valid_until)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return str(builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())

    host_names = x509.SubjectAlternativeName([x509.DNSName(host) for host in request.hosts])
    key_usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
    not_a_ca = x509.BasicConstraints(False, None)
    valid_old_cas = [
        old_ca for old_ca in _load_certificates(old_data.get("ca.crt", "")) if _expiry_time(old_ca) > current_time
    ]
    # The newest CA stands first: it signed the certificate that pods serve until they load the new one.
    last_ca = valid_old_cas[:1]
    old_ca_bundle = "".join(old_ca.public_bytes(serialization.Encoding.PEM).decode() for old_ca in last_ca)
    private_key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "ca.crt": sign_certificate(ca_name, ca_key.public_key(), (x509.BasicConstraints(True, 0), True))
        + old_ca_bundle,
        "tls.crt": sign_certificate(
            server_name, server_key.public_key(), (host_names, False), (key_usage, False), (not_a_ca, True)
        ),
        "tls.key": private_key.decode(),
    }


def _load_certificates(pem: str) -> list[Any]:
    return (
        list(import_library("cryptography.x509", "cryptography").load_pem_x509_certificates(pem.encode()))
        if pem
        else []
    )


def _expiry_time(certificate: Any) -> datetime.datetime:
    """Return the end of a certificate; before version 42 of the library it has no time zone."""
    aware_expiry = getattr(certificate, "not_valid_after_utc", None)
    expiry: datetime.datetime = aware_expiry or certificate.not_valid_after.replace(tzinfo=datetime.UTC)
    return expiry
