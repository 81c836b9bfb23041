# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every failed call of AWS has its words, and those that pass are told from those that stay."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.aws_failures import (
    FAILURE_ROWS,
    PASSING_CODES,
    FailedCall,
    explain_failed_call,
    is_passing,
)


@pytest.mark.parametrize("codes", [row.codes for row in FAILURE_ROWS], ids=lambda codes: sorted(codes)[0])
def test_every_text_can_be_told(codes: frozenset[str]) -> None:
    for code in codes:
        text = str(explain_failed_call(FailedCall(code, "because."), "Do it"))
        assert text.startswith("Do it: ")
        assert "{" not in text


def test_no_code_is_in_two_rows() -> None:
    codes = [code for row in FAILURE_ROWS for code in row.codes]
    assert len(codes) == len(set(codes))


def test_an_unknown_answer_is_told_as_it_is_and_no_code_is_both_passing_and_final() -> None:
    text = str(explain_failed_call(FailedCall("OddException", "because", 418, "eks", "CreateAddon"), "Do it"))
    assert text.startswith("Do it: AWS answers OddException to eks:CreateAddon (because).")
    assert all(is_passing(FailedCall(code, "")) for code in PASSING_CODES)
    assert not is_passing(FailedCall("ResourceInUseException", "", 409))
