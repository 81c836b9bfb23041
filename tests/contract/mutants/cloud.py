# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutators of what AWS, Datadog and the Kubernetes API ask of their clients."""

from __future__ import annotations

from typing import Any

from .edits import Mutator, added

AWS = "eu-west-1.amazonaws.com"
AMP = f"https://aps-workspaces.{AWS}/workspaces/ws-1"
DATADOG = "otlp.datadoghq.eu"


def _http(signal: str = "traces", **settings: Any) -> tuple[str, str, dict[str, Any], str]:
    return ("exporters", "otlp_http", settings, signal)


def _emf(**settings: Any) -> tuple[str, str, dict[str, Any], str]:
    return ("exporters", "awsemf", {"region": "eu-west-1", **settings}, "metrics")


def _datadog(**api: Any) -> tuple[str, str, dict[str, Any]]:
    return ("exporters", "datadog", {"api": api})


MUTATORS: dict[str, Mutator] = {
    "lease-missing": added(
        [
            ("extensions", "k8s_leader_elector", settings)
            for settings in ({}, {"lease_name": "a"}, {"lease_name": "", "lease_namespace": "b"})
        ]
    ),
    "dropped-declaration": added(
        [
            _emf(metric_declarations=[{"dimensions": [["Cluster"]]}]),
            _emf(metric_declarations=[{"metric_name_selectors": [], "dimensions": [["Cluster"]]}]),
            _emf(metric_declarations=[{"metric_name_selectors": [".*"], "dimensions": [[f"d{n}" for n in range(30)]]}]),
        ]
    ),
    "log-retention": added([_emf(log_retention=days) for days in (-1, 2, 10, 31, 366)]),
    "http-only": added(
        [
            ("exporters", kind, {"endpoint": endpoint})
            for kind in ("otlp_grpc", "otlp")
            for endpoint in (f"xray.{AWS}:443", f"https://logs.{AWS}:443", f"{DATADOG}:443")
        ]
    ),
    "doubled-path": added(
        [
            _http(endpoint="https://otlp.example.com/v1/traces"),
            _http("logs", endpoint="http://loki:3100/loki/api/v1/push"),
        ]
    ),
    "intake-path": added(
        [
            ("exporters", "prometheusremotewrite", {"endpoint": AMP}, "metrics"),
            ("exporters", "prometheusremotewrite", {"endpoint": f"{AMP}/api/v1/write"}, "metrics"),
            _http(endpoint=f"https://xray.{AWS}/v1/traces"),
            _http(traces_endpoint=f"https://xray.{AWS}"),
            _http("logs", logs_endpoint=f"https://monitoring.{AWS}/v1/logs"),
        ]
    ),
    "intake-header": added(
        [
            _http("logs", endpoint=f"https://logs.{AWS}"),
            _http("logs", logs_endpoint=f"https://logs.{AWS}/v1/logs", headers={"x-aws-log-group": "a"}),
            _http(endpoint=f"https://{DATADOG}"),
            _http("metrics", metrics_endpoint=f"https://{DATADOG}/v1/metrics", headers={"api-key": "${env:KEY}"}),
        ]
    ),
    "datadog-site": added(
        [_datadog(key="${env:KEY}", site=site) for site in ("https://datadoghq.eu", "us3", "app.datadoghq.com", "EU1")]
    ),
    "datadog-key": added([_datadog(), _datadog(site="datadoghq.eu"), ("exporters", "datadog", {})]),
}
