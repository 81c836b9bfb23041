# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rows of the catalogue say beside an endpoint and a port, what is known of ports and of the API."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.derive_needs import derive_needs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.listeners import (
    find_listeners,
    waits_for_clients,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.started_components import (
    list_started_components,
)

from ...helpers import LISTENERS, cases, needs, rows, running


@cases("settings, host", ({}, "0.0.0.0"), ({"hostname": "localhost"}, "localhost"), ({"port": 2055}, ""))
def test_a_host_may_stand_beside_its_port(settings: Any, host: str) -> None:
    config = running(receivers={"netflow": settings})
    (found,) = [item for item in find_listeners(config, list_started_components(config), LISTENERS) if item.part]
    assert (found.host, found.port, found.protocol, found.name) == (host, 2055, "UDP", "netflow")


@cases("settings, waits", ({}, True), ({"webhook": {}}, True), ({"scrapers": {"scraper": {}}}, False))
def test_a_type_that_can_listen_or_ask_does_what_its_settings_say(settings: Any, waits: bool) -> None:
    config = running(receivers={"github": settings})
    assert waits_for_clients("receivers", "github", config, LISTENERS) is waits


ASKS = rows("""
- [receivers, otlp, {}, false]
- [receivers, kubelet_stats, {}, true]
- [receivers, prometheus, {config: {scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod}]}]}}, true]
- [receivers, prometheus, {config: {scrape_configs: [{job_name: a}]}}, false]
- [receivers, awscontainerinsightreceiver, {}, true]
- [exporters, load_balancing, {resolver: {k8s: {service: a}}}, true]
- [exporters, load_balancing, {resolver: {dns: {hostname: a}}}, false]
- [extensions, bearertokenauth, {filename: /var/run/secrets/kubernetes.io/serviceaccount/token}, true]
- [receivers, some, {auth_type: serviceAccount}, true]
- [receivers, some, "${file:/a}", true]
""")


@pytest.mark.parametrize(("section", "name", "settings", "asks"), ASKS)
def test_only_a_config_that_asks_the_api_needs_a_token(section: str, name: str, settings: Any, asks: bool) -> None:
    assert needs(running(**{section: {name: settings}})).asks_api is asks


def test_what_nobody_knows_may_ask_the_api_and_open_ports() -> None:
    found = derive_needs(
        running(receivers={"mine": {}}), LISTENERS, is_known_type=lambda _section, name: name != "mine"
    )
    assert (found.asks_api, found.has_known_ports) == (True, False)


@cases(
    "settings, known",
    ({"endpoint": "0.0.0.0:4317"}, True),
    ({"endpoint": "0.0.0.0:${env:PORT}"}, False),
    ({"endpoint": "${env:ENDPOINT}"}, False),
    ({"endpoint": "localhost:0"}, True),
    ({"endpoint": "unix:///tmp/otlp.sock", "transport": "unix"}, True),
)
def test_a_port_may_be_known_only_when_the_collector_runs(settings: Any, known: bool) -> None:
    assert needs(running(receivers={"otlp": {"protocols": {"grpc": settings}}})).has_known_ports is known


@cases(
    "exporter, known",
    ({"prometheus": {"host": "0.0.0.0", "port": 8888}}, True),
    ({"prometheus": {"host": "0.0.0.0", "port": "${env:PORT}"}}, False),
    ({"otlp": {}}, True),
)
def test_the_port_of_the_own_metrics_may_be_unknown_too(exporter: Any, known: bool) -> None:
    config = running()
    config["service"]["telemetry"] = {"metrics": {"readers": [{"pull": {"exporter": exporter}}]}}
    assert needs(config).has_known_ports is known
