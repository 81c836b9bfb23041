# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge the recipes of a config, which must agree with each other. Private.

A recipe is a part of a config that this collection offers, such as `otlp_ingest`, which receives, and `batch`, which
has a processor for all pipelines. compose.py merges the recipes of a collector before the user's own layers:

- A component that two recipes have must be equal in both.
- Lists in pipelines (recipe_pipelines.py), and in the telemetry of the service, are joined, each item once.
- A pattern is a name of a pipeline, or an id of a component, with a wildcard: `*`, `traces*`. It stands for every name
  or id of that form that a recipe or the user's config declares (name_patterns.py).

For example, of two recipes:

- the pipelines `traces: {receivers: [otlp]}` and `"*": {processors: [batch]}` make the pipeline
  `traces: {receivers: [otlp], processors: [batch]}`,
- the exporters `otlp/a: {endpoint: "a:1"}` and `"otlp*": {timeout: 9s}` make the exporter
  `otlp/a: {endpoint: "a:1", timeout: 9s}`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from ..errors import Problem
from .joined_lists import join_without_repeats, unite_lists
from .layers import Layer, is_pattern
from .name_patterns import expand_pattern, list_declared_names
from .paths import SECTIONS, Config, Path, format_path, mapping_at, value_at
from .recipe_pipelines import merge_pipelines

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
        merge.add_to_matching_components(recipe, user_layers)
    merge.set_in_service("extensions", unite_lists(_list_extensions(recipe) for recipe in recipes))
    for recipe in recipes:
        merge.add_telemetry(recipe)
    merge.set_in_service("pipelines", merge_pipelines(recipes, user_layers))
    return merge.config


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
        """Add what a recipe has, except for its service and for settings at patterns of ids."""
        for key, value in recipe.config.items():
            if key != "service" and value is not None:
                self._add_below(recipe.name, (), {key: _drop_patterns(value)})

    def add_to_matching_components(self, recipe: Layer, user_layers: Sequence[Layer]) -> None:
        """Add what a recipe sets at patterns of ids to each component that a pattern matches, here or of the user."""
        for section_name in SECTIONS:
            recipe_section = mapping_at(recipe.config, section_name)
            user_ids = list_declared_names(user_layers, section_name)
            for pattern in filter(is_pattern, recipe_section):
                declared_ids = [*mapping_at(self.config, section_name), *user_ids]
                for component_id in expand_pattern(pattern, declared_ids, recipe.name, section_name):
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
                target[key] = join_without_repeats(earlier, copy.deepcopy(value))
            elif earlier != value:
                raise self._make_conflict_problem(key_path, recipe_name)

    def _make_conflict_problem(self, path: Path, recipe_name: str) -> Problem:
        """Return the problem that a recipe sets something else at a path than an earlier one."""
        fix = "Give one of them another component name through its options, or leave one recipe out."
        if not _is_shared_by_recipes(path):
            fix += f" Where an option takes wildcards, write one that matches it, such as `{path[-1]}*`."
        recipes = f"{self._find_recipe_at(path)} and {recipe_name}"
        return Problem(f"{recipes} configure {format_path(path)} differently", fix=fix)

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


def _drop_patterns(value: Any) -> Any:
    """Return a section without what stands at patterns of ids."""
    if not isinstance(value, dict):
        return value
    return {name: settings for name, settings in value.items() if not is_pattern(name)}
