# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add an option of a savings report to a config: what a recipe renders, or a processor. Private.

A report proposes an option for what is worth dropping, such as recipe drop_noise or a processor `filter/debug`.
`_measured_savings.py` runs a Collector with the config that `add_option` returns, to see what the option drops. For
example, processor `filter/debug` for signal logs is added to the pipelines `logs` and `logs/audit` of the config.

`has_sampling` and `pipeline_names` tell what a report has to know of the config itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..module_utils._collector.recipes import RecipeUse
from ..module_utils._otelcol.catalogue.older_names import rename_for_version
from ..module_utils._otelcol.config.paths import list_at, mapping_at
from ..module_utils._otelcol.config.sorted_processors import processor_rank
from ..module_utils._otelcol.traits import PROCESSORS, Trait, traits_of
from ..module_utils._savings.added_processors import add_processors
from ..module_utils._savings.removal_options import ProcessorOption, RecipeOption, RemovalOption
from . import _recipe_metadata, _recipe_rendering, _role_files
from ._otelcol import _builds


def add_option(config: Mapping[str, Any], option: RemovalOption, version: str = "") -> dict[str, Any]:
    """Return a config with an option added. `version` is that of the Collector, which decides names of components."""
    added_config = rename_for_version(_build_added_config(option), version, _builds.load_catalogue())
    processors_by_pipeline = _match_pipelines(config, mapping_at(added_config, "service", "pipelines"))
    return add_processors(config, mapping_at(added_config, "processors"), processors_by_pipeline, processor_rank)


def _build_added_config(option: RemovalOption) -> Mapping[str, Any]:
    """Return what an option adds to a config, with patterns for the names of pipelines."""
    if isinstance(option, RecipeOption):
        return _render_recipe(option)
    if isinstance(option, ProcessorOption):
        return _build_processor_config(option)
    raise TypeError(f"no config is known for {option}")  # a third kind of option needs a branch here


def _render_recipe(option: RecipeOption) -> Mapping[str, Any]:
    """Return what a recipe renders with the options of the report.

    The recipes that drop data read no facts: what they render is the same on each platform. A template that reads one
    is an error.
    """
    folder = _role_files.find_recipes([])[option.recipe]
    recipe = _recipe_metadata.read_recipe(folder)
    use = RecipeUse(option.recipe, dict(option.options))
    return _recipe_rendering.render_fragment(use, folder, recipe, platform_facts={}, collector_facts={}).config


def _build_processor_config(option: ProcessorOption) -> Mapping[str, Any]:
    """Return a config with the processor, and with it in all pipelines of its signals."""
    pipelines: dict[str, Any] = {}
    for signal in option.signals:
        for pattern in (signal, f"{signal}/*"):
            pipelines[pattern] = {"processors": [option.processor]}
    return {"processors": {option.processor: dict(option.settings)}, "service": {"pipelines": pipelines}}


def _match_pipelines(config: Mapping[str, Any], added_pipelines: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the processors that each pipeline of a config gets.

    A key of `added_pipelines` may be a pattern: `logs/*` adds its processors to `logs/audit`.
    """
    processors_by_pipeline: dict[str, list[str]] = {}
    for pattern, pipeline in added_pipelines.items():
        for name in pipeline_names(config):
            if fnmatchcase(name, pattern):
                processors_by_pipeline.setdefault(name, []).extend(list_at(pipeline, "processors"))
    return processors_by_pipeline


def has_sampling(config: Mapping[str, Any]) -> bool:
    """Return whether a config keeps a part of the data on purpose."""
    return any(Trait.SAMPLES in traits_of(PROCESSORS, str(name)) for name in mapping_at(config, "processors"))


def pipeline_names(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the pipelines of a config."""
    return [str(name) for name in mapping_at(config, "service", "pipelines")]
