# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which statements, conditions, sampling policies and routes of configs no test of a run takes.

Every test runs once more, with probes beside the pipelines, so that the run that is judged has none. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config.masking import quoted
from ....module_utils._otelcol.config.paths import Path as KeyPath
from ....module_utils._otelcol.config.paths import dotted
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.languages.ottl import Language
from ....module_utils._otelcol.testing.branch_model import Branch
from ....module_utils._otelcol.testing.branches import branches
from ....module_utils._otelcol.testing.case import Case, Suite
from ....module_utils._otelcol.testing.probes import UNUSED, Probes
from .. import _builds
from .bench import Bench, run_case

_LONGEST = 200
_PER_RUN = 30
"""How many branches a run asks: each is a pipeline, and a statement is compiled for all that follow it."""
_SECONDS = 60.0
TAKEN, MISSED, UNKNOWN = "taken", "never exercised by a test", "unknown"


@dataclass
class Covered:
    """What the config of a bench may do, and what of it the tests have taken so far."""

    key: str
    bench: Bench
    branches: list[Branch]
    suites: list[Suite] = field(default_factory=list)
    taken: dict[KeyPath, bool] = field(default_factory=dict)
    failed: str = ""
    unknown: dict[KeyPath, str] = field(default_factory=dict)

    @classmethod
    def of(cls, key: str, bench: Bench) -> Covered:
        return cls(key, bench, branches(bench.config, Language.from_rows(_builds.tables().ottl_of)))

    def add(self, taken: dict[KeyPath, bool], unknown: dict[KeyPath, str]) -> None:
        """Add what one more test took, and what nobody can tell."""
        self.unknown |= unknown
        for path, yes in taken.items():
            self.taken[path] = yes or self.taken.get(path, False)

    def state(self, branch: Branch) -> tuple[bool | None, str]:
        """Return whether a branch was taken, None if that is unknown, and why it was not."""
        if self.taken.get(branch.path):
            return True, ""
        if why := branch.unknown or self.failed or self.unknown.get(branch.path, ""):
            return None, why
        return False, "" if branch.path in self.taken else UNUSED

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every branch as a task result shows it."""
        for branch in self.branches:
            position, (taken, why) = self.bench.locate(branch.path), self.state(branch)
            row = {"file": position.file, "line": position.line, "path": dotted(branch.path)}
            mask = self.bench.hidden
            shown = {"what": quoted(branch.what, mask=mask), "why": quoted(why, _LONGEST, mask)}
            yield {**row, **shown, "taken": taken}


Taken = tuple[dict[KeyPath, bool], dict[KeyPath, str]]
Job = tuple[Suite, Bench, Case, Any]


def measured_coverage(jobs: Sequence[Job], pool: Executor) -> list[Covered]:
    """Return for each config what its tests take. Tests of one config in several files count together."""
    found: dict[str, Covered] = {}
    for suite, bench, _test, _rules in jobs:
        if _key(suite) not in found:
            found[_key(suite)] = Covered.of(_key(suite), bench)
        known = found[_key(suite)].suites
        known += [] if suite in known else [suite]
    ran = pool.map(lambda job: probed_branches(job[1], found[_key(job[0])].branches, job[2]), jobs)
    for (suite, *_rest), taken in zip(jobs, ran, strict=True):
        one = found[_key(suite)]
        if isinstance(taken, str):
            one.failed = taken
        else:
            one.add(*taken)
    return list(found.values())


def _key(suite: Suite) -> str:
    named = suite.collector or "/".join(map(str, suite.config_map.values()))
    return named or str((Path(suite.file).parent / suite.config).resolve())


def probed_branches(bench: Bench, branches: Sequence[Branch], case: Case) -> Taken | str:
    """Return what a test takes of a config and what of it is unknown, or why all is."""
    taken: dict[KeyPath, bool] = {}
    unknown: dict[KeyPath, str] = {}
    patient = replace(case, timeout=max(case.timeout, _SECONDS))
    try:
        for start in range(0, len(branches), _PER_RUN):
            probes = Probes(branches[start : start + _PER_RUN])
            outcome = run_case(replace(bench, traced=False, extend=probes.add), patient)
            taken |= probes.taken(outcome.got)
            unknown |= probes.unknown
        return taken, unknown
    except Problem as problem:
        return f"with probes, {bench.hidden(problem.wrong)}"


def coverage_lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield how many branches were taken, and a line for each other one."""
    words = {True: TAKEN, False: MISSED, None: UNKNOWN}
    counts = {word: sum(row["taken"] is value for row in rows) for value, word in words.items()}
    yield f"coverage: {', '.join(f'{number} {word}' for word, number in counts.items())}"
    for row in rows:
        if not row["taken"]:
            place = f"{row['file']}:{row['line']}" if row["line"] else row["file"]
            why = f" ({row['why']})" if row["why"] else ""
            yield f"{words[row['taken']]} {place}: {row['path']}: {row['what']}{why}"
