# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules follow data through plain endpoints, between hosts and clusters of one inventory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import (
    _host_render,
    _host_request,
    _inventory_addresses,
    _inventory_groups,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._findings import JudgementOptions
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._rendered import render_collectors

from .helpers import request
from .test_host_groups import GATEWAY, PROGRAM
from .test_host_groups_tls import TLS

INGEST_TRACES = {"otlp_ingest": {"signals": ["traces"]}}
ZIPKIN = {"receivers": {"zipkin": {"endpoint": "0.0.0.0:4317"}}, "exporters": {"debug": None}}
ZIPKIN["service"] = {"pipelines": {"traces": {"receivers": ["zipkin"], "exporters": ["debug"]}}}


def cluster(*recipes: Any, **options: Any) -> dict[str, Any]:
    """Return the variables of a cluster with one gateway."""
    used = list(recipes) or [INGEST_TRACES, "debug_output"]
    return {"otel_collector_namespace": "telemetry", "otel_collectors": [{"name": "gw", "recipes": used, **options}]}


def linux(collector: dict[str, Any] = GATEWAY, **variables: Any) -> dict[str, Any]:
    return {"otel_host_collectors": [collector], "otel_host_program": PROGRAM, **variables}


def sender(endpoint: str, **options: Any) -> dict[str, Any]:
    given = {"endpoint": endpoint, **({} if "mutual_tls" in options else {"insecure": True}), **options}
    return {"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": given}]}


def inventory(place: str, clusters: dict[str, Any], hosts: dict[str, Any]) -> Any:
    groups = {"all": [*clusters, *hosts], "otel_linux": list(hosts)}
    known = {"inventory_hostname": place, "groups": groups, "hostvars": {**clusters, **hosts}}
    return _inventory_groups.build_inventory_groups(known)


def said_on_host(agent: dict[str, Any], clusters: dict[str, Any], hosts: dict[str, Any]) -> str:
    """Return what the rules say of an agent on host web1."""
    hosts = {**hosts, "web1": linux(agent, ansible_host="192.0.2.101")}
    hosts["web1"]["otel_host_collectors"] = [agent, *hosts.pop("beside", {}).get("otel_host_collectors", [])]
    given = [{**one, "program": PROGRAM} for one in hosts["web1"]["otel_host_collectors"]]
    asked = _host_request.HostRequest(given, {}, groups=inventory("web1", clusters, hosts))
    said: list[str] = []
    judged = JudgementOptions.from_arguments(
        {"profile": "default", "severities": {}, "suppressions": [], "rule_paths": []}
    )
    found = _host_render.render_hosts(asked, judged, said.append)
    return " ".join([*said, *(one["message"] for one in found["findings"])])


def said_in_cluster(agent: dict[str, Any], hosts: dict[str, Any]) -> str:
    """Return what the rules say of a collector of a cluster."""
    groups = inventory("prod", {"prod": {"otel_collectors": [agent]}}, hosts)
    found = render_collectors(replace(request(agent), groups=groups), JudgementOptions(), lambda _warning: None)
    return " ".join(one["message"] for one in found["findings"])


LOST = "sends metrics and logs to collector 'telemetry/gw on prod', which does not receive this"
EXTERNAL_DNS = {"annotations": {"external-dns.alpha.kubernetes.io/hostname": "otlp.example.com, other.example.com"}}


@pytest.mark.parametrize(
    ("endpoint", "options"),
    [
        ("https://otlp.example.com", {"ingress": {"host": "otlp.example.com"}}),
        ("https://otlp.example.com", {"routes": {"gateway": "g", "http_hostnames": ["otlp.example.com"]}}),
        ("http://otlp.example.com:4318", {"service": {"type": "LoadBalancer", **EXTERNAL_DNS}}),
        ("http://gw.telemetry.svc.cluster.local:4318", {}),
    ],
)
def test_an_agent_of_a_host_is_told_what_the_gateway_of_a_cluster_does_not_receive(
    endpoint: str, options: dict[str, Any]
) -> None:
    agent = sender(endpoint, protocol="http", insecure=False)
    assert LOST in said_on_host(agent, {"prod": cluster(**options)}, {})


class Unreadable(dict[str, Any]):
    """Variables of a host of which one is undefined."""

    def get(self, key: str, _default: Any = None) -> Any:
        """Fail as Ansible does when it reads a variable that needs another one."""
        raise AnsibleError(f"{key} is undefined")


BEHIND = cluster(ingress={"host": "otlp.example.com"})


@pytest.mark.parametrize(
    "clusters",
    [
        {"prod": cluster(ingress={"host": "elsewhere.example.com"})},
        {"prod": BEHIND, "stage": BEHIND},
        {"prod": cluster("no_such_recipe", ingress={"host": "otlp.example.com"})},
        {"prod": Unreadable()},
        {"prod": {"notes": "otlp.example.com"}},
    ],
    ids=["another", "two", "broken", "unreadable", "no cluster"],
)
def test_an_address_that_is_not_known_says_nothing(clusters: dict[str, Any]) -> None:
    assert "does not receive" not in said_on_host(sender("https://otlp.example.com", protocol="http"), clusters, {})


def test_the_name_of_a_service_that_two_clusters_have_says_nothing() -> None:
    agent = sender("gw.telemetry.svc:4317")
    assert LOST in said_on_host(agent, {"prod": cluster()}, {})
    assert "does not receive" not in said_on_host(agent, {"prod": cluster(), "stage": cluster()}, {})


TRACES_ALONE = {**GATEWAY, "recipes": [INGEST_TRACES, "debug_output"]}


@pytest.mark.parametrize(
    ("endpoint", "variables"),
    [
        ("gw1.lan:4317", {}),
        ("192.0.2.1:4317", {"ansible_host": "192.0.2.1"}),
        ("gw.example.com:4317", {"otel_host_address": "gw.example.com"}),
        ("[2001:db8::7]:4317", {"ansible_host": "2001:db8::7"}),
        ("[2001:db8::7]:4317", {"ansible_host": "[2001:db8::7]"}),
        ("[2001:DB8:0::7]:4317", {"ansible_host": "2001:db8::7"}),
        ("[2001:db8::7]:4317", {"otel_host_address": "[2001:db8::7]"}),
    ],
)
def test_a_host_is_known_by_its_name_and_its_addresses(endpoint: str, variables: dict[str, Any]) -> None:
    hosts = {"gw1.lan": linux(TRACES_ALONE, **variables)}
    words = "sends metrics and logs to collector 'gateway on gw1.lan'"
    assert words in said_in_cluster(sender(endpoint), hosts)
    assert words in said_on_host(sender(endpoint), {}, hosts)


def test_to_a_pod_a_name_of_one_word_is_a_service() -> None:
    assert "does not receive" not in said_in_cluster(sender("gw1:4317"), {"gw1": linux(TRACES_ALONE)})
    assert "'gateway on gw1'" in said_on_host(sender("gw1:4317"), {}, {"gw1": linux(TRACES_ALONE)})


def test_a_gateway_of_a_cluster_asks_for_a_certificate() -> None:
    """By the name of a Service, nothing is between an agent and the gateway."""
    secure = {"otlp_ingest": {"tls_secret": "gw-tls", "client_ca_secret": "clients-ca"}}
    clusters = {"prod": cluster(secure, "debug_output")}
    for options, words in (({}, "in clear text"), ({"insecure": False}, "has no certificate")):
        with pytest.raises(Problem) as found:
            said_on_host(sender("gw.telemetry.svc:4317", **options), clusters, {})
        assert words in str(found.value)


@pytest.mark.parametrize(
    ("annotations", "is_refused"),
    [({}, True), ({"service.beta.kubernetes.io/aws-load-balancer-ssl-cert": "arn"}, False)],
)
def test_a_load_balancer_may_end_tls(annotations: dict[str, str], is_refused: bool) -> None:
    given = {"type": "LoadBalancer", "annotations": {**EXTERNAL_DNS["annotations"], **annotations}}
    clusters = {"prod": cluster("otlp_ingest", "debug_output", service=given)}
    agent = sender("otlp.example.com:4317", insecure=False)
    if not is_refused:
        assert "does not receive" not in said_on_host(agent, clusters, {})
        return
    with pytest.raises(Problem) as found:
        said_on_host(agent, clusters, {})
    assert "sends TLS, and collector 'telemetry/gw on prod' receives clear text" in str(found.value)


@pytest.mark.parametrize(
    ("port", "words"),
    [
        (30317, "sends TLS, and collector 'telemetry/gw on prod' receives clear text"),
        (30318, "sends gRPC to port 4318, where collector 'telemetry/gw on prod' receives HTTP"),
    ],
)
def test_a_port_of_the_nodes_leads_to_the_port_behind_it(port: int, words: str) -> None:
    given = {"type": "NodePort", "node_ports": {"otlp": 30317, "otlp-http": "30318"}, **EXTERNAL_DNS}
    clusters = {"prod": cluster("otlp_ingest", "debug_output", service=given)}
    with pytest.raises(Problem) as found:
        said_on_host(sender(f"otlp.example.com:{port}", insecure=False), clusters, {})
    assert words in str(found.value)
    assert said_on_host(sender(f"otlp.example.com:{port + 2}", insecure=False), clusters, {}) == ""


def test_a_large_inventory_is_known_by_names(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = {"gw1.lan": linux(TRACES_ALONE, ansible_host="192.0.2.1")}
    monkeypatch.setattr(_inventory_addresses, "_MOST_PLACES", 0)
    assert "'gateway on gw1.lan'" in said_in_cluster(sender("gw1.lan:4317"), hosts)
    assert "'gateway on gw1.lan'" not in said_in_cluster(sender("192.0.2.1:4317"), hosts)


@pytest.mark.parametrize(
    ("endpoint", "gateway"),
    [
        ("gw1.lan:9999", TRACES_ALONE),
        ("gw1.lan:4317", {**TRACES_ALONE, "listen_address": "127.0.0.1"}),
        ("127.0.0.1:4317", TRACES_ALONE),
    ],
    ids=["another port", "loopback of the host", "loopback of the pod"],
)
def test_a_port_that_is_not_known_says_nothing(endpoint: str, gateway: dict[str, Any]) -> None:
    assert "does not receive" not in said_in_cluster(sender(endpoint), {"gw1.lan": linux(gateway)})


def test_addresses_that_two_hosts_have_say_nothing() -> None:
    hosts = {name: linux(TRACES_ALONE, ansible_host="192.0.2.1") for name in ("gw1.lan", "gw2")}
    assert "does not receive" not in said_in_cluster(sender("192.0.2.1:4317"), hosts)


def test_a_port_of_another_protocol_receives_nothing() -> None:
    words = "sends traces and metrics and logs to collector 'gateway on gw1.lan'"
    other = {"name": "gateway", "config": ZIPKIN}
    assert words in said_in_cluster(sender("gw1.lan:4317"), {"gw1.lan": linux(other)})


def test_collectors_of_one_host_find_each_other_on_the_loopback() -> None:
    second = {"name": "second", "health_port": 13134, "metrics_port": 8889, "config": {}}
    second["recipes"] = [INGEST_TRACES, "debug_output"]
    second["config"] = {"receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "127.0.0.1:14317"}, "http": None}}}}
    said = said_on_host(sender("127.0.0.1:14317"), {}, {"beside": linux(second)})
    assert "sends metrics and logs to collector 'second on web1'" in said


@pytest.mark.parametrize("endpoint", ["127.0.0.1:4317", "localhost:4317"])
def test_an_agent_that_sends_to_itself_is_refused(endpoint: str) -> None:
    words = "collector 'agent': data would go round in a loop: exporter 'otlp_grpc/gateway' sends to port 4317, where"
    with pytest.raises(Problem, match=words):
        said_on_host(sender(endpoint), {}, {})
    with pytest.raises(Problem, match=words):
        said_on_host({**sender("web1:4317"), "listen_address": "0.0.0.0"}, {}, {})


def test_two_pipelines_of_one_collector_may_send_to_each_other() -> None:
    chain: dict[str, Any] = {
        "receivers": {"otlp/second": {"protocols": {"grpc": {"endpoint": "127.0.0.1:14317"}}}},
        "exporters": {"debug": {}},
        "service": {"pipelines": {"traces/second": {"receivers": ["otlp/second"], "exporters": ["debug"]}}},
    }
    assert "loop" not in said_on_host({**sender("127.0.0.1:14317"), "config": chain}, {}, {})


def test_the_largest_request_is_that_of_the_other_side() -> None:
    small = {**GATEWAY, "config": {"receivers": {"otlp": {"protocols": {"grpc": {"max_recv_msg_size_mib": 1}}}}}}
    said = said_in_cluster(sender("gw1.lan:4317"), {"gw1.lan": linux(small)})
    assert "collector 'gateway on gw1.lan' takes at most 1 MiB" in said


SECURE = {"gw1.lan": linux({**GATEWAY, "tls": TLS})}


@pytest.mark.parametrize(
    ("agent", "hosts", "words"),
    [
        (sender("gw1.lan:4317"), SECURE, "sends in clear text, and collector 'gateway on gw1.lan' receives TLS"),
        (
            sender("gw1.lan:4317", insecure=False),
            SECURE,
            "has no certificate, and collector 'gateway on gw1.lan' asks for one",
        ),
        (
            sender("gw1.lan:4317", insecure=False),
            {"gw1.lan": linux()},
            "sends TLS, and collector 'gateway on gw1.lan' receives cl",
        ),
        (
            sender("gw1.lan:4318"),
            {"gw1.lan": linux()},
            "sends gRPC to port 4318, where collector 'gateway on gw1.lan' receives HTTP",
        ),
        (sender("http://gw1.lan:4317", protocol="http"), {"gw1.lan": linux()}, "sends HTTP to port 4317, where"),
        (sender("http://gw1.lan:4318", protocol="http"), SECURE, "sends in clear text"),
    ],
)
def test_two_sides_that_differ_are_refused(agent: dict[str, Any], hosts: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as in_cluster:
        said_in_cluster(agent, hosts)
    with pytest.raises(Problem) as on_host:
        said_on_host(agent, {}, hosts)
    assert words in str(in_cluster.value)
    assert words in str(on_host.value)


def test_what_is_behind_an_ingress_may_differ() -> None:
    """An Ingress ends TLS, and has a port of its own."""
    clusters = {"prod": cluster("otlp_ingest", "debug_output", ingress={"host": "otlp.example.com"})}
    agent = sender("https://otlp.example.com:443", protocol="http", insecure=False)
    assert "does not receive" not in said_on_host(agent, clusters, {})


def test_without_hosts_a_cluster_is_rendered_as_before() -> None:
    agent = sender("gw.example.com:4317")
    assert said_in_cluster(agent, {}) == " ".join(
        one["message"]
        for one in render_collectors(request(agent), JudgementOptions(), lambda _warning: None)["findings"]
    )
