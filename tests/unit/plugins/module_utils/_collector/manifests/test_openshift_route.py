# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Route of OpenShift: what a router can do, and what it is told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import network, openshift_route
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import LABELS, build, cases, manifest, running

TLS = {"cert_file": "/etc/otelcol/secrets/otlp/tls.crt", "key_file": "/etc/otelcol/secrets/otlp/tls.key"}
CLEAR = running(receivers={"otlp": {"protocols": {"grpc": None, "http": None}}, "statsd": {}, "zipkin": {}})
SECURE = running(receivers={"otlp/tls": {"protocols": {"grpc": {"tls": TLS}, "http": {"tls": TLS}}}})
TWO_RECEIVERS = running(
    receivers={
        "otlp": {"protocols": {"http": {"endpoint": "0.0.0.0:4318"}}},
        "otlp/mutual": {"protocols": {"http": {"endpoint": "0.0.0.0:4319", "tls": TLS}}},
        5: {"protocols": {"http": {"tls": TLS}}},
    }
)
CERTIFICATE = {"tls_secret": "public"}
GRPC = {"port": "otlp"}


def route(config: Any = CLEAR, **options: Any) -> Any:
    return openshift_route.render_openshift_route(
        build(config, openshift_route={"host": "otlp.example.com", **options})
    )


def test_a_route_leads_to_otlp_over_http_ends_tls_and_needs_a_service() -> None:
    to = {"to": {"kind": "Service", "name": "gateway", "weight": 100}, "port": {"targetPort": "otlp-http"}}
    tls = {"tls": {"termination": "edge", "insecureEdgeTerminationPolicy": "None"}}
    spec = {"host": "otlp.example.com", **to, **tls, "wildcardPolicy": "None"}
    assert route() == manifest("route.openshift.io/v1", "Route", spec=spec)
    timeout = {"haproxy.router.openshift.io/timeout": "30s"}
    found = route(host=None, path="/v1", annotations=timeout, insecure_policy="Redirect")
    assert found["metadata"]["annotations"] == timeout
    assert (found["spec"]["path"], "host" in found["spec"]) == ("/v1", False)
    assert found["spec"]["tls"]["insecureEdgeTerminationPolicy"] == "Redirect"
    one = build(CLEAR)
    assert (
        openshift_route.render_openshift_route(one),
        openshift_route.render_certificate_role(one),
        openshift_route.render_certificate_binding(one),
    ) == (None, None, None)
    with pytest.raises(Problem, match="has no Service for its openshift_route"):
        openshift_route.render_openshift_route(
            build(CLEAR, mode="daemonset", openshift_route={"host": "a.example.com"})
        )


@cases(
    "config, options, tls",
    (SECURE, {**GRPC, "termination": "passthrough"}, {}),
    (SECURE, {"termination": "passthrough"}, {}),
    (SECURE, {"termination": "reencrypt"}, {}),
    (SECURE, {"termination": "reencrypt", "destination_ca": "PEM"}, {"destinationCACertificate": "PEM"}),
    (SECURE, {**GRPC, **CERTIFICATE, "termination": "reencrypt"}, {"externalCertificate": {"name": "public"}}),
    (CLEAR, {**GRPC, **CERTIFICATE}, {"externalCertificate": {"name": "public"}}),
    (TWO_RECEIVERS, {}, {}),
    (TWO_RECEIVERS, {"port": "otlp-http-2", "termination": "passthrough"}, {}),
    (CLEAR, {"port": "zipkin"}, {}),
    (CLEAR, {"port": "zipkin", "termination": "passthrough"}, {}),  # whether it speaks TLS is not known
)
def test_what_works_is_made(config: Any, options: dict[str, Any], tls: dict[str, Any]) -> None:
    found = route(config, **options)["spec"]["tls"]
    always = {"termination": options.get("termination", "edge"), "insecureEdgeTerminationPolicy": "None"}
    assert found == {**always, **tls}


@cases(
    "config, options, wrong",
    (SECURE, {"termination": "passthrough", "path": "/v1"}, "sees no path"),
    (SECURE, {"termination": "passthrough", "insecure_policy": "Allow"}, "allows no connections without TLS"),
    (SECURE, {"termination": "passthrough", **CERTIFICATE}, "shows no certificate"),
    (SECURE, {"termination": "passthrough", "destination_ca": "PEM"}, "passes TLS through verifies no certificate"),
    (TWO_RECEIVERS, {"termination": "reencrypt"}, "'otlp-http' speaks no TLS"),
    (TWO_RECEIVERS, {"port": "otlp-http-2"}, "'otlp-http-2' speaks TLS"),
    (CLEAR, {"destination_ca": "PEM"}, "there is no certificate to verify"),
    (CLEAR, GRPC, "gRPC needs HTTP/2"),
    (SECURE, {**GRPC, "termination": "reencrypt"}, "gRPC needs HTTP/2"),
    (SECURE, {}, "speaks TLS, and with termination edge the router does not"),
    (CLEAR, {"termination": "reencrypt"}, "speaks no TLS, and termination reencrypt needs it to"),
    (CLEAR, {"termination": "passthrough"}, "speaks no TLS, and termination passthrough needs it to"),
    (CLEAR, {"port": "statsd"}, "is UDP, and routes carry TCP alone"),
    (CLEAR, {"port": "jaeger"}, "has no port 'jaeger' for its openshift_route"),
)
def test_what_a_router_cannot_do_is_refused(config: Any, options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Problem, match=f"'gateway'.*{wrong}"):
        route(config, **options)


def test_the_router_may_read_the_certificate_and_no_other_secret() -> None:
    one = build(CLEAR, openshift_route={"host": "a.example.com", **CERTIFICATE})
    metadata, rbac = {"name": "gateway-route", "namespace": "telemetry", "labels": LABELS}, "rbac.authorization.k8s.io"
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"], "resourceNames": ["public"]}
    assert openshift_route.render_certificate_role(one) == manifest(f"{rbac}/v1", "Role", metadata, rules=[rule])
    role = {"apiGroup": rbac, "kind": "Role", "name": "gateway-route"}
    router = [{"kind": "ServiceAccount", "name": "router", "namespace": "openshift-ingress"}]
    binding = manifest(f"{rbac}/v1", "RoleBinding", metadata, roleRef=role, subjects=router)
    assert openshift_route.render_certificate_binding(one) == binding


@cases(
    "options, protocol",
    (None, "grpc"),
    ({**GRPC, **CERTIFICATE, "termination": "edge"}, "h2c"),
    ({**GRPC, "termination": "passthrough"}, "grpc"),
    ({"port": "otlp-http"}, "grpc"),
)
def test_a_router_that_ends_tls_is_told_of_grpc_in_its_own_words(options: Any, protocol: str) -> None:
    made: Any = network.render_service(build(CLEAR, openshift_route=options))
    assert next(port.get("appProtocol") for port in made["spec"]["ports"]) == protocol
