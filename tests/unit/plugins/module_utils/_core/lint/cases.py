# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a case of a rule is."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.rules import RULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Finding, Rule, Subject, run

from .builds import CATALOGUE

# Rule, name of the case and the case: a config; or with the complaint, `path: words`, and what the rule knows besides.
Table = dict[str, dict[str, Any]]
BY_ID = {rule.id: rule for rule in RULES}
PIPELINE = {"receivers": ["otlp"], "exporters": ["debug"]}


def config(**changes: Any) -> dict[str, Any]:
    """Return a small correct config with these sections changed."""
    return {
        "receivers": {"otlp": {}},
        "processors": {"batch": None},
        "exporters": {"debug": None},
        "service": {"pipelines": {"traces": PIPELINE}},
        **changes,
    }


def traces(**roles: Any) -> dict[str, Any]:
    """Return a correct config whose pipeline has these roles changed."""
    return config(service={"pipelines": {"traces": {**PIPELINE, **roles}}})


@dataclass(frozen=True)
class Case:
    """A config, and where and in which words one rule complains about it: no path at all means that it does not."""

    rule: str
    name: str
    config: Any
    path: str | None = None
    says: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.rule}: {self.name}"


def cases(module: ModuleType) -> list[Case]:
    """Return the cases of a module, which know its SURROUNDINGS unless they say otherwise."""
    found = []
    for rule, name, row in ((rule, name, row) for rule, rows in module.CASES.items() for name, row in rows.items()):
        config, complaint, *more = row if isinstance(row, tuple) else (row, "")
        path, _, says = complaint.partition(": ")
        surroundings = more[0] if more else getattr(module, "SURROUNDINGS", {})
        found.append(Case(rule, name, config, path if complaint else None, says, surroundings))
    return found


def findings(case: Case) -> list[Finding]:
    """Return what the case's rule finds."""
    rule: Rule = BY_ID[case.rule]
    return run([rule], Subject(case.config, listeners=CATALOGUE.listeners, **case.more))


def check(case: Case) -> None:
    """Assert that the rule finds exactly what the case says."""
    found = findings(case)
    if case.path is None:
        assert found == []
        return
    assert [item.path for item in found] == [case.path]
    assert found[0].rule == case.rule
    assert case.says
    assert case.says in f"{found[0].message} {found[0].fix}"
