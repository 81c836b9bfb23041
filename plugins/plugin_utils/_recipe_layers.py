# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of a config that recipes render. Private.

A config is composed of layers: those of recipes, then those that the user writes (`_user_layers.py`). A later layer
changes what an earlier one has. `_composed_collectors.py` calls this file. A group is one of the inventory, whose
gateways a recipe can name as the place to send to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..module_utils._collector import recipes
from ..module_utils._collector.critical.critical_use import list_left_out_pods
from ..module_utils._collector.options import HEALTH_PORT, METRICS_PORT, Collector, bracket_host
from ..module_utils._collector.platform import adapt_facts
from ..module_utils._host.host_tls import build_client_tls, build_server_tls
from ..module_utils._otelcol.config.layers import Layer, parse_version, rename_for_version
from ..module_utils._otelcol.config.paths import Path as KeyPath
from ..module_utils._otelcol.config.paths import Position, iter_leaves, mapping_at
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.needs.memory_sizes import BATCH_BYTES, compute_request_mib
from ..module_utils._otelcol.rules.build_facts import TargetBuild
from . import _baseline_options, _origins, _sources
from ._baseline_options import BASELINE_RECIPE
from ._otelcol import _builds, _yaml

# Facts that hold from a version of the Collector on: `service.telemetry.metrics.readers` replaces the default address,
# the operator `container` of file_log takes names of rotated files, and exporter debug can print by its own logger.
_FIRST_VERSION_OF_FACT = {"metrics_readers": (0, 111), "rotated_logs": (0, 122), "own_prints": (0, 104)}

# Returns how a collector reaches the group of the inventory that options of a recipe name, under keys such as
# `endpoint`. The arguments are the collector and the options of the recipe.
Route = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]


# ── What recipes know of the run ──


def refuse_route(_collector: Collector, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raise Problem: no inventory says which hosts a group has."""
    wrong = f"`to: {options.get('to')}` names hosts of an inventory, and there is none"
    raise Problem(wrong, fix="Set `endpoint`, or `service` for trace_balancing.")


@dataclass(frozen=True)
class WholeRun:
    """What recipes know of all collectors of a run."""

    log_globs: Sequence[str] = ()
    """The globs of the log files of the collectors themselves."""
    organization_values: Sequence[str] = ()
    """The values that recipe resource_attributes adds to data."""
    find_route: Route = refuse_route
    """Returns how a collector reaches the group of the inventory that options of a recipe name."""
    critical_components: Sequence[Mapping[str, Any]] = ()
    """Where the critical components are that collectors of the run scrape, as `critical_use.find_places` describes."""


def collect_organization_values(collectors: Iterable[Collector]) -> tuple[str, ...]:
    """Return the texts that recipe resource_attributes of collectors adds; those of variables are not known."""
    added_texts = set[str]()
    for collector in collectors:
        for use in recipes.read_recipe_uses(collector.recipes):
            if use.name == "resource_attributes":
                added_texts.update(map(str, mapping_at(use.options, "attributes").values()))
    known_texts = {text for text in added_texts if text and "$" not in text}
    return tuple(sorted(known_texts))


# ── The layers ──


def render_recipe_layers(
    collector: Collector,
    version: str,
    facts: Mapping[str, Any],
    folders: Mapping[str, Path],
    *,
    run: WholeRun = WholeRun(),
    target: TargetBuild | None = None,
) -> list[Layer]:
    """Return the layers of a collector's recipes from these folders, with the component names of this version.

    `facts` are those of the platform. `target` is the build, if the catalogue knows it.
    """
    used_recipes = _list_used_recipes(collector)
    if not used_recipes:
        return []
    for use in used_recipes:
        recipes.check_recipe_exists(use, folders)
    recipe_by_name = {use.name: _sources.read_recipe(folders[use.name]) for use in used_recipes}
    recipes.check_requires(used_recipes, recipe_by_name)
    collector_facts = _build_facts(collector, version, run, target)
    platform_facts = adapt_facts(collector, facts)
    layers: list[Layer] = []
    for use in used_recipes:
        recipes.check_mode(use, recipe_by_name[use.name], collector.mode)
        layer = _sources.render_fragment(
            use, folders[use.name], recipe_by_name[use.name], platform_facts, collector_facts
        )
        layers.append(
            replace(layer, config=rename_for_version(layer.config, version, _builds.load_catalogue().renames))
        )
    return layers


def _list_used_recipes(collector: Collector) -> list[recipes.RecipeUse]:
    """Return the recipes of a collector: recipe baseline comes first, also where nobody lists it."""
    listed_recipes = recipes.read_recipe_uses(collector.recipes)
    if listed_recipes and BASELINE_RECIPE not in (use.name for use in listed_recipes):
        return [recipes.RecipeUse(BASELINE_RECIPE, {}), *listed_recipes]
    return listed_recipes


def _build_facts(collector: Collector, version: str, run: WholeRun, target: TargetBuild | None) -> dict[str, Any]:
    """Return the facts about a collector that recipes can use."""
    memory = collector.memory
    return {
        "name": collector.name,
        "namespace": collector.namespace,
        "mode": collector.mode,
        "alone": collector.runs_one_pod,
        "allocated": collector.is_allocated,
        "container": collector.logs.container,
        "recipes": {use.name: use.options for use in recipes.read_recipe_uses(collector.recipes)},
        "logs": list(run.log_globs),
        "organization": list(run.organization_values),
        "critical_pods": list_left_out_pods(run.critical_components),
        "route": partial(run.find_route, collector),
        "client_tls": partial(build_client_tls, collector),
        "server_tls": partial(build_server_tls, collector),
        "host": collector.listen_host,
        "listen": bracket_host(collector.listen_host),
        "own_host": collector.own_host,
        "own_listen": bracket_host(collector.own_host),
        "health_port": getattr(collector, "health_port", HEALTH_PORT),
        "metrics_port": getattr(collector, "metrics_port", METRICS_PORT),
        "state": collector.state_directory,
        "limit_mib": memory.limit_mib,
        "spike_limit_mib": memory.spike_limit_mib,
        "export_timeout": f"{collector.export_seconds}s",
        **_find_facts_of_version(version),
        "request_mib": compute_request_mib(collector.memory_limit),
        "batch_bytes": BATCH_BYTES,
        "splits": _baseline_options.exporters_split_requests(target),
        "exporters_batch": bool(version) and _baseline_options.exporters_make_batches(collector, version),
    }


def _find_facts_of_version(version: str) -> dict[str, bool]:
    """Return which facts hold for a version of the Collector; all of them for one that is not known."""
    return {fact: not version or parse_version(version) >= since for fact, since in _FIRST_VERSION_OF_FACT.items()}


# ── Their places in the inventory ──


def locate_layers(layers: list[Layer], written_recipes: Any) -> list[Layer]:
    """Return the layers of recipes with their places in the inventory, as far as Ansible knows these.

    A value that an option gives has the place of the option, all others that of the recipe. Recipes that nobody lists
    stand before those that are listed.
    """
    if not isinstance(written_recipes, (list, tuple)):
        return layers
    unlisted_count = len(layers) - len(written_recipes)
    located_layers: list[Layer] = []
    for index, layer in enumerate(layers, start=-unlisted_count):
        is_listed = index >= 0
        located_layers.append(
            replace(layer, positions=_find_places(layer, written_recipes, index)) if is_listed else layer
        )
    return located_layers


def _find_places(layer: Layer, written_recipes: Sequence[Any], index: int) -> dict[KeyPath, Position]:
    """Return the places of what a recipe renders, by path; none if Ansible does not know where the recipe stands."""
    recipe_place = _origins.position_of_entry(written_recipes, index)
    if not recipe_place.file:
        return {}
    positions = _origins.collect_positions(written_recipes[index])
    place_of_text: dict[str, Position] = {}
    for path, value in iter_leaves(_yaml.strip_ansible_types(written_recipes[index])):
        if path in positions:
            place_of_text[str(value)] = positions[path]
    places: dict[KeyPath, Position] = {(): recipe_place}
    for path, value in iter_leaves(layer.config):
        if str(value) in place_of_text:
            places[path] = place_of_text[str(value)]
    return places
