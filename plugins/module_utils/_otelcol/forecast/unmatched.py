# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user names for a forecast, and nothing of the replays matches. Private.

A forecast replays captured telemetry through the configs before and after a change (see forecast_model.py). A misspelt
name in one of its options would have no effect, and nobody would notice. So `list_unmatched_notes` makes a note of
each, which the forecast shows:

    receivers: no config has a receiver otpl for what is replayed, so traces do not go there
    tenant_attribute: no resource has tenant.id, so there are no figures of tenants
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Problem, suggest_word
from ..otlp_requests import LISTS_BY_SIGNAL
from .limits import ForecastLimits
from .money import signal_of_price
from .sent_changes import SentChange
from .tallies import Tally

# The figure of limits that counts time series.
_SERIES = "series"


@dataclass(frozen=True)
class NamedOptions:
    """What a user names in the options of a forecast."""

    limits: ForecastLimits
    prices: Mapping[str, float]
    """By what is paid for, such as `million_spans`; `signal_of_price` says for which signal that is."""
    rates: Mapping[str, float]
    """How many items come in per second, by signal."""
    receivers: Mapping[str, str]
    """The receiver that gets the telemetry of a signal, such as `{"traces": "otlp"}`."""
    tenant_attribute: str
    """The attribute of resources that names their tenant; empty if there are no tenants."""


@dataclass(frozen=True)
class ReplayFacts:
    """What the replays of a capture had, through the configs before and after the change."""

    captured_by_signal: Mapping[str, int]
    """The number of items in the capture, by signal."""
    changes: Sequence[SentChange]
    """What exporters sent before and after, for each exporter and signal."""
    tallies: Sequence[Tally]
    """The counts of what was sent."""
    receivers: frozenset[str]
    """The receivers of both configs that got telemetry."""


def parse_receivers(receivers: Mapping[str, Any]) -> dict[str, str]:
    """Return receivers by signal. Raises Problem for an unknown signal, and for a value that is no name."""
    for signal, receiver in receivers.items():
        if signal not in LISTS_BY_SIGNAL:
            wrong = f"there is no signal '{signal}'{suggest_word(str(signal), LISTS_BY_SIGNAL)}"
            raise Problem(wrong, where="receivers", fix=f"Signals: {', '.join(LISTS_BY_SIGNAL)}.")
        if not isinstance(receiver, str) or not receiver:
            fix = f"Write the name of a receiver, such as `{signal}: otlp`."
            raise Problem("this is no name of a receiver", where=f"receivers.{signal}", fix=fix)
    return dict(receivers)


def list_unmatched_notes(user_options: NamedOptions, replayed: ReplayFacts) -> Iterator[str]:
    """Yield a line for each thing that a user names and that has no effect on the forecast."""
    if _limits_series(user_options.limits) and not _sends_series(replayed.changes):
        yield "limits: no exporter sends metrics, before or after, so no limit of series can be passed"
    yield from _list_unmatched_prices(user_options.prices, replayed.changes)
    yield from _list_unmatched_rates(user_options.rates, replayed.captured_by_signal)
    yield from list_unmatched_receivers(user_options.receivers, replayed.receivers)
    tenant_attribute = user_options.tenant_attribute
    if tenant_attribute and not _has_tenants(replayed.tallies):
        yield f"tenant_attribute: no resource has {tenant_attribute}, so there are no figures of tenants"


def _limits_series(limits: ForecastLimits) -> bool:
    """Whether one of the limits is about time series."""
    return any(limit.figure_name == _SERIES for limit in limits.figure_limits)


def _sends_series(changes: Iterable[SentChange]) -> bool:
    """Whether an exporter sends time series, before or after."""
    return any(change.before.series_count or change.after.series_count for change in changes)


def _has_tenants(tallies: Iterable[Tally]) -> bool:
    """Whether a tenant is known of something that was sent."""
    return any(sender.tenant for tally in tallies for sender in tally.items_by_sender)


def _list_unmatched_rates(rates: Iterable[str], captured_by_signal: Mapping[str, int]) -> Iterator[str]:
    """Yield a line for each signal that has a rate, and of which the capture has nothing."""
    for signal in rates:
        if not captured_by_signal.get(signal):
            yield f"rates: the capture has no {signal}"


def list_unmatched_receivers(receiver_by_signal: Mapping[str, str], known_receivers: frozenset[str]) -> Iterator[str]:
    """Yield a line for each receiver that a user names and that no replayed config has."""
    for signal, receiver in receiver_by_signal.items():
        if receiver not in known_receivers:
            yield f"receivers: no config has a receiver {receiver} for what is replayed, so {signal} do not go there"


def _list_unmatched_prices(prices: Mapping[str, float], changes: Sequence[SentChange]) -> Iterator[str]:
    """Yield a line for each price of a signal that no exporter sends."""
    sent_signals = {change.signal for change in changes}
    for name in prices:
        signal = signal_of_price(name)
        if signal and signal not in sent_signals:
            yield f"prices: no exporter sends {signal}, before or after, so {name} counts nothing"
