# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes of OpenShift's router. Private.

Sources: RouteSpec and its validation in github.com/openshift/api route/v1 (HTTP/2 needs a certificate of the route's
own; what goes with passthrough), and openshift/router pull request 328 (HTTP/2 to pods by appProtocol).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..config.paths import section
from ..errors import Problem
from ..needs.derive import Port
from .build import Build, Manifest, frame, present
from .network import way_in

_DEFAULTS = {"port": "otlp-http", "termination": "edge", "insecure_policy": "None"}
_RBAC = "rbac.authorization.k8s.io/v1"
_PROTOCOLS = {"otlp": "grpc", "otlp-http": "http"}
_GRPC = "grpc"
# HTTP/2 in clear text, as the router reads it from a Service.
H2C = "h2c"
# Who reads certificates for routes. Source: OpenShift's documentation, "Routes with externally managed certificates".
_ROUTER = {"kind": "ServiceAccount", "name": "router", "namespace": "openshift-ingress"}


def openshift_route(build: Build) -> Manifest | None:
    """Return the Route to one port, or nothing when none is asked for. Raises Problem for what a router cannot do."""
    options = _options(build)
    if not options:
        return None
    port = way_in(build, options["port"], "openshift_route")
    broken = [(wrong, fix) for holds, wrong, fix in _faults(build, port) if holds]
    if broken:
        asked = f"openshift_route of collector '{build.collector.name}'"
        raise Problem(broken[0][0], asked=asked, fix=broken[0][1])
    tls = {
        "termination": options["termination"],
        "insecureEdgeTerminationPolicy": options["insecure_policy"],
        **present(
            externalCertificate=present(name=options.get("tls_secret")),
            destinationCACertificate=options.get("destination_ca"),
        ),
    }
    spec = {
        **present(host=options.get("host"), path=options.get("path")),
        "to": {"kind": "Service", "name": build.collector.name, "weight": 100},
        "port": {"targetPort": port.name},
        "tls": tls,
        "wildcardPolicy": "None",
    }
    return frame(build, "route.openshift.io/v1", "Route", annotations=options.get("annotations"), spec=spec)


def reader(build: Build) -> Manifest | None:
    """Return the Role by which the router reads the certificate of this route, and no other Secret."""
    secret = build.collector.openshift_route.get("tls_secret")
    if not secret:
        return None
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret], "verbs": ["get", "list", "watch"]}
    return frame(build, _RBAC, "Role", name=_name(build), rules=[rule])


def reader_binding(build: Build) -> Manifest | None:
    """Return the binding of that Role to the router."""
    if not build.collector.openshift_route.get("tls_secret"):
        return None
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": _name(build)}
    return frame(build, _RBAC, "RoleBinding", name=_name(build), roleRef=reference, subjects=[dict(_ROUTER)])


def app_protocol(build: Build, port: Port) -> str | None:
    """Return the protocol that a Service says of a port; a router that ends TLS knows gRPC by another name."""
    options = _options(build)
    ends = options and options["port"] == port.name and options["termination"] == "edge"
    return H2C if ends and port.app_protocol == _GRPC else port.app_protocol


def _faults(build: Build, port: Port) -> Iterator[tuple[bool, str, str]]:
    """Yield whether each fault is there, what is wrong, and what to do."""
    options = _options(build)
    termination = options["termination"]
    passes, ends = termination == "passthrough", termination == "edge"
    plain = "Remove it, or use termination edge or reencrypt."
    yield port.protocol != "TCP", f"port '{port.name}' is {port.protocol}, and routes carry TCP alone", "Name another."
    yield passes and bool(options.get("path")), "a router that passes TLS through sees no path", plain
    yield passes and options["insecure_policy"] == "Allow", "passthrough allows no connections without TLS", plain
    yield passes and bool(options.get("tls_secret")), "a router that passes TLS through shows no certificate", plain
    trust = "with termination edge the router speaks clear text to the pods, there is no certificate to verify"
    yield ends and bool(options.get("destination_ca")), trust, "Remove destination_ca, or use termination reencrypt."
    yield (
        port.app_protocol == _GRPC and not passes and not options.get("tls_secret"),
        "gRPC needs HTTP/2, which routers offer only for routes with a certificate of their own",
        "Use termination passthrough with TLS on the receiver, give tls_secret (HTTP/2 must be enabled on the "
        "IngressController too), or route port otlp-http.",
    )
    served = _serves_tls(build, port)
    yield (
        served is True and ends,
        f"the receiver at port '{port.name}' speaks TLS, and with termination edge the router does not",
        "Use termination reencrypt or passthrough.",
    )
    yield (
        served is False and not ends,
        f"the receiver at port '{port.name}' speaks no TLS, and termination {termination} needs it to",
        "Give recipe otlp_ingest a tls_secret, or use termination edge.",
    )


def _serves_tls(build: Build, port: Port) -> bool | None:
    """Whether the receiver of an OTLP port speaks TLS; nothing is known of others."""
    protocol = _PROTOCOLS.get(port.name)
    if not protocol:
        return None
    receivers = section(build.config, "receivers")
    otlp = [receivers[name] for name in receivers if name.split("/")[0] == "otlp"]
    return any(section(settings, "protocols", protocol, "tls") for settings in otlp)


def _options(build: Build) -> dict[str, Any]:
    given = build.collector.openshift_route
    return {**_DEFAULTS, **present(**given)} if given else {}


def _name(build: Build) -> str:
    return f"{build.collector.name}-route"
