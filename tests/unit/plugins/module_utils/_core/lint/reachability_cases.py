# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on what reaches a collector."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running, where

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
        "there is no health_check",
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
        "'health_check' listens on localhost, but the kubelet asks the address of the pod",
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
