# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on encryption, and on what shows the inside of a collector."""

from __future__ import annotations

from typing import Any

from .cases import Table
from .shapes import Json, running, where

INSECURE = {"insecure": True}


def exporter(endpoint: Any, tls: Any = None, **more: Any) -> Json:
    return running(exporters={"otlp": {"endpoint": endpoint, "tls": tls, **more}})


def receiver(endpoint: str, tls: Any = None) -> Json:
    return running(receivers={"otlp": {"protocols": {"grpc": {"endpoint": endpoint, "tls": tls}}}})


CASES: Table = {
    "clear-text": {
        "to the world": (
            exporter("ingest.example.com:4317", INSECURE),
            "exporters.otlp.tls.insecure: 'otlp' sends in clear text to ingest.example.com",
        ),
        "by URL": (exporter("http://Ingest.example.com:4318/v1"), "exporters.otlp.endpoint: https:// URL"),
        "one signal": (
            running(exporters={"otlphttp": {"logs_endpoint": "http://a.b.com"}}),
            "exporters.otlphttp.logs_endpoint: a.b.com",
        ),
        "encrypted": exporter("https://ingest.example.com", INSECURE),
        "within the cluster": exporter("gateway.telemetry.svc:4317", INSECURE),
        "another namespace": exporter("http://gateway.monitoring:4318"),
        "a private address": exporter("10.0.0.7:4317", INSECURE),
        "a variable": exporter("${env:GATEWAY}", INSECURE),
        "one that listens": running(exporters={"prometheus": {"endpoint": "http://a.b.com"}}),
    },
    "clear-text-inside": {
        "to a Service": (
            exporter("dns:///gateway.telemetry.svc.cluster.local:4317", INSECURE),
            f"exporters.otlp.tls.insecure: {'give the receiver a certificate'.capitalize()}",
        ),
        "by a variable": (
            exporter("${env:GATEWAY}:4317", INSECURE),
            "exporters.otlp.tls.insecure: 'otlp' sends in clear text",
        ),
        "through a load balancer": (
            running(exporters={"loadbalancing": {"protocol": {"otlp": {"tls": INSECURE}}}}),
            "exporters.loadbalancing.protocol.otlp.tls.insecure: 'loadbalancing'",
        ),
        "within the pod": exporter("localhost:4317", INSECURE),
        "a socket": exporter("unix:///run/otlp.sock", INSECURE),
        "encrypted": exporter("gateway:4317", {"ca_file": "/ca.crt"}),
        "to the world": exporter("http://ingest.example.com"),
    },
    "unverified-certificate": {
        "an exporter": (
            exporter("gateway:4317", {"insecure_skip_verify": True}),
            "exporters.otlp.tls.insecure_skip_verify: any certificate is accepted here",
        ),
        "verified": exporter("gateway:4317", {"insecure_skip_verify": False}),
    },
    "open-receiver": {
        "every address": (
            receiver("0.0.0.0:4317"),
            "receivers.otlp.protocols.grpc.endpoint: port 4317 accepts clear text on every address Write "
            "`${env:MY_POD_IP}:4317`",
        ),
        "on the node": (receiver(":4317"), "receivers.otlp.protocols.grpc.endpoint: 4317", where(host_network=True)),
        "with a certificate": receiver("0.0.0.0:4317", {"cert_file": "/a"}),
        "one address": receiver("${env:MY_POD_IP}:4317"),
        "UDP": running(receivers={"statsd": {"endpoint": "0.0.0.0:8125"}}),
    },
    "open-diagnostics": {
        "every address": (
            running(extensions={"pprof": {"endpoint": ":1777"}}),
            "extensions.pprof.endpoint: Write `endpoint: localhost:1777`, and use `kubectl port-forward`.",
        ),
        "the pod's address": (
            running(extensions={"zpages": {"endpoint": "${env:MY_POD_IP}:55679"}}),
            "extensions.zpages.endpoint: zpages",
        ),
        "the default": running(extensions={"pprof": None, "zpages": {"endpoint": "localhost:1"}}),
        "a health check": running(extensions={"health_check": {"endpoint": "0.0.0.0:13133"}}),
    },
    "verbose-debug": {
        "everything": (
            running(exporters={"debug": {"verbosity": "detailed"}}),
            "exporters.debug: Write `verbosity: basic`",
        ),
        "by its old name": (running(exporters={"logging": {"loglevel": "debug"}}), "exporters.logging: log"),
        "counts": running(exporters={"debug": None, "debug/2": {"verbosity": "normal"}}),
    },
}
