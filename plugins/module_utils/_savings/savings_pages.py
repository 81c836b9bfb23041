# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping, as lines of text, as Markdown and as data. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.forecast.pages import readable_size
from .._otelcol.otlp_requests import ITEM_NOUNS, items_in_words
from .._otelcol.rules.reports import markdown_code
from .attribute_use import AttributeRow
from .instrumentation_score import Answered, Score
from .measured_shares import Shares
from .observation import MOST_OF_KIND, Found
from .proposals import KINDS, Proposal, Untold
from .score_rules import RULES

_LONGEST = 200


@dataclass(frozen=True)
class Told:
    """A proposal with what a user pastes, and with the shares that were measured.

    `why_not_measured` says why there are none.
    """

    proposal: Proposal
    pasted: Mapping[str, Any] = field(default_factory=dict)
    yaml: str = ""
    measured: Mapping[str, Shares] = field(default_factory=dict)
    why_not_measured: str = ""

    @property
    def title(self) -> str:
        """What it is about, in one line."""
        subject = self.proposal.subject
        short = subject if len(subject) <= _LONGEST else f"{subject[:_LONGEST]}…"
        return f"{KINDS[self.proposal.kind].title}: {short}"


@dataclass(frozen=True)
class Savings:
    """What is told of a capture."""

    name: str
    found: Found
    told: tuple[Told, ...]
    scores: tuple[Score, ...]
    notes: tuple[str, ...]


def as_data(savings: Savings) -> dict[str, Any]:
    """Return everything as a task result and as a file of JSON have it."""
    found = savings.found
    return {
        "captured": {signal: {"items": came.items, "bytes": came.size} for signal, came in found.came.items()},
        "proposals": [_proposal_data(found, told) for told in savings.told],
        "attributes": [row._asdict() for row in found.attributes],
        "not_told": [{"kind": untold.kind, "why": untold.why} for untold in found.untold],
        "scores": [_score_data(score) for score in savings.scores],
        "notes": list(savings.notes),
    }


def _proposal_data(found: Found, told: Told) -> dict[str, Any]:
    proposal = told.proposal
    estimated = {
        signal: {"items_percent": round(100 * items, 2), "bytes_percent": round(100 * size, 2)}
        for signal, (items, size) in found.shares(proposal).items()
    }
    return {
        "kind": proposal.kind,
        "subject": proposal.subject,
        "detail": proposal.detail,
        "loses": KINDS[proposal.kind].loses,
        "estimated": estimated,
        "measured": {signal: shares.as_dict() for signal, shares in told.measured.items()},
        "not_measured": told.why_not_measured,
        "option": dict(told.pasted),
    }


def _score_data(score: Score) -> dict[str, Any]:
    return {
        "service": score.service,
        "score": None if score.points is None else round(score.points, 2),
        "category": score.category,
        "rules": {
            answered.rule.id: {
                "impact": answered.rule.impact,
                "kept": answered.verdict.kept,
                "why": answered.verdict.why,
            }
            for answered in score.answered
        },
    }


def text_lines(savings: Savings) -> Iterator[str]:
    """Yield everything as a person reads it in a terminal."""
    found = savings.found
    counted = [items_in_words(signal, came.items) for signal, came in found.came.items()]
    yield f"savings of {savings.name} from {', '.join(counted)}, {readable_size(found.size)} of JSON"
    for number, told in enumerate(savings.told, 1):
        yield f"{number}. {told.title}"
        yield from (f"    {line}" for line in _details(found, told))
    yield from (f"less: {line}" for line in _smaller(found))
    yield "attributes by bytes and by different values:"
    yield from (f"    {_attribute_line(found, row)}" for row in found.attributes)
    yield from (f"not told: {_untold_line(untold)}" for untold in found.untold)
    for score in savings.scores:
        yield from _score_lines(score)
    yield from _unanswered_lines(savings.scores)
    yield from (f"note: {note}" for note in savings.notes)


def _details(found: Found, told: Told) -> Iterator[str]:
    yield from _share_lines(found, told)
    if told.proposal.detail:
        yield told.proposal.detail
    if told.yaml:
        yield f"loses: {KINDS[told.proposal.kind].loses}"
        yield from told.yaml.splitlines()


def _share_lines(found: Found, told: Told) -> Iterator[str]:
    """Yield the estimated and the measured shares of each signal."""
    for signal, (items, size) in found.shares(told.proposal).items():
        parts = [_shares_in_words(signal, items, size)]
        measured = told.measured.get(signal)
        if measured:
            shown = _shares_in_words(signal, measured.items, measured.size)
            parts.append(f"measured {shown}, {_percent(measured.sent)} of bytes as sent")
        yield f"{signal}: {'; '.join(parts)}"
    if told.why_not_measured:
        yield f"not measured: {told.why_not_measured}"


def _shares_in_words(signal: str, items: float, size: float) -> str:
    of_items = f"{_percent(items)} of {ITEM_NOUNS[signal]}, " if items else ""
    return f"{of_items}{_percent(size)} of bytes"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _smaller(found: Found) -> Iterator[str]:
    if not found.proposals:
        yield "no proposal reaches the least share of bytes"
    if found.smaller:
        least = f"below the least share of bytes, or of a kind with {MOST_OF_KIND} that are larger"
        smaller = "1 proposal is" if found.smaller == 1 else f"{found.smaller:,} proposals are"
        yield f"{smaller} {least}"


def _attribute_line(found: Found, row: AttributeRow) -> str:
    least = "" if row.are_all_values else "at least "
    share = _percent(row.size / found.size)
    return f"{row.name}: {readable_size(row.size)} ({share}), {least}{row.values:,} values in {row.occurrences:,}"


def _score_lines(score: Score) -> Iterator[str]:
    """Yield the score of a service, and each rule that lowers it."""
    yield score_title(score)
    yield from (f"    {answered.rule.id} not kept: {_rule_line(answered)}" for answered in score.of(False))


def _unanswered_lines(scores: Iterable[Score]) -> Iterator[str]:
    """Yield each rule that is not answered, once for all services of which the reason is the same."""
    services: dict[Answered, list[str]] = {}
    for score in scores:
        for answered in score.of(None):
            services.setdefault(answered, []).append(score.service or "telemetry without service.name")
    for answered, named in services.items():
        yield f"{answered.rule.id} not answered for {', '.join(named)}: {answered.verdict.why}"


def score_title(score: Score) -> str:
    """Return the score of a service in words, with how many rules it is of."""
    name = score.service or "telemetry without service.name"
    answered = len(RULES) - len(score.of(None))
    of_rules = f"from {answered} of {len(RULES)} rules"
    if score.points is None:
        return f"instrumentation of {name}: no score: the capture answers no rule"
    return f"instrumentation of {name}: {score.points:.0f} of 100, {score.category}, {of_rules}"


def _rule_line(answered: Answered) -> str:
    return f"{answered.rule.asks} ({answered.rule.impact.lower()}): {answered.verdict.why}"


def markdown(savings: Savings) -> str:
    """Return everything for a pull request or a wiki."""
    lines = [f"### Savings of {markdown_code(savings.name)}", ""]
    lines += ["| | proposal | estimated | measured |", "|---|---|---|---|"]
    lines += [_row(savings.found, number, told) for number, told in enumerate(savings.told, 1)]
    lines += ["", *(f"- {markdown_code(line)}" for line in _smaller(savings.found)), ""]
    for number, told in enumerate(savings.told, 1):
        if told.yaml:
            # Four spaces make code of any text; a fence ends where the text has one.
            lines += [f"Option of {number}. {KINDS[told.proposal.kind].loses}", ""]
            lines += [*(f"    {line}" for line in told.yaml.splitlines()), ""]
    lines += [f"- not told: {markdown_code(_untold_line(untold))}" for untold in savings.found.untold]
    lines += ["", "| service | score | not kept | not answered |", "|---|---|---|---|"]
    lines += [_score_row(score) for score in savings.scores]
    lines += ["", *(f"- {markdown_code(note)}" for note in savings.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _untold_line(untold: Untold) -> str:
    return f"{KINDS[untold.kind].title}: {untold.why}"


def _row(found: Found, number: int, told: Told) -> str:
    shares = found.shares(told.proposal).items()
    estimated = [f"{signal}: {_shares_in_words(signal, items, size)}" for signal, (items, size) in shares]
    measured = [
        f"{signal}: {_shares_in_words(signal, told.measured[signal].items, told.measured[signal].size)}, "
        f"{_percent(told.measured[signal].sent)} as sent"
        for signal in told.proposal.removed
        if signal in told.measured
    ]
    shown = "; ".join(measured) or told.why_not_measured
    return f"| {number} | {markdown_code(told.title)} | {'; '.join(estimated)} | {shown} |"


def _score_row(score: Score) -> str:
    points = "none" if score.points is None else f"{score.points:.0f} {score.category}"
    broken = ", ".join(answered.rule.id for answered in score.of(False))
    unknown = ", ".join(answered.rule.id for answered in score.of(None))
    return f"| {markdown_code(score.service or '-')} | {points} | {broken} | {unknown} |"
