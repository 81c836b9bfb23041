# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of scrape configs of Prometheus: durations, timeouts beside intervals, and targets.

Each is a key of a row of constraints.json, see constraints.py. Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..catalogue.rows import Row
from ..config.paths import Path, items, section
from .amounts import is_prometheus_duration, seconds_in
from .constraints import DURATION, RANGE, WORD, Check, Found, texts_at, values_of
from .subject import Fault


def _wrong_durations(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield texts and numbers that Prometheus does not read as a duration."""
    for key in keys:
        for place, value in values_of(settings, key, path):
            if isinstance(value, (str, int, float)) and not is_prometheus_duration(str(value)):
                fix = "Write whole numbers with units, the largest first: `1m30s`."
                yield DURATION, Fault(place, f"'{value}' is not a duration of Prometheus", fix)


class _Interval(NamedTuple):
    """The interval of a job without one of its own: in seconds, None if a variable has it, and as a message says it."""

    seconds: float | None
    in_words: str


def _long_timeouts(usual: int, settings: Any, path: Path, _row: Row) -> Found:
    """Yield timeouts above the interval: a job's own, else the global one, else the usual one, in seconds."""
    shared = _shared_interval(section(settings, "global"), usual)
    for place, given in _timed_settings(settings, path):
        own_seconds, timeout = _seconds_of(given.get("scrape_interval")), _seconds_of(given.get("scrape_timeout"))
        if own_seconds is None or timeout is None:
            continue  # a variable has one of them
        seconds = own_seconds or shared.seconds
        if seconds is not None and timeout > seconds:
            interval = given["scrape_interval"] if own_seconds else shared.in_words
            message = f"'scrape_timeout' is {given['scrape_timeout']}, more than the interval, which is {interval}"
            yield RANGE, Fault((*place, "scrape_timeout"), message, "Shorten it, or write a longer `scrape_interval`.")


def _shared_interval(common: dict[str, Any], usual: int) -> _Interval:
    """Return the interval of the global settings, or the usual one if they have none."""
    seconds = _seconds_of(common.get("scrape_interval"))
    if seconds == 0:
        return _Interval(usual, "a minute by default")
    return _Interval(seconds, f"{common.get('scrape_interval')} in `global`")


def _timed_settings(settings: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the settings that may have an interval and a timeout: the global ones, then those of each job."""
    yield (*path, "global"), section(settings, "global")
    for index, job in enumerate(items(settings, "scrape_configs")):
        yield (*path, "scrape_configs", index), section(job)


def _seconds_of(value: Any) -> float | None:
    """Return a duration of Prometheus in seconds, 0 if none is given; None if it is not readable, or not known."""
    text = "" if value is None else str(value)
    if text and not is_prometheus_duration(text):
        return None
    return seconds_in(text)


def _targets_with_path(_operand: bool, settings: Any, path: Path, _row: Row) -> Found:
    """Yield targets that have a path."""
    for place, text in texts_at(["targets.*"], settings, path):
        if "/" in text:
            fix = "Write `HOST:PORT`; `scheme` and `metrics_path` have the rest."
            yield WORD, Fault(place, "a target is a host and a port, without a path", fix)


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {"span": _wrong_durations}
CHECKS: dict[str, Check] = {"timeouts": _long_timeouts, "targets": _targets_with_path}
