# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases for what no test takes, for the user to judge: each was run, and seen to take it. Private."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ....module_utils._otelcol.bounded.live.bounded_reads import read_file_text
from ....module_utils._otelcol.config.config_secrets import secret_kind_at
from ....module_utils._otelcol.config.paths import format_path
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing import expectations, reaching
from ....module_utils._otelcol.testing.branch_model import Branch
from ....module_utils._otelcol.testing.case import Case, Suite
from ....module_utils._otelcol.testing.records import SIGNALS, Record
from ....module_utils._otelcol.traits import kind_of
from .. import _files, _yaml
from .bench import Outcome, run_case
from .coverage import ConfigCoverage, probe_branches

_MOST_TRIES = 12
"""How many ways to reach one branch are tried: each runs a Collector."""
_MOST_LISTED = 10
"""How many records a case lists; of more it has the number."""
_DROPPING_KINDS = ("filter",)
"""Where it is right that nothing arrives; elsewhere, a case in which something arrives is better."""
_FILE_ENDING = "_proposed.yml"
_FILE_HEADER = """---
# What the config does now with records that no test has. Judge each case: is it what you want? Then move it to the
# tests, with a name that says why.
"""
_PLACEHOLDER = "placeholder"
# What a record has if nobody gave it, and what no case should depend on.
_USUAL_VALUES: dict[str, Any] = {"kind": "internal", "status": "unset", "temporality": "cumulative"}
_UNSTABLE_FIELDS = ("trace", "id", "parent", "duration")
_EMPTY_VALUES: tuple[Any, ...] = ("", {}, [], None)


class _ProposedCase(NamedTuple):
    """A case that takes a branch, and whether nothing arrives in it."""

    case: dict[str, Any]
    is_silent: bool


def propose_cases(covered_configs: Sequence[ConfigCoverage], pool: Executor) -> list[dict[str, Any]]:
    """Return a row for each branch that no test takes: the case that takes it, or why there is none."""
    jobs: list[tuple[ConfigCoverage, Branch]] = []
    for covered_config in covered_configs:
        jobs += [
            (covered_config, branch)
            for branch in covered_config.branches
            if covered_config.find_state(branch).is_taken is False
        ]
    return list(pool.map(lambda job: _propose_for_branch(*job), jobs))


def _propose_for_branch(covered_config: ConfigCoverage, branch: Branch) -> dict[str, Any]:
    """Return the row of a branch: its place, and either the case that takes it as `test`, or `why` there is none."""
    position = covered_config.bench.locate(branch.path)
    row = {"file": position.file, "line": position.line, "path": format_path(branch.path), "config": covered_config.key}
    try:
        test = _find_case(covered_config, branch)
    except Problem as problem:
        return {**row, "why": covered_config.bench.hide_secrets(str(problem.wrong)), "test": {}}
    if isinstance(test, str):
        return {**row, "why": covered_config.bench.hide_secrets(test), "test": {}}
    if covered_config.bench.hide_secrets(str(test)) != str(test):
        return {**row, "why": "a value that the config keeps secret leaves", "test": {}}
    return {**row, "why": "", "test": test}


def _find_case(covered_config: ConfigCoverage, branch: Branch) -> dict[str, Any] | str:
    """Return a case that takes a branch, or why none is known. Raises Problem if the Collector does not run.

    One in which something arrives is better, except where it is right that nothing does.
    """
    ways = list(
        islice(
            reaching.list_ways_to_reach(
                branch, covered_config.bench.config, _list_given_examples(covered_config.suites)
            ),
            _MOST_TRIES,
        )
    )
    may_be_silent = kind_of(str(branch.path[1])) in _DROPPING_KINDS
    silent_test: dict[str, Any] = {}
    for case_input in ways:
        proposed = _try_case(covered_config, branch, case_input)
        if proposed is None:
            continue
        if isinstance(proposed, str):
            return proposed
        if not proposed.is_silent or may_be_silent:
            return proposed.case
        silent_test = silent_test or proposed.case
    if silent_test:
        return silent_test
    return reaching.REASON_UNREACHED if ways else reaching.REASON_NO_LITERAL


def _try_case(
    covered_config: ConfigCoverage, branch: Branch, case_input: Mapping[str, Any]
) -> _ProposedCase | str | None:
    """Return the case that gives this, None if it does not take the branch, or why it cannot be written."""
    name = f"It takes {format_path(branch.path)}"
    case = Case(name, name, (case_input,), {})
    if not _is_taken(covered_config, branch, case):
        return None
    outcome = run_case(covered_config.bench, case)
    expect = {exporter: _build_expectation(outcome, exporter) for exporter in outcome.exporters}
    for exporter, expected in expect.items():
        if expectations.list_record_differences(exporter, expected, outcome.arrived_records.get(exporter, {})):
            return "what arrives cannot be written as a test"
    is_silent = all(expected == expectations.EXPECTS_NOTHING for expected in expect.values())
    return _ProposedCase({"name": name, "given": case_input, "expect": expect}, is_silent)


def _list_given_examples(suites: Sequence[Suite]) -> list[Mapping[str, Any]]:
    """Return what the tests of suites give."""
    examples: list[Mapping[str, Any]] = []
    for suite in suites:
        for test in suite.cases:
            examples += test.given
    return examples


def _is_taken(covered_config: ConfigCoverage, branch: Branch, case: Case) -> bool:
    """Run a case to see whether it takes a branch."""
    answers = probe_branches(covered_config.bench, [branch], case)
    return not isinstance(answers, str) and bool(answers.is_taken_by_path.get(branch.path))


def _build_expectation(outcome: Outcome, exporter: str) -> Any:
    """Return what a test expects of an exporter: `nothing`, or its records by signal, or how many they are."""
    arrived = outcome.arrived_records.get(exporter, {})
    expected: dict[str, Any] = {}
    for signal in SIGNALS:
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
    """Whether a reader would write a field: one that differs in every run, or says the usual, is left out."""
    return key not in _UNSTABLE_FIELDS and value not in _EMPTY_VALUES and _USUAL_VALUES.get(key) != value


def write_proposals(
    rows: Sequence[Mapping[str, Any]], covered_configs: Sequence[ConfigCoverage], folder: Path, check: bool
) -> bool:
    """Write a file of cases for each config; return whether one changed. Raises Problem for one that is another's."""
    text_by_file = dict(_build_file_texts(rows, covered_configs, folder))
    for file, text in text_by_file.items():
        if file.exists() and read_file_text(file) != text:
            fix = "Move the cases that you want to your tests, then remove the file; or name another folder."
            raise Problem(f"{file} exists, and cases would replace it", fix=fix)
    are_changed = [_files.write_or_check(file, text, check) for file, text in text_by_file.items()]
    return any(are_changed)


def _build_file_texts(
    rows: Sequence[Mapping[str, Any]], covered_configs: Sequence[ConfigCoverage], folder: Path
) -> Iterator[tuple[Path, str]]:
    """Yield path and text of the file of each config that has cases; files of the same name get numbers."""
    for number, covered_config in enumerate(covered_configs):
        tests = [row["test"] for row in rows if row["config"] == covered_config.key and row["test"]]
        if not tests:
            continue
        name = _choose_file_name(covered_config)
        number_of_same = sum(_choose_file_name(earlier_config) == name for earlier_config in covered_configs[:number])
        suffix = f"_{number_of_same + 1}" if number_of_same else ""
        yield folder / f"{name}{suffix}{_FILE_ENDING}", _build_file_text(tests, covered_config.suites[0], folder)


def _build_file_text(tests: Sequence[Mapping[str, Any]], suite: Suite, folder: Path) -> str:
    """Return the text of a file with cases; values of variables that look like secrets are placeholders in it."""
    secrets = [name for name, value in suite.environment.items() if secret_kind_at({}, (name,), str(value))]
    header = _FILE_HEADER
    if secrets:
        header += f"# Placeholders stand for values that look like secrets: {', '.join(secrets)}.\n"
    return header + _yaml.dump({**_describe_subject(suite, folder, secrets), "tests": tests})


def _choose_file_name(covered_config: ConfigCoverage) -> str:
    """Return the name of a file of cases, without its ending: that of the collector or of the config."""
    suite = covered_config.suites[0]
    return suite.collector or str(suite.config_map.get("name") or Path(suite.config).stem)


def _describe_subject(suite: Suite, folder: Path, secrets: Sequence[str]) -> dict[str, Any]:
    """Return what the cases are about, as a file in this folder says it: the config, variables and cluster."""
    subject: dict[str, Any] = {}
    if suite.config_map:
        subject["config_map"] = dict(suite.config_map)
    elif suite.collector:
        subject["collector"] = suite.collector
    else:
        subject["config"] = os.path.relpath(Path(suite.file).parent / suite.config, folder)
    environment = {**suite.environment, **dict.fromkeys(secrets, _PLACEHOLDER)}
    if environment:
        subject["environment"] = environment
    if suite.cluster_objects:
        subject["cluster"] = dict(suite.cluster_objects)
    return subject


def format_proposals(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each branch for which there is no case."""
    with_case = sum(bool(row["test"]) for row in rows)
    yield f"proposed: {with_case} of {len(rows)} that no test takes"
    for row in rows:
        if row["why"]:
            source_place = f"{row['file']}:{row['line']}" if row["line"] else row["file"]
            yield f"not proposed {source_place}: {row['path']}: {row['why']}"
