# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which statements, conditions, sampling policies and routes of configs no case of a run takes. Private.

Such a part of a config is a branch, see branch_model.py. Every case runs once more with probes (probe_runs.py), so that
the run that is judged has none. extras.py calls this for the option `coverage`, which shows rows such as ::

    {"file": "gateway.yaml", "line": 4, "path": "processors.filter.traces.span[1]", "what": 'name == "GET /health"',
     "taken": False, "why": ""}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import Enum
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from ....module_utils._otelcol.config.masking import mask_and_clean
from ....module_utils._otelcol.config.paths import format_path
from ....module_utils._otelcol.languages.ottl_language import OttlLanguage
from ....module_utils._otelcol.testing.branch_model import Branch
from ....module_utils._otelcol.testing.branches import list_branches
from ....module_utils._otelcol.testing.case import Suite
from ....module_utils._otelcol.testing.probes import REASON_UNUSED
from .. import _builds
from .collector_setup import CollectorSetup
from .probe_runs import ProbeAnswers, join_answers, probe_branches
from .result_rows import CoverageRow
from .scheduled_cases import ScheduledCase

# Characters of a reason in the result.
_LONGEST_REASON = 200


class BranchState(Enum):
    """Whether the cases of a run took a branch. The values are how a result has it, where None is null."""

    TAKEN = True
    NOT_TAKEN = False
    UNKNOWN = None


_STATE_WORDS = {
    BranchState.TAKEN: "taken",
    BranchState.NOT_TAKEN: "never exercised by a test",
    BranchState.UNKNOWN: "unknown",
}


class ExplainedState(NamedTuple):
    """The state of a branch, and the reason; empty for a branch that is taken, or that a probe saw not taken."""

    state: BranchState
    reason: str = ""


@dataclass(frozen=True)
class ConfigCoverage:
    """The branches of a config, and what its cases show of them.

    `key` identifies the config, see `_config_key`. `suites` are the files with its cases.
    """

    key: str
    setup: CollectorSetup
    branches: Sequence[Branch]
    suites: Sequence[Suite]
    answers: ProbeAnswers = field(default_factory=ProbeAnswers)

    def explain_state(self, branch: Branch) -> ExplainedState:
        """Return whether the cases took a branch, and why not or why that is unknown."""
        answers = self.answers
        if answers.is_taken_by_path.get(branch.path):  # whatever another case could not tell
            return ExplainedState(BranchState.TAKEN)
        unknown_reason = branch.unknown_reason or answers.failure_reason or answers.unknown_reasons.get(branch.path, "")
        if unknown_reason:
            return ExplainedState(BranchState.UNKNOWN, unknown_reason)
        was_probed = branch.path in answers.is_taken_by_path
        return ExplainedState(BranchState.NOT_TAKEN, "" if was_probed else REASON_UNUSED)

    def list_rows(self) -> Iterator[CoverageRow]:
        """Yield every branch as a task result shows it."""
        mask = self.setup.hide_secrets
        for branch in self.branches:
            position = self.setup.locate(branch.path)
            state, reason = self.explain_state(branch)
            yield {
                "file": position.file,
                "line": position.line,
                "path": format_path(branch.path),
                "what": mask_and_clean(branch.description, mask=mask),
                "why": mask_and_clean(reason, _LONGEST_REASON, mask),
                "taken": state.value,
            }


def measure_coverage(scheduled_cases: Sequence[ScheduledCase], pool: Executor) -> list[ConfigCoverage]:
    """Return for each config what its cases take. Cases of one config in several files count together.

    `pool` runs the Collectors.
    """
    ottl = OttlLanguage.from_rows(_builds.load_catalogue().ottl_rows)
    branches_by_key: dict[str, list[Branch]] = {}
    cases_by_key: dict[str, list[ScheduledCase]] = {}
    for scheduled in scheduled_cases:
        key = _config_key(scheduled.suite)
        if key not in branches_by_key:
            branches_by_key[key] = list_branches(scheduled.setup.config, ottl)
        cases_by_key.setdefault(key, []).append(scheduled)

    def run_probes(scheduled: ScheduledCase) -> ProbeAnswers:
        return probe_branches(scheduled.setup, branches_by_key[_config_key(scheduled.suite)], scheduled.case)

    answers_by_key: dict[str, list[ProbeAnswers]] = {key: [] for key in cases_by_key}
    for scheduled, answers in zip(scheduled_cases, pool.map(run_probes, scheduled_cases), strict=True):
        answers_by_key[_config_key(scheduled.suite)].append(answers)
    return [
        ConfigCoverage(
            key,
            cases[0].setup,
            branches_by_key[key],
            _list_suites(cases),
            reduce(join_answers, answers_by_key[key]),
        )
        for key, cases in cases_by_key.items()
    ]


def _config_key(suite: Suite) -> str:
    """Return what stands for the config of a suite: a collector, a ConfigMap or the path of a file.

    Examples are `gateway`, `shop/gateway-config/relay.yaml` and `/srv/otel/tests/gateway.yaml`.
    """
    object_name = suite.collector or "/".join(map(str, suite.config_map.values()))
    return object_name or str((Path(suite.file).parent / suite.config).resolve())


def _list_suites(scheduled_cases: Sequence[ScheduledCase]) -> list[Suite]:
    """Return the suites of cases, each once."""
    suites: list[Suite] = []
    for scheduled in scheduled_cases:
        if scheduled.suite not in suites:
            suites.append(scheduled.suite)
    return suites


def format_coverage(rows: Sequence[CoverageRow]) -> Iterator[str]:
    """Yield how many branches were taken, and a line for each other one.

    For example `coverage: 1 taken, 1 never exercised by a test, 0 unknown`, then
    `never exercised by a test gateway.yaml:4: processors.filter.traces.span[1]: name == "GET /health"`.
    """
    counts = []
    for state, word in _STATE_WORDS.items():
        count = sum(row["taken"] is state.value for row in rows)
        counts.append(f"{count} {word}")
    yield f"coverage: {', '.join(counts)}"
    for row in rows:
        if not row["taken"]:
            source_place = f"{row['file']}:{row['line']}" if row["line"] else row["file"]
            reason_note = f" ({row['why']})" if row["why"] else ""
            state_word = _STATE_WORDS[BranchState(row["taken"])]
            yield f"{state_word} {source_place}: {row['path']}: {row['what']}{reason_note}"
