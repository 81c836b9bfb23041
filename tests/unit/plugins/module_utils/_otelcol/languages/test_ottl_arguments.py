# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the arguments of a call in OTTL."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_arguments import ArgumentJudge
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_language import (
    CONDITION,
    OttlLanguage,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_reading import read_ottl
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_syntax import UsedNames

LANGUAGE = OttlLanguage.from_rows(
    [
        {"function": "Substring", "in": "standard", "arguments": ["Target text", "Start int", "Length int"]},
        {"context": "span", "sees": ["span"], "paths": ["name"], "enums": []},
    ]
)


@pytest.mark.parametrize(
    ("text", "whys"),
    [
        ('Substring(name, 1, 2) == "a"', []),
        ('Substring(name, 1) == "a"', ["'Substring' takes 3 arguments, not 2"]),
        ('Substring(name, 1, "2") == "a"', ["'length' of 'Substring' is a whole number, not text"]),
        ('Substring(name, 1, size=2) == "a"', ["'Substring' has no argument 'size'"]),
    ],
)
def test_a_call_has_the_arguments_of_its_function(text: str, whys: list[str]) -> None:
    used = read_ottl(text, statement=False)
    assert isinstance(used, UsedNames)
    judge = ArgumentJudge(LANGUAGE, CONDITION, "span", must_name_context=False)
    troubles = judge.find_troubles(used.calls[0], LANGUAGE.functions["Substring"])
    assert [trouble.why for trouble in troubles] == whys


def test_an_unknown_function_is_reported() -> None:
    judge = ArgumentJudge(LANGUAGE, CONDITION, "span", must_name_context=False)
    used = read_ottl('Substrin(name) == "a"', statement=False)
    assert isinstance(used, UsedNames)
    assert judge.report_unknown_function(used.calls[0]).why.startswith("function 'Substrin' does not exist")
