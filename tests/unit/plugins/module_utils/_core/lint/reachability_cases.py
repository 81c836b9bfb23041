# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on ports, and on who reaches them."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running, target, where

OTLP = frozenset({(4317, "TCP")})


def otlp(endpoint: str | None) -> Json:
    return running(receivers={"otlp": {"protocols": {"grpc": {} if endpoint is None else {"endpoint": endpoint}}}})


def health(settings: Any) -> Json:
    return running(extensions={"health_check": settings})


def statsd(endpoint: str) -> Json:
    return running("metrics", receivers={"statsd": {"endpoint": endpoint}})


CASES = [
    Case(
        "unreachable-receiver",
        "the default address",
        otlp(None),
        "receivers.otlp",
        "port 4317 listens on localhost, which no other pod reaches Write `endpoint: ${env:MY_POD_IP}:4317`.",
        where(exposed=OTLP),
    ),
    Case(
        "unreachable-receiver",
        "the loopback",
        otlp("127.0.0.1:4317"),
        "receivers.otlp.protocols.grpc.endpoint",
        "127.0.0.1",
        where("daemonset", exposed=OTLP),
    ),
    Case(
        "unreachable-receiver",
        "metrics to be scraped",
        running("metrics", exporters={"prometheus": {"endpoint": "localhost:8889"}}),
        "exporters.prometheus.endpoint",
        "port 8889",
        where(exposed=frozenset({(8889, "TCP")})),
    ),
    Case("unreachable-receiver", "the address of the pod", otlp("${env:MY_POD_IP}:4317"), more=where(exposed=OTLP)),
    Case("unreachable-receiver", "nothing offers it", otlp("localhost:4317"), more=where(exposed=frozenset())),
    Case("unreachable-receiver", "in a sidecar", otlp("localhost:4317"), more=where("sidecar", exposed=OTLP)),
    Case(
        "unreachable-receiver",
        "the operator's default address",
        otlp(None),
        more=where(exposed=OTLP, operator_version="0.158.0"),
    ),
    Case("unreachable-receiver", "surroundings that nobody knows", otlp("localhost:4317"), more=where()),
    Case(
        "open-on-node",
        "every address",
        otlp("0.0.0.0:4317"),
        "receivers.otlp.protocols.grpc.endpoint",
        "open on every address of the node Write `${env:MY_POD_IP}:4317`",
        where("daemonset", host_network=True),
    ),
    Case("open-on-node", "one address", otlp("${env:MY_POD_IP}:4317"), more=where("daemonset", host_network=True)),
    Case("open-on-node", "a network of its own", otlp("0.0.0.0:4317"), more=where("daemonset")),
    Case(
        "closed-udp-port",
        "an operator that knows TCP alone",
        statsd("0.0.0.0:8125"),
        "receivers.statsd.endpoint",
        "operator 0.158.0 admits 8125 for TCP only",
        where(network_policy=True, operator_version="0.158.0"),
    ),
    Case(
        "closed-udp-port",
        "a newer one",
        statsd("0.0.0.0:8125"),
        more=where(network_policy=True, operator_version="0.159.0"),
    ),
    Case("closed-udp-port", "no policy", statsd("0.0.0.0:8125"), more=where(operator_version="0.158.0")),
    Case("closed-udp-port", "TCP", otlp("0.0.0.0:4317"), more=where(network_policy=True, operator_version="0.158.0")),
    Case(
        "health-check-missing",
        "none",
        running(),
        "service.extensions",
        "no health_check answers probes",
        where(probed=True),
    ),
    Case("health-check-missing", "one", health({}), more=where(probed=True)),
    Case("health-check-missing", "nobody asks", running(), more=where()),
    Case("health-check-missing", "one that a file describes", health("${file:health.yaml}"), more=where(probed=True)),
    Case(
        "health-check-unreachable",
        "the default address",
        health(None),
        "extensions.health_check",
        "'health_check' listens on localhost, but the kubelet probes the address of the pod",
        where(probed=True),
    ),
    Case(
        "health-check-unreachable",
        "the address of the pod",
        health({"endpoint": "${env:MY_POD_IP}:13133"}),
        more=where(probed=True),
    ),
    Case("health-check-unreachable", "nobody asks", health(None), more=where()),
    Case(
        "health-check-unreachable",
        "under the operator",
        health(None),
        more=where(probed=True, operator_version="0.158.0"),
    ),
]


READER = {"readers": [{"pull": {"exporter": {"prometheus": {"host": "${env:MY_POD_IP}", "port": 8888}}}}]}


def ports_otlp(grpc: str, http: str = "localhost:4318") -> Json:
    return {"otlp": {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}}}


def receivers(**more: Any) -> Json:
    return running(receivers={name.replace("__", "/"): value for name, value in more.items()})


def exporter(endpoint: str, metrics: Json | None = None) -> Json:
    telemetry = {"telemetry": {"metrics": metrics}} if metrics is not None else {}
    return running("metrics", exporters={"prometheus": {"endpoint": endpoint}}, service=telemetry)


CASES += [
    Case(
        "port-clash",
        "two of one receiver",
        running(receivers=ports_otlp("0.0.0.0:4317", "localhost:4317")),
        "receivers.otlp.protocols.http.endpoint",
        "TCP port 4317 is already taken by receivers.otlp.protocols.grpc.endpoint",
    ),
    Case(
        "port-clash",
        "two default ports",
        receivers(zipkin=None, zipkin__2={}),
        "receivers.zipkin/2",
        "TCP port 9411 is already taken by receivers.zipkin Give one of them an `endpoint` with another port.",
    ),
    Case(
        "port-clash",
        "a receiver and an extension",
        running(receivers={"zipkin": {"endpoint": ":13133"}}, extensions={"health_check": None}),
        "receivers.zipkin.endpoint",
        "already taken by extensions.health_check",
    ),
    Case(
        "port-clash",
        "the collector's own metrics",
        receivers(zipkin={"endpoint": "127.0.0.1:8888"}),
        "receivers.zipkin.endpoint",
        "already taken by service.telemetry",
    ),
    Case(
        "port-clash",
        "every address of IPv6 as well",
        running(receivers=ports_otlp("127.0.0.1:4317", "[::]:4317")),
        "receivers.otlp.protocols.http.endpoint",
        "already taken",
    ),
    Case(
        "port-clash",
        "the same variable",
        receivers(zipkin={"endpoint": "${env:MY_POD_IP}:1"}, zipkin__2={"endpoint": "${env:MY_POD_IP}:1"}),
        "receivers.zipkin/2.endpoint",
        "TCP port 1",
    ),
    Case(
        "port-clash",
        "a default that only the catalogue knows",
        receivers(splunk_hec={}, splunk_hec__b={"endpoint": "localhost:8088"}),
        "receivers.splunk_hec/b.endpoint",
        "TCP port 8088 is already taken by receivers.splunk_hec",
        target(),
    ),
    Case(
        "port-clash",
        "the address of the pod and the loopback",
        running(receivers=ports_otlp("${env:MY_POD_IP}:1", "localhost:1")),
    ),
    Case("port-clash", "two variables", running(receivers=ports_otlp("${env:A}:1", "${env:B}:1"))),
    Case("port-clash", "IPv6 beside IPv4", running(receivers=ports_otlp("0.0.0.0:4317", "[::1]:4317"))),
    Case(
        "port-clash",
        "UDP beside TCP",
        receivers(awsxray={"endpoint": "0.0.0.0:2000", "proxy_server": {"endpoint": "0.0.0.0:2000"}}),
    ),
    Case("port-clash", "TCP where UDP is usual", receivers(statsd={"transport": "tcp"}, statsd__udp={})),
    Case(
        "port-clash",
        "a port that a variable says",
        receivers(zipkin={"endpoint": "a:${env:P}"}, zipkin__2={"endpoint": "a:${env:P}"}),
    ),
    Case(
        "port-clash",
        "a socket",
        receivers(zipkin={"endpoint": "/tmp/a", "transport": "unix"}, zipkin__2={"endpoint": "/tmp/a"}),
    ),
    Case(
        "port-clash",
        "protocols that are off",
        running(receivers={"otlp": {"protocols": {"grpc": None}}, "otlp/2": {"protocols": {"http": None}}}),
    ),
    Case(
        "port-clash",
        "one that nothing starts",
        {**running(receivers={"zipkin": {}}), "receivers": {"zipkin": {}, "zipkin/2": {}}},
    ),
    Case(
        "port-clash", "one health check by two ways", running(extensions={"healthcheckv2": {"http": {}}}), more=target()
    ),
    Case(
        "own-metrics-port",
        "where it listens by default",
        exporter("0.0.0.0:8888"),
        "exporters.prometheus.endpoint",
        "port 8888 serves the collector's own metrics; it cannot start Write another port, 8889 by custom.",
    ),
    Case(
        "own-metrics-port",
        "on another address",
        exporter("localhost:8888", READER),
        "exporters.prometheus.endpoint",
        "on another address: a scraper gets only one of both",
    ),
    Case("own-metrics-port", "its own", exporter("0.0.0.0:8889")),
    Case("own-metrics-port", "a collector without metrics", exporter("0.0.0.0:8888", {"level": "none"})),
    Case("own-metrics-port", "moved metrics", exporter("0.0.0.0:8888", {"address": "localhost:9999"})),
]
