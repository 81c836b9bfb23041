# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of a config that the user writes: options, files, and the config in the inventory. Private.

A config is composed of layers. A later layer changes what an earlier one has, and null in it removes a key. Those of
recipes come first (`_recipe_layers.py`). For example, `log_level: debug` becomes the layer `option log_level` with
`{service: {telemetry: {logs: {level: debug}}}}`, and each of `config_files` becomes a layer with the name of the file.
`_configured_collectors.py` calls this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils._collector.options import Collector
from ..module_utils._otelcol.config.layers import ComposedConfig, Layer
from ..module_utils._otelcol.config.paths import mapping_at
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.yaml.key_delimiter import spread_document
from . import _origins
from ._otelcol import _documents, _overlays, _yaml

# The Collector's own default, which a config need not have.
_DEFAULT_LOG_LEVEL = "info"
# How the names of layers begin that options make.
_OPTION_PREFIX = "option "
# What recipes write, and the Collector prefers to a percentage.
_MIB_KEYS = ("limit_mib", "spike_limit_mib")


def build_user_layers(collector: Collector, inventory_config: Any) -> list[Layer]:
    """Return the layers of the user: the log level first, then the files, then the config in the inventory.

    `inventory_config` is that config as it is written there, whose texts know their places. `collector.config` is the
    same without places.
    """
    return [
        *_iter_option_layers(collector),
        *map(_read_layer, collector.config_files),
        *_iter_inline_layer(collector, inventory_config),
    ]


def _iter_option_layers(collector: Collector) -> Iterator[Layer]:
    """Yield a layer for the option `log_level`, unless it is what the Collector does anyway."""
    if collector.log_level != _DEFAULT_LOG_LEVEL:
        logs = {"level": collector.log_level}
        yield Layer(f"{_OPTION_PREFIX}log_level", {"service": {"telemetry": {"logs": logs}}})


def _read_layer(path: Path | str) -> Layer:
    """Return the config in a file. Raises Problem for a file that holds none."""
    document = spread_document(_documents.read_document(path))
    if not isinstance(document.data, dict):
        raise Problem(f"{path} holds no mapping", fix="A collector config has sections such as receivers and service.")
    return Layer(str(path), document.data, positions=document.positions, duplicates=document.duplicates)


def _iter_inline_layer(collector: Collector, inventory_config: Any) -> Iterator[Layer]:
    """Yield the config in the inventory, with its places; nothing if there is none."""
    if inventory_config:
        yield Layer(
            _overlays.INLINE_LAYER,
            _yaml.strip_ansible_types(collector.config),
            positions=_origins.collect_positions(inventory_config),
        )


def list_mib_removal_layers(user_layers: Sequence[Layer]) -> list[Layer]:
    """Return the layer that removes the MiB of recipes from memory_limiter; nothing if the user gives no percentage.

    The Collector would ignore the percentage beside MiB. The result is to stand between the layers of recipes and those
    of the user. For example, if a layer of the user has `limit_percentage: 75`, the result is a layer with
    `{processors: {memory_limiter: {limit_mib: null, spike_limit_mib: null}}}`. It leaves out a key that the user names.
    """
    limiter_settings: dict[str, Any] = {}
    for layer in user_layers:
        # A later layer decides. Its null takes a value away that an earlier one gave.
        limiter_settings.update(mapping_at(layer.config, "processors", "memory_limiter"))
    has_percentage = limiter_settings.get("limit_percentage") is not None
    has_mib = limiter_settings.get("limit_mib") is not None
    if has_mib or not has_percentage:
        return []
    removed_keys = {key: None for key in _MIB_KEYS if key not in limiter_settings}
    return [Layer(f"{_OPTION_PREFIX}memory_percent", {"processors": {"memory_limiter": removed_keys}})]


def check_overlays(composed: ComposedConfig, option: Mapping[str, Any]) -> None:
    """Raise Problem if the user's layers after the baseline touch what the option `overlay_policy` does not allow.

    The baseline is recipes, options and the files that the policy lists, wherever they stand among the layers.
    """
    _overlays.check_layers([layer for layer in composed.layers if not layer.recipe and not _is_option(layer)], option)


def _is_option(layer: Layer) -> bool:
    """Whether an option made a layer. Its name alone does not tell, since a file may have it; but a file has places."""
    return layer.name.startswith(_OPTION_PREFIX) and not layer.positions
