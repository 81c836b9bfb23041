# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that never change, attributes that make series, and series of two scopes are told apart."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings import proposals as kinds
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.captured_records import ReadableValues

from .planted import MASKED, not_told, points, proposals


def over_time(turns: int, **more: Any) -> list[Any]:
    """Return a metric that never changes, and one that does, with a point in each minute."""
    return [
        points({"name": "build.info", **more}, {"name": "requests", "value": turn, **more}, minute=turn)
        for turn in range(turns)
    ]


def test_a_metric_that_never_changes_is_told() -> None:
    (proposal,) = proposals(kinds.UNCHANGED_METRICS, *over_time(3)).values()
    assert proposal.subject == "build.info"
    assert proposal.removed_amounts["metrics"].item_count == 3
    assert proposal.option is not None
    assert proposal.option.options["metrics"] == [r"^build\.info$"]


def test_too_few_points_are_told_and_a_delta_that_counts_is_no_constant() -> None:
    assert not proposals(kinds.UNCHANGED_METRICS, *over_time(2))
    assert "fewer than 3 data points" in not_told(kinds.UNCHANGED_METRICS, *over_time(2))
    assert not proposals(kinds.UNCHANGED_METRICS, *over_time(3, type="sum", temporality="delta"))


def test_an_attribute_that_makes_series_is_told_with_the_series_that_are_left() -> None:
    labels = [{"kind": f"k{number % 2}", "user.id": str(number)} for number in range(20)]
    told = proposals(kinds.SERIES, points(*[{"name": "orders", "type": "sum", "attributes": pair} for pair in labels]))
    assert list(told) == ["user.id of orders"]
    proposal = told["user.id of orders"]
    assert proposal.detail == "20 → 2 series"
    assert proposal.removed_amounts["metrics"].item_count == 18
    assert proposal.option is not None
    assert 'aggregate_on_attributes("sum", ["kind"])' in proposal.option.settings["metric_statements"][0]


def test_series_of_two_scopes_are_told_and_a_masked_scope_has_no_option() -> None:
    request = points(*[{"name": "cpu", "scope": {"name": scope}} for scope in ("a", "b", "b")])
    (proposal,) = proposals(kinds.DUPLICATE_METRICS, request).values()
    assert proposal.removed_amounts["metrics"].item_count == 1
    assert proposal.option is not None
    assert 'instrumentation_scope.name == "a"' in str(proposal.option.settings)
    (masked,) = proposals(kinds.DUPLICATE_METRICS, request, readable=MASKED).values()
    assert masked.option is None
    assert "capture_keep: [scope.name]" in not_told(kinds.DUPLICATE_METRICS, request, readable=MASKED)
    kept = ReadableValues(True, frozenset({"scope.name"}))
    assert not not_told(kinds.DUPLICATE_METRICS, request, readable=kept)
