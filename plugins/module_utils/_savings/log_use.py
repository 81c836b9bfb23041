# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log records that are worth dropping: debug logs, repeated templates, errors that repeat. Private.

`observation.py` adds each log record to `LogUse`, and asks it for proposals in the end (see proposals.py). A template
is a body without the parts that differ from record to record. Example: the records `user 17 logged in` and `user 4
logged in` have the template `user <*> logged in`. If there are ten or more of them, the proposal is a filter that drops
them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from .._otelcol.forecast.text_templates import make_template
from . import proposals
from .captured_records import NO_AMOUNT, Amount, ReadableValues, Record
from .ottl_texts import build_template_pattern, quote_literal
from .proposals import CaptureGap, SavingProposal
from .record_enumerations import read_severity_level
from .removal_options import ProcessorOption, build_filter_option, build_noise_recipe

LEAST_REPEATS = 10
"""A template of fewer records is not called repeated."""
MOST_TEMPLATES = 10_000
"""So many templates are counted; the records of others are counted as not looked at."""
_WITHOUT_SEVERITY = "without a severity"
_DEBUG_LEVELS = ("TRACE", "DEBUG")
_ERROR_LEVELS = ("ERROR", "FATAL")
# Of records that are alike, this keeps the first of each interval, with their count.
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
        self._debug_amount = NO_AMOUNT
        self._amount_by_template: dict[LogTemplate, Amount] = defaultdict(lambda: NO_AMOUNT)
        # The templates with other records than debug logs. Debug logs have a proposal of their own.
        self._templates_above_debug: set[LogTemplate] = set()
        # How many records were not looked at, by a description of them, such as `whose body is no text`.
        self._left_out: Counter[str] = Counter()

    def add_record(self, record: Record) -> None:
        """Count a log record."""
        level = read_severity_level(record.body)
        if not level:
            self._left_out[_WITHOUT_SEVERITY] += 1
        if level in _DEBUG_LEVELS:
            self._debug_amount = self._debug_amount.plus(1, record.size_bytes)
        body_text = (record.body.get("body") or {}).get("stringValue")
        if body_text is None:
            self._left_out["whose body is no text"] += 1
            return
        template = LogTemplate(level in _ERROR_LEVELS, make_template(body_text))
        if template not in self._amount_by_template and len(self._amount_by_template) >= MOST_TEMPLATES:
            self._left_out[f"of further templates than {MOST_TEMPLATES:,}"] += 1
            return
        self._amount_by_template[template] = self._amount_by_template[template].plus(1, record.size_bytes)
        if level not in _DEBUG_LEVELS:
            self._templates_above_debug.add(template)

    def find_outcomes(self) -> Iterator[SavingProposal | CaptureGap]:
        """Yield the proposals about log records, and what the capture does not show."""
        if self._debug_amount.item_count:
            option = build_noise_recipe(minimum_severity="info")
            yield SavingProposal(proposals.DEBUG_LOGS, "below INFO", {"logs": self._debug_amount}, option)
        for template, amount in self._amount_by_template.items():
            if amount.item_count >= LEAST_REPEATS and template in self._templates_above_debug:
                yield _propose_template(template, amount)
        for description, number in self._left_out.items():
            kind = proposals.DEBUG_LOGS if description == _WITHOUT_SEVERITY else proposals.LOG_TEMPLATES
            yield CaptureGap(kind, f"{number:,} log records {description} were not looked at")
        if self._readable.is_masked and self._amount_by_template:
            reason = "bodies are masked: templates that differ in masked words alone count as one"
            yield CaptureGap(proposals.LOG_TEMPLATES, reason)


def _propose_template(template: LogTemplate, amount: Amount) -> SavingProposal:
    """Return the proposal to drop the records of a template, or all errors of one but the first of an interval."""
    if template.is_error:
        # The estimate takes the whole capture for one interval: the first record stays.
        removed_count = amount.item_count - 1
        removed = Amount(removed_count, amount.size_bytes * removed_count // amount.item_count)
        return SavingProposal(proposals.REPEATED_ERRORS, template.text, {"logs": removed}, _DEDUPLICATE_ERRORS)
    pattern = build_template_pattern(template.text)
    if not pattern:
        detail = "no filter: the template has too few common words to tell its records from others"
        return SavingProposal(proposals.LOG_TEMPLATES, template.text, {"logs": amount}, None, detail)
    # An error with the same text is not dropped: it has a template of its own, with is_error.
    condition = f"IsMatch(log.body, {quote_literal(pattern)}) and log.severity_number < SEVERITY_NUMBER_ERROR"
    option = build_filter_option("templates", "logs", "log_record", condition)
    return SavingProposal(proposals.LOG_TEMPLATES, template.text, {"logs": amount}, option)
