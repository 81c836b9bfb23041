# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sampler may pass nothing for a while, and one that waits for an error for ever."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.canary_samplers import (
    FEWEST_ITEMS,
    ITEMS_OF_TRACES,
    count_items_for_processor,
)

from ...helpers import cases

ERRORS = {"type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
FOR_EVER = 10**9


def drawn(percentage: Any) -> dict[str, Any]:
    return {"type": "probabilistic", "probabilistic": {"sampling_percentage": percentage}}


@cases(
    "kind, settings, count",
    ("filter", {}, FEWEST_ITEMS),
    ("probabilisticsampler", {"sampling_percentage": 1}, 10_000),
    ("probabilisticsampler", {"sampling_percentage": 50}, 200),
    ("probabilisticsampler", {"sampling_percentage": 0}, FEWEST_ITEMS),
    ("probabilisticsampler", {}, FEWEST_ITEMS),
    ("probabilisticsampler", {"sampling_percentage": -1}, FEWEST_ITEMS),
    ("probabilisticsampler", {"sampling_percentage": "${env:PERCENT}"}, 10_000),
    ("tailsampling", {"policies": [drawn(-1)]}, ITEMS_OF_TRACES),
    ("tailsampling", {"policies": [{"type": "always_sample"}]}, ITEMS_OF_TRACES),
    ("tailsampling", {"policies": [ERRORS, drawn(1)]}, 10_000),
    ("tailsampling", {"policies": [drawn(1), {"type": "rate_limiting"}]}, ITEMS_OF_TRACES),
)
def test_the_smaller_its_share_the_more_items_a_sampler_must_get(kind: str, settings: Any, count: int) -> None:
    assert count_items_for_processor(kind, settings, "logs") == count


@cases("percentage", 5e-324, "5e-324", 1e-20)
def test_a_sampler_that_passes_next_to_nothing_is_never_said_to_pass_nothing(percentage: Any) -> None:
    assert count_items_for_processor("probabilisticsampler", {"sampling_percentage": percentage}, "logs") > FOR_EVER
    assert count_items_for_processor("tailsampling", {"policies": [drawn(percentage)]}, "traces") > FOR_EVER


@cases("settings", {}, {"policies": [ERRORS]}, {"policies": "${env:POLICIES}"}, {"policies": [None, ["type"]]})
def test_a_tail_sampler_with_conditions_alone_is_never_said_to_pass_nothing(settings: Any) -> None:
    assert count_items_for_processor("tailsampling", settings, "traces") > FOR_EVER


@cases("percentage, count", (50, ITEMS_OF_TRACES), (1, 10_000), (0, FEWEST_ITEMS))
def test_a_sampler_of_traces_may_drop_the_spans_of_a_whole_trace_at_once(percentage: int, count: int) -> None:
    settings = {"sampling_percentage": percentage}
    assert count_items_for_processor("probabilisticsampler", settings, "traces") == count
