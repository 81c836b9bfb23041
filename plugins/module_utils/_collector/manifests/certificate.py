# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option `certificates` of a collector: what cert-manager issues, and a CA where no issuer is given. Private.

`backends.py` calls `render_certificates`. Example: for `[{name: gateway-tls, usages: server, …}]` of collector
`gateway` in namespace `otel`, cert-manager writes Secret `gateway-tls` with a certificate for `gateway`,
`gateway.otel`, `gateway.otel.svc`, `gateway.otel.svc.cluster.local` and `localhost`. As the option names no issuer, the
namespace also gets a CA of its own, `opentelemetry-ca`.

Sources: cert-manager's API reference of v1, and its documentation of SelfSigned ("Bootstrapping CA Issuers") and of
Certificate ("Key rotation", "Renewal").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._kube import object_names
from ..._kube.release_names import shared_release
from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..._otelcol.kube.operator_names import operator_workload_name
from .build import CollectorBuild, Manifest, frame_manifest

API_VERSION = "cert-manager.io/v1"
# The CA of a namespace: shared by all collectors there, and so named after none of them.
CA_NAME = "opentelemetry-ca"
# The issuer of the certificate of this CA.
SELF_SIGNED_ISSUER = "opentelemetry-selfsigned"
_GROUP = "cert-manager.io"
_CA_LIFETIME_SECONDS = 10 * 365 * 24 * 3600
# The shortest lifetime, and the shortest time before its end, that cert-manager's webhook takes. In seconds.
_SHORTEST_LIFETIME = 3600
_SHORTEST_RENEWAL = 300
_LONGEST_COMMON_NAME = 64  # RFC 5280, ub-common-name
# What cert-manager calls the values of option `usages`.
_USAGES = {"server": ["server auth"], "client": ["client auth"], "both": ["server auth", "client auth"]}
# Clients may write names of Services out in full. In a cluster with another domain, this name is of no use.
_CLUSTER_DOMAIN = "cluster.local"
# An item of option `certificates`.
CertificateOptions = Mapping[str, Any]


def render_certificates(build: CollectorBuild) -> list[Manifest]:
    """Return the Certificates of a collector, after the CA that signs those without an issuer of their own."""
    all_options = build.collector.certificates
    manifests = []
    if any(not options.get("issuer") for options in all_options):
        manifests += _render_authority(build)
    manifests += [_render_certificate(build, options) for options in all_options]
    return manifests


def _render_certificate(build: CollectorBuild, options: CertificateOptions) -> Manifest:
    """Return a Certificate. Raises Problem for times that cert-manager would refuse."""
    name = object_names.check_name("name of a certificate", options["name"])
    lifetime, renew_before = options["duration_seconds"], options["renew_before_seconds"]
    if lifetime < _SHORTEST_LIFETIME or not _SHORTEST_RENEWAL <= renew_before < lifetime:
        raise Problem(
            f"certificate '{name}' lives for {lifetime} s and is renewed {renew_before} s before its end",
            asked=f"collector '{build.collector.name}'",
            fix=f"It lives for {_SHORTEST_LIFETIME} s at least, and is renewed {_SHORTEST_RENEWAL} s before its end or "
            "earlier, but not at once.",
        )
    issuer = options.get("issuer") or {"name": CA_NAME}
    spec = {
        "secretName": name,
        "dnsNames": options.get("dns_names") or _list_dns_names(build),
        "usages": ["digital signature", *_USAGES[options["usages"]]],
        "privateKey": _private_key_spec("Always"),
        "duration": _format_duration(lifetime),
        "renewBefore": _format_duration(renew_before),
        "issuerRef": _issuer_reference(**issuer),
        "revisionHistoryLimit": 1,
    }
    return frame_manifest(build, API_VERSION, "Certificate", name=name, spec=spec)


def _list_dns_names(build: CollectorBuild) -> list[str]:
    """Return the names that clients may use: of each Service in four lengths, and `localhost`.

    The Services are ours, the operator's, and for a StatefulSet the one that names each replica.
    """
    collector = build.collector
    services = [collector.name]
    if collector.backend == "operator":
        services.append(operator_workload_name(collector.name))
    if collector.mode == "statefulset":
        services.append(f"*.{names.headless_service_name(collector.name)}")
    suffixes = (
        "",
        f".{collector.namespace}",
        f".{collector.namespace}.svc",
        f".{collector.namespace}.svc.{_CLUSTER_DOMAIN}",
    )
    dns_names = [f"{service}{suffix}" for service in services for suffix in suffixes]
    return [*dns_names, "localhost"]


def _render_authority(build: CollectorBuild) -> list[Manifest]:
    """Return the CA of the namespace, of which cert-manager needs three objects.

    An Issuer signs the certificate of the CA with the key of that certificate. The second object is this Certificate,
    which may sign others. The third is the Issuer that signs with it; Certificates of collectors name it.

    The CA keeps its key when it is renewed: what it has signed stays good, and nobody has to trust it anew.
    """
    authority_spec = {
        "secretName": CA_NAME,
        "isCA": True,
        "commonName": f"{CA_NAME}.{build.collector.namespace}"[:_LONGEST_COMMON_NAME],
        "usages": ["cert sign", "crl sign", "digital signature"],
        "privateKey": _private_key_spec("Never"),
        "duration": _format_duration(_CA_LIFETIME_SECONDS),
        "renewBefore": _format_duration(_CA_LIFETIME_SECONDS // 3),
        "issuerRef": _issuer_reference(SELF_SIGNED_ISSUER),
        "revisionHistoryLimit": 1,
    }
    return [
        _frame_shared_object(build, "Issuer", SELF_SIGNED_ISSUER, {"selfSigned": {}}),
        _frame_shared_object(build, "Certificate", CA_NAME, authority_spec),
        _frame_shared_object(build, "Issuer", CA_NAME, {"ca": {"secretName": CA_NAME}}),
    ]


def _frame_shared_object(build: CollectorBuild, kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    """Return an object of the CA. It has no label of a collector, as all collectors of the namespace share it."""
    namespace = build.collector.namespace
    labels = {
        "app.kubernetes.io/name": "opentelemetry-collector",
        names.OWNER_LABEL: names.OWNER,
        names.RELEASE_LABEL: shared_release(namespace),
    }
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _private_key_spec(rotation: str) -> dict[str, Any]:
    """Return the field `privateKey`; `rotation` is `Always` for a new key at each renewal, or `Never`."""
    return {"algorithm": "ECDSA", "size": 256, "rotationPolicy": rotation}


def _issuer_reference(name: str, kind: str = "Issuer", group: str = _GROUP) -> dict[str, str]:
    """Return the field `issuerRef`; by default, it names an Issuer in the namespace of the Certificate."""
    return {"name": name, "kind": kind, "group": group}


def _format_duration(seconds: int) -> str:
    """Return a duration as Go writes it, such as `1h30m0s`: then it is the same when cert-manager writes it back."""
    minutes, remaining_seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{remaining_seconds}s"
