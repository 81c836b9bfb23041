# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on connectors."""

from __future__ import annotations

from typing import Any

from .builds import NOW, on
from .cases import Case

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

CASES = [
    Case(
        "one-sided-connector",
        "it only ends one",
        joined("forward", traces=(IN, ["forward"])),
        "service.pipelines.traces.exporters[0]",
        "connector 'forward' stands among exporters only List it in the receivers of the pipeline that it leads to.",
    ),
    Case(
        "one-sided-connector",
        "it only starts one",
        joined("forward", traces=(["forward"], OUT)),
        "service.pipelines.traces.receivers[0]",
        "it leads from",
    ),
    Case("one-sided-connector", "both", SPANS),
    Case(
        "unsupported-connection",
        "traces to logs",
        joined("span_metrics", traces=(IN, SPAN), logs=(SPAN, OUT), metrics=(SPAN, OUT)),
        "service.pipelines.logs.receivers[0]",
        "connector 'span_metrics' leads to logs from no pipeline of a signal that it supports It has no way to logs.",
        NOW,
    ),
    Case(
        "unsupported-connection",
        "logs beside traces",
        TO_TRACES,
        "service.pipelines.logs.exporters[0]",
        "It has no way from logs.",
        NOW,
    ),
    Case(
        "unsupported-connection",
        "a version that is judged by another",
        TO_TRACES,
        "service.pipelines.logs.exporters[0]",
        "nearest that is known",
        on("contrib", "0.170.0"),
    ),
    Case("unsupported-connection", "supported", SPANS, more=NOW),
    Case(
        "unsupported-connection",
        "an unsupported pair beside supported ones is skipped",
        joined(
            "forward",
            traces=(IN, ["forward"]),
            traces_2=(["forward"], OUT),
            logs=(IN, ["forward"]),
            logs_2=(["forward"], OUT),
        ),
        more=NOW,
    ),
    Case("unsupported-connection", "a connector that nobody knows", joined("x", traces=(["x"], ["x"])), more=NOW),
    Case("unsupported-connection", "no build", TO_TRACES),
    Case(
        "connector-cycle",
        "with itself",
        ROUND,
        "service.pipelines.traces.exporters[0]",
        "pipelines lead back to themselves: traces → traces",
    ),
    Case(
        "connector-cycle",
        "through three",
        joined(
            "a",
            "b",
            "c",
            traces=(["otlp", "c"], ["a"]),
            traces_2=(["a"], ["debug", "b"]),
            traces_3=(["b"], ["c"]),
            traces_4=(["a"], OUT),
        ),
        "service.pipelines.traces.exporters[0]",
        "traces → traces/2 → traces/3 → traces",
    ),
    Case(
        "connector-cycle",
        "two ways to one end",
        joined("a", "b", traces=(IN, ["a", "b"]), traces_2=(["a"], ["b"]), traces_3=(["b"], OUT)),
    ),
    Case(
        "connector-cycle",
        "a pair that is skipped closes none",
        joined("span_metrics", traces=(IN, ["span_metrics"]), metrics=(["span_metrics"], ["span_metrics"])),
        more=NOW,
    ),
    Case("connector-cycle", "none", SPANS),
]
