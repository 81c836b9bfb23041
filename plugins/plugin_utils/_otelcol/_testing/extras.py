# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of tests finds on request, beside whether they pass. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from . import comparing, coverage, propose
from .config_jobs import ConfigJob


def extra_facts(
    arguments: Mapping[str, Any],
    jobs: Sequence[ConfigJob],
    untested: Sequence[ConfigJob],
    pool: Executor,
    check: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Return facts for the result of the task, and lines for the report. Raises Problem if a file is another's."""
    facts: dict[str, Any] = {}
    lines: list[str] = []
    if arguments.get("compare"):
        facts["compared"] = comparing.compare_tests([*jobs, *untested], arguments, pool)
        lines += comparing.comparison_lines(facts["compared"])
    folder = arguments.get("propose_path")
    if not arguments.get("coverage") and not folder:
        return facts, lines
    covered = coverage.measured_coverage(jobs, pool)
    facts["coverage"] = [row for one in covered for row in one.rows()]
    lines += coverage.coverage_lines(facts["coverage"])
    if folder:
        rows = propose.proposed_cases(covered, pool)
        facts["changed"] = propose.write_proposals(rows, covered, Path(folder), check)
        facts["proposed"] = [{key: value for key, value in row.items() if key != "config"} for row in rows]
        lines += propose.proposal_lines(rows)
    return facts, lines
