# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.component_table import COMPONENTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.derive_needs import Needs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.listeners import find_listeners
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.needed_ports import CollectorPort
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.needed_variables import (
    DOWNWARD_FIELDS,
    NeededVariable,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.started_components import (
    list_started_components,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import lint_config
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject
from hypothesis import given

from ...helpers import CONFIG, LISTENERS, cases, needs, rows, running
from ...strategies import configs, settings, telemetry

ANY = "0.0.0.0"


def receiving(name: str, settings: Any = None) -> Needs:
    return needs(running(receivers={name: settings}))


def test_the_least_config_needs_one_port() -> None:
    found = needs(CONFIG)
    assert found.ports == (CollectorPort("otlp", 4317, "TCP", "grpc"),)
    assert (found.needs_root, found.asks_api, found.has_known_ports) == (False, False, True)
    assert (found.probed_port, found.probe_path) == (None, "/")
    assert [*found.rbac_rules, *found.variables, *found.mounts, *found.state_directories, *found.aws_grants] == []


def ports(found: Needs) -> list[str]:
    """Return ports as `name number/protocol`, with the application protocol, and `private` if no client sees it."""
    more = [(port.app_protocol, "" if port.is_exposed else "private") for port in found.ports]
    texts = [f"{port.name} {port.number}/{port.protocol}" for port in found.ports]
    return [" ".join([text, *filter(None, words)]) for text, words in zip(texts, more, strict=True)]


PORTS = rows("""
- [otlp, {protocols: {grpc: null, http: {}}}, otlp 4317/TCP grpc, otlp-http 4318/TCP]
- [otlp, {protocols: {http: {endpoint: "${env:MY_POD_IP}:55681"}}}, otlp-http 55681/TCP]
- [otlp/named, {protocols: {grpc: {endpoint: "[::]:4000"}}}, otlp 4000/TCP grpc]
- [otlp, {protocols: {grpc: {endpoint: "unix:///tmp/otlp.sock"}}}]
- [otlp, {protocols: {grpc: {endpoint: "0.0.0.0:${env:PORT}"}}}]
- [otlp, {protocols: {grpc: {endpoint: "0.0.0.0:²"}}}]
- [otlp, {protocols: {grpc: {endpoint: "0.0.0.0:0"}}}]
- [otlp, {protocols: {grpc: {endpoint: "0.0.0.0:65536"}}}]
- [otlp, {}]
- [otlp, {protocols: null}]
- [jaeger, {protocols: {thrift_compact: null, thrift_binary: null, grpc: null, thrift_http: null}},
   jaeger-compact 6831/UDP, jaeger-binary 6832/UDP, jaeger-grpc 14250/TCP grpc, jaeger-thrift 14268/TCP]
- [jaeger, {protocols: {thrift_compact: {endpoint: "0.0.0.0:1"}}}, jaeger-compact 1/UDP]
- [zipkin, null, zipkin 9411/TCP]
- [zipkin/2, {endpoint: "0.0.0.0:9999"}, zipkin 9999/TCP]
- [statsd, {}, statsd 8125/UDP]
- [awsxray, {}, xray 2000/UDP, xray-proxy 2000/TCP]
- [awsxray, {endpoint: "0.0.0.0:7"}, xray 7/UDP, xray-proxy 2000/TCP]
- [awsxray, {proxy_server: {endpoint: "0.0.0.0:8"}}, xray 2000/UDP, xray-proxy 8/TCP]
- [fluent_forward, {endpoint: "0.0.0.0:8006"}, fluent-forward 8006/TCP]
- [fluentforward, {endpoint: "0.0.0.0:8006"}, fluent-forward 8006/TCP]
- [prometheus_remote_write, {}, remote-write 9090/TCP]
- [prometheus, {}]
- [nobody_knows, {endpoint: "0.0.0.0:1"}]
""")


@pytest.mark.parametrize("row", PORTS, ids=str)
def test_receivers_listen(row: list[Any]) -> None:
    name, settings, *expected = row
    assert ports(receiving(name, settings)) == expected


def test_exporters_and_extensions_listen_too() -> None:
    extensions = {"pprof": None, "zpages": {"endpoint": f"{ANY}:1"}, "health_check": {"endpoint": f"{ANY}:2"}}
    config = running(exporters={"prometheus": {"endpoint": f"{ANY}:9464"}}, extensions=extensions)
    text = "healthcheck 2/TCP private, pprof 1777/TCP private, prometheus 9464/TCP, zpages 1/TCP private"
    assert ", ".join(sorted(ports(needs(config)))) == text


def test_two_receivers_of_a_type_have_port_names_of_their_own() -> None:
    receivers = {f"jaeger/{n}": {"protocols": {"thrift_compact": {"endpoint": f"{ANY}:{n}"}}} for n in range(1, 12)}
    names = [port.name for port in needs(running(receivers=receivers)).ports]
    assert names[:3] == ["jaeger-compact", "jaeger-compac-2", "jaeger-compac-3"]
    assert names[9:] == ["jaeger-compa-10", "jaeger-compa-11"]
    assert max(map(len, names)) <= 15
    # One port of one protocol is there once.
    receivers = {"zipkin": {"endpoint": f"{ANY}:2000"}, "awsxray": {}}
    assert ports(needs(running(receivers=receivers))) == ["zipkin 2000/TCP", "xray 2000/UDP"]


def test_what_no_pipeline_starts_needs_nothing() -> None:
    idle = {
        "receivers": {"zipkin": {}, "k8s_cluster": {}, "journald": {}},
        "processors": {"k8s_attributes": {}},
        "exporters": {"awsxray": {}},
        "extensions": {"health_check": {}, "file_storage": {}},
    }
    config = {**CONFIG, **{name: {**CONFIG.get(name, {}), **more} for name, more in idle.items()}}
    assert needs(config) == needs(CONFIG)


SPACED = rows("""
- {section: receivers, written: " zipkin / a", id: zipkin/a, settings: {endpoint: "0.0.0.0:9999"}}
- {section: receivers, written: k8s_cluster, id: k8s_cluster, settings: {}}
- {section: receivers, written: "k8s_cluster ", id: k8s_cluster, settings: {}}
- {section: processors, written: "k8s_attributes / a", id: k8s_attributes/a, settings: {}}
- {section: exporters, written: "awsxray\\t", id: awsxray, settings: {}}
- {section: extensions, written: "health_check / a", id: health_check/a, settings: {endpoint: "0.0.0.0:13133"}}
""")


def naming(section: str, component_id: str, key: str, settings: Any) -> dict[str, Any]:
    """Return a config that names a component by an id, and has its settings below a key."""
    config = running(**{section: {component_id: settings}})
    components = dict(config[section])
    components[key] = components.pop(component_id)
    return {**config, section: components}


@pytest.mark.parametrize("row", SPACED, ids=lambda row: repr(row["written"]))
def test_white_space_around_an_id_that_is_named_counts_for_nothing(row: dict[str, Any]) -> None:
    """The Collector reads `otlp / a` as `otlp/a`."""
    spaced = naming(row["section"], row["written"], row["id"], row["settings"])
    assert needs(spaced) == needs(naming(row["section"], row["id"], row["id"], row["settings"]))
    started = list(list_started_components(spaced))
    assert (row["section"], row["id"]) in [(part.section, part.id) for part in started]


@cases("key, port", ("zipkin/a", 9999), (" zipkin / a", 9411))
def test_white_space_in_the_key_of_settings_drops_them(key: str, port: int) -> None:
    """The Collector starts the component, and looks for its settings below the id without white space."""
    config = naming("receivers", "zipkin/a", key, {"endpoint": "0.0.0.0:9999"})
    (part,) = [part for part in list_started_components(config) if part.kind == "zipkin"]
    assert (part.id, part.path, part.type) == ("zipkin/a", ("receivers", key), "zipkin")
    assert [listener.port for listener in find_listeners(config, [part], LISTENERS) if listener.part] == [port]


def test_a_key_with_white_space_beside_the_id_itself_is_no_second_component() -> None:
    config = naming("receivers", "zipkin/a", "zipkin/a", {"endpoint": "0.0.0.0:9999"})
    config["receivers"] = {"zipkin / a": {"endpoint": "0.0.0.0:1"}, **config["receivers"]}
    assert needs(config) == needs(naming("receivers", "zipkin/a", "zipkin/a", {"endpoint": "0.0.0.0:9999"}))


def reader(**prometheus: Any) -> dict[str, Any]:
    served = {"host": ANY, **prometheus}
    readers = [{"pull": {"exporter": {"prometheus": served}}}]
    return {**CONFIG, "service": {**CONFIG["service"], "telemetry": {"metrics": {"readers": readers}}}}


@cases("prometheus, number", ({"port": 9000}, 9000), ({"port": "9001"}, 9001), ({"host": "[::]", "port": 8888}, 8888))
def test_own_metrics_are_a_port_that_clients_do_not_see(prometheus: dict[str, Any], number: int) -> None:
    assert needs(reader(**prometheus)).ports[1:] == (CollectorPort("metrics", number, is_exposed=False),)


@pytest.mark.parametrize(
    "prometheus",
    [*({"port": port} for port in ("${env:METRICS_PORT}", [], 0, 70000)), {"host": "localhost", "port": 1}],
)
def test_metrics_that_no_other_pod_reaches_or_whose_port_is_not_known_are_no_port(prometheus: Any) -> None:
    assert len(needs(reader(**prometheus)).ports) == 1


VARIABLES = [
    ("${env:A}", {"A": False}),
    ("${A}/${env:B:-b}", {"A": False, "B": True}),
    ("$${env:A}", {}),
    ("$$${env:A}", {"A": False}),
    ("${file:/a}${yaml:a}$A", {}),
]


@pytest.mark.parametrize(("text", "optional"), VARIABLES)
def test_variables_are_found_in_text(text: str, optional: dict[str, bool]) -> None:
    found = [NeededVariable(name, ("receivers", "nop", "x"), may_lack) for name, may_lack in optional.items()]
    assert list(receiving("nop", {"x": text}).variables) == found


def test_the_place_that_cannot_do_without_a_variable_counts() -> None:
    found = receiving("nop", {"x": "${env:A:-a}", "y": "${env:A}", "z": "${env:A}"}).variables
    assert found == (NeededVariable("A", ("receivers", "nop", "y"), is_optional=False),)


def test_components_read_variables_without_saying_so() -> None:
    assert needs(running(extensions={"k8s_observer": {}})).variables == (
        NeededVariable("K8S_NODE_NAME", (), is_optional=False),
    )
    found = needs(running(processors={"resource_detection": {"detectors": ["k8s_api"]}})).variables
    assert [variable.name for variable in found] == ["K8S_NODE_NAME"]
    assert needs(running(processors={"resource_detection": {"detectors": ["env"]}})).variables == ()
    own_node = {"filter": {"node_from_env_var": "K8S_NODE_NAME"}}
    found = needs(running(processors={"k8s_attributes": own_node})).variables
    assert [variable.name for variable in found] == ["K8S_NODE_NAME"]
    assert needs(running(processors={"k8s_attributes": {"filter": {"node": "a"}}})).variables == ()
    named = needs(running(extensions={"k8s_observer": {"node": "${env:K8S_NODE_NAME}"}})).variables
    assert [variable.name for variable in named] == ["K8S_NODE_NAME"]


def test_all_that_a_pod_can_tell_is_known() -> None:
    told = "metadata.name metadata.namespace metadata.uid spec.nodeName status.hostIP status.podIP"
    assert " ".join(sorted(set(DOWNWARD_FIELDS.values()))) == told


@cases(
    "settings, number, path",
    ({"endpoint": f"{ANY}:13133"}, 13133, "/"),
    ({"endpoint": "${env:MY_POD_IP}:8080", "path": "/health"}, 8080, "/health"),
    ({"endpoint": ":13133"}, 13133, "/"),
)
def test_the_health_check_is_probed_where_it_listens(settings: Any, number: int, path: str) -> None:
    found = needs(running(extensions={"health_check": settings}))
    assert found.probed_port == CollectorPort("healthcheck", number, is_exposed=False)
    assert found.probe_path == path


@cases("settings", None, {}, *({"endpoint": f"{host}:1"} for host in ("localhost", "127.0.0.1", "[::1]")))
def test_a_health_check_that_the_kubelet_cannot_reach_is_not_probed(settings: Any) -> None:
    assert needs(running(extensions={"health_check": settings})).probed_port is None


def test_actions_of_two_exporters_are_there_once() -> None:
    found = needs(running(exporters={"awsemf": {}, "awscloudwatchlogs": {}})).iam_actions
    assert found == ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")


@given(configs)
def test_nothing_that_the_rules_let_pass_crashes_it(config: Any) -> None:
    if not any(finding.severity == "error" for finding in lint_config(Subject(config))):
        needs(config)


@pytest.mark.parametrize("section", ["receivers", "processors", "exporters", "extensions"])
@given(settings=settings)
def test_no_settings_of_a_component_crash_it(section: str, settings: Any) -> None:
    needs(running(**{section: {kind: settings for role, kind in COMPONENTS if role == section}}))


@given(telemetry=telemetry)
def test_no_telemetry_crashes_it(telemetry: Any) -> None:
    needs({**CONFIG, "service": {**CONFIG["service"], "telemetry": telemetry}})
