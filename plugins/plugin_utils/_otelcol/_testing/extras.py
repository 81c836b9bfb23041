# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of tests finds on request, beside whether they pass.

| option | what is found | file |
|---|---|---|
| `compare` | what differs with another config or Collector | comparing.py |
| `coverage` | which branches of configs no test takes | coverage.py |
| `propose_path` | tests for these branches | propose.py, proposed_files.py |

config_tests.py asks for it after the tests. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from . import comparing, coverage, propose, proposed_files
from .result_rows import CoverageRow, ExtraFacts
from .run_results import ExtraResult
from .scheduled_cases import ScheduledCase


def find_extra_facts(
    arguments: Mapping[str, Any],
    tests: Sequence[ScheduledCase],
    comparisons: Sequence[ScheduledCase],
    pool: Executor,
    check: bool,
) -> ExtraResult:
    """Return facts for the result of the task, and lines for the report. Runs Collectors in `pool`.

    `arguments` are those of `pipeline_test`. `comparisons` are cases of collectors without tests, which are only
    compared. Raises Problem if a file of proposed tests would replace one of the user.
    """
    facts: ExtraFacts = {}
    lines: list[str] = []
    if arguments.get("compare"):
        facts["compared"] = comparing.compare_tests([*tests, *comparisons], arguments, pool)
        lines += comparing.format_comparison(facts["compared"])
    folder = arguments.get("propose_path")
    if not arguments.get("coverage") and not folder:
        return ExtraResult(facts, lines)
    covered_configs = coverage.measure_coverage(tests, pool)
    coverage_rows: list[CoverageRow] = []
    for covered_config in covered_configs:
        coverage_rows += covered_config.list_rows()
    facts["coverage"] = coverage_rows
    lines += coverage.format_coverage(coverage_rows)
    if folder:
        proposals = propose.propose_cases(covered_configs, pool)
        facts["changed"] = proposed_files.write_proposals(proposals, covered_configs, Path(folder), check)
        facts["proposed"] = [proposal.as_dict() for proposal in proposals]
        lines += proposed_files.format_proposals(proposals)
    return ExtraResult(facts, lines)
