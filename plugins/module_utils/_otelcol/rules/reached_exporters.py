# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which exporters the records of a log receiver reach, and what may drop records before they get there. Private.

loops.py asks here for each receiver that reads files. For example, in this config the records of `file_log` reach
exporter `debug` through connector `forward`, and processor `filter` may drop them before:

    service:
      pipelines:
        logs/in: {receivers: [file_log], processors: [filter], exporters: [forward]}
        logs/out: {receivers: [forward], exporters: [debug]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

from ..config.paths import mapping_at, mappings_at
from ..needs.started_components import StartedComponent
from ..traits import kind_of
from .view import Pipeline, View


class RecordFilter(NamedTuple):
    """What may drop records before they reach an exporter."""

    name: str
    """The id of a processor, or `operator filter` for an operator of a receiver."""
    settings_text: str


class _Stage(NamedTuple):
    """A receiver, connector or exporter that has records, and the first filter on their way there."""

    component_id: str
    first_filter: RecordFilter | None

    @property
    def is_unfiltered(self) -> bool:
        """Whether nothing may have dropped records before."""
        return self.first_filter is None


def find_reached_exporters(view: View, receiver: StartedComponent) -> dict[str, RecordFilter | None]:
    """Return each exporter that the records of a receiver reach, with the first filter before it.

    The filter is None if records reach the exporter without one, even if others pass a filter.
    """
    reached: dict[str, RecordFilter | None] = {}
    for stage in _follow_records(view, receiver):
        # A way without a filter replaces one with a filter; the first of several filters stays.
        if stage.is_unfiltered or stage.component_id not in reached:
            reached[stage.component_id] = stage.first_filter
    return reached


def _follow_records(view: View, receiver: StartedComponent) -> Iterator[_Stage]:
    """Yield each exporter at the end of a pipeline that gets the records of a receiver, connectors too.

    Each pipeline is visited once. An exporter of several pipelines comes once for each.
    """
    connectors = mapping_at(view.config, "connectors")
    unvisited_pipelines = [pipeline for pipeline in view.pipelines if kind_of(pipeline.key) == "logs"]
    unfollowed_stages = [_Stage(receiver.id, next(_find_filtering_operators(receiver), None))]
    while unfollowed_stages:
        # Those without a filter are taken first, so that each pipeline is visited without a filter if that can be.
        unfollowed_stages.sort(key=attrgetter("is_unfiltered"))
        stage = unfollowed_stages.pop()
        fed_pipelines = [pipeline for pipeline in unvisited_pipelines if stage.component_id in pipeline.receivers]
        for pipeline in fed_pipelines:
            unvisited_pipelines.remove(pipeline)
            next_stages = list(_list_next_stages(view, stage, pipeline))
            yield from next_stages
            unfollowed_stages += [stage for stage in next_stages if stage.component_id in connectors]


def _list_next_stages(view: View, stage: _Stage, pipeline: Pipeline) -> Iterator[_Stage]:
    """Yield the exporters and connectors to which a pipeline sends the records of a receiver or connector."""
    first_filter = stage.first_filter or next(_find_filtering_processors(view, pipeline.processors), None)
    for exporter_id in pipeline.exporters:
        yield _Stage(exporter_id, first_filter)


def _find_filtering_operators(receiver: StartedComponent) -> Iterator[RecordFilter]:
    """Yield the operators of a receiver that may drop records."""
    for operator in mappings_at(receiver.settings, "operators"):
        if operator.get("type") in ("filter", "router"):
            yield RecordFilter(f"operator {operator['type']}", str(operator))


def _find_filtering_processors(view: View, processors: Iterable[str]) -> Iterator[RecordFilter]:
    """Yield the processors of a pipeline that may drop records."""
    for name in processors:
        if kind_of(name) == "filter":
            yield RecordFilter(name, str(mapping_at(view.config, "processors").get(name)))
