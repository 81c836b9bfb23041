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

from ..._kube.live.api_errors import explain, library
from ..._kube.live.cluster import APPLY, ApiError, Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.urls import segment
from ..._kube.ownership import applied_by, owner
from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import OWNER, OWNER_LABEL
from ..._otelcol.kube.objects import Manifest

Now = Callable[[], datetime.datetime]
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
        return f"/api/v1/namespaces/{segment(self.namespace)}/secrets/{segment(self.name)}"


def run_certificate(module: AnsibleModule) -> None:
    """See to the certificate, and leave the task."""
    params = {key: module.params[key] for key in ("namespace", "name", "hosts", "labels", "days", "renew_days")}
    wanted = CertificateRequest(**params, check=module.check_mode)
    run(module, lambda: certificate(connect(module), wanted, lambda: datetime.datetime.now(datetime.UTC)))


def certificate(cluster: Cluster, wanted: CertificateRequest, now: Now) -> dict[str, Any]:
    """Return the CA bundle and the end of the certificate; make one where that is needed."""
    asked = f"See to the certificate {wanted.namespace}/{wanted.name}"
    try:
        live = cluster.get(wanted.path)
        _refuse_others(live, wanted)
        data = (live or {}).get("data") or {}
        old = {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
        why = _reason(old, wanted, now())
        if not why:
            return _result(False, old, now(), f"it is valid until {_day(old)}")
        if wanted.check:
            return _result(True, old, now(), f"it would be made: {why}")
        new = _made(wanted, old, now())
        # A Secret that appeared since the read belongs to another owner, who must not lose a key.
        query = {"fieldManager": OWNER, "force": "true" if live else "false"}
        cluster.request("PATCH", wanted.path, query, _secret(wanted, new), APPLY)
    except ApiError as error:
        raise explain(error, asked) from error
    return _result(True, new, now(), f"it was made: {why}")


def _refuse_others(live: Manifest | None, wanted: CertificateRequest) -> None:
    labels = (live or {"metadata": {}})["metadata"].get("labels") or {}
    if live and not (labels.get(OWNER_LABEL) == OWNER and applied_by(live, OWNER)):
        wrong = f"the Secret {wanted.namespace}/{wanted.name} belongs to {owner(live)}"
        raise Problem(wrong, fix="Remove it, or let certificates come from cert-manager.")


def _reason(old: Mapping[str, str], wanted: CertificateRequest, now: datetime.datetime) -> str:
    """Return why there has to be a new certificate, or nothing."""
    if not all(old.get(key) for key in ("tls.crt", "tls.key", "ca.crt")):
        return "there was none"
    leaf = _certificates(old["tls.crt"])[0]
    if _ends(leaf) - now < datetime.timedelta(days=wanted.renew_days):
        return f"the old one ends {_day(old)}"
    x509 = library("cryptography.x509", "cryptography")
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    missing = sorted(set(wanted.hosts) - set(names.get_values_for_type(x509.DNSName)))
    return f"the old one is not for {', '.join(missing)}" if missing else ""


def _result(changed: bool, data: Mapping[str, str], now: datetime.datetime, message: str) -> dict[str, Any]:
    end = next(map(_ends, _certificates(data.get("tls.crt", ""))), None)
    return {
        "changed": changed,
        "ca_bundle": data.get("ca.crt", ""),
        "not_after": end.isoformat() if end else "",
        "days_left": (end - now).days if end else 0,
        "msg": message,
    }


def _day(data: Mapping[str, str]) -> str:
    return _ends(_certificates(data["tls.crt"])[0]).date().isoformat()


def _secret(wanted: CertificateRequest, data: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": wanted.name,
            "namespace": wanted.namespace,
            "labels": {**wanted.labels, OWNER_LABEL: OWNER},
        },
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def _made(wanted: CertificateRequest, old: Mapping[str, str], now: datetime.datetime) -> dict[str, str]:
    """Make a CA, a certificate that it signs, and the bundle of all CAs that are still valid."""
    x509, forms = library("cryptography.x509", "cryptography"), library(f"{_PRIMITIVES}.serialization", "cryptography")
    curves, hashes = library(f"{_PRIMITIVES}.asymmetric.ec"), library(f"{_PRIMITIVES}.hashes")
    ca_key, key = (curves.generate_private_key(curves.SECP256R1()) for _key in range(2))
    ca_name, name = (
        x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, text)])
        for text in (f"{wanted.name} CA", wanted.name)
    )
    # Clocks of nodes and controller differ a little.
    start, end = now - datetime.timedelta(minutes=10), now + datetime.timedelta(days=wanted.days)

    def signed(subject: Any, public_key: Any, *extensions: tuple[Any, bool]) -> str:
        builder = x509.CertificateBuilder().issuer_name(ca_name).subject_name(subject).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return str(builder.sign(ca_key, hashes.SHA256()).public_bytes(forms.Encoding.PEM).decode())

    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in wanted.hosts])
    usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
    no_ca = x509.BasicConstraints(False, None)
    still = [item for item in _certificates(old.get("ca.crt", "")) if _ends(item) > now][-1:]
    kept = "".join(item.public_bytes(forms.Encoding.PEM).decode() for item in still)
    private = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    return {
        "ca.crt": signed(ca_name, ca_key.public_key(), (x509.BasicConstraints(True, 0), True)) + kept,
        "tls.crt": signed(name, key.public_key(), (names, False), (usage, False), (no_ca, True)),
        "tls.key": private.decode(),
    }


def _certificates(pem: str) -> list[Any]:
    return list(library("cryptography.x509", "cryptography").load_pem_x509_certificates(pem.encode())) if pem else []


def _ends(item: Any) -> datetime.datetime:
    """Return the end of a certificate; before version 42 of the library it has no time zone."""
    aware = getattr(item, "not_valid_after_utc", None)
    found: datetime.datetime = aware or item.not_valid_after.replace(tzinfo=datetime.UTC)
    return found
