# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user names for a forecast, and nothing matches, is told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.limits import parse_limits
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sent_changes import (
    Figures,
    SentChange,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.tallies import SenderName, Tally
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.unmatched import (
    NamedOptions,
    ReplayFacts,
    list_unmatched_notes,
    parse_receivers,
)

from tests.support.cases import cases

LOGS = SentChange("backend", "logs", Figures(9, 90), Figures(9, 90))
METRICS = SentChange("backend", "metrics", Figures(9, 90, 3), Figures(0, 0))


def notes(named: dict[str, Any], *changes: SentChange) -> list[str]:
    tally = Tally()
    tally.items_by_sender[SenderName("cart", "shop", "blue" if named.get("tenant_attribute") == "team" else "")] = 9
    asked = NamedOptions(
        limits=parse_limits(named.get("limits", {})),
        prices=named.get("prices", {}),
        rates=named.get("rates", {}),
        receivers=named.get("receivers", {}),
        tenant_attribute=named.get("tenant_attribute", ""),
    )
    came = {change.signal: change.before.item_count for change in changes}
    return list(list_unmatched_notes(asked, ReplayFacts(came, changes, [tally], frozenset({"otlp"}))))


@cases(
    "named, said",
    ({"limits": {"series": "100k"}}, "no exporter sends metrics, before or after, so no limit of series can be passed"),
    (
        {"prices": {"million_points": 1.0}},
        "no exporter sends metrics, before or after, so million_points counts nothing",
    ),
    ({"prices": {"thousand_series": 1.0}}, "so thousand_series counts nothing"),
    ({"prices": {"million_spans": 1.0}}, "no exporter sends traces, before or after, so million_spans counts nothing"),
    ({"rates": {"traces": 5.0}}, "rates: the capture has no traces"),
    ({"receivers": {"logs": "kafka"}}, "no config has a receiver kafka for what is replayed"),
    ({"tenant_attribute": "tenant"}, "no resource has tenant, so there are no figures of tenants"),
)
def test_what_nothing_matches_is_told(named: dict[str, Any], said: str) -> None:
    (line,) = notes(named, LOGS)
    assert said in line


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"limits": {"series": "100k", "items": "+20%"}},
        {"prices": {"gib": 1.0, "million_points": 1.0, "thousand_series": 1.0, "million_log_records": 1.0}},
        {"rates": {"logs": 5.0, "metrics": 5.0}},
        {"receivers": {"logs": "otlp"}},
        {"tenant_attribute": "team"},
    ],
)
def test_what_matches_is_not(named: dict[str, Any]) -> None:
    assert notes(named, LOGS, METRICS) == []


def test_receivers_are_named_by_signal() -> None:
    assert parse_receivers({"logs": "otlp"}) == {"logs": "otlp"}
    with pytest.raises(Problem, match="there is no signal 'trace'; did you mean 'traces'"):
        parse_receivers({"trace": "otlp"})


@pytest.mark.parametrize("receiver", [None, "", 7, ["otlp"]])
def test_a_signal_without_the_name_of_a_receiver_is_refused(receiver: Any) -> None:
    with pytest.raises(Problem, match="this is no name of a receiver") as raised:
        parse_receivers({"traces": receiver})
    assert raised.value.where == "receivers.traces"
