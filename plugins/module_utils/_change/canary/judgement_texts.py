# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says about the judgement of a changed collector: what it passed, or what does worse. Private.

A change that passed: `its change passed 13 checks: the canary (1 of 3 pods) for 30 s beside the earlier pods, then the
collector for 30 s beside the readings from before; not judged, because nothing could be compared: all_dropped`.

One that did not: `the canary (1 of 3 pods) does worse than before, seen after 6 s: [exports_fail] exporters/otlp: 40 of
40 spans failed in the canary (100 %), 0 of 900 in the rest (0 %)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..._diagnose.diagnose_checks import Check
from ..._otelcol.errors import Failure
from ..._otelcol.kube.objects import ObjectRef
from .judge import FailedCheck


class PassedChecks:
    """What the observations of one change passed, one after the other."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._check_ids = [check.id for check in checks]
        # The checks for which no observation had anything to compare.
        self._unjudged = set(self._check_ids)
        self._observations: list[str] = []
        self._has_limits = False

    def add_observation(self, observation: str, unjudged: set[str], *, is_limited: bool) -> None:
        """Note an observation, by words such as `the collector for 30 s`, and the checks that it could not judge."""
        self._observations.append(observation)
        # What one observation could judge is judged, even if another one had nothing to compare.
        self._unjudged &= unjudged
        self._has_limits = self._has_limits or is_limited

    def build_summary(self) -> str:
        """Return what the change passed."""
        judged_count = len(self._check_ids) - len(self._unjudged)
        summary = f"its change passed {judged_count} checks: {', then '.join(self._observations)}"
        unjudged_ids = [check_id for check_id in self._check_ids if check_id in self._unjudged]
        if unjudged_ids:
            summary += f"; not judged, because nothing could be compared: {', '.join(unjudged_ids)}"
        if self._has_limits:
            summary += "; the warnings say what limits this"
        return summary


def describe_failure(verdicts: Iterable[FailedCheck], who: str) -> str:
    """Return in one line which checks failed; `who` is what does worse, such as `the canary (1 of 3 pods)`."""
    failed_checks = dict.fromkeys(verdict.check_id for verdict in verdicts)
    return f"its change failed, {who} does worse than before: {', '.join(failed_checks)}"


def build_failure(verdicts: Sequence[FailedCheck], who: str, seconds: float, workload: ObjectRef) -> Failure:
    """Return the failure of a change, seen after so many seconds: the first verdict, with the others as its fix."""
    first_verdict, *other_verdicts = verdicts
    fix_lines = [first_verdict.fix] if first_verdict.fix else []
    fix_lines += [verdict.one_line_text for verdict in other_verdicts]
    fix_lines.append(
        f"If a check does not fit, leave it out with `change: {{skip_checks: [{first_verdict.check_id}]}}`."
    )
    failures = [_build_failure_row(verdict, workload) for verdict in verdicts]
    wrong = (
        f"{who} does worse than before, seen after {round(seconds)} s: [{first_verdict.check_id}] {first_verdict.text}"
    )
    return Failure(wrong, asked=f"Change {workload}", fix="\n".join(fix_lines), facts={"failures": failures})


def _build_failure_row(verdict: FailedCheck, workload: ObjectRef) -> dict[str, Any]:
    """Return a verdict as a row of a task's result."""
    texts = {"about": verdict.subject, "message": verdict.text, "fix": verdict.fix}
    return {"id": verdict.check_id, **workload._asdict(), **texts}
