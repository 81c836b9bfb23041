# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small broken configs, each with the rule that must find what the real Collector refuses; and some that it takes."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

BASE: dict[str, Any] = {
    "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "localhost:4317"}}}},
    "exporters": {"debug": {}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
}
GONE = object()
Place = str


class Broken(NamedTuple):
    """A config and the rule that must refuse it; no rule: the Collector takes it, and so must every rule."""

    name: str
    rule: str
    config: Any
    operated: bool = False  # by an operator with a target allocator


def changed(changes: dict[Place, Any], base: Any = None) -> Any:
    """Return a copy of the small correct config with values at places, such as `service/pipelines/traces`."""
    config = copy.deepcopy(BASE if base is None else base)
    for place, value in changes.items():
        *around, last = (part.replace("~", "/") for part in place.split("/"))
        here = config
        for part in around:
            here = here.setdefault(part, {})
        if value is GONE:
            here.pop(last, None)
        else:
            here[last] = copy.deepcopy(value)
    return config


def _all(rule: str, rows: list[dict[Place, Any]]) -> list[Broken]:
    return [Broken(f"{rule} {number}: {'; '.join(row)}", rule, changed(row)) for number, row in enumerate(rows)]


T, METRICS, LOGS = (f"service/pipelines/{signal}" for signal in ("traces", "metrics", "logs"))
RECEIVERS, PROCESSORS, EXPORTERS = f"{T}/receivers", f"{T}/processors", f"{T}/exporters"


def connected(connectors: dict[str, Any], **pipelines: tuple[list[str], list[str]]) -> Any:
    """Return a config with connectors and pipelines, given as (receivers, exporters); `_` in a name is a slash."""
    return {
        **BASE,
        "connectors": connectors,
        "service": {
            "pipelines": {
                name.replace("_", "/"): {"receivers": ends[0], "exporters": ends[1]} for name, ends in pipelines.items()
            }
        },
    }


IN, OUT = ["otlp"], ["debug"]
SPANS: dict[str, Any] = {"span_metrics": {}}


def routing(*pipelines: str) -> dict[str, Any]:
    """Return a routing connector to pipelines."""
    return {
        "routing": {"default_pipelines": list(pipelines), "table": [{"condition": "true", "pipelines": ["traces/2"]}]}
    }


STRUCTURE = [
    *_all("unknown-section", [{"receiver": {}}, {"pipelines": {}}, {"telemetry": {}}, {"extension": {"zpages": {}}}]),
    *_all(
        "unknown-key",
        [
            {"service/pipeline": {}},
            {"service/receivers": ["otlp"]},
            {f"{T}/connectors": []},
            {f"{T}/exporter": ["debug"]},
            {"service/extension": []},
        ],
    ),
    *_all(
        "not-a-mapping",
        [
            {"receivers": ["otlp"]},
            {"exporters": "debug"},
            {"processors": 5},
            {"extensions": ["zpages"]},
            {"connectors": ["routing"]},
            {"service/telemetry": "on"},
            {"service/pipelines": ["traces"]},
            {T: ["otlp", "debug"]},
            {"service": "x"},
        ],
    ),
    *_all(
        "not-a-list",
        [
            {RECEIVERS: {"otlp": None}},
            {EXPORTERS: {"debug": {}}},
            {EXPORTERS: [{"debug": {}}]},
            {RECEIVERS: [5]},
            {"service/extensions": {"zpages": {}}, "extensions/zpages": {}},
        ],
    ),
    *_all(
        "invalid-id",
        [
            {"receivers/otlp-2": {}},
            {"receivers/2otlp": {}},
            {"exporters/debug~": {}},
            {"exporters/debug~a b": {}},
            {"processors/batch~a+b": {}},
            {"processors/_batch": {}},
            {"extensions/z.pages": {}},
            {"connectors/routing~a$b": {}},
            {f"receivers/{'a' * 64}": {}},
            {"receivers/~otlp": {}},
        ],
    ),
    *_all(
        "invalid-pipeline-key",
        [
            {"service/pipelines/trace": {"receivers": IN, "exporters": OUT}},
            {"service/pipelines/spans": {"receivers": IN, "exporters": OUT}},
            {"service/pipelines/traces~": {"receivers": IN, "exporters": OUT}},
            {"service/pipelines/Traces": {"receivers": IN, "exporters": OUT}},
            {"service/pipelines/logs~a b": {"receivers": IN, "exporters": OUT}},
        ],
    ),
]
REFERENCES = [
    *_all(
        "undefined-reference",
        [
            {RECEIVERS: ["jaeger"]},
            {EXPORTERS: ["debug", "debug/2"]},
            {PROCESSORS: ["batch"]},
            {RECEIVERS: ["debug"]},
            {EXPORTERS: ["otlp"]},
            {"service/extensions": ["zpages"]},
            {"service/extensions": ["zpages/2"], "extensions/zpages": {}},
            {EXPORTERS: ["span_metrics"], "connectors": {"span_metrics/2": {}}},
            {EXPORTERS: ["spanmetrics"], "connectors": SPANS},
            {RECEIVERS: ["otlp", "filelog"], "receivers/file_log": {"include": ["/x"]}},
            {PROCESSORS: ["otlp"]},
        ],
    ),
    *_all("duplicate-processor", [{PROCESSORS: ["batch", "batch"], "processors": {"batch": None}}]),
    *_all(
        "duplicate-processor",
        [{PROCESSORS: ["batch/a", "batch", "batch/a"], "processors": {"batch": None, "batch/a": None}}],
    ),
    *_all("no-components", [{"receivers": GONE}, {"exporters": GONE}, {"receivers": None}, {"exporters": {}}]),
    *_all(
        "no-pipelines",
        [
            {"service/pipelines": {}},
            {"service/pipelines": GONE},
            {"service": GONE},
            {"service": None},
            {RECEIVERS: []},
            {EXPORTERS: []},
            {RECEIVERS: GONE},
            {EXPORTERS: None},
            {"service/pipelines/logs": None},
            {"service/pipelines/logs": {}},
            {"service/pipelines/logs": {"processors": []}},
        ],
    ),
    Broken(
        "undefined-pipeline: none",
        "undefined-pipeline",
        connected(routing("traces/9"), traces=(IN, ["routing"]), traces_2=(["routing"], OUT)),
    ),
    Broken(
        "undefined-pipeline: not from it",
        "undefined-pipeline",
        connected(routing("traces/3"), traces=(IN, ["routing"]), traces_2=(["routing"], OUT), traces_3=(IN, OUT)),
    ),
]
TYPES = [
    *_all(
        "unknown-component",
        [
            {"receivers/nosuch": {}},
            {"processors/nosuch": {}},
            {"exporters/nosuch": {}},
            {"connectors/nosuch": {}},
            {"extensions/nosuch": {}},
            {"receivers/kafka": {}},
            {"processors/span": {}},
            {"exporters/kafka": {}},
            {"connectors/forward": {}},
            {"extensions/pprof": {}},
            {"exporters/datadog": {}},
            {"receivers/OTLP": {}},
            {"receivers/redis~cache": {}},
            {"extensions/oauth2client": {}},
            {"connectors/count": {}},
        ],
    ),
    *_all(
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
    *_all(
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
    *_all(
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
EXPANSION = [
    *_all(
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
    *_all(
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
    *_all(
        "removed-setting",
        [
            {"service/telemetry/metrics/address": ":8888"},
            {"exporters/otlp_grpc": {"endpoint": "x:4317", "batcher": {"enabled": True}}},
            {"exporters/otlp": {"endpoint": "x:4317", "batcher": {}}},
            {"exporters/otlp_http": {"endpoint": "http://x", "batcher": {}}},
            {"exporters/otlphttp": {"endpoint": "http://x", "sending_queue": {"blocking": True}}},
            {"exporters/otlp_grpc": {"endpoint": "x:4317", "sending_queue": {"blocking": False}}},
            {"exporters/debug/loglevel": "debug"},
        ],
    ),
]
FIELDS = [
    *_all(
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
    *_all(
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
    *_all(
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
    *_all(
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
            {"processors/memory_limiter": None},
            {"processors/memory_limiter": {"check_interval": "1s"}},
            {"processors/memory_limiter": {"limit_mib": 100}},
            {"exporters/otlp_grpc": None},
            {"exporters/otlp": {"tls": {"insecure": True}}},
            {"exporters/otlp_grpc": {"endpoint": ""}},
            {"exporters/otlp_http": {}},
            {"exporters/file": {}},
        ],
    ),
    *_all(
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
            {"service/telemetry/metrics/level": "high"},
            {"service/telemetry/logs/level": "trace"},
        ],
    ),
]
_TAKEN = _all(
    "",
    [
        {},
        {"exporters/debug": None},
        {"receivers/file_log": {}},
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
BROKEN = [*STRUCTURE, *REFERENCES, *TYPES, *CONNECTORS, *EXPANSION, *MOVED, *FIELDS]
