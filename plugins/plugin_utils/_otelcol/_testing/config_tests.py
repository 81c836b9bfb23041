# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of configs: finds config and Collector, runs each test, and reports. Private."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config.config_secrets import secrets_in
from ....module_utils._otelcol.config.masking import masker, quoted
from ....module_utils._otelcol.config.paths import Position
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.rules.junit_report import junit
from ....module_utils._otelcol.rules.report_model import Checked, Report, count_in_words
from ....module_utils._otelcol.rules.subject import Finding
from ....module_utils._otelcol.testing import case, expectations, invariants, policies, records, scrapes
from .. import _files, _inputs, _jmespath
from .._isolation import choice
from . import extras, suites
from .bench import Bench, Outcome, run_case
from .chosen_bench import Chosen, chosen_bench
from .config_jobs import ConfigJob
from .golden_files import Golden
from .guard import guarded_run

_RULE = "config-test"
_SUITE = "o11y.opentelemetry.pipeline_test"
_NO_FILE = "-"
_NEVER = "never"
_READABLE = "The tests of this file can be run"
# How many Collectors run at once: each takes up to 200 MB, and waits most of its time.
_AT_ONCE = 4


@dataclass(frozen=True)
class _TestResult:
    """A test and what it found."""

    suite: case.Suite
    test: case.Case
    lines: tuple[str, ...]
    changes: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()
    golden: tuple[str, ...] = ()
    """Golden files that were written."""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it as a task result shows it."""
        return {
            "name": self.test.name,
            "file": self.suite.file,
            "passed": not self.lines,
            "differences": list(self.lines),
            "changes": list(self.changes),
            "trace": list(self.trace),
            "golden": list(self.golden),
            "notes": list(self.notes),
        }


def report(arguments: Mapping[str, Any], warn: Callable[[str], None], check: bool = False) -> dict[str, Any]:
    """Return what every test found, as a task result.

    Raises Problem if a test failed, unless `fail_on` is `never`, and if no Collector runs the tests.
    """
    sources = _Sources.of(arguments, warn)
    _files.check_apart(arguments["output_path"], sources.files(), "output_path")
    benches, unfit = _benches([*sources.here, *sources.untested], arguments, warn, check)
    jobs = _jobs(sources.here, benches, sources.policies)
    more = _jobs(sources.untested, benches, sources.policies)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        judged = [*map(_unread, [*sources.broken, *unfit]), *pool.map(lambda job: _judged(*job), jobs)]
        beside = _Beside.of(arguments, jobs, more, pool, check)
    result = _result(judged, beside)
    if arguments["output_path"] != _NO_FILE and not check:
        result["changed"] |= _files.write(Path(arguments["output_path"]), junit(Report(_checked(judged), suite=_SUITE)))
    if arguments.get("fail_on") != _NEVER:
        _conclude(result, judged, beside)
    return result


@dataclass(frozen=True)
class _Sources:
    """The files of tests: those of this host, configs without a test, files that cannot be read, and all policies."""

    here: Sequence[case.Suite]
    untested: Sequence[case.Suite]
    broken: Sequence[suites.Broken]
    policies: Sequence[Any]

    @classmethod
    def of(cls, arguments: Mapping[str, Any], warn: Callable[[str], None]) -> _Sources:
        """Read them. Raises Problem if there is nothing to test."""
        found = list(suites.read_suites(arguments))
        for path in arguments["paths"]:
            for text in _inputs.links(Path(path)):
                warn(text)
        read = [part for part in found if isinstance(part, case.Suite)]
        broken = [part for part in found if isinstance(part, suites.Broken)]
        rules: list[policies.Policy] = []
        for suite in read:
            rules += suite.policies
        untested = list(suites.untested_collectors(read, arguments))
        with_tests = [suite for suite in read if suite.tests]
        here = suites.of_this_host(with_tests, arguments["collectors"], warn)
        if not here and not untested and not broken:
            raise Problem("there is no test of a config that is here", fix="Add one, or name other files with `paths`.")
        return cls(here, untested, broken, rules)

    def files(self) -> Iterator[str]:
        """Yield the files with tests, and those with the configs that they are about."""
        yield from (part.file for part in self.broken)
        for suite in (*self.here, *self.untested):
            yield suite.file
            yield str(Path(suite.file).parent / suite.config)


def _jobs(tested: Sequence[case.Suite], benches: Mapping[int, Bench], rules: Sequence[Any]) -> list[ConfigJob]:
    """Return what each test needs; none of a file without a bench."""
    jobs: list[ConfigJob] = []
    for suite in tested:
        bench = benches.get(id(suite))
        if bench is not None:
            jobs += [ConfigJob(suite, bench, test, rules) for test in suite.tests]
    return jobs


@dataclass(frozen=True)
class _Beside:
    """What a run finds beside its tests: facts for the result, lines for the report, and why it failed."""

    facts: Mapping[str, Any]
    lines: Sequence[str]
    problem: Problem | None = None

    @classmethod
    def of(
        cls,
        arguments: Mapping[str, Any],
        jobs: list[ConfigJob],
        more: list[ConfigJob],
        pool: ThreadPoolExecutor,
        check: bool,
    ) -> _Beside:
        try:
            with guarded_run("what a run finds beside its tests", "pipeline_test"):
                return cls(*extras.extra_facts(arguments, jobs, more, pool, check))
        except Problem as problem:  # the tests have run, and count
            return cls({}, [str(problem)], problem)


def _result(judged: Sequence[_TestResult], beside: _Beside) -> dict[str, Any]:
    """Return the result of the task."""
    facts = dict(beside.facts)
    written = facts.pop("changed", False) or any(item.golden for item in judged)
    result: dict[str, Any] = {"tests": [item.as_dict() for item in judged], "changed": written, **facts}
    result["report"] = "\n".join([_text(judged), *beside.lines])
    failed = sum(bool(item.lines) for item in judged)
    result["failure"] = (
        f"{failed} of {count_in_words(len(judged), 'test')} failed" if failed else str(beside.problem or "")
    )
    return result


def _conclude(result: dict[str, Any], judged: Sequence[_TestResult], beside: _Beside) -> None:
    """Raise Problem if a test failed, or what the run finds beside its tests."""
    failed = [item for item in judged if item.lines]
    if failed:
        raise Problem(f"\n{_text(failed)}", asked=result["failure"], facts=result)
    if beside.problem:
        beside.problem.facts = result
        raise beside.problem


def _benches(
    found: Sequence[case.Suite], arguments: Mapping[str, Any], warn: Callable[[str], None], check: bool
) -> tuple[dict[int, Bench], list[suites.Broken]]:
    """Return what the tests of each file share, by the id of its suite, and the files whose config is not to be had.

    Raises Problem without a Collector that runs a config: that is for the user of the play to mend.
    """
    isolation = choice.chosen_isolation(arguments.get("isolation") or choice.AUTO, warn)
    benches, broken = dict[int, Bench](), list[suites.Broken]()
    for suite in found:
        try:
            subject = suites.tested_subject(suite, arguments)
        except Problem as problem:
            broken.append(suites.Broken(suite.file, str(problem)))
            continue
        benches[id(suite)] = _bench(suite, subject, isolation, arguments, warn=warn, check=check)
    return benches, broken


def _unread(broken: suites.Broken) -> _TestResult:
    return _TestResult(case.Suite(broken.file), case.Case(_READABLE, broken.file, (), {}), (broken.why,))


def _checked(judged: Sequence[_TestResult]) -> list[Checked]:
    """Return the tests as a report in JUnit has them: those of a file are a class."""
    return [
        Checked(item.test.name, tuple(_findings(item)), group=_relative(item.suite.file), seconds=item.seconds)
        for item in judged
    ]


def _relative(file: str) -> str:
    """Return a path as the reader of a report knows it: from where the play was started, if it is below."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def before_apply(paths: Sequence[str], how: Mapping[str, str], collectors: Any, warn: Callable[[str], None]) -> None:
    """Run the tests of an inventory, by a `binary` and an `isolation`. Raises Problem if one fails."""
    build = dict.fromkeys(("distribution", "version", "distribution_manifest", "distribution_schema"))
    ours = {"paths": paths, **how, "collectors": collectors, "resources": None, "output_path": _NO_FILE}
    try:
        report({**ours, **build, "trace": True, "update_golden": False, "invariants": False}, warn)
    except Problem as problem:  # its lines say everything, and are read more easily without the facts
        problem.facts = {}
        raise


def _bench(
    suite: case.Suite,
    subject: suites.Subject,
    isolation: choice.Isolation,
    arguments: Mapping[str, Any],
    *,
    warn: Callable[[str], None],
    check: bool,
) -> Bench:
    """Return what the tests of a file share. Raises Problem without a Collector that runs their config."""
    chosen = Chosen(subject.config, subject.image, suite.file)
    bench = chosen_bench(chosen, arguments, isolation, warn)
    return replace(
        bench,
        environment={**bench.environment, **suite.environment},
        cluster=suite.cluster,
        hidden=masker(secrets_in(subject.config) | secrets_in(dict(suite.environment))),
        traced=arguments["trace"],
        update_golden=arguments["update_golden"],
        check=check,
        locate=subject.locate,
        given=suite.environment,
        folders=tuple(_folders(suite, arguments["paths"])),
    )


def _folders(suite: case.Suite, paths: Sequence[str]) -> Iterator[Path]:
    """Yield the folders in which golden files of a test may be: its own, and those that the run names."""
    yield Path(suite.file).parent
    yield from (Path(path) for path in paths if Path(path).is_dir())


def _judged(suite: case.Suite, bench: Bench, test: case.Case, rules: Sequence[policies.Policy]) -> _TestResult:
    """Run one test. What keeps it from running is its failure; the others still run."""
    begin = time.monotonic()
    try:
        planned = None if test.expect else invariants.planted_records(bench.config)
        if planned:
            bench, test = replace(bench, traced=True), replace(test, given=planned.given)
        outcome = run_case(bench, test)
    except Problem as problem:
        return _TestResult(suite, test, (bench.hidden(str(problem)),), seconds=time.monotonic() - begin)
    written, notes = list[str](), list(outcome.notes)
    try:
        with guarded_run("comparing what arrived", test.where):
            if planned:
                lines, notes = invariants.judged_invariants(bench.config, planned, outcome.got, outcome.exporters)
            else:
                lines = _compared(suite, bench, test, outcome, written)
    except Problem as problem:
        lines = [str(problem)]
    leaving = {exporter: outcome.got[exporter] for exporter in outcome.exporters if exporter in outcome.got}
    lines += policies.policy_breaches(rules, leaving)
    trace = expectations.traced_steps(bench.config, outcome.got) if bench.traced else ()
    said = (tuple(quoted(line, mask=bench.hidden) for line in part) for part in (lines, trace, notes))
    differences, steps, told = said
    took = time.monotonic() - begin
    return _TestResult(suite, test, differences, outcome.changes, steps, tuple(written), told, took)


def _compared(suite: case.Suite, bench: Bench, test: case.Case, outcome: Outcome, written: list[str]) -> list[str]:
    """Return what differs from the expectations; the golden files that were written instead are added to a list."""
    unasked = scrapes.OWN if any("pages" in part for part in test.given) else ()
    lines: list[str] = []
    for exporter, wanted in test.expect.items():
        got = outcome.got.get(exporter, {})
        lines += _queries(exporter, wanted, got)
        if isinstance(wanted, str) or "golden" not in wanted:
            lines += expectations.record_differences(exporter, wanted, got, unasked)
            continue
        file = Golden(exporter, Path(suite.file).parent / str(wanted["golden"]), got, unasked)
        file.check(bench.folders)
        different = file.differences()
        if different and bench.update_golden:
            file.write(bench)
            written.append(str(file.path))
        else:
            lines += different
    return lines


def _queries(exporter: str, wanted: Any, got: Mapping[str, Sequence[records.Record]]) -> Iterator[str]:
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


def _findings(item: _TestResult) -> Iterator[Finding]:
    for line in item.lines:
        yield Finding(Position(item.suite.file), item.test.name, _RULE, "error", line)


def _text(judged: Sequence[_TestResult]) -> str:
    """Return a line for each test, and below it one for each difference."""
    lines = []
    for item in judged:
        lines.append(f"{'FAILED' if item.lines else 'passed'} {item.suite.file}: {item.test.name}")
        lines += [f"    {line}" for line in item.lines]
        lines += [f"    note: {line}" for line in item.notes]
        lines += [f"      {line}" for line in item.trace if item.lines]
    return "\n".join(lines)
