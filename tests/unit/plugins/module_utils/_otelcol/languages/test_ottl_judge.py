# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which context a path of OTTL belongs to."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_judge import OttlJudge
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_language import (
    CONDITION,
    OttlLanguage,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_reading import read_ottl
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_syntax import UsedNames

LANGUAGE = OttlLanguage.from_rows(
    [
        {
            "context": "span",
            "sees": ["span", "scope", "instrumentation_scope"],
            "paths": ["name", "attributes[]"],
            "enums": [],
        },
        {"context": "scope", "sees": ["scope"], "paths": ["version"], "enums": []},
    ]
)


@pytest.mark.parametrize(
    ("text", "must_name_context", "whys"),
    [
        ('name == "a"', False, []),
        ('name == "a"', True, ["path 'name' does not start with a context"]),
        ('span.name == "a"', True, []),
        ('instrumentation_scope.version == "1"', True, []),
        ('scope.version == "1"', False, []),
        ('scope.name == "1"', False, ["context scope has no path 'name'"]),
        ('scope.cache["a"] == "1"', False, ["context span has only its own cache"]),
        ('name["a"] == "1"', False, ["'name' has no keys"]),
    ],
)
def test_a_path_is_one_of_the_context_that_it_names(text: str, must_name_context: bool, whys: list[str]) -> None:
    used = read_ottl(text, statement=False)
    assert isinstance(used, UsedNames)
    judge = OttlJudge(LANGUAGE, LANGUAGE.contexts["span"], CONDITION, "0.158.0", must_name_context)
    assert [trouble.why for trouble in judge.find_troubles(used)] == whys
