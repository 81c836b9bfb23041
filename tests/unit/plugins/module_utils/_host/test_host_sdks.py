# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of a host get the variables by which their SDKs reach a collector there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.support import hosts

FORWARD = {"otlp_forward": {"endpoint": "gateway.example.com:4317"}}
AGENT = {"name": "agent", "recipes": ["otlp_ingest", FORWARD]}
TAIL = {"name": "tail", "health_port": 13134, "metrics_port": 8889, "recipes": ["journald_logs", FORWARD]}
ROW = {"services": ["shop.service"]}


def rendered(*rows: dict[str, Any], collectors: Any = (AGENT,)) -> dict[str, Any]:
    program = {"path": "/usr/bin/otelcol-contrib"}
    return hosts.render_host({"otel_host_program": program, "otel_host_collectors": list(collectors)}, rows)


def variables(*rows: dict[str, Any], **more: Any) -> dict[str, str]:
    """Return the variables of the first service."""
    bundles = rendered(*rows, **more)["bundles"]
    return next(dict(one["services"][0]["variables"]) for one in bundles if "services" in one)


def test_a_service_sends_to_the_receiver_of_the_host() -> None:
    assert variables(ROW) == {
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_RESOURCE_ATTRIBUTES": "host.id=@host_id@",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }


def test_all_options_become_variables() -> None:
    row = {
        "services": ["shop@1"],
        "protocol": "grpc",
        "resource_attributes": {"deployment.environment.name": "prod, 10% = ä", "team": "@host_id@"},
        "propagators": ["tracecontext", "b3"],
        "sampler": {"type": "traceidratio", "argument": "0.25"},
        "env": {"OTEL_LOGS_EXPORTER": "otlp", "OTEL_BSP_SCHEDULE_DELAY": 1000},
    }
    found = variables(row)
    assert found["OTEL_SERVICE_NAME"] == "shop"
    attributes = "deployment.environment.name=prod%2C%2010%25%20%3D%20%C3%A4,team=%40host_id%40"
    assert found["OTEL_RESOURCE_ATTRIBUTES"] == f"host.id=@host_id@,{attributes}"
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:4317"
    assert (found["OTEL_PROPAGATORS"], found["OTEL_TRACES_SAMPLER"]) == ("tracecontext,b3", "traceidratio")
    assert (found["OTEL_TRACES_SAMPLER_ARG"], found["OTEL_BSP_SCHEDULE_DELAY"]) == ("0.25", "1000")


def test_the_drop_in_is_rendered_with_its_collector() -> None:
    result = rendered({**ROW, "restart": True, "env": {"OTEL_A": 'a "b" \\ $c 5%'}}, collectors=(TAIL, AGENT))
    file = next(one for one in result["files"] if one["path"] == "agent/shop.service.conf")
    assert file["content"].startswith("# Written by o11y.opentelemetry for collector 'agent'.")
    assert 'Environment="OTEL_RESOURCE_ATTRIBUTES=host.id=%m"\n' in file["content"]
    assert 'Environment="OTEL_A=a \\"b\\" \\\\ $c 5%%"\n' in file["content"]
    assert [bool(one.get("services")) for one in result["bundles"]] == [False, True]
    assert "agent: shop.service sends to http://127.0.0.1:4318, and is restarted for that" in result["summary"]


@pytest.mark.parametrize(
    ("address", "url"),
    [("0.0.0.0", "http://127.0.0.1:4318"), ("192.0.2.1", "http://192.0.2.1:4318"), ("::1", "http://[::1]:4318")],
)
def test_the_address_is_that_of_the_receiver(address: str, url: str) -> None:
    agent = {**AGENT, "listen_address": address}
    assert variables(ROW, collectors=(agent,))["OTEL_EXPORTER_OTLP_ENDPOINT"] == url


TLS = {"receivers": {"otlp": {"protocols": {"http": {"tls": {"cert_file": "/etc/a.crt", "key_file": "/etc/a.key"}}}}}}
SECURE = {**AGENT, "config": TLS}


def test_an_endpoint_of_the_user_is_for_receivers_with_tls() -> None:
    row = {**ROW, "endpoint": "https://web1:4318", "env": {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/etc/ca.crt"}}
    assert variables(row, collectors=(SECURE,))["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://web1:4318"


OTHER = {"name": "other", "health_port": 13134, "metrics_port": 8889, "recipes": ["otlp_ingest", FORWARD]}
OTHER_PORTS = {
    **OTHER,
    "config": {
        "receivers": {
            "otlp": {"protocols": {"grpc": {"endpoint": "127.0.0.1:14317"}, "http": {"endpoint": "127.0.0.1:14318"}}}
        }
    },
}
FAULTS: dict[str, tuple[dict[str, Any], tuple[Any, ...], str]] = {
    "no receiver": ({}, (TAIL,), "no collector of the host has an OTLP receiver over http. Add recipe `otlp_ingest`"),
    "several": ({}, (AGENT, OTHER_PORTS), "several collectors of the host receive OTLP over http: agent, other"),
    "unknown collector": ({"collector": "agnet"}, (AGENT,), "no collector 'agnet'; did you mean 'agent'?"),
    "that has none": ({"collector": "tail"}, (AGENT, TAIL), "collector 'tail' has no OTLP receiver over http"),
    "tls": ({}, (SECURE,), "collector 'agent' receives TLS at http://127.0.0.1:4318"),
    "own unit": ({"services": ["otelcol-agent"]}, (AGENT,), "it is a collector of the inventory"),
    "twice": ({"services": ["shop", "shop.service"]}, (AGENT,), "service 'shop.service': it stands twice"),
    "none": ({"services": []}, (AGENT,), "it names no service"),
    "path": ({"services": ["../../etc/x"]}, (AGENT,), "is no name of a service"),
    "option": ({"services": ["-x"]}, (AGENT,), "is no name of a service"),
    "line in a name": ({"services": ["a\n.service"]}, (AGENT,), "services"),
    "line in a value": ({"env": {"OTEL_A": "a\nb"}}, (AGENT,), "OTEL_A"),
    "line in an attribute": ({"service_name": "a\nb"}, (AGENT,), "service_name"),
    "name of several": ({"services": ["a", "b"], "service_name": "x"}, (AGENT,), "the name of several services"),
    "name in attributes": ({"resource_attributes": {"service.name": "x"}}, (AGENT,), "Write `service_name`"),
    "id in attributes": ({"resource_attributes": {"host.id": "x"}}, (AGENT,), "that of the host by itself"),
    "no attribute": ({"resource_attributes": {"a=b,c": "x"}}, (AGENT,), "which is no name of an attribute"),
    "endpoint": ({"endpoint": "127.0.0.1:4318"}, (AGENT,), "which is no URL of a receiver"),
    "password": ({"endpoint": "http://a:b@c:4318"}, (AGENT,), "which is no URL of a receiver"),
    "headers": ({"env": {"OTEL_EXPORTER_OTLP_HEADERS": "a=b"}}, (AGENT,), "every user of the host can read"),
    "secret": ({"env": {"OTEL_MY_TOKEN": "hunter2hunter2"}}, (AGENT,), "`env.OTEL_MY_TOKEN` looks like a secret"),
    "set by an option": ({"env": {"OTEL_PROPAGATORS": "b3"}}, (AGENT,), "Write `propagators` in its place"),
    "other variable": ({"env": {"LD_PRELOAD": "/x"}}, (AGENT,), "is no variable of OpenTelemetry"),
    "sampler": ({"sampler": {"type": "sometimes"}}, (AGENT,), "there is no sampler 'sometimes'"),
    "argument": ({"sampler": {"argument": "0.5"}}, (AGENT,), "has an argument and no type"),
    "propagator": ({"propagators": ["bagage"]}, (AGENT,), "there is no propagator 'bagage'; did you mean 'baggage'?"),
    "typo": ({"restrat": True}, (AGENT,), "restrat"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_could_not_work_is_refused(case: str) -> None:
    change, collectors, words = FAULTS[case]
    with pytest.raises(Problem) as raised:
        rendered({**ROW, **change}, collectors=collectors)
    assert words in str(raised.value)
    assert "otel_host_sdks" in str(raised.value)
    assert "hunter2" not in str(raised.value)
