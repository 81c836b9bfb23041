# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many items a new sampler must get before it may be said to pass none. Private."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from ..._config.paths import amount, at, items, section

# Fewer items say nothing. A sampler may drop the spans of a whole trace, so more must be due.
LEAST, SOME_TRACE = 20, 1000
_SAMPLED = 100
# A policy such as `status_code` may wait for ever for a trace that it passes.
_NEVER = 10**18
# Policies of tail_sampling that pass some traces whatever is in them. Source: the README of the processor.
_DRAWING = ("always_sample", "probabilistic", "rate_limiting", "bytes_limiting")


def needed(kind: str, settings: Mapping[str, Any]) -> int:
    """Return after how many items of a new processor silence says something."""
    if kind == "probabilisticsampler":
        return _drawn(settings)
    if kind != "tailsampling":
        return LEAST
    found = [one for one in items(settings, "policies") if at(one, ("type",)) in _DRAWING]
    return min((max(SOME_TRACE, _drawn(section(one, "probabilistic"))) for one in found), default=_NEVER)


def _drawn(settings: Mapping[str, Any]) -> int:
    percentage = amount(str(settings.get("sampling_percentage") or 0))
    return ceil(_SAMPLED * 100 / percentage) if percentage else LEAST
