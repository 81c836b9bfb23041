# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of a canary: what its checks find in reading after reading, and what of that lasts. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..._diagnose.diagnose_checks import Check, CheckFinding, Search, run_checks
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.config.paths import parse_amount
from ..._otelcol.errors import Problem


class Verdict(NamedTuple):
    """What a check has found: in words, canary against rest."""

    check_id: str
    subject: str
    text: str
    fix: str

    @property
    def fault_key(self) -> tuple[str, str]:
        """What it found, whatever the figures."""
        return self.check_id, self.subject

    @property
    def one_line_text(self) -> str:
        """The verdict in one line, with the fix."""
        line = f"[{self.check_id}] {self.text.rstrip('.')}."
        return f"{line} {self.fix}" if self.fix else line


class _FindingKey(NamedTuple):
    """By what a finding of one reading is that of the next one."""

    check: str
    name: str
    signal: str
    error_kind: str
    """Of an error in a log: a component may have several."""

    @classmethod
    def of(cls, finding: CheckFinding) -> _FindingKey:
        row = finding.found_fields
        about = finding.subject or str(row.get("name") or row.get("value") or "")
        return cls(finding.check.id, about, str(row.get("signal") or ""), str(row.get("error_kind") or ""))


class Judge:
    """Judges reading after reading: a check fails if it finds the same twice in a row, and what `grows` has grown."""

    def __init__(self, search: Search, checks: Sequence[Check], mask: Callable[[str], str]) -> None:
        self._known_search, self._checks, self._mask = search, checks, mask
        # Why checks of the user do not fit, each reason once.
        self.unfit: dict[str, None] = {}
        # The least count of what the last reading has found: what a check finds twice must have grown since.
        self._least_counts: dict[_FindingKey, float] = {}

    def _search(self, expression: str, facts: Any) -> Any:
        try:
            return self._known_search(expression, facts)
        except Problem as problem:  # of a user's check: it judges nothing, and the user reads why
            self.unfit[str(problem)] = None
            return None

    def find_verdicts(self, facts: Mapping[str, Any]) -> list[Verdict]:
        """Return what lasts."""
        lasting_verdicts: list[Verdict] = []
        least_counts: dict[_FindingKey, float] = {}
        for finding in run_checks(self._search, self._checks, facts):
            finding_key = _FindingKey.of(finding)
            grows = finding.check.growing_field
            count = parse_amount(str(finding.found_fields.get(grows) or 0)) if grows else 0.0
            previous_least = self._least_counts.get(finding_key)
            if previous_least is None:
                least_counts[finding_key] = count
                continue
            least_counts[finding_key] = min(previous_least, count)
            if not grows or count > previous_least:
                lasting_verdicts.append(self._build_verdict(finding, finding_key.name))
        self._least_counts = least_counts
        return lasting_verdicts

    def _build_verdict(self, finding: CheckFinding, name: str) -> Verdict:
        """Return a finding in words that show no secret."""
        about = mask_and_clean(name, mask=self._mask)
        text = mask_and_clean(finding.message, mask=self._mask)
        return Verdict(finding.check.id, about, text, mask_and_clean(finding.fix, mask=self._mask))
