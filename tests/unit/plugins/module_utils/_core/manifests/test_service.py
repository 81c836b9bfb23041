# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests import openshift
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.network import (
    headless_service,
    service,
)

from ..helpers import LABELS, METADATA, PODS, build, cases, running

OTLP = {"name": "otlp", "port": 4317, "targetPort": 4317, "protocol": "TCP", "appProtocol": "grpc"}


def test_clients_reach_a_gateway_through_a_service() -> None:
    assert service(build()) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": METADATA,
        "spec": {"type": "ClusterIP", "selector": PODS, "ports": [OTLP], "internalTrafficPolicy": "Cluster"},
    }
    assert service(build(running(receivers={"statsd": {}, "zipkin": {}})))["spec"]["ports"] == [  # type: ignore[index]
        {"name": "statsd", "port": 8125, "targetPort": 8125, "protocol": "UDP"},
        {"name": "zipkin", "port": 9411, "targetPort": 9411, "protocol": "TCP"},
    ]


@cases(
    "one",
    build(mode="daemonset"),
    build(service={"enabled": False}),
    build(running()),
    build(running(extensions={"health_check": {}})),
    ids=["an agent", "not wanted", "nothing listens", "only the kubelet asks"],
)
def test_there_is_no_service_without_a_use(one: Any) -> None:
    assert service(one) is None


AGENT = {"mode": "daemonset", "service": {"enabled": True}}


@cases(
    "options, field, value",
    ({"service": {"type": "LoadBalancer"}}, "type", "LoadBalancer"),
    ({"service": {"internal_traffic_policy": "Local"}}, "internalTrafficPolicy", "Local"),
    (AGENT, "internalTrafficPolicy", "Local"),
    ({**AGENT, "service": {"internal_traffic_policy": "Cluster"}}, "internalTrafficPolicy", "Cluster"),
)
def test_a_service_is_as_asked_for(options: dict[str, Any], field: str, value: str) -> None:
    given = {**options, "service": {"enabled": True, **options["service"]}}
    assert service(build(**given))["spec"][field] == value  # type: ignore[index]


def test_a_service_has_annotations_of_its_own() -> None:
    one = build(annotations={"a": "b"}, service={"annotations": {"c": "d"}})
    assert service(one)["metadata"]["annotations"] == {"a": "b", "c": "d"}  # type: ignore[index]


def test_a_statefulset_alone_has_a_governing_service_which_needs_no_ports() -> None:
    made, silent = (headless_service(build(config, mode="statefulset")) for config in (None, running()))
    assert made is not None and silent is not None
    assert made["metadata"]["name"] == "gateway-headless"
    assert made["spec"] == {"clusterIP": "None", "selector": PODS, "ports": [OTLP]}
    assert "ports" not in silent["spec"]
    assert [headless_service(build(mode=mode)) for mode in ("deployment", "daemonset")] == [None, None]


TLS = {"cert_file": "/etc/otelcol/secrets/otlp/tls.crt", "key_file": "/etc/otelcol/secrets/otlp/tls.key"}
CLEAR = running(receivers={"otlp": {"protocols": {"grpc": None, "http": None}}, "statsd": {}, "zipkin": {}})
SECURE = running(receivers={"otlp/tls": {"protocols": {"grpc": {"tls": TLS}, "http": {"tls": TLS}}}})
CERTIFICATE = {"tls_secret": "public"}
GRPC = {"port": "otlp"}


def route(config: Any = CLEAR, **options: Any) -> Any:
    return openshift.openshift_route(build(config, openshift_route={"host": "otlp.example.com", **options}))


def test_a_route_leads_to_otlp_over_http_and_ends_tls() -> None:
    assert route() == {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": METADATA,
        "spec": {
            "host": "otlp.example.com",
            "to": {"kind": "Service", "name": "gateway", "weight": 100},
            "port": {"targetPort": "otlp-http"},
            "tls": {"termination": "edge", "insecureEdgeTerminationPolicy": "None"},
            "wildcardPolicy": "None",
        },
    }


def test_there_is_none_unless_it_is_asked_for() -> None:
    one = build(CLEAR)
    assert (openshift.openshift_route(one), openshift.reader(one), openshift.reader_binding(one)) == (None, None, None)


def test_host_annotations_path_and_policy_are_the_users() -> None:
    timeout = {"haproxy.router.openshift.io/timeout": "30s"}
    found = route(host=None, path="/v1", annotations=timeout, insecure_policy="Redirect")
    assert found["metadata"]["annotations"] == timeout
    assert (found["spec"]["path"], "host" in found["spec"]) == ("/v1", False)
    assert found["spec"]["tls"]["insecureEdgeTerminationPolicy"] == "Redirect"


@cases(
    "config, options, tls",
    (SECURE, {**GRPC, "termination": "passthrough"}, {}),
    (SECURE, {"termination": "passthrough"}, {}),
    (SECURE, {"termination": "reencrypt"}, {}),
    (SECURE, {"termination": "reencrypt", "destination_ca": "PEM"}, {"destinationCACertificate": "PEM"}),
    (SECURE, {**GRPC, **CERTIFICATE, "termination": "reencrypt"}, {"externalCertificate": {"name": "public"}}),
    (CLEAR, {**GRPC, **CERTIFICATE}, {"externalCertificate": {"name": "public"}}),
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
    (CLEAR, {"destination_ca": "PEM"}, "there is no certificate to verify"),
    (CLEAR, GRPC, "gRPC needs HTTP/2"),
    (SECURE, {**GRPC, "termination": "reencrypt"}, "gRPC needs HTTP/2"),
    (SECURE, {}, "speaks TLS, and with termination edge the router does not"),
    (CLEAR, {"termination": "reencrypt"}, "speaks no TLS, and termination reencrypt needs it to"),
    (CLEAR, {"termination": "passthrough"}, "speaks no TLS, and termination passthrough needs it to"),
    (CLEAR, {"port": "statsd"}, "is UDP, and routes carry TCP alone"),
)
def test_what_a_router_cannot_do_is_refused(config: Any, options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Problem, match=f"openshift_route of collector 'gateway': .*{wrong}"):
        route(config, **options)


def test_a_route_needs_its_port_and_a_service() -> None:
    with pytest.raises(Problem, match=r"has no port 'jaeger' for its openshift_route\."):
        route(port="jaeger")
    with pytest.raises(Problem, match="has an openshift_route but no Service"):
        openshift.openshift_route(build(CLEAR, mode="daemonset", openshift_route={"host": "a.example.com"}))


def test_the_router_may_read_the_certificate_and_no_other_secret() -> None:
    one = build(CLEAR, openshift_route={"host": "a.example.com", **CERTIFICATE})
    metadata = {"name": "gateway-route", "namespace": "telemetry", "labels": LABELS}
    role, binding = openshift.reader(one), openshift.reader_binding(one)
    assert role is not None and binding is not None
    assert (role["metadata"], binding["metadata"]) == (metadata, metadata)
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["public"], "verbs": ["get", "list", "watch"]}
    ]
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gateway-route"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "router", "namespace": "openshift-ingress"}]


@cases(
    "options, protocol",
    (None, "grpc"),
    ({**GRPC, **CERTIFICATE, "termination": "edge"}, "h2c"),
    ({**GRPC, "termination": "passthrough"}, "grpc"),
    ({"port": "otlp-http"}, "grpc"),
)
def test_a_router_that_ends_tls_is_told_of_grpc_in_its_own_words(options: Any, protocol: str) -> None:
    made = service(build(CLEAR, openshift_route=options))
    assert made is not None
    assert next(port.get("appProtocol") for port in made["spec"]["ports"]) == protocol
