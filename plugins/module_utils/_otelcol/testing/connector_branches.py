# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of connectors that route, and the conditions of those that make metrics of records. Private.

branches.py asks here for the branches of these connectors; branch_model.py says what a branch and its settings are. In
the settings that ask, `TAKEN_PIPELINE` and `OTHER_PIPELINE` stand for pipelines that probes.py makes and names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config.paths import Path, list_at, mapping_at, mappings_at
from .branch_model import ANY_SIGNAL, Branch, Settings

# Pipelines of a connector's settings: the one that a record takes, and all others.
TAKEN_PIPELINE, OTHER_PIPELINE = "taken", "others"
# Connectors that make metrics of records: the keys with conditions, and the signal of each.
SIGNALS_BY_METRIC_KEY = {
    "spans": "traces",
    "spanevents": "traces",
    "metrics": "metrics",
    "datapoints": "metrics",
    "logs": "logs",
}
_TABLE_KEY, _DEFAULT_KEY = "table", "default_pipelines"


def list_branches_of_routes(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the routes of a connector: each with the routes before it, which take their records first."""
    table = mappings_at(settings, _TABLE_KEY)
    routes_to_others = [{**route, "pipelines": [OTHER_PIPELINE]} for route in table]
    other_settings = {key: value for key, value in settings.items() if key not in (_TABLE_KEY, _DEFAULT_KEY)}
    for index, route in enumerate(table):
        key = "statement" if route.get("statement") else "condition"
        asked_settings = {
            **other_settings,
            _TABLE_KEY: [*routes_to_others[:index], {**route, "pipelines": [TAKEN_PIPELINE]}],
        }
        yield Branch((*path, _TABLE_KEY, index, key), str(route.get(key, "")), ANY_SIGNAL, asked_settings)
    if settings.get(_DEFAULT_KEY):
        asked_settings = {**other_settings, _TABLE_KEY: routes_to_others, _DEFAULT_KEY: [TAKEN_PIPELINE]}
        yield Branch((*path, _DEFAULT_KEY), "all that no route takes", ANY_SIGNAL, asked_settings)


def list_branches_of_counts(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the conditions of a connector that makes metrics: each is asked alone."""
    other_settings = {key: value for key, value in settings.items() if key not in SIGNALS_BY_METRIC_KEY}
    for key, signal in SIGNALS_BY_METRIC_KEY.items():
        for metric in _list_metrics_at(settings, key):
            for index, condition in enumerate(list_at(metric.settings, "conditions")):
                condition_path = (*path, key, metric.name, "conditions", index)
                asked_settings = {**other_settings, key: metric.narrow_to_condition(condition)}
                yield Branch(condition_path, str(condition), (signal,), asked_settings)


class _CountedMetric(NamedTuple):
    """A metric of a connector: its name, or its index if the metrics are a list (`is_listed`), and its settings."""

    name: str | int
    settings: Any
    is_listed: bool

    def narrow_to_condition(self, condition: Any) -> Any:
        """Return the list or the mapping of metrics with this metric alone, under one condition."""
        narrowed_settings = {**self.settings, "conditions": [condition]}
        return [narrowed_settings] if self.is_listed else {self.name: narrowed_settings}


def _list_metrics_at(settings: Settings, key: str) -> Iterator[_CountedMetric]:
    """Yield the metrics below a key: count has a mapping of them, signal_to_metrics a list."""
    metrics = settings.get(key)
    if isinstance(metrics, list):
        for metric_index, metric in enumerate(metrics):
            yield _CountedMetric(metric_index, metric, is_listed=True)
        return
    for name, metric in mapping_at(settings, key).items():
        yield _CountedMetric(name, metric, is_listed=False)
