# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem, near


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("it is wrong"), "it is wrong."),
        (Problem("it is wrong", asked="this"), "this: it is wrong."),
        (Problem("it is wrong", where="a.yml:3"), "it is wrong (at a.yml:3)."),
        (Problem("it is wrong", fix="Mend it."), "it is wrong. Mend it."),
        (Problem("is it wrong?", fix="Mend it."), "is it wrong? Mend it."),
        (Problem("wrong", asked="this", where="a:1", fix="Mend it."), "this: wrong (at a:1). Mend it."),
    ],
)
def test_says_each_fact_that_is_known_once(problem: Problem, text: str) -> None:
    assert str(problem) == text
    assert problem.args == (text,)


def test_names_the_nearest_word() -> None:
    assert near("otlp_ingst", ["otlp_forward", "otlp_ingest"]) == "; did you mean 'otlp_ingest'?"
    assert near("otlpp", [None, 1, "otlp"]) == "; did you mean 'otlp'?"  # type: ignore[list-item]


@pytest.mark.parametrize("known", [[], ["zipkin"], [1, None, ("otlp",)]])
def test_says_nothing_when_no_word_is_near(known: list[str]) -> None:
    assert near("otlp", known) == ""
