# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.flow_collectors import FlowCollector


def test_an_exporter_whose_id_is_no_text_balances_nothing() -> None:
    settings = {"endpoint": "dns:///gateway:4317"}
    agent = FlowCollector(
        "agent", "telemetry", (), {"exporters": {5: settings, "otlp_grpc": settings, "debug": settings}}
    )
    assert list(agent.balancing_exporters) == ["otlp_grpc"]
