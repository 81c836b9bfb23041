# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one test of a config passes: runs its Collector, and compares what left it with what the test expects.

config_tests.py calls `judge_case` for each case of a run. A test without expectations gets planted records
(planted_records.py), and is judged by the invariants (invariants.py): no record is lost or made up, and no planted
secret leaves. An example of a difference, which fails the test::

    otlp_grpc/backend: spans: not expected: {name: GET /health, kind: server, status: unset}

Private.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from .collector_setup import CollectorSetup
from .golden_files import GoldenFile
from .guard import guard_run
from .run_case import RunOutcome, run_case
from .run_results import CaseResult
from .scheduled_cases import ScheduledCase


@dataclass
class _Judgement:
    """What has been found of one test so far."""

    notes: Sequence[str]
    """What is worth knowing though no failure."""
    differences: list[str] = field(default_factory=list)
    """A line for each thing that is not as expected; a test without such lines passes."""
    golden_paths: list[str] = field(default_factory=list)
    """Golden files that were written."""


def judge_case(scheduled: ScheduledCase) -> CaseResult:
    """Return the result of one test. If it cannot run, the reason is its difference, so that the others still run."""
    start = time.monotonic()
    result = _run_and_judge(scheduled)
    return replace(result, seconds=time.monotonic() - start)


def _run_and_judge(scheduled: ScheduledCase) -> CaseResult:
    """Return what one test found, without its time. No text shows a secret of its config."""
    file, name = scheduled.suite.file, scheduled.case.name
    mask_secrets = scheduled.setup.hide_secrets

    def mask_lines(lines: Iterable[str]) -> tuple[str, ...]:
        return tuple(mask_and_clean(line, mask=mask_secrets) for line in lines)

    try:
        # Without expectations, there is nothing to compare with but what holds for every config.
        plan = None if scheduled.case.expected_by_exporter else planted_records.plant_records(scheduled.setup.config)
        if plan:
            scheduled = _plant_records(scheduled, plan)
        outcome = run_case(scheduled.setup, scheduled.case)
    except Problem as problem:
        return CaseResult(file, name, (mask_secrets(str(problem)),))
    judgement = _judge_outcome(scheduled, plan, outcome)
    judgement.differences += policies.find_policy_breaches(scheduled.policies, _records_at_exporters(outcome))
    trace = (
        traced_steps.trace_steps(scheduled.setup.config, outcome.arrived_records) if scheduled.setup.is_traced else ()
    )
    return CaseResult(
        file,
        name,
        mask_lines(judgement.differences),
        changes=outcome.changes,
        trace_lines=mask_lines(trace),
        golden_paths=tuple(judgement.golden_paths),
        notes=mask_lines(judgement.notes),
    )


def _plant_records(scheduled: ScheduledCase, plan: planted_records.PlantingPlan) -> ScheduledCase:
    """Return a test that gives the planted records, and sees what left each component."""
    return scheduled._replace(
        setup=replace(scheduled.setup, is_traced=True), case=replace(scheduled.case, given=plan.given_parts)
    )


def _records_at_exporters(outcome: RunOutcome) -> dict[str, Mapping[str, list[records.Record]]]:
    """Return what left the config, by exporter; a trace shows what left other components too."""
    return {
        exporter: outcome.arrived_records[exporter]
        for exporter in outcome.exporters
        if exporter in outcome.arrived_records
    }


def _judge_outcome(
    scheduled: ScheduledCase, plan: planted_records.PlantingPlan | None, outcome: RunOutcome
) -> _Judgement:
    """Return what differs from what a test expects, or what its planted records show."""
    judgement = _Judgement(outcome.notes)
    try:
        with guard_run("comparing what arrived", scheduled.case.where):
            if plan:
                judgement.differences, judgement.notes = invariants.judge_invariants(
                    scheduled.setup.config, plan, outcome.arrived_records, outcome.exporters
                )
            else:
                _compare_with_expected(scheduled, outcome, judgement)
    except Problem as problem:
        judgement.differences = [str(problem)]
    return judgement


def _compare_with_expected(scheduled: ScheduledCase, outcome: RunOutcome, judgement: _Judgement) -> None:
    """Add what differs from the expectations of a test to a judgement. Raises Problem for one that cannot be judged."""
    is_scraped = any("pages" in part for part in scheduled.case.given)
    ignored_metrics = scrapes.OWN_METRICS if is_scraped else ()
    for exporter, expected in scheduled.case.expected_by_exporter.items():
        arrived = outcome.arrived_records.get(exporter, {})
        judgement.differences += _find_query_differences(exporter, expected, arrived)
        if isinstance(expected, str) or "golden" not in expected:
            judgement.differences += expectations.list_record_differences(exporter, expected, arrived, ignored_metrics)
        else:
            path = Path(scheduled.suite.file).parent / str(expected["golden"])
            _compare_golden(GoldenFile(exporter, path, arrived, ignored_metrics), scheduled.setup, judgement)


def _compare_golden(golden: GoldenFile, setup: CollectorSetup, judgement: _Judgement) -> None:
    """Add what differs from a golden file to a judgement, or write the file anew if the run is to do that."""
    golden.check_path(setup.golden_folders)
    differences = golden.list_differences()
    if differences and setup.may_update_golden:
        golden.write_file(setup)
        judgement.golden_paths.append(str(golden.path))
    else:
        judgement.differences += differences


def _find_query_differences(
    exporter: str, expected: Any, arrived: Mapping[str, Sequence[records.Record]]
) -> Iterator[str]:
    """Yield a line for each JMESPath expression of a test whose answer is not the expected one."""
    queries = expected.get("jmespath", ()) if isinstance(expected, Mapping) else ()
    arrived_by_signal = {signal: list(arrived.get(signal, ())) for signal in records.RECORD_KINDS}
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
