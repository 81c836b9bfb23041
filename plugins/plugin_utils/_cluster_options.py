# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve the collectors of a request for a cluster: from rows of options to `ResolvedCollector`. Private.

This is the first of the stages that `_render.py` draws, and `_render.py` calls it. For example, with the common option
`namespace: telemetry`, the row `{name: agent, mode: daemonset, version: "0.158.0"}` of `otel_collectors` is resolved to
a collector `agent` of that namespace. Its platform is `generic`, and its image
`ghcr.io/…/opentelemetry-collector-contrib:0.158.0`.

`_host_options.py` does the same for the collectors of a Linux host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ..module_utils._collector import platform as platform_rules
from ..module_utils._collector.backends import BACKENDS
from ..module_utils._collector.critical import critical_use
from ..module_utils._collector.options import OPERATORS_IMAGE, Collector, Distribution, choose_image, list_option_names
from ..module_utils._collector.platform import Platform
from ..module_utils._identity.carried_identity import add_identity
from ..module_utils._install.releases import lock_file
from ..module_utils._install.releases.lock_file import Pin
from ..module_utils._otelcol.errors import prefix_problems
from . import _arguments, _role_files, _role_options
from ._collector_build import find_collector_build
from ._otelcol import _builds, _images, _tables, _yaml
from ._render_request import RenderRequest
from ._resolved_collector import ResolvedCollector
from ._runtimes import KubernetesRuntime
from ._written_options import read_written_options

_PREFIX = "otel_collector_"


class _OptionSources(NamedTuple):
    """Where the options of one collector come from."""

    collector_item: Mapping[str, Any]
    """Its item of the list of collectors; empty without a list."""
    common_options: Mapping[str, Any]
    """The common options, as plain values: they are quick to copy. Recipes keep the lines in which they stand."""
    own_options: Mapping[str, Any]
    """The options that are for this collector alone: its item, or without a list the common options."""


def resolve_cluster_collectors(request: RenderRequest) -> list[ResolvedCollector]:
    """Return the collectors with what their options decide. Raises Problem for options that cannot be used."""
    platforms = _role_files.find_platforms(request.platform_paths)
    resolved_collectors: list[ResolvedCollector] = []
    for sources in _list_option_sources(request):
        options = _read_options(sources)
        with prefix_problems(f"collector '{options['name']}'"):
            resolved_collectors.append(_resolve_collector(options, sources, platforms, request))
    _check_scraped_once(resolved_collectors)
    return resolved_collectors


def _list_option_sources(request: RenderRequest) -> list[_OptionSources]:
    """Return where the options of each collector come from. Without a list, there is one collector."""
    common_options = {**_yaml.strip_ansible_types(request.defaults), "recipes": request.defaults.get("recipes")}
    if not request.collectors:
        return [_OptionSources({}, common_options, own_options=request.defaults)]
    return [_OptionSources(item, common_options, own_options=item) for item in request.collectors]


def _read_options(sources: _OptionSources) -> dict[str, Any]:
    """Return a collector's options in the types of the role's argument_specs.yml.

    Common options fill in what its item lacks. A null of the item hides the common option too, so that the default of
    the role holds for this collector.
    """
    values = dict(sources.collector_item)  # a copy with the same keys: Ansible notes on keys where they stand
    for key, value in sources.common_options.items():
        values.setdefault(key, value)
    name = _arguments.describe_name(values)
    given_options = {key: value for key, value in values.items() if value is not None}
    return _arguments.validate_values(given_options, _documented_options(), f"collector '{name}'")


@cache
def _documented_options() -> _arguments.DocumentedOptions:
    """Return the options of a collector of a cluster, as role otel_collector documents them."""
    return _arguments.DocumentedOptions(_role_options.read_role_options(_PREFIX, list_option_names()))


def _resolve_collector(
    options: Mapping[str, Any], sources: _OptionSources, platforms: Mapping[str, Path], request: RenderRequest
) -> ResolvedCollector:
    """Return one collector. Raises Problem for what its backend, its platform or the catalogue does not have."""
    platform_facts = _role_files.read_platform(options["platform"], platforms)
    options = _pin_images(_fill_in_version(options), request.pin)
    platform = Platform.from_facts(options["platform"], platform_facts)
    collector = _build_collector(options, platform, platform_facts, request)
    BACKENDS[collector.backend].check_collector(collector)
    found_build = find_collector_build(collector)
    distribution = _find_distribution(collector)
    takes_user_of_image = platform_facts["run_as_user"] == "image"
    return ResolvedCollector(
        collector=collector,
        written_options=read_written_options(sources.collector_item, request.defaults),
        # Storage that is common to all collectors is for those that keep state.
        asks_for_storage=bool(sources.own_options.get("storage")),
        runtime=KubernetesRuntime(),
        platform=platform,
        platform_facts=platform_facts,
        has_identity=request.has_identity,
        target=found_build.target,
        version=found_build.version,
        image=choose_image(collector, distribution, request.pin),
        run_as_user=distribution.user if takes_user_of_image else platform_facts["run_as_user"],
    )


def _fill_in_version(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options that have a version: the given one, else that of the image's tag, else the tested one."""
    tested_version = _tables.catalogue("distributions")[options["distribution"]]["version"]
    tagged_version = _builds.version_in_tag(options["image"], options["distribution"])
    return {**options, "version": options["version"] or tagged_version or tested_version}


def _pin_images(options: Mapping[str, Any], pin: Pin) -> dict[str, Any]:
    """Return options whose images have the digests of the lock file; the operator's own image is not in it."""
    is_of_operator = options["image"] == OPERATORS_IMAGE
    image_options = ("target_allocator",) if is_of_operator else ("image", "target_allocator")
    return lock_file.pin_options(options, image_options, pin)


def _build_collector(
    options: Mapping[str, Any], platform: Platform, platform_facts: Mapping[str, Any], request: RenderRequest
) -> Collector:
    """Return the collector of these options.

    The platform may change options. The identity adds annotations to its ServiceAccount. The value `detect` of recipe
    critical_components becomes the components that the cluster has.
    """
    collector = Collector.from_options(platform_rules.decide_options(options, platform))
    collector = add_identity(collector, request.identity_annotations)
    recipes = critical_use.replace_detect(
        collector.recipes, request.critical_components, platform_facts, collector.runs_one_pod
    )
    return replace(collector, recipes=recipes)


def _find_distribution(collector: Collector) -> Distribution:
    """Return where the image of a collector's distribution is, and the user that it runs as."""
    distribution_row = _tables.catalogue("distributions")[collector.distribution]
    repository = _images.image_repository(collector.distribution, collector.version)
    return Distribution(collector.distribution, repository, distribution_row["user"])


def _check_scraped_once(resolved_collectors: Iterable[ResolvedCollector]) -> None:
    """Raise Problem if two collectors would scrape the same critical components."""
    critical_use.check_scraped_once(
        critical_use.ScrapingCollector(resolved.collector.name, resolved.collector.nodes, resolved.collector.recipes)
        for resolved in resolved_collectors
    )
