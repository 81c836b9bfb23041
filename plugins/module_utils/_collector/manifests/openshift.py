# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only OpenShift has: a Route, and SecurityContextConstraints. Private.

Sources: RouteSpec and its validation in github.com/openshift/api route/v1 (HTTP/2 needs a certificate of the route's
own; what goes with passthrough), and openshift/router pull request 328 (HTTP/2 to pods by appProtocol).

Constraints are derived like permissions, from volumes, ports, user and SELinux type of the pod; a pod that needs none
gets none. Rendering asks no cluster: `bundle_apply` reports when cluster and platform do not fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..._otelcol.needs.component_row import Rules, rule
from ..._otelcol.needs.derive_needs import Port
from .build import CollectorBuild, Manifest, exposed_port, frame, present
from .otlp_tls import speaks_tls
from .pod import SELINUX_LEVEL, pod_security, volumes
from .workload import claims

_DEFAULTS = {"port": "otlp-http", "termination": "edge", "insecure_policy": "None"}
_RBAC = "rbac.authorization.k8s.io/v1"
_GRPC = "grpc"
# HTTP/2 in clear text, as the router reads it from a Service.
H2C = "h2c"
# The account that reads certificates. Source: OpenShift docs, "Routes with externally managed certificates".
_ROUTER = {"kind": "ServiceAccount", "name": "router", "namespace": "openshift-ingress"}


def openshift_route(build: CollectorBuild) -> Manifest | None:
    """Return the requested Route, or None. Raises Problem for what a router cannot do."""
    options = _options(build)
    if not options:
        return None
    port = exposed_port(build, options["port"], "openshift_route")
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


def reader(build: CollectorBuild) -> Manifest | None:
    """Return the Role by which the router reads the certificate of this route, and no other Secret."""
    secret = build.collector.openshift_route.get("tls_secret")
    if not secret:
        return None
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret], "verbs": ["get", "list", "watch"]}
    return frame(build, _RBAC, "Role", name=_name(build), rules=[rule])


def reader_binding(build: CollectorBuild) -> Manifest | None:
    if not build.collector.openshift_route.get("tls_secret"):
        return None
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": _name(build)}
    return frame(build, _RBAC, "RoleBinding", name=_name(build), roleRef=reference, subjects=[dict(_ROUTER)])


def app_protocol(build: CollectorBuild, port: Port) -> str | None:
    """Return the protocol that a Service says of a port; a router that ends TLS knows gRPC by another name."""
    options = _options(build)
    ends = options and options["port"] == port.name and options["termination"] == "edge"
    return H2C if ends and port.app_protocol == _GRPC else port.app_protocol


def _faults(build: CollectorBuild, port: Port) -> Iterator[tuple[bool, str, str]]:
    """Yield whether each fault exists, with its problem and fix."""
    options = _options(build)
    termination = options["termination"]
    passes, ends = termination == "passthrough", termination == "edge"
    plain = "Remove it, or use termination edge or reencrypt."
    yield port.protocol != "TCP", f"port '{port.name}' is {port.protocol}, and routes carry TCP alone", "Name another."
    yield passes and bool(options.get("path")), "a router that passes TLS through sees no path", plain
    yield passes and options["insecure_policy"] == "Allow", "passthrough allows no connections without TLS", plain
    yield passes and bool(options.get("tls_secret")), "a router that passes TLS through shows no certificate", plain
    yield (
        passes and bool(options.get("destination_ca")),
        "a router that passes TLS through verifies no certificate",
        plain,
    )
    trust = "with termination edge the router speaks clear text to the pods, there is no certificate to verify"
    yield ends and bool(options.get("destination_ca")), trust, "Remove destination_ca, or use termination reencrypt."
    yield (
        port.app_protocol == _GRPC and not passes and not options.get("tls_secret"),
        "gRPC needs HTTP/2, which routers offer only for routes with a certificate of their own",
        "Use termination passthrough with TLS on the receiver, give tls_secret (HTTP/2 must be enabled on the "
        "IngressController too), or route port otlp-http.",
    )
    served = speaks_tls(build.config, port.number)
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


def _options(build: CollectorBuild) -> dict[str, Any]:
    given = build.collector.openshift_route
    return {**_DEFAULTS, **present(**given)} if given else {}


def _name(build: CollectorBuild) -> str:
    return f"{build.collector.name}-route"


GROUP = "security.openshift.io"
KIND = "SecurityContextConstraints"
_RESTRICTED = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
)
# The config, and the token of the ServiceAccount.
_ALWAYS = ("configMap", "projected")
# Volumes whose name in constraints is not that of their field. Source: FSType in security/v1/types.go.
_NAMES = {"cephfs": "cephFS", "vsphereVolume": "vsphere"}


def security_context_constraints(build: CollectorBuild) -> Manifest | None:
    """Return constraints of the collector's own, or nothing where `restricted-v2` will do or there are none."""
    if not _needed(build):
        return None
    collector, kinds = build.collector, _volumes(build)
    security = pod_security(build)
    user, group = security.get("runAsUser"), security.get("fsGroup")
    return frame(
        build,
        f"{GROUP}/v1",
        KIND,
        name=_constraints_name(build),
        namespaced=False,
        allowHostDirVolumePlugin="hostPath" in kinds,
        allowHostIPC=False,
        allowHostNetwork=collector.host_network,
        allowHostPID=False,
        allowHostPorts=_on_node(build),
        allowPrivilegeEscalation=False,
        allowPrivilegedContainer=False,
        allowedCapabilities=[],
        defaultAddCapabilities=[],
        requiredDropCapabilities=["ALL"],
        priority=0,  # nothing that others may use is preferred to, or hidden by, these
        readOnlyRootFilesystem=True,
        # Without a user or group of the pod's own, the namespace's ranges decide.
        runAsUser={"type": "MustRunAsRange"} if user is None else {"type": "MustRunAs", "uid": user},
        fsGroup={"type": "MustRunAs"} | ({} if group is None else {"ranges": [{"min": group, "max": group}]}),
        supplementalGroups={"type": "MustRunAs"},
        seLinuxContext=_selinux(build),
        seccompProfiles=["runtime/default"],
        volumes=sorted(kinds),
    )


def use(build: CollectorBuild) -> Rules:
    """Return the right to use these constraints, and no others."""
    if not _needed(build):
        return ()
    return (rule(GROUP, "securitycontextconstraints", ("use",), _constraints_name(build)),)


def _needed(build: CollectorBuild) -> bool:
    """Whether the pods ask for more than `restricted-v2`; pods with a sidecar have other owners."""
    if not build.platform.security_context_constraints or build.collector.mode == "sidecar":
        return False
    if _volumes(build) - _RESTRICTED or "runAsUser" in pod_security(build):
        return True
    uses_node = _on_node(build) or build.collector.host_network
    return bool(uses_node or build.collector.selinux_type)


def _volumes(build: CollectorBuild) -> set[str]:
    """Return the kinds of volumes that the pods have, as constraints name them."""
    kinds = set(_ALWAYS)
    for volume in volumes(build):
        kinds.update(key for key in volume if key != "name")
    if build.collector.mode == "statefulset" and claims(build):
        kinds.add("persistentVolumeClaim")
    return {_NAMES.get(kind, kind) for kind in kinds}


def _on_node(build: CollectorBuild) -> bool:
    """Whether ports of the node are opened: in its network Kubernetes itself says so of every port."""
    collector = build.collector
    if collector.host_network and build.needs.ports:
        return True
    return bool(build.exposed and collector.uses_host_ports)


def _selinux(build: CollectorBuild) -> dict[str, Any]:
    """Return the context that is allowed: the one that the pods name, or the namespace's own."""
    kind = build.collector.selinux_type
    return {"type": "MustRunAs"} | ({"seLinuxOptions": {"type": kind, "level": SELINUX_LEVEL}} if kind else {})


def _constraints_name(build: CollectorBuild) -> str:
    return names.cluster_wide(build.collector.namespace, build.collector.name)
