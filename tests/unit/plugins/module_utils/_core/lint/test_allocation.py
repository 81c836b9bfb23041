# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from .allocation_cases import CASES
from .cases import Case, check


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_rule_finds_exactly_this(case: Case) -> None:
    check(case)
