# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log records that are worth dropping: debug logs, repeated templates, errors that repeat. Private.

A template is a body without the parts that differ from record to record. `observation.py` adds each log record to
`LogUse`, and asks it for proposals in the end (see proposals.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from .._otelcol.forecast.text_templates import make_template
from . import proposals
from .captured_records import NO_AMOUNT, Amount, ReadableValues, Record, read_severity_level
from .ottl_texts import build_template_pattern, quote_literal
from .proposals import SavingProposal, UntoldKind
from .removal_options import ProcessorOption, build_filter_option, build_noise_recipe

LEAST_REPEATS = 10
"""A template of fewer records is not called repeated."""
MOST_TEMPLATES = 10_000
"""So many templates are counted; the records of others are counted as not looked at."""
_DEBUG_LEVELS, _ERROR_LEVELS = ("TRACE", "DEBUG"), ("ERROR", "FATAL")
_DEDUPLICATE_ERRORS = ProcessorOption(
    processor="log_dedup/errors",
    settings={"interval": "60s", "conditions": ["severity_number >= SEVERITY_NUMBER_ERROR"]},
    signals=("logs",),
    is_by_time=True,
)


class LogTemplate(NamedTuple):
    """What records have in common: whether they are errors, and the template of their bodies."""

    is_error: bool
    text: str


class LogUse:
    """The log records of a capture."""

    def __init__(self, readable: ReadableValues) -> None:
        self._readable = readable
        self._low = NO_AMOUNT
        self._templates: dict[LogTemplate, Amount] = defaultdict(lambda: NO_AMOUNT)
        # Those with other records than debug logs, which are proposed by themselves.
        self._above_debug: set[LogTemplate] = set()
        self._left_out: Counter[str] = Counter()

    def add_record(self, record: Record) -> None:
        """Count a log record."""
        level = read_severity_level(record.body)
        if not level:
            self._left_out["without a severity"] += 1
        if level in _DEBUG_LEVELS:
            self._low = self._low.plus(1, record.size)
        body_text = (record.body.get("body") or {}).get("stringValue")
        if body_text is None:
            self._left_out["whose body is no text"] += 1
            return
        template = LogTemplate(level in _ERROR_LEVELS, make_template(body_text))
        if template in self._templates or len(self._templates) < MOST_TEMPLATES:
            self._templates[template] = self._templates[template].plus(1, record.size)
            if level not in _DEBUG_LEVELS:
                self._above_debug.add(template)
        else:
            self._left_out[f"of further templates than {MOST_TEMPLATES:,}"] += 1

    def find_outcomes(self) -> Iterator[SavingProposal | UntoldKind]:
        """Yield the proposals about log records, and the kinds that the capture cannot tell."""
        if self._low.item_count:
            option = build_noise_recipe(minimum_severity="info")
            yield SavingProposal(proposals.DEBUG_LOGS, "below INFO", {"logs": self._low}, option)
        for template, amount in self._templates.items():
            if amount.item_count >= LEAST_REPEATS and template in self._above_debug:
                yield _propose_template(template, amount)
        for description, number in self._left_out.items():
            kind = proposals.DEBUG_LOGS if description == "without a severity" else proposals.LOG_TEMPLATES
            yield UntoldKind(kind, f"{number:,} log records {description} were not looked at")
        if self._readable.is_masked and self._templates:
            reason = "bodies are masked: templates that differ in masked words alone count as one"
            yield UntoldKind(proposals.LOG_TEMPLATES, reason)


def _propose_template(template: LogTemplate, amount: Amount) -> SavingProposal:
    if template.is_error:
        # All but the first go within an interval.
        removed = Amount(amount.item_count - 1, amount.size_bytes * (amount.item_count - 1) // amount.item_count)
        return SavingProposal(proposals.REPEATED_ERRORS, template.text, {"logs": removed}, _DEDUPLICATE_ERRORS)
    pattern = build_template_pattern(template.text)
    if not pattern:
        detail = "no filter: the template has too few common words to tell its records from others"
        return SavingProposal(proposals.LOG_TEMPLATES, template.text, {"logs": amount}, None, detail)
    condition = f"IsMatch(log.body, {quote_literal(pattern)}) and log.severity_number < SEVERITY_NUMBER_ERROR"
    option = build_filter_option("templates", "logs", "log_record", condition)
    return SavingProposal(proposals.LOG_TEMPLATES, template.text, {"logs": amount}, option)
