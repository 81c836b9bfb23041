# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent's requests to gateways on hosts are: the header of a tenant, and a compression that gateways take."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from .test_host_groups import GATEWAY, bundle, exporter, file, forward, gateways


def taking(*algorithms: str) -> dict[str, Any]:
    """Return the one gateway, whose receiver of OTLP over HTTP takes these compressions alone."""
    http = {"compression_algorithms": list(algorithms)}
    given = {**GATEWAY, "config": {"receivers": {"otlp": {"protocols": {"http": http}}}}}
    return gateways("192.0.2.1", otel_host_collectors=[given])


def sending(protocol: str, **settings: Any) -> dict[str, Any]:
    """Return an agent whose exporter has these settings."""
    config = {"exporters": {f"otlp_{protocol}/gateway": settings}}
    return {**forward(protocol=protocol), **({"config": config} if settings else {})}


@pytest.mark.parametrize(
    ("agent", "taken", "words"),
    [
        (sending("http"), ("zstd",), "sends compressed by gzip, and collector 'gateway on gw1' takes zstd alone"),
        (sending("http", compression="zstd"), ("gzip", ""), "sends compressed by zstd, and collector"),
        (sending("http", compression="none"), ("gzip",), "sends uncompressed, and collector"),
    ],
)
def test_a_compression_that_a_gateway_refuses_fails_before_anything_is_applied(
    agent: dict[str, Any], taken: tuple[str, ...], words: str
) -> None:
    with pytest.raises(Problem) as found:
        bundle(agent, taking(*taken))
    assert words in str(found.value)
    assert "to `compression_algorithms` of its receiver, or set `compression` of the exporter" in str(found.value)


@pytest.mark.parametrize(
    ("agent", "taken"),
    [
        (sending("http"), ()),
        (sending("http"), ("zstd", "gzip")),
        (sending("http", compression="none"), ("",)),
        (sending("grpc", compression="zstd"), ("gzip",)),
    ],
)
def test_a_compression_that_a_gateway_takes_is_sent(agent: dict[str, Any], taken: tuple[str, ...]) -> None:
    assert exporter(bundle(agent, taking(*taken)))


def test_each_tier_sends_the_header_of_its_tenant() -> None:
    """A gateway sends the header that its own recipe says, not that of the request unless asked."""
    tenant = {"x-scope-orgid": "shop"}
    found = bundle(forward(headers=tenant), gateways("192.0.2.1", "192.0.2.2"))
    assert exporter(found)["headers"] == tenant
    routed = {
        "name": "agent",
        "listen_address": "0.0.0.0",
        "recipes": [
            {"otlp_ingest": {"include_metadata": True}},
            {"tenant_routing": {"by": "header", "key": "x-scope-orgid", "default": "rest", "destinations": [
                {"name": "shop", "tenants": ["shop"], "endpoint": "192.0.2.8:4317", "insecure": True},
                {"name": "rest", "endpoint": "192.0.2.9:4317", "insecure": True},
            ]}},
        ],
    }  # fmt: skip
    config = yaml.safe_load(file(bundle(routed, gateways("192.0.2.1")), "config.yaml"))
    protocols = config["receivers"]["otlp"]["protocols"]
    assert {name: one["include_metadata"] for name, one in protocols.items()} == {"grpc": True, "http": True}
    assert any(name.startswith("routing") for name in config["connectors"])


ROUTED = {
    **GATEWAY,
    "recipes": [
        {"otlp_ingest": {"include_metadata": True}},
        {"tenant_routing": {
            "by": "header", "key": "x-scope-orgid", "default": "drop",
            "destinations": [{"name": "shop", "tenants": ["shop"], "endpoint": "192.0.2.8:4317", "insecure": True}],
        }},
    ],
}  # fmt: skip


def test_a_tenant_that_no_agent_names_is_told_once_for_all_gateways() -> None:
    members = gateways("192.0.2.1", "192.0.2.2", otel_host_collectors=[ROUTED])
    told = [row for row in bundle(forward(), members)["findings"] if row["rule"] == "header-unsent"]
    assert [row["severity"] for row in told] == ["info"]
    assert "sends no header 'x-scope-orgid'" in told[0]["message"]
    named = bundle(forward(headers={"X-Scope-OrgID": "shop"}), members)["findings"]
    assert [row for row in named if row["rule"] == "header-unsent"] == []
