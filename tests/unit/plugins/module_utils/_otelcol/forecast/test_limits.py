# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits are read as people write them, and a change is beyond them or not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.limits import parse_limits
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sent_changes import (
    Figures,
    PartlyLost,
    SentChange,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.tallies import Tally

from tests.support.cases import cases

LOST = ("service.name of the resource", "user.id")


def breaches(given: dict[str, Any], after: Figures, lost: tuple[str, ...] = ()) -> list[str]:
    change = SentChange("otlp_grpc/a", "metrics", Figures(1000, 1000, 1000), after, lost_attributes=lost)
    return list(parse_limits(given).find_breaches([change]))


@cases(
    "given, after, is_passed",
    ({"bytes": "+20%"}, Figures(0, 1200), False),
    ({"bytes": "+20%"}, Figures(0, 1201), True),
    ({"bytes": "+20 %"}, Figures(0, 0), False),
    ({"items": "-10%"}, Figures(900, 0), False),
    ({"items": "-10%"}, Figures(899, 0), True),
    ({"items": ["+1%", "-1%"]}, Figures(1000, 0), False),
    ({"items": ["+1%", "-1%"]}, Figures(1011, 0), True),
    ({"items": "-0%"}, Figures(999, 0), True),
    ({"items": "-70%"}, Figures(300, 0), False),
    ({"series": "+0.5%"}, Figures(0, 0, 1006), True),
    ({"series": "2k"}, Figures(0, 0, 2000), False),
    ({"series": "2k"}, Figures(0, 0, 2001), True),
    ({"series": 999}, Figures(0, 0, 1000), True),
)
def test_a_figure_is_beyond_a_limit_or_not(given: dict[str, Any], after: Figures, is_passed: bool) -> None:
    assert bool(breaches(given, after)) is is_passed


def test_a_breach_names_exporter_signal_figures_and_limit() -> None:
    assert breaches({"bytes": "+20%"}, Figures(1, 1300)) == [
        "otlp_grpc/a: metrics: bytes 1,000 → 1,300, beyond the limit +20%"
    ]


@cases(
    "names, said",
    (["service.name"], ["otlp_grpc/a: metrics: attribute service.name of the resource is lost"]),
    ("user.id", ["otlp_grpc/a: metrics: attribute user.id is lost"]),
    (["host.name"], []),
)
def test_an_attribute_that_must_stay_is_missed(names: Any, said: list[str]) -> None:
    assert breaches({"lost_attributes": names}, Figures(1, 1, 1), LOST) == said


def test_an_attribute_that_some_items_lose_is_missed() -> None:
    lost = (PartlyLost("service.name of the resource", 620), PartlyLost("user.id", 3))
    change = SentChange("a", "traces", Figures(3000, 9), Figures(1860, 9), partly_lost_attributes=lost)
    assert list(parse_limits({"lost_attributes": ["service.name", "host.name"]}).find_breaches([change])) == [
        "a: traces: attribute service.name of the resource is lost on 620 of 1,860 items"
    ]


@cases(
    "given, said",
    ({"byte": "+1%"}, "there is no limit 'byte'; did you mean 'bytes'?"),
    ({"bytes": "20%"}, "'20%' is no limit of bytes"),
    ({"bytes": "1000"}, "'1000' is no limit of bytes"),
    ({"series": "many"}, "'many' is no limit of series"),
    ({"lost_attributes": None}, "'None' is no limit of lost_attributes"),
    ({"lost_attributes": ["service.name", {}]}, "'{}' is no limit of lost_attributes"),
)
def test_what_is_no_limit_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem) as problem:
        parse_limits(given)
    assert said in str(problem.value)


def test_an_attribute_that_nothing_had_is_told_since_its_loss_cannot_show() -> None:
    limits = parse_limits({"lost_attributes": ["service.name", "service.nmae"]})
    tally = Tally(items_by_resource_attribute=Counter({"service.name": 1}))
    assert list(limits.find_unseen_attributes([Tally(), tally])) == [
        "lost_attributes: nothing has attribute service.nmae before the change, so its loss cannot show"
    ]
