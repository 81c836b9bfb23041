# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors with the configs that follow from their recipes, their options and the user's files. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..module_utils._collector import request_bytes
from ..module_utils._collector.critical import critical_use
from ..module_utils._collector.options import Collector
from ..module_utils._otelcol.config.compose import compose
from ..module_utils._otelcol.config.layers import Composed, Layer
from ..module_utils._otelcol.config.paths import at
from ..module_utils._otelcol.errors import about
from . import _baseline_options, _user_layers
from ._drafted import DraftedCollector
from ._recipe_layers import Route, WholeRun, no_route, organization_values, placed, recipe_layers
from ._user_layers import user_layers, without_mib_of_recipes

_BATCH = ("processors", "batch")


@dataclass(frozen=True)
class ComposedCollector:
    """A collector with its config and the layers that the config came from. No rule has judged it yet."""

    drafted: DraftedCollector
    composed: Composed

    @property
    def collector(self) -> Collector:
        """The options of the collector."""
        return self.drafted.collector

    @property
    def config(self) -> dict[str, Any]:
        """The config of the collector."""
        return self.composed.config


def composed_collectors(
    drafts: Sequence[DraftedCollector], recipes: Mapping[str, Path], route: Route = no_route
) -> list[ComposedCollector]:
    """Return the collectors with their configs; a recipe that reads logs leaves out those of all collectors.

    `route` returns how a collector reaches the group that options of a recipe name.
    """
    whole = _whole_run(drafts, route)
    collectors: list[ComposedCollector] = []
    for drafted in drafts:
        with about(f"collector '{drafted.collector.name}'"):
            collectors.append(ComposedCollector(drafted, _composed(drafted, recipes, whole)))
    return collectors


def check_overlays(collectors: Iterable[ComposedCollector], policy: Mapping[str, Any]) -> None:
    """Raise Problem if an overlay of a collector touches what the option `overlay_policy` does not allow."""
    if not policy:
        return
    for item in collectors:
        with about(f"collector '{item.collector.name}'"):
            _user_layers.check_overlays(item.composed, policy)


def _whole_run(drafts: Sequence[DraftedCollector], route: Route) -> WholeRun:
    """Return what the recipes of each collector know of all."""
    logs = {drafted.collector.logs.glob for drafted in drafts} - {""}
    critical_places: list[Mapping[str, Any]] = []
    for drafted in drafts:
        critical_places += _critical_places(drafted)
    return WholeRun(
        logs=tuple(sorted(logs)),
        organization=organization_values(drafted.collector for drafted in drafts),
        route=route,
        critical=tuple(critical_places),
    )


def _critical_places(drafted: DraftedCollector) -> list[dict[str, Any]]:
    """Return where the critical components are that a collector scrapes."""
    collector = drafted.collector
    use = critical_use.used(collector.recipes)
    if not use:
        return []
    components = critical_use.components(collector.recipes)
    changed_places = use.options.get("places") or {}
    with about(f"collector '{collector.name}'"):
        return critical_use.places(components, changed_places, drafted.facts, collector.is_alone)


def _composed(drafted: DraftedCollector, recipes: Mapping[str, Path], whole: WholeRun) -> Composed:
    """Return the config of a collector. With recipes, this run decides the sizes of its batches, and its retries."""
    rendered = recipe_layers(
        drafted.collector, drafted.version, drafted.facts, recipes, run=whole, target=drafted.target
    )
    of_recipes = placed(rendered, drafted.written.recipes)
    of_user = user_layers(drafted.collector, drafted.written.config)
    if not of_recipes:
        return compose(of_user)
    composed = compose([*of_recipes, *without_mib_of_recipes(of_user), *of_user])
    config = request_bytes.retried_without_end(composed.config)
    return replace(composed, config=_with_bytes(config, drafted, of_user))


def _with_bytes(config: dict[str, Any], drafted: DraftedCollector, of_user: Sequence[Layer]) -> dict[str, Any]:
    """Return a config of recipes whose requests and queues are counted in bytes, if its build can count them."""
    if not drafted.target or not _baseline_options.splits(drafted.target):
        return config
    room = _baseline_options.queue_bytes(drafted.collector)
    moves_batches = _baseline_options.in_exporters(drafted.collector, drafted.target.version)
    has_own_batch = any(at(layer.config, _BATCH) is not None for layer in of_user)
    return request_bytes.by_bytes(config, drafted.target, room, moves_batches, chosen=has_own_batch)
