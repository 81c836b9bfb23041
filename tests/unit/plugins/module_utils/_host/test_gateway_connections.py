# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections of an exporter to gateways: which gateway it sends to, and what a gateway does not receive."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.gateway_connections import (
    GatewayConnection,
    find_sending_exporters,
    find_unreceived_by_gateways,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.host_groups import Gateway, GroupAddress
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Unreceived

EXPORTER = "loadbalancing"


def pipelines(receiver: str, exporter: str, *signals: str) -> dict[str, Any]:
    """Return a config with one pipeline for each signal."""
    by_signal = {signal: {"receivers": [receiver], "exporters": [exporter]} for signal in signals}
    return {"receivers": {receiver: {}}, "exporters": {exporter: {}}, "service": {"pipelines": by_signal}}


SENDER = pipelines("otlp", EXPORTER, "traces", "logs")


def connection(host: str, config: dict[str, Any], *, is_otlp: bool) -> GatewayConnection:
    gateway = Gateway(host, "gateway", host, 4317)
    return GatewayConnection(EXPORTER, {}, gateway, config, is_direct=is_otlp, is_otlp=is_otlp)


def test_each_gateway_without_otlp_at_the_address_loses_all_signals() -> None:
    config = pipelines("zipkin", "debug", "traces")
    to_both = [connection("gw1", config, is_otlp=False), connection("gw2", config, is_otlp=False)]
    assert find_unreceived_by_gateways(SENDER, to_both) == {
        EXPORTER: (
            Unreceived("gateway on gw1", "traces"),
            Unreceived("gateway on gw1", "logs"),
            Unreceived("gateway on gw2", "traces"),
            Unreceived("gateway on gw2", "logs"),
        )
    }


def test_a_gateway_without_otlp_does_not_hide_what_another_one_loses() -> None:
    to_both = [
        connection("gw1", pipelines("otlp", "debug", "traces"), is_otlp=True),
        connection("gw2", pipelines("zipkin", "debug", "traces"), is_otlp=False),
    ]
    assert find_unreceived_by_gateways(SENDER, to_both) == {
        EXPORTER: (
            Unreceived("gateway on gw1", "logs"),
            Unreceived("gateway on gw2", "traces"),
            Unreceived("gateway on gw2", "logs"),
        )
    }


def test_what_a_gateway_receives_at_another_address_is_told_once() -> None:
    elsewhere = connection("gw1", pipelines("otlp", "debug", "traces"), is_otlp=False)
    assert find_unreceived_by_gateways(SENDER, [elsewhere]) == {
        EXPORTER: (Unreceived("gateway on gw1", "traces"), Unreceived("gateway on gw1", "logs"))
    }


@pytest.mark.parametrize(
    "endpoint",
    [
        "gateways.internal:4317",
        "http://gateways.internal:4317",
        "https://gateways.internal:4317/",
        "http://gateways.internal:4317/v1/traces",
        "dns:///gateways.internal:4317",
        "dns://192.0.2.53/gateways.internal:4317",
    ],
)
def test_an_address_leads_to_its_gateways_however_it_is_written(endpoint: str) -> None:
    gateways = (Gateway("gw1", "gateway", "192.0.2.1", 4317), Gateway("gw2", "gateway", "192.0.2.2", 4317))
    address = GroupAddress(gateways, "gateways.internal:4317", "gateways.internal")
    config = {"exporters": {"otlp": {"endpoint": endpoint}}}
    assert tuple(sending.gateway for sending in find_sending_exporters(config, address)) == gateways


def test_an_address_that_only_ends_like_the_one_of_the_group_is_another() -> None:
    address = GroupAddress((Gateway("gw1", "gateway", "192.0.2.1", 4317),), "192.0.2.1:4317")
    config = {"exporters": {"otlp": {"endpoint": "https://eu-192.0.2.1:4317/"}}}
    assert not list(find_sending_exporters(config, address))
