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
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._errors import Problem
from ..._kube.bundle import Manifest
from ..._kube.live.cluster import APPLY, ApiError, Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.explain import explain, library
from ..._kube.live.urls import segment
from ..._kube.names import OWNER, OWNER_LABEL
from ..._kube.ownership import applied_by, owner

Now = Callable[[], datetime.datetime]
NOT_FOUND = 404


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
        old = _Pair.of(live)
        why = _reason(old, live, wanted, now())
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


@dataclass(frozen=True)
class _Pair:
    """The public and the private part, in PEM; without a key when it was read."""

    bundle: str = ""
    chain: str = ""
    key: str = ""

    @classmethod
    def of(cls, secret: Manifest | None) -> _Pair:
        data = (secret or {}).get("data") or {}
        read = {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
        return cls(read.get("ca.crt", ""), read.get("tls.crt", ""), "there" if read.get("tls.key") else "")

    def end(self) -> datetime.datetime | None:
        """Return when the certificate ends, or nothing when there is none."""
        return None if not self.chain else _ends(_certificates(self.chain)[0])


def _reason(old: _Pair, live: Manifest | None, wanted: CertificateRequest, now: datetime.datetime) -> str:
    """Return why there has to be a new certificate, or nothing."""
    labels = (live or {"metadata": {}})["metadata"].get("labels") or {}
    if live and not (labels.get(OWNER_LABEL) == OWNER and applied_by(live, OWNER)):
        wrong = f"the Secret {wanted.namespace}/{wanted.name} belongs to {owner(live)}"
        raise Problem(wrong, fix="Remove it, or let certificates come from cert-manager.")
    if not (old.chain and old.key and old.bundle):
        return "there was none"
    end = old.end()
    if end is None or end - now < datetime.timedelta(days=wanted.renew_days):
        return f"the old one ends {_day(old)}"
    missing = sorted(set(wanted.hosts) - set(_hosts(old.chain)))
    return f"the old one is not for {', '.join(missing)}" if missing else ""


def _result(changed: bool, pair: _Pair, now: datetime.datetime, message: str) -> dict[str, Any]:
    end = pair.end()
    return {
        "changed": changed,
        "ca_bundle": pair.bundle,
        "not_after": end.isoformat() if end else "",
        "days_left": (end - now).days if end else 0,
        "msg": message,
    }


def _day(pair: _Pair) -> str:
    end = pair.end()
    return end.date().isoformat() if end else "never"


def _secret(wanted: CertificateRequest, pair: _Pair) -> Manifest:
    data = {"ca.crt": pair.bundle, "tls.crt": pair.chain, "tls.key": pair.key}
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


def _made(wanted: CertificateRequest, old: _Pair, now: datetime.datetime) -> _Pair:
    """Make a CA, a certificate that it signs, and the bundle of all CAs that are still valid."""
    x509, ec = library("cryptography.x509", "cryptography"), _curves()
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, name = (
        x509.Name([x509.NameAttribute(_common_name(), text)]) for text in (f"{wanted.name} CA", wanted.name)
    )
    ca = _builder(wanted, now, ca_name, ca_name, ca_key).add_extension(x509.BasicConstraints(True, 0), critical=True)
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in wanted.hosts])
    usage = x509.ExtendedKeyUsage([library("cryptography.x509.oid").ExtendedKeyUsageOID.SERVER_AUTH])
    leaf = _builder(wanted, now, name, ca_name, key).add_extension(names, critical=False)
    leaf = leaf.add_extension(usage, critical=False).add_extension(x509.BasicConstraints(False, None), critical=True)
    sha = library("cryptography.hazmat.primitives.hashes").SHA256()
    still = [item for item in _certificates(old.bundle) if _ends(item) > now][-1:]
    bundle = [ca.sign(ca_key, sha), *still]
    return _Pair("".join(map(_pem, bundle)), _pem(leaf.sign(ca_key, sha)), _key_pem(key))


def _builder(wanted: CertificateRequest, now: datetime.datetime, subject: Any, issuer: Any, key: Any) -> Any:
    x509 = library("cryptography.x509", "cryptography")
    # Clocks of nodes and controller differ a little.
    start, end = now - datetime.timedelta(minutes=10), now + datetime.timedelta(days=wanted.days)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return made.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)


def _certificates(pem: str) -> list[Any]:
    x509 = library("cryptography.x509", "cryptography")
    return list(x509.load_pem_x509_certificates(pem.encode())) if pem else []


def _ends(item: Any) -> datetime.datetime:
    """Return the end of a certificate; before version 42 of the library it has no time zone."""
    aware = getattr(item, "not_valid_after_utc", None)
    found: datetime.datetime = aware or item.not_valid_after.replace(tzinfo=datetime.UTC)
    return found


def _hosts(chain: str) -> list[str]:
    x509 = library("cryptography.x509", "cryptography")
    names = _certificates(chain)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(names.get_values_for_type(x509.DNSName))


def _curves() -> Any:
    return library("cryptography.hazmat.primitives.asymmetric.ec", "cryptography")


def _common_name() -> Any:
    return library("cryptography.x509.oid", "cryptography").NameOID.COMMON_NAME


def _pem(item: Any) -> str:
    encoding = library("cryptography.hazmat.primitives.serialization", "cryptography").Encoding.PEM
    return str(item.public_bytes(encoding).decode())


def _key_pem(key: Any) -> str:
    forms = library("cryptography.hazmat.primitives.serialization", "cryptography")
    private = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    return str(private.decode())
