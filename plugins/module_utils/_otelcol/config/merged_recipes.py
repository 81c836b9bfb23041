# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge the recipes of a config, which must agree with each other. Private.

A recipe is a part of a config that this collection offers, such as `otlp_ingest`, which receives, and `batch`, which
has a processor for all pipelines. compose.py merges the recipes of a collector before the user's own layers:

- A component that two recipes have must be equal in both.
- Lists in pipelines, and in the telemetry of the service, are joined, each item once.
- A pipeline key with a wildcard (`*`, `traces*`) stands for every pipeline of that name that a recipe or the user's
  config declares. A component's id with a wildcard adds settings to every such component.
- What a wildcard adds works on each record once: not again in a pipeline that gets its records from connectors alone
  which hand on those of other pipelines of that name.

So the recipe `{service: {pipelines: {traces: {receivers: [otlp]}}}}` and the recipe `{processors: {batch: {}}, service:
{pipelines: {"*": {processors: [batch]}}}}` make `{traces: {receivers: [otlp], processors: [batch]}}`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..errors import Problem
from ..traits import belongs_everywhere
from .layers import APPEND_SIGN, Layer, is_pattern
from .paths import SECTIONS, Config, Path, format_path, list_at, mapping_at, value_at
from .pipelines import PipelineGraph
from .sorted_processors import processor_rank

# What to do if nothing matches a wildcard, by section.
_FIX_BY_SECTION = {
    "pipelines": "Add a recipe that receives that signal, declare the pipeline in `config`, or narrow the recipe's "
    "options.",
    "": "Add a recipe with such a component, declare it in `config`, or correct the recipe's options.",
}
# How many names lead to a component: its section and its id.
_COMPONENT_PATH_LENGTH = 2


def merge_recipes(recipes: Sequence[Layer], user_layers: Sequence[Layer]) -> dict[str, Any]:
    """Return what recipes set, with what they add to components and pipelines of the user.

    Raises Problem when two recipes disagree, or one applies to a pipeline or component that nobody declares.
    """
    merge = _RecipeMerge()
    for recipe in recipes:
        for key, value in recipe.config.items():
            if key != "service" and value is not None:
                merge.add(recipe.name, (), {key: _drop_patterns(value)})
    # After the components of all recipes, so that a wildcard also finds those of recipes behind its own.
    for recipe in recipes:
        for section_name in SECTIONS:
            _add_wildcard_settings(merge, recipe, section_name, _list_declared_names(user_layers, section_name))
    extensions = _unite_lists(value_at(recipe.config, ("service", "extensions"), []) for recipe in recipes)
    if extensions:
        merge.config["service"] = {"extensions": extensions}
    for recipe in recipes:
        telemetry = value_at(recipe.config, ("service", "telemetry"))
        if telemetry is not None:
            merge.add(recipe.name, ("service",), {"telemetry": telemetry})
    pipelines = _merge_pipelines(recipes, user_layers)
    if pipelines:
        merge.config["service"] = {**mapping_at(merge.config, "service"), "pipelines": pipelines}
    return copy.deepcopy(merge.config)


class _RecipeMerge:
    """The config that recipes make together, and which recipe set what in it."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self._recipe_by_path: dict[Path, str] = {}

    def add(self, recipe_name: str, path: Path, settings: Config) -> None:
        """Add what a recipe sets below a path. Raises Problem for a value that another recipe set differently."""
        target = self.config
        for key in path:
            if not isinstance(target.get(str(key)), dict):
                target[str(key)] = {}
            target = target[str(key)]
        self._add_to(target, settings, path, recipe_name)

    def _add_to(self, target: dict[str, Any], settings: Config, path: Path, recipe_name: str) -> None:
        """Add settings to a mapping of the config, whose path is given."""
        for key, value in settings.items():
            key_path = (*path, key)
            if key not in target:
                target[key] = copy.deepcopy(value)
                self._recipe_by_path[key_path] = recipe_name
                continue
            earlier = target[key]
            if _is_shared_by_recipes(key_path) and isinstance(value, dict) and isinstance(earlier, dict):
                self._add_to(earlier, value, key_path, recipe_name)
            elif key_path[0] == "service" and isinstance(value, list) and isinstance(earlier, list):
                target[key] = join_without_repeats(earlier, value)
            elif earlier != value:
                recipes = f"{self._find_recipe_at(key_path)} and {recipe_name}"
                fix = "Give one of them another component name through its options, or leave one recipe out."
                if not _is_shared_by_recipes(key_path):
                    fix += f" Where an option takes wildcards, write one that matches it, such as `{key}*`."
                raise Problem(f"{recipes} configure {format_path(key_path)} differently", fix=fix)

    def _find_recipe_at(self, path: Path) -> str:
        """Return the recipe that set what stands at a path, or the nearest thing around it."""
        while path not in self._recipe_by_path and path:
            path = path[:-1]
        return self._recipe_by_path.get(path, "?")


def _is_shared_by_recipes(path: Path) -> bool:
    """Whether several recipes may add to a mapping: yes, unless it is a component.

    So sections and the telemetry of the service merge. A component must be equal in both recipes.
    """
    return len(path) != _COMPONENT_PATH_LENGTH or path[0] == "service"


def join_without_repeats(values: list[Any], added_values: list[Any]) -> list[Any]:
    """Return a list with what it lacks of another one at its end: `[a, b]` and `[b, c]` make `[a, b, c]`."""
    return [*values, *(value for value in added_values if value not in values)]


def _unite_lists(lists: Iterable[Iterable[str] | None]) -> list[str]:
    """Return the values of all lists, each once, in the order in which they come first."""
    union: dict[str, None] = {}
    for values in lists:
        union.update(dict.fromkeys(values or ()))
    return list(union)


# ── Components of the user and of other recipes ──


def _drop_patterns(value: Any) -> Any:
    """Return a section without ids with a wildcard."""
    if not isinstance(value, dict):
        return value
    return {name: settings for name, settings in value.items() if not is_pattern(name)}


def _add_wildcard_settings(merge: _RecipeMerge, recipe: Layer, section_name: str, declared_ids: Sequence[str]) -> None:
    """Add what a recipe sets at ids with a wildcard to the components of all recipes and of the user's config."""
    recipe_section = mapping_at(recipe.config, section_name)
    for key in filter(is_pattern, recipe_section):
        known_ids = [*mapping_at(merge.config, section_name), *declared_ids]
        for component_id in _expand_pattern(key, known_ids, recipe.name, section_name):
            merge.add(recipe.name, (section_name, component_id), recipe_section[key])


def _list_declared_names(layers: Sequence[Layer], *path: str) -> list[str]:
    """Return the names of the pipelines or components at a path of the user's layers; a later `null` takes one away.

    Names that are no text are left out.
    """
    declared: dict[str, Any] = {}
    for layer in layers:
        declared.update(mapping_at(layer.config, *path))
    return [key for key, value in declared.items() if value is not None and isinstance(key, str)]


def _expand_pattern(
    id_or_pattern: str, declared_names: Iterable[str], recipe_name: str, section_name: str
) -> list[str]:
    """Return what a key stands for: itself, or each declared name that it matches. Raises Problem if none does."""
    if not is_pattern(id_or_pattern):
        return [id_or_pattern]
    matches = [name for name in declared_names if fnmatchcase(name, id_or_pattern)]
    if not matches:
        if section_name == "pipelines" and id_or_pattern == "*":
            raise Problem("the collector receives nothing", fix="Add otlp_ingest or another recipe that receives.")
        wrong = (
            f"{recipe_name} adds to {section_name} '{id_or_pattern}', but nothing declares such"
            f" {_singular_with_article(section_name)}"
        )
        raise Problem(wrong, fix=_FIX_BY_SECTION.get(section_name, _FIX_BY_SECTION[""]))
    return list(dict.fromkeys(matches))


def _singular_with_article(section_name: str) -> str:
    """Return one of a section in words: `an exporter` of `exporters`."""
    article = "an" if section_name[0] == "e" else "a"
    return f"{article} {section_name.removesuffix('s')}"


# ── Pipelines ──


class _RecipePipeline(NamedTuple):
    """What a recipe has below the name of a pipeline, or below a pattern of names."""

    recipe: str
    """The name of the recipe."""
    key: str
    pipeline: dict[str, list[str]]
    """The ids by role, such as `receivers`."""


def _iter_recipe_pipelines(recipes: Sequence[Layer]) -> Iterator[_RecipePipeline]:
    """Yield the pipelines of all recipes, in their order."""
    for recipe in recipes:
        for key, pipeline in mapping_at(recipe.config, "service", "pipelines").items():
            yield _RecipePipeline(recipe.name, key, pipeline or {})


def _merge_pipelines(recipes: Sequence[Layer], user_layers: Sequence[Layer]) -> dict[str, dict[str, list[str]]]:
    """Return all pipelines, those of the user's config by name only, each with what all recipes add to it."""
    pipelines: dict[str, dict[str, list[str]]] = {}
    for recipe_pipeline in _iter_recipe_pipelines(recipes):
        if not is_pattern(recipe_pipeline.key):
            pipelines[recipe_pipeline.key] = {}
    for name in _list_declared_names(user_layers, "service", "pipelines"):
        pipelines[name] = {}
    pipeline_graph = _build_pipeline_graph(recipes, user_layers)
    for recipe_pipeline in _iter_recipe_pipelines(recipes):
        targets = _expand_pattern(recipe_pipeline.key, pipelines, recipe_pipeline.recipe, "pipelines")
        for target in targets:
            # With `traces*` and a connector from traces to traces/shop, the records of traces/shop were in traces
            # before: a filter of the recipe has worked on them there.
            works_again = is_pattern(recipe_pipeline.key) and pipeline_graph.is_fed_only_by(target, targets)
            added_ids = (
                _keep_repeatable_processors(recipe_pipeline.pipeline) if works_again else recipe_pipeline.pipeline
            )
            for role, ids in added_ids.items():
                pipelines[target][role] = _unite_lists([pipelines[target].get(role, []), ids])
    for pipeline in pipelines.values():
        pipeline.get("processors", []).sort(key=processor_rank)
    return pipelines


def _keep_repeatable_processors(pipeline: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the processors of a recipe that may work on a record again in the next pipeline, such as `batch`."""
    processors = list(filter(belongs_everywhere, pipeline.get("processors") or ()))
    return {"processors": processors} if processors else {}


def _build_pipeline_graph(recipes: Sequence[Layer], user_layers: Sequence[Layer]) -> PipelineGraph:
    """Return how records go from pipeline to pipeline, without what wildcards add."""
    pipelines: dict[str, dict[str, list[str]]] = {}
    connectors: set[str] = set()
    for layer in (*recipes, *user_layers):
        connectors.update(mapping_at(layer.config, "connectors"))
        for key, roles in mapping_at(layer.config, "service", "pipelines").items():
            if not isinstance(key, str) or is_pattern(key):
                continue
            ids_by_role = pipelines.setdefault(key, {})
            for role in ("receivers", "exporters"):
                ids_by_role[role] = [*ids_by_role.get(role, []), *_listed_ids(roles, role)]
    return PipelineGraph(pipelines, connectors)


def _listed_ids(roles: Any, role: str) -> list[str]:
    """Return the ids that a layer lists or appends in a role of a pipeline."""
    listed = [*list_at(roles, role), *list_at(roles, role + APPEND_SIGN)]
    return [component_id for component_id in listed if isinstance(component_id, str)]
