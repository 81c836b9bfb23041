# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of scrape configs of Prometheus: durations, timeouts beside intervals, and targets. Private.

Each is a key of a row of constraints.json, see constraints.py. The keys, and a row with what it finds:

| key | example of a row | finding |
|---|---|---|
| `span` | `"span": ["scrape_interval"]` | '5 minutes' is not a duration of Prometheus |
| `timeouts` | `"timeouts": 60` | 'scrape_timeout' is 61s, more than the interval, which is a minute by default |
| `targets` | `"targets": true` | a target is a host and a port, without a path |

The operand of `timeouts` is the default of the interval in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..catalogue.rows import Row
from ..config.paths import Path, list_at, mapping_at
from .amounts import duration_in_seconds, is_prometheus_duration
from .constraints import INVALID_DURATION, OUT_OF_RANGE, UNKNOWN_VALUE, ConstraintCheck, RuleFault, RuleFaults
from .given_values import find_texts, find_values
from .rule_definitions import Fault


def _find_wrong_durations(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield texts and numbers that Prometheus does not read as a duration."""
    for key in keys:
        for value_path, value in find_values(settings, key, path):
            if isinstance(value, (str, int, float)) and not is_prometheus_duration(str(value)):
                fix = "Write whole numbers with units, the largest first: `1m30s`."
                yield RuleFault(INVALID_DURATION, Fault(value_path, f"'{value}' is not a duration of Prometheus", fix))


class _TimeSetting(NamedTuple):
    """A duration that settings give, such as an interval."""

    seconds: float | None
    """None if nobody knows them here: a variable decides, or the text is no duration."""
    in_words: str
    """As a message shows it: `30s`, `30s in `global``, or `a minute by default`."""


def _find_long_timeouts(default_seconds: int, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield timeouts that are longer than the interval of the same job, which Prometheus refuses.

    The interval of a job is its own, else the one in `global`, else `default_seconds`.
    """
    default_interval = _read_global_interval(settings) or _TimeSetting(default_seconds, "a minute by default")
    for timed_path, timed_settings in _list_timed_settings(settings, path):
        interval = _read_time_setting(timed_settings, "scrape_interval") or default_interval
        timeout = _read_time_setting(timed_settings, "scrape_timeout")
        if timeout is None or timeout.seconds is None or interval.seconds is None:
            continue
        if timeout.seconds > interval.seconds:
            message = f"'scrape_timeout' is {timeout.in_words}, more than the interval, which is {interval.in_words}"
            fix = "Shorten it, or write a longer `scrape_interval`."
            yield RuleFault(OUT_OF_RANGE, Fault((*timed_path, "scrape_timeout"), message, fix))


def _read_global_interval(settings: Any) -> _TimeSetting | None:
    """Return the interval of all jobs without one of their own; None if it is not given."""
    interval = _read_time_setting(mapping_at(settings, "global"), "scrape_interval")
    return interval._replace(in_words=f"{interval.in_words} in `global`") if interval else None


def _list_timed_settings(settings: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the settings that may have an interval and a timeout: the global ones, then those of each job."""
    yield (*path, "global"), mapping_at(settings, "global")
    for index, job in enumerate(list_at(settings, "scrape_configs")):
        yield (*path, "scrape_configs", index), mapping_at(job)


def _read_time_setting(timed_settings: dict[str, Any], key: str) -> _TimeSetting | None:
    """Return the duration at a key; None if it is not given. Prometheus takes 0 as not given too."""
    value = timed_settings.get(key)
    text = "" if value is None else str(value)  # Prometheus refuses an empty text, which `span` finds
    if text and not is_prometheus_duration(text):
        return _TimeSetting(None, text)
    seconds = duration_in_seconds(text)
    return _TimeSetting(seconds, text) if seconds else None


def _find_targets_with_path(_operand: bool, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield targets that have a path, such as `app:8080/metrics`; the operand is always true."""
    for value_path, text in find_texts(["targets.*"], settings, path):
        if "/" in text:
            fix = "Write `HOST:PORT`; `scheme` and `metrics_path` have the rest."
            yield RuleFault(UNKNOWN_VALUE, Fault(value_path, "a target is a host and a port, without a path", fix))


# This one finds nothing where none of its keys is given.
OF_GIVEN: dict[str, ConstraintCheck] = {"span": _find_wrong_durations}
CHECKS: dict[str, ConstraintCheck] = {
    "timeouts": _find_long_timeouts,
    "targets": _find_targets_with_path,
}
