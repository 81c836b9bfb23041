# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the recipes of a collector to layers of its config. Private.

A config is composed of layers: first one of each recipe, then those that the user writes (`_user_layers.py`). A later
layer changes what an earlier one has. For example, of `recipes: [otlp_ingest]` there are two layers: recipe `baseline`,
which every collector with recipes has, and recipe `otlp_ingest`. `_configured_collectors.py` calls this file.

A recipe is a template. `_recipe_facts.py` has what it reads about its collector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..module_utils._collector import recipes
from ..module_utils._collector.options import Collector
from ..module_utils._collector.platform import adapt_facts
from ..module_utils._otelcol.catalogue.older_names import rename_for_version
from ..module_utils._otelcol.config.layers import Layer
from ..module_utils._otelcol.config.paths import Path as KeyPath
from ..module_utils._otelcol.config.paths import Position, iter_leaves
from ..module_utils._otelcol.rules.build_facts import TargetBuild
from . import _origins, _recipe_metadata, _recipe_rendering
from ._baseline_options import BASELINE_RECIPE
from ._otelcol import _builds, _yaml
from ._recipe_facts import WholeRun, build_collector_facts

# ── The layers ──


def render_recipe_layers(
    collector: Collector,
    version: str,
    platform_facts: Mapping[str, Any],
    recipe_folders: Mapping[str, Path],
    *,
    run: WholeRun,
    target: TargetBuild | None,
) -> list[Layer]:
    """Return the layers of a collector's recipes, with the names that components have in this version.

    `recipe_folders` has the folder of each recipe by its name. `target` is the build, if the catalogue knows it.
    Raises Problem for a recipe that does not exist, that lacks another recipe, or that does not fit the mode.
    """
    used_recipes = _list_used_recipes(collector)
    if not used_recipes:
        return []
    for use in used_recipes:
        recipes.check_recipe_exists(use, recipe_folders)
    recipe_by_name = {use.name: _recipe_metadata.read_recipe(recipe_folders[use.name]) for use in used_recipes}
    recipes.check_requires(used_recipes, recipe_by_name)
    collector_facts = build_collector_facts(collector, version, run, target)
    adapted_facts = adapt_facts(collector, platform_facts)
    catalogue = _builds.load_catalogue()
    layers: list[Layer] = []
    for use in used_recipes:
        recipe = recipe_by_name[use.name]
        recipes.check_mode(use, recipe, collector.mode)
        layer = _recipe_rendering.render_fragment(use, recipe_folders[use.name], recipe, adapted_facts, collector_facts)
        layers.append(replace(layer, config=rename_for_version(layer.config, version, catalogue)))
    return layers


def _list_used_recipes(collector: Collector) -> list[recipes.RecipeUse]:
    """Return the recipes of a collector: recipe baseline comes first, also where nobody lists it."""
    listed_recipes = recipes.read_recipe_uses(collector.recipes)
    if listed_recipes and BASELINE_RECIPE not in (use.name for use in listed_recipes):
        return [recipes.RecipeUse(BASELINE_RECIPE, {}), *listed_recipes]
    return listed_recipes


# ── Their places in the inventory ──


def locate_layers(layers: list[Layer], written_recipes: Any) -> list[Layer]:
    """Return the layers of recipes with their places in the inventory, as far as Ansible knows these.

    So a finding names the line of the inventory. For example, `endpoint: gateway:4317` of recipe otlp_forward in line 9
    gives `exporters.otlp_grpc/gateway.endpoint` the position `hosts.yml:9`. A value that no option gives has the place
    of its recipe. Recipe baseline stands before the recipes that the user lists, and in no file if nobody lists it.
    """
    if not isinstance(written_recipes, (list, tuple)):
        return layers
    unlisted_count = len(layers) - len(written_recipes)
    located_layers = list(layers[:unlisted_count])
    for index, layer in enumerate(layers[unlisted_count:]):
        located_layers.append(replace(layer, positions=_find_places(layer, written_recipes, index)))
    return located_layers


def _find_places(layer: Layer, written_recipes: Sequence[Any], index: int) -> dict[KeyPath, Position]:
    """Return the places of what a recipe renders, by path; none if Ansible does not know where the recipe stands."""
    recipe_place = _origins.position_of_entry(written_recipes, index)
    if not recipe_place.file:
        return {}
    positions = _origins.collect_positions(written_recipes[index])
    # A template does not tell which option a setting comes from. A setting with the same text as an option, such as
    # `gateway:4317`, has most likely come from it.
    place_of_text: dict[str, Position] = {}
    for path, value in iter_leaves(_yaml.strip_ansible_types(written_recipes[index])):
        if path in positions:
            place_of_text[str(value)] = positions[path]
    places: dict[KeyPath, Position] = {(): recipe_place}
    for path, value in iter_leaves(layer.config):
        if str(value) in place_of_text:
            places[path] = place_of_text[str(value)]
    return places
