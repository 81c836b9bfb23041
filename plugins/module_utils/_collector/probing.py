# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a collector is tested with telemetry of our own: what is sent to it, and where its arrival is counted. Private.

The render of a collector plans the test (`_rendered_bundle.py` of plugin_utils), and the verification runs it. The test
sends telemetry by OTLP over HTTP in clear text, and reads from the collector's own metrics whether it arrived. A signal
is left out if a sampler may drop what is sent (sampled_routes.py).

Example of a test:

    {"name": "gateway", "via": {"namespace": "otel", "selector": "…", "port": 4318}, "arrival": {"namespace": "otel",
     "selector": "…", "evidence": "metrics", "metrics_port": 8888}, "signals": ["traces", "metrics", "logs"]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from .manifests.build import CollectorBuild
from .manifests.network import OTLP_HTTP, list_plain_ports
from .sampled_routes import (
    NO_HTTP_RECEIVER,
    SAMPLER_MAY_DROP,
    SampledProbe,
    list_passed_signals,
    list_received_signals,
    plan_sampled_probe,
)

# The name of the port with the collector's own metrics.
METRICS_PORT = "metrics"


class PodsWithPort(TypedDict):
    """The pods to which a test sends."""

    namespace: str
    selector: str
    port: int


class MetricsSource(TypedDict):
    """The pods whose metrics count what a test has sent."""

    namespace: str
    selector: str
    evidence: Literal["metrics"]
    """How the verification sees that telemetry has arrived."""
    metrics_port: int


class Probe(SampledProbe):
    """The test of a collector, with what tail samplers need (`SampledProbe`)."""

    name: str
    via: PodsWithPort
    arrival: MetricsSource
    signals: list[str]


def plan_probe(build: CollectorBuild, config: Mapping[str, Any]) -> Probe | None:
    """Return the test of a collector; None if it cannot be tested through the API server."""
    if explain_missing_probe(build, config):
        return None
    ports = list_plain_ports(build, config)
    namespace, selector = build.collector.namespace, build.collector.selector_text
    return {
        "name": build.collector.name,
        "via": {"namespace": namespace, "selector": selector, "port": ports[OTLP_HTTP]},
        "arrival": {
            "namespace": namespace,
            "selector": selector,
            "evidence": "metrics",
            "metrics_port": ports[METRICS_PORT],
        },
        "signals": list_passed_signals(config),
        **plan_sampled_probe(config),
    }


def explain_untested_signals(build: CollectorBuild, config: Mapping[str, Any]) -> str:
    """Return why a collector is not tested, or which of its signals are not; empty if all are tested.

    For example, `its sampler may drop what is sent`, or `its traces, which a sampler may drop`.
    """
    reason = explain_missing_probe(build, config)
    if reason:
        return reason
    passed_signals = list_passed_signals(config)
    untested_signals = [signal for signal in list_received_signals(config) if signal not in passed_signals]
    return f"its {' and '.join(untested_signals)}, which a sampler may drop" if untested_signals else ""


def explain_missing_probe(build: CollectorBuild, config: Mapping[str, Any]) -> str:
    """Return why a collector cannot be tested through the API server; empty if it can.

    Several reasons may be true, and the first is returned. TLS stands before a missing receiver, because
    `list_plain_ports` leaves out the port of a receiver with TLS.
    """
    port_names = {port.name for port in build.needs.ports}
    if build.collector.mode == "sidecar":
        return "it runs in the pods of applications, on localhost"
    if OTLP_HTTP in port_names and OTLP_HTTP not in list_plain_ports(build, config):
        return "its OTLP receiver over HTTP requires TLS"
    if OTLP_HTTP not in port_names or not list_received_signals(config):
        return NO_HTTP_RECEIVER
    if not list_passed_signals(config):
        return SAMPLER_MAY_DROP
    if METRICS_PORT not in port_names:
        return "it does not serve its own metrics, in which the data would be counted"
    return ""
