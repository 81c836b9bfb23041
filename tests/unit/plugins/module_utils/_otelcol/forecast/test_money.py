# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a sample to a month, and its price."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.money import (
    SECONDS_PER_MONTH,
    Scale,
    compute_monthly_cost,
    parse_prices,
    parse_rates,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sent_changes import Figures

from tests.support.cases import cases

# A capture of one second of all traffic.
SCALE = Scale({"traces": 100, "metrics": 10, "logs": 10}, {"traces": 100.0, "metrics": 10.0})


@cases(
    "signal, figures, prices, price",
    ("traces", Figures(100, 2**30), {"gib": 0.5}, 0.5 * SECONDS_PER_MONTH),
    ("traces", Figures(50, 0), {"million_spans": 2.0}, 50 * SECONDS_PER_MONTH / 1e6 * 2),
    ("metrics", Figures(10, 0, 2000), {"thousand_series": 3.0}, 6.0),
    ("metrics", Figures(10, 0), {"million_points": 1.0}, 10 * SECONDS_PER_MONTH / 1e6),
    ("traces", Figures(50, 0), {"million_log_records": 2.0}, 0.0),
)
def test_a_price_is_for_bytes_items_or_series(
    signal: str, figures: Figures, prices: dict[str, float], price: float
) -> None:
    assert compute_monthly_cost(signal, figures, SCALE, prices) == pytest.approx(price)


def test_a_signal_without_a_rate_costs_nothing_that_is_known() -> None:
    assert compute_monthly_cost("logs", Figures(10, 2**30), SCALE, {"gib": 1.0}) == 0


@cases(
    "prices, said",
    ({"gb": 1}, "there is no price for 'gb'; did you mean 'gib'?"),
    ({"gib": "cheap"}, "'cheap' is no price"),
    ({"gib": -1}, "'-1' is no price"),
    ({"gib": True}, "'True' is no price"),
)
def test_what_is_no_price_is_refused(prices: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem) as problem:
        parse_prices(prices)
    assert said in str(problem.value)


@cases(
    "rates, said",
    ({"trace": 12000}, "there is no signal 'trace'; did you mean 'traces'?"),
    ({"traces": -1}, "'-1' is no rate"),
    ({"traces": float("nan")}, "'nan' is no rate"),
    ({"traces": "many"}, "'many' is no rate"),
)
def test_what_is_no_rate_is_refused(rates: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem) as problem:
        parse_rates(rates)
    assert said in str(problem.value)
