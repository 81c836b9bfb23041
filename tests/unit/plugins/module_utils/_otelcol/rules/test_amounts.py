# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations of settings, as Go reads them."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.amounts import (
    amount_in,
    duration_in_seconds,
)

from tests.support.cases import cases

MICRO_SIGN, GREEK_MU = "\u00b5", "\u03bc"


@cases("letter", "u", MICRO_SIGN, GREEK_MU)
def test_microseconds_are_written_with_any_of_three_letters(letter: str) -> None:
    assert duration_in_seconds(f"1s500{letter}s") == pytest.approx(1.0005)
    assert amount_in(f"-5{letter}s") == pytest.approx(-5e-6)
