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


def find_extra_facts(
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
        lines += comparing.format_comparison(facts["compared"])
    folder = arguments.get("propose_path")
    if not arguments.get("coverage") and not folder:
        return facts, lines
    covered_configs = coverage.measure_coverage(jobs, pool)
    facts["coverage"] = [row for config_coverage in covered_configs for row in config_coverage.list_rows()]
    lines += coverage.format_coverage(facts["coverage"])
    if folder:
        rows = propose.propose_cases(covered_configs, pool)
        facts["changed"] = propose.write_proposals(rows, covered_configs, Path(folder), check)
        facts["proposed"] = [{key: value for key, value in row.items() if key != "config"} for row in rows]
        lines += propose.format_proposals(rows)
    return facts, lines
