# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the tables of OTTL are read as their file spells them."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_language import (
    CONDITION,
    ROUTE,
    STATEMENT,
    OttlArgument,
    OttlFunction,
    parse_argument,
)

from tests.support.cases import cases


@cases(
    "availability, kind, context, available",
    ("standard", CONDITION, "log", True),
    ("span", CONDITION, "span", True),
    ("span", CONDITION, "log", False),
    ("route", ROUTE, "resource", True),
    ("route", STATEMENT, "resource", False),
    ("transform metric", STATEMENT, "metric", True),
    ("transform metric", STATEMENT, "datapoint", False),
    ("transform metric", CONDITION, "metric", False),
    ("condition metric", CONDITION, "metric", True),
    ("condition metric", STATEMENT, "metric", False),
)
def test_a_function_exists_for_kinds_of_texts_and_contexts(
    availability: str, kind: str, context: str, available: bool
) -> None:
    assert OttlFunction("f", availability, ()).is_available(kind, context) is available


@cases(
    "spelling, argument",
    ("Target text", OttlArgument("Target", "text", False, False, ())),
    ("Vals list-of-text-like", OttlArgument("Vals", "text-like", True, False, ())),
    ("ToCase literal-text=lower|upper", OttlArgument("ToCase", "literal-text", False, False, ("lower", "upper"))),
    ("Format literal-text?", OttlArgument("Format", "literal-text", False, True, ())),
    ("Names list-of-text=a|b?", OttlArgument("Names", "text", True, True, ("a", "b"))),
)
def test_an_argument_is_read_as_its_row_spells_it(spelling: str, argument: OttlArgument) -> None:
    assert parse_argument(spelling) == argument
