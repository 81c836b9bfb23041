# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sink sends many requests at once, and a size sink makes the batches of the user's exporter."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sink_queues import (
    batch_sinks,
    build_queue_of_size_sink,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.harness import build_harness
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.replaced_ends import ReplacedEnds

from tests.support.cases import cases

BATCH = {"min_size": 100, "flush_timeout": "1s"}


def queue_of_sink(otlp_http: str, processors: dict[str, Any]) -> Any:
    pipeline = {"receivers": ["otlp"], "processors": list(processors), "exporters": ["debug"]}
    config = {
        "receivers": {"otlp": {}},
        "processors": processors,
        "exporters": {"debug": {}},
        "service": {"pipelines": {"traces": pipeline}},
    }
    ends = ReplacedEnds("http://127.0.0.1:9", {"otlp": 1}, "/", otlp_http, is_replay=True)
    built = build_harness(config, ends)
    batch_sinks(built, ends)
    (sink,) = built.exporter_by_sink
    return built.config["exporters"][sink]["sending_queue"]


def test_a_sink_gets_many_requests_at_once_and_none_of_them_is_cut() -> None:
    queue = queue_of_sink("otlp_http", {})
    assert queue["batch"] == {"sizer": "bytes", "min_size": 1 << 18, "flush_timeout": "1h"}, "no `max_size`, which cuts"
    assert (queue["num_consumers"], queue["block_on_overflow"]) == (1, True), "in their order, and none is dropped"
    assert queue["sizer"] == "bytes" and queue["queue_size"] == 1 << 27


@cases(
    "otlp_http, processors",
    ("otlphttp", {}),  # of a version before batches in queues
    ("otlp_http", {"group_by_trace": {}}),  # whose end is seen by the number of requests
)
def test_a_sink_gets_each_request_by_itself_where_batches_do_not_do(otlp_http: str, processors: dict[str, Any]) -> None:
    assert queue_of_sink(otlp_http, processors) == {"enabled": False}


def test_a_size_sink_makes_the_same_batches_however_long_they_take() -> None:
    queue = {"sizer": "bytes", "queue_size": 10_000, "batch": BATCH, "storage": "file_storage", "wait_for_result": True}
    wanted = {"queue_size": 10**9, "num_consumers": 1, "block_on_overflow": True}
    assert build_queue_of_size_sink(queue) == {
        **wanted,
        "sizer": "bytes",
        "batch": {"min_size": 100, "flush_timeout": "1h"},
    }
    assert build_queue_of_size_sink({"batch": {}}) == {
        **wanted,
        "batch": {"flush_timeout": "1h"},
    }
    for other in ({"queue_size": 5}, {"enabled": False, "batch": BATCH}):
        assert build_queue_of_size_sink(other) == {"enabled": False}
