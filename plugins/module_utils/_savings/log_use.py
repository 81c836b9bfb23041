# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log records that are worth dropping: debug logs, repeated templates, errors that repeat. Private."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from .._otelcol.forecast.text_templates import template_of
from . import proposals
from .captured_records import NOTHING, Amount, Readable, Record, level_of
from .ottl_texts import pattern_of, quoted
from .proposals import Option, Proposal, Untold, drop_noise, filtered

LEAST_REPEATS = 10
"""A template of fewer records is not called repeated."""
MOST_TEMPLATES = 10_000
"""So many templates are counted; the records of others are counted as not looked at."""
_LOW, _HIGH = ("TRACE", "DEBUG"), ("ERROR", "FATAL")
_DEDUPLICATED = Option(
    processor="log_dedup/errors",
    settings={"interval": "60s", "conditions": ["severity_number >= SEVERITY_NUMBER_ERROR"]},
    signals=("logs",),
    by_time=True,
)


class Template(NamedTuple):
    """What records have in common: whether they are errors, and the template of their bodies."""

    is_error: bool
    text: str


class LogUse:
    """The log records of a capture."""

    def __init__(self, readable: Readable) -> None:
        self._readable = readable
        self._low = NOTHING
        self._templates: dict[Template, Amount] = defaultdict(lambda: NOTHING)
        # Those with other records than debug logs, which are proposed by themselves.
        self._above_debug: set[Template] = set()
        self._left_out: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        """Count a log record."""
        level = level_of(record.body)
        if not level:
            self._left_out["without a severity"] += 1
        if level in _LOW:
            self._low = self._low.plus(1, record.size)
        body = (record.body.get("body") or {}).get("stringValue")
        if body is None:
            self._left_out["whose body is no text"] += 1
            return
        key = Template(level in _HIGH, template_of(body))
        if key in self._templates or len(self._templates) < MOST_TEMPLATES:
            self._templates[key] = self._templates[key].plus(1, record.size)
            if level not in _LOW:
                self._above_debug.add(key)
        else:
            self._left_out[f"of further templates than {MOST_TEMPLATES:,}"] += 1

    def outcomes(self) -> Iterator[Proposal | Untold]:
        """Yield what is worth dropping."""
        if self._low.items:
            option = drop_noise(minimum_severity="info")
            yield Proposal(proposals.DEBUG, "below INFO", {"logs": self._low}, option)
        for key, amount in self._templates.items():
            if amount.items >= LEAST_REPEATS and key in self._above_debug:
                yield _of_template(key, amount)
        for which, number in self._left_out.items():
            kind = proposals.DEBUG if which == "without a severity" else proposals.TEMPLATES
            yield Untold(kind, f"{number:,} log records {which} were not looked at")
        if self._readable.is_masked and self._templates:
            why = "bodies are masked: templates that differ in masked words alone count as one"
            yield Untold(proposals.TEMPLATES, why)


def _of_template(key: Template, amount: Amount) -> Proposal:
    if key.is_error:
        # All but the first go within an interval.
        removed = Amount(amount.items - 1, amount.size * (amount.items - 1) // amount.items)
        return Proposal(proposals.ERRORS, key.text, {"logs": removed}, _DEDUPLICATED)
    pattern = pattern_of(key.text)
    if not pattern:
        detail = "no filter: the template has too few common words to tell its records from others"
        return Proposal(proposals.TEMPLATES, key.text, {"logs": amount}, None, detail)
    condition = f"IsMatch(log.body, {quoted(pattern)}) and log.severity_number < SEVERITY_NUMBER_ERROR"
    option = filtered("templates", "logs", "log_record", condition)
    return Proposal(proposals.TEMPLATES, key.text, {"logs": amount}, option)
