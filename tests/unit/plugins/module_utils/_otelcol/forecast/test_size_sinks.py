# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside each sink stands an exporter that sends as the user's exporter does."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.size_sinks import (
    add_size_sinks,
    batch_sinks,
    exporter_of_size_sink,
    name_size_sink,
    sends_otlp,
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


def beside(exporter: str, settings: dict[str, Any]) -> dict[str, Any]:
    config = {
        "receivers": {"otlp": {}},
        "exporters": {exporter: settings},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": [exporter]}}},
    }
    ends = ReplacedEnds("http://127.0.0.1:9", {"otlp": 1}, "/", is_replay=True)
    built = build_harness(config, ends)
    add_size_sinks(built.config, ends, config, built.exporter_by_sink)
    (sink,) = built.exporter_by_sink
    pipeline = built.config["service"]["pipelines"]["traces"]
    assert pipeline["exporters"] == [sink, f"{sink}_size"]
    found: dict[str, Any] = built.config["exporters"][f"{sink}_size"]
    return found


@cases(
    "exporter, settings, compression",
    ("otlp_grpc/a", {}, "gzip"),
    ("otlp_http", {"compression": "zstd"}, "zstd"),
    ("otlp", {"compression": "none"}, "none"),
    ("kafka", {"compression": "none"}, "gzip"),
)
def test_it_compresses_as_the_exporter_does(exporter: str, settings: dict[str, Any], compression: str) -> None:
    assert beside(exporter, settings)["compression"] == compression


def test_it_makes_the_same_batches_however_long_they_take() -> None:
    queue = {"sizer": "bytes", "queue_size": 10_000, "batch": BATCH, "storage": "file_storage", "wait_for_result": True}
    wanted = {"queue_size": 10**9, "num_consumers": 1, "block_on_overflow": True}
    assert beside("otlp_grpc", {"sending_queue": queue})["sending_queue"] == {
        **wanted,
        "sizer": "bytes",
        "batch": {"min_size": 100, "flush_timeout": "1h"},
    }
    assert beside("otlp_grpc", {"sending_queue": {"batch": {}}})["sending_queue"] == {
        **wanted,
        "batch": {"flush_timeout": "1h"},
    }
    for other in ({"queue_size": 5}, {"enabled": False, "batch": BATCH}):
        assert beside("otlp_grpc", {"sending_queue": other})["sending_queue"] == {"enabled": False}


def test_it_encodes_as_the_exporter_does() -> None:
    own = {"encoding": "json", "compression_params": {"level": 9}}
    assert own.items() <= beside("otlp_http", own).items()


def test_the_bytes_of_an_exporter_come_under_its_own_name() -> None:
    assert beside("otlp_grpc/a", {})["endpoint"] == "http://127.0.0.1:9/size%20of%20otlp_grpc%2Fa"
    assert exporter_of_size_sink(name_size_sink("otlp_grpc/a")) == "otlp_grpc/a"
    assert exporter_of_size_sink("otlp_grpc/a") == ""
    assert [sends_otlp(one) for one in ("otlp", "load_balancing", "kafka", "debug")] == [True, True, False, False]
