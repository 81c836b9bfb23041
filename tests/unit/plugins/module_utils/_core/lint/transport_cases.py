# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on encryption, and on what shows the inside of a collector."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running, where

INSECURE = {"insecure": True}


def exporter(endpoint: Any, tls: Any = None, **more: Any) -> Json:
    return running(exporters={"otlp": {"endpoint": endpoint, "tls": tls, **more}})


def receiver(endpoint: str, tls: Any = None) -> Json:
    return running(receivers={"otlp": {"protocols": {"grpc": {"endpoint": endpoint, "tls": tls}}}})


CASES = [
    Case(
        "clear-text",
        "to the world",
        exporter("ingest.example.com:4317", INSECURE),
        "exporters.otlp.tls.insecure",
        "'otlp' sends in clear text to ingest.example.com",
    ),
    Case(
        "clear-text", "by URL", exporter("http://Ingest.example.com:4318/v1"), "exporters.otlp.endpoint", "https:// URL"
    ),
    Case(
        "clear-text",
        "one signal",
        running(exporters={"otlphttp": {"logs_endpoint": "http://a.b.com"}}),
        "exporters.otlphttp.logs_endpoint",
        "a.b.com",
    ),
    Case("clear-text", "encrypted", exporter("https://ingest.example.com", INSECURE)),
    Case("clear-text", "within the cluster", exporter("gateway.telemetry.svc:4317", INSECURE)),
    Case("clear-text", "another namespace", exporter("http://gateway.monitoring:4318")),
    Case("clear-text", "a private address", exporter("10.0.0.7:4317", INSECURE)),
    Case("clear-text", "a variable", exporter("${env:GATEWAY}", INSECURE)),
    Case("clear-text", "one that listens", running(exporters={"prometheus": {"endpoint": "http://a.b.com"}})),
    Case(
        "clear-text-inside",
        "to a Service",
        exporter("dns:///gateway.telemetry.svc.cluster.local:4317", INSECURE),
        "exporters.otlp.tls.insecure",
        "give the receiver a certificate".capitalize(),
    ),
    Case(
        "clear-text-inside",
        "by a variable",
        exporter("${env:GATEWAY}:4317", INSECURE),
        "exporters.otlp.tls.insecure",
        "'otlp' sends in clear text",
    ),
    Case(
        "clear-text-inside",
        "through a load balancer",
        running(exporters={"loadbalancing": {"protocol": {"otlp": {"tls": INSECURE}}}}),
        "exporters.loadbalancing.protocol.otlp.tls.insecure",
        "'loadbalancing'",
    ),
    Case("clear-text-inside", "within the pod", exporter("localhost:4317", INSECURE)),
    Case("clear-text-inside", "a socket", exporter("unix:///run/otlp.sock", INSECURE)),
    Case("clear-text-inside", "encrypted", exporter("gateway:4317", {"ca_file": "/ca.crt"})),
    Case("clear-text-inside", "to the world", exporter("http://ingest.example.com")),
    Case(
        "unverified-certificate",
        "an exporter",
        exporter("gateway:4317", {"insecure_skip_verify": True}),
        "exporters.otlp.tls.insecure_skip_verify",
        "any certificate is accepted here",
    ),
    Case("unverified-certificate", "verified", exporter("gateway:4317", {"insecure_skip_verify": False})),
    Case(
        "open-receiver",
        "every address",
        receiver("0.0.0.0:4317"),
        "receivers.otlp.protocols.grpc.endpoint",
        "port 4317 accepts clear text on every address Write `${env:MY_POD_IP}:4317`",
    ),
    Case(
        "open-receiver",
        "on the node",
        receiver(":4317"),
        "receivers.otlp.protocols.grpc.endpoint",
        "4317",
        where(host_network=True),
    ),
    Case("open-receiver", "with a certificate", receiver("0.0.0.0:4317", {"cert_file": "/a"})),
    Case("open-receiver", "one address", receiver("${env:MY_POD_IP}:4317")),
    Case("open-receiver", "UDP", running(receivers={"statsd": {"endpoint": "0.0.0.0:8125"}})),
    Case(
        "open-diagnostics",
        "every address",
        running(extensions={"pprof": {"endpoint": ":1777"}}),
        "extensions.pprof.endpoint",
        "Write `endpoint: localhost:1777`, and use `kubectl port-forward`.",
    ),
    Case(
        "open-diagnostics",
        "the pod's address",
        running(extensions={"zpages": {"endpoint": "${env:MY_POD_IP}:55679"}}),
        "extensions.zpages.endpoint",
        "zpages",
    ),
    Case("open-diagnostics", "the default", running(extensions={"pprof": None, "zpages": {"endpoint": "localhost:1"}})),
    Case("open-diagnostics", "a health check", running(extensions={"health_check": {"endpoint": "0.0.0.0:13133"}})),
    Case(
        "verbose-debug",
        "everything",
        running(exporters={"debug": {"verbosity": "detailed"}}),
        "exporters.debug",
        "Write `verbosity: basic`",
    ),
    Case(
        "verbose-debug",
        "by its old name",
        running(exporters={"logging": {"loglevel": "debug"}}),
        "exporters.logging",
        "log",
    ),
    Case("verbose-debug", "counts", running(exporters={"debug": None, "debug/2": {"verbosity": "normal"}})),
]
