# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After how many items the silence of a component says something: a new sampler may pass none for a while. Private."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from ..._otelcol.config.paths import amount, at, items, section
from ..._otelcol.traits import kind_of
from .sides import Sides

# Fewer items say nothing.
FEWEST_ITEMS = 20
# A sampler may drop the spans of a whole trace, so more items must be due.
ITEMS_OF_TRACES = 1000
# How many items a sampler must pass on average until its silence says something.
_PASSED_ITEMS = 100
# A policy such as `status_code` may wait for ever for a trace that it passes: more items than ever come.
_ENDLESS = 10**18
# Policies of tail_sampling that pass some traces whatever is in them. Source: the README of the processor.
_POLICIES_OF_ANY_TRACE = ("always_sample", "probabilistic", "rate_limiting", "bytes_limiting")


def items_until_silence(sides: Sides, signal: str, processor: str = "") -> int:
    """Return how many items of a signal must be due to say that none passes: more with new samplers.

    With the id of a processor, the answer is about this processor alone.
    """
    processors = section(sides.canary_config, "processors")
    needed = FEWEST_ITEMS
    for row in sides.new_processors(signal):
        if processor in ("", row["id"]):
            needed = max(needed, items_of_processor(kind_of(row["id"]), section(processors, row["id"])))
    return needed


def items_of_processor(kind: str, settings: Mapping[str, Any]) -> int:
    """Return after how many items the silence of a new processor says something.

    `kind` is the type of the processor without underscores.
    """
    if kind == "probabilisticsampler":
        return _items_of_percentage(settings)
    if kind == "tailsampling":
        return _items_of_policies(settings)
    return FEWEST_ITEMS


def _items_of_policies(settings: Mapping[str, Any]) -> int:
    """Return after how many items one of the policies of a sampler has passed some."""
    needed = _ENDLESS
    for policy in items(settings, "policies"):
        if at(policy, ("type",)) in _POLICIES_OF_ANY_TRACE:
            needed = min(needed, max(ITEMS_OF_TRACES, _items_of_percentage(section(policy, "probabilistic"))))
    return needed


def _items_of_percentage(settings: Mapping[str, Any]) -> int:
    """Return after how many items a sampler has passed `_PASSED_ITEMS` on average.

    One that passes nothing on purpose, or by a percentage that is a variable, counts as no sampler.
    """
    percentage = amount(str(settings.get("sampling_percentage") or 0))
    if percentage <= 0:
        return FEWEST_ITEMS
    return ceil(min(100 * _PASSED_ITEMS / percentage, _ENDLESS))
