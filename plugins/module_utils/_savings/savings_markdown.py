# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping, as Markdown. Private."""

from __future__ import annotations

from collections.abc import Iterator

from .._otelcol.rules.report_model import markdown_code
from .instrumentation_score import Score
from .observation import Found
from .proposals import KINDS
from .told_savings import Savings, Told, percent_words, shares_in_words, smaller_lines, untold_line


def savings_markdown(savings: Savings) -> str:
    """Return everything for a pull request or a wiki."""
    found = savings.found
    lines = [f"### Savings of {markdown_code(savings.name)}", ""]
    lines += ["| | proposal | estimated | measured |", "|---|---|---|---|"]
    lines += [_proposal_row(found, number, told) for number, told in enumerate(savings.told, 1)]
    lines += ["", *(f"- {markdown_code(line)}" for line in smaller_lines(found)), ""]
    for number, told in enumerate(savings.told, 1):
        lines += _option_lines(number, told)
    lines += [f"- not told: {markdown_code(untold_line(untold))}" for untold in found.untold]
    lines += ["", "| service | score | not kept | not answered |", "|---|---|---|---|"]
    lines += [_score_row(score) for score in savings.scores]
    lines += ["", *(f"- {markdown_code(note)}" for note in savings.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _proposal_row(found: Found, number: int, told: Told) -> str:
    """Return the row of a proposal: its shares by signal, or why they were not measured."""
    estimated = []
    for signal, (items, size) in found.shares(told.proposal).items():
        estimated.append(f"{signal}: {shares_in_words(signal, items, size)}")
    measured = []
    for signal in told.proposal.removed:
        shares = told.measured.get(signal)
        if shares:
            words = shares_in_words(signal, shares.items, shares.size)
            measured.append(f"{signal}: {words}, {percent_words(shares.sent)} as sent")
    shown = "; ".join(measured) or told.why_not_measured
    return f"| {number} | {markdown_code(told.title)} | {'; '.join(estimated)} | {shown} |"


def _option_lines(number: int, told: Told) -> Iterator[str]:
    """Yield what a user pastes to follow a proposal, and what is lost."""
    if told.yaml:
        yield f"Option of {number}. {KINDS[told.proposal.kind].loses}"
        yield ""
        # Four spaces make code of any text; a fence ends where the text has one.
        for line in told.yaml.splitlines():
            yield f"    {line}"
        yield ""


def _score_row(score: Score) -> str:
    """Return the row of a service: its score, and the rules that lower it or have no answer."""
    points = "none" if score.points is None else f"{score.points:.0f} {score.category}"
    broken = ", ".join(answered.rule.id for answered in score.of(False))
    unknown = ", ".join(answered.rule.id for answered in score.of(None))
    return f"| {markdown_code(score.service or '-')} | {points} | {broken} | {unknown} |"
