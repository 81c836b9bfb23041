# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks keep what a forecast counts: how many values there are, how long they are, and which are equal."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture import value_masks
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.value_masks import ValueMasks

KEY = b"k" * 32


@pytest.mark.parametrize("size", [1, 2, 3, 8, 9, 10, 40, 64, 65, 500])
def test_a_mask_is_as_long_as_its_value_and_has_nothing_of_it(size: int) -> None:
    value = ("a secret of a team " * 30)[:size]
    masked = ValueMasks(KEY).mask_text(value)
    assert len(masked.encode()) == size
    assert masked != value
    assert masked.isascii()


def test_a_mask_counts_bytes_and_not_letters() -> None:
    assert len(ValueMasks(KEY).mask_text("Zürich 東京")) == len("Zürich 東京".encode())


@pytest.mark.parametrize("count", [60, 500, 20_000])
def test_values_are_as_many_as_before_however_short(count: int) -> None:
    masks = ValueMasks(KEY)
    values = [format(number, "x") for number in range(count)]
    assert len({masks.mask_text(value) for value in values}) == count
    assert len({masks.mask_integer(number) for number in range(-count, count)}) == 2 * count
    assert len({masks.mask_number(number / 64) for number in range(count)}) == count


def test_more_values_than_short_masks_stay_apart() -> None:
    """There are 64 masks of one letter, and more letters."""
    masks = ValueMasks(KEY)
    letters = [chr(number) for number in range(0x4E00, 0x4E00 + 300)] + [chr(number) for number in range(33, 127)]
    assert len({masks.mask_text(letter) for letter in letters}) == len(letters)


def test_beyond_the_most_that_are_compared_masks_are_long_enough_to_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_masks, "_MOST_COMPARED", 2)
    masks = ValueMasks(bytes(32))
    assert [len(masks.mask_text(value)) for value in ("a", "b", "c", "a", "d")] == [1, 1, 10, 1, 10]


def test_equal_values_have_one_mask_within_a_run_alone() -> None:
    masks, others = ValueMasks(KEY), ValueMasks(b"o" * 32)
    assert masks.mask_text("checkout") == masks.mask_text("checkout") != others.mask_text("checkout")
    assert masks.mask_identifier("0af7651916cd43dd8448eb211c80319c") == masks.mask_identifier(
        "0AF7651916CD43DD8448EB211C80319C"
    )


@pytest.mark.parametrize("value", [5, -7, 4711, 10**15 + 3, 2**63 - 1, -(2**63) + 1])
def test_an_integer_keeps_its_sign_its_digits_and_its_range(value: int) -> None:
    masked = ValueMasks(KEY).mask_integer(value)
    assert (masked > 0) is (value > 0)
    assert -(2**63) <= masked < 2**63
    assert abs(len(str(masked)) - len(str(value))) <= 1


@pytest.mark.parametrize("value", [0, 0.0, float("inf")])
def test_numbers_without_content_stay(value: float) -> None:
    masks = ValueMasks(KEY)
    assert masks.mask_number(value) == value
    assert masks.mask_integer(0) == 0
    assert masks.mask_identifier("0" * 16) == "0" * 16
    assert masks.mask_identifier("") == ""
    assert masks.mask_text("") == ""


def test_bytes_stay_base64_of_their_length() -> None:
    masked = ValueMasks(KEY).mask_binary(base64.b64encode(b"a picture").decode())
    assert len(base64.b64decode(masked)) == len(b"a picture")
    assert len(ValueMasks(KEY).mask_binary("no base64!")) == len("no base64!")
