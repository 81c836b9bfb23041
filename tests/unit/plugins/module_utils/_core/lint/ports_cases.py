# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on ports that two parts want."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running, target

READER = {"readers": [{"pull": {"exporter": {"prometheus": {"host": "${env:MY_POD_IP}", "port": 8888}}}}]}


def otlp(grpc: str, http: str = "localhost:4318") -> Json:
    return {"otlp": {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}}}


def receivers(**more: Any) -> Json:
    return running(receivers={name.replace("__", "/"): value for name, value in more.items()})


def exporter(endpoint: str, metrics: Json | None = None) -> Json:
    telemetry = {"telemetry": {"metrics": metrics}} if metrics is not None else {}
    return running("metrics", exporters={"prometheus": {"endpoint": endpoint}}, service=telemetry)


CASES = [
    Case(
        "port-clash",
        "two of one receiver",
        running(receivers=otlp("0.0.0.0:4317", "localhost:4317")),
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
        running(receivers=otlp("127.0.0.1:4317", "[::]:4317")),
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
        running(receivers=otlp("${env:MY_POD_IP}:1", "localhost:1")),
    ),
    Case("port-clash", "two variables", running(receivers=otlp("${env:A}:1", "${env:B}:1"))),
    Case("port-clash", "IPv6 beside IPv4", running(receivers=otlp("0.0.0.0:4317", "[::1]:4317"))),
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
        "port 8888 has the collector's own metrics; it cannot start Write another port, 8889 by custom.",
    ),
    Case(
        "own-metrics-port",
        "on another address",
        exporter("localhost:8888", READER),
        "exporters.prometheus.endpoint",
        "on another address: whoever scrapes it gets one of both",
    ),
    Case("own-metrics-port", "its own", exporter("0.0.0.0:8889")),
    Case("own-metrics-port", "a collector without metrics", exporter("0.0.0.0:8888", {"level": "none"})),
    Case("own-metrics-port", "moved metrics", exporter("0.0.0.0:8888", {"address": "localhost:9999"})),
]
