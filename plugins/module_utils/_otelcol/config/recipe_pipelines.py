# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge the pipelines of recipes, which also add components to those of other recipes and of the user. Private.

- Of two recipes that list components for one pipeline, both lists are joined, each id once.
- A recipe adds to all pipelines whose names match a pattern of it. The pipelines `traces: {receivers: [otlp]}` and
  `"*": {processors: [batch]}` of two recipes make `traces: {receivers: [otlp], processors: [batch]}`.
- What a pattern adds works on each record once. If a pipeline gets all of its records from other pipelines of the
  pattern, by connectors, the pattern only adds processors to it that may work on a record again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..traits import belongs_everywhere
from .joined_lists import unite_lists
from .layers import APPEND_SIGN, Layer, is_pattern
from .name_patterns import expand_pattern, list_declared_names
from .paths import list_at, mapping_at
from .pipelines import PipelineGraph
from .sorted_processors import processor_rank

_IdsByRole = dict[str, list[str]]
"""The ids of components in a pipeline by role: `{"receivers": ["otlp"], "exporters": ["debug"]}`."""


def merge_pipelines(recipes: Sequence[Layer], user_layers: Sequence[Layer]) -> dict[str, _IdsByRole]:
    """Return all pipelines, those of the user's config by name only, each with what all recipes add to it."""
    recipe_pipelines = list(_iter_recipe_pipelines(recipes))
    pipelines: dict[str, _IdsByRole] = {}
    for recipe_pipeline in recipe_pipelines:
        if not recipe_pipeline.has_pattern:
            pipelines[recipe_pipeline.name_or_pattern] = {}
    for name in list_declared_names(user_layers, "service", "pipelines"):
        pipelines[name] = {}
    pipeline_graph = _build_pipeline_graph(recipes, user_layers)
    for recipe_pipeline in recipe_pipelines:
        target_names = recipe_pipeline.list_target_names(pipelines)
        for target_name in target_names:
            target = pipelines[target_name]
            for role, ids in _choose_added_ids(recipe_pipeline, target_name, target_names, pipeline_graph).items():
                target[role] = unite_lists([target.get(role, []), ids])
    for pipeline in pipelines.values():
        pipeline.get("processors", []).sort(key=processor_rank)
    return pipelines


class _RecipePipeline(NamedTuple):
    """What a recipe has below the name of a pipeline, or below a pattern of names."""

    recipe_name: str
    name_or_pattern: str
    ids_by_role: _IdsByRole

    @property
    def has_pattern(self) -> bool:
        """Whether it is for all pipelines whose names match a pattern."""
        return is_pattern(self.name_or_pattern)

    def list_target_names(self, declared_names: Iterable[str]) -> list[str]:
        """Return the names of the pipelines that it is for. Raises Problem for a pattern that matches none."""
        if not self.has_pattern:
            return [self.name_or_pattern]
        return expand_pattern(self.name_or_pattern, declared_names, self.recipe_name, "pipelines")


def _iter_recipe_pipelines(recipes: Sequence[Layer]) -> Iterator[_RecipePipeline]:
    """Yield the pipelines of all recipes, in their order."""
    for recipe in recipes:
        for name_or_pattern, ids_by_role in mapping_at(recipe.config, "service", "pipelines").items():
            yield _RecipePipeline(recipe.name, name_or_pattern, ids_by_role or {})


def _choose_added_ids(
    recipe_pipeline: _RecipePipeline, target_name: str, target_names: Sequence[str], pipeline_graph: PipelineGraph
) -> _IdsByRole:
    """Return what a recipe adds to a pipeline, by role: all, unless a pattern has added it to the pipelines before.

    For example, the pattern `traces*` adds a filter, and a connector hands on the records of `traces` to `traces/shop`.
    The filter has worked on them in `traces`, so `traces/shop` gets only processors that may work on a record again.
    """
    works_again = recipe_pipeline.has_pattern and pipeline_graph.is_fed_only_by(target_name, target_names)
    if not works_again:
        return recipe_pipeline.ids_by_role
    repeatable_processors = list(filter(belongs_everywhere, recipe_pipeline.ids_by_role.get("processors") or ()))
    return {"processors": repeatable_processors} if repeatable_processors else {}


def _build_pipeline_graph(recipes: Sequence[Layer], user_layers: Sequence[Layer]) -> PipelineGraph:
    """Return how records go from pipeline to pipeline, without what patterns add."""
    pipelines: dict[str, _IdsByRole] = {}
    connectors: set[str] = set()
    for layer in (*recipes, *user_layers):
        connectors.update(mapping_at(layer.config, "connectors"))
        for name, layer_pipeline in mapping_at(layer.config, "service", "pipelines").items():
            if not isinstance(name, str) or is_pattern(name):
                continue
            ids_by_role = pipelines.setdefault(name, {})
            for role in ("receivers", "exporters"):
                ids_by_role[role] = [*ids_by_role.get(role, []), *_list_ids(layer_pipeline, role)]
    return PipelineGraph(pipelines, connectors)


def _list_ids(layer_pipeline: Any, role: str) -> list[str]:
    """Return the ids of a role in a pipeline of a layer: what it lists (`receivers`) and appends (`receivers+`)."""
    ids = [*list_at(layer_pipeline, role), *list_at(layer_pipeline, role + APPEND_SIGN)]
    return [component_id for component_id in ids if isinstance(component_id, str)]
