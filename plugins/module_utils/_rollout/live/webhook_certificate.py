# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the certificate of a webhook without cert-manager: when there is none, or when the old one ends soon. Private.

The module `webhook_certificate` runs this. Each certificate gets a CA of its own, whose key is thrown away at once, so
that nobody can sign anything else with it. The CA bundle also has the CA before it while that one is valid, so that
a renewal interrupts nothing.

The Secret has three keys, each a text in PEM: `ca.crt` is the CA bundle, the newest CA first; `tls.crt` the certificate
of the webhook; `tls.key` its private key. Values of the library cryptography are `Any` here, because it is imported
only when a certificate is needed.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

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

# Returns the current time, with a time zone.
Clock = Callable[[], datetime.datetime]
# The package of cryptography that has keys, hashes and encodings.
_PRIMITIVES = "cryptography.hazmat.primitives"


@dataclass(frozen=True)
class CertificateRequest:
    """Which certificate the task wants, and in which Secret."""

    namespace: str
    name: str
    """The name of the Secret."""
    hosts: list[str]
    """The names by which the API server calls the webhook, such as `operator-webhook.otel.svc`."""
    labels: dict[str, str]
    """Labels of the Secret, beside the one that names this collection."""
    days: int
    """How long a new certificate is valid."""
    renew_days: int
    """A certificate that is valid for fewer days is renewed."""
    check: bool
    """Whether this is check mode."""

    @property
    def path(self) -> str:
        """The URL path of its Secret."""
        return f"/api/v1/namespaces/{quote_segment(self.namespace)}/secrets/{quote_segment(self.name)}"


class CertificateResult(TypedDict):
    """The result of the task."""

    changed: bool
    ca_bundle: str
    """The CAs to trust, as PEM; empty if there is no certificate yet."""
    not_after: str
    """The end of the certificate in RFC 3339; empty if there is none."""
    days_left: int
    """Whole days until then; 0 if there is no certificate."""
    msg: str


def run_webhook_certificate(module: AnsibleModule) -> None:
    """See to the certificate, and end the task with the result."""
    params = {key: module.params[key] for key in ("namespace", "name", "hosts", "labels", "days", "renew_days")}
    request = CertificateRequest(**params, check=module.check_mode)

    def ensure() -> dict[str, Any]:
        return dict(ensure_certificate(connect(module), request, lambda: datetime.datetime.now(datetime.UTC)))

    run(module, ensure)


def ensure_certificate(cluster: Cluster, request: CertificateRequest, clock: Clock) -> CertificateResult:
    """Return the CA bundle and the end of the certificate. Make a new certificate if that is needed.

    Check mode makes none. Raises Problem if the Secret belongs to another owner, or the API server refuses a request.
    """
    action = f"See to the certificate {request.namespace}/{request.name}"
    try:
        live_secret = cluster.get(request.path)
        _refuse_foreign_secret(live_secret, request)
        old_data = _read_secret_data(live_secret)
        renewal_reason = _find_renewal_reason(old_data, request, clock())
        if not renewal_reason:
            message = f"it is valid until {_expiry_date(old_data)}"
            return _describe_result(old_data, clock(), message, changed=False)
        if request.check:
            return _describe_result(old_data, clock(), f"it would be made: {renewal_reason}", changed=True)
        new_data = _make_certificate(request, old_data, clock())
        # A Secret that appeared since the read belongs to another owner, who must not lose a key.
        query = {"fieldManager": OWNER, "force": "true" if live_secret else "false"}
        cluster.request("PATCH", request.path, query, _build_secret(request, new_data), APPLY)
    except ApiError as error:
        raise explain(error, action) from error
    return _describe_result(new_data, clock(), f"it was made: {renewal_reason}", changed=True)


def _read_secret_data(secret: Manifest | None) -> dict[str, str]:
    """Return the decoded data of a Secret: `tls.crt`, `tls.key` and `ca.crt` as PEM. Empty without a Secret."""
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}


def _refuse_foreign_secret(live_secret: Manifest | None, request: CertificateRequest) -> None:
    """Raise Problem if the Secret belongs to another owner."""
    labels = (live_secret or {"metadata": {}})["metadata"].get("labels") or {}
    if live_secret and not (labels.get(OWNER_LABEL) == OWNER and is_applied_by(live_secret, OWNER)):
        wrong = f"the Secret {request.namespace}/{request.name} belongs to {describe_owner(live_secret)}"
        raise Problem(wrong, fix="Remove it, or let certificates come from cert-manager.")


def _find_renewal_reason(
    old_data: Mapping[str, str], request: CertificateRequest, current_time: datetime.datetime
) -> str:
    """Return why a new certificate is needed, such as `there was none`; empty if the old one still serves."""
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
    secret_data: Mapping[str, str], current_time: datetime.datetime, message: str, *, changed: bool
) -> CertificateResult:
    certificates = _load_certificates(secret_data.get("tls.crt", ""))
    expiry = _expiry_time(certificates[0]) if certificates else None
    return {
        "changed": changed,
        "ca_bundle": secret_data.get("ca.crt", ""),
        "not_after": expiry.isoformat() if expiry else "",
        "days_left": (expiry - current_time).days if expiry else 0,
        "msg": message,
    }


def _expiry_date(secret_data: Mapping[str, str]) -> str:
    """Return the day on which the certificate in a Secret ends, such as `2027-01-31`."""
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
    """Make a CA and a certificate that it signs. Return the data of the Secret with both.

    The CA bundle in `ca.crt` has the new CA, then the one before it while that is valid. The certificate and its CA
    have the same times. The CA may sign no other CA (`path_length=0`).
    """
    x509 = import_library("cryptography.x509", "cryptography")
    serialization = import_library(f"{_PRIMITIVES}.serialization", "cryptography")
    elliptic_curves = import_library(f"{_PRIMITIVES}.asymmetric.ec")
    hashes = import_library(f"{_PRIMITIVES}.hashes")
    ca_key = elliptic_curves.generate_private_key(elliptic_curves.SECP256R1())
    server_key = elliptic_curves.generate_private_key(elliptic_curves.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, f"{request.name} CA")])
    server_name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, request.name)])
    # Clocks of nodes and controller differ a little.
    valid_from = current_time - datetime.timedelta(minutes=10)
    valid_until = current_time + datetime.timedelta(days=request.days)

    def start_certificate(subject: Any, public_key: Any) -> Any:
        builder = x509.CertificateBuilder().issuer_name(ca_name).subject_name(subject).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(valid_from).not_valid_after(valid_until)

    def sign_as_pem(builder: Any) -> str:
        return str(builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())

    ca_builder = start_certificate(ca_name, ca_key.public_key())
    ca_builder = ca_builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)

    server_builder = start_certificate(server_name, server_key.public_key())
    host_names = x509.SubjectAlternativeName([x509.DNSName(host) for host in request.hosts])
    server_builder = server_builder.add_extension(host_names, critical=False)
    key_usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
    server_builder = server_builder.add_extension(key_usage, critical=False)
    server_builder = server_builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)

    private_key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "ca.crt": sign_as_pem(ca_builder) + _find_valid_ca(old_data, current_time, serialization.Encoding.PEM),
        "tls.crt": sign_as_pem(server_builder),
        "tls.key": private_key.decode(),
    }


def _find_valid_ca(old_data: Mapping[str, str], current_time: datetime.datetime, pem_encoding: Any) -> str:
    """Return the newest CA of the old bundle that is still valid, as PEM; empty if there is none.

    The newest CA stands first. It signed the certificate that pods serve until they load the new one.
    """
    for old_ca in _load_certificates(old_data.get("ca.crt", "")):
        if _expiry_time(old_ca) > current_time:
            return str(old_ca.public_bytes(pem_encoding).decode())
    return ""


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
