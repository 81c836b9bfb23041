# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one test of a config passes: runs its Collector, and compares what left it with what the test expects.

A test without expectations has planted records, and must not let their secrets out. Private.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config.masking import quoted
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing import expectations, invariants, policies, records, scrapes
from .. import _jmespath
from .bench import Bench, Outcome, run_case
from .config_jobs import ConfigJob
from .golden_files import Golden
from .guard import guarded_run
from .run_results import CaseResult


@dataclass
class _Judgement:
    """What has been found of one test so far."""

    notes: Sequence[str]
    differences: list[str] = field(default_factory=list)
    golden: list[str] = field(default_factory=list)
    """Golden files that were written."""


def judged_case(job: ConfigJob) -> CaseResult:
    """Run one test. What keeps it from running is its failure; the others still run."""
    begin = time.monotonic()
    result = _case_result(job)
    return replace(result, seconds=time.monotonic() - begin)


def _case_result(job: ConfigJob) -> CaseResult:
    """Return what one test found, without its time. No text shows a secret of the bench."""
    hidden = job.bench.hidden
    file, name = job.suite.file, job.case.name
    try:
        planted = None if job.case.expect else invariants.planted_records(job.bench.config)
        if planted:
            job = _with_planted(job, planted)
        outcome = run_case(job.bench, job.case)
    except Problem as problem:
        return CaseResult(file, name, (hidden(str(problem)),))
    judgement = _judgement(job, planted, outcome)
    judgement.differences += policies.policy_breaches(job.policies, _left(outcome))
    trace = expectations.traced_steps(job.bench.config, outcome.got) if job.bench.traced else ()
    return CaseResult(
        file,
        name,
        tuple(quoted(line, mask=hidden) for line in judgement.differences),
        changes=outcome.changes,
        trace=tuple(quoted(line, mask=hidden) for line in trace),
        golden=tuple(judgement.golden),
        notes=tuple(quoted(line, mask=hidden) for line in judgement.notes),
    )


def _with_planted(job: ConfigJob, planted: invariants.Plan) -> ConfigJob:
    """Return a test that gives the planted records, and sees what left each component."""
    return job._replace(bench=replace(job.bench, traced=True), case=replace(job.case, given=planted.given))


def _left(outcome: Outcome) -> dict[str, Mapping[str, list[records.Record]]]:
    """Return what left the config, by exporter; a trace shows what left other components too."""
    return {exporter: outcome.got[exporter] for exporter in outcome.exporters if exporter in outcome.got}


def _judgement(job: ConfigJob, planted: invariants.Plan | None, outcome: Outcome) -> _Judgement:
    """Return what differs from what a test expects, or what its planted records show."""
    judgement = _Judgement(outcome.notes)
    try:
        with guarded_run("comparing what arrived", job.case.where):
            if planted:
                judgement.differences, judgement.notes = invariants.judged_invariants(
                    job.bench.config, planted, outcome.got, outcome.exporters
                )
            else:
                _compare(job, outcome, judgement)
    except Problem as problem:
        judgement.differences = [str(problem)]
    return judgement


def _compare(job: ConfigJob, outcome: Outcome, judgement: _Judgement) -> None:
    """Add what differs from the expectations of a test to a judgement. Raises Problem for one that cannot be judged."""
    is_scraped = any("pages" in part for part in job.case.given)
    unasked = scrapes.OWN if is_scraped else ()
    for exporter, wanted in job.case.expect.items():
        got = outcome.got.get(exporter, {})
        judgement.differences += _query_differences(exporter, wanted, got)
        if isinstance(wanted, str) or "golden" not in wanted:
            judgement.differences += expectations.record_differences(exporter, wanted, got, unasked)
        else:
            path = Path(job.suite.file).parent / str(wanted["golden"])
            _compare_golden(Golden(exporter, path, got, unasked), job.bench, judgement)


def _compare_golden(golden: Golden, bench: Bench, judgement: _Judgement) -> None:
    """Add what differs from a golden file to a judgement, or write the file anew if the run is to do that."""
    golden.check(bench.folders)
    differences = golden.differences()
    if differences and bench.update_golden:
        golden.write(bench)
        judgement.golden.append(str(golden.path))
    else:
        judgement.differences += differences


def _query_differences(exporter: str, wanted: Any, got: Mapping[str, Sequence[records.Record]]) -> Iterator[str]:
    """Yield what JMESPath expressions find, where they should find something else."""
    queries = wanted.get("jmespath", ()) if isinstance(wanted, Mapping) else ()
    everything = {signal: list(got.get(signal, ())) for signal in records.SIGNALS}
    for item in queries:
        _jmespath.check(item["query"], exporter)
        jmespath = _jmespath.library()
        try:
            found = jmespath.search(item["query"], everything)
        except jmespath.exceptions.JMESPathError as error:  # it does not fit what arrived
            yield f"{exporter}: {item['query']}: {error}"
            continue
        if found != item["is"]:
            yield f"{exporter}: {item['query']}: expected {item['is']!r}, got {found!r}"
