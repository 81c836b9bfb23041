# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken expansions and settings, each with the rule that must find what the real Collector refuses."""

from __future__ import annotations

from .real_collector_cases import OUT, PROCESSORS, all_of

EXPANSION = [
    *all_of(
        "invalid-expansion",
        [
            {"exporters/debug/verbosity": "${env:1A}"},
            {"exporters/debug/verbosity": "${1}"},
            {"exporters/debug/verbosity": "${a-b}"},
            {"exporters/debug/verbosity": "${}"},
            {"exporters/debug/verbosity": "${env:}"},
            {"exporters/debug/verbosity": "a${:X}b"},
            {"exporters/debug/verbosity": "${e:X}"},
            {"exporters/debug/verbosity": "${env:A B}"},
            {"exporters/debug/verbosity": "${env:A:B}"},
            {"exporters/debug/verbosity": "${env:A-default}"},
            {"exporters/debug/verbosity": "${env:$A}"},
            {"processors/resource/attributes": [{"key": "a", "value": "${env:A.B}", "action": "upsert"}]},
            {"receivers/otlp/protocols/grpc/endpoint": "${env:HOST NAME}:4317"},
        ],
    ),
    *all_of(
        "unknown-scheme",
        [
            {"exporters/debug/verbosity": "${vault:x}"},
            {"exporters/debug/verbosity": "${s3:x}"},
            {"exporters/debug/verbosity": "a ${ENV:X}"},
            {"exporters/debug/verbosity": "${envs:X}"},
            {"exporters/debug/verbosity": "${HOST:-x}"},
        ],
    ),
]
MOVED = [
    *all_of(
        "removed-setting",
        [
            {"service/telemetry/metrics/address": ":8888"},
            {"exporters/otlp_grpc": {"endpoint": "x:4317", "batcher": {"enabled": True}}},
            {"exporters/otlp": {"endpoint": "x:4317", "batcher": {}}},
            {"exporters/otlp_http": {"endpoint": "http://x", "batcher": {}}},
            {"exporters/otlphttp": {"endpoint": "http://x", "sending_queue": {"blocking": True}}},
            {"exporters/otlp_grpc": {"endpoint": "x:4317", "sending_queue": {"blocking": False}}},
            {"exporters/debug/loglevel": "debug"},
            {"connectors/routing": {"match_once": True, "table": [{"condition": "true", "pipelines": ["traces"]}]}},
        ],
    ),
]
FIELDS = [
    *all_of(
        "unknown-field",
        [
            {"receivers/otlp/protocol": {}},
            {"receivers/otlp/protocols/grcp": {}},
            {"receivers/otlp/protocols/grpc/endpoints": "x"},
            {"receivers/otlp/endpoint": "localhost:4317"},
            {"exporters/otlp_grpc": {"endpoint": "x:1", "insecure": True}},
            {"exporters/otlp_grpc": {"endpoint": "x:1", "tls": {"insecure_skip": True}}},
            {"exporters/otlp_http": {"endpoint": "http://x", "header": {"a": "b"}}},
            {"processors/batch": {"timeouts": "1s"}},
            {"processors/memory_limiter": {"check_interval": "1s", "limit": 5, "limit_mib": 5}},
            {"processors/resource": {"attributes": [{"keys": "a", "action": "delete"}]}},
            {"processors/k8s_attributes/extract/metadatas": []},
            {"processors/filter/trace": {}},
            {"extensions/health_check/port": 13133},
            {"extensions/zpages/port": 1},
            {"connectors/span_metrics/dimension": []},
            {"service/telemetry/log": {}},
            {"service/telemetry/logs/verbosity": "debug"},
            {"exporters/file": {"path": "/tmp/x", "rotate": {}}},
            {"receivers/file_log": {"include": ["/x"], "includes": []}},
        ],
    ),
    *all_of(
        "wrong-type",
        [
            {"processors/attributes/actions": {"key": "a", "action": "delete"}},
            {"processors/resource/attributes": {"key": "a"}},
            {"exporters/otlp_grpc/endpoint": 4317},
            {"exporters/otlp_http/endpoint": ["http://x"]},
            {"exporters/otlp_grpc": {"endpoint": "x:1", "tls": {"insecure": "true"}}},
            {"exporters/otlp_grpc": {"endpoint": "x:1", "tls": True}},
            {"exporters/otlp_grpc": {"endpoint": "x:1", "headers": "a=b"}},
            {"processors/batch/send_batch_size": "100"},
            {"processors/batch/timeout": True},
            {"processors/memory_limiter": {"check_interval": "1s", "limit_mib": "400"}},
            {"receivers/otlp/protocols": ["grpc", "http"]},
            {"receivers/otlp/protocols/grpc": "localhost:4317"},
            {"receivers/otlp": "x"},
            {"exporters/debug": ["detailed"]},
            {"processors/batch": True},
            {"receivers/file_log/include": {"a": "b"}},
            {"processors/tail_sampling/policies": {"name": "a"}},
            {"processors/k8s_attributes/passthrough": "yes"},
            {"exporters/debug/sampling_initial": [5]},
            {"service/telemetry/logs": "debug"},
            {"extensions/health_check/endpoint": 13133},
        ],
    ),
    *all_of(
        "invalid-duration",
        [
            {"processors/batch/timeout": "5"},
            {"processors/batch/timeout": "5 s"},
            {"processors/batch/timeout": "5sec"},
            {"processors/batch/timeout": "1d"},
            {"processors/batch/timeout": ""},
            {"exporters/otlp_grpc": {"endpoint": "x:1", "timeout": "10"}},
            {"exporters/otlp_grpc": {"endpoint": "x:1", "retry_on_failure": {"initial_interval": "a"}}},
            {"processors/tail_sampling": {"decision_wait": "10seconds"}},
            {"receivers/statsd/aggregation_interval": "60"},
            {"processors/memory_limiter": {"check_interval": "1", "limit_mib": 5}},
        ],
    ),
    *all_of(
        "memory-limiter-settings",
        [
            {"processors/memory_limiter": None},
            {"processors/memory_limiter": {"check_interval": "1s"}},
            {"processors/memory_limiter": {"limit_mib": 100}},
        ],
    ),
    *all_of(
        "missing-field",
        [
            {"receivers/otlp": {}},
            {"receivers/otlp": None},
            {"receivers/otlp": {"protocols": {}}},
            {"receivers/jaeger": None},
            {"receivers/jaeger": {"protocols": None}},
            {"service/pipelines/logs": {"receivers": ["file_log"], "exporters": OUT}, "receivers/file_log": {}},
            {"receivers/prometheus": {}},
            {"receivers/prometheus/config/scrape_configs": []},
            {"processors/attributes": {}},
            {"processors/attributes": {"actions": []}},
            {"processors/resource": None},
            {"exporters/otlp_grpc": None},
            {"exporters/otlp": {"tls": {"insecure": True}}},
            {"exporters/otlp_grpc": {"endpoint": ""}},
            {"exporters/otlp_http": {}},
            {"exporters/file": {}},
        ],
    ),
    *all_of(
        "unknown-value",
        [
            {"exporters/debug/verbosity": "verbose"},
            {"exporters/debug/verbosity": "none"},
            {
                PROCESSORS: ["attributes"],
                "processors/attributes/actions": [{"key": "a", "value": 1, "action": "replace"}],
            },
            {PROCESSORS: ["resource"], "processors/resource/attributes": [{"key": "a", "value": "b", "action": "set"}]},
            {"processors/filter/error_mode": "continue"},
            {"processors/transform/error_mode": "stop"},
            {"exporters/otlp_grpc": {"endpoint": "x:1", "compression": "brotli"}},
            {"exporters/otlp_http": {"endpoint": "http://x", "compression": "GZIP"}},
            {"service/telemetry/metrics/level": "high"},
            {"service/telemetry/logs/level": "trace"},
        ],
    ),
]

_CPU = {"scrapers": {"cpu": {}}}

CLOUD = [
    *all_of(
        "conflicting-settings",
        [{f"receivers/host_metrics~{root}": {"root_path": f"/{root}", **_CPU} for root in ("sys", "proc")}],
    ),
    *all_of(
        "lease-missing",
        [
            {"extensions/k8s_leader_elector": {"auth_type": "none"}},
            {"extensions/k8s_leader_elector": {"auth_type": "none", "lease_name": "a"}},
            {"extensions/k8s_leader_elector~a": {"auth_type": "none", "lease_name": "", "lease_namespace": "b"}},
        ],
    ),
    *all_of(
        "log-retention", [{"exporters/awsemf": {"region": "eu-west-1", "log_retention": days}} for days in (2, -1)]
    ),
]

BROKEN = [*EXPANSION, *MOVED, *FIELDS, *CLOUD]
