# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plans are approved."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm import plans

from .samples import ONE, THREE, TWO, plan

OTHER = "tempo-operator.v0.20.0"


def choose(*listed: dict[str, Any], target: str = TWO, installed: str = "", pinned: bool = True) -> plans.PlanDecision:
    return plans.choose(listed, "newest", target, installed, pinned=pinned)


@pytest.mark.parametrize(
    ("brings", "target", "installed", "pinned", "what"),
    [
        ((TWO,), TWO, "", True, "approve"),
        ((TWO,), TWO, ONE, True, "approve"),
        ((TWO,), THREE, ONE, True, "approve"),  # a step on the way
        ((THREE,), TWO, ONE, True, "refuse"),
        ((THREE,), TWO, TWO, True, "leave"),  # the pin is there, the next one waits
        ((TWO, OTHER), TWO, ONE, True, "refuse"),
        ((OTHER, TWO), TWO, ONE, True, "refuse"),
        ((THREE, OTHER), TWO, TWO, True, "leave"),
        ((OTHER,), TWO, ONE, True, "leave"),
        ((TWO,), TWO, ONE, False, "approve"),
        ((TWO,), THREE, ONE, False, "approve"),
        ((THREE,), TWO, ONE, False, "leave"),  # a plan of the channel of before
        ((THREE, OTHER), TWO, ONE, False, "refuse"),
    ],
)
def test_a_plan_is_judged_by_what_it_brings(
    brings: tuple[str, ...], target: str, installed: str, pinned: bool, what: str
) -> None:
    choice = choose(plan("newest", *brings), target=target, installed=installed, pinned=pinned)
    assert choice.what == what
    assert (choice.plan == "newest") == (what != "leave" or choice.brings != ())
    assert bool(choice.wrong and choice.fix) == (what == "refuse")


def test_what_would_come_is_told() -> None:
    choice = choose(plan("newest", TWO, OTHER))
    assert choice.wrong == f"it brings {OTHER} beside {TWO}"
    assert "a namespace of its own" in choice.fix
    assert choose(plan("newest", THREE)).wrong == f"it goes to {THREE}, past the pinned {TWO}"


def test_the_plan_for_the_pin_counts_though_a_newer_one_came() -> None:
    listed = [plan("early", TWO), plan("newest", THREE, generation=2)]
    assert choose(*listed, installed=ONE) == plans.PlanDecision("approve", "early", (TWO,))


def test_of_two_plans_for_the_pin_the_newest_counts() -> None:
    listed = [plan("early", TWO, generation=5), plan("newest", TWO, generation=1)]
    assert choose(*listed).plan == "newest"
    assert choose(plan("a", TWO, generation=1), plan("b", TWO, generation=2)).plan == "b"


@pytest.mark.parametrize(
    "done", [plan("newest", TWO, approved=True), plan("newest", TWO, phase="Installing"), plan("newest", TWO, phase="")]
)
def test_what_does_not_wait_is_left(done: dict[str, Any]) -> None:
    assert choose(done) == plans.PlanDecision("leave")


def test_the_owner_is_one_of_several() -> None:
    item = plan("newest", TWO)
    item["metadata"]["ownerReferences"].append({"kind": "Subscription", "name": "tempo-product"})
    assert plans.is_owned(item, "tempo-product")
    assert not plans.is_owned(item, "other")
    assert not plans.is_owned({"metadata": {}}, "other")
