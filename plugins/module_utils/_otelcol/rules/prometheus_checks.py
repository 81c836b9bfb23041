# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of scrape configs of Prometheus: durations, timeouts beside intervals, and targets.

Each is a key of a row of constraints.json, see constraints.py. A check gets the value of that key (its operand), the
settings of the Prometheus receiver at the place of the row, their path, and the row. Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..catalogue.rows import Row
from ..config.paths import Path, list_at, mapping_at
from .amounts import duration_in_seconds, is_prometheus_duration
from .constraints import DURATION, RANGE, WORD, Check, RuleFaults, find_texts, find_values
from .subject import Fault


def _find_wrong_durations(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield texts and numbers that Prometheus does not read as a duration."""
    for key in keys:
        for place, value in find_values(settings, key, path):
            if isinstance(value, (str, int, float)) and not is_prometheus_duration(str(value)):
                fix = "Write whole numbers with units, the largest first: `1m30s`."
                yield DURATION, Fault(place, f"'{value}' is not a duration of Prometheus", fix)


class _SharedInterval(NamedTuple):
    """The interval of a job without one of its own."""

    seconds: float | None
    """None if the text is no duration, such as a variable."""
    in_words: str
    """As a message shows it: `30s in `global``, or `a minute by default`."""


def _find_long_timeouts(default_seconds: int, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield timeouts that are longer than the interval of the same job.

    The interval of a job is its own, else the global one, else `default_seconds`. Prometheus refuses such a timeout.
    An interval or a timeout of 0 counts as not given, and one that cannot be read is not judged.
    """
    shared_interval = _read_shared_interval(mapping_at(settings, "global"), default_seconds)
    for place, timed_settings in _list_timed_settings(settings, path):
        own_interval, timeout = (
            _read_seconds(timed_settings.get("scrape_interval")),
            _read_seconds(timed_settings.get("scrape_timeout")),
        )
        if own_interval is None or timeout is None:
            continue  # a variable decides one of them
        interval_seconds = own_interval or shared_interval.seconds
        if interval_seconds is not None and timeout > interval_seconds:
            interval_in_words = timed_settings["scrape_interval"] if own_interval else shared_interval.in_words
            message = (
                f"'scrape_timeout' is {timed_settings['scrape_timeout']}, more than the interval, which is"
                f" {interval_in_words}"
            )
            yield RANGE, Fault((*place, "scrape_timeout"), message, "Shorten it, or write a longer `scrape_interval`.")


def _read_shared_interval(global_settings: dict[str, Any], default_seconds: int) -> _SharedInterval:
    """Return the interval of the global settings, or the default of Prometheus if they have none."""
    seconds = _read_seconds(global_settings.get("scrape_interval"))
    if seconds == 0:
        return _SharedInterval(default_seconds, "a minute by default")
    return _SharedInterval(seconds, f"{global_settings.get('scrape_interval')} in `global`")


def _list_timed_settings(settings: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the settings that may have an interval and a timeout: the global ones, then those of each job."""
    yield (*path, "global"), mapping_at(settings, "global")
    for index, job in enumerate(list_at(settings, "scrape_configs")):
        yield (*path, "scrape_configs", index), mapping_at(job)


def _read_seconds(value: Any) -> float | None:
    """Return a duration of Prometheus in seconds; 0 if none is given, None if its text is no duration.

    A reference to a variable is no duration either: its value is not known here.
    """
    text = "" if value is None else str(value)
    if text and not is_prometheus_duration(text):
        return None
    return duration_in_seconds(text)


def _find_targets_with_path(_operand: bool, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield targets that have a path, such as `app:8080/metrics`."""
    for place, text in find_texts(["targets.*"], settings, path):
        if "/" in text:
            fix = "Write `HOST:PORT`; `scheme` and `metrics_path` have the rest."
            yield WORD, Fault(place, "a target is a host and a port, without a path", fix)


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {"span": _find_wrong_durations}
CHECKS: dict[str, Check] = {"timeouts": _find_long_timeouts, "targets": _find_targets_with_path}
