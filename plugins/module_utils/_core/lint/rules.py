# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of rules: a new rule is one function and one row. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from . import references, structure, surroundings
from .finding import Fault, Finding, Rule, Subject, run


def _rule(severity: str, check: Callable[[Subject], Iterable[Fault]]) -> Rule:
    reason = (check.__doc__ or "").split("\n", 1)[0]
    return Rule(check.__name__.replace("_", "-"), severity, reason, check)


RULES: tuple[Rule, ...] = (
    _rule("error", structure.duplicate_key),
    _rule("error", structure.not_a_mapping),
    _rule("error", structure.not_a_list),
    _rule("error", structure.unknown_section),
    _rule("error", structure.unknown_key),
    _rule("error", structure.invalid_id),
    _rule("error", structure.invalid_pipeline_key),
    _rule("error", references.no_components),
    _rule("error", references.no_pipelines),
    _rule("error", references.undefined_reference),
    _rule("error", references.undefined_extension),
    _rule("error", references.duplicate_processor),
    _rule("error", references.ambiguous_id),
    _rule("error", surroundings.missing_variable),
    _rule("warning", references.idle_extension),
)


def lint(subject: Subject) -> list[Finding]:
    """Return what every rule finds in the subject, sorted by place."""
    return run(RULES, subject)
