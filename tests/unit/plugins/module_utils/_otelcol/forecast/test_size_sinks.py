# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside each sink stands an exporter that sends as the user's exporter does."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.size_sinks import (
    add_size_sinks,
    exporter_of_size_sink,
    name_size_sink,
    sends_otlp,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.harness import build_harness
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.replaced_ends import ReplacedEnds

from tests.support.cases import cases


def beside(exporter: str, settings: dict[str, Any]) -> dict[str, Any]:
    config = {
        "receivers": {"otlp": {}},
        "exporters": {exporter: settings},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": [exporter]}}},
    }
    ends = ReplacedEnds("http://127.0.0.1:9", {"otlp": 1}, "/", is_replay=True)
    built = build_harness(config, ends)
    add_size_sinks(built, ends, config)
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


def test_it_encodes_as_the_exporter_does() -> None:
    own = {"encoding": "json", "compression_params": {"level": 9}}
    assert own.items() <= beside("otlp_http", own).items()


def test_it_makes_batches_if_the_exporter_does() -> None:
    assert beside("otlp_grpc", {"sending_queue": {"batch": {"min_size": 100}}})["sending_queue"]["batch"] == {
        "min_size": 100,
        "flush_timeout": "1h",
    }
    assert beside("otlp_grpc", {})["sending_queue"] == {"enabled": False}


def test_the_bytes_of_an_exporter_come_under_its_own_name() -> None:
    assert beside("otlp_grpc/a", {})["endpoint"] == "http://127.0.0.1:9/size%20of%20otlp_grpc%2Fa"
    assert exporter_of_size_sink(name_size_sink("otlp_grpc/a")) == "otlp_grpc/a"
    assert exporter_of_size_sink("otlp_grpc/a") == ""
    assert [sends_otlp(one) for one in ("otlp", "load_balancing", "kafka", "debug")] == [True, True, False, False]
