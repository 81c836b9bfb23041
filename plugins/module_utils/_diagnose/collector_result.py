# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a diagnosis for one collector, out of its facts and the findings of the checks. Private.

The actions of collector_diagnose and host_diagnose call `build_result_row`. `result_rows.py` has the keys of the
result, and `verdict.py` writes its verdict.
"""

from __future__ import annotations

from collections.abc import Sequence

from .diagnose_checks import CheckFinding, Facts
from .result_rows import CollectorResult, ProblemRow
from .verdict import judge_status, write_verdict


def build_result_row(facts: Facts, findings: Sequence[CheckFinding]) -> CollectorResult:
    """Return the result for a collector: the facts that users see, its verdict, and the findings of the checks."""
    return {
        "name": facts["name"],
        "namespace": facts["namespace"],
        "kind": facts["kind"],
        "mode": facts.get("mode"),
        "image": facts.get("image"),
        "pods": facts.get("pods"),
        "ready_text": facts.get("ready_text"),
        "seconds": facts.get("seconds"),
        "receives": facts.get("receives"),
        "processes": facts.get("processes"),
        "exports": facts.get("exports"),
        "services": facts.get("services"),
        "peers": facts.get("peers"),
        "listeners": facts.get("listeners"),
        "certificates": facts.get("certificates"),
        "rights": facts.get("rights"),
        "unseen": facts.get("unseen"),
        "target_allocator": facts.get("target_allocator"),
        "autoscalers": facts.get("autoscalers"),
        "memory": facts.get("memory"),
        "events": facts.get("events"),
        "seen": not facts.get("hidden"),
        "wave": facts.get("wave") or {},
        "status": judge_status(facts, findings),
        "verdict": write_verdict(facts, findings),
        "problems": [_build_problem_row(finding) for finding in findings],
    }


def _build_problem_row(finding: CheckFinding) -> ProblemRow:
    """Return a finding of a check as a row of the result."""
    return {
        "id": finding.check.id,
        "stage": finding.check.stage,
        "severity": finding.check.severity,
        "about": finding.subject,
        "message": finding.message,
        "fix": finding.fix,
    }
