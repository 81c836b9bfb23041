# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of a request for clusters, as their options decide them. Private.

A draft is a collector whose options are read and checked, and that has no config yet (see `_drafted.py`). `_render.py`
composes the configs. The twin of this file for Linux hosts is `_host_drafts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ..module_utils._collector import platform as platform_rules
from ..module_utils._collector.backends import BACKENDS
from ..module_utils._collector.critical import critical_use
from ..module_utils._collector.options import OPERATORS_IMAGE, Collector, Distribution, choose_image, list_option_names
from ..module_utils._collector.platform import Platform
from ..module_utils._identity.identity import add_identity
from ..module_utils._install.releases import lock_file
from ..module_utils._install.releases.lock_file import Pin
from ..module_utils._otelcol.errors import prefix_problems
from . import _arguments, _sources
from ._collector_build import find_build_and_version
from ._drafted import DraftedCollector, WrittenOptions, read_written_options
from ._otelcol import _builds, _images, _tables, _yaml
from ._render_request import RenderRequest

_PREFIX = "otel_collector_"


def draft_collectors(request: RenderRequest) -> list[DraftedCollector]:
    """Return the collectors with what their options decide. Raises Problem for options that cannot be used."""
    platforms = _sources.find_files(request.platform_paths, "platforms")
    # Plain values are quick to copy for each collector. Places are read from what is written alone.
    common_options = {**_yaml.strip_ansible_types(request.defaults), "recipes": request.defaults.get("recipes")}
    drafts: list[DraftedCollector] = []
    for collector_item in request.collectors or [{}]:
        options = _read_options(collector_item, common_options)
        written = read_written_options(collector_item, request.defaults)
        # Storage that is common to all collectors is for those that keep state.
        item_with_storage = collector_item if request.collectors else request.defaults
        with prefix_problems(f"collector '{options['name']}'"):
            draft = _draft_collector(options, written, platforms, request)
        drafts.append(replace(draft, asks_for_storage=bool(item_with_storage.get("storage"))))
    critical_use.check_scraped_once(
        critical_use.Scraping(draft.collector.name, draft.collector.nodes, draft.collector.recipes) for draft in drafts
    )
    return drafts


def _read_options(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a collector's options in their types; the role's argument_specs.yml is the one place that has those."""
    values = dict(collector_item)  # its keys stay, which know their places
    for key, value in common_options.items():
        values.setdefault(key, value)
    name = _arguments.describe_name(values)
    given_options = {key: value for key, value in values.items() if value is not None}
    return _arguments.validate_values(given_options, _documented_options(), f"collector '{name}'")


@cache
def _documented_options() -> _arguments.DocumentedOptions:
    return _arguments.DocumentedOptions(_sources.read_role_options(_PREFIX, list_option_names()))


def _draft_collector(
    options: Mapping[str, Any], written: WrittenOptions, platforms: Mapping[str, Path], request: RenderRequest
) -> DraftedCollector:
    """Return the draft of a collector. Raises Problem for what the backend, the platform or the catalogue lacks."""
    platform_facts = _sources.read_platform(options["platform"], platforms)
    options = _pin_images(_fill_in_version(options), request.pin)
    platform = Platform.from_facts(options["platform"], platform_facts)
    collector = _settle_collector(options, platform, platform_facts, request)
    BACKENDS[collector.backend].check_collector(collector)
    target, version = find_build_and_version(collector)
    distribution = _find_distribution(collector)
    return DraftedCollector(
        collector=collector,
        written_options=written,
        platform=platform,
        platform_facts=platform_facts,
        version=version,
        target=target,
        image=choose_image(collector, distribution, request.pin),
        run_as_user=distribution.user if platform_facts["run_as_user"] == "image" else platform_facts["run_as_user"],
        has_identity=request.has_identity,
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


def _settle_collector(
    options: Mapping[str, Any], platform: Platform, platform_facts: Mapping[str, Any], request: RenderRequest
) -> Collector:
    """Return the collector of these options, with what its platform, its identity and its cluster decide."""
    collector = Collector.from_options(platform_rules.settle_options(options, platform))
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
