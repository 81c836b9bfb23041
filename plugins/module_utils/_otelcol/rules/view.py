# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a config, computed once for all rules. Private.

A part is a component that the config starts, see needs/listeners.py. A kind is a type without underscores. Rules get
the view from their subject.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from ..catalogue.port_rows import Listeners
from ..config.paths import ROLES, Path, iter_leaves, mapping_at, value_at
from ..config.pipelines import PipelineGraph, read_connector_ids, read_listed_ids
from ..config.suspects import Suspect, find_suspects
from ..needs.listeners import Listener, find_listeners
from ..needs.started_components import StartedComponent, list_started_components
from ..traits import kind_of

# The keys with which exporters of OTLP, remote write and Zipkin say where they send to.
ENDPOINT_KEYS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint", "metrics_url", "logs_url")


class Pipeline(NamedTuple):
    """A pipeline: its key and components."""

    key: str
    receivers: list[str]
    processors: list[str]
    exporters: list[str]

    @property
    def config_path(self) -> Path:
        """Where it stands in the config."""
        return ("service", "pipelines", self.key)

    @property
    def ids_by_role(self) -> dict[str, list[str]]:
        """Its components by role, as a graph takes them."""
        return {"receivers": self.receivers, "processors": self.processors, "exporters": self.exporters}


class View:
    """A config, taken apart; every piece is made when a rule first asks for it."""

    def __init__(self, config: Any, listener_table: Listeners, is_by_operator: bool) -> None:
        self.config, self._table, self._by_operator = config, listener_table, is_by_operator

    @cached_property
    def pipelines(self) -> tuple[Pipeline, ...]:
        """The pipelines, without invalid list items; pipelines that a variable defines are left out."""
        return tuple(self._listed_pipelines())

    def _listed_pipelines(self) -> Iterator[Pipeline]:
        """Yield each pipeline without a variable in place of one of its lists. Ids that are no text are left out."""
        for key, lists in mapping_at(self.config, "service", "pipelines").items():
            has_variable = any(isinstance(value_at(lists, (role,)), str) for role in ROLES)
            if isinstance(key, str) and not has_variable:
                yield Pipeline(key, *(read_listed_ids(lists, role) for role in ROLES))

    @cached_property
    def pipeline_graph(self) -> PipelineGraph:
        """How records go between these pipelines."""
        components_by_pipeline = {pipeline.key: pipeline.ids_by_role for pipeline in self.pipelines}
        return PipelineGraph(components_by_pipeline, read_connector_ids(self.config))

    @cached_property
    def started_components(self) -> tuple[StartedComponent, ...]:
        """The started components, extensions first, without those whose settings are a variable."""
        all_components = list_started_components(self.config)
        return tuple(part for part in all_components if not isinstance(value_at(self.config, part.path), str))

    @cached_property
    def scalar_leaves(self) -> tuple[tuple[Path, Any], ...]:
        """Every scalar of the config with its path."""
        return tuple(iter_leaves(self.config))

    @cached_property
    def suspected_secrets(self) -> tuple[Suspect, ...]:
        """The scalars that may hold a secret."""
        return tuple(find_suspects(self.scalar_leaves))

    @cached_property
    def listeners(self) -> tuple[Listener, ...]:
        """Every port that is certainly open and has a known number; the service's own metrics come first."""
        return tuple(find_listeners(self.config, self.started_components, self._table, self._by_operator))

    def find_parts(self, section_name: str, *kinds: str) -> list[StartedComponent]:
        """Return the started components of a section that are of one of these kinds, in their order."""
        # Most rules ask for kinds that a config lacks; this is faster than to look at each component.
        started_kinds = [kind for kind in kinds if (section_name, kind) in self.component_kinds]
        if not started_kinds:
            return []
        return [part for part in self.started_components if part.kind in started_kinds and part.section == section_name]

    @cached_property
    def component_kinds(self) -> frozenset[tuple[str, str]]:
        """The sections and kinds of the started components."""
        return frozenset((part.section, part.kind) for part in self.started_components)


def uses_endpoint(view: View, part: StartedComponent, key: str) -> bool:
    """Whether an exporter of OTLP over HTTP uses an endpoint: `endpoint` is for signals without one of their own."""
    if key != "endpoint":
        return True
    signals = {kind_of(pipeline.key) for pipeline in view.pipelines if part.id in pipeline.exporters}
    return not all(part.settings.get(f"{signal}_endpoint") for signal in signals)
