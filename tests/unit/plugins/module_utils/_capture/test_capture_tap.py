# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The config of a capture: each receiver that is sent to is written down once, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.capture_tap import (
    STATE_CONSENT,
    Tap,
    build_tap,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

FILE = "/o11y-capture/received.jsonl"


def config(**more: Any) -> dict[str, Any]:
    """Return the config of a gateway that also reads by itself."""
    return {
        "receivers": {"otlp": {}, "otlp/other": {}, "prometheus": {}, "kubelet_stats": {}},
        "connectors": {"forward": {}},
        "exporters": {"otlp_http": {"sending_queue": {"storage": "file_storage"}}, "debug": {}},
        **more,
        "service": {
            "extensions": ["health_check", "k8s_leader_elector", "opamp", "file_storage"],
            "pipelines": {
                "traces": {"receivers": ["otlp"], "exporters": ["forward"]},
                "traces/more": {"receivers": ["otlp", "otlp/other"], "exporters": ["debug"]},
                "traces/behind": {"receivers": ["forward"], "exporters": ["otlp_http"]},
                "metrics": {"receivers": ["otlp", "prometheus"], "exporters": ["otlp_http"]},
                "metrics/node": {"receivers": ["kubelet_stats"], "exporters": ["otlp_http"]},
            },
        },
    }


def found(**more: Any) -> Tap:
    return build_tap(config(**more), FILE, ())


def test_each_receiver_is_written_down_once_for_each_signal() -> None:
    pipelines = found().config_overlay["service"]["pipelines"]
    assert pipelines["traces/o11y_capture"]["receivers"] == ["otlp", "otlp/other"]
    assert pipelines["metrics/o11y_capture"]["receivers"] == ["otlp"]
    assert "logs/o11y_capture" not in pipelines


def test_a_file_that_cannot_be_written_fails_no_request() -> None:
    """Processor batch answers before it hands on; without it, clients would send again what the backend has."""
    overlay = found().config_overlay
    taps = [pipeline for name, pipeline in overlay["service"]["pipelines"].items() if name.endswith("/o11y_capture")]
    assert {tuple(pipeline["processors"]) for pipeline in taps} == {("batch/o11y_capture",)}
    assert overlay["exporters"]["file/o11y_capture"]["path"] == FILE


def test_what_reads_by_itself_does_not_run_twice() -> None:
    tapped = found()
    pipelines = tapped.config_overlay["service"]["pipelines"]
    assert (tapped.receivers, tapped.left_out_receivers) == (("otlp", "otlp/other"), ("prometheus", "kubelet_stats"))
    assert pipelines["metrics"] == {"receivers": ["otlp"]}
    assert pipelines["metrics/node"] == {"receivers": ["otlp/o11y_capture"]}
    assert tapped.config_overlay["receivers"] == {
        "otlp/o11y_capture": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}
    }
    assert not {"traces", "traces/more", "traces/behind"} & {*pipelines}


def test_the_pod_leads_no_election_and_is_no_agent() -> None:
    assert found().config_overlay["service"]["extensions"] == ["health_check", "file_storage"]


def test_a_queue_that_would_be_left_on_a_volume_is_one_in_memory() -> None:
    assert found().config_overlay["exporters"]["otlp_http"] == {"sending_queue": {"storage": None}}
    assert "debug" not in found().config_overlay["exporters"]


def refused(given: dict[str, Any], consents: tuple[str, ...] = ()) -> str:
    with pytest.raises(Problem) as problem:
        build_tap(given, FILE, consents)
    return str(problem.value)


def test_without_a_receiver_that_is_sent_to_nothing_would_come_in() -> None:
    given = config()
    given["service"]["pipelines"] = {"metrics/node": {"receivers": ["kubelet_stats"], "exporters": ["debug"]}}
    assert "kubelet_stats read by themselves, and must not read twice" in refused(given)
    assert "no receiver of it gets data from others" in refused({})


@pytest.mark.parametrize("name", ["prometheus", "file/backup"])
def test_data_that_would_end_with_the_pod_is_refused(name: str) -> None:
    given = config(exporters={name: {}, "otlp_http": {}, "debug": {}})
    given["service"]["pipelines"]["traces"]["exporters"] = [name]
    assert f"exporter {name} keeps data in its pod" in refused(given, (STATE_CONSENT,))


@pytest.mark.parametrize(
    ("sections", "role", "name"),
    [("processors", "processors", "tail_sampling"), ("connectors", "exporters", "span_metrics")],
)
def test_a_collector_that_decides_by_what_it_saw_needs_consent(sections: str, role: str, name: str) -> None:
    given = config(**{sections: {name: {}, "forward": {}}})
    given["service"]["pipelines"]["traces"][role] = [name]
    said = refused(given)
    assert f"{name} decides by records that it saw before" in said
    assert "capture_allow: [state]" in said
    assert build_tap(given, FILE, (STATE_CONSENT,)).receivers == ("otlp", "otlp/other")


@pytest.mark.parametrize("name", ["cloudflare", "of_our_own/2", "aws_lambda"])
def test_a_receiver_whose_port_might_be_shut_is_refused(name: str) -> None:
    given = config()
    given["service"]["pipelines"]["metrics"]["receivers"] += [name]
    assert f"it is not known whether receiver {name} reads by itself" in refused(given)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("receivers",), "${file:/conf/receivers.yaml}"),
        (("connectors",), "${file:/conf/connectors.yaml}"),
        (("service", "pipelines"), "${file:/conf/pipelines.yaml}"),
        (("service", "extensions"), "${env:EXTENSIONS}"),
        (("service", "pipelines", "traces"), "${env:TRACES}"),
        (("service", "pipelines", "traces", "receivers"), "${env:RECEIVERS}"),
        (("service", "pipelines", "traces", "processors"), ["${env:PROCESSOR}"]),
        (("service", "pipelines", "traces", "exporters"), ["otlp_http", "${env:EXPORTER}"]),
        (("exporters", "otlp_http"), "${file:/conf/exporter.yaml}"),
        (("exporters", "otlp_http", "sending_queue"), "${env:QUEUE}"),
    ],
)
def test_a_part_of_a_config_that_stands_elsewhere_is_refused(path: tuple[str, ...], value: Any) -> None:
    given = config()
    parent = given
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    assert f"`{'.'.join(path)}` of its config stands elsewhere" in refused(given)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("service", "extensions"), "service.extensions[1]"),
        (("service", "pipelines", "traces", "receivers"), "service.pipelines.traces.receivers[1]"),
        (("service", "pipelines", "traces", "processors"), "service.pipelines.traces.processors[1]"),
        (("service", "pipelines", "traces", "exporters"), "service.pipelines.traces.exporters[1]"),
    ],
)
@pytest.mark.parametrize("item", [{"otlp": None}, None, 3])
def test_an_item_of_a_list_that_is_no_id_is_named(path: tuple[str, ...], place: str, item: Any) -> None:
    """The config of a collector that does not start may have anything."""
    given = config()
    parent = given
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = ["otlp", item]
    assert f"`{place}` of its config is no id of a component" in refused(given)


def test_a_collector_without_a_signal_that_a_capture_has_is_refused() -> None:
    given = config()
    given["service"]["pipelines"] = {"profiles": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}
    assert "its receivers get no traces, metrics or logs: otlp" in refused(given)
