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

from ....module_utils._otelcol.bounded.live.bounded_reads import file_text
from ....module_utils._otelcol.config.config_secrets import secret_at
from ....module_utils._otelcol.config.paths import dotted
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing import expectations, reaching
from ....module_utils._otelcol.testing.branch_model import Branch
from ....module_utils._otelcol.testing.case import Case, Suite
from ....module_utils._otelcol.testing.records import SIGNALS, Record
from ....module_utils._otelcol.traits import kind_of
from .. import _files, _yaml
from .bench import Outcome, run_case
from .coverage import Covered, probed_branches

_TRIES = 12
"""How many ways to reach one branch are tried: each runs a Collector."""
_LISTED = 10
"""How many records a case lists; of more it has the number."""
_DROPPING = ("filter",)
"""Where it is right that nothing arrives; elsewhere, a case in which something arrives is better."""
_ENDING = "_proposed.yml"
_HEAD = """---
# What the config does now with records that no test has. Judge each case: is it what you want? Then move it to the
# tests, with a name that says why.
"""
_PLACEHOLDER = "placeholder"
# What a record has if nobody gave it, and what no case should depend on.
_USUAL: dict[str, Any] = {"kind": "internal", "status": "unset", "temporality": "cumulative"}
_LEFT_OUT = ("trace", "id", "parent", "duration")
_EMPTY: tuple[Any, ...] = ("", {}, [], None)


class _Proposed(NamedTuple):
    """A case that takes a branch, and whether nothing arrives in it."""

    test: dict[str, Any]
    is_silent: bool


def proposed_cases(covered: Sequence[Covered], pool: Executor) -> list[dict[str, Any]]:
    """Return a row for each branch that no test takes: the case that takes it, or why there is none."""
    jobs: list[tuple[Covered, Branch]] = []
    for one in covered:
        jobs += [(one, branch) for branch in one.branches if one.state(branch).is_taken is False]
    return list(pool.map(lambda job: _row(*job), jobs))


def _row(one: Covered, branch: Branch) -> dict[str, Any]:
    """Return the row of a branch: its place, and either the case that takes it as `test`, or `why` there is none."""
    position = one.bench.locate(branch.path)
    row = {"file": position.file, "line": position.line, "path": dotted(branch.path), "config": one.key}
    try:
        test = _case(one, branch)
    except Problem as problem:
        return {**row, "why": one.bench.hidden(str(problem.wrong)), "test": {}}
    if isinstance(test, str):
        return {**row, "why": one.bench.hidden(test), "test": {}}
    if one.bench.hidden(str(test)) != str(test):
        return {**row, "why": "a value that the config keeps secret leaves", "test": {}}
    return {**row, "why": "", "test": test}


def _case(one: Covered, branch: Branch) -> dict[str, Any] | str:
    """Return a case that takes a branch, or why none is known. Raises Problem if the Collector does not run.

    One in which something arrives is better, except where it is right that nothing does.
    """
    ways = list(islice(reaching.ways_to_reach(branch, one.bench.config, _examples(one.suites)), _TRIES))
    may_be_silent = kind_of(str(branch.path[1])) in _DROPPING
    silent_test: dict[str, Any] = {}
    for given in ways:
        proposed = _proposed_case(one, branch, given)
        if proposed is None:
            continue
        if isinstance(proposed, str):
            return proposed
        if not proposed.is_silent or may_be_silent:
            return proposed.test
        silent_test = silent_test or proposed.test
    if silent_test:
        return silent_test
    return reaching.UNREACHED if ways else reaching.NO_LITERAL


def _proposed_case(one: Covered, branch: Branch, given: Mapping[str, Any]) -> _Proposed | str | None:
    """Return the case that gives this, None if it does not take the branch, or why it cannot be written."""
    name = f"It takes {dotted(branch.path)}"
    case = Case(name, name, (given,), {})
    if not _is_taken(one, branch, case):
        return None
    outcome = run_case(one.bench, case)
    expect = {exporter: _expectation(outcome, exporter) for exporter in outcome.exporters}
    for exporter, expected in expect.items():
        if expectations.record_differences(exporter, expected, outcome.got.get(exporter, {})):
            return "what arrives cannot be written as a test"
    is_silent = all(expected == expectations.NOTHING for expected in expect.values())
    return _Proposed({"name": name, "given": given, "expect": expect}, is_silent)


def _examples(suites: Sequence[Suite]) -> list[Mapping[str, Any]]:
    """Return what the tests of suites give."""
    given: list[Mapping[str, Any]] = []
    for suite in suites:
        for test in suite.tests:
            given += test.given
    return given


def _is_taken(one: Covered, branch: Branch, case: Case) -> bool:
    """Run a case to see whether it takes a branch."""
    answers = probed_branches(one.bench, [branch], case)
    return not isinstance(answers, str) and bool(answers.taken.get(branch.path))


def _expectation(outcome: Outcome, exporter: str) -> Any:
    """Return what a test expects of an exporter: `nothing`, or its records by signal, or how many they are."""
    got = outcome.got.get(exporter, {})
    expected: dict[str, Any] = {}
    for signal in SIGNALS:
        records = got.get(signal)
        if records and len(records) <= _LISTED:
            expected[signal] = [_shown_fields(record) for record in records]
        elif records:
            expected[signal] = len(records)
    return expected or expectations.NOTHING


def _shown_fields(record: Record) -> Record:
    """Return the fields of a record that a reader would write."""
    return {key: value for key, value in record.items() if _is_shown(key, value)}


def _is_shown(key: str, value: Any) -> bool:
    """Whether a reader would write a field: one that differs in every run, or says the usual, is left out."""
    return key not in _LEFT_OUT and value not in _EMPTY and _USUAL.get(key) != value


def write_proposals(rows: Sequence[Mapping[str, Any]], covered: Sequence[Covered], folder: Path, check: bool) -> bool:
    """Write a file of cases for each config; return whether one changed. Raises Problem for one that is another's."""
    texts = dict(_texts(rows, covered, folder))
    for file, text in texts.items():
        if file.exists() and file_text(file) != text:
            fix = "Move the cases that you want to your tests, then remove the file; or name another folder."
            raise Problem(f"{file} exists, and cases would replace it", fix=fix)
    changed = [_files.place(file, text, check) for file, text in texts.items()]
    return any(changed)


def _texts(rows: Sequence[Mapping[str, Any]], covered: Sequence[Covered], folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and text of the file of each config that has cases; files of the same name get numbers."""
    for number, one in enumerate(covered):
        tests = [row["test"] for row in rows if row["config"] == one.key and row["test"]]
        if not tests:
            continue
        name = _file_name(one)
        number_of_same = sum(_file_name(other) == name for other in covered[:number])
        suffix = f"_{number_of_same + 1}" if number_of_same else ""
        yield folder / f"{name}{suffix}{_ENDING}", _text(tests, one.suites[0], folder)


def _text(tests: Sequence[Mapping[str, Any]], suite: Suite, folder: Path) -> str:
    """Return the text of a file with cases; values of variables that look like secrets are placeholders in it."""
    secrets = [name for name, value in suite.environment.items() if secret_at({}, (name,), str(value))]
    head = _HEAD
    if secrets:
        head += f"# Placeholders stand for values that look like secrets: {', '.join(secrets)}.\n"
    return head + _yaml.dump({**_about(suite, folder, secrets), "tests": tests})


def _file_name(one: Covered) -> str:
    """Return the name of a file of cases, without its ending: that of the collector or of the config."""
    suite = one.suites[0]
    return suite.collector or str(suite.config_map.get("name") or Path(suite.config).stem)


def _about(suite: Suite, folder: Path, secrets: Sequence[str]) -> dict[str, Any]:
    """Return what the cases are about, as a file in this folder says it: the config, variables and cluster."""
    about: dict[str, Any] = {}
    if suite.config_map:
        about["config_map"] = dict(suite.config_map)
    elif suite.collector:
        about["collector"] = suite.collector
    else:
        about["config"] = os.path.relpath(Path(suite.file).parent / suite.config, folder)
    environment = {**suite.environment, **dict.fromkeys(secrets, _PLACEHOLDER)}
    if environment:
        about["environment"] = environment
    if suite.cluster:
        about["cluster"] = dict(suite.cluster)
    return about


def proposal_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each branch for which there is no case."""
    with_case = sum(bool(row["test"]) for row in rows)
    yield f"proposed: {with_case} of {len(rows)} that no test takes"
    for row in rows:
        if row["why"]:
            place = f"{row['file']}:{row['line']}" if row["line"] else row["file"]
            yield f"not proposed {place}: {row['path']}: {row['why']}"
