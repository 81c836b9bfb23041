# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a sample to the traffic of a month, and its price by the user's own table. Private.

The sample is the capture. A rate is the items per second that all collectors receive; without it, nothing is known of a
month, and the factor of a signal is 0. pages.py adds up the costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Problem, suggest_word
from ..needs.quantities import is_amount
from .sent_changes import Figures

SECONDS_PER_MONTH = 365.2425 / 12 * 86_400
"""A month of the Gregorian calendar on average."""
_GIB, _MILLION, _THOUSAND = 2**30, 1e6, 1e3
PRICES = ("gib", "million_spans", "million_points", "million_log_records", "thousand_series")
"""What a price can be for: a GiB as the exporter sends it, a million items, or a thousand series for a month."""
_PRICE_BY_SIGNAL = {"traces": "million_spans", "metrics": "million_points", "logs": "million_log_records"}


@dataclass(frozen=True)
class Scale:
    """How the capture relates to all traffic.

    `captured_by_signal` has the items of each signal in the capture, `rate_by_signal` the items per second that the
    collectors receive, as far as they are known.
    """

    captured_by_signal: Mapping[str, int] = field(default_factory=dict)
    rate_by_signal: Mapping[str, float] = field(default_factory=dict)

    def compute_factor(self, signal: str) -> float:
        """Return by how much a month has more of a signal than the capture; 0 if that is not known."""
        captured_items = self.captured_by_signal.get(signal, 0)
        return self.rate_by_signal.get(signal, 0.0) * SECONDS_PER_MONTH / captured_items if captured_items else 0.0


def parse_prices(prices: Mapping[str, Any]) -> dict[str, float]:
    """Return a table of prices. Raises Problem for an unknown name, and for what is no price."""
    for name, price in prices.items():
        if name not in PRICES:
            wrong = f"there is no price for '{name}'{suggest_word(str(name), PRICES)}"
            raise Problem(wrong, where="prices", fix=f"Prices: {', '.join(PRICES)}.")
        if not is_amount(price):
            raise Problem(f"'{price}' is no price", where=f"prices.{name}", fix="Write a number that is 0 or more.")
    return {name: float(price) for name, price in prices.items()}


def parse_rates(rates: Mapping[str, Any]) -> dict[str, float]:
    """Return items per second by signal. Raises Problem for an unknown signal, and for what is no rate."""
    for signal, rate in rates.items():
        if signal not in _PRICE_BY_SIGNAL:
            wrong = f"there is no signal '{signal}'{suggest_word(str(signal), _PRICE_BY_SIGNAL)}"
            raise Problem(wrong, where="rates", fix=f"Signals: {', '.join(_PRICE_BY_SIGNAL)}.")
        if not is_amount(rate):
            raise Problem(f"'{rate}' is no rate", where=f"rates.{signal}", fix="Write the items per second.")
    return {signal: float(rate) for signal, rate in rates.items()}


def signal_of_price(name: str) -> str:
    """Return the signal that a price is for; empty for one that is for all."""
    if name == "thousand_series":
        return "metrics"
    return next((signal for signal, price in _PRICE_BY_SIGNAL.items() if price == name), "")


def needs_rate(signal: str, prices: Mapping[str, float]) -> bool:
    """Return whether a price is for bytes or items of a signal, so that its cost depends on its rate."""
    return bool(prices.get("gib") or prices.get(_PRICE_BY_SIGNAL.get(signal, "")))


def compute_monthly_cost(signal: str, figures: Figures, scale: Scale, prices: Mapping[str, float]) -> float:
    """Return what figures of the capture cost in a month, in the currency of the prices.

    Series cost what the capture has of them: more time may show more series.
    """
    factor = scale.compute_factor(signal)
    byte_cost = figures.byte_count * factor / _GIB * prices.get("gib", 0.0)
    item_cost = figures.item_count * factor / _MILLION * prices.get(_PRICE_BY_SIGNAL.get(signal, ""), 0.0)
    series_cost = figures.series_count / _THOUSAND * prices.get("thousand_series", 0.0)
    return byte_cost + item_cost + series_cost
