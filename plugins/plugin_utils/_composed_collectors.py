# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors with the configs that follow from their recipes, their options and the user's files. Private.

A draft is a collector whose options are read, without a config (see `_drafted.py`). A route says how a collector
reaches a group of hosts that a recipe names, and the whole run is what the recipes of one collector know of all
(`Route` and `WholeRun` in _recipe_layers.py). The critical components are what a cluster depends on, such as its DNS
(docs/critical_components.md). `_render.py` and `_host_drafts.py` call this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..module_utils._collector import request_bytes
from ..module_utils._collector.critical import critical_use, scrape_targets
from ..module_utils._collector.options import Collector
from ..module_utils._otelcol.config.compose import compose
from ..module_utils._otelcol.config.layers import ComposedConfig, Layer
from ..module_utils._otelcol.config.paths import value_at
from ..module_utils._otelcol.errors import prefix_problems
from . import _baseline_options, _user_layers
from ._drafted import DraftedCollector
from ._recipe_layers import (
    Route,
    WholeRun,
    collect_organization_values,
    locate_layers,
    refuse_route,
    render_recipe_layers,
)
from ._user_layers import build_user_layers, drop_mib_of_recipes

_BATCH_PATH = ("processors", "batch")


@dataclass(frozen=True)
class ComposedCollector:
    """A collector with its config and the layers that the config came from. No rule has judged it yet."""

    draft: DraftedCollector
    composed_config: ComposedConfig

    @property
    def collector(self) -> Collector:
        """The options of the collector."""
        return self.draft.collector

    @property
    def config(self) -> dict[str, Any]:
        """The config of the collector."""
        return self.composed_config.config


def compose_collectors(
    drafts: Sequence[DraftedCollector], recipes: Mapping[str, Path], route: Route = refuse_route
) -> list[ComposedCollector]:
    """Return the collectors with their configs, in the order of the drafts.

    A recipe that reads logs leaves out the logs of all collectors of the run, so all drafts are needed at once.
    `recipes` has the path of each recipe by its name. `route` returns how a collector reaches the group that options of
    a recipe name.
    """
    whole_run = _describe_whole_run(drafts, route)
    composed: list[ComposedCollector] = []
    for draft in drafts:
        with prefix_problems(f"collector '{draft.collector.name}'"):
            composed.append(ComposedCollector(draft, _compose_config(draft, recipes, whole_run)))
    return composed


def check_overlays(collectors: Iterable[ComposedCollector], policy: Mapping[str, Any]) -> None:
    """Raise Problem if an overlay of a collector touches what the option `overlay_policy` does not allow.

    An overlay is a part of the config that the user writes on top of the recipes. `_user_layers.check_overlays` checks
    one collector.
    """
    if not policy:
        return
    for composed_collector in collectors:
        with prefix_problems(f"collector '{composed_collector.collector.name}'"):
            _user_layers.check_overlays(composed_collector.composed_config, policy)


def _describe_whole_run(drafts: Sequence[DraftedCollector], route: Route) -> WholeRun:
    """Return what the recipes of each collector know of all collectors of the run."""
    log_globs = {draft.collector.logs.file_glob for draft in drafts} - {""}
    critical_targets: list[Mapping[str, Any]] = []
    for draft in drafts:
        critical_targets += _list_critical_targets(draft)
    return WholeRun(
        log_globs=tuple(sorted(log_globs)),
        organization_values=collect_organization_values(draft.collector for draft in drafts),
        find_route=route,
        critical_components=tuple(critical_targets),
    )


def _list_critical_targets(drafted: DraftedCollector) -> list[scrape_targets.ScrapeTarget]:
    """Return where the critical components are that a collector scrapes; nothing if it scrapes none."""
    collector = drafted.collector
    use = critical_use.find_recipe_use(collector.recipes)
    if not use:
        return []
    components = critical_use.list_components(collector.recipes)
    changed_places = use.options.get("places") or {}
    with prefix_problems(f"collector '{collector.name}'"):
        return scrape_targets.find_scrape_targets(
            components, changed_places, drafted.platform_facts, collector.runs_one_pod
        )


def _compose_config(draft: DraftedCollector, recipes: Mapping[str, Path], whole_run: WholeRun) -> ComposedConfig:
    """Return the config of a collector. With recipes, this run decides the sizes of its batches, and its retries."""
    rendered_recipes = render_recipe_layers(
        draft.collector, draft.version, draft.platform_facts, recipes, run=whole_run, target=draft.target
    )
    recipe_config_layers = locate_layers(rendered_recipes, draft.written_options.recipes)
    user_config_layers = build_user_layers(draft.collector, draft.written_options.config)
    if not recipe_config_layers:
        return compose(user_config_layers)
    composed = compose([*recipe_config_layers, *drop_mib_of_recipes(user_config_layers), *user_config_layers])
    config = request_bytes.retry_without_end(composed.config)
    return replace(composed, config=_count_in_bytes(config, draft, user_config_layers))


def _count_in_bytes(
    config: dict[str, Any], draft: DraftedCollector, user_config_layers: Sequence[Layer]
) -> dict[str, Any]:
    """Return a config of recipes whose requests and queues are counted in bytes, if its build can count them.

    If its exporters can make batches, they do so instead of processor batch, unless the user has settings for that
    processor (docs/request_sizes.md).
    """
    if not draft.target or not _baseline_options.exporters_split_requests(draft.target):
        return config
    queue_bytes = _baseline_options.compute_queue_bytes(draft.collector)
    moves_batches = _baseline_options.exporters_make_batches(draft.collector, draft.target.version)
    has_own_batch = any(value_at(layer.config, _BATCH_PATH) is not None for layer in user_config_layers)
    return request_bytes.size_by_bytes(config, draft.target, queue_bytes, moves_batches, chosen=has_own_batch)
