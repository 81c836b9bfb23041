# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a trace takes of a real Collector's heap, before and after the decision of tail_sampling.

The rule traces-above-memory counts with less than this, so that it warns of no sampler that has the memory it needs.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.memory_sizes import (
    DECIDED_TRACE_BYTES,
    TRACE_BYTES,
)

from tests.support.cluster import wait_until

from .test_batches import PATIENCE, running
from .test_monitoring import free
from .test_real_collector import program, target  # noqa: F401 - fixtures

TRACES, REQUEST = 40_000, 1000
HOST = "127.0.0.1"
KEPT = "otelcol_processor_tail_sampling_sampling_traces_on_memory"
DECIDED = "otelcol_processor_tail_sampling_global_count_traces_sampled"
HEAP = "otelcol_process_runtime_heap_alloc_bytes"


def config(ports: dict[str, int], wait: str) -> dict[str, Any]:
    policies = [{"name": "all", "type": "always_sample"}]
    reader = {"pull": {"exporter": {"prometheus": {"host": HOST, "port": ports["8888"]}}}}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{HOST}:{ports['4318']}"}}}},
        "processors": {"tail_sampling": {"decision_wait": wait, "num_traces": TRACES, "policies": policies}},
        "exporters": {"nop": None},
        "service": {
            "telemetry": {"metrics": {"readers": [reader]}},
            "pipelines": {"traces": {"receivers": ["otlp"], "processors": ["tail_sampling"], "exporters": ["nop"]}},
        },
    }


def send(port: int, first: int) -> None:
    """Send traces of one span with two attributes."""
    attributes = [{"key": key, "value": {"stringValue": "/orders"}} for key in ("http.route", "url.path")]
    spans = [
        {"traceId": f"{one + 1:032x}", "spanId": f"{one + 1:016x}", "name": "GET", "attributes": attributes}
        for one in range(first, first + REQUEST)
    ]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(f"http://{HOST}:{port}/v1/traces", body, headers), timeout=PATIENCE
    ):
        pass


def metric(port: int, name: str) -> float:
    """Return the value of one of the Collector's own metrics, 0 before there is one."""
    with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=PATIENCE) as response:
        found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", response.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize(
    ("wait", "counted", "least"),
    [("600s", KEPT, TRACE_BYTES), ("1s", DECIDED, DECIDED_TRACE_BYTES)],
    ids=["waiting", "decided"],
)
def test_a_trace_takes_more_than_the_rule_says(
    program: Path,  # noqa: F811
    tmp_path: Path,
    wait: str,
    counted: str,
    least: int,
) -> None:
    ports = free(HOST, ("4318", "8888"))
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config(ports, wait)), encoding="utf-8")
    # Nearly all of the heap is in use when so little garbage ends in a collection.
    with running(program, file, ports["4318"], GOGC="5"):
        before = min(metric(ports["8888"], HEAP) for _ in range(50))
        for first in range(0, TRACES, REQUEST):
            send(ports["4318"], first)
        wait_until("all traces", lambda: metric(ports["8888"], counted) == TRACES, PATIENCE)

        def each() -> float:
            return (metric(ports["8888"], HEAP) - before) / TRACES

        # Garbage makes a trace larger, which proves less but nothing wrong.
        lowest, end = each(), time.monotonic() + PATIENCE
        while lowest > 2 * least and time.monotonic() < end:
            lowest = min(lowest, each())
        lowest = min(lowest, *(each() for _ in range(200)))
    print(f"{lowest:.0f} bytes of a trace")
    assert lowest > least
