# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many items must be due before it is a fault that a component passed none? Private.

An item is due if the component should have passed it by now (canary_exporters.py). A component is silent if it has
passed none. Silence is a fault only if enough items were due: a new sampler passes few items on purpose, so it may pass
none for a while. For example:

| a new processor of the signal | items that must be due |
|---|---|
| none, or one that is no sampler | 20 |
| `probabilistic_sampler: {sampling_percentage: 10}` | 1000, of which it passes 100 on average |
| `tail_sampling` with a policy `always_sample` or `rate_limiting` | 1000, because it decides about whole traces |
| `tail_sampling` with a policy `probabilistic` and `sampling_percentage: 1` | 10000 |
| `tail_sampling` with a policy `status_code` alone | no number of items is enough |
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from ..._otelcol.config.paths import list_at, mapping_at, parse_amount, value_at
from ..._otelcol.traits import kind_of
from .sides import Sides

# Without a sampler, fewer items say nothing.
FEWEST_ITEMS = 20
# A sampler may drop the spans of a whole trace at once, so more items must be due.
ITEMS_OF_TRACES = 1000
# How many items a sampler must pass on average until its silence says something.
_PASSED_ITEMS = 100
# What a sampler counts as that passes the percentage of a variable.
_PERCENTAGE_OF_VARIABLE = 1
# A policy such as `status_code` may wait for ever for a trace that it passes: more items than ever come.
_ENDLESS = 10**18
# Policies of tail_sampling that pass some traces whatever is in them. Source: the README of the processor.
_POLICIES_OF_ANY_TRACE = ("always_sample", "probabilistic", "rate_limiting", "bytes_limiting")


def count_items_until_silence(sides: Sides, signal: str, processor: str = "") -> int:
    """Return how many items of a signal must be due before it is a fault that none passed.

    The new processors of the signal count, or only the one with the id `processor`. Other processors pass as many items
    as before, which the comparison with the rest (the pods with the earlier config) shows. `sides` has both configs.
    """
    settings_by_id = mapping_at(sides.canary_config, "processors")
    needed_items = FEWEST_ITEMS
    for row in sides.find_new_processors(signal):
        processor_id = row["id"]
        if processor in ("", processor_id):
            settings = mapping_at(settings_by_id, processor_id)
            items_for_this = count_items_for_processor(kind_of(processor_id), settings, signal)
            needed_items = max(needed_items, items_for_this)
    return needed_items


def count_items_for_processor(kind: str, settings: Mapping[str, Any], signal: str) -> int:
    """Return how many items must be due before it is a fault that a new processor passed none.

    `kind` is the type of the processor without underscores, such as `tailsampling`.
    """
    if kind == "probabilisticsampler":
        needed_items = _count_items_for_percentage(settings)
        drops_whole_traces = signal == "traces" and needed_items > FEWEST_ITEMS
        return max(ITEMS_OF_TRACES, needed_items) if drops_whole_traces else needed_items
    if kind == "tailsampling":
        return _count_items_for_policies(settings)
    return FEWEST_ITEMS


def _count_items_for_policies(settings: Mapping[str, Any]) -> int:
    """Return after how many items one of the policies of a tail sampler has passed some.

    The policy that passes the most decides, because it is the first to end the silence. Policies that look for certain
    traces may pass none for ever.
    """
    needed_items = _ENDLESS
    for policy in list_at(settings, "policies"):
        if value_at(policy, ("type",)) in _POLICIES_OF_ANY_TRACE:
            # Only the policy of this type has a percentage. For the others, `max` below leaves ITEMS_OF_TRACES.
            items_for_percentage = _count_items_for_percentage(mapping_at(policy, "probabilistic"))
            needed_items = min(needed_items, max(ITEMS_OF_TRACES, items_for_percentage))
    return needed_items


def _count_items_for_percentage(settings: Mapping[str, Any]) -> int:
    """Return after how many items the setting `sampling_percentage` has passed `_PASSED_ITEMS` on average.

    Without the setting and with 0, the sampler counts as none. A variable such as `${env:PERCENT}` may be any
    percentage, and counts as a small one.
    """
    setting = str(settings.get("sampling_percentage") or 0)
    percentage = _PERCENTAGE_OF_VARIABLE if "${" in setting else parse_amount(setting)
    if percentage <= 0:
        return FEWEST_ITEMS
    return ceil(min(100 * _PASSED_ITEMS / percentage, _ENDLESS))
