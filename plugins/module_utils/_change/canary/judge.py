# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the checks after each reading of a canary, and keep the faults that last. Private.

One bad reading proves nothing. So a check fails only if it finds the same fault in two readings, one after the other.
For example, `exports_fail` finds that exporter `otlp` has failed to send 40 spans, and three seconds later that it has
failed to send 90. That is a verdict:

    [exports_fail] exporters/otlp: 90 of 90 spans failed in the canary (100 %), 0 of 900 in the rest (0 %). Check …

A check is an expression over the facts of a reading (diagnose_checks.py of _diagnose). A finding is what one check
finds in one reading. A verdict is a finding that lasts. `live/observe.py` and the waves have a judge for each canary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..._diagnose.diagnose_checks import Check, CheckFinding, Search, run_checks
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.config.paths import parse_amount
from ..._otelcol.errors import Problem


class FailedCheck(NamedTuple):
    """A verdict: a check that has found the same fault in two readings."""

    check_id: str
    subject: str
    """The component or the pod, such as `exporters/otlp`."""
    text: str
    """What is wrong: it compares the canary and the rest (the pods with the earlier config) in words."""
    fix: str
    """What the user can do; empty if the check does not say."""

    @property
    def fault_key(self) -> tuple[str, str]:
        """By what two verdicts are about the same fault, whatever the figures in their texts."""
        return self.check_id, self.subject

    @property
    def one_line_text(self) -> str:
        """The verdict in one line, with the fix."""
        line = f"[{self.check_id}] {self.text.rstrip('.')}."
        return f"{line} {self.fix}" if self.fix else line


class _FindingKey(NamedTuple):
    """By what findings of two readings are about the same fault."""

    check_id: str
    subject: str
    """The component that the finding is about, else the name of the pod, else the text that was found."""
    signal: str
    error_kind: str
    """Which error in a log: a component may log several."""

    @classmethod
    def of(cls, finding: CheckFinding) -> _FindingKey:
        fields = finding.found_fields
        subject = finding.subject or str(fields.get("name") or fields.get("value") or "")
        return cls(finding.check.id, subject, str(fields.get("signal") or ""), str(fields.get("error_kind") or ""))


class CanaryJudge:
    """Judges reading after reading.

    A check fails if it finds the same in two readings in a row. If the check has a growing field, such as `failed`,
    this count must also be larger now than the least since the fault was first found: what went wrong once undoes no
    change. The least counts, because a count may fall when a pod restarts.
    """

    def __init__(self, search: Search, checks: Sequence[Check], mask: Callable[[str], str]) -> None:
        self._evaluate = search
        self._checks = checks
        self._mask = mask
        # Why checks of the user cannot be evaluated, each reason once, as keys in their order; the values say nothing.
        self.unfit: dict[str, None] = {}
        # What the last reading has found, with the least count of each growing field since the fault was first found.
        self._least_counts: dict[_FindingKey, float] = {}

    def _search(self, expression: str, facts: Any) -> Any:
        """Return what a check finds in the facts. A check whose expression does not fit finds nothing, and is noted."""
        try:
            return self._evaluate(expression, facts)
        except Problem as problem:  # of a user's check: it judges nothing, and the user reads why
            self.unfit[str(problem)] = None
            return None

    def find_verdicts(self, facts: Mapping[str, Any]) -> list[FailedCheck]:
        """Return the faults that this reading has in common with the last one. `facts` are `ComparisonFacts`."""
        lasting_verdicts: list[FailedCheck] = []
        least_counts: dict[_FindingKey, float] = {}
        for finding in run_checks(self._search, self._checks, facts):
            finding_key = _FindingKey.of(finding)
            count = _read_growing_count(finding)
            previous_least = self._least_counts.get(finding_key)
            if previous_least is None:
                least_counts[finding_key] = count
                continue
            least_counts[finding_key] = min(previous_least, count)
            must_grow = bool(finding.check.growing_field)
            if not must_grow or count > previous_least:
                lasting_verdicts.append(self._build_verdict(finding, finding_key.subject))
        self._least_counts = least_counts
        return lasting_verdicts

    def _build_verdict(self, finding: CheckFinding, subject: str) -> FailedCheck:
        """Return a finding in words that show no secret."""
        return FailedCheck(
            check_id=finding.check.id,
            subject=mask_and_clean(subject, mask=self._mask),
            text=mask_and_clean(finding.message, mask=self._mask),
            fix=mask_and_clean(finding.fix, mask=self._mask),
        )


def _read_growing_count(finding: CheckFinding) -> float:
    """Return the count that must grow from one reading to the next; 0 if the check has no such field."""
    growing_field = finding.check.growing_field
    return parse_amount(str(finding.found_fields.get(growing_field) or 0)) if growing_field else 0.0
