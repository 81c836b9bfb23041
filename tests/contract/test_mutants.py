# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule catches what is done on purpose to configs that are right, and says so under its own name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import run_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rule_definitions import Rule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import RULES, lint_config
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from .mutants.bases import bases
from .mutants.table import MUTATORS

LEAST = 50
# Rules without a mutator, each with the reason.
IMPOSSIBLE: dict[str, str] = {}


def places(rule: Rule, subject: Subject) -> set[tuple[str, str]]:
    return {(finding.path, finding.message) for finding in run_rules([rule], subject)}


@pytest.mark.parametrize(("name", "subject"), bases(), ids=[name for name, _subject in bases()])
def test_what_mutants_are_made_of_is_right(name: str, subject: Subject) -> None:
    assert [str(finding) for finding in lint_config(subject) if finding.severity == "error"] == []


def test_every_rule_has_a_mutator() -> None:
    without = {rule.id for rule in RULES} - set(MUTATORS) - set(IMPOSSIBLE)
    assert without == set(), "add them to MUTATORS of tests/unit/**/rules/*_cases.py or tests/contract/mutants"
    assert set(MUTATORS) | set(IMPOSSIBLE) <= {rule.id for rule in RULES}
    assert not set(MUTATORS) & set(IMPOSSIBLE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_mutant_of_a_rule_is_caught_by_it(rule: Rule, record_property: Callable[[str, object], None]) -> None:
    made, missed = 0, []
    for name, base in bases():
        known = places(rule, base)
        for one in MUTATORS[rule.id](base):
            made += 1
            if places(rule, one) <= known:
                missed.append(f"{made} of {name}")
    record_property("mutants", (rule.id, made))
    assert missed == []
    assert made >= LEAST
