# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that cert-manager issues and renews, and a CA of the namespace where no issuer is given. Private.

Sources: cert-manager's API reference of v1, and its documentation of SelfSigned ("Bootstrapping CA Issuers") and of
Certificate ("Key rotation", "Renewal").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from .build import CollectorBuild, Manifest, frame_manifest

API_VERSION = "cert-manager.io/v1"
# The CA of a namespace: shared by all collectors there, and so named after none of them.
CA_NAME = "opentelemetry-ca"
SELF_SIGNED_ISSUER = "opentelemetry-selfsigned"
_GROUP = "cert-manager.io"
_CA_LIFETIME_SECONDS = 10 * 365 * 24 * 3600
# What cert-manager's webhook takes at least.
_SHORTEST_LIFETIME, _SHORTEST_RENEWAL = 3600, 300
_USAGES = {"server": ["server auth"], "client": ["client auth"], "both": ["server auth", "client auth"]}
_CLUSTER_DOMAIN = "cluster.local"  # what clients write out in full; an issuer signs it as well as any other name
CertificateOptions = Mapping[str, Any]


def render_certificates(build: CollectorBuild) -> list[Manifest]:
    """Return the Certificates of a collector, after the CA that signs those without an issuer of their own."""
    certificate_options = build.collector.certificates
    authority_chain = (
        [] if all(options.get("issuer") for options in certificate_options) else _render_authority_chain(build)
    )
    return [*authority_chain, *(_render_certificate(build, options) for options in certificate_options)]


def _render_certificate(build: CollectorBuild, options: CertificateOptions) -> Manifest:
    name = names.check_name("name of a certificate", options["name"])
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
    """Return the names of the Services before a collector: ours, the replicas', and those that the operator makes."""
    collector = build.collector
    services = [collector.name]
    if collector.backend == "operator":
        services.append(names.operator_child_name(collector.name))
    if collector.mode == "statefulset":
        services.append(f"*.{names.headless_service_name(collector.name)}")
    suffixes = (
        "",
        f".{collector.namespace}",
        f".{collector.namespace}.svc",
        f".{collector.namespace}.svc.{_CLUSTER_DOMAIN}",
    )
    return [*(f"{service}{suffix}" for service in services for suffix in suffixes), "localhost"]


def _render_authority_chain(build: CollectorBuild) -> list[Manifest]:
    """Return the CA: one that signs itself, a certificate by it that may sign, and the issuer that signs with that.

    The CA keeps its key when it is renewed: what it has signed stays good, and nobody has to trust it anew.
    """
    authority = {
        "secretName": CA_NAME,
        "isCA": True,
        "commonName": f"{CA_NAME}.{build.collector.namespace}"[:64],  # RFC 5280, ub-common-name
        "usages": ["cert sign", "crl sign", "digital signature"],
        "privateKey": _private_key_spec("Never"),
        "duration": _format_duration(_CA_LIFETIME_SECONDS),
        "renewBefore": _format_duration(_CA_LIFETIME_SECONDS // 3),
        "issuerRef": _issuer_reference(SELF_SIGNED_ISSUER),
        "revisionHistoryLimit": 1,
    }
    return [
        _frame_shared_object(build, "Issuer", SELF_SIGNED_ISSUER, {"selfSigned": {}}),
        _frame_shared_object(build, "Certificate", CA_NAME, authority),
        _frame_shared_object(build, "Issuer", CA_NAME, {"ca": {"secretName": CA_NAME}}),
    ]


def _frame_shared_object(build: CollectorBuild, kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    """Return an object without a label of the collector: whoever else is in the namespace says the same."""
    namespace = build.collector.namespace
    labels = {
        "app.kubernetes.io/name": "opentelemetry-collector",
        names.OWNER_LABEL: names.OWNER,
        names.RELEASE_LABEL: names.shared_release(namespace),
    }
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _private_key_spec(rotation: str) -> dict[str, Any]:
    return {"algorithm": "ECDSA", "size": 256, "rotationPolicy": rotation}


def _issuer_reference(name: str, kind: str = "Issuer", group: str = _GROUP) -> dict[str, str]:
    return {"name": name, "kind": kind, "group": group}


def _format_duration(seconds: int) -> str:
    """Return a duration as Go writes it, so that the object stays the same when cert-manager writes it back."""
    minutes, remaining_seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{remaining_seconds}s"
