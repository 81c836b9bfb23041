# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An alert comes from the network: what it says is a name, a time or a word of this collection, or it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._alerts.collector_alert import read_alert
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

LABELS = {"alertname": "OtelCollectorDown", "collector": "gateway", "namespace": "obs", "otel_host": "eu"}


def given(began: Any = "2026-01-31T12:00:00Z", status: str = "firing", **labels: Any) -> dict[str, Any]:
    return {"status": status, "labels": {**LABELS, **labels}, "startsAt": began}


def test_an_alert_names_its_collector() -> None:
    alert = read_alert(given())
    assert (alert.name, alert.qualified_name, alert.host, alert.begin_time) == (
        "OtelCollectorDown",
        "obs/gateway",
        "eu",
        1769860800,
    )
    assert alert.began_at == "2026-01-31 12:00:00 UTC"


def test_some_alerts_have_neither_a_namespace_nor_a_host() -> None:
    alert = read_alert(given(namespace=None, otel_host=""))
    assert (alert.qualified_name, alert.host) == ("gateway", "")


@pytest.mark.parametrize("began", ["2026-01-31T12:00:00.123456789Z", "2026-01-31T14:00:00.123456789+02:00"])
def test_times_are_those_of_go(began: str) -> None:
    assert read_alert(given(began)).begin_time == pytest.approx(1769860800.123456)


@pytest.mark.parametrize(
    ("hostile", "place"),
    [
        ({"collector": "../../x"}, "labels.collector"),
        ({"collector": "{{ lookup('pipe', 'id') }}"}, "labels.collector"),
        ({"collector": "gateway\n"}, "labels.collector"),
        ({"collector": "-e"}, "labels.collector"),
        ({"collector": "g" * 64}, "labels.collector"),
        ({"collector": ["gateway"]}, "labels.collector"),
        ({"collector": ""}, "labels.collector"),
        ({"namespace": "obs/../kube-system"}, "labels.namespace"),
        ({"otel_host": {"a": "b"}}, "labels.otel_host"),
        ({"alertname": "OtelCollectorDwon"}, "labels.alertname"),
        ({"alertname": ["OtelCollectorDown"]}, "labels.alertname"),
        ({"began": "yesterday"}, "startsAt"),
        ({"began": "2026-01-31T12:00:00"}, "startsAt"),
        ({"began": "0001-01-01T00:00:00+01:00"}, "startsAt"),
        ({"began": "9999-12-31T23:59:59.9999999Z"}, "startsAt"),
        ({"began": None}, "startsAt"),
    ],
)
def test_what_is_no_name_is_refused(hostile: dict[str, Any], place: str) -> None:
    with pytest.raises(Problem) as refused:
        read_alert(given(**hostile))
    assert refused.value.where == place


@pytest.mark.parametrize("event", [None, [], {}, {"labels": []}, {"labels": None, "status": "firing"}])
def test_what_is_no_alert_is_refused(event: Any) -> None:
    with pytest.raises(Problem, match="there is no alert with labels"):
        read_alert(event)


def test_an_alert_that_is_over_is_refused() -> None:
    with pytest.raises(Problem, match="its status is 'resolved', and not firing"):
        read_alert(given(status="resolved"))


def test_a_misspelt_alert_is_told() -> None:
    with pytest.raises(Problem, match="did you mean 'OtelCollectorDown'"):
        read_alert(given(alertname="OtelCollectorDwon"))
