# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from .cases import Case, check
from .vendor_endpoints_cases import CASES


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_rule_finds_exactly_this(case: Case) -> None:
    check(case)
