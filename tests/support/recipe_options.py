"""What recipes ask for, which have no default for it: one table for all tests that use every recipe."""

from __future__ import annotations

from typing import Any

# Recipes that add settings to components of others.
PARTNERS = {"backpressure": "otlp_forward", "durable": "otlp_forward"}

RECIPE_OPTIONS: dict[str, dict[str, Any]] = {
    "amp_export": {"workspace": "ws-1", "region": "eu-west-1"},
    "cloudwatch_otlp_export": {"region": "eu-west-1", "log_group": "/telemetry"},
    "cloudwatch_otlp_metrics": {"region": "eu-west-1"},
    "critical_components": {"components": ["keda", "cert_manager"]},
    "elasticsearch_export": {"endpoints": ["http://elasticsearch.telemetry.svc:9200"]},
    "emf_export": {"region": "eu-west-1", "cluster": "prod"},
    "kafka_export": {"brokers": ["kafka.telemetry.svc:9093"]},
    "kafka_ingest": {"brokers": ["kafka.telemetry.svc:9093"]},
    "loki_export": {"endpoint": "http://loki.telemetry.svc:3100"},
    "otlp_forward": {"endpoint": "gateway.telemetry.svc:4317"},
    "own_telemetry": {"endpoint": "gateway.telemetry.svc:4317"},
    "prometheus_otlp_export": {"endpoint": "http://prometheus.telemetry.svc:9090"},
    "prometheus_remote_write": {"endpoint": "http://prometheus.telemetry.svc:9090/api/v1/write"},
    "resource_attributes": {"attributes": {"team": "a"}},
    "tenant_routing": {
        "destinations": [{"name": "shop", "tenants": ["shop"], "endpoint": "shop.telemetry.svc:4317"}],
        "default": "drop",
    },
    "trace_balancing": {"service": "sampler"},
    "xray_export": {"region": "eu-west-1"},
    "xray_ingest": {"region": "eu-west-1"},
    "xray_otlp_export": {"region": "eu-west-1"},
}
