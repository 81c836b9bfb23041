# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule catches what is done on purpose to configs that are right, and says so under its own name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.finding import Rule, run
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.rules import RULES, lint
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Subject

from .mutants.bases import bases
from .mutants.table import MUTATORS

LEAST, LEAST_OF_ALL = 3, 500
# Rules without a mutator, each with the reason.
IMPOSSIBLE: dict[str, str] = {}


@cache
def mutants(rule_id: str) -> tuple[tuple[str, Subject, Subject], ...]:
    """Return the mutants of a rule, each with the name of its base and the base."""
    return tuple((name, base, one) for name, base in bases() for one in MUTATORS[rule_id](base))


def places(rule: Rule, subject: Subject) -> set[tuple[str, str]]:
    return {(finding.path, finding.message) for finding in run([rule], subject)}


@pytest.mark.parametrize(("name", "subject"), bases(), ids=[name for name, _subject in bases()])
def test_what_mutants_are_made_of_is_right(name: str, subject: Subject) -> None:
    assert [str(finding) for finding in lint(subject) if finding.severity == "error"] == []


def test_every_rule_has_a_mutator() -> None:
    assert set(MUTATORS) | set(IMPOSSIBLE) == {rule.id for rule in RULES}
    assert not set(MUTATORS) & set(IMPOSSIBLE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_mutant_of_a_rule_is_caught_by_it(rule: Rule, record_property: Callable[[str, object], None]) -> None:
    made = mutants(rule.id)
    record_property("mutants", (rule.id, len(made)))
    missed = [f"{index} of {name}" for index, (name, base, one) in enumerate(made) if not _is_caught(rule, base, one)]
    assert missed == []
    assert len(made) >= LEAST


def test_there_are_many_mutants() -> None:
    assert sum(len(mutants(rule_id)) for rule_id in MUTATORS) >= LEAST_OF_ALL


def _is_caught(rule: Rule, base: Subject, mutant: Subject) -> bool:
    """Whether the rule finds something that it does not find in the base."""
    return bool(places(rule, mutant) - places(rule, base))
