# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of a config: recipes, then the user's config. Controller only; reads files. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..module_utils._core import recipes
from ..module_utils._core.backends.table import BACKENDS
from ..module_utils._core.collector.collector import Collector
from ..module_utils._core.config.layers import Layer, for_version
from ..module_utils._core.errors import Problem
from . import _sources, _target, _yaml

BASELINE = "baseline"


def of_recipes(
    collector: Collector, version: str, facts: Mapping[str, Any], folders: Mapping[str, Path]
) -> list[Layer]:
    """Return the layers of a collector's recipes from these folders, with the component names of this version."""
    used = recipes.uses(collector.recipes)
    if not used:
        return []
    if BASELINE not in (use.name for use in used):
        used.insert(0, recipes.RecipeUse(BASELINE, {}))
    for use in used:
        recipes.check_known(use, folders)
    described = {use.name: _sources.recipe(folders[use.name]) for use in used}
    recipes.check_requires(used, described)
    layers = []
    for use in used:
        recipes.check_mode(use, described[use.name], collector.mode)
        layer = _sources.fragment(use, folders[use.name], described[use.name], facts, _about(collector))
        layers.append(replace(layer, config=for_version(layer.config, version, _target.tables().renames)))
    return layers


def _about(collector: Collector) -> dict[str, Any]:
    """Return the facts about a collector that recipes can use."""
    memory = collector.memory
    return {
        "name": collector.name,
        "namespace": collector.namespace,
        "mode": collector.mode,
        "alone": collector.is_alone,
        "allocated": collector.is_allocated,
        "container": BACKENDS[collector.backend].container,
        "host": "localhost" if collector.mode == "sidecar" else "${env:MY_POD_IP}",
        "limit_mib": memory.limit_mib,
        "spike_limit_mib": memory.spike_limit_mib,
    }


def of_user(collector: Collector, written: Any) -> list[Layer]:
    """Return the user's config: files first, then the inventory's `written` config."""
    layers = []
    for path in collector.config_files:
        document = _sources.read_document(path)
        if not isinstance(document.data, dict):
            fix = "A collector config has sections such as receivers and service."
            raise Problem(f"{path} holds no mapping", fix=fix)
        layers.append(Layer(str(path), document.data, positions=document.positions, duplicates=document.duplicates))
    if written:
        layers.append(Layer("config", _yaml.plain(collector.config), positions=_yaml.positions(written)))
    return layers
