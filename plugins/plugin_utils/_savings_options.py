# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs with an option that a report of savings proposes: what a recipe renders, or a processor. Private."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..module_utils._collector.recipes import RecipeUse
from ..module_utils._otelcol.config.compose import processor_rank
from ..module_utils._otelcol.config.layers import for_version
from ..module_utils._otelcol.config.paths import items, section
from ..module_utils._otelcol.traits import PROCESSORS, Trait, traits_of
from ..module_utils._savings.added_processors import with_processors
from ..module_utils._savings.proposals import Option
from . import _sources
from ._otelcol import _builds


def with_option(config: Mapping[str, Any], option: Option, version: str = "") -> dict[str, Any]:
    """Return a config with an option. `version` is that of the Collector, whose names of components it has."""
    added = _fragment(option, version)
    pipelines: dict[str, list[str]] = {}
    for key, pipeline in section(added, "service", "pipelines").items():
        for name in pipelines_of(config):
            if fnmatchcase(name, key):
                pipelines[name] = [*pipelines.get(name, []), *items(pipeline, "processors")]
    return with_processors(config, section(added, "processors"), pipelines, processor_rank)


def _fragment(option: Option, version: str) -> Mapping[str, Any]:
    """Return what an option adds to a config. That of a recipe is what the recipe renders."""
    if option.recipe:
        folder = _sources.find([], "recipes")[option.recipe]
        use = RecipeUse(option.recipe, dict(option.options))
        added = _sources.fragment(use, folder, _sources.recipe(folder), {}, {"mode": "deployment"}).config
    else:
        into = {f"{signal}{end}": {"processors": [option.processor]} for signal in option.signals for end in ("", "/*")}
        added = {"processors": {option.processor: dict(option.settings)}, "service": {"pipelines": into}}
    return for_version(added, version, _builds.tables().renames)


def samples(config: Mapping[str, Any]) -> bool:
    """Return whether a config keeps a part of the data on purpose."""
    return any(Trait.SAMPLES in traits_of(PROCESSORS, str(name)) for name in section(config, "processors"))


def pipelines_of(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the pipelines of a config."""
    return [str(name) for name in section(config, "service", "pipelines")]
