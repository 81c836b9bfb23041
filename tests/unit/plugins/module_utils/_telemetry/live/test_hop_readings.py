# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what collectors counted since a probe, with pods in memory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.arrival_evidence import (
    choose_pod_evidence,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.hop_readings import HopReadings
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.probe import TelemetryProbe

from ...fake_api import FakeApi, status
from ...live_helpers import obj

LOG, METRICS = "/api/v1/namespaces/ns/pods/{}/log", "/api/v1/namespaces/ns/pods/{}:8888/proxy/metrics"


def pod(name: str, app: str) -> dict[str, Any]:
    spec = {"containers": [{"name": "c"}]}
    return obj("Pod", name, labels={"app": app}, spec=spec, status={"phase": "Running"})


def hop(app: str, port: int = 8888, **exporters: list[str]) -> dict[str, Any]:
    place = {"name": f"ns/{app}", "namespace": "ns", "selector": f"app={app}", "metrics_port": port}
    return {**place, "exporters": {name: {"signals": ["traces"], "to": to} for name, to in exporters.items()}}


def metrics(accepted: int, sent: int) -> str:
    counts = {'receiver_accepted_spans{receiver="otlp"}': accepted, 'exporter_sent_spans{exporter="otlp"}': sent}
    return "\n".join(f"otelcol_{name} {count}" for name, count in counts.items())


HOPS = [hop("agent", otlp=["ns/gateway"]), hop("gateway", otlp=[])]


def probe(api: FakeApi, hops: list[dict[str, Any]], after: dict[str, str]) -> TelemetryProbe:
    api.texts |= {METRICS.format(name): metrics(7, 7) for name in ("a", "g")}
    api.texts[LOG.format("g")] = "nothing"

    def send(*_: Any) -> bytes:
        api.texts.update(after)
        return b""

    arrival = {"namespace": "ns", "selector": "app=gateway", "evidence": "logs"}
    readings = HopReadings(api.cluster(), hops)
    found = choose_pod_evidence(api.cluster(), arrival, "id1")
    return TelemetryProbe(send, found, "id1", "svc", 5, clock=api.clock, sleep=api.clock.sleep, hop_readings=readings)


def test_the_failure_names_the_collector_that_lost_the_record() -> None:
    api = FakeApi(pod("a", "agent"), pod("g", "gateway"))
    after = {METRICS.format("a"): metrics(8, 8), METRICS.format("g"): metrics(8, 7)}
    with pytest.raises(Failure) as caught:
        probe(api, HOPS, after).run(["traces"])
    line = "ns/gateway took spans and sent none: a processor or connector drops or holds them"
    assert f"not arrived after 5 s: {line}. Correct the config" in str(caught.value)
    assert caught.value.facts["signals"]["traces"]["lost"] == [line]


def test_a_pod_that_began_anew_counts_from_its_start() -> None:
    api = FakeApi(pod("a", "agent"), pod("g", "gateway"))
    after = {METRICS.format("a"): metrics(8, 8), METRICS.format("g"): metrics(1, 1)}
    with pytest.raises(Failure, match="ns/gateway sent spans by otlp, and the backend") as caught:
        probe(api, HOPS, after).run(["traces"])
    assert "debug exporter with verbosity: detailed" in str(caught.value), "what the backend lacks"


def test_what_cannot_be_read_is_said_and_hides_nothing() -> None:
    api = FakeApi(pod("a", "agent"), pod("g", "gateway"))
    api.trouble = lambda _method, path: status(403, "Forbidden", "no") if "a:8888" in path else None
    hops = [*HOPS, hop("gone"), hop("silent", 0)]
    with pytest.raises(Failure) as caught:
        probe(api, hops, {METRICS.format("g"): metrics(8, 7)}).run(["traces"])
    text = str(caught.value)
    assert "ns/gateway took spans and sent none" in text
    assert "the counts of ns/agent cannot be read: " in text
    assert "the counts of ns/gone cannot be read: no running pod is selected" in text
    assert "the counts of ns/silent cannot be read: it serves no metrics that the API server reaches" in text


def test_without_hops_nothing_is_read_and_nobody_is_named() -> None:
    api = FakeApi(pod("a", "agent"), pod("g", "gateway"))
    with pytest.raises(Failure, match=r"not arrived after 5 s\. Check that") as caught:
        probe(api, [], {}).run(["traces"])
    assert "lost" not in caught.value.facts["signals"]["traces"]
    assert [path for _method, path, *_ in api.requests if "proxy" in path] == []


def test_a_pod_of_a_node_that_is_away_hides_no_other_pod() -> None:
    api = FakeApi(pod("a", "agent"), pod("b", "agent"), pod("g", "gateway"))
    api.texts[METRICS.format("b")] = metrics(0, 0)
    api.trouble = lambda _method, path: status(503, "ServiceUnavailable", "no route") if "b:8888" in path else None
    after = {METRICS.format("a"): metrics(8, 7)}
    with pytest.raises(Failure) as caught:
        probe(api, HOPS, after).run(["traces"])
    assert "ns/agent took spans and sent none" in str(caught.value)
    assert "the counts of ns/agent cannot be read: " in str(caught.value)
