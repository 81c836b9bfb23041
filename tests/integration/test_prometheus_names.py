# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A probe is found in a real Prometheus, however that translates the names of OTLP.

The strategies are those of Prometheus' `otlp.translation_strategy` (Configuration, "otlp").
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.backend_search import BackendEvidence
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_payloads import create_probe_id
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_senders import create_sender
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.probe import TelemetryProbe
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.otlp_target import HTTP, OtlpTarget

from tests.support.prometheus import run_prometheus, wait_until

from .test_monitoring import programs  # noqa: F401 - a fixture

STRATEGIES = (
    "UnderscoreEscapingWithSuffixes",
    "UnderscoreEscapingWithoutSuffixes",
    "NoUTF8EscapingWithSuffixes",
    "NoTranslation",
)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_probe_is_found(strategy: str, programs: Path, tmp_path: Path) -> None:  # noqa: F811
    translated = {"translation_strategy": strategy, "promote_all_resource_attributes": True}
    with run_prometheus(tmp_path, programs, [], otlp=translated) as prometheus:
        send = create_sender(OtlpTarget.from_endpoint(f"{prometheus.url}/api/v1/otlp", HTTP, {}, {}))
        probe_id = create_probe_id()
        wanted = {"kind": "prometheus", "url": prometheus.url, "attributes": {"service.name": "shop"}}
        found = TelemetryProbe(send, BackendEvidence([wanted], probe_id, "shop"), probe_id, "shop", 10).run(["metrics"])
        assert found["signals"]["metrics"]["arrived"], found
        other = BackendEvidence([wanted], create_probe_id(), "shop")
        assert not wait_until(lambda: other.look(["metrics"]), 1)
        assert "no record of the probe" in other.hint("metrics")
