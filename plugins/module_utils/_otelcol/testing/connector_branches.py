# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of connectors that route, and the conditions of those that make metrics of records. Private.

branches.py asks here for the branches of these connectors; branch_model.py says what a branch is. Probes send the
records that take a branch to `TAKEN_PIPELINE`, and all others to `OTHER_PIPELINE`; probes.py makes both pipelines. An
example: of a routing connector with the routes `a` and `b`, the second has ::

    settings_with_branch={"table": [
        {"condition": "a", "pipelines": ["others"]},
        {"condition": "b", "pipelines": ["taken"]},
    ]}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config.paths import Path, list_at, mapping_at, mappings_at
from .branch_model import ANY_SIGNAL, Branch, Settings

TAKEN_PIPELINE = "taken"
"""Stands for the pipeline of the records that take the branch."""
OTHER_PIPELINE = "others"
"""Stands for the pipeline of all other records."""
# Connectors that make metrics of records: the keys with conditions, and the signal of each.
SIGNALS_BY_METRIC_KEY = {
    "spans": "traces",
    "spanevents": "traces",
    "metrics": "metrics",
    "datapoints": "metrics",
    "logs": "logs",
}
_TABLE_KEY = "table"
_DEFAULT_KEY = "default_pipelines"


def list_branches_of_routes(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the routes of a connector: each with the routes before it, which take their records first."""
    table = mappings_at(settings, _TABLE_KEY)
    routes_to_others = [{**route, "pipelines": [OTHER_PIPELINE]} for route in table]
    other_settings = {key: value for key, value in settings.items() if key not in (_TABLE_KEY, _DEFAULT_KEY)}
    for index, route in enumerate(table):
        key = "statement" if route.get("statement") else "condition"
        routes = [*routes_to_others[:index], {**route, "pipelines": [TAKEN_PIPELINE]}]
        settings_with_branch = {**other_settings, _TABLE_KEY: routes}
        yield Branch((*path, _TABLE_KEY, index, key), str(route.get(key, "")), ANY_SIGNAL, settings_with_branch)
    if settings.get(_DEFAULT_KEY):
        settings_with_branch = {**other_settings, _TABLE_KEY: routes_to_others, _DEFAULT_KEY: [TAKEN_PIPELINE]}
        yield Branch((*path, _DEFAULT_KEY), "all that no route takes", ANY_SIGNAL, settings_with_branch)


def list_branches_of_counts(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the conditions of a connector that makes metrics: a probe has one metric with one condition."""
    other_settings = {key: value for key, value in settings.items() if key not in SIGNALS_BY_METRIC_KEY}
    for key, signal in SIGNALS_BY_METRIC_KEY.items():
        for metric in _list_metrics_at(settings, key):
            for index, condition in enumerate(list_at(metric.settings, "conditions")):
                condition_path = (*path, key, metric.name, "conditions", index)
                settings_with_branch = {**other_settings, key: metric.narrow_to_condition(condition)}
                yield Branch(condition_path, str(condition), (signal,), settings_with_branch)


class _CountedMetric(NamedTuple):
    """A metric of a connector."""

    name: str | int
    """Its name, or its index if the metrics are a list."""
    settings: Any
    is_listed: bool
    """Whether the metrics are a list, and not a mapping by name."""

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
