# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of settings say of a value. The cases of the rules themselves are in values_cases.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.field_walk import walk_fields

from tests.support.cases import cases


@cases(
    "node, value, said",
    ("dsi", True, ["wrong-type: this must be text or a number, not true or false"]),
    ("dsif", 5, ["invalid-duration: 5 without a unit is 5 nanoseconds Write `5s`."]),
    ("dsi", 1.5, ["wrong-type: this must be text or a whole number, not a decimal number Write a whole number."]),
    ("i", 1.5, ["wrong-type: this must be a whole number, not a decimal number Write a whole number."]),
    ("s", 1.5, ["wrong-type: this must be text, not a number Write `'1.5'`."]),
    ("if", "a", ["wrong-type: this must be a number, not text"]),
)
def test_a_value_of_another_type_is_told_once_and_by_its_type(node: str, value: Any, said: list[str]) -> None:
    found = walk_fields({}, node, value, ("a",))
    assert [f"{rule}: {fault.message} {fault.fix}".strip() for rule, fault in found] == said
