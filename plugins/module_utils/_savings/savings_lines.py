# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping, as lines of text. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .._otelcol.forecast.pages import readable_size
from .._otelcol.otlp_requests import items_in_words
from .attribute_use import AttributeRow
from .instrumentation_score import Answered, Score
from .observation import Found
from .proposals import KINDS
from .score_rules import RULES
from .told_savings import Savings, Told, percent_words, shares_in_words, smaller_lines, untold_line


def savings_lines(savings: Savings) -> Iterator[str]:
    """Yield everything as a person reads it in a terminal."""
    found = savings.found
    counted = [items_in_words(signal, came.items) for signal, came in found.came.items()]
    yield f"savings of {savings.name} from {', '.join(counted)}, {readable_size(found.size)} of JSON"
    for number, told in enumerate(savings.told, 1):
        yield f"{number}. {told.title}"
        yield from (f"    {line}" for line in _details(found, told))
    yield from (f"less: {line}" for line in smaller_lines(found))
    yield "attributes by bytes and by different values:"
    yield from (f"    {_attribute_line(found, row)}" for row in found.attributes)
    yield from (f"not told: {untold_line(untold)}" for untold in found.untold)
    for score in savings.scores:
        yield from _score_lines(score)
    yield from _unanswered_lines(savings.scores)
    yield from (f"note: {note}" for note in savings.notes)


def _details(found: Found, told: Told) -> Iterator[str]:
    """Yield the lines below the title of a proposal."""
    yield from _share_lines(found, told)
    if told.proposal.detail:
        yield told.proposal.detail
    if told.yaml:
        yield f"loses: {KINDS[told.proposal.kind].loses}"
        yield from told.yaml.splitlines()


def _share_lines(found: Found, told: Told) -> Iterator[str]:
    """Yield the estimated and the measured shares of each signal."""
    for signal, (items, size) in found.shares(told.proposal).items():
        parts = [shares_in_words(signal, items, size)]
        measured = told.measured.get(signal)
        if measured:
            shown = shares_in_words(signal, measured.items, measured.size)
            parts.append(f"measured {shown}, {percent_words(measured.sent)} of bytes as sent")
        yield f"{signal}: {'; '.join(parts)}"
    if told.why_not_measured:
        yield f"not measured: {told.why_not_measured}"


def _attribute_line(found: Found, row: AttributeRow) -> str:
    """Return the bytes and the values of an attribute in words."""
    least = "" if row.are_all_values else "at least "
    share = percent_words(row.size / found.size)
    return f"{row.name}: {readable_size(row.size)} ({share}), {least}{row.values:,} values in {row.occurrences:,}"


def _score_lines(score: Score) -> Iterator[str]:
    """Yield the score of a service, and each rule that lowers it."""
    yield _score_title(score)
    yield from (f"    {answered.rule.id} not kept: {_rule_line(answered)}" for answered in score.of(False))


def _unanswered_lines(scores: Iterable[Score]) -> Iterator[str]:
    """Yield each rule that is not answered, once for all services of which the reason is the same."""
    services: dict[Answered, list[str]] = {}
    for score in scores:
        for answered in score.of(None):
            services.setdefault(answered, []).append(score.service or "telemetry without service.name")
    for answered, named in services.items():
        yield f"{answered.rule.id} not answered for {', '.join(named)}: {answered.verdict.why}"


def _score_title(score: Score) -> str:
    """Return the score of a service in words, with how many rules it is of."""
    name = score.service or "telemetry without service.name"
    answered = len(RULES) - len(score.of(None))
    of_rules = f"from {answered} of {len(RULES)} rules"
    if score.points is None:
        return f"instrumentation of {name}: no score: the capture answers no rule"
    return f"instrumentation of {name}: {score.points:.0f} of 100, {score.category}, {of_rules}"


def _rule_line(answered: Answered) -> str:
    """Return what a rule asks for, and why a service does not keep it."""
    return f"{answered.rule.asks} ({answered.rule.impact.lower()}): {answered.verdict.why}"
