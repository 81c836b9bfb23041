# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import (
    checked_pipelines,
    harness,
    kept_components,
    replaced_ends,
)

from tests.support.cases import cases

CONFIG: dict[str, Any] = {
    "receivers": {
        "otlp": {"protocols": {"grpc": {}}},
        "zipkin": None,
        "file_log": {"include": ["/var/*.log"], "storage": "s"},
    },
    "processors": {
        "batch": None,
        "transform": {"trace_statements": ['set(span.name, "a")']},
        "k8s_attributes": {"auth_type": "serviceAccount", "passthrough": False},
        "resource_detection": {"detectors": ["eks", "system"], "timeout": "2s"},
    },
    "connectors": {"routing": {"table": []}, "span_metrics": {"histogram": {}}},
    "exporters": {"otlp_grpc/a": {"endpoint": "a:4317", "headers": {"api-key": "hunter2"}}, "debug": {}, "unused": {}},
    "extensions": {"health_check": {}},
    "service": {
        "extensions": ["health_check"],
        "telemetry": {"logs": {"level": "error"}},
        "pipelines": {
            "traces": {
                "receivers": ["otlp", "zipkin"],
                "processors": ["transform", "batch"],
                "exporters": ["routing", "span_metrics"],
            },
            "traces/a": {
                "receivers": ["routing"],
                "processors": ["k8s_attributes"],
                "exporters": ["otlp_grpc/a", "debug"],
            },
            "metrics": {
                "receivers": ["span_metrics"],
                "processors": ["resource_detection"],
                "exporters": ["otlp_grpc/a"],
            },
            "logs": {"receivers": ["file_log"], "exporters": ["debug"]},
        },
    },
}
ENDS = replaced_ends.ReplacedEnds("http://127.0.0.1:9", {"otlp": 1, "zipkin": 2, "file_log": 3}, "/folder/of/test")


def test_the_ends_are_the_tests_and_nothing_of_the_users_ends_stays() -> None:
    built = harness.build_harness(CONFIG, ENDS)
    assert built.config["receivers"] == {
        "otlp/0_otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:1"}}},
        "otlp/1_zipkin": {"protocols": {"http": {"endpoint": "127.0.0.1:2"}}},
        "file_log": {"include": ["/folder/of/test/var/*.log"], "start_at": "beginning", "poll_interval": "50ms"},
    }
    assert [one["endpoint"] for one in built.config["exporters"].values()] == [
        "http://127.0.0.1:9/otlp_grpc%2Fa",
        "http://127.0.0.1:9/debug",
        "http://127.0.0.1:9/what%20file_log%20read",
    ]
    assert built.config["service"]["pipelines"]["logs/what_file_log_read"] == {
        "receivers": ["file_log"],
        "exporters": ["otlp_http/tap"],
    }
    assert "hunter2" not in str(built)
    assert "extensions" not in built.config
    assert "extensions" not in built.config["service"]
    assert built.signals_by_receiver == {"otlp": ("traces",), "zipkin": ("traces",), "file_log": ("logs",)}
    assert built.exporters == ("otlp_grpc/a", "debug")


def test_processors_connectors_and_their_order_stay_but_for_what_is_listed() -> None:
    built = harness.build_harness(CONFIG, ENDS)
    pipelines = built.config["service"]["pipelines"]
    for name, pipeline in CONFIG["service"]["pipelines"].items():
        assert pipelines[name].get("processors") == pipeline.get("processors")
    assert pipelines["traces"]["exporters"] == ["routing", "span_metrics"]
    assert pipelines["traces/a"]["receivers"] == ["routing"]
    listed = {line.partition(": ")[0] for line in built.changes}
    for section in ("processors", "connectors"):
        for item, settings in CONFIG[section].items():
            ours = built.config[section][item] or {}
            for key in {*ours, *(settings or {})}:
                same = ours.get(key) == (settings or {}).get(key)
                assert same is (f"{section}.{item}.{key}" not in listed), key
    assert built.changes == (
        "receivers.otlp: OTLP on loopback",
        "receivers.zipkin: OTLP on loopback",
        "receivers.file_log: reads below the folder of the test, from the beginning; no storage",
        "processors.k8s_attributes.auth_type: kubeConfig",
        "processors.k8s_attributes.wait_for_metadata: True",
        "processors.resource_detection.detectors: ['system']",
        "connectors.span_metrics.metrics_flush_interval: 500ms",
        "exporters.otlp_grpc/a: an OTLP sink on loopback",
        "exporters.debug: an OTLP sink on loopback",
        "extensions.health_check: left out",
    )
    assert (built.flush_count, built.uses_cluster) == (kept_components.FLUSHES_BY_KIND["spanmetrics"], True)


def test_a_traced_pipeline_ends_after_each_of_its_processors_too() -> None:
    pipelines = harness.build_harness(CONFIG, ENDS, is_traced=True).config["service"]["pipelines"]
    ends = {name: pipeline for name, pipeline in pipelines.items() if "stage" in name and name.endswith("_traces")}
    assert [pipeline.get("processors", []) for pipeline in ends.values()] == [[], ["transform"], ["transform", "batch"]]


def test_the_stages_of_a_pipeline_behind_a_route_get_what_the_route_sends() -> None:
    routes = {"table": [{"condition": "x", "pipelines": ["traces/a"]}], "default_pipelines": ["traces/b"]}
    pipelines = {
        "traces": {"receivers": ["otlp"], "exporters": ["routing"]},
        "traces/a": {"receivers": ["routing"], "exporters": ["debug"]},
        "traces/b": {"receivers": ["routing"], "exporters": ["debug"]},
    }
    config = {"connectors": {"routing": routes}, "service": {"pipelines": pipelines}}
    traced = harness.build_harness(config, ENDS, is_traced=True).config["connectors"]["routing"]
    assert traced["table"][0]["pipelines"] == ["traces/a", "traces/stage_0_of_1_traces_a"]
    assert traced["default_pipelines"] == ["traces/b", "traces/stage_0_of_2_traces_b"]
    assert harness.build_harness(config, ENDS).config["connectors"]["routing"] == routes


def test_pipelines_with_similar_names_have_stages_of_their_own() -> None:
    names = ("logs/a/b", "logs/a_b", "logs/1/a", "logs/1_a")
    pipelines = {name: {"receivers": ["otlp"], "exporters": ["debug"]} for name in names}
    built = harness.build_harness(
        {"receivers": {"otlp": None}, "service": {"pipelines": pipelines}}, ENDS, is_traced=True
    )
    assert len(built.config["service"]["pipelines"]) == 2 * len(pipelines)
    assert len(built.config["exporters"]) == 1 + len(pipelines)


@cases(
    "signal, asked, found",
    ("traces", "", "otlp"),
    ("traces", "zipkin", "zipkin"),
)
def test_what_is_given_goes_to_the_receiver_of_otlp_or_the_named_one(signal: str, asked: str, found: str) -> None:
    assert harness.find_receiver_of_signal(harness.build_harness(CONFIG, ENDS), signal, asked, "here") == found


def test_a_connector_that_names_pipelines_sends_to_their_stages_too() -> None:
    routing = {"default_pipelines": ["traces/a"], "table": [{"condition": "x", "pipelines": ["logs"]}]}
    connectors = {**CONFIG["connectors"], "routing": routing}
    found = harness.build_harness({**CONFIG, "connectors": connectors}, ENDS, is_traced=True).config["connectors"][
        "routing"
    ]
    stages = [f"traces/stage_{number}_of_1_traces_a" for number in range(2)]
    assert found["default_pipelines"] == ["traces/a", *stages]
    assert found["table"] == [{"condition": "x", "pipelines": ["logs", "logs/stage_0_of_3_logs"]}]


def test_nothing_listens_beside_a_pipeline_that_gets_a_part_of_the_records() -> None:
    pipelines = {
        "traces": {"receivers": ["otlp"], "exporters": ["round_robin"]},
        "traces/a": {"receivers": ["round_robin"], "exporters": ["debug"]},
    }
    config = {**CONFIG, "connectors": {"round_robin": None}, "service": {"pipelines": pipelines}}
    found = harness.build_harness(config, ENDS, is_traced=True).config["service"]["pipelines"]
    assert set(found) == {*pipelines, "traces/stage_0_of_0_traces"}


@cases(
    "signal, asked, said",
    ("metrics", "", "no receiver takes metrics"),
    ("logs", "", "no receiver takes logs"),
    ("traces", "otlpp", "'otlpp' does not feed a pipeline of traces (at here). Receivers that do: otlp, zipkin."),
)
def test_a_signal_that_no_receiver_takes_is_refused(signal: str, asked: str, said: str) -> None:
    with pytest.raises(Problem) as problem:
        harness.find_receiver_of_signal(harness.build_harness(CONFIG, ENDS), signal, asked, "here")
    assert said in str(problem.value)


def test_several_receivers_of_one_kind_need_a_name() -> None:
    config = {
        "receivers": {"otlp/a": {}, "otlp/b": {}},
        "service": {"pipelines": {"traces": {"receivers": ["otlp/a", "otlp/b"]}}},
    }
    built = harness.build_harness(config, replaced_ends.ReplacedEnds("", {"otlp/a": 1, "otlp/b": 2}, ""))
    with pytest.raises(Problem, match="several receivers take traces: otlp/a, otlp/b"):
        harness.find_receiver_of_signal(built, "traces", "", "here")


@cases(
    "text, outside",
    ("${file:/etc/passwd}", True),
    ("a ${https://example.com/x}", True),
    ("${secretsmanager:x}", True),
    ("${env:X}", False),
    ("${X:-y}", False),
    ("${env:X:-http://a}", False),
    ("$${file:/x}", False),
    ("${yaml:a}", False),
)
def test_no_part_comes_from_another_place(text: str, outside: bool) -> None:
    config = {**CONFIG, "processors": {**CONFIG["processors"], "transform": {"trace_statements": [text]}}}
    if not outside:
        harness.build_harness(config, ENDS)
        return
    with pytest.raises(Problem) as problem:
        harness.build_harness(config, ENDS)
    assert "processors.transform.trace_statements[0]" in str(problem.value)


@pytest.mark.parametrize("config", [{}, {"service": None}, {"service": {"pipelines": {}}}])
def test_a_config_without_pipelines_is_refused(config: Any) -> None:
    with pytest.raises(Problem, match="the config has no pipelines"):
        harness.build_harness(config, ENDS)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"receivers": ["otlp"]}, "no mapping (at receivers). Write a mapping here."),
        ({"connectors": "routing"}, "no mapping (at connectors)"),
        ({"service": {"pipelines": {"logs": {"receivers": "otlp"}}}}, "no list (at service.pipelines.logs.receivers)"),
        ({"service": {"pipelines": {"logs": "${env:LOGS}"}}}, "no mapping (at service.pipelines.logs)"),
        (
            {"service": {"pipelines": {"logs": {"receivers": ["otlp", {"zipkin": None}]}}}},
            "no id of a component (at service.pipelines.logs.receivers[1]). Write the id alone, such as `- otlp`.",
        ),
    ],
)
def test_a_part_of_another_shape_is_named(part: Any, said: str) -> None:
    with pytest.raises(Problem) as problem:
        checked_pipelines.map_signals_of_receivers({**CONFIG, **part})
    assert said in str(problem.value)


def with_receiver(name: str, settings: Any) -> dict[str, Any]:
    """Return the config with other settings of a receiver."""
    return {**CONFIG, "receivers": {**CONFIG["receivers"], name: settings}}


def test_a_receiver_whose_settings_are_a_variable_gets_otlp_as_others() -> None:
    found = harness.build_harness(with_receiver("otlp", "${env:OTLP}"), ENDS).config["receivers"]
    assert found["otlp/0_otlp"] == {"protocols": {"http": {"endpoint": "127.0.0.1:1"}}}


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("file_log", "${env:FILES}", "the files that this receiver reads are not known (at receivers.file_log)"),
        ("file_log", ["/a"], "this part of the config is no mapping (at receivers.file_log)"),
        ("otlp", 5, "this part of the config is no mapping (at receivers.otlp)"),
    ],
)
def test_settings_of_a_receiver_that_no_test_can_use_are_named(name: str, settings: Any, said: str) -> None:
    with pytest.raises(Problem) as problem:
        harness.build_harness(with_receiver(name, settings), ENDS)
    assert said in str(problem.value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("env", ["env"]),
        ("eks,system,ec2", ["system"]),  # the Collector takes a text for a list
        (["eks", {"a": 1}], [{"a": 1}]),
        ("${env:DETECTORS}", "${env:DETECTORS}"),
        (["ec2"], ["env"]),
        (None, ["env"]),
        (3, 3),
    ],
)
def test_detectors_that_ask_a_cloud_are_left_out(given: Any, kept: Any) -> None:
    processors = {**CONFIG["processors"], "resource_detection": {"detectors": given}}
    found = harness.build_harness({**CONFIG, "processors": processors}, ENDS).config["processors"]
    assert found["resource_detection"] == {"detectors": kept}


@pytest.mark.parametrize("operator", ["file_output", "tcp_input"])
def test_an_operator_that_reaches_out_is_refused(operator: str) -> None:
    receiver = {"include": ["/a"], "operators": [{"type": "json_parser"}, {"type": operator}]}
    config = {**CONFIG, "receivers": {**CONFIG["receivers"], "file_log": receiver}}
    with pytest.raises(Problem, match=f"the operator '{operator}' reads or writes something else"):
        harness.build_harness(config, ENDS)


def test_no_path_leaves_the_folder_of_the_test() -> None:
    receiver = {"include": ["/var/../../../etc/*", "../x", "a/b"]}
    config = {**CONFIG, "receivers": {**CONFIG["receivers"], "file_log": receiver}}
    found = harness.build_harness(config, ENDS).config["receivers"]["file_log"]["include"]
    assert found == ["/folder/of/test/etc/*", "/folder/of/test/x", "/folder/of/test/a/b"]


def test_headers_are_known_where_the_receiver_keeps_them() -> None:
    receivers = {**CONFIG["receivers"], "otlp": {"protocols": {"grpc": {"include_metadata": True}}}}
    found = harness.build_harness({**CONFIG, "receivers": receivers}, ENDS).config["receivers"]
    assert found["otlp/0_otlp"]["protocols"]["http"]["include_metadata"] is True


def test_a_call_without_another_side_is_counted_soon_and_each_connector_flushes() -> None:
    """Several connectors may send to one exporter."""
    ttl = {"max_items": 7, "ttl": "9s"}
    connectors = {"service_graph": {"store": ttl}, "service_graph/a": {"store": "${env:STORE}"}, "span_metrics": None}
    pipelines = {
        "traces": {"receivers": ["otlp"], "exporters": [*connectors]},
        "metrics": {"receivers": [*connectors], "exporters": ["debug"]},
    }
    config = {"receivers": {"otlp": None}, "connectors": connectors, "exporters": {"debug": None}}
    built = harness.build_harness({**config, "service": {"pipelines": pipelines}}, ENDS)
    stores = [built.config["connectors"][name]["store"] for name in ("service_graph", "service_graph/a")]
    assert stores == [{"max_items": 7, "ttl": "1s"}, {"ttl": "1s"}]
    assert (
        built.flush_count
        == 2 * kept_components.FLUSHES_BY_KIND["servicegraph"] + kept_components.FLUSHES_BY_KIND["spanmetrics"]
    )
