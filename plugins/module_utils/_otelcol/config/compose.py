# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose one collector config out of layers: recipes that must agree, then the user's own, which wins. Private.

A layer is one source of config (layers.py): a recipe of this collection, or a file or variable of the user. The role
that deploys collectors composes their configs. merged_recipes.py merges the recipes. On top of their config, the user's
layers are merged deeply: `null` deletes what an earlier layer set, a list replaces, and `key+` appends to a list. With

    processors: {batch: {timeout: 5s}}                                   # of a recipe
    service: {pipelines: {traces: {processors: [batch]}}}

the layer

    processors: {batch: null, filter: {…}}                               # of the user
    service: {pipelines: {traces: {processors+: [filter], receivers: [otlp]}}}

makes

    processors: {filter: {…}}
    service: {pipelines: {traces: {receivers: [otlp], processors: [filter, batch]}}}
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Problem
from .joined_lists import join_without_repeats
from .layers import APPEND_SIGN, ComposedConfig, Layer
from .merged_recipes import merge_recipes
from .paths import ROLES, SECTIONS, Path, format_path
from .sorted_processors import processor_rank


def compose(layers: Sequence[Layer]) -> ComposedConfig:
    """Merge the layers into one config. No input is changed.

    Raises Problem when two recipes disagree, or one applies to a pipeline that nobody declares.
    """
    user_layers = [layer for layer in layers if not layer.recipe]
    merged_config = merge_recipes([layer for layer in layers if layer.recipe], user_layers)
    for layer in user_layers:
        merged_config = _merge_overlay(merged_config, layer.config, ())
    return ComposedConfig(config=_sort_config(merged_config), layers=tuple(layers))


def _merge_overlay(base: Any, overlay: Any, path: Path) -> Any:
    """Return base with a user layer on top of it. `path` is that of both in the config."""
    if not isinstance(overlay, dict):
        return copy.deepcopy(overlay)
    merged = dict(base) if isinstance(base, dict) else {}
    for key, value in overlay.items():
        if isinstance(key, str) and key.endswith(APPEND_SIGN):
            plain_key = key[: -len(APPEND_SIGN)]
            merged[plain_key] = _append_to_list(merged.get(plain_key), value, (*path, plain_key))
        elif _deletes_entry(value, key, merged, path):
            del merged[key]
        else:
            merged[key] = _merge_overlay(merged.get(key), value, (*path, key))
    return merged


def _deletes_entry(value: Any, key: Any, merged: Mapping[Any, Any], path: Path) -> bool:
    """Whether the value of a key in a user layer deletes what earlier layers have set. `path` is that of the mapping.

    Only `null` does. Where no earlier layer has the key, `null` is a value: `exporters: {debug: null}` is an exporter
    without settings. A whole section is not deleted: `exporters: null` is an empty section for the Collector.
    """
    is_section = not path
    return value is None and key in merged and not is_section


def _append_to_list(base: Any, added_values: Any, path: Path) -> list[Any]:
    """Return a list with more at its end. Raises Problem if one of them is no list."""
    base_values = [] if base is None else base
    if not isinstance(base_values, list) or not isinstance(added_values, list):
        wrong = f"'{format_path(path)}{APPEND_SIGN}' appends to a list, but one side is not a list"
        raise Problem(wrong, fix="Give a list on both sides.")
    joined_values = join_without_repeats(base_values, added_values)
    if path[:2] == ("service", "pipelines") and path[-1] == "processors":
        joined_values.sort(key=processor_rank)
    return joined_values


def _sort_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config in its usual order; unknown keys stay at the end."""
    ordered = _move_keys_first(config, (*SECTIONS, "service"))
    service = ordered.get("service")
    if isinstance(service, dict) and isinstance(service.get("pipelines"), dict):
        pipelines = {}
        for name, pipeline in service["pipelines"].items():
            pipelines[name] = _move_keys_first(pipeline, tuple(ROLES)) if isinstance(pipeline, dict) else pipeline
        ordered["service"] = _move_keys_first(
            {**service, "pipelines": pipelines}, ("extensions", "telemetry", "pipelines")
        )
    return ordered


def _move_keys_first(mapping: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return a mapping in which these keys, if it has them, stand before all others."""
    leading_items = {key: mapping[key] for key in keys if key in mapping}
    return {**leading_items, **mapping}  # a key that is there already stays in its place
