# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken shapes and references, each with the rule that must find what the real Collector refuses."""

from __future__ import annotations

from .real_collector_cases import (
    EXPORTERS,
    GONE,
    IN,
    OUT,
    PROCESSORS,
    RECEIVERS,
    SPANS,
    Broken,
    T,
    all_of,
    connected,
    routing,
)

STRUCTURE = [
    *all_of("unknown-section", [{"receiver": {}}, {"pipelines": {}}, {"telemetry": {}}, {"extension": {"zpages": {}}}]),
    *all_of(
        "unknown-key",
        [
            {"service/pipeline": {}},
            {"service/receivers": ["otlp"]},
            {f"{T}/connectors": []},
            {f"{T}/exporter": ["debug"]},
            {"service/extension": []},
        ],
    ),
    *all_of(
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
    *all_of(
        "not-a-list",
        [
            {RECEIVERS: {"otlp": None}},
            {EXPORTERS: {"debug": {}}},
            {EXPORTERS: [{"debug": {}}]},
            {RECEIVERS: [5]},
            {"service/extensions": {"zpages": {}}, "extensions/zpages": {}},
        ],
    ),
    *all_of(
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
    *all_of(
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
    *all_of(
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
    *all_of("duplicate-processor", [{PROCESSORS: ["batch", "batch"], "processors": {"batch": None}}]),
    *all_of(
        "duplicate-processor",
        [{PROCESSORS: ["batch/a", "batch", "batch/a"], "processors": {"batch": None, "batch/a": None}}],
    ),
    *all_of("no-components", [{"receivers": GONE}, {"exporters": GONE}, {"receivers": None}, {"exporters": {}}]),
    *all_of(
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

BROKEN = [*STRUCTURE, *REFERENCES]
