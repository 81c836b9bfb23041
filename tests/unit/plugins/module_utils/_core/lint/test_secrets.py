# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .cases import Case, findings
from .secrets_cases import CASES, SECRET


@pytest.mark.parametrize("case", [case for case in CASES if case.path is not None], ids=str)
def test_the_value_is_never_told(case: Case) -> None:
    for finding in findings(case):
        assert SECRET not in str(finding.as_dict())
        assert "horse" not in str(finding)


@given(
    st.text(min_size=6, alphabet="abcdefghijkmnopqrstuvwxyz0123456789:/@ "),
    st.sampled_from(["password", "dsn", "endpoint"]),
)
def test_no_value_at_all_is_told(value: str, key: str) -> None:
    secret = f"zq{value}qz"
    settings = {key: f"https://me:{secret}@host", "headers": {"authorization": secret}, "token": secret}
    for finding in findings(Case("plaintext-secret", "any", {"exporters": {"x": settings}})):
        assert secret not in str(finding)
