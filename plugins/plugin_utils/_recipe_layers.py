# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of a config that recipes render. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..module_utils._collector import recipes
from ..module_utils._collector.critical.critical_use import apart
from ..module_utils._collector.options import HEALTH_PORT, METRICS_PORT, Collector, before_port
from ..module_utils._collector.platform import facts_for
from ..module_utils._host.host_tls import client_tls, server_tls
from ..module_utils._otelcol.config.layers import Layer, for_version, parse_version
from ..module_utils._otelcol.config.paths import Path as KeyPath
from ..module_utils._otelcol.config.paths import Position, leaves, section
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.needs.quantities import BATCH_BYTES, request_mib
from ..module_utils._otelcol.rules.build_facts import Target
from . import _baseline_options, _origins, _sources
from ._baseline_options import BASELINE
from ._otelcol import _builds, _yaml

# Facts that hold from a version of the Collector on: `service.telemetry.metrics.readers` replaces the default address,
# the operator `container` of file_log takes names of rotated files, and exporter debug can print by its own logger.
_FACTS_SINCE = {"metrics_readers": (0, 111), "rotated_logs": (0, 122), "own_prints": (0, 104)}

# How a collector reaches the group of the inventory that options of a recipe name.
Route = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]


# ── What recipes know of the run ──


def no_route(_collector: Collector, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raise Problem: no inventory says which hosts a group has."""
    wrong = f"`to: {options.get('to')}` names hosts of an inventory, and there is none"
    raise Problem(wrong, fix="Set `endpoint`, or `service` for trace_balancing.")


@dataclass(frozen=True)
class WholeRun:
    """What recipes know of all collectors of a run.

    `logs` are the globs of their logs, `organization` the values that recipe resource_attributes adds to data. `route`
    returns how a collector reaches the group of the inventory that options of a recipe name. `critical` are the places
    of the critical components that collectors of the run scrape.
    """

    logs: Sequence[str] = ()
    organization: Sequence[str] = ()
    route: Route = no_route
    critical: Sequence[Mapping[str, Any]] = ()


def organization_values(collectors: Iterable[Collector]) -> tuple[str, ...]:
    """Return the texts that recipe resource_attributes of collectors adds; those of variables are not known."""
    texts = set[str]()
    for collector in collectors:
        for use in recipes.uses(collector.recipes):
            if use.name == "resource_attributes":
                texts.update(map(str, section(use.options, "attributes").values()))
    known = {text for text in texts if text and "$" not in text}
    return tuple(sorted(known))


# ── The layers ──


def recipe_layers(
    collector: Collector,
    version: str,
    facts: Mapping[str, Any],
    folders: Mapping[str, Path],
    *,
    run: WholeRun = WholeRun(),
    target: Target | None = None,
) -> list[Layer]:
    """Return the layers of a collector's recipes from these folders, with the component names of this version.

    `facts` are those of the platform. `target` is the build, if the catalogue knows it.
    """
    used = _used_recipes(collector)
    if not used:
        return []
    for use in used:
        recipes.check_known(use, folders)
    described = {use.name: _sources.recipe(folders[use.name]) for use in used}
    recipes.check_requires(used, described)
    about = _facts_of(collector, version, run, target)
    platform_facts = facts_for(collector, facts)
    layers: list[Layer] = []
    for use in used:
        recipes.check_mode(use, described[use.name], collector.mode)
        layer = _sources.fragment(use, folders[use.name], described[use.name], platform_facts, about)
        layers.append(replace(layer, config=for_version(layer.config, version, _builds.tables().renames)))
    return layers


def _used_recipes(collector: Collector) -> list[recipes.RecipeUse]:
    """Return the recipes of a collector: recipe baseline comes first, also where nobody lists it."""
    used = recipes.uses(collector.recipes)
    if used and BASELINE not in (use.name for use in used):
        return [recipes.RecipeUse(BASELINE, {}), *used]
    return used


def _facts_of(collector: Collector, version: str, run: WholeRun, target: Target | None) -> dict[str, Any]:
    """Return the facts about a collector that recipes can use."""
    memory = collector.memory
    return {
        "name": collector.name,
        "namespace": collector.namespace,
        "mode": collector.mode,
        "alone": collector.is_alone,
        "allocated": collector.is_allocated,
        "container": collector.logs.container,
        "recipes": {use.name: use.options for use in recipes.uses(collector.recipes)},
        "logs": list(run.logs),
        "organization": list(run.organization),
        "critical_pods": apart(run.critical),
        "route": partial(run.route, collector),
        "client_tls": partial(client_tls, collector),
        "server_tls": partial(server_tls, collector),
        "host": collector.listen_host,
        "listen": before_port(collector.listen_host),
        "own_host": collector.own_host,
        "own_listen": before_port(collector.own_host),
        "health_port": getattr(collector, "health_port", HEALTH_PORT),
        "metrics_port": getattr(collector, "metrics_port", METRICS_PORT),
        "state": collector.state_directory,
        "limit_mib": memory.limit_mib,
        "spike_limit_mib": memory.spike_limit_mib,
        "export_timeout": f"{collector.export_seconds}s",
        **_facts_of_version(version),
        "request_mib": request_mib(collector.memory_limit),
        "batch_bytes": BATCH_BYTES,
        "splits": _baseline_options.splits(target),
        "exporters_batch": bool(version) and _baseline_options.in_exporters(collector, version),
    }


def _facts_of_version(version: str) -> dict[str, bool]:
    """Return which facts hold for a version of the Collector; all of them for one that is not known."""
    return {fact: not version or parse_version(version) >= since for fact, since in _FACTS_SINCE.items()}


# ── Their places in the inventory ──


def placed(layers: list[Layer], written: Any) -> list[Layer]:
    """Return the layers of recipes with their places in the inventory, as far as Ansible knows these.

    A value that an option gives has the place of the option, all others that of the recipe. Recipes that nobody lists
    stand before those that are listed.
    """
    if not isinstance(written, (list, tuple)):
        return layers
    first = len(layers) - len(written)
    with_places: list[Layer] = []
    for index, layer in enumerate(layers, start=-first):
        is_listed = index >= 0
        with_places.append(replace(layer, positions=_places(layer, written, index)) if is_listed else layer)
    return with_places


def _places(layer: Layer, written: Sequence[Any], number: int) -> dict[KeyPath, Position]:
    """Return the places of what a recipe renders, by path; none if Ansible does not know where the recipe stands."""
    recipe_place = _origins.place(written, number)
    if not recipe_place.file:
        return {}
    positions = _origins.positions(written[number])
    place_of_text: dict[str, Position] = {}
    for path, value in leaves(_yaml.plain(written[number])):
        if path in positions:
            place_of_text[str(value)] = positions[path]
    places: dict[KeyPath, Position] = {(): recipe_place}
    for path, value in leaves(layer.config):
        if str(value) in place_of_text:
            places[path] = place_of_text[str(value)]
    return places
