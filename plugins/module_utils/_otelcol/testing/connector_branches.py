# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of connectors that route, and the conditions of those that make metrics of records. Private."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config.paths import Path, items, mappings, section
from .branch_model import ANY_SIGNAL, Branch, Settings

# Pipelines of a connector's settings: the one that a record takes, and all others.
TAKEN, OTHERS = "taken", "others"
# Connectors that make metrics of records: the keys with conditions, and the signal of each.
METRICS_OF = {"spans": "traces", "spanevents": "traces", "metrics": "metrics", "datapoints": "metrics", "logs": "logs"}
_TABLE, _DEFAULT = "table", "default_pipelines"


def branches_of_routes(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the routes of a connector: each with the routes before it, which take their records first."""
    table = mappings(settings, _TABLE)
    to_others = [{**route, "pipelines": [OTHERS]} for route in table]
    rest = {key: value for key, value in settings.items() if key not in (_TABLE, _DEFAULT)}
    for index, route in enumerate(table):
        key = "statement" if route.get("statement") else "condition"
        asked = {**rest, _TABLE: [*to_others[:index], {**route, "pipelines": [TAKEN]}]}
        yield Branch((*path, _TABLE, index, key), str(route.get(key, "")), ANY_SIGNAL, asked)
    if settings.get(_DEFAULT):
        asked = {**rest, _TABLE: to_others, _DEFAULT: [TAKEN]}
        yield Branch((*path, _DEFAULT), "all that no route takes", ANY_SIGNAL, asked)


def branches_of_counts(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the conditions of a connector that makes metrics: each is asked alone."""
    rest = {key: value for key, value in settings.items() if key not in METRICS_OF}
    for key, signal in METRICS_OF.items():
        for metric in _metrics_at(settings, key):
            for index, text in enumerate(items(metric.settings, "conditions")):
                place = (*path, key, metric.name, "conditions", index)
                asked = {**rest, key: metric.alone_with(text)}
                yield Branch(place, str(text), (signal,), asked)


class _CountedMetric(NamedTuple):
    """A metric of a connector: its name or number, its settings, and whether it is an item of a list."""

    name: str | int
    settings: Any
    is_listed: bool

    def alone_with(self, condition: Any) -> Any:
        """Return the list or the mapping of metrics with this metric alone, under one condition."""
        settings = {**self.settings, "conditions": [condition]}
        return [settings] if self.is_listed else {self.name: settings}


def _metrics_at(settings: Settings, key: str) -> Iterator[_CountedMetric]:
    """Yield the metrics below a key: count has a mapping of them, signal_to_metrics a list."""
    metrics = settings.get(key)
    if isinstance(metrics, list):
        for number, metric in enumerate(metrics):
            yield _CountedMetric(number, metric, is_listed=True)
        return
    for name, metric in section(settings, key).items():
        yield _CountedMetric(name, metric, is_listed=False)
