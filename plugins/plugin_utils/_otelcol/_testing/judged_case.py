# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one test of a config passes: runs its Collector, and compares what left it with what the test expects.

A test without expectations gets planted records (planted_records.py), and is judged by the invariants (invariants.py):
no record is lost or made up, and no planted secret leaves. A job is a test with all that its run needs. Private.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config.masking import mask_and_clean
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing import (
    expectations,
    invariants,
    planted_records,
    policies,
    records,
    scrapes,
    traced_steps,
)
from .. import _jmespath
from .bench import Bench, BenchOutcome, run_case
from .config_jobs import ConfigJob
from .golden_files import GoldenFile
from .guard import guard_run
from .run_results import CaseResult


@dataclass
class _Judgement:
    """What has been found of one test so far. Each difference is a line; a test without differences passes."""

    notes: Sequence[str]
    differences: list[str] = field(default_factory=list)
    golden_paths: list[str] = field(default_factory=list)
    """Golden files that were written."""


def judge_case(job: ConfigJob) -> CaseResult:
    """Return the result of one test. If it cannot run, the reason is its difference, so that the others still run."""
    start = time.monotonic()
    result = _run_and_judge(job)
    return replace(result, seconds=time.monotonic() - start)


def _run_and_judge(job: ConfigJob) -> CaseResult:
    """Return what one test found, without its time. No text shows a secret of the bench."""
    mask_secrets = job.bench.hide_secrets
    file, name = job.suite.file, job.case.name
    try:
        plan = None if job.case.expected_by_exporter else planted_records.plant_records(job.bench.config)
        if plan:
            job = _plant_records(job, plan)
        outcome = run_case(job.bench, job.case)
    except Problem as problem:
        return CaseResult(file, name, (mask_secrets(str(problem)),))
    judgement = _judge_outcome(job, plan, outcome)
    judgement.differences += policies.find_policy_breaches(job.policies, _records_at_exporters(outcome))
    trace = traced_steps.trace_steps(job.bench.config, outcome.arrived_records) if job.bench.is_traced else ()
    return CaseResult(
        file,
        name,
        tuple(mask_and_clean(line, mask=mask_secrets) for line in judgement.differences),
        changes=outcome.changes,
        trace_lines=tuple(mask_and_clean(line, mask=mask_secrets) for line in trace),
        golden_paths=tuple(judgement.golden_paths),
        notes=tuple(mask_and_clean(line, mask=mask_secrets) for line in judgement.notes),
    )


def _plant_records(job: ConfigJob, plan: planted_records.PlantingPlan) -> ConfigJob:
    """Return a test that gives the planted records, and sees what left each component."""
    return job._replace(bench=replace(job.bench, is_traced=True), case=replace(job.case, given=plan.given_parts))


def _records_at_exporters(outcome: BenchOutcome) -> dict[str, Mapping[str, list[records.Record]]]:
    """Return what left the config, by exporter; a trace shows what left other components too."""
    return {
        exporter: outcome.arrived_records[exporter]
        for exporter in outcome.exporters
        if exporter in outcome.arrived_records
    }


def _judge_outcome(job: ConfigJob, plan: planted_records.PlantingPlan | None, outcome: BenchOutcome) -> _Judgement:
    """Return what differs from what a test expects, or what its planted records show."""
    judgement = _Judgement(outcome.notes)
    try:
        with guard_run("comparing what arrived", job.case.where):
            if plan:
                judgement.differences, judgement.notes = invariants.judge_invariants(
                    job.bench.config, plan, outcome.arrived_records, outcome.exporters
                )
            else:
                _compare_with_expected(job, outcome, judgement)
    except Problem as problem:
        judgement.differences = [str(problem)]
    return judgement


def _compare_with_expected(job: ConfigJob, outcome: BenchOutcome, judgement: _Judgement) -> None:
    """Add what differs from the expectations of a test to a judgement. Raises Problem for one that cannot be judged."""
    is_scraped = any("pages" in part for part in job.case.given)
    ignored_metrics = scrapes.OWN_METRICS if is_scraped else ()
    for exporter, expected in job.case.expected_by_exporter.items():
        arrived = outcome.arrived_records.get(exporter, {})
        judgement.differences += _find_query_differences(exporter, expected, arrived)
        if isinstance(expected, str) or "golden" not in expected:
            judgement.differences += expectations.list_record_differences(exporter, expected, arrived, ignored_metrics)
        else:
            path = Path(job.suite.file).parent / str(expected["golden"])
            _compare_golden(GoldenFile(exporter, path, arrived, ignored_metrics), job.bench, judgement)


def _compare_golden(golden: GoldenFile, bench: Bench, judgement: _Judgement) -> None:
    """Add what differs from a golden file to a judgement, or write the file anew if the run is to do that."""
    golden.check_path(bench.golden_folders)
    differences = golden.list_differences()
    if differences and bench.may_update_golden:
        golden.write_file(bench)
        judgement.golden_paths.append(str(golden.path))
    else:
        judgement.differences += differences


def _find_query_differences(
    exporter: str, expected: Any, arrived: Mapping[str, Sequence[records.Record]]
) -> Iterator[str]:
    """Yield a line for each JMESPath expression of a test whose answer is not the expected one."""
    queries = expected.get("jmespath", ()) if isinstance(expected, Mapping) else ()
    arrived_by_signal = {signal: list(arrived.get(signal, ())) for signal in records.SIGNALS}
    for query in queries:
        _jmespath.check_expression(query["query"], exporter)
        jmespath = _jmespath.load_library()
        try:
            answer = jmespath.search(query["query"], arrived_by_signal)
        except jmespath.exceptions.JMESPathError as error:  # it does not fit what arrived
            yield f"{exporter}: {query['query']}: {error}"
            continue
        if answer != query["is"]:
            yield f"{exporter}: {query['query']}: expected {query['is']!r}, got {answer!r}"
