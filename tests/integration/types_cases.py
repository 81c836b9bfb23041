# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken types and connectors, each with the rule that must find what the real Collector refuses."""

from __future__ import annotations

from .real_collector_cases import (
    EXPORTERS,
    IN,
    LOGS,
    METRICS,
    OUT,
    PROCESSORS,
    RECEIVERS,
    SPANS,
    Broken,
    all_of,
    connected,
    routing,
)

TYPES = [
    *all_of(
        "unknown-component",
        [
            {"receivers/nosuch": {}},
            {"processors/nosuch": {}},
            {"exporters/nosuch": {}},
            {"connectors/nosuch": {}},
            {"extensions/nosuch": {}},
            {"receivers/redis": {}},
            {"processors/geoip": {}},
            {"exporters/pulsar": {}},
            {"connectors/failover": {}},
            {"extensions/pprof": {}},
            {"exporters/datadog": {}},
            {"receivers/OTLP": {}},
            {"receivers/redis~cache": {}},
            {"extensions/oauth2client": {}},
            {"connectors/exceptions": {}},
        ],
    ),
    *all_of(
        "wrong-class",
        [
            {"receivers/batch": {}},
            {"exporters/memory_limiter": {}},
            {"processors/otlp": {}},
            {"extensions/debug": {}},
            {"processors/health_check": {}},
            {"receivers/debug": {}},
            {"connectors/zipkin": {}},
            {"exporters/zpages": {}},
            {"extensions/basicauth~a": {}, "processors/basicauth": {}},
        ],
    ),
    *all_of(
        "removed-component",
        [
            {"exporters/logging": {}},
            {"exporters/loki": {}},
            {"exporters/jaeger": {}},
            {"extensions/memory_ballast": {}},
            {"processors/spanmetrics": {}},
            {"processors/servicegraph": {}},
            {"receivers/opencensus": {}},
            {"exporters/opencensus": {}},
            {"exporters/sapm": {}},
            {"processors/routing": {}},
            {"receivers/signalfx": {}},
            {"exporters/carbon": {}},
        ],
    ),
    *all_of(
        "unsupported-signal",
        [
            {f"{LOGS}/receivers": ["jaeger"], f"{LOGS}/exporters": OUT, "receivers/jaeger/protocols/grpc": {}},
            {"service/pipelines/metrics": {"receivers": ["zipkin"], "exporters": OUT}, "receivers/zipkin": {}},
            {RECEIVERS: ["statsd"], "receivers/statsd": {}},
            {RECEIVERS: ["file_log"], "receivers/file_log": {"include": ["/tmp/x"]}},
            {EXPORTERS: ["prometheus"], "exporters/prometheus": {"endpoint": "localhost:8889"}},
            {
                "service/pipelines/logs": {"receivers": IN, "exporters": ["awsemf"]},
                "exporters/awsemf": {"region": "eu-west-1"},
            },
            {
                "service/pipelines/metrics": {"receivers": IN, "exporters": ["awsxray"]},
                "exporters/awsxray": {"region": "eu-west-1"},
            },
            {
                "service/pipelines/metrics": {"receivers": IN, "processors": ["tail_sampling"], "exporters": OUT},
                "processors/tail_sampling": {"policies": [{"name": "a", "type": "always_sample"}]},
            },
            {PROCESSORS: ["cumulative_to_delta"], "processors/cumulative_to_delta": {}},
            {PROCESSORS: ["metrics_transform"], "processors/metrics_transform": {"transforms": []}},
            {
                METRICS: {"receivers": IN, "processors": ["probabilistic_sampler"], "exporters": OUT},
                "processors/probabilistic_sampler": {"sampling_percentage": 10},
            },
            {
                EXPORTERS: ["prometheus_remote_write"],
                "exporters/prometheus_remote_write": {"endpoint": "http://localhost:9009/api"},
            },
            {RECEIVERS: ["prometheus"], "receivers/prometheus/config/scrape_configs": [{"job_name": "a"}]},
            {RECEIVERS: ["host_metrics"], "receivers/host_metrics/scrapers/cpu": {}},
        ],
    ),
]
CONNECTORS = [
    Broken("one-sided: exporters only", "one-sided-connector", connected(SPANS, traces=(IN, ["span_metrics"]))),
    Broken(
        "one-sided: receivers only",
        "one-sided-connector",
        connected(SPANS, traces=(IN, OUT), metrics=(["span_metrics"], OUT)),
    ),
    Broken("one-sided: routing", "one-sided-connector", connected(routing("traces/2"), traces=(IN, ["routing"]))),
    Broken(
        "unsupported: to traces",
        "unsupported-connection",
        connected(SPANS, traces=(IN, ["span_metrics"]), traces_2=(["span_metrics"], OUT)),
    ),
    Broken(
        "unsupported: from metrics",
        "unsupported-connection",
        connected(SPANS, metrics=(IN, ["span_metrics"]), metrics_2=(["span_metrics"], OUT)),
    ),
    Broken(
        "unsupported: one end too many",
        "unsupported-connection",
        connected(SPANS, traces=(IN, ["span_metrics"]), logs=(IN, ["span_metrics"]), metrics=(["span_metrics"], OUT)),
    ),
    Broken(
        "unsupported: also to logs",
        "unsupported-connection",
        connected(SPANS, traces=(IN, ["span_metrics"]), logs=(["span_metrics"], OUT), metrics=(["span_metrics"], OUT)),
    ),
    Broken(
        "unsupported: routing across signals",
        "unsupported-connection",
        connected(
            {"routing": {"default_pipelines": ["logs"], "table": [{"condition": "true", "pipelines": ["logs"]}]}},
            traces=(IN, ["routing"]),
            logs=(["routing"], OUT),
        ),
    ),
    Broken(
        "cycle: with itself",
        "connector-cycle",
        connected(
            {"routing": {"table": [{"condition": "true", "pipelines": ["traces"]}]}},
            traces=(["otlp", "routing"], ["debug", "routing"]),
        ),
    ),
    Broken(
        "cycle: of two",
        "connector-cycle",
        connected(
            {
                "routing": {"table": [{"condition": "true", "pipelines": ["traces/2"]}]},
                "routing/b": {"table": [{"condition": "true", "pipelines": ["traces"]}]},
            },
            traces=(["otlp", "routing/b"], ["routing"]),
            traces_2=(["routing"], ["debug", "routing/b"]),
        ),
    ),
]


BROKEN = [*TYPES, *CONNECTORS]
