# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests for the branches of configs that no case of a run takes; the user judges them.

A branch is a statement, condition, policy or route of a config (branch_model.py). Each proposed test was run, and seen
to take its branch; reaching.py says what to give for it. extras.py asks for proposals, and `proposed_files.py` writes
them to files. An example, for the condition `name == "GET /health"` of a filter::

    name: It takes processors.filter.traces.span[0]
    given: {to: otlp, spans: [{name: GET /health}]}
    expect: {otlp_grpc/backend: nothing}

Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from ....module_utils._otelcol.config.paths import Position, format_path
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing import expectations, reaching
from ....module_utils._otelcol.testing.branch_model import Branch
from ....module_utils._otelcol.testing.case import ConfigCase, Suite
from ....module_utils._otelcol.testing.records import RECORD_KINDS, Record
from ....module_utils._otelcol.traits import kind_of
from .coverage import BranchState, ConfigCoverage
from .probe_runs import probe_branches
from .result_rows import ProposalRow, ProposedTest
from .run_case import RunOutcome, run_case

_MOST_TRIES = 12
"""How many tests are tried for one branch: each runs a Collector."""
_MOST_LISTED = 10
"""How many records a test lists; of more it has the number."""
_DROPPING_KINDS = ("filter",)
"""Types whose purpose is to drop records. For others, a test in which something arrives is better."""
# Values that a record has if nobody set them.
_USUAL_VALUES: dict[str, Any] = {"kind": "internal", "status": "unset", "temporality": "cumulative"}
_EMPTY_VALUES: tuple[Any, ...] = ("", {}, [], None)
# Fields that no test should depend on.
_UNSTABLE_FIELDS = ("trace", "id", "parent", "duration")


@dataclass(frozen=True)
class BranchProposal:
    """A branch that no case takes, with a test that takes it or the reason why there is none."""

    config_key: str
    """The key of its `ConfigCoverage`."""
    position: Position
    """Where the user wrote the branch."""
    path: str
    """The place of the branch in the config, such as `processors.filter.traces.span[1]`."""
    test: ProposedTest | None = None
    missing_reason: str = ""
    """Why there is no test; empty if there is one."""

    def as_dict(self) -> ProposalRow:
        """Return it as a task result shows it."""
        return {
            "file": self.position.file,
            "line": self.position.line,
            "path": self.path,
            "why": self.missing_reason,
            "test": self.test or {},
        }


def propose_cases(covered_configs: Sequence[ConfigCoverage], pool: Executor) -> list[BranchProposal]:
    """Return a proposal for each branch that no test takes. `pool` runs the Collectors."""
    untaken_branches: list[_UntakenBranch] = []
    for covered_config in covered_configs:
        for branch in covered_config.branches:
            if covered_config.explain_state(branch).state is BranchState.NOT_TAKEN:
                untaken_branches.append(_UntakenBranch(covered_config, branch))
    return list(pool.map(_propose_for_branch, untaken_branches))


class _UntakenBranch(NamedTuple):
    """A branch that no case of a run takes, and the config that has it."""

    covered_config: ConfigCoverage
    branch: Branch


def _propose_for_branch(untaken: _UntakenBranch) -> BranchProposal:
    """Return the proposal for a branch. No reason and no test in it shows a secret of the config."""
    covered_config, branch = untaken
    hide_secrets = covered_config.setup.hide_secrets
    position = covered_config.setup.locate(branch.path)
    proposal = BranchProposal(covered_config.key, position, format_path(branch.path))
    try:
        test = _find_test(covered_config, branch)
    except Problem as problem:
        return replace(proposal, missing_reason=hide_secrets(str(problem.wrong)))
    # The test is not shown with a mask in it: it would be written to a file, and would fail there.
    if hide_secrets(str(test)) != str(test):
        return replace(proposal, missing_reason="a value that the config keeps secret leaves")
    return replace(proposal, test=test)


class _TriedTest(NamedTuple):
    """A test that takes a branch."""

    test: ProposedTest
    is_silent: bool
    """Whether no record arrives in it."""


def _find_test(covered_config: ConfigCoverage, branch: Branch) -> ProposedTest:
    """Return a test that takes a branch. Raises Problem if none is known, and if the Collector does not run.

    A test in which something arrives is better, unless the component is there to drop records.
    """
    examples = _list_given_examples(covered_config.suites)
    given_parts = list(
        islice(reaching.list_given_parts_taking(branch, covered_config.setup.config, examples), _MOST_TRIES)
    )
    _section, component_id, *_settings = branch.path
    may_be_silent = kind_of(str(component_id)) in _DROPPING_KINDS
    silent_test: ProposedTest | None = None
    for given in given_parts:
        tried = _try_to_take(covered_config, branch, given)
        if tried is None:
            continue
        if may_be_silent or not tried.is_silent:
            return tried.test
        silent_test = silent_test or tried.test
    if silent_test:
        return silent_test
    raise Problem(reaching.REASON_UNREACHED if given_parts else reaching.REASON_NO_LITERAL)


def _list_given_examples(suites: Sequence[Suite]) -> list[Mapping[str, Any]]:
    """Return all that the tests of suites give."""
    examples: list[Mapping[str, Any]] = []
    for suite in suites:
        for test in suite.cases:
            examples += test.given
    return examples


def _try_to_take(covered_config: ConfigCoverage, branch: Branch, given: Mapping[str, Any]) -> _TriedTest | None:
    """Return the test that gives these records; None if they do not take the branch.

    Raises Problem if the records that arrive cannot be written as a test.
    """
    name = f"It takes {format_path(branch.path)}"
    case = ConfigCase(name, where=name, given=(given,), expected_by_exporter={})
    if not _takes_branch(covered_config, branch, case):
        return None
    outcome = run_case(covered_config.setup, case)
    expected_by_exporter = {exporter: _build_expectation(outcome, exporter) for exporter in outcome.exporters}
    for exporter, expected in expected_by_exporter.items():
        arrived_by_signal = outcome.arrived_records.get(exporter, {})
        if expectations.list_record_differences(exporter, expected, arrived_by_signal):
            raise Problem("what arrives cannot be written as a test")
    is_silent = all(expected == expectations.EXPECTS_NOTHING for expected in expected_by_exporter.values())
    return _TriedTest({"name": name, "given": given, "expect": expected_by_exporter}, is_silent)


def _takes_branch(covered_config: ConfigCoverage, branch: Branch, case: ConfigCase) -> bool:
    """Run a case to see whether it takes a branch."""
    answers = probe_branches(covered_config.setup, [branch], case)
    return bool(answers.is_taken_by_path.get(branch.path))


def _build_expectation(outcome: RunOutcome, exporter: str) -> Any:
    """Return what a test expects of an exporter: `nothing`, or its records by signal, or how many they are."""
    arrived = outcome.arrived_records.get(exporter, {})
    expected: dict[str, Any] = {}
    for signal in RECORD_KINDS:
        records = arrived.get(signal)
        if records and len(records) <= _MOST_LISTED:
            expected[signal] = [_keep_written_fields(record) for record in records]
        elif records:
            expected[signal] = len(records)
    return expected or expectations.EXPECTS_NOTHING


def _keep_written_fields(record: Record) -> Record:
    """Return the fields of a record that a reader would write."""
    return {key: value for key, value in record.items() if _is_worth_writing(key, value)}


def _is_worth_writing(key: str, value: Any) -> bool:
    """Whether a person would write a field: it is the same in every run, and its value is not the usual one."""
    if key in _UNSTABLE_FIELDS:
        return False
    return value not in _EMPTY_VALUES and _USUAL_VALUES.get(key) != value
