# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs with an option that a report of savings proposes: what a recipe renders, or a processor. Private.

`_measured_savings.py` runs a Collector with such a config, to see what the option drops.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..module_utils._collector.recipes import RecipeUse
from ..module_utils._otelcol.config.layers import rename_for_version
from ..module_utils._otelcol.config.paths import list_at, mapping_at
from ..module_utils._otelcol.config.sorted_processors import processor_rank
from ..module_utils._otelcol.traits import PROCESSORS, Trait, traits_of
from ..module_utils._savings.added_processors import add_processors
from ..module_utils._savings.proposals import RemovalOption
from . import _sources
from ._otelcol import _builds


def add_option(config: Mapping[str, Any], option: RemovalOption, version: str = "") -> dict[str, Any]:
    """Return a config with an option added. `version` is that of the Collector, which decides names of components."""
    added_config = _build_fragment(option, version)
    pipelines: dict[str, list[str]] = {}
    for key, pipeline in mapping_at(added_config, "service", "pipelines").items():
        for name in pipeline_names(config):
            if fnmatchcase(name, key):
                pipelines[name] = [*pipelines.get(name, []), *list_at(pipeline, "processors")]
    return add_processors(config, mapping_at(added_config, "processors"), pipelines, processor_rank)


def _build_fragment(option: RemovalOption, version: str) -> Mapping[str, Any]:
    """Return what an option adds to a config. That of a recipe is what the recipe renders."""
    if option.recipe:
        folder = _sources.find_files([], "recipes")[option.recipe]
        use = RecipeUse(option.recipe, dict(option.options))
        added_config = _sources.render_fragment(
            use, folder, _sources.read_recipe(folder), {}, {"mode": "deployment"}
        ).config
    else:
        pipelines = {
            f"{signal}{ending}": {"processors": [option.processor]}
            for signal in option.signals
            for ending in ("", "/*")
        }
        added_config = {"processors": {option.processor: dict(option.settings)}, "service": {"pipelines": pipelines}}
    return rename_for_version(added_config, version, _builds.load_catalogue().renames)


def has_sampling(config: Mapping[str, Any]) -> bool:
    """Return whether a config keeps a part of the data on purpose."""
    return any(Trait.SAMPLES in traits_of(PROCESSORS, str(name)) for name in mapping_at(config, "processors"))


def pipeline_names(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the pipelines of a config."""
    return [str(name) for name in mapping_at(config, "service", "pipelines")]
