# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.rules import lint
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Subject
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.needs.components.table import COMPONENTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.needs.derive import (
    DOWNWARD,
    Needs,
    Port,
    Variable,
)
from hypothesis import given

from ..helpers import CONFIG, needs, running
from ..strategies import configs, settings, telemetry

ANY = "0.0.0.0"


def receiving(name: str, settings: Any = None) -> Needs:
    return needs(running(receivers={name: settings}))


def test_the_least_config_needs_one_port() -> None:
    assert needs(CONFIG) == Needs(
        ports=(Port("otlp", 4317, "TCP", "grpc"),),
        rules=(),
        variables=(),
        mounts=(),
        state_directories=(),
        run_as_root=False,
        probe=None,
        probe_path="/",
        grants=(),
        asks_api=False,
        ports_known=True,
    )


PORTS: list[tuple[str, Any, list[Port]]] = [
    ("otlp", {"protocols": {"grpc": None, "http": {}}}, [Port("otlp", 4317, "TCP", "grpc"), Port("otlp-http", 4318)]),
    ("otlp", {"protocols": {"http": {"endpoint": "${env:MY_POD_IP}:55681"}}}, [Port("otlp-http", 55681)]),
    ("otlp/named", {"protocols": {"grpc": {"endpoint": "[::]:4000"}}}, [Port("otlp", 4000, "TCP", "grpc")]),
    ("otlp", {"protocols": {"grpc": {"endpoint": "unix:///tmp/otlp.sock"}}}, []),
    ("otlp", {"protocols": {"grpc": {"endpoint": f"{ANY}:${{env:PORT}}"}}}, []),
    ("otlp", {"protocols": {"grpc": {"endpoint": f"{ANY}:²"}}}, []),
    ("otlp", {"protocols": {"grpc": {"endpoint": f"{ANY}:0"}}}, []),
    ("otlp", {"protocols": {"grpc": {"endpoint": f"{ANY}:65536"}}}, []),
    ("otlp", {}, []),
    ("otlp", {"protocols": None}, []),
    (
        "jaeger",
        {"protocols": dict.fromkeys(["thrift_compact", "thrift_binary", "grpc", "thrift_http"])},
        [
            Port("jaeger-compact", 6831, "UDP"),
            Port("jaeger-binary", 6832, "UDP"),
            Port("jaeger-grpc", 14250, "TCP", "grpc"),
            Port("jaeger-thrift", 14268),
        ],
    ),
    ("jaeger", {"protocols": {"thrift_compact": {"endpoint": f"{ANY}:1"}}}, [Port("jaeger-compact", 1, "UDP")]),
    ("zipkin", None, [Port("zipkin", 9411)]),
    ("zipkin/2", {"endpoint": f"{ANY}:9999"}, [Port("zipkin", 9999)]),
    ("statsd", {}, [Port("statsd", 8125, "UDP")]),
    ("awsxray", {}, [Port("xray", 2000, "UDP"), Port("xray-proxy", 2000)]),
    ("awsxray", {"endpoint": f"{ANY}:7"}, [Port("xray", 7, "UDP"), Port("xray-proxy", 2000)]),
    ("awsxray", {"proxy_server": {"endpoint": f"{ANY}:8"}}, [Port("xray", 2000, "UDP"), Port("xray-proxy", 8)]),
    ("fluent_forward", {"endpoint": f"{ANY}:8006"}, [Port("fluent-forward", 8006)]),
    ("fluentforward", {"endpoint": f"{ANY}:8006"}, [Port("fluent-forward", 8006)]),
    ("prometheus_remote_write", {}, [Port("remote-write", 9090)]),
    ("prometheus", {}, []),
    ("nobody_knows", {"endpoint": f"{ANY}:1"}, []),
]


@pytest.mark.parametrize(("name", "settings", "ports"), PORTS)
def test_receivers_listen(name: str, settings: Any, ports: list[Port]) -> None:
    assert list(receiving(name, settings).ports) == ports


def test_exporters_and_extensions_listen_too() -> None:
    config = running(
        exporters={"prometheus": {"endpoint": f"{ANY}:9464"}},
        extensions={"pprof": None, "zpages": {"endpoint": f"{ANY}:1"}, "health_check": {"endpoint": f"{ANY}:2"}},
    )
    assert set(needs(config).ports) == {
        Port("prometheus", 9464),
        Port("pprof", 1777, exposed=False),
        Port("zpages", 1, exposed=False),
        Port("healthcheck", 2, exposed=False),
    }


def test_two_receivers_of_a_type_have_port_names_of_their_own() -> None:
    receivers = {f"jaeger/{n}": {"protocols": {"thrift_compact": {"endpoint": f"{ANY}:{n}"}}} for n in range(1, 12)}
    names = [port.name for port in needs(running(receivers=receivers)).ports]
    assert names[:3] == ["jaeger-compact", "jaeger-compac-2", "jaeger-compac-3"]
    assert names[9:] == ["jaeger-compa-10", "jaeger-compa-11"]
    assert max(map(len, names)) <= 15


def test_one_port_of_one_protocol_is_there_once() -> None:
    receivers = {"zipkin": {"endpoint": f"{ANY}:2000"}, "awsxray": {}}
    assert [(port.name, port.number, port.protocol) for port in needs(running(receivers=receivers)).ports] == [
        ("zipkin", 2000, "TCP"),
        ("xray", 2000, "UDP"),
    ]


def test_what_no_pipeline_starts_needs_nothing() -> None:
    idle = {
        "receivers": {"zipkin": {}, "k8s_cluster": {}, "journald": {}},
        "processors": {"k8s_attributes": {}},
        "exporters": {"awsxray": {}},
        "extensions": {"health_check": {}, "file_storage": {}},
    }
    config = {**CONFIG, **{name: {**CONFIG.get(name, {}), **more} for name, more in idle.items()}}
    assert needs(config) == needs(CONFIG)


def reader(**prometheus: Any) -> dict[str, Any]:
    served = {"host": ANY, **prometheus}
    readers = [{"pull": {"exporter": {"prometheus": served}}}]
    return {**CONFIG, "service": {**CONFIG["service"], "telemetry": {"metrics": {"readers": readers}}}}


@pytest.mark.parametrize(
    ("prometheus", "number"), [({"port": 9000}, 9000), ({"port": "9001"}, 9001), ({"host": "[::]", "port": 8888}, 8888)]
)
def test_own_metrics_are_a_port_that_clients_do_not_see(prometheus: dict[str, Any], number: int) -> None:
    assert needs(reader(**prometheus)).ports[1:] == (Port("metrics", number, exposed=False),)


@pytest.mark.parametrize(
    "prometheus",
    [*({"port": port} for port in ("${env:METRICS_PORT}", [], 0, 70000)), {"host": "localhost", "port": 1}],
)
def test_metrics_that_no_other_pod_reaches_or_whose_port_is_not_known_are_no_port(prometheus: Any) -> None:
    assert len(needs(reader(**prometheus)).ports) == 1


VARIABLES = [
    ("${env:A}", [Variable("A", ("receivers", "nop", "x"), optional=False)]),
    (
        "${A}/${env:B:-b}",
        [Variable("A", ("receivers", "nop", "x"), False), Variable("B", ("receivers", "nop", "x"), True)],
    ),
    ("$${env:A}", []),
    ("$$${env:A}", [Variable("A", ("receivers", "nop", "x"), False)]),
    ("${file:/a}${yaml:a}$A", []),
]


@pytest.mark.parametrize(("text", "found"), VARIABLES)
def test_variables_are_found_in_text(text: str, found: list[Variable]) -> None:
    assert list(receiving("nop", {"x": text}).variables) == found


def test_the_place_that_cannot_do_without_a_variable_counts() -> None:
    found = receiving("nop", {"x": "${env:A:-a}", "y": "${env:A}", "z": "${env:A}"}).variables
    assert found == (Variable("A", ("receivers", "nop", "y"), optional=False),)


def test_components_read_variables_without_saying_so() -> None:
    assert needs(running(extensions={"k8s_observer": {}})).variables == (Variable("K8S_NODE_NAME", (), optional=False),)
    found = needs(running(processors={"resource_detection": {"detectors": ["k8s_api"]}})).variables
    assert [variable.name for variable in found] == ["K8S_NODE_NAME"]
    assert needs(running(processors={"resource_detection": {"detectors": ["env"]}})).variables == ()
    named = needs(running(extensions={"k8s_observer": {"node": "${env:K8S_NODE_NAME}"}})).variables
    assert [variable.name for variable in named] == ["K8S_NODE_NAME"]


def test_all_that_a_pod_can_tell_is_known() -> None:
    assert set(DOWNWARD.values()) == {
        "status.podIP", "status.hostIP", "spec.nodeName", "metadata.name", "metadata.namespace", "metadata.uid",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "number", "path"),
    [
        ({"endpoint": f"{ANY}:13133"}, 13133, "/"),
        ({"endpoint": "${env:MY_POD_IP}:8080", "path": "/health"}, 8080, "/health"),
        ({"endpoint": ":13133"}, 13133, "/"),
    ],
)
def test_the_health_check_is_probed_where_it_listens(settings: Any, number: int, path: str) -> None:
    found = needs(running(extensions={"health_check": settings}))
    assert found.probe == Port("healthcheck", number, exposed=False)
    assert found.probe_path == path


@pytest.mark.parametrize(
    "settings", [None, {}, *({"endpoint": f"{host}:1"} for host in ("localhost", "127.0.0.1", "[::1]"))]
)
def test_a_health_check_that_the_kubelet_cannot_reach_is_not_probed(settings: Any) -> None:
    assert needs(running(extensions={"health_check": settings})).probe is None


@pytest.mark.parametrize(
    ("exporters", "actions"),
    [
        (["debug"], []),
        (
            ["awsxray"],
            [
                "xray:GetSamplingRules",
                "xray:GetSamplingStatisticSummaries",
                "xray:GetSamplingTargets",
                "xray:PutTelemetryRecords",
                "xray:PutTraceSegments",
            ],
        ),
    ],
)
def test_exporters_say_what_they_may_do_at_aws(exporters: list[str], actions: list[str]) -> None:
    assert list(needs(running(exporters=dict.fromkeys(exporters))).iam_actions) == actions


def test_actions_of_two_exporters_are_there_once() -> None:
    found = needs(running(exporters={"awsemf": {}, "awscloudwatchlogs": {}})).iam_actions
    assert found == ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")


@given(configs)
def test_nothing_that_the_rules_let_pass_crashes_it(config: Any) -> None:
    if not any(finding.severity == "error" for finding in lint(Subject(config))):
        needs(config)


@pytest.mark.parametrize("section", ["receivers", "processors", "exporters", "extensions"])
@given(settings=settings)
def test_no_settings_of_a_component_crash_it(section: str, settings: Any) -> None:
    needs(running(**{section: {kind: settings for role, kind in COMPONENTS if role == section}}))


@given(telemetry=telemetry)
def test_no_telemetry_crashes_it(telemetry: Any) -> None:
    needs({**CONFIG, "service": {**CONFIG["service"], "telemetry": telemetry}})
