# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests of configs a run has, and what they found: the entry point of `pipeline_test` and `otelcoltool test`.

The steps of a run, each in a file of its own: `suites.py` reads the files of tests and their configs,
`chosen_bench.py` finds a Collector for each config, `judged_case.py` runs a test, `extras.py` finds what is asked for
beside the tests, and `run_results.py` shows the results. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ....module_utils._otelcol.config.config_secrets import secrets_in
from ....module_utils._otelcol.config.masking import masker
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing.case import Suite
from ....module_utils._otelcol.testing.policies import Policy
from .. import _files, _inputs
from .._isolation import choice
from . import extras, suites
from .bench import Bench
from .chosen_bench import Chosen, chosen_bench
from .config_jobs import ConfigJob
from .guard import guarded_run
from .judged_case import judged_case
from .run_results import CaseResult, ExtraResult, failed_results, junit_text, results_text, task_result

_NO_FILE = "-"
_NEVER = "never"
# The name of the test that a file fails which cannot be read.
_READABLE = "The tests of this file can be run"
# How many Collectors run at once: each takes up to 200 MB, and waits most of its time.
_AT_ONCE = 4


@dataclass(frozen=True)
class _Run:
    """What a run is asked: the arguments of the module, who hears warnings, and whether it is in check mode."""

    arguments: Mapping[str, Any]
    warn: Callable[[str], None]
    check: bool


def report(arguments: Mapping[str, Any], warn: Callable[[str], None], check: bool = False) -> dict[str, Any]:
    """Return what every test found, as a task result.

    Raises Problem if a test failed, unless `fail_on` is `never`, and if no Collector runs the tests.
    """
    run = _Run(arguments, warn, check)
    sources = _read_sources(run)
    _files.check_apart(arguments["output_path"], sources.files(), "output_path")
    plan = _planned(sources, run)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        unread = [_unread_result(broken) for broken in [*sources.broken, *plan.unfit]]
        results = [*unread, *pool.map(judged_case, plan.jobs)]
        extra = _extra_result(plan, run, pool)
    result = task_result(results, extra)
    if arguments["output_path"] != _NO_FILE and not check:
        result["changed"] |= _files.write(Path(arguments["output_path"]), junit_text(results))
    if arguments.get("fail_on") != _NEVER:
        _raise_failure(result, results, extra)
    return result


def before_apply(paths: Sequence[str], how: Mapping[str, str], collectors: Any, warn: Callable[[str], None]) -> None:
    """Run the tests of an inventory, by a `binary` and an `isolation`. Raises Problem if one fails."""
    build = dict.fromkeys(("distribution", "version", "distribution_manifest", "distribution_schema"))
    ours = {"paths": paths, **how, "collectors": collectors, "resources": None, "output_path": _NO_FILE}
    try:
        report({**ours, **build, "trace": True, "update_golden": False, "invariants": False}, warn)
    except Problem as problem:  # its lines say everything, and are read more easily without the facts
        problem.facts = {}
        raise


@dataclass(frozen=True)
class _Sources:
    """The files of tests: those of this host, configs without a test, files that cannot be read, and all policies."""

    here: Sequence[Suite]
    untested: Sequence[Suite]
    broken: Sequence[suites.Broken]
    policies: Sequence[Policy]

    def files(self) -> Iterator[str]:
        """Yield the files with tests, and those with the configs that they are about."""
        yield from (part.file for part in self.broken)
        for suite in (*self.here, *self.untested):
            yield suite.file
            yield str(Path(suite.file).parent / suite.config)


def _read_sources(run: _Run) -> _Sources:
    """Read the files of tests. Raises Problem if there is nothing to test."""
    arguments = run.arguments
    found = list(suites.read_suites(arguments))
    _warn_of_links(run)
    read = [part for part in found if isinstance(part, Suite)]
    broken = [part for part in found if isinstance(part, suites.Broken)]
    policies: list[Policy] = []
    for suite in read:
        policies += suite.policies
    untested = list(suites.untested_collectors(read, arguments))
    with_tests = [suite for suite in read if suite.tests]
    here = suites.of_this_host(with_tests, arguments["collectors"], run.warn)
    if not here and not untested and not broken:
        raise Problem("there is no test of a config that is here", fix="Add one, or name other files with `paths`.")
    return _Sources(here, untested, broken, policies)


def _warn_of_links(run: _Run) -> None:
    """Warn of links in the folders of tests, which are not followed."""
    for path in run.arguments["paths"]:
        for text in _inputs.links(Path(path)):
            run.warn(text)


class _Plan(NamedTuple):
    """The tests of a run, those of configs without a test, and the files whose config is not to be had."""

    jobs: list[ConfigJob]
    untested: list[ConfigJob]
    unfit: list[suites.Broken]


def _planned(sources: _Sources, run: _Run) -> _Plan:
    """Return what to run.

    Raises Problem without a Collector that runs a config: that is for the user of the play to mend.
    """
    isolation = choice.chosen_isolation(run.arguments.get("isolation") or choice.AUTO, run.warn)
    plan = _Plan([], [], [])
    for jobs, tested in ((plan.jobs, sources.here), (plan.untested, sources.untested)):
        for suite in tested:
            try:
                subject = suites.tested_subject(suite, run.arguments)
            except Problem as problem:
                plan.unfit.append(suites.Broken(suite.file, str(problem)))
                continue
            bench = _bench(suite, subject, isolation, run)
            jobs += [ConfigJob(suite, bench, test, sources.policies) for test in suite.tests]
    return plan


def _bench(suite: Suite, subject: suites.Subject, isolation: choice.Isolation, run: _Run) -> Bench:
    """Return what the tests of a file share. Raises Problem without a Collector that runs their config."""
    chosen = Chosen(subject.config, subject.image, suite.file)
    bench = chosen_bench(chosen, run.arguments, isolation, run.warn)
    return replace(
        bench,
        environment={**bench.environment, **suite.environment},
        cluster=suite.cluster,
        hidden=masker(secrets_in(subject.config) | secrets_in(dict(suite.environment))),
        traced=run.arguments["trace"],
        update_golden=run.arguments["update_golden"],
        check=run.check,
        locate=subject.locate,
        given=suite.environment,
        folders=tuple(_folders_of_golden_files(suite, run.arguments["paths"])),
    )


def _folders_of_golden_files(suite: Suite, paths: Sequence[str]) -> Iterator[Path]:
    """Yield the folders in which golden files of a test may be: its own, and those that the run names."""
    yield Path(suite.file).parent
    yield from (Path(path) for path in paths if Path(path).is_dir())


def _unread_result(broken: suites.Broken) -> CaseResult:
    """Return the result of a file that cannot be read: one test, which failed."""
    return CaseResult(broken.file, _READABLE, (broken.why,))


def _extra_result(plan: _Plan, run: _Run, pool: ThreadPoolExecutor) -> ExtraResult:
    """Return what is asked for beside the tests. What goes wrong there is in the result: the tests have run, and count.

    `pool` runs its Collectors.
    """
    try:
        with guarded_run("what a run finds beside its tests", "pipeline_test"):
            facts, lines = extras.extra_facts(run.arguments, plan.jobs, plan.untested, pool, run.check)
    except Problem as problem:
        return ExtraResult({}, [str(problem)], problem)
    return ExtraResult(facts, lines)


def _raise_failure(result: dict[str, Any], results: Sequence[CaseResult], extra: ExtraResult) -> None:
    """Raise Problem if a test failed, or what is asked for beside the tests."""
    failed = failed_results(results)
    if failed:
        raise Problem(f"\n{results_text(failed)}", asked=result["failure"], facts=result)
    if extra.problem:
        extra.problem.facts = result
        raise extra.problem
