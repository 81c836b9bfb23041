# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors, endpoints and network policies as Kubernetes reads them; where exporters send to and senders arrive."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.peer_state import (
    BehindAddress,
    IngressOfPods,
    describe_peer,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.reach import (
    CollectorReach,
    NamespaceObjects,
    describe_listeners,
    describe_services,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import network_policies as policies
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.peers import Peer, find_peers

from ..helpers import LISTENERS, cases, running

LABELS = {"app": "a", "tier": "x"}
REACH_LABELS = {"app": "a", "app.kubernetes.io/instance": "i"}
POD: dict[str, Any] = {"metadata": {"labels": REACH_LABELS}, "spec": {}}
CONTAINER: dict[str, Any] = {"ports": [{"name": "otlp", "containerPort": 4317}]}
NODE = {**POD, "spec": {"hostNetwork": True}}
NOBODY = {"metadata": {"name": "p"}, "spec": {"podSelector": {}}}
SOME = {"metadata": {"name": "p"}, "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}}


@cases(
    "selector, fits",
    ({}, True),
    ({"matchLabels": {"app": "a"}}, True),
    ({"matchLabels": {"app": "b"}}, False),
    ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}, True),
    ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, False),
    ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
    ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
)
def test_selectors(selector: Any, fits: bool) -> None:
    assert policies.selects_labels(selector, LABELS) is fits


def slices(name: str = "gateway", *ready: bool | None) -> dict[str, Any]:
    """Return an EndpointSlice of a Service; None is an endpoint without conditions."""
    endpoints = [{} if item is None else {"conditions": {"ready": item}} for item in ready or (True,)]
    labels = {"kubernetes.io/service-name": name}
    return {"metadata": {"labels": labels}, "endpoints": endpoints, "ports": [{"port": 4317}]}


def policy(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"podSelector": {"matchLabels": {"app": "a"}}, **spec}}


@cases(
    "spec, admitted",
    ({}, "none"),
    ({"ingress": [{}]}, "all"),
    ({"ingress": [{"ports": [{"port": 4317}]}]}, "all"),
    ({"ingress": [{"ports": [{"port": 4317, "protocol": "UDP"}]}]}, "none"),
    ({"ingress": [{"ports": [{"port": 4000, "endPort": 5000}]}]}, "all"),
    ({"ingress": [{"ports": [{"port": "otlp"}]}]}, "all"),
    ({"ingress": [{"ports": [{"port": 80}]}]}, "none"),
    ({"ingress": [{"ports": [{}], "from": [{"podSelector": {}}]}]}, "some"),
    ({"policyTypes": ["Egress"]}, "all"),
    ({"podSelector": {"matchLabels": {"app": "other"}}}, "all"),
)
def test_what_policies_admit(spec: Any, admitted: str) -> None:
    assert policies.Policies([policy(**spec)], LABELS, "Ingress").judge_admission([4317], "TCP", ["otlp"]) == admitted


def found(exporter: str, **settings: Any) -> list[Peer]:
    service = {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": [exporter]}}}
    return find_peers({"exporters": {exporter: settings, "unused": {"endpoint": "x:1"}}, "service": service}, "ns")


@cases(
    "exporter, settings, place",
    ("otlp/a", {"endpoint": "jaeger:4317"}, ("ns", "jaeger", 4317, True)),
    ("otlp_grpc", {"endpoint": "jaeger.obs"}, ("obs", "jaeger", 4317, False)),
    ("otlp_http", {"endpoint": "http://jaeger.obs.svc:4318/v1"}, ("obs", "jaeger", 4318, True)),
    ("otlp_http", {"traces_endpoint": "https://j.obs.svc.cluster.local"}, ("obs", "j", 443, True)),
    ("otlp", {"endpoint": "j-0.j.obs.svc.cluster.local:1"}, ("obs", "j", 1, True)),
    ("otlp", {"endpoint": "dns:///j.obs.svc:1"}, ("obs", "j", 1, True)),
    ("elasticsearch", {"endpoints": ["https://u:p@es:9200"]}, ("ns", "es", 9200, True)),
    ("kafka", {"brokers": ["kafka.mq.svc:9092"]}, ("mq", "kafka", 9092, True)),
    ("load_balancing", {"resolver": {"dns": {"hostname": "g.obs.svc"}}}, ("obs", "g", 0, True)),
    ("otlp", {"endpoint": "api.vendor.example.com:443"}, ("", "", 443, True)),
    ("otlp", {"endpoint": "10.1.2.3:4317"}, ("", "", 4317, True)),
)
def test_addresses(exporter: str, settings: Any, place: Any) -> None:
    (peer,) = found(exporter, **settings)
    assert (peer.namespace, peer.service, peer.port, peer.is_certain) == place
    assert peer.component_path == f"exporters/{exporter}"


def test_what_is_no_address_is_none() -> None:
    assert found("prometheus", endpoint="0.0.0.0:8889") == []
    assert found("debug", verbosity="basic") == []
    assert found("otlp", endpoint="${env:BACKEND}") == []


JAEGER, UNCLEAR, LOCAL = (
    found("otlp", endpoint=f"{host}:4317")[0] for host in ("jaeger.obs.svc", "example.com", "localhost")
)


def behind(*slices: Any, **spec: Any) -> BehindAddress:
    return BehindAddress({"spec": {"ports": [{"port": 4317}], **spec}}, slices)


@cases(
    "peer, behind, state",
    (JAEGER, behind(slices()), "ok"),
    (JAEGER, behind(slices("gateway", False)), "not_ready"),
    (JAEGER, behind(), "no_endpoints"),
    (JAEGER, behind(slices(), ports=[{"port": 1}]), "no_port"),
    (JAEGER, behind(slices(), ports=[{"port": 1}], clusterIP="None"), "ok"),
    (JAEGER, BehindAddress({"spec": {"type": "ExternalName"}}), "outside"),
    (JAEGER, BehindAddress(), "no_service"),
    (JAEGER, BehindAddress(is_denied=True), "unseen"),
    (UNCLEAR, BehindAddress(has_namespace=False), "outside"),
    (UNCLEAR, BehindAddress(has_namespace=True), "no_service"),
    (LOCAL, BehindAddress(), "loopback"),
    (found("otlp_http", endpoint="jaeger.obs.svc:4318")[0], behind(slices()), "no_scheme"),
    (found("otlp_http", endpoint="http://jaeger.obs.svc:4317")[0], behind(slices()), "ok"),
    (found("otlphttp/x", traces_endpoint="10.0.0.1:4318/v1/traces")[0], BehindAddress(), "no_scheme"),
    (found("prometheusremotewrite", endpoint="10.0.0.1:9090/api/v1/write")[0], BehindAddress(), "no_scheme"),
    (found("prometheus_remote_write", endpoint="10.0.0.1:9090/api/v1/write")[0], BehindAddress(), "no_scheme"),
)
def test_states(peer: Peer, behind: BehindAddress, state: str) -> None:
    assert describe_peer(peer, behind, policies.Policies([], {}, "Egress"))["state"] == state


SENDER = policies.SendingPod("ns", {"app": "w"}, {"team": "a"}, ("10.0.0.9",))
UNSEEN = SENDER._replace(namespace_labels=None)
MINE, OTHERS = {"matchLabels": {"app": "w"}}, {"matchLabels": {"app": "x"}}


@cases(
    "sender, rules, kept_out",
    (SENDER, [], True),
    (SENDER, [{}], False),
    (SENDER, [{"ports": [{"port": 80}]}], True),
    (SENDER, [{"ports": [{"port": "otlp"}]}], False),
    (SENDER, [{"from": [{"podSelector": {}}]}], True),  # pods of the backend's namespace alone
    (SENDER._replace(namespace="obs"), [{"from": [{"podSelector": MINE}]}], False),
    (SENDER._replace(namespace="obs"), [{"from": [{"podSelector": OTHERS}]}], True),
    (SENDER, [{"from": [{"namespaceSelector": {}}]}], False),
    (SENDER, [{"from": [{"namespaceSelector": {}, "podSelector": OTHERS}]}], True),
    (SENDER, [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ns"}}}]}], False),
    (UNSEEN, [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}]}], True),
    (SENDER, [{"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}]}], True),
    (UNSEEN, [{"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}]}], False),
    (UNSEEN, [{"from": [{"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}}]}], False),
    (SENDER, [{"from": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]}], False),
    (SENDER, [{"from": [{"ipBlock": {"cidr": "10.0.0.0/24", "except": ["10.0.0.8/31"]}}]}], True),
    (SENDER, [{"from": [{"ipBlock": {"cidr": "10.9.0.0/16"}}]}], True),
    (SENDER._replace(addresses=()), [{"from": [{"ipBlock": {"cidr": "10.9.0.0/16"}}]}], False),
    (SENDER, [{"from": [{"ipBlock": {"cidr": "what"}}]}], False),
    (SENDER, [{"from": [{"ipBlock": None}]}], False),
    (SENDER, [{"from": [None]}], False),
    (SENDER, [None], False),
    (SENDER, [{"from": [{"podSelector": {}}]}, {"from": [{"namespaceSelector": {}}]}], False),
)
def test_a_policy_of_the_backend_keeps_out_only_what_no_rule_admits(sender: Any, rules: Any, kept_out: bool) -> None:
    item = policy(ingress=rules)
    item["metadata"]["namespace"] = "obs"
    ingress = IngressOfPods(policies.Policies([item], LABELS, "Ingress"), ["otlp"])
    at = behind(slices())._replace(ingress=ingress)
    row = describe_peer(JAEGER, at, policies.Policies([], {}, "Egress"), sender)
    assert (row["state"], row["policies"]) == (("kept_out", "p") if kept_out else ("ok", ""))


def test_egress_counts_only_where_it_is_spoken_of() -> None:
    assert policies.Policies([policy()], LABELS, "Egress").judge_admission([4317], "TCP") == "all"
    assert policies.Policies([policy(egress=[])], LABELS, "Egress").judge_admission([4317], "TCP") == "all"
    closed = policies.Policies([policy(egress=[], policyTypes=["Egress"])], LABELS, "Egress")
    assert (closed.judge_admission([4317], "TCP"), closed.policy_names) == ("none", "p")
    row = describe_peer(JAEGER, behind(slices()), closed)
    assert (row["state"], row["policies"]) == ("blocked", "p")
    assert policies.find_egress_policies(None, {}).judge_admission([1], "TCP") == "all"


def config(host: str = "0.0.0.0") -> Any:
    return running({}, receivers={"otlp": {"protocols": {"grpc": {"endpoint": f"{host}:4317"}}}})


def service(name: str = "gateway", labels: Any = None, port: Any = None, **selector: str) -> dict[str, Any]:
    ports = [port or {"port": 4317, "targetPort": "otlp"}]
    metadata = {"name": name, "namespace": "ns", "labels": labels or {}}
    return {"metadata": metadata, "spec": {"selector": selector, "ports": ports}}


def reach(services: Any, found: Any = (), policies: Any = (), host: str = "0.0.0.0", pod: Any = POD) -> CollectorReach:
    objects = NamespaceObjects(services, found, policies)
    return CollectorReach.of("gateway", config(host), pod, CONTAINER, objects, table=LISTENERS)


def listeners_of(reach: CollectorReach) -> list[Any]:
    return [dict(row) for row in describe_listeners(reach, describe_services(reach))]


@cases(
    "item, found, state",
    (service(app="a"), [slices()], "ok"),
    (service(app="a"), [slices("gateway", False)], "not_ready"),
    (service(app="a"), [], "not_ready"),  # a pod without an address is in no EndpointSlice
    (service(app="b"), [], "selects_nothing"),
    (service(app="b"), [slices("gateway", False)], "not_ready"),
    (service(app="b"), [slices()], "other"),
    (service(app="a", port={"port": 4317, "targetPort": 14317}), [slices()], "wrong_port"),
    (service("front", {"app.kubernetes.io/instance": "i"}, app="b"), [], "selects_nothing"),
    (service("gateway-collector", app="b"), [], "selects_nothing"),
)
def test_services(item: Any, found: Any, state: str) -> None:
    (row,) = describe_services(reach([item], found)) or []
    assert (row["state"], row["about"]) == (state, "in")


def test_the_service_of_another_collector_of_the_same_instance_is_no_mistake() -> None:
    other = {"app.kubernetes.io/instance": "i", "o11y.opentelemetry/collector": "gateway"}
    mine = {"metadata": {"labels": {**REACH_LABELS, "o11y.opentelemetry/collector": "agent"}}, "spec": {}}
    objects = NamespaceObjects([service("front", other, app="b")], [slices("front")], [])
    assert describe_services(CollectorReach.of("agent", config(), mine, CONTAINER, objects, table=LISTENERS)) == []
    allocator = {"app.kubernetes.io/instance": "i", "app.kubernetes.io/component": "target-allocator"}
    others = [service("other", app="b"), service("headless"), service("targets", allocator, app="b")]
    assert describe_services(reach(others)) == []


def test_a_wrong_selector_says_how_it_differs_and_what_is_hidden_is_not_told() -> None:
    (row,) = describe_services(reach([service(app="b", role="x")])) or []
    assert row["differs"] == "it asks for app=b, the pods have app=a, it asks for role=x, the pods have no such label"
    assert (describe_services(reach(None)), listeners_of(reach(None))[0]["state"]) == (None, "served")


@cases(
    "services, more, state, policies",
    ([service(app="a")], {}, "served", ""),
    ([], {}, "unserved", ""),
    ([service(app="a")], {"host": "localhost"}, "loopback", ""),
    ([], {"pod": NODE}, "served", ""),
    ([], {"policies": [NOBODY]}, "blocked", "p"),
    ([service(app="a")], {"policies": [SOME]}, "served", "p"),
)
def test_listeners(services: Any, more: Any, state: str, policies: str) -> None:
    (row,) = listeners_of(reach(services, [slices()], **more))
    assert (row["receiver"], row["port"], row["state"], row["policies"]) == ("otlp", 4317, state, policies)


def test_a_port_of_udp_says_nothing_of_the_same_number_in_tcp() -> None:
    tcp = {"name": "otlp", "containerPort": 4317, "protocol": "TCP"}
    udp = {"name": "other", "containerPort": 4317, "protocol": "UDP", "hostPort": 4317}
    by_name = {"metadata": {"name": "p"}, "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": "otlp"}]}]}}
    for ports in ([tcp, udp], [udp, tcp]):
        objects = NamespaceObjects([], [], [by_name])
        found = listeners_of(CollectorReach.of("gateway", config(), POD, {"ports": ports}, objects, table=LISTENERS))
        assert [row["state"] for row in found] == ["unserved"]
