# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge the recipes of a config, which must agree with each other. Private.

A recipe is a part of a config that this collection offers, such as `otlp_ingest`, which receives, and `batch`, which
has a processor for all pipelines. compose.py merges the recipes of a collector before the user's own layers:

- A component that two recipes have must be equal in both.
- Lists in pipelines, and in the telemetry of the service, are joined, each item once.
- A pattern is a name of a pipeline, or an id of a component, with a wildcard: `*`, `traces*`. It stands for every name
  or id of that form that a recipe or the user's config declares.
- What a pattern adds works on each record once. A pipeline that only gets records from other pipelines of the pattern,
  by connectors, gets no second processor of this kind.

For example, of two recipes:

- the pipelines `traces: {receivers: [otlp]}` and `"*": {processors: [batch]}` make the pipeline
  `traces: {receivers: [otlp], processors: [batch]}`,
- the exporters `otlp/a: {endpoint: "a:1"}` and `"otlp*": {timeout: 9s}` make the exporter
  `otlp/a: {endpoint: "a:1", timeout: 9s}`.
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

# What to do if nothing matches a pattern, by section.
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
        merge.add_components(recipe)
    # After the components of all recipes, so that a pattern also finds those of recipes behind its own.
    for recipe in recipes:
        for section_name in SECTIONS:
            merge.add_to_matching_components(recipe, section_name, _list_declared_names(user_layers, section_name))
    merge.set_in_service("extensions", _unite_lists(_list_extensions(recipe) for recipe in recipes))
    for recipe in recipes:
        merge.add_telemetry(recipe)
    merge.set_in_service("pipelines", _merge_pipelines(recipes, user_layers))
    return copy.deepcopy(merge.config)


def _list_extensions(recipe: Layer) -> list[str] | None:
    """Return the extensions that a recipe starts; None if it has null for them."""
    extensions: list[str] | None = value_at(recipe.config, ("service", "extensions"), [])
    return extensions


class _RecipeMerge:
    """The config that recipes make together, and which recipe set what in it."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self._recipe_by_path: dict[Path, str] = {}

    def add_components(self, recipe: Layer) -> None:
        """Add all of a recipe but its service, and but the settings at patterns of ids."""
        for key, value in recipe.config.items():
            if key != "service" and value is not None:
                self._add_below(recipe.name, (), {key: _drop_patterns(value)})

    def add_to_matching_components(self, recipe: Layer, section_name: str, user_ids: Sequence[str]) -> None:
        """Add what a recipe sets at patterns of ids in a section to each component that a pattern matches.

        They are components of all recipes and of the user's config, which declares `user_ids`.
        """
        recipe_section = mapping_at(recipe.config, section_name)
        for pattern in filter(is_pattern, recipe_section):
            declared_ids = [*mapping_at(self.config, section_name), *user_ids]
            for component_id in _expand_pattern(pattern, declared_ids, recipe.name, section_name):
                self._add_below(recipe.name, (section_name, component_id), recipe_section[pattern])

    def add_telemetry(self, recipe: Layer) -> None:
        """Add what a recipe sets for the telemetry of the service."""
        telemetry = value_at(recipe.config, ("service", "telemetry"))
        if telemetry is not None:
            self._add_below(recipe.name, ("service",), {"telemetry": telemetry})

    def set_in_service(self, key: str, value: Any) -> None:
        """Set a key of the service, such as `pipelines`, unless the value is empty."""
        if value:
            self.config["service"] = {**mapping_at(self.config, "service"), key: value}

    def _add_below(self, recipe_name: str, path: Path, settings: Config) -> None:
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
    """Whether several recipes may add to a mapping at a path: yes, unless it is a component.

    - `exporters`: yes, each recipe has components of its own.
    - `exporters.otlp`: no, the component must be equal in both.
    - `exporters.otlp.tls`: yes. Only settings at a pattern of ids are merged so deep.
    - `service.telemetry`, and all below it: yes.
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
    """Return a section without what stands at patterns of ids."""
    if not isinstance(value, dict):
        return value
    return {name: settings for name, settings in value.items() if not is_pattern(name)}


def _list_declared_names(layers: Sequence[Layer], *path: str) -> list[str]:
    """Return the names of the pipelines or components at a path of the user's layers; a later `null` takes one away.

    Names that are no text are left out.
    """
    content_by_name: dict[str, Any] = {}
    for layer in layers:
        content_by_name.update(mapping_at(layer.config, *path))
    return [name for name, content in content_by_name.items() if content is not None and isinstance(name, str)]


def _expand_pattern(pattern: str, declared_names: Iterable[str], recipe_name: str, section_name: str) -> list[str]:
    """Return the declared names that a pattern matches, each once. Raises Problem if it matches none."""
    matches = [name for name in declared_names if fnmatchcase(name, pattern)]
    if not matches:
        if section_name == "pipelines" and pattern == "*":
            raise Problem("the collector receives nothing", fix="Add otlp_ingest or another recipe that receives.")
        wrong = (
            f"{recipe_name} adds to {section_name} '{pattern}', but nothing declares such"
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

    recipe_name: str
    name_or_pattern: str
    ids_by_role: dict[str, list[str]]
    """The ids of components by role, such as `receivers`."""

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for the pipelines of several names."""
        return is_pattern(self.name_or_pattern)

    def list_target_names(self, declared_names: Iterable[str]) -> list[str]:
        """Return the names of the pipelines that it is for. Raises Problem for a pattern that matches none."""
        if not self.is_pattern:
            return [self.name_or_pattern]
        return _expand_pattern(self.name_or_pattern, declared_names, self.recipe_name, "pipelines")


def _iter_recipe_pipelines(recipes: Sequence[Layer]) -> Iterator[_RecipePipeline]:
    """Yield the pipelines of all recipes, in their order."""
    for recipe in recipes:
        for name_or_pattern, ids_by_role in mapping_at(recipe.config, "service", "pipelines").items():
            yield _RecipePipeline(recipe.name, name_or_pattern, ids_by_role or {})


def _merge_pipelines(recipes: Sequence[Layer], user_layers: Sequence[Layer]) -> dict[str, dict[str, list[str]]]:
    """Return all pipelines, those of the user's config by name only, each with what all recipes add to it."""
    pipelines: dict[str, dict[str, list[str]]] = {}
    for recipe_pipeline in _iter_recipe_pipelines(recipes):
        if not recipe_pipeline.is_pattern:
            pipelines[recipe_pipeline.name_or_pattern] = {}
    for name in _list_declared_names(user_layers, "service", "pipelines"):
        pipelines[name] = {}
    pipeline_graph = _build_pipeline_graph(recipes, user_layers)
    for recipe_pipeline in _iter_recipe_pipelines(recipes):
        target_names = recipe_pipeline.list_target_names(pipelines)
        for target_name in target_names:
            target = pipelines[target_name]
            for role, ids in _choose_added_ids(recipe_pipeline, target_name, target_names, pipeline_graph).items():
                target[role] = _unite_lists([target.get(role, []), ids])
    for pipeline in pipelines.values():
        pipeline.get("processors", []).sort(key=processor_rank)
    return pipelines


def _choose_added_ids(
    recipe_pipeline: _RecipePipeline, target_name: str, target_names: Sequence[str], pipeline_graph: PipelineGraph
) -> dict[str, list[str]]:
    """Return what a recipe adds to a pipeline, by role: all, unless a pattern has added it to the pipelines before.

    For example, the pattern `traces*` adds a filter, and a connector hands on the records of `traces` to `traces/shop`.
    The filter has worked on them in `traces`, so `traces/shop` gets only processors that may work on a record again.
    """
    works_again = recipe_pipeline.is_pattern and pipeline_graph.is_fed_only_by(target_name, target_names)
    if not works_again:
        return recipe_pipeline.ids_by_role
    repeatable_processors = list(filter(belongs_everywhere, recipe_pipeline.ids_by_role.get("processors") or ()))
    return {"processors": repeatable_processors} if repeatable_processors else {}


def _build_pipeline_graph(recipes: Sequence[Layer], user_layers: Sequence[Layer]) -> PipelineGraph:
    """Return how records go from pipeline to pipeline, without what patterns add."""
    pipelines: dict[str, dict[str, list[str]]] = {}
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
