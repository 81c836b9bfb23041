# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts change in which wave, and what is refused before anything is applied."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_gates import Gate
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_plan import (
    Fleet,
    plan_waves,
    select_waves_until,
)

HOSTS = ("dev", "test", "eu", "us", "web1", "web2")
GROUPS = {"staging": ("dev", "test"), "production": ("eu", "us"), "otel_linux": ("web1", "web2"), "all": HOSTS}


def matching(pattern: str) -> tuple[str, ...]:
    return GROUPS.get(pattern, (pattern,) if pattern in HOSTS else ())


FLEET = Fleet(HOSTS, matching, {"eu": "second", "us": "second"})
NAMED: list[dict[str, Any]] = [
    {"name": "first", "members": ["staging"], "max_failed": 1},
    {"name": "second"},
    {"name": "last", "members": "otel_linux"},
]


def test_waves_have_their_members_in_the_order_of_the_inventory() -> None:
    waves = plan_waves(NAMED, FLEET)
    assert [(wave.name, wave.members) for wave in waves] == [
        ("first", ("dev", "test")),
        ("second", ("eu", "us")),
        ("last", ("web1", "web2")),
    ]
    assert [wave.gate for wave in waves] == [Gate(max_failed=1), Gate(), Gate()]


@pytest.mark.parametrize(
    ("growth", "sizes"),
    [
        ([1, 3, "25%", "100%"], [1, 2, 3]),
        (["100%"], [6]),
        ([1, "100 %"], [1, 5]),
        ([2, 6], [2, 4]),
        ([1, 100], [1, 5]),
        (["1%", "50%", "100%"], [1, 2, 3]),
    ],
)
def test_a_growth_is_one_wave_for_each_step_that_adds_hosts(growth: list[Any], sizes: list[int]) -> None:
    waves = plan_waves({"growth": growth, "max_failed": 1}, FLEET)
    assert [len(wave.members) for wave in waves] == sizes
    assert [host for wave in waves for host in wave.members] == list(HOSTS)
    assert [wave.name for wave in waves] == [f"wave-{number + 1}" for number in range(len(waves))]
    assert {wave.gate for wave in waves} == {Gate(max_failed=1)}


def test_a_run_may_end_after_a_wave() -> None:
    waves = plan_waves(NAMED, FLEET)
    assert [wave.name for wave in select_waves_until(waves, "second")] == ["first", "second"]
    assert select_waves_until(waves, "") == waves
    with pytest.raises(Problem, match="there is no wave 'secund'; did you mean 'second'"):
        select_waves_until(waves, "secund")


def changed(index: int, **values: Any) -> list[dict[str, Any]]:
    return [{**wave, **values} if number == index else wave for number, wave in enumerate(NAMED)]


REFUSED: dict[str, tuple[Any, str]] = {
    "no waves": ([], "it has no waves"),
    "a text": ("first", "it has no waves"),
    "a wave that is a text": (["first"], r"a wave is a mapping \(at otel_waves\[0\]\)"),
    "an unknown option": (
        changed(0, max_fail=5),
        "there is no option 'max_fail'; did you mean 'max_failed'",
    ),
    "no name": (changed(0, name=""), "'' is no name of a wave"),
    "one name twice": (changed(1, name="first", members=["production"]), "two waves are named 'first'"),
    "a host in two waves": (changed(2, members=["otel_linux", "dev"]), "host dev is in the waves 'first' and 'last'"),
    "a host in none": (changed(2, members=["web1"]), "no wave has web2"),
    "an unknown group": (changed(0, members=["staging", "stagging"]), "'stagging' matches no host"),
    "a number as members": (changed(0, members=5), r"'5' matches no host \(at otel_waves\[0\]\.members\)"),
    "no members": (changed(1, name="third"), "wave 'third' has no members"),
    "failed hosts below zero": (changed(0, max_failed=-1), "`max_failed` is -1"),
    "failed hosts in words": (changed(0, max_failed="1"), "`max_failed` is '1'"),
    "a growth below all": ({"growth": [1, "50%"]}, "it ends at 50%, which is 3 of 6 hosts"),
    "a growth that shrinks": ({"growth": [3, 1, "100%"]}, "1 is not more than 3"),
    "shares that shrink": ({"growth": ["50%", "25%", "100%"]}, "25% is not more than 50%"),
    "no step": ({"growth": []}, "a growth is a list"),
    "a step of nothing": ({"growth": [0, "100%"]}, "'0' is no step"),
    "a share above all": ({"growth": ["101%"]}, "'101%' is no step"),
    "a step that is true": ({"growth": [True, "100%"]}, "'True' is no step"),
    "growth and members": ({"growth": ["100%"], "members": ["all"]}, "there is no option 'members'"),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_as_written_is_refused(given: Any, said: str) -> None:
    with pytest.raises(Problem, match=said):
        plan_waves(given, FLEET)
