# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render configs and manifests from options. Controller only; reads files, contacts no cluster.

A collector goes through stages, and each has a type of its own: its options are checked (`DraftedCollector`), its
config is composed (`ComposedCollector`), the collectors around it are found (`ConnectedCollector`), and the rules judge
it (`Planned`). Those of Linux hosts go through the same stages, see `_host_render`. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..module_utils._collector import conflicts
from ..module_utils._collector import platform as platform_rules
from ..module_utils._collector.backends import BACKENDS
from ..module_utils._collector.manifests import service_account
from ..module_utils._collector.manifests.build import CollectorBuild
from ..module_utils._collector.manifests.pod import list_volumes
from ..module_utils._collector.options import Collector
from ..module_utils._host import connection_checks
from ..module_utils._otelcol.errors import Problem, prefix_problems
from ..module_utils._otelcol.kube.objects import Manifest
from . import _sources
from ._cluster_drafts import draft_collectors
from ._composed_collectors import check_overlays, compose_collectors
from ._connected_collectors import connect_collectors, connect_to_inventory
from ._judged_collectors import judge_collectors, refuse_malformed
from ._planned import Planned, RenderedBundle
from ._recipe_layers import Route, refuse_route
from ._render_request import RenderRequest


def plan_collectors(request: RenderRequest) -> list[Planned]:
    """Return every collector with its config, build and findings. Raises Problem for input that names no collector."""
    if not request.names_any:
        fix = "Set `otel_collectors`, or `otel_collector_recipes` or `otel_collector_config` for a single collector."
        raise Problem("the inventory names no collector for this host", fix=fix)
    groups = request.groups
    route = groups.resolve_for_recipe if groups else refuse_route
    drafted = draft_collectors(request)
    composed = compose_collectors(drafted, _find_recipe_folders(request), route)
    check_overlays(composed, request.overlay_policy)
    connected = connect_collectors(composed)
    if groups:
        connected = connect_to_inventory(connected, groups, connection_checks.CLUSTER_TLS_FIXES)
    return judge_collectors(connected, request.rule_paths)


def compose_configs(request: RenderRequest, route: Route) -> list[tuple[Collector, Mapping[str, Any]]]:
    """Return the collectors of a request and their configs, which no rule has judged."""
    composed = compose_collectors(draft_collectors(request), _find_recipe_folders(request), route)
    return [(composed_collector.collector, composed_collector.config) for composed_collector in composed]


def build_bundle(planned: Sequence[Planned]) -> dict[str, Any]:
    """Return all manifests, and what later stages need of each collector.

    Raises Problem for a malformed config, for a collector that its platform cannot run, and for two that clash.
    """
    refuse_malformed(planned)
    builds = service_account.assign_account_owners(
        [planned_collector.build for planned_collector in planned if planned_collector.build]
    )
    for build in builds:
        platform_rules.check_abilities(build.platform, build.collector, list_volumes(build), bool(build.exposed_ports))
    conflicts.check_conflicts([conflicts.PortOwner(build.collector, build.needs.ports) for build in builds])
    manifests = conflicts.merge_manifests(_iter_manifests(builds))
    return RenderedBundle(planned, builds, manifests).as_dict()


def _iter_manifests(builds: Sequence[CollectorBuild]) -> Iterator[Manifest]:
    """Yield the manifests of all collectors. Raises Problem for what a backend cannot make."""
    for build in builds:
        with prefix_problems(f"collector '{build.collector.name}'"):
            manifests = BACKENDS[build.collector.backend].build_manifests(build)
        yield from manifests


def _find_recipe_folders(request: RenderRequest) -> Mapping[str, Any]:
    """Return the folders of the recipes that a request may use."""
    return _sources.find_files(request.recipe_paths, "recipes")
