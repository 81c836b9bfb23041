# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on the order of processors, and on connectors."""

from __future__ import annotations

from typing import Any

from .builds import NOW, on
from .cases import Table
from .shapes import Json, running

IN, OUT, SPAN = ["otlp"], ["debug"], ["span_metrics"]


def joined(*connectors: str, **pipelines: tuple[list[str], list[str]]) -> dict[str, Any]:
    """Return a config with connectors and pipelines of (receivers, exporters); `_` in a name is a slash."""
    return {
        "receivers": {"otlp": {}},
        "exporters": {"debug": {}},
        "connectors": {name: {} for name in connectors},
        "service": {
            "pipelines": {
                name.replace("_", "/"): {"receivers": ends[0], "exporters": ends[1]} for name, ends in pipelines.items()
            }
        },
    }


ROUND = joined("forward", traces=(["otlp", "forward"], ["forward"]))
SPANS = joined("span_metrics", traces=(IN, ["span_metrics"]), metrics=(["span_metrics"], OUT))
TO_TRACES = joined(
    "span_metrics", traces=(IN, ["span_metrics"]), metrics=(["span_metrics"], OUT), logs=(IN, ["span_metrics"])
)

CASES: Table = {
    "one-sided-connector": {
        "it only ends one": (
            joined("forward", traces=(IN, ["forward"])),
            "service.pipelines.traces.exporters[0]: connector 'forward' is listed among exporters only List it "
            "in the receivers of a pipeline that it sends to.",
        ),
        "it only starts one": (
            joined("forward", traces=(["forward"], OUT)),
            "service.pipelines.traces.receivers[0]: it receives from",
        ),
        "both": SPANS,
    },
    "unsupported-connection": {
        "traces to logs": (
            joined("span_metrics", traces=(IN, SPAN), logs=(SPAN, OUT), metrics=(SPAN, OUT)),
            "service.pipelines.logs.receivers[0]: connector 'span_metrics' leads to logs from no pipeline of a "
            "signal that it supports It has no way to logs.",
            NOW,
        ),
        "logs beside traces": (TO_TRACES, "service.pipelines.logs.exporters[0]: It has no way from logs.", NOW),
        "a version that is judged by another": (
            TO_TRACES,
            "service.pipelines.logs.exporters[0]: nearest known version",
            on("contrib", "0.170.0"),
        ),
        "supported": (SPANS, "", NOW),
        "an unsupported pair beside supported ones is skipped": (
            joined(
                "forward",
                traces=(IN, ["forward"]),
                traces_2=(["forward"], OUT),
                logs=(IN, ["forward"]),
                logs_2=(["forward"], OUT),
            ),
            "",
            NOW,
        ),
        "a connector that nobody knows": (joined("x", traces=(["x"], ["x"])), "", NOW),
        "no build": TO_TRACES,
    },
    "connector-cycle": {
        "with itself": (ROUND, "service.pipelines.traces.exporters[0]: pipelines form a cycle: traces → traces"),
        "through three": (
            joined(
                "a",
                "b",
                "c",
                traces=(["otlp", "c"], ["a"]),
                traces_2=(["a"], ["debug", "b"]),
                traces_3=(["b"], ["c"]),
                traces_4=(["a"], OUT),
            ),
            "service.pipelines.traces.exporters[0]: traces → traces/2 → traces/3 → traces",
        ),
        "two ways to one end": joined(
            "a", "b", traces=(IN, ["a", "b"]), traces_2=(["a"], ["b"]), traces_3=(["b"], OUT)
        ),
        "a pair that is skipped closes none": (
            joined("span_metrics", traces=(IN, ["span_metrics"]), metrics=(["span_metrics"], ["span_metrics"])),
            "",
            NOW,
        ),
        "none": SPANS,
    },
}


SENDER = {"otlp_grpc": {"endpoint": "gateway:4317"}}
TRACES = "service.pipelines.traces"
BY_UID = {"pod_association": [{"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]}]}


def pipeline(*processors: str, exporters: Any = None, **settings: Any) -> Json:
    found = {name: settings.get(name.replace("/", "_")) for name in processors}
    return running(processors=found, exporters=SENDER if exporters is None else exporters)


CASES |= {
    "memory-limiter-missing": {
        "none": (pipeline("batch"), f"{TRACES}: 'traces' has no memory_limiter Put `memory_limiter` first"),
        "one": pipeline("memory_limiter"),
        "one with a name": pipeline("batch", "memory_limiter/two"),
        "only tried out": pipeline(exporters={"debug": None, "file/2": {}}),
        "as an extension": {**running(exporters=SENDER, extensions={"memory_limiter": {}})},
        "behind a connector": {
            "connectors": {"forward": {}},
            "service": {"pipelines": {"traces": {"receivers": ["forward"], "exporters": ["zipkin"]}}},
        },
        "processors that a file names": {
            "service": {"pipelines": {"traces": {"receivers": ["a"], "processors": "${file:p}", "exporters": ["b"]}}}
        },
    },
    "memory-limiter-late": {
        "second": (
            pipeline("batch", "memory_limiter"),
            f"{TRACES}.processors[1]: 'memory_limiter' comes after 'batch' Put it first",
        ),
        "first": pipeline("memory_limiter", "batch"),
    },
    "batch-missing": {
        "each request alone": (
            pipeline("memory_limiter"),
            f"{TRACES}: sends to 'otlp_grpc' without batches Add `batch` as the last processor, or "
            "`sending_queue: {batch: {}}`",
        ),
        "a processor": pipeline("batch/small"),
        "in the queue": pipeline(exporters={"otlphttp": {"sending_queue": {"batch": {}}}}),
        "as older versions have it": pipeline(exporters={"otlp": {"batcher": {"enabled": True}}}),
        "one that needs none": pipeline(exporters={"prometheus": {}, "debug": {}}),
    },
    "batch-early": {
        "before a sampler": (
            pipeline("batch", "tail_sampling"),
            f"{TRACES}.processors[0]: 'batch' comes before 'tail_sampling': it splits batches",
        ),
        "before a filter": (
            pipeline("memory_limiter", "batch/a", "filter/health"),
            f"{TRACES}.processors[1]: Move 'batch/a' to the end of the processors.",
        ),
        "another after the sampler": pipeline("batch", "tail_sampling", "batch/2"),
        "before a change of attributes": pipeline("batch", "attributes"),
    },
    "connection-forgotten": {
        "behind the batch": (
            pipeline("memory_limiter", "batch", "k8s_attributes"),
            f"{TRACES}.processors[2]: which the earlier 'batch' drops Move 'k8s_attributes' before 'batch'.",
        ),
        "the old name, behind sampling": (
            pipeline("tail_sampling", "k8sattributes/x"),
            f"{TRACES}.processors[1]: which the earlier 'tail_sampling' drops",
        ),
        "before both": pipeline("k8s_attributes", "tail_sampling", "batch"),
        "by attribute": pipeline("batch", "k8s_attributes", k8s_attributes=BY_UID),
    },
}
