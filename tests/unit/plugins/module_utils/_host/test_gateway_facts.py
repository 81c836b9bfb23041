# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gateways do not receive of the signals that an exporter sends."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.gateway_connections import GatewayConnection
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.gateway_facts import find_unreceived_by_gateways
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.host_groups import Gateway
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
