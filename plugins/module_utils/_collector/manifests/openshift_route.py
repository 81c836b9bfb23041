# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option `openshift_route` of a collector: the Route, and the right of the router to read its certificate. Private.

A Route lets clients outside of an OpenShift cluster in, through a router. `backends.py` lists the functions for the
objects; `network.py` asks for the protocol that the Service names. Example: `{host: otel.example.org}` of collector
`gateway` becomes a Route with

    {host: otel.example.org, to: {kind: Service, name: gateway, weight: 100}, port: {targetPort: otlp-http},
     tls: {termination: edge, insecureEdgeTerminationPolicy: None}, wildcardPolicy: None}

Sources: RouteSpec and its validation in github.com/openshift/api route/v1 (HTTP/2 needs a certificate of the route's
own; what goes with passthrough), and openshift/router pull request 328 (HTTP/2 to pods by appProtocol).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..._otelcol.needs.needed_ports import CollectorPort
from .build import CollectorBuild, Manifest, frame_manifest, omit_empty
from .exposed_port import find_exposed_port
from .otlp_tls import speaks_tls

_RBAC_GROUP = "rbac.authorization.k8s.io"
_RBAC = f"{_RBAC_GROUP}/v1"
# The protocol that a Service names for a port with gRPC.
_GRPC = "grpc"
# The protocol that a Service names for HTTP/2 in clear text; the router knows it.
H2C = "h2c"
# The account that reads certificates. Source: OpenShift docs, "Routes with externally managed certificates".
_ROUTER = {"kind": "ServiceAccount", "name": "router", "namespace": "openshift-ingress"}
# Who ends TLS, see `_RouteOptions.termination`.
_EDGE = "edge"
_PASSTHROUGH = "passthrough"


@dataclass(frozen=True)
class _RouteOptions:
    """Option `openshift_route` with its defaults. Texts are empty if they are not given."""

    port: str
    """The name of the port of the Service that the Route leads to."""
    termination: str
    """Who ends TLS: the router (`edge`), the pods (`passthrough`), or the router, which then speaks TLS to the pods
    (`reencrypt`).
    """
    insecure_policy: str
    """What becomes of connections without TLS: `None`, `Allow` or `Redirect`."""
    host: str
    path: str
    tls_secret: str
    """The Secret with the certificate that the router shows."""
    destination_ca: str
    """The CA by which the router verifies the certificates of pods."""
    annotations: dict[str, str]


class _Fault(NamedTuple):
    """What a router cannot do, and how to correct it."""

    wrong: str
    fix: str


def render_openshift_route(build: CollectorBuild) -> Manifest | None:
    """Return the Route; None if none is requested. Raises Problem for what a router cannot do."""
    options = _read_options(build)
    if options is None:
        return None
    port = find_exposed_port(build, options.port, "openshift_route")
    fault = next(_find_faults(build, options, port), None)
    if fault:
        raise Problem(fault.wrong, asked=f"openshift_route of collector '{build.collector.name}'", fix=fault.fix)
    spec = {
        **omit_empty(host=options.host, path=options.path),
        "to": {"kind": "Service", "name": build.collector.name, "weight": 100},
        "port": {"targetPort": port.name},
        "tls": _render_tls(options),
        "wildcardPolicy": "None",
    }
    return frame_manifest(build, "route.openshift.io/v1", "Route", annotations=options.annotations, spec=spec)


def _read_options(build: CollectorBuild) -> _RouteOptions | None:
    """Return the options of the Route; None if none is requested."""
    route_options = build.collector.openshift_route
    if not route_options:
        return None
    return _RouteOptions(
        port=route_options.get("port") or "otlp-http",
        termination=route_options.get("termination") or _EDGE,
        insecure_policy=route_options.get("insecure_policy") or "None",
        host=route_options.get("host") or "",
        path=route_options.get("path") or "",
        tls_secret=route_options.get("tls_secret") or "",
        destination_ca=route_options.get("destination_ca") or "",
        annotations=route_options.get("annotations") or {},
    )


def _render_tls(options: _RouteOptions) -> dict[str, Any]:
    """Return the field `tls` of a Route."""
    certificates = omit_empty(
        externalCertificate=omit_empty(name=options.tls_secret),
        destinationCACertificate=options.destination_ca,
    )
    return {
        "termination": options.termination,
        "insecureEdgeTerminationPolicy": options.insecure_policy,
        **certificates,
    }


def choose_app_protocol(build: CollectorBuild, port: CollectorPort) -> str | None:
    """Return the protocol that a Service names for a port.

    For gRPC it is `h2c` if a router speaks clear text to the port, which is so with termination `edge`: the router does
    not know `grpc`.
    """
    options = _read_options(build)
    if port.app_protocol != _GRPC or options is None:
        return port.app_protocol
    gets_clear_text = options.port == port.name and options.termination == _EDGE
    return H2C if gets_clear_text else port.app_protocol


# ── The right to read the certificate ──


def render_certificate_role(build: CollectorBuild) -> Manifest | None:
    """Return the Role for the Secret with the certificate of the Route, and no other Secret; None without one."""
    secret = build.collector.openshift_route.get("tls_secret")
    if not secret:
        return None
    read_rule = {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": [secret],
        "verbs": ["get", "list", "watch"],
    }
    return frame_manifest(build, _RBAC, "Role", name=_role_name(build), rules=[read_rule])


def render_certificate_binding(build: CollectorBuild) -> Manifest | None:
    """Return the RoleBinding that gives the router this Role; None without a certificate."""
    if not build.collector.openshift_route.get("tls_secret"):
        return None
    reference = {"apiGroup": _RBAC_GROUP, "kind": "Role", "name": _role_name(build)}
    return frame_manifest(
        build, _RBAC, "RoleBinding", name=_role_name(build), roleRef=reference, subjects=[dict(_ROUTER)]
    )


def _role_name(build: CollectorBuild) -> str:
    """Return the name of the Role and of its binding."""
    return f"{build.collector.name}-route"


# ── What a router cannot do ──


def _find_faults(build: CollectorBuild, options: _RouteOptions, port: CollectorPort) -> Iterator[_Fault]:
    """Yield what a router cannot do for a port, the first cause first."""
    if port.protocol != "TCP":
        yield _Fault(f"port '{port.name}' is {port.protocol}, and routes carry TCP alone", "Name another.")
    if options.termination == _PASSTHROUGH:
        yield from _find_passthrough_faults(options)
    else:
        yield from _find_ended_tls_faults(options, port)
    yield from _find_receiver_faults(options.termination, port, speaks_tls(build.config, port.number))


def _find_passthrough_faults(options: _RouteOptions) -> Iterator[_Fault]:
    """Yield the options that termination `passthrough` cannot have: they need a router that ends TLS."""
    fix = "Remove it, or use termination edge or reencrypt."
    if options.path:
        yield _Fault("a router that passes TLS through sees no path", fix)
    if options.insecure_policy == "Allow":
        yield _Fault("passthrough allows no connections without TLS", fix)
    if options.tls_secret:
        yield _Fault("a router that passes TLS through shows no certificate", fix)
    if options.destination_ca:
        yield _Fault("a router that passes TLS through verifies no certificate", fix)


def _find_ended_tls_faults(options: _RouteOptions, port: CollectorPort) -> Iterator[_Fault]:
    """Yield what a router that ends TLS cannot do: verify pods in clear text, or offer HTTP/2 without a certificate."""
    if options.termination == _EDGE and options.destination_ca:
        yield _Fault(
            "with termination edge the router speaks clear text to the pods, there is no certificate to verify",
            "Remove destination_ca, or use termination reencrypt.",
        )
    if port.app_protocol == _GRPC and not options.tls_secret:
        yield _Fault(
            "gRPC needs HTTP/2, which routers offer only for routes with a certificate of their own",
            "Use termination passthrough with TLS on the receiver, give tls_secret (HTTP/2 must be enabled on the "
            "IngressController too), or route port otlp-http.",
        )


def _find_receiver_faults(termination: str, port: CollectorPort, has_tls: bool | None) -> Iterator[_Fault]:
    """Yield why router and receiver do not agree on TLS; nothing if the receiver is unknown (`has_tls` is None)."""
    if has_tls is True and termination == _EDGE:
        yield _Fault(
            f"the receiver at port '{port.name}' speaks TLS, and with termination edge the router does not",
            "Use termination reencrypt or passthrough.",
        )
    if has_tls is False and termination != _EDGE:
        yield _Fault(
            f"the receiver at port '{port.name}' speaks no TLS, and termination {termination} needs it to",
            "Give recipe otlp_ingest a tls_secret, or use termination edge.",
        )
