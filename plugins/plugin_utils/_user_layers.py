# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of a config that the user writes: options, files, and the config in the inventory. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils._collector.options import Collector
from ..module_utils._otelcol.config.layers import Composed, Layer
from ..module_utils._otelcol.config.paths import section
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.yaml.key_delimiter import spread_document
from . import _origins
from ._otelcol import _documents, _overlays, _yaml

# The Collector's own default, which a config need not have.
_LOG_LEVEL = "info"
# How the names of layers begin that options make.
_OPTION = "option "
# What recipes write, and the Collector prefers to a percentage.
_MIB_KEYS = ("limit_mib", "spike_limit_mib")


def user_layers(collector: Collector, written: Any) -> list[Layer]:
    """Return the user's config: the log level first, then files, then the inventory's `written` config."""
    return [*_layers_of_options(collector), *map(_layer_of_file, collector.config_files), *_inline(collector, written)]


def _layers_of_options(collector: Collector) -> Iterator[Layer]:
    if collector.log_level != _LOG_LEVEL:
        logs = {"level": collector.log_level}
        yield Layer(f"{_OPTION}log_level", {"service": {"telemetry": {"logs": logs}}})


def _layer_of_file(path: Path | str) -> Layer:
    """Return the config in a file. Raises Problem for a file that holds none."""
    document = spread_document(_documents.read_document(path))
    if not isinstance(document.data, dict):
        raise Problem(f"{path} holds no mapping", fix="A collector config has sections such as receivers and service.")
    return Layer(str(path), document.data, positions=document.positions, duplicates=document.duplicates)


def _inline(collector: Collector, written: Any) -> Iterator[Layer]:
    """Yield the config in the inventory, with its places; nothing if there is none."""
    if written:
        yield Layer(_overlays.INLINE, _yaml.plain(collector.config), positions=_origins.positions(written))


def without_mib_of_recipes(layers: Sequence[Layer]) -> list[Layer]:
    """Return a layer that takes the MiB of recipes away where the user gives a percentage: the Collector ignores it.

    `layers` are those of the user.
    """
    named: set[str] = set()
    with_value: set[str] = set()
    for layer in layers:
        for key, value in section(layer.config, "processors", "memory_limiter").items():
            named.add(key)
            if value is not None:
                with_value.add(key)
    if "limit_percentage" not in with_value or "limit_mib" in with_value:
        return []
    removed = {key: None for key in _MIB_KEYS if key not in named}
    return [Layer(f"{_OPTION}memory_percent", {"processors": {"memory_limiter": removed}})]


def check_overlays(composed: Composed, option: Mapping[str, Any]) -> None:
    """Raise Problem if the user's layers after the baseline touch what the option `overlay_policy` does not allow.

    The baseline is recipes, options and the files that the policy lists, wherever they stand among the layers.
    """
    _overlays.check_layers([layer for layer in composed.layers if not layer.recipe and not _is_option(layer)], option)


def _is_option(layer: Layer) -> bool:
    """Whether an option made a layer. A file may have any name, and has places."""
    return layer.name.startswith(_OPTION) and not layer.positions
