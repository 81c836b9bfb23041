# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of a request for clusters, as their options decide them. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ..module_utils._collector import platform as platform_rules
from ..module_utils._collector.backends import BACKENDS
from ..module_utils._collector.critical import critical_use
from ..module_utils._collector.options import OPERATORS_IMAGE, Collector, Distribution, image_of, option_names
from ..module_utils._collector.platform import Platform
from ..module_utils._identity.identity import with_identity
from ..module_utils._install.releases import lock_file
from ..module_utils._install.releases.lock_file import Pin
from ..module_utils._otelcol.errors import about
from . import _arguments, _sources
from ._collector_build import build_and_version
from ._drafted import DraftedCollector, Written, written_for
from ._otelcol import _builds, _tables, _yaml
from ._render_request import Request

_PREFIX = "otel_collector_"


def drafted_collectors(request: Request) -> list[DraftedCollector]:
    """Return the collectors with what their options decide. Raises Problem for options that cannot be used."""
    platforms = _sources.find(request.platform_paths, "platforms")
    # Plain values are quick to copy for each collector. Places are read from what is written alone.
    common = {**_yaml.plain(request.defaults), "recipes": request.defaults.get("recipes")}
    drafts: list[DraftedCollector] = []
    for item in request.collectors or [{}]:
        options = _options_of(item, common)
        written = written_for(item, request.defaults)
        # Storage that is common to all collectors is for those that keep state.
        own = item if request.collectors else request.defaults
        with about(f"collector '{options['name']}'"):
            draft = _drafted(options, written, platforms, request)
        drafts.append(replace(draft, asks_for_storage=bool(own.get("storage"))))
    critical_use.check_once(
        critical_use.Scraping(draft.collector.name, draft.collector.nodes, draft.collector.recipes) for draft in drafts
    )
    return drafts


def _options_of(item: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """Return a collector's options in their types; the role's argument_specs.yml is the one place that has those."""
    values = dict(item)  # its keys stay, which know their places
    for key, value in common.items():
        values.setdefault(key, value)
    name = _arguments.named(values)
    given = {key: value for key, value in values.items() if value is not None}
    return _arguments.checked(given, _specification(), f"collector '{name}'")


@cache
def _specification() -> _arguments.Options:
    return _arguments.Options(_sources.role_options(_PREFIX, option_names()))


def _drafted(
    options: Mapping[str, Any], written: Written, platforms: Mapping[str, Path], request: Request
) -> DraftedCollector:
    """Return what the options decide. Raises Problem for what the backend, the platform or the catalogue lacks."""
    facts = _sources.platform(options["platform"], platforms)
    options = _pinned(_with_version(options), request.pin)
    platform = Platform.from_facts(options["platform"], facts)
    collector = _settled(options, platform, facts, request)
    BACKENDS[collector.backend].check(collector)
    target, version = build_and_version(collector)
    distribution = _distribution_of(collector)
    return DraftedCollector(
        collector=collector,
        written=written,
        platform=platform,
        facts=facts,
        version=version,
        target=target,
        image=image_of(collector, distribution, request.pin),
        user=distribution.user if facts["run_as_user"] == "image" else facts["run_as_user"],
        has_identity=request.has_identity,
    )


def _with_version(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options that have a version: the given one, else that of the image's tag, else the tested one."""
    tested = _tables.catalogue("distributions")[options["distribution"]]["version"]
    tagged = _builds.tagged_version(options["image"], options["distribution"])
    return {**options, "version": options["version"] or tagged or tested}


def _pinned(options: Mapping[str, Any], pin: Pin) -> dict[str, Any]:
    """Return options whose images have the digests of the lock file; the operator's own image is not in it."""
    is_of_operator = options["image"] == OPERATORS_IMAGE
    images = ("target_allocator",) if is_of_operator else ("image", "target_allocator")
    return lock_file.with_pins(options, images, pin)


def _settled(options: Mapping[str, Any], platform: Platform, facts: Mapping[str, Any], request: Request) -> Collector:
    """Return the collector of options, with what its platform, its identity and its cluster settle."""
    collector = Collector.from_options(platform_rules.settled(options, platform))
    collector = with_identity(collector, request.identity_annotations)
    recipes = critical_use.settled(collector.recipes, request.critical_components, facts, collector.is_alone)
    return replace(collector, recipes=recipes)


def _distribution_of(collector: Collector) -> Distribution:
    """Return where the image of a collector's distribution is, and the user that it runs as."""
    row = _tables.catalogue("distributions")[collector.distribution]
    repository = _builds.repository(collector.distribution, collector.version)
    return Distribution(collector.distribution, repository, row["user"])
