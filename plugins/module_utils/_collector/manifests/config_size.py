# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a config fits into a ConfigMap. Private.

Example of what the message names: `processors.transform (about 900 KiB), receivers.prometheus (about 140 KiB)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..._otelcol.errors import Problem

# What a ConfigMap may hold. Source: MaxSecretSize in Kubernetes' pkg/apis/core/types.go, which ConfigMaps share.
MAX_CONFIG_BYTES = 2**20
_BYTES_PER_KIB = 1024
# So many of the largest parts are named.
_SHOWN_PARTS = 3


def check_config_size(name: str, config: Mapping[str, Any], config_text: str) -> None:
    """Raise Problem for the config of a collector that no ConfigMap can hold. Both backends put it into one."""
    # A text of a config may have a lone surrogate, whose bytes strict UTF-8 would refuse to count.
    size = len(config_text.encode("utf-8", "surrogatepass"))
    if size <= MAX_CONFIG_BYTES:
        return
    size_in_kib, max_kib = math.ceil(size / _BYTES_PER_KIB), MAX_CONFIG_BYTES // _BYTES_PER_KIB
    sizes = _measure_components(config)
    largest_parts = sorted(sizes, key=lambda part: -sizes[part])[:_SHOWN_PARTS]
    raise Problem(
        f"the config has {size_in_kib} KiB, and a ConfigMap holds {max_kib} KiB",
        asked=f"Render collector '{name}'",
        where=f"the largest parts are {', '.join(f'{part} (about {sizes[part]} KiB)' for part in largest_parts)}",
        fix="Split the collector, or mount large parts as files with `volumes` and name them as `${file:PATH}`.",
    )


def _measure_components(config: Mapping[str, Any]) -> dict[str, int]:
    """Return about how many KiB each component has, by its place, such as `processors.transform`.

    The text of Python is about as long as that of YAML, and is enough to see which components are the largest.
    """
    sizes: dict[str, int] = {}
    for section, components in config.items():
        if isinstance(components, dict):
            for component, settings in components.items():
                sizes[f"{section}.{component}"] = len(str(settings)) // _BYTES_PER_KIB
    return sizes
