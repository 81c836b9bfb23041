# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give each resolved collector its config: the second of the stages that `_render.py` draws. Private.

A config is composed of layers: one of each recipe (`_recipe_layers.py`), then those that the user writes
(`_user_layers.py`). A later layer changes what an earlier one has. For example, recipe otlp_ingest adds receiver
`otlp`, and the option `config: {receivers: {otlp: {protocols: {http: null}}}}` takes its port for HTTP away again.

`_render.py` calls this file for collectors of clusters, and `_host_configs.py` for those of Linux hosts.
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
from ._recipe_facts import GroupResolver, WholeRun, collect_organization_values, refuse_groups
from ._recipe_layers import locate_layers, render_recipe_layers
from ._resolved_collector import ResolvedCollector
from ._user_layers import build_user_layers, list_mib_removal_layers

_BATCH_PATH = ("processors", "batch")


@dataclass(frozen=True)
class ConfiguredCollector:
    """A collector with its config and the layers that the config came from. No rule has judged it yet."""

    resolved: ResolvedCollector
    composed_config: ComposedConfig

    @property
    def collector(self) -> Collector:
        """The options of the collector."""
        return self.resolved.collector

    @property
    def config(self) -> dict[str, Any]:
        """The config of the collector."""
        return self.composed_config.config


def configure_collectors(
    resolved_collectors: Sequence[ResolvedCollector],
    recipes: Mapping[str, Path],
    resolve_group: GroupResolver = refuse_groups,
) -> list[ConfiguredCollector]:
    """Return the collectors with their configs, in the same order.

    All collectors of the run are needed at once: a recipe that reads logs leaves out the logs of all of them.
    `recipes` has the path of each recipe by its name. `resolve_group` finds the group that a recipe sends to.
    """
    whole_run = _describe_whole_run(resolved_collectors, resolve_group)
    configured_collectors: list[ConfiguredCollector] = []
    for resolved in resolved_collectors:
        with prefix_problems(f"collector '{resolved.collector.name}'"):
            composed_config = _compose_config(resolved, recipes, whole_run)
        configured_collectors.append(ConfiguredCollector(resolved, composed_config))
    return configured_collectors


def check_overlays(collectors: Iterable[ConfiguredCollector], policy: Mapping[str, Any]) -> None:
    """Raise Problem if an overlay of a collector touches what the option `overlay_policy` does not allow.

    An overlay is a part of the config that the user writes on top of the recipes. `_user_layers.check_overlays` checks
    one collector.
    """
    if not policy:
        return
    for configured in collectors:
        with prefix_problems(f"collector '{configured.collector.name}'"):
            _user_layers.check_overlays(configured.composed_config, policy)


# ── What recipes know of the other collectors ──


def _describe_whole_run(resolved_collectors: Sequence[ResolvedCollector], resolve_group: GroupResolver) -> WholeRun:
    """Return what the recipes of each collector know of all collectors of the run."""
    log_globs = {resolved.collector.logs.file_glob for resolved in resolved_collectors} - {""}
    scraped_components: list[Mapping[str, Any]] = []
    for resolved in resolved_collectors:
        scraped_components += _locate_scraped_components(resolved)
    return WholeRun(
        log_globs=tuple(sorted(log_globs)),
        organization_values=collect_organization_values(resolved.collector for resolved in resolved_collectors),
        resolve_group=resolve_group,
        critical_components=tuple(scraped_components),
    )


def _locate_scraped_components(resolved: ResolvedCollector) -> list[scrape_targets.ScrapeTarget]:
    """Return where the critical components are that a collector scrapes, such as the DNS; nothing if it scrapes none.

    A cluster depends on its critical components (docs/critical_components.md).
    """
    collector = resolved.collector
    use = critical_use.find_recipe_use(collector.recipes)
    if not use:
        return []
    components = critical_use.list_components(collector.recipes)
    changed_places = use.options.get("places") or {}
    with prefix_problems(f"collector '{collector.name}'"):
        return scrape_targets.find_scrape_targets(
            components, changed_places, resolved.platform_facts, collector.runs_one_pod
        )


# ── The config of one collector ──


def _compose_config(resolved: ResolvedCollector, recipes: Mapping[str, Path], whole_run: WholeRun) -> ComposedConfig:
    """Return the config of a collector.

    A config without recipes is what the user wrote. One with recipes also gets sizes of batches and queues that fit
    the build, and retries that do not end.
    """
    rendered_recipes = render_recipe_layers(
        resolved.collector, resolved.version, resolved.platform_facts, recipes, run=whole_run, target=resolved.target
    )
    recipe_layers = locate_layers(rendered_recipes, resolved.written_options.recipes)
    user_layers = build_user_layers(resolved.collector, resolved.written_options.config)
    if not recipe_layers:
        return compose(user_layers)
    composed = compose([*recipe_layers, *list_mib_removal_layers(user_layers), *user_layers])
    config = request_bytes.retry_without_end(composed.config)
    return replace(composed, config=_count_in_bytes(config, resolved, user_layers))


def _count_in_bytes(
    config: dict[str, Any], resolved: ResolvedCollector, user_layers: Sequence[Layer]
) -> dict[str, Any]:
    """Return a config of recipes whose requests and queues are counted in bytes, if its build can count them.

    If its exporters can make batches, they do so instead of processor batch, unless the user has settings for that
    processor (docs/request_sizes.md).
    """
    if not resolved.target or not _baseline_options.exporters_split_requests(resolved.target):
        return config
    queue_bytes = _baseline_options.compute_queue_bytes(resolved.collector)
    moves_batches = _baseline_options.exporters_make_batches(resolved.collector, resolved.target.version)
    has_own_batch = any(value_at(layer.config, _BATCH_PATH) is not None for layer in user_layers)
    return request_bytes.size_by_bytes(config, resolved.target, queue_bytes, moves_batches, chosen=has_own_batch)
