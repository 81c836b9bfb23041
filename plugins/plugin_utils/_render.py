# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the collectors of a cluster: from options to configs and manifests. Controller only; contacts no cluster.

A collector goes through four stages. Each has a type of its own, with all that is known by then:

    stage       type                 what is known now                              made by
    resolved    ResolvedCollector    its options, platform, version and build       _cluster_options, _host_options
    configured  ConfiguredCollector  its config                                     _configured_collectors
    linked      LinkedCollector      who sends to it, and who gets its data         _linked_collectors
    judged      JudgedCollector      what is deployed, and what the rules find      _judged_collectors

For example, the collector `{name: agent, recipes: [otlp_ingest, {otlp_forward: {endpoint: "gateway:4317"}}]}`:

    resolved    is a Deployment on platform generic, with version 0.158.0 of distribution contrib
    configured  has receiver `otlp` and exporter `otlp_grpc/gateway`
    linked      sends by `otlp_grpc/gateway` to collector `gateway` of the same namespace
    judged      listens on the ports 4317 and 4318, and no rule finds anything

`build_bundle` then makes the manifests of all collectors. `_host_render.py` has the same stages for Linux hosts. The
other meaning of "build" here, `TargetBuild`, is the program of the Collector with its components. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..module_utils._collector import conflicts
from ..module_utils._collector import platform as platform_rules
from ..module_utils._collector.backends import BACKENDS
from ..module_utils._collector.manifests import service_account
from ..module_utils._collector.manifests.build import CollectorBuild
from ..module_utils._collector.manifests.pod_volumes import list_volumes
from ..module_utils._host import connection_checks
from ..module_utils._otelcol.errors import Problem, prefix_problems
from ..module_utils._otelcol.kube.objects import Manifest
from . import _role_files
from ._cluster_options import resolve_cluster_collectors
from ._configured_collectors import ConfiguredCollector, check_overlays, configure_collectors
from ._inventory_hosts import ClusterConfig
from ._judged_collectors import JudgedCollector, judge_collectors, refuse_malformed
from ._linked_collectors import link_collectors, link_to_inventory
from ._recipe_facts import GroupResolver, refuse_groups
from ._render_request import RenderRequest
from ._rendered_bundle import RenderedBundle


def judge_request(request: RenderRequest) -> list[JudgedCollector]:
    """Return the collectors of a request after all stages. Raises Problem for input that names no collector."""
    if not request.names_any:
        fix = "Set `otel_collectors`, or `otel_collector_recipes` or `otel_collector_config` for a single collector."
        raise Problem("the inventory names no collector for this host", fix=fix)
    groups = request.groups
    configured = _configure_request(request, groups.resolve_for_recipe if groups else refuse_groups)
    check_overlays(configured, request.overlay_policy)
    linked = link_collectors(configured)
    if groups:
        linked = link_to_inventory(linked, groups, connection_checks.CLUSTER_TLS_FIXES)
    return judge_collectors(linked, request.rule_paths)


def list_cluster_configs(request: RenderRequest, resolve_group: GroupResolver) -> list[ClusterConfig]:
    """Return the collectors of a request and their configs, which no rule has judged.

    `_inventory_groups.py` asks for those of other clusters of the inventory.
    """
    configured_collectors = _configure_request(request, resolve_group)
    return [ClusterConfig(configured.collector, configured.config) for configured in configured_collectors]


def _configure_request(request: RenderRequest, resolve_group: GroupResolver) -> list[ConfiguredCollector]:
    """Return the collectors of a request after the first two stages."""
    recipes = _role_files.find_recipes(request.recipe_paths)
    return configure_collectors(resolve_cluster_collectors(request), recipes, resolve_group)


def build_bundle(collectors: Sequence[JudgedCollector]) -> dict[str, Any]:
    """Return all manifests, and what later tasks need to know of each collector.

    Raises Problem for a malformed config, for a collector that its platform cannot run, and for two that clash.
    """
    refuse_malformed(collectors)
    builds = service_account.assign_account_owners([judged.build for judged in collectors if judged.build])
    for build in builds:
        platform_rules.check_abilities(build.platform, build.collector, list_volumes(build), bool(build.exposed_ports))
    conflicts.check_conflicts([conflicts.PortOwner(build.collector, build.needs.ports) for build in builds])
    manifests = conflicts.merge_manifests(_iter_manifests(builds))
    return RenderedBundle(collectors, builds, manifests).as_dict()


def _iter_manifests(builds: Sequence[CollectorBuild]) -> Iterator[Manifest]:
    """Yield the manifests of all collectors. Raises Problem for what a backend cannot make."""
    for build in builds:
        with prefix_problems(f"collector '{build.collector.name}'"):
            manifests = BACKENDS[build.collector.backend].build_manifests(build)
        yield from manifests
