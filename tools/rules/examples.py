# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses a short wrong config and a short right one for each rule, for its section in docs/rules.md.

Both come from the cases that test the rule, so a test proves each example. `page.py` calls `build_example` for each
rule. `choices.py` names the cases of some rules. Of the others, the wrong case with the shortest excerpt is taken, and
the right case that is most similar to it. For rule `not-a-list`, for example, that gives:

    Example(wrong="service:\\n  extensions:\\n    health_check: {}\\n", right="service: {}\\n", context="",
            path="service.extensions", message="this must be a list of component ids, not a mapping", …)

An excerpt is what is shown of a config (excerpts.py). The context of a config is what is known beside it, such as its
build and where it runs (case_context.py tells it in words).
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from typing import NamedTuple

from .case_context import describe_context
from .choices import CHOICES, Choice
from .excerpts import ExampleCase, format_excerpt
from .project import list_rule_findings, load_rule_cases

# An excerpt of fewer lines says too little, so it is taken only if there is none of more lines.
_FEWEST_LINES = 3
_EMPTY_EXCERPTS = ("", "{}\n")


class Example(NamedTuple):
    """Excerpts of a wrong and a right config as YAML, what is known beside each, and what the rule says."""

    wrong: str
    right: str
    context: str
    """What is known beside the wrong config, in words; empty if nothing is."""
    path: str
    message: str
    fix: str
    right_context: str = ""


class _Excerpts(NamedTuple):
    """What is shown of a wrong and of a right config, as YAML."""

    wrong: str
    right: str


# Excerpts that no case has: cases are data, and a mapping has each key once.
_WRITTEN_EXCERPTS = {
    "duplicate-key": _Excerpts(
        wrong="receivers: {otlp: {}}\nreceivers: {zipkin: {}}\n", right="receivers: {otlp: {}, zipkin: {}}\n"
    )
}


def build_example(rule_id: str) -> Example:
    """Return the example of a rule. Raises LookupError if choices.py names a case that the rule no longer has."""
    choice = CHOICES.get(rule_id, Choice())
    cases = [case for case in _load_all_cases() if case.rule == rule_id]
    wrong_case = _find_named_case(choice.wrong, cases) if choice.wrong else _find_shortest_wrong(cases)
    right_case = _find_named_case(choice.right, cases) if choice.right else _find_most_similar_right(cases, wrong_case)
    path = str(wrong_case.path)
    excerpts = _WRITTEN_EXCERPTS.get(rule_id) or _Excerpts(
        wrong=format_excerpt(wrong_case, path, choice.shown_parts),
        right=format_excerpt(right_case, path, choice.shown_parts),
    )
    finding = list_rule_findings(wrong_case)[0]
    return Example(
        wrong=excerpts.wrong,
        right=excerpts.right,
        context=describe_context(wrong_case.more),
        path=path,
        message=finding.message,
        fix=finding.fix,
        right_context=describe_context(right_case.more),
    )


@cache
def _load_all_cases() -> tuple[ExampleCase, ...]:
    return tuple(load_rule_cases())


def _find_named_case(name: str, cases: Sequence[ExampleCase]) -> ExampleCase:
    """Return the case of a name. Raises LookupError if there is none."""
    for case in cases:
        if case.name == name:
            return case
    raise LookupError(f"choices.py names the case '{name}', which no rule has any more")


# ── The wrong case ──


_NO_WRONG_CASE = (
    "a rule has no bad case: add one to CASES of tests/unit/plugins/module_utils/_otelcol/rules/<topic>_cases.py, and"
    " a mutator to MUTATORS"
)


class _Length(NamedTuple):
    """How much a wrong case shows. The case with the least `_Length` is taken."""

    is_too_short: bool
    line_count: int
    context_length: int
    """How much is known beside the config, in characters."""


def _find_shortest_wrong(cases: Sequence[ExampleCase]) -> ExampleCase:
    """Return the wrong case with the shortest excerpt; of several, the one with the least known beside the config."""
    wrong_cases = [case for case in cases if case.path is not None]
    if not wrong_cases:
        raise SystemExit(_NO_WRONG_CASE)
    return min(wrong_cases, key=_measure_length)


def _measure_length(case: ExampleCase) -> _Length:
    line_count = len(format_excerpt(case, str(case.path)).splitlines())
    return _Length(line_count < _FEWEST_LINES, line_count, len(str(case.more)))


# ── The right case ──


class _Similarity(NamedTuple):
    """How well a right case shows what has to change in the wrong one. The case with the largest is taken."""

    shows_change: bool
    """Whether anything that is shown differs: the excerpt, or what is known beside it."""
    changes_excerpt_alone: bool
    """Whether the excerpt differs, and the same is known beside both: then one sees what has to change."""
    excerpt_likeness: float
    """How like the excerpts are, between 0 and 1."""


def _find_most_similar_right(cases: Sequence[ExampleCase], wrong_case: ExampleCase) -> ExampleCase:
    """Return the right case that shows best what has to change in a wrong one."""
    right_cases = [case for case in cases if case.path is None]
    return max(right_cases, key=lambda case: _measure_similarity(case, wrong_case))


def _measure_similarity(right_case: ExampleCase, wrong_case: ExampleCase) -> _Similarity:
    path = str(wrong_case.path)
    wrong_excerpt = format_excerpt(wrong_case, path)
    right_excerpt = format_excerpt(right_case, path)
    is_other_excerpt = right_excerpt != wrong_excerpt
    is_same_context = _has_same_context(right_case, wrong_case)
    return _Similarity(
        shows_change=right_excerpt not in _EMPTY_EXCERPTS and (is_other_excerpt or not is_same_context),
        changes_excerpt_alone=is_other_excerpt and is_same_context,
        excerpt_likeness=SequenceMatcher(None, wrong_excerpt, right_excerpt).ratio(),
    )


def _has_same_context(case: ExampleCase, other_case: ExampleCase) -> bool:
    """Whether the same is known beside the configs of two cases."""
    has_same_keys = case.more.keys() == other_case.more.keys()
    return has_same_keys and describe_context(case.more) == describe_context(other_case.more)
