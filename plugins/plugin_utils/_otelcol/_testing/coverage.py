# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which statements, conditions, sampling policies and routes of configs no test of a run takes.

Every test runs once more, with probes beside the pipelines, so that the run that is judged has none. A branch is such a
statement, condition, policy or route, see branch_model.py; a probe asks whether a record takes it, see probes.py. A
bench is a config with a Collector that can run it, see bench.py. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from ....module_utils._otelcol.config.masking import mask_and_clean
from ....module_utils._otelcol.config.paths import Path as KeyPath
from ....module_utils._otelcol.config.paths import format_path
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.languages.ottl_language import OttlLanguage
from ....module_utils._otelcol.testing.branch_model import Branch
from ....module_utils._otelcol.testing.branches import list_branches
from ....module_utils._otelcol.testing.case import ConfigCase, Suite
from ....module_utils._otelcol.testing.probes import REASON_UNUSED, Probes
from .. import _builds
from .bench import Bench, run_case
from .config_jobs import ConfigJob
from .result_rows import CoverageRow

# Characters of a reason in the result.
_LONGEST_REASON = 200
# How many branches a run asks: each is a pipeline, and a statement is compiled for all that follow it.
_BRANCHES_PER_RUN = 30
# The least seconds that a run with probes has.
_LEAST_SECONDS = 60.0
_STATE_WORDS: dict[bool | None, str] = {True: "taken", False: "never exercised by a test", None: "unknown"}


class BranchState(NamedTuple):
    """Whether the tests of a run took a branch, None if that is unknown, and the reason if it is not true."""

    is_taken: bool | None
    reason: str = ""


@dataclass
class ConfigCoverage:
    """The branches of the config of a bench, and which of them the tests have taken so far.

    `key` identifies the config, see `_config_key`. `is_taken_by_path` has no entry for a branch that no probe asked.
    `failure_reason` says why nothing is known of any branch, and `unknown_reasons` why nothing is known of some.
    """

    key: str
    bench: Bench
    branches: list[Branch]
    suites: list[Suite] = field(default_factory=list)
    is_taken_by_path: dict[KeyPath, bool] = field(default_factory=dict)
    failure_reason: str = ""
    unknown_reasons: dict[KeyPath, str] = field(default_factory=dict)

    @classmethod
    def from_bench(cls, key: str, bench: Bench) -> ConfigCoverage:
        """Return a config of which no test has run yet."""
        ottl = OttlLanguage.from_rows(_builds.load_catalogue().ottl_rows)
        return cls(key, bench, list_branches(bench.config, ottl))

    def add_answers(self, answers: ProbeAnswers | str) -> None:
        """Add what one more test took, or why that is not known."""
        if isinstance(answers, str):
            self.failure_reason = answers
            return
        self.unknown_reasons |= answers.unknown_reasons
        for path, is_taken in answers.is_taken_by_path.items():
            self.is_taken_by_path[path] = is_taken or self.is_taken_by_path.get(path, False)

    def find_state(self, branch: Branch) -> BranchState:
        """Return whether the tests took a branch."""
        if self.is_taken_by_path.get(branch.path):
            return BranchState(True)
        unknown_reason = branch.unknown_reason or self.failure_reason or self.unknown_reasons.get(branch.path, "")
        if unknown_reason:
            return BranchState(None, unknown_reason)
        return BranchState(False, "" if branch.path in self.is_taken_by_path else REASON_UNUSED)

    def list_rows(self) -> Iterator[CoverageRow]:
        """Yield every branch as a task result shows it."""
        mask = self.bench.hide_secrets
        for branch in self.branches:
            position, state = self.bench.locate(branch.path), self.find_state(branch)
            yield {
                "file": position.file,
                "line": position.line,
                "path": format_path(branch.path),
                "what": mask_and_clean(branch.description, mask=mask),
                "why": mask_and_clean(state.reason, _LONGEST_REASON, mask),
                "taken": state.is_taken,
            }


class ProbeAnswers(NamedTuple):
    """Which branches a test takes, by their paths, and of which ones nobody can tell, with the reason."""

    is_taken_by_path: dict[KeyPath, bool]
    unknown_reasons: dict[KeyPath, str]


def measure_coverage(jobs: Sequence[ConfigJob], pool: Executor) -> list[ConfigCoverage]:
    """Return for each config what its tests take. Tests of one config in several files count together."""
    covered_by_key: dict[str, ConfigCoverage] = {}
    for job in jobs:
        key = _config_key(job.suite)
        if key not in covered_by_key:
            covered_by_key[key] = ConfigCoverage.from_bench(key, job.bench)
        if job.suite not in covered_by_key[key].suites:
            covered_by_key[key].suites.append(job.suite)

    def run_probes(job: ConfigJob) -> ProbeAnswers | str:
        return probe_branches(job.bench, covered_by_key[_config_key(job.suite)].branches, job.case)

    for job, answers in zip(jobs, pool.map(run_probes, jobs), strict=True):
        covered_by_key[_config_key(job.suite)].add_answers(answers)
    return list(covered_by_key.values())


def _config_key(suite: Suite) -> str:
    """Return what stands for the config of tests: a collector, a ConfigMap or the path of a file."""
    object_name = suite.collector or "/".join(map(str, suite.config_map.values()))
    return object_name or str((Path(suite.file).parent / suite.config).resolve())


def probe_branches(bench: Bench, branches: Sequence[Branch], case: ConfigCase) -> ProbeAnswers | str:
    """Return what a test takes of a config, or why that is not known of any branch."""
    answers = ProbeAnswers({}, {})
    patient_case = replace(case, timeout=max(case.timeout, _LEAST_SECONDS))
    try:
        for start in range(0, len(branches), _BRANCHES_PER_RUN):
            probes = Probes(branches[start : start + _BRANCHES_PER_RUN])
            outcome = run_case(replace(bench, is_traced=False, extend_config=probes.add_to_config), patient_case)
            answers.is_taken_by_path.update(probes.find_taken_branches(outcome.arrived_records))
            answers.unknown_reasons.update(probes.unknown_reasons)
    except Problem as problem:
        return f"with probes, {bench.hide_secrets(problem.wrong)}"
    return answers


def format_coverage(rows: Sequence[CoverageRow]) -> Iterator[str]:
    """Yield how many branches were taken, and a line for each other one."""
    counts = [f"{sum(row['taken'] is value for row in rows)} {word}" for value, word in _STATE_WORDS.items()]
    yield f"coverage: {', '.join(counts)}"
    for row in rows:
        if not row["taken"]:
            source_place = f"{row['file']}:{row['line']}" if row["line"] else row["file"]
            reason_note = f" ({row['why']})" if row["why"] else ""
            yield f"{_STATE_WORDS[row['taken']]} {source_place}: {row['path']}: {row['what']}{reason_note}"
