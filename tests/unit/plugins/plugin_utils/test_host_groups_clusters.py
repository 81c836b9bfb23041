# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of clusters send to the Linux hosts of a group of the inventory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _inventory_groups
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._findings import JudgementOptions
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._rendered import render_collectors

from .helpers import of_kind, request
from .test_host_groups import GATEWAY, PROGRAM, Hosts, gateways
from .test_host_groups_tls import TLS

CLUSTER = "prod_eu"
SECRETS = {"ca_secret": "gateways-ca", "client_tls_secret": "agent-tls"}
CA = "/etc/otelcol/secrets/gateways-ca/ca.crt"


def agent(recipe: str = "otlp_forward", **options: Any) -> dict[str, Any]:
    """Return a collector of a cluster that sends to the gateways, in clear text unless an option says otherwise."""
    clear = {} if {"insecure", "ca_secret"} & options.keys() else {"insecure": True}
    ingest = {"otlp_ingest": {"signals": ["traces"]}} if recipe == "trace_balancing" else "otlp_ingest"
    return {"name": "agent", "recipes": [ingest, {recipe: {"to": "gateways", **clear, **options}}]}


def bundle(sender: dict[str, Any], members: Hosts) -> dict[str, Any]:
    """Return what is rendered for a cluster whose one collector is the sender."""
    cluster = {"otel_collectors": [sender]}
    hosts = {name: {**one, "otel_host_program": PROGRAM} for name, one in members.items()}
    groups = _inventory_groups.build_inventory_groups(
        {
            "inventory_hostname": CLUSTER,
            "groups": {"all": [*hosts, CLUSTER], "clusters": [CLUSTER], "gateways": list(hosts), "nobody": []},
            "hostvars": {**hosts, CLUSTER: cluster},
        }
    )
    return render_collectors(replace(request(sender), groups=groups), JudgementOptions(), lambda _warning: None)


def exporter(found: dict[str, Any]) -> dict[str, Any]:
    (one,) = yaml.safe_load(found["collectors"][0]["config"])["exporters"].values()
    return dict(one)


TWO = gateways("192.0.2.1", "192.0.2.2")


@pytest.mark.parametrize(
    ("backend", "kind", "pods"),
    [("kubernetes", "Deployment", ("template", "spec")), ("operator", "OpenTelemetryCollector", ())],
)
def test_pods_know_all_gateways_by_one_name(backend: str, kind: str, pods: tuple[str, ...]) -> None:
    found = bundle({**agent(), "backend": backend}, TWO)
    sends = exporter(found)
    assert (sends["endpoint"], sends["balancer_name"]) == ("dns:///gateways.internal:4317", "round_robin")
    (workload,) = of_kind(found, kind)
    spec = workload["spec"]
    for key in pods:
        spec = spec[key]
    assert spec["hostAliases"] == [
        {"ip": "192.0.2.1", "hostnames": ["gateways.internal"]},
        {"ip": "192.0.2.2", "hostnames": ["gateways.internal"]},
    ]


def test_spans_of_a_trace_go_to_the_same_gateway() -> None:
    found = exporter(bundle({**agent("trace_balancing"), "distribution": "contrib"}, TWO))
    assert found["resolver"] == {"static": {"hostnames": ["192.0.2.1:4317", "192.0.2.2:4317"]}}


@pytest.mark.parametrize(
    ("options", "members", "endpoint"),
    [
        ({}, gateways("192.0.2.1"), "192.0.2.1:4317"),
        ({"protocol": "http", "insecure": True}, gateways("gw.example.com"), "http://gw.example.com:4318"),
        ({"spread": "senders"}, TWO, "192.0.2.2:4317"),
    ],
)
def test_one_gateway_needs_no_name(options: dict[str, Any], members: Hosts, endpoint: str) -> None:
    found = bundle(agent(**options), members)
    assert exporter(found)["endpoint"] == endpoint
    assert "hostAliases" not in str(found["manifests"])


def test_certificates_are_secrets_of_the_cluster_and_the_name_is_that_of_the_gateways() -> None:
    members = gateways("192.0.2.1", "192.0.2.2", otel_host_tls={**TLS, "server_name": "gw.example.com"})
    found = exporter(bundle(agent(**SECRETS), members))["tls"]
    assert (found["ca_file"], found["server_name_override"]) == (CA, "gw.example.com")
    assert found["cert_file"] == "/etc/otelcol/secrets/agent-tls/tls.crt"


WITH_TLS = gateways("192.0.2.1", "192.0.2.2", otel_host_tls=TLS)
TRACES_ALONE = {**GATEWAY, "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, "debug_output"]}


@pytest.mark.parametrize(
    ("sender", "members", "words"),
    [
        (agent(to="nobody"), TWO, "group 'nobody' of the inventory has no host"),
        (agent(to="gatewais"), TWO, "no group 'gatewais'; did you mean 'gateways'?"),
        (agent(to="clusters"), TWO, "'prod_eu' of group 'clusters' is a cluster, and `to` names Linux hosts"),
        (agent(), {"gw1": {}}, "host 'gw1' of group 'gateways' has no collector that receives OTLP"),
        (agent(), WITH_TLS, "sends in clear text, and collector 'gateway on gw1' receives TLS"),
        (agent(**SECRETS), TWO, "sends TLS, and collector 'gateway on gw1' receives clear text"),
        (agent(ca_secret="ca"), WITH_TLS, "has no certificate, and collector 'gateway on gw1' asks for one"),
        (agent("trace_balancing"), WITH_TLS, "'load_balancing/sampler' sends in clear text"),
        (agent(mutual_tls=True, ca_secret="ca"), WITH_TLS, "option 'mutual_tls' needs the certificates of option"),
        (
            {**agent(), "backend": "operator", "mode": "sidecar"},
            TWO,
            "group 'gateways' has 2 gateways, and a sidecar cannot give them one name",
        ),
    ],
)
def test_what_cannot_work_fails_before_anything_is_applied(sender: dict[str, Any], members: Hosts, words: str) -> None:
    with pytest.raises(Problem) as found:
        bundle(sender, members)
    assert words in str(found.value)


def test_the_rules_follow_data_to_the_hosts() -> None:
    found = bundle(agent(), gateways("192.0.2.1", otel_host_collectors=[TRACES_ALONE]))["findings"]
    (lost,) = [one for one in found if one["rule"] == "unreceived-signal"]
    assert "gateway on gw1" in lost["message"]


def test_two_groups_with_one_host_are_two_names_of_one_address() -> None:
    """An address stands once in the names of a pod: Kubernetes merges them by it."""
    both = [*agent()["recipes"], {"otlp_forward": {"to": "all_gateways", "name": "second", "insecure": True}}]
    groups = {"gateways": ["gw1", "gw2"], "all_gateways": ["gw1", "gw2"]}
    known = {"inventory_hostname": CLUSTER, "groups": groups, "hostvars": {**TWO, CLUSTER: {}}}
    asked = replace(request({"name": "agent", "recipes": both}), groups=_inventory_groups.build_inventory_groups(known))
    found = render_collectors(asked, JudgementOptions(), lambda _warning: None)
    (workload,) = of_kind(found, "Deployment")
    assert workload["spec"]["template"]["spec"]["hostAliases"] == [
        {"ip": f"192.0.2.{number}", "hostnames": ["gateways.internal", "all-gateways.internal"]} for number in (1, 2)
    ]
