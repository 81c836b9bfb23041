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
from .build import CollectorBuild, Manifest, frame

API_VERSION = "cert-manager.io/v1"
# The CA of a namespace: shared by all collectors there, and so named after none of them.
CA = "opentelemetry-ca"
SELF_SIGNED = "opentelemetry-selfsigned"
_GROUP = "cert-manager.io"
_CA_SECONDS = 10 * 365 * 24 * 3600
# What cert-manager's webhook takes at least.
_SHORTEST_LIFE, _SHORTEST_RENEWAL = 3600, 300
_USAGES = {"server": ["server auth"], "client": ["client auth"], "both": ["server auth", "client auth"]}
_DOMAIN = "cluster.local"  # what clients write out in full; an issuer signs it as well as any other name
Options = Mapping[str, Any]


def certificates(build: CollectorBuild) -> list[Manifest]:
    """Return the Certificates of a collector, after the CA that signs those without an issuer of their own."""
    wanted = build.collector.certificates
    chain = [] if all(options.get("issuer") for options in wanted) else _chain(build)
    return [*chain, *(_certificate(build, options) for options in wanted)]


def _certificate(build: CollectorBuild, options: Options) -> Manifest:
    name = names.check_name("name of a certificate", options["name"])
    life, renewal = options["duration_seconds"], options["renew_before_seconds"]
    if life < _SHORTEST_LIFE or not _SHORTEST_RENEWAL <= renewal < life:
        raise Problem(
            f"certificate '{name}' lives for {life} s and is renewed {renewal} s before its end",
            asked=f"collector '{build.collector.name}'",
            fix=f"It lives for {_SHORTEST_LIFE} s at least, and is renewed {_SHORTEST_RENEWAL} s before its end or "
            "earlier, but not at once.",
        )
    issuer = options.get("issuer") or {"name": CA}
    spec = {
        "secretName": name,
        "dnsNames": options.get("dns_names") or _names(build),
        "usages": ["digital signature", *_USAGES[options["usages"]]],
        "privateKey": _key("Always"),
        "duration": _duration(life),
        "renewBefore": _duration(renewal),
        "issuerRef": _reference(**issuer),
        "revisionHistoryLimit": 1,
    }
    return frame(build, API_VERSION, "Certificate", name=name, spec=spec)


def _names(build: CollectorBuild) -> list[str]:
    """Return the names of the Services before a collector: ours, the replicas', and those that the operator makes."""
    collector = build.collector
    services = [collector.name]
    if collector.backend == "operator":
        services.append(names.child(collector.name))
    if collector.mode == "statefulset":
        services.append(f"*.{names.headless(collector.name)}")
    suffixes = ("", f".{collector.namespace}", f".{collector.namespace}.svc", f".{collector.namespace}.svc.{_DOMAIN}")
    return [*(f"{service}{suffix}" for service in services for suffix in suffixes), "localhost"]


def _chain(build: CollectorBuild) -> list[Manifest]:
    """Return the CA: one that signs itself, a certificate by it that may sign, and the issuer that signs with that.

    The CA keeps its key when it is renewed: what it has signed stays good, and nobody has to trust it anew.
    """
    authority = {
        "secretName": CA,
        "isCA": True,
        "commonName": f"{CA}.{build.collector.namespace}"[:64],  # RFC 5280, ub-common-name
        "usages": ["cert sign", "crl sign", "digital signature"],
        "privateKey": _key("Never"),
        "duration": _duration(_CA_SECONDS),
        "renewBefore": _duration(_CA_SECONDS // 3),
        "issuerRef": _reference(SELF_SIGNED),
        "revisionHistoryLimit": 1,
    }
    return [
        _shared(build, "Issuer", SELF_SIGNED, {"selfSigned": {}}),
        _shared(build, "Certificate", CA, authority),
        _shared(build, "Issuer", CA, {"ca": {"secretName": CA}}),
    ]


def _shared(build: CollectorBuild, kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    """Return an object without a label of the collector: whoever else is in the namespace says the same."""
    namespace = build.collector.namespace
    labels = {
        "app.kubernetes.io/name": "opentelemetry-collector",
        names.OWNER_LABEL: names.OWNER,
        names.RELEASE_LABEL: names.shared_release(namespace),
    }
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _key(rotation: str) -> dict[str, Any]:
    return {"algorithm": "ECDSA", "size": 256, "rotationPolicy": rotation}


def _reference(name: str, kind: str = "Issuer", group: str = _GROUP) -> dict[str, str]:
    return {"name": name, "kind": kind, "group": group}


def _duration(seconds: int) -> str:
    """Return a duration as Go writes it, so that the object stays the same when cert-manager writes it back."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s"
