# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on ports, and on who reaches them."""

from __future__ import annotations

from typing import Any

from .cases import Table
from .shapes import Json, running, target, where

OTLP = frozenset({(4317, "TCP")})


def otlp(endpoint: str | None) -> Json:
    return running(receivers={"otlp": {"protocols": {"grpc": {} if endpoint is None else {"endpoint": endpoint}}}})


def health(settings: Any) -> Json:
    return running(extensions={"health_check": settings})


def statsd(endpoint: str) -> Json:
    return running("metrics", receivers={"statsd": {"endpoint": endpoint}})


CASES: Table = {
    "unreachable-receiver": {
        "the default address": (
            otlp(None),
            "receivers.otlp: port 4317 listens on localhost, which no other pod reaches Write "
            "`protocols.grpc.endpoint: ${env:MY_POD_IP}:4317`.",
            where(exposed=OTLP),
        ),
        "the loopback": (
            otlp("127.0.0.1:4317"),
            "receivers.otlp.protocols.grpc.endpoint: no other pod reaches Write `endpoint: ${env:MY_POD_IP}:4317`.",
            where("daemonset", exposed=OTLP),
        ),
        "metrics to be scraped": (
            running("metrics", exporters={"prometheus": {"endpoint": "localhost:8889"}}),
            "exporters.prometheus.endpoint: port 8889",
            where(exposed=frozenset({(8889, "TCP")})),
        ),
        "an address with another name": (
            running("logs", receivers={"syslog": {"tcp": {"listen_address": "localhost:5140"}}}),
            "receivers.syslog.tcp.listen_address: no other pod reaches Write `listen_address: ${env:MY_POD_IP}:5140`.",
            where(exposed=frozenset({(5140, "TCP")})),
        ),
        "a host apart from its port": (
            running("logs", receivers={"netflow": {"hostname": "localhost"}}),
            "receivers.netflow: no other pod reaches Write `hostname: ${env:MY_POD_IP}`.",
            where(exposed=frozenset({(2055, "UDP")})),
        ),
        "the address of the pod": (otlp("${env:MY_POD_IP}:4317"), "", where(exposed=OTLP)),
        "nothing offers it": (otlp("localhost:4317"), "", where(exposed=frozenset())),
        "in a sidecar": (otlp("localhost:4317"), "", where("sidecar", exposed=OTLP)),
        "the operator's default address": (otlp(None), "", where(exposed=OTLP, operator_version="0.158.0")),
        "surroundings that nobody knows": (otlp("localhost:4317"), "", where()),
    },
    "open-on-node": {
        "every address": (
            otlp("0.0.0.0:4317"),
            "receivers.otlp.protocols.grpc.endpoint: open on every address of the node Write `${env:MY_POD_IP}:4317`",
            where("daemonset", host_network=True),
        ),
        "one address": (otlp("${env:MY_POD_IP}:4317"), "", where("daemonset", host_network=True)),
        "a network of its own": (otlp("0.0.0.0:4317"), "", where("daemonset")),
    },
    "closed-udp-port": {
        "an operator that knows TCP alone": (
            statsd("0.0.0.0:8125"),
            "receivers.statsd.endpoint: operator 0.158.0 admits 8125 for TCP only",
            where(network_policy=True, operator_version="0.158.0"),
        ),
        "a newer one": (statsd("0.0.0.0:8125"), "", where(network_policy=True, operator_version="0.159.0")),
        "no policy": (statsd("0.0.0.0:8125"), "", where(operator_version="0.158.0")),
        "TCP": (otlp("0.0.0.0:4317"), "", where(network_policy=True, operator_version="0.158.0")),
    },
    "health-check-missing": {
        "none": (running(), "service.extensions: no health_check answers probes", where(probed=True)),
        "one": (health({}), "", where(probed=True)),
        "nobody asks": (running(), "", where()),
        "one that a file describes": (health("${file:health.yaml}"), "", where(probed=True)),
    },
    "health-check-unreachable": {
        "the default address": (
            health(None),
            "extensions.health_check: 'health_check' listens on localhost, but the kubelet probes the address "
            "of the pod",
            where(probed=True),
        ),
        "the address of the pod": (health({"endpoint": "${env:MY_POD_IP}:13133"}), "", where(probed=True)),
        "nobody asks": (health(None), "", where()),
        "under the operator": (health(None), "", where(probed=True, operator_version="0.158.0")),
    },
}


READER = {"readers": [{"pull": {"exporter": {"prometheus": {"host": "${env:MY_POD_IP}", "port": 8888}}}}]}


def ports_otlp(grpc: str, http: str = "localhost:4318") -> Json:
    return {"otlp": {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}}}


def receivers(**more: Any) -> Json:
    return running(receivers={name.replace("__", "/"): value for name, value in more.items()})


def exporter(endpoint: str, metrics: Json | None = None) -> Json:
    telemetry = {"telemetry": {"metrics": metrics}} if metrics is not None else {}
    return running("metrics", exporters={"prometheus": {"endpoint": endpoint}}, service=telemetry)


CASES |= {
    "port-clash": {
        "two of one receiver": (
            running(receivers=ports_otlp("0.0.0.0:4317", "localhost:4317")),
            "receivers.otlp.protocols.http.endpoint: TCP port 4317 is already taken by "
            "receivers.otlp.protocols.grpc.endpoint",
        ),
        "two default ports": (
            receivers(zipkin=None, zipkin__2={}),
            "receivers.zipkin/2: TCP port 9411 is already taken by receivers.zipkin Give one of them another port.",
        ),
        "a receiver and an extension": (
            running(receivers={"zipkin": {"endpoint": ":13133"}}, extensions={"health_check": None}),
            "receivers.zipkin.endpoint: already taken by extensions.health_check",
        ),
        "the collector's own metrics": (
            receivers(zipkin={"endpoint": "127.0.0.1:8888"}),
            "receivers.zipkin.endpoint: already taken by service.telemetry",
        ),
        "every address of IPv6 as well": (
            running(receivers=ports_otlp("127.0.0.1:4317", "[::]:4317")),
            "receivers.otlp.protocols.http.endpoint: already taken",
        ),
        "the same variable": (
            receivers(zipkin={"endpoint": "${env:MY_POD_IP}:1"}, zipkin__2={"endpoint": "${env:MY_POD_IP}:1"}),
            "receivers.zipkin/2.endpoint: TCP port 1",
        ),
        "a default that only the catalogue knows": (
            receivers(splunk_hec={}, splunk_hec__b={"endpoint": "localhost:8088"}),
            "receivers.splunk_hec/b.endpoint: TCP port 8088 is already taken by receivers.splunk_hec",
            target(),
        ),
        "the address of the pod and the loopback": running(receivers=ports_otlp("${env:MY_POD_IP}:1", "localhost:1")),
        "two variables": running(receivers=ports_otlp("${env:A}:1", "${env:B}:1")),
        "IPv6 beside IPv4": running(receivers=ports_otlp("0.0.0.0:4317", "[::1]:4317")),
        "UDP beside TCP": receivers(awsxray={"endpoint": "0.0.0.0:2000", "proxy_server": {"endpoint": "0.0.0.0:2000"}}),
        "TCP where UDP is usual": receivers(statsd={"transport": "tcp"}, statsd__udp={}),
        "a port that a variable says": receivers(
            zipkin={"endpoint": "a:${env:P}"}, zipkin__2={"endpoint": "a:${env:P}"}
        ),
        "a socket": receivers(zipkin={"endpoint": "/tmp/a", "transport": "unix"}, zipkin__2={"endpoint": "/tmp/a"}),
        "protocols that are off": running(
            receivers={"otlp": {"protocols": {"grpc": None}}, "otlp/2": {"protocols": {"http": None}}}
        ),
        "one that nothing starts": {**running(receivers={"zipkin": {}}), "receivers": {"zipkin": {}, "zipkin/2": {}}},
        "one health check by two ways": (running(extensions={"healthcheckv2": {"http": {}}}), "", target()),
    },
    "own-metrics-port": {
        "where it listens by default": (
            exporter("0.0.0.0:8888"),
            "exporters.prometheus.endpoint: port 8888 serves the collector's own metrics; it cannot start "
            "Write another port, 8889 by custom.",
        ),
        "on another address": (
            exporter("localhost:8888", READER),
            "exporters.prometheus.endpoint: on another address: a scraper gets only one of both",
        ),
        "its own": exporter("0.0.0.0:8889"),
        "a collector without metrics": exporter("0.0.0.0:8888", {"level": "none"}),
        "moved metrics": exporter("0.0.0.0:8888", {"address": "localhost:9999"}),
    },
}
