# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents and gateways on hosts authenticate each other with certificates that are credentials."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from .test_host_groups import bundle, exporter, file, gateways

FOLDER = "${env:CREDENTIALS_DIRECTORY}"
KEY_TEXT = "-----BEGIN PRIVATE KEY-----\nnobody may read this\n-----END PRIVATE KEY-----\n"
TLS = {
    "ca": {"credential": {"path": "/etc/ssl/otel/ca.crt"}},
    "certificate": {"credential": {"path": "/etc/ssl/otel/host.crt"}},
    "key": {"credential": {"content": KEY_TEXT}},
}


def agent_with(tls: dict[str, Any] = TLS, **options: Any) -> dict[str, Any]:
    """Return an agent that sends to the gateways, unless an option says otherwise."""
    to = {} if "endpoint" in options else {"to": "gateways"}
    return {"name": "agent", "tls": tls, "recipes": ["otlp_ingest", {"otlp_forward": {**to, **options}}]}


AGENT = agent_with()
GATEWAY = {"name": "agent", "tls": TLS, "listen_address": "0.0.0.0", "recipes": ["otlp_ingest", "debug_output"]}
MEMBERS = gateways("192.0.2.1", "192.0.2.2", otel_host_tls=TLS)
CLIENT = {"ca_file": f"{FOLDER}/tls-ca", "cert_file": f"{FOLDER}/tls-certificate", "key_file": f"{FOLDER}/tls-key"}
SERVER = {"cert_file": CLIENT["cert_file"], "key_file": CLIENT["key_file"], "client_ca_file": CLIENT["ca_file"]}


def receiver(found: dict[str, Any]) -> Any:
    return yaml.safe_load(file(found, "config.yaml"))["receivers"]["otlp"]["protocols"]


def test_an_agent_shows_its_certificate_to_gateways_and_none_to_applications() -> None:
    found = bundle(AGENT, MEMBERS)
    assert exporter(found)["tls"] == CLIENT
    assert {name: one.get("tls") for name, one in receiver(found).items()} == {"grpc": None, "http": None}


def test_a_gateway_takes_data_only_with_a_certificate_of_the_ca() -> None:
    found = bundle(GATEWAY, MEMBERS)
    assert {name: one["tls"] for name, one in receiver(found).items()} == {"grpc": SERVER, "http": SERVER}


def test_the_key_is_a_credential_and_stands_nowhere_else() -> None:
    found = bundle(GATEWAY, MEMBERS)
    assert found["credentials"] == [
        {"name": "tls-ca", "path": "/etc/ssl/otel/ca.crt"},
        {"name": "tls-certificate", "path": "/etc/ssl/otel/host.crt"},
        {"name": "tls-key", "content": KEY_TEXT.rstrip("\n")},
    ]
    assert "nobody may read this" not in json.dumps({**found, "credentials": []})
    assert "LoadCredential=tls-key:/etc/otelcol/agent/current/credentials/tls-key" in file(found, "unit").splitlines()


def test_what_a_config_does_not_read_is_no_credential() -> None:
    agent = agent_with(endpoint="backend.example.com:4317")
    assert bundle(agent, MEMBERS)["credentials"] == []


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        (agent_with({**TLS, "server_name": "gw"}), {**CLIENT, "server_name_override": "gw"}),
        (agent_with(endpoint="a:1", mutual_tls=True), CLIENT),
    ],
)
def test_a_recipe_says_otherwise(agent: dict[str, Any], client: dict[str, Any]) -> None:
    found = exporter(bundle(agent, MEMBERS))["tls"]
    assert {name: value for name, value in found.items() if name != "reload_interval"} == client


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (agent_with({"ca": TLS["ca"]}), "`tls` has no `certificate`, and mutual TLS needs ca, certificate, key"),
        (agent_with({**TLS, "ca": {"path": "/a"}}), "`tls.ca` has path, and a host has credentials"),
        (
            agent_with({**TLS, "key": {"credential": {"path": "key"}}}),
            "`tls.key.credential.path` is no full path",
        ),
        (
            agent_with({}, mutual_tls=True),
            "option 'mutual_tls' needs the certificates of option `tls`",
        ),
        (
            agent_with(mutual_tls=True, insecure=True),
            "'mutual_tls' and 'insecure' exclude each other",
        ),
    ],
)
def test_certificates_that_are_not_whole_fail_with_words(agent: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as found:
        bundle(agent, MEMBERS)
    assert words in str(found.value)


CLEAR = gateways("192.0.2.1", "192.0.2.2")
HTTP_CLEAR = agent_with(protocol="http", insecure=True)


@pytest.mark.parametrize(
    ("agent", "members", "words"),
    [
        (agent_with(), CLEAR, "'otlp_grpc/gateway' sends TLS, and collector 'gateway on gw1' receives clear text"),
        (agent_with(insecure=True), MEMBERS, "sends in clear text, and collector 'gateway on gw1' receives TLS"),
        (HTTP_CLEAR, gateways("192.0.2.1", otel_host_tls=TLS), "'otlp_http/gateway' sends in clear text"),
        (agent_with(mutual_tls=False), MEMBERS, "has no certificate, and collector 'gateway on gw1' asks for one"),
    ],
)
def test_tls_on_one_side_alone_fails_before_anything_is_applied(
    agent: dict[str, Any], members: dict[str, dict[str, Any]], words: str
) -> None:
    with pytest.raises(Problem) as found:
        bundle(agent, members)
    assert words in str(found.value)


def test_a_group_whose_name_ends_with_that_of_another_is_not_this_other() -> None:
    secure = gateways("192.0.2.1", "192.0.2.2", otel_host_tls=TLS)
    clear = {f"eu-{name}": one for name, one in gateways("192.0.2.3", "192.0.2.4").items()}
    to_both: list[Any] = [
        {"otlp_forward": {"name": "near", "to": "gateways"}},
        {"otlp_forward": {"name": "eu", "to": "eu_gateways", "insecure": True}},
    ]
    agent = {"name": "agent", "tls": TLS, "recipes": ["otlp_ingest", *to_both]}
    found = bundle(agent, {**secure, **clear}, gateways=list(secure), eu_gateways=list(clear))
    exporters = yaml.safe_load(file(found, "config.yaml"))["exporters"]
    assert {name: one["endpoint"] for name, one in exporters.items()} == {
        "otlp_grpc/near": "dns:///gateways.internal:4317",
        "otlp_grpc/eu": "dns:///eu-gateways.internal:4317",
    }


@pytest.mark.parametrize("number_of_secure_gateway", [1, 2])
def test_traces_divided_among_gateways_are_checked_for_each_of_them(number_of_secure_gateway: int) -> None:
    members = gateways("192.0.2.1", "192.0.2.2")
    members[f"gw{number_of_secure_gateway}"]["otel_host_tls"] = TLS
    send = {"trace_balancing": {"to": "gateways", "insecure": True}}
    agent = {"name": "agent", "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, send]}
    with pytest.raises(Problem) as found:
        bundle(agent, members)
    receiver_of_tls = f"collector 'gateway on gw{number_of_secure_gateway}' receives TLS"
    assert f"sends in clear text, and {receiver_of_tls}" in str(found.value)
