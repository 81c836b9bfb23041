# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter of events, loaded as ansible-rulebook does: by its path, alone."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[6]
FILTER = runpy.run_path(str(ROOT / "extensions/eda/plugins/event_filter/collector_alerts.py"))["main"]
LABELS = {"alertname": "OtelCollectorDown", "collector": "gateway", "namespace": "obs", "otel_host": "eu"}


def alert(status: str = "firing", **labels: Any) -> dict[str, Any]:
    given = {name: value for name, value in {**LABELS, **labels}.items() if value is not None}
    return {"status": status, "labels": given, "startsAt": "2026-01-31T12:00:00Z", "meta": {"hosts": "all"}}


def events(*alerts: Any) -> list[dict[str, Any]]:
    return list(FILTER({"payload": {"version": "4", "alerts": list(alerts)}, "meta": {"endpoint": ""}}))


def test_each_alert_is_an_event_without_what_could_choose_hosts() -> None:
    (event,) = events(alert(pod="gateway-0"))
    assert event == {
        "name": "OtelCollectorDown",
        "collector": "eu/obs/gateway",
        "alert": {
            "status": "firing",
            "labels": {**LABELS, "pod": "gateway-0"},
            "startsAt": "2026-01-31T12:00:00Z",
        },
    }


def test_alerts_of_one_collector_have_one_key_and_others_have_another() -> None:
    one, same = events(alert(pod="a"), alert(pod="b", alertname="OtelCollectorRefused"))
    assert one["collector"] == same["collector"]
    others = events(alert(otel_host="us"), alert(namespace="shop"), alert(collector="agent"), alert(namespace=None))
    assert len({one["collector"], *(other["collector"] for other in others)}) == 5


@pytest.mark.parametrize(
    "given",
    [
        "no alert",
        None,
        {},
        {"status": "firing", "labels": []},
        alert(status="resolved"),
        alert(collector=None),
        alert(alertname=["a"]),
    ],
)
def test_what_is_no_firing_alert_of_a_collector_is_no_event(given: Any) -> None:
    assert events(given) == []


@pytest.mark.parametrize("body", [None, [], "alerts", {}, {"alerts": {}}, {"alerts": "all"}])
def test_what_is_no_notification_is_no_event(body: Any) -> None:
    assert FILTER({"payload": body}) == []
