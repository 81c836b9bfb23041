# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of times tells linear work from quadratic work, and does not judge what it cannot measure."""

from __future__ import annotations

import re

import pytest

from tests.support.growth import SLOW, count_pieces, is_long, measure_cpu_seconds, measure_growth

FEW, MANY = "a" * 5_000, "a" * 20_000


@pytest.mark.parametrize("pattern", [r"a+b", r"(?:a|b)*c"])
def test_a_quadratic_pattern_is_slow(pattern: str) -> None:
    assert measure_growth(re.compile(pattern).search, FEW[:1_000], MANY[:4_000]) > SLOW


def test_linear_work_is_not() -> None:
    assert 0 < measure_growth(lambda text: [sign.upper() for sign in text * 50], FEW, MANY) < SLOW


def test_work_that_is_too_short_is_not_judged() -> None:
    assert measure_growth(len, FEW, MANY) == 0


def test_pieces_of_work_are_counted() -> None:
    ten = measure_cpu_seconds(lambda: [sum(number & 7 for number in range(100_000)) for _piece in range(10)])
    assert 1 < count_pieces(ten) < 100


def test_an_answer_is_long_in_pieces_of_work() -> None:
    assert is_long(1_000.0)
    assert not is_long(0.2)
    assert is_long(0.2, most_pieces=1)
