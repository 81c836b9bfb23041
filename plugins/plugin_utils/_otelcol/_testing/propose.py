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
from typing import Any

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


def proposed_cases(covered: Sequence[Covered], pool: Executor) -> list[dict[str, Any]]:
    """Return a row for each branch that no test takes: the case that takes it, or why there is none."""
    jobs = [(one, branch) for one in covered for branch in one.branches if one.state(branch).is_taken is False]
    return list(pool.map(lambda job: _row(*job), jobs))


def _row(one: Covered, branch: Branch) -> dict[str, Any]:
    position = one.bench.locate(branch.path)
    row = {"file": position.file, "line": position.line, "path": dotted(branch.path), "config": one.key}
    try:
        found = _case(one, branch)
    except Problem as problem:
        found = str(problem.wrong)
    if isinstance(found, str):
        return {**row, "why": one.bench.hidden(found), "test": {}}
    if one.bench.hidden(str(found)) != str(found):
        return {**row, "why": "a value that the config keeps secret leaves", "test": {}}
    return {**row, "why": "", "test": found}


def _case(one: Covered, branch: Branch) -> dict[str, Any] | str:
    """Return a case that takes a branch, or why none is known."""
    ways = list(islice(reaching.ways_to_reach(branch, one.bench.config, _examples(one.suites)), _TRIES))
    silent: dict[str, Any] = {}
    for given in ways:
        name = f"It takes {dotted(branch.path)}"
        case = Case(name, name, (given,), {})
        if not _is_taken(one, branch, case):
            continue
        outcome = run_case(one.bench, case)
        expect = {exporter: _answer(outcome, exporter) for exporter in outcome.exporters}
        if any(expectations.record_differences(name, said, outcome.got.get(name, {})) for name, said in expect.items()):
            return "what arrives cannot be written as a test"
        found = {"name": name, "given": given, "expect": expect}
        is_silent = all(said == expectations.NOTHING for said in expect.values())
        if not is_silent or kind_of(str(branch.path[1])) in _DROPPING:
            return found
        silent = silent or found
    return silent or (reaching.UNREACHED if ways else reaching.NO_LITERAL)


def _examples(suites: Sequence[Suite]) -> list[Mapping[str, Any]]:
    """Return what the tests of suites give."""
    return [given for suite in suites for test in suite.tests for given in test.given]


def _is_taken(one: Covered, branch: Branch, case: Case) -> bool:
    """Run a case to see whether it takes a branch."""
    answers = probed_branches(one.bench, [branch], case)
    return not isinstance(answers, str) and bool(answers.taken.get(branch.path))


def _answer(outcome: Outcome, exporter: str) -> Any:
    got = outcome.got.get(exporter, {})
    said = {signal: got[signal] for signal in SIGNALS if got.get(signal)}
    if not said:
        return expectations.NOTHING
    return {
        signal: [_shown(record) for record in records] if len(records) <= _LISTED else len(records)
        for signal, records in said.items()
    }


def _shown(record: Record) -> Record:
    """Return the fields of a record that a reader would write."""
    return {
        key: value
        for key, value in record.items()
        if key not in _LEFT_OUT and value not in ("", {}, [], None) and _USUAL.get(key) != value
    }


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
    for number, one in enumerate(covered):
        tests = [row["test"] for row in rows if row["config"] == one.key and row["test"]]
        if not tests:
            continue
        suite = one.suites[0]
        name = _name(one)
        same = [other for other in covered[:number] if _name(other) == name]
        file = folder / f"{name}{f'_{len(same) + 1}' if same else ''}{_ENDING}"
        secret = [name for name, value in suite.environment.items() if secret_at({}, (name,), str(value))]
        head = _HEAD + (
            f"# Placeholders stand for values that look like secrets: {', '.join(secret)}.\n" * bool(secret)
        )
        yield file, head + _yaml.dump({**_about(suite, folder, secret), "tests": tests})


def _name(one: Covered) -> str:
    suite = one.suites[0]
    return suite.collector or str(suite.config_map.get("name") or Path(suite.config).stem)


def _about(suite: Suite, folder: Path, secret: Sequence[str]) -> dict[str, Any]:
    config = os.path.relpath(Path(suite.file).parent / suite.config, folder)
    named: dict[str, Any] = {"collector": suite.collector} if suite.collector else {"config": config}
    named = {"config_map": dict(suite.config_map)} if suite.config_map else named
    environment = {**suite.environment, **dict.fromkeys(secret, _PLACEHOLDER)}
    more = {"environment": environment, "cluster": dict(suite.cluster)}
    return {**named, **{key: value for key, value in more.items() if value}}


def proposal_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each branch for which there is no case."""
    yield f"proposed: {sum(bool(row['test']) for row in rows)} of {len(rows)} that no test takes"
    for row in rows:
        if row["why"]:
            place = f"{row['file']}:{row['line']}" if row["line"] else row["file"]
            yield f"not proposed {place}: {row['path']}: {row['why']}"
