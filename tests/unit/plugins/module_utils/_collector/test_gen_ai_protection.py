# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which content of a call of a model is hidden."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.gen_ai_attributes import CONTENT
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.gen_ai_protection import build_protection


def removed(statements: list[str]) -> str:
    """Return the pattern of the first statement that removes attributes of spans."""
    (statement,) = [text for text in statements if text.startswith("delete_matching_keys(span.attributes")]
    pattern: str = json.loads(statement[statement.index('"') : -1])
    return pattern


def test_what_is_hashed_is_not_removed() -> None:
    assert not any(re.search(removed(build_protection(True).span_statements), name) for name in CONTENT)
    assert all(re.search(removed(build_protection(False).span_statements), name) for name in CONTENT)


@pytest.mark.parametrize("hashed", [False, True])
def test_statements_of_a_group_are_about_one_place(hashed: bool) -> None:
    """A statement about events would keep all others of its group from spans without events."""
    for place, group in zip(("span", "spanevent", "log"), build_protection(hashed), strict=True):
        assert {re.findall(r"\((\w+)\.", text)[0] for text in group} == {place}
