# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each step on the smallest config that needs it, as data; what they do to text is tested with the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.catalogue import Catalogue
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.view import Target
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.migrate.edits import (
    Change,
    Unsolved,
    apply,
    same,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.migrate.steps import STEPS

TABLES = Path(__file__).parents[6] / "plugins" / "plugin_utils" / "_data" / "catalogue"
CATALOGUE = Catalogue.from_tables({file.stem: json.loads(file.read_text()) for file in TABLES.glob("*.json")})


def moved(config: Any, version: str = "0.158.0", distribution: str = "contrib") -> tuple[Any, list[Unsolved]]:
    target = Target(CATALOGUE, distribution, version)
    left = []
    for step in STEPS:
        found = list(step(config, target))
        left += [one for one in found if isinstance(one, Unsolved)]
        for one in found:
            if isinstance(one, Change):
                assert one.what
                assert one.why
        config = apply(config, [edit for one in found if isinstance(one, Change) for edit in one.edits])
    return config, left


def exporter(kind: str, settings: Any = None) -> dict[str, Any]:
    return {"exporters": {kind: settings}}


def metrics(settings: dict[str, Any]) -> dict[str, Any]:
    return {"service": {"telemetry": {"metrics": settings}}}


def reader(host: str, port: Any) -> dict[str, Any]:
    return metrics({"readers": [{"pull": {"exporter": {"prometheus": {"host": host, "port": port}}}}]})


QUEUE = {"batch": {"flush_timeout": "5s", "min_size": 1}}
PUSH = "https://host/loki/api/v1/push"
STEPS_TAKEN: list[tuple[str, str, Any, Any]] = [
    (
        "a variable",
        "0.158.0",
        exporter("file", {"path": "$DIR/$$DIR/${C}"}),
        exporter("file", {"path": "${env:DIR}/$$DIR/${C}"}),
    ),
    ("a variable of then", "0.103.0", exporter("file", {"path": "$DIR"}), exporter("file", {"path": "$DIR"})),
    (
        "the end of a pattern",
        "0.158.0",
        exporter("file", {"path": "^a$ $1 $name $\\$END"}),
        exporter("file", {"path": "^a$ $1 $name $\\$END"}),
    ),
    ("logging", "0.158.0", exporter("logging"), exporter("debug")),
    ("logging info", "0.158.0", exporter("logging", {"loglevel": "info"}), exporter("debug", {"verbosity": "normal"})),
    ("logging warn", "0.158.0", exporter("logging", {"loglevel": "warn"}), exporter("debug", {"verbosity": "basic"})),
    (
        "logging with both",
        "0.158.0",
        exporter("logging/a", {"loglevel": "debug", "verbosity": "normal", "sampling_initial": 5}),
        exporter("debug/a", {"verbosity": "normal", "sampling_initial": 5}),
    ),
    ("logging of then", "0.110.0", exporter("logging"), exporter("logging")),
    (
        "jaeger",
        "0.158.0",
        exporter("jaeger", {"endpoint": "j:4317"}),
        exporter("otlp_grpc/jaeger", {"endpoint": "j:4317"}),
    ),
    (
        "jaeger then",
        "0.140.0",
        exporter("jaeger", {"endpoint": "j:4317"}),
        exporter("otlp/jaeger", {"endpoint": "j:4317"}),
    ),
    (
        "jaeger_thrift",
        "0.158.0",
        exporter("jaeger_thrift", {"endpoint": "http://j:4318/"}),
        exporter("otlp_http/jaeger_thrift", {"endpoint": "http://j:4318/"}),
    ),
    (
        "loki",
        "0.158.0",
        exporter("loki/a", {"endpoint": PUSH, "default_labels_enabled": {"exporter": False}}),
        exporter("otlp_http/a", {"endpoint": "https://host/otlp"}),
    ),
    ("loki of then", "0.130.0", exporter("loki", {"endpoint": PUSH}), exporter("loki", {"endpoint": PUSH})),
    ("stackdriver", "0.158.0", exporter("stackdriver"), exporter("googlecloud")),
    ("address", "0.158.0", metrics({"address": "0.0.0.0:8888"}), reader("0.0.0.0", 8888)),
    ("address without host", "0.158.0", metrics({"address": ":8888"}), reader("0.0.0.0", 8888)),
    ("address of a pod", "0.158.0", metrics({"address": "${env:IP}:${env:P}"}), reader("${env:IP}", "${env:P}")),
    ("address of then", "0.110.0", metrics({"address": ":8888"}), metrics({"address": ":8888"})),
    (
        "address beside readers",
        "0.158.0",
        metrics({"address": ":8888", "readers": [1]}),
        metrics({"readers": [1]}),
    ),
    (
        "batcher",
        "0.158.0",
        exporter("file", {"batcher": {"enabled": True, "flush_timeout": "5s", "min_size_items": 1}}),
        exporter("file", {"sending_queue": QUEUE}),
    ),
    (
        "batcher beside a queue",
        "0.158.0",
        exporter("file", {"batcher": {"flush_timeout": "5s", "min_size": 1}, "sending_queue": {"queue_size": 2}}),
        exporter("file", {"sending_queue": {"queue_size": 2, **QUEUE}}),
    ),
    (
        "batcher beside an empty queue",
        "0.158.0",
        exporter("file", {"batcher": {"flush_timeout": "5s", "min_size": 1}, "sending_queue": None}),
        exporter("file", {"sending_queue": QUEUE}),
    ),
    ("batcher that is off", "0.158.0", exporter("file", {"batcher": {"enabled": False}}), exporter("file", {})),
    ("batcher of then", "0.129.0", exporter("file", {"batcher": {}}), exporter("file", {"batcher": {}})),
    (
        "blocking",
        "0.158.0",
        exporter("file", {"sending_queue": {"blocking": True}}),
        exporter("file", {"sending_queue": {"block_on_overflow": True}}),
    ),
    (
        "blocking of then",
        "0.128.0",
        exporter("file", {"sending_queue": {"block_on_overflow": True}}),
        exporter("file", {"sending_queue": {"blocking": True}}),
    ),
    (
        "actions",
        "0.158.0",
        {"processors": {"attributes": {"actions": {"key": "a", "action": "delete"}}}},
        {"processors": {"attributes": {"actions": [{"key": "a", "action": "delete"}]}}},
    ),
    (
        "attributes of a resource",
        "0.158.0",
        {"processors": {"resource": {"attributes": {"key": "a", "action": "delete"}}}},
        {"processors": {"resource": {"attributes": [{"key": "a", "action": "delete"}]}}},
    ),
    (
        "ballast",
        "0.158.0",
        {
            "processors": {"memory_limiter": {"ballast_size_mib": 1, "limit_mib": 2}},
            "extensions": {"memory_ballast": {"size_mib": 1}, "pprof": None},
            "service": {"extensions": ["memory_ballast", "pprof"]},
        },
        {
            "processors": {"memory_limiter": {"limit_mib": 2}},
            "extensions": {"pprof": None},
            "service": {"extensions": ["pprof"]},
        },
    ),
    (
        "names everywhere",
        "0.158.0",
        {
            "receivers": {"otlp": None, "filelog": {"storage": "cgroupruntime"}},
            "connectors": {"spanmetrics/a": None},
            "exporters": {"otlp": {"sending_queue": {"storage": "cgroupruntime"}}},
            "extensions": {"cgroupruntime": None},
            "service": {
                "extensions": ["cgroupruntime"],
                "pipelines": {
                    "traces": {"receivers": ["otlp"], "exporters": ["otlp", "spanmetrics/a"]},
                    "metrics": {"receivers": ["spanmetrics/a"], "exporters": ["otlp"]},
                },
            },
        },
        {
            "receivers": {"otlp": None, "file_log": {"storage": "cgroup_runtime"}},
            "connectors": {"span_metrics/a": None},
            "exporters": {"otlp_grpc": {"sending_queue": {"storage": "cgroup_runtime"}}},
            "extensions": {"cgroup_runtime": None},
            "service": {
                "extensions": ["cgroup_runtime"],
                "pipelines": {
                    "traces": {"receivers": ["otlp"], "exporters": ["otlp_grpc", "span_metrics/a"]},
                    "metrics": {"receivers": ["span_metrics/a"], "exporters": ["otlp_grpc"]},
                },
            },
        },
    ),
    (
        "templates of receivers",
        "0.158.0",
        {"receivers": {"receiver_creator": {"receivers": {"filelog/a": {"rule": "x"}}}}},
        {"receivers": {"receiver_creator": {"receivers": {"file_log/a": {"rule": "x"}}}}},
    ),
    ("older names", "0.140.0", exporter("otlp_grpc/a"), exporter("otlp/a")),
]


@pytest.mark.parametrize(
    ("version", "config", "wanted"), [case[1:] for case in STEPS_TAKEN], ids=[case[0] for case in STEPS_TAKEN]
)
def test_a_step_is_taken_once(version: str, config: Any, wanted: Any) -> None:
    result, left = moved(config, version)
    assert (result, left) == (wanted, [])
    assert same(moved(result, version)[0], result)


LEFT: list[tuple[str, Any, str]] = [
    ("another port", exporter("jaeger", {"endpoint": "j:14250"}), "mostly on port 4317; 'j:14250' is not that"),
    ("no URL", exporter("loki", {"endpoint": "https://a b/loki/api/v1/push"}), "the endpoint is not a URL"),
    ("labels by hand", exporter("loki", {"endpoint": PUSH, "tenant": {}}), "what tenant did has to be done otherwise"),
    ("nothing replaces it", exporter("carbon"), "Nothing official replaces it."),
    (
        "a connector does it",
        {"processors": {"spanmetrics": None}},
        "The connector does the same between two pipelines.",
    ),
    ("there already", {"exporters": {"logging": None, "debug": None}}, "'debug' takes its place, and is there already"),
    ("both names", {"exporters": {"otlp": None, "otlp_grpc": None}}, "'otlp_grpc' is there already."),
    ("no address", metrics({"address": "here"}), "'here' is not a host and port; write a reader."),
    ("a queue that is off", exporter("file", {"batcher": {}, "sending_queue": {"enabled": False}}), "choose one"),
    ("two batches", exporter("file", {"batcher": {}, "sending_queue": {"batch": {}}}), "choose one"),
    ("unknown settings", exporter("file", {"batcher": {"a": 1}}), "without a counterpart"),
    ("no action", {"processors": {"attributes": {"actions": {"a": "b"}}}}, "This mapping is not an action"),
    ("no such type", exporter("nobody"), "No distribution of 0.158.0 has it."),
]


@pytest.mark.parametrize(("config", "why"), [case[1:] for case in LEFT], ids=[case[0] for case in LEFT])
def test_what_no_step_can_do_is_left_and_told(config: Any, why: str) -> None:
    result, left = moved(config)
    assert result == config
    assert [why in one.why for one in left] == [True]


def test_a_distribution_without_a_successor_is_told() -> None:
    _result, left = moved(exporter("loki", {"endpoint": PUSH}), distribution="adot", version="0.156.0")
    assert left == []
    _result, left = moved({"processors": {"transform": None}}, distribution="adot", version="0.156.0")
    assert "Use one of the distributions that have it: contrib, k8s, redhat." in left[0].why


ODD = [None, 5, "x", [], {}, [5], {"a": None}, {"exporters": 5}, {"exporters": {5: 5}}, {"service": {"pipelines": [1]}}]


@pytest.mark.parametrize("config", ODD, ids=str)
def test_no_config_is_too_odd(config: Any) -> None:
    assert moved(config)[0] == config
