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
from ..._otelcol.kube.objects import Ref
from .judge import Verdict


class PassedChecks:
    """What the observations of one change passed, one after the other."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._check_ids = [check.id for check in checks]
        # The checks for which no observation had anything to compare.
        self._unjudged = set(self._check_ids)
        self._observations: list[str] = []
        self._has_limits = False

    def add(self, observation: str, unjudged: set[str], *, is_limited: bool) -> None:
        """Note an observation, by words such as `the collector for 30 s`, and the checks that it could not judge."""
        self._observations.append(observation)
        self._unjudged &= unjudged
        self._has_limits = self._has_limits or is_limited

    def verdict(self) -> str:
        """Return what the change passed."""
        count = len(self._check_ids) - len(self._unjudged)
        verdict = f"its change passed {count} checks: {', then '.join(self._observations)}"
        unjudged = [check_id for check_id in self._check_ids if check_id in self._unjudged]
        if unjudged:
            verdict += f"; not judged, because nothing could be compared: {', '.join(unjudged)}"
        if self._has_limits:
            verdict += "; the warnings say what limits this"
        return verdict


def failure_line(verdicts: Iterable[Verdict], who: str) -> str:
    """Return in one line which checks failed; `who` is what does worse."""
    failed_checks = dict.fromkeys(verdict.id for verdict in verdicts)
    return f"its change failed, {who} does worse than before: {', '.join(failed_checks)}"


def failure_of(verdicts: Sequence[Verdict], who: str, seconds: float, workload: Ref) -> Failure:
    """Return the failure of a change, seen after so many seconds: the first verdict, with the others as its fix."""
    first, *others = verdicts
    lines = [first.fix] if first.fix else []
    lines += [verdict.line for verdict in others]
    lines.append(f"If a check does not fit, leave it out with `change: {{skip_checks: [{first.id}]}}`.")
    failures = [_failure_row(verdict, workload) for verdict in verdicts]
    wrong = f"{who} does worse than before, seen after {round(seconds)} s: [{first.id}] {first.text}"
    return Failure(wrong, asked=f"Change {workload}", fix="\n".join(lines), facts={"failures": failures})


def _failure_row(verdict: Verdict, workload: Ref) -> dict[str, Any]:
    """Return a verdict as a row of a task's result."""
    said = {"about": verdict.about, "message": verdict.text, "fix": verdict.fix}
    return {"id": verdict.id, **workload._asdict(), **said}
