# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs that look odd, and that the real Collector takes."""

from __future__ import annotations

from .real_collector_cases import IN, OUT, PROCESSORS, RECEIVERS, SPANS, Broken, all_of, connected, routing

_TAKEN = all_of(
    "",
    [
        {},
        {"exporters/debug": None},
        {"receivers/file_log": {}},
        {
            f"receivers/host_metrics~{number}": {"root_path": root, "scrapers": {"cpu": {}}}
            for number, root in enumerate(("/", "/sys", "", "/sys"))
        },
        {"processors/attributes/actions": [{"key": "a", "value": 1, "action": "replace"}]},
        {"service/telemetry/logs/encoding": "text"},
        {"exporters/debug/verbosity": "Detailed"},
        {"exporters/debug/verbosity": "${env:NOT_SET:-basic}"},
        {"exporters/debug/verbosity": "${NOT_SET}"},
        {"exporters/debug/verbosity": "${env:NOT_SET:-${env:NEITHER:-normal}}"},
        {"processors/batch/send_batch_size": "${env:NOT_SET:-100}"},
        {"processors/batch/timeout": 0},
        {"processors/batch/timeout": "0"},
        {"processors/batch/timeout": "1.5s"},
        {"processors/batch/timeout": "1m30s"},
        {"processors/batch/send_batch_size": 100.0},
        {"processors/resource/attributes": [{"key": "a", "value": "$$x $1 ${env:NOT_SET}", "action": "UPSERT"}]},
        {"processors/resource/attributes": [{"key": "a", "value": "$${1} ${1}", "action": "upsert"}]},
        {"processors/resource/attributes": [{"key": "a", "value": "} ${env:X}", "action": "upsert"}]},
        {"processors/resource/attributes": [{"key": "a", "value": "${ no end", "action": "upsert"}]},
        {"receivers/otlp~a": {"protocols": {"http": None}}},
        {"receivers/otlp~ä": {"protocols": {"http": None}}},
        {"exporters/otlp": {"endpoint": "x:4317", "tls": {"insecure": True}}},
        {"exporters/otlp": {"endpoint": "x:4317", "sending_queue": {"enabled": False}}},
        {"exporters/otlp": {"endpoint": "x:4317", "tls::insecure": True}},
        {"exporters/otlp_http": {"traces_endpoint": "http://x"}},
        {"exporters/otlp_http": {"endpoint": "http://x", "headers": {"a": "b"}}},
        {"exporters/otlp_http": {"endpoint": "http://x", "headers": [{"name": "a", "value": "b"}]}},
        {"service/telemetry/metrics/level": "NONE"},
        {"service/telemetry/logs/level": "WARN"},
        {"service/telemetry/logs/level": "error"},
        {"service/telemetry/resource": {"service.name": "x", "host.name": None}},
        {"service/telemetry/metrics/readers": [{"pull": {"exporter": {"prometheus": {"host": "x", "port": 8888}}}}]},
        {"service/extensions": ["zpages"], "extensions/zpages": None},
        {"service/extensions": None},
        {RECEIVERS: ["otlp", "otlp"]},
        {RECEIVERS: ["otlp "]},
        {"service/pipelines/traces ~ a": {"receivers": IN, "exporters": OUT}},
        {"service/telemetry/logs/level": ""},
        {"service/telemetry/logs/level": 1},
        {"exporters/otlp": {"endpoint": "x:4317", "compression": "none"}},
        {"exporters/otlp": {"endpoint": "x:4317", "compression": ""}},
        {PROCESSORS: None},
        {"receivers/host_metrics/scrapers/cpu": None},
        {"processors/memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20}},
        {"processors/transform/trace_statements": ['set(span.attributes["a"], "b")']},
        {"processors/transform/trace_statements": [{"context": "span", "statements": ['set(attributes["a"], "b")']}]},
        {"processors/filter/traces/span": ['attributes["a"] == "b"']},
        {"processors/filter/trace_conditions": ['span.attributes["a"] == "b"']},
        {"receivers/file_log": {"include": ["/x"], "operators": [{"type": "json_parser"}], "start_at": "beginning"}},
        {"exporters/otlphttp": {"endpoint": "http://x", "compression": "zstd", "timeout": "1h"}},
        {"connectors/spanmetrics": {"histogram": {"explicit": {"buckets": ["1ms", "10ms"]}}}},
        {"processors/k8sattributes": {"extract": {"labels": [{"tag_name": "a", "key": "b", "from": "pod"}]}}},
    ],
)
ACCEPTED = [
    *_TAKEN,
    Broken("span_metrics", "", connected(SPANS, traces=(IN, ["span_metrics"]), metrics=(["span_metrics"], OUT))),
    Broken("routing", "", connected(routing("traces/2"), traces=(IN, ["routing"]), traces_2=(["routing"], OUT))),
    Broken(
        "an unsupported pair beside supported ones",
        "",
        connected(
            {
                "routing": {
                    "default_pipelines": ["traces/2"],
                    "table": [{"condition": "true", "pipelines": ["traces/2"]}],
                }
            },
            traces=(IN, ["routing"]),
            traces_2=(["routing"], OUT),
        ),
    ),
]
