# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After how many items the silence of a component says something: a new sampler may pass none for a while. Private."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from ..._otelcol.config.paths import list_at, mapping_at, parse_amount, value_at
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


def count_items_until_silence(sides: Sides, signal: str, processor: str = "") -> int:
    """Return how many items of a signal must be due to say that none passes: more with new samplers.

    With the id of a processor, the answer is about this processor alone.
    """
    processors = mapping_at(sides.canary_config, "processors")
    needed_items = FEWEST_ITEMS
    for row in sides.find_new_processors(signal):
        if processor in ("", row["id"]):
            needed_items = max(
                needed_items, count_items_for_processor(kind_of(row["id"]), mapping_at(processors, row["id"]))
            )
    return needed_items


def count_items_for_processor(kind: str, settings: Mapping[str, Any]) -> int:
    """Return after how many items the silence of a new processor says something.

    `kind` is the type of the processor without underscores.
    """
    if kind == "probabilisticsampler":
        return _count_items_for_percentage(settings)
    if kind == "tailsampling":
        return _count_items_for_policies(settings)
    return FEWEST_ITEMS


def _count_items_for_policies(settings: Mapping[str, Any]) -> int:
    """Return after how many items one of the policies of a sampler has passed some."""
    needed_items = _ENDLESS
    for policy in list_at(settings, "policies"):
        if value_at(policy, ("type",)) in _POLICIES_OF_ANY_TRACE:
            needed_items = min(
                needed_items, max(ITEMS_OF_TRACES, _count_items_for_percentage(mapping_at(policy, "probabilistic")))
            )
    return needed_items


def _count_items_for_percentage(settings: Mapping[str, Any]) -> int:
    """Return after how many items a sampler has passed `_PASSED_ITEMS` on average.

    One that passes nothing on purpose, or by a percentage that is a variable, counts as no sampler.
    """
    percentage = parse_amount(str(settings.get("sampling_percentage") or 0))
    if percentage <= 0:
        return FEWEST_ITEMS
    return ceil(min(100 * _PASSED_ITEMS / percentage, _ENDLESS))
