# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests of configs a run has, and what they found: the entry point of `pipeline_test` and `otelcoltool test`.

The steps of a run, each in a file of its own: `suites.py` reads the files of tests and their configs,
`chosen_bench.py` finds a Collector for each config, `judged_case.py` runs a test, `extras.py` finds what is asked for
beside the tests, and `run_results.py` shows the results. A suite is a file with tests, a job one test with all that its
run needs (config_jobs.py). A suite is broken if its file cannot be read, unfit if its config cannot, and untested if it
stands for a config without tests. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ....module_utils._otelcol.config.config_secrets import find_secrets
from ....module_utils._otelcol.config.masking import make_masker
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing.case import Suite
from ....module_utils._otelcol.testing.policies import Policy
from .. import _files, _inputs
from .._isolation import choice
from . import extras, suites
from .bench import Bench
from .chosen_bench import ChosenConfig, choose_bench
from .config_jobs import ConfigJob
from .guard import guard_run
from .judged_case import judge_case
from .run_results import CaseResult, ExtraResult, build_task_result, format_junit, format_results, list_failed_results

_NO_FILE = "-"
_NEVER = "never"
# The name of the test that a file fails which cannot be read.
_READABLE_TEST_NAME = "The tests of this file can be run"
# How many Collectors run at once: each takes up to 200 MB, and waits most of its time.
_PARALLEL_TESTS = 4


@dataclass(frozen=True)
class _Run:
    """What a run is asked: the arguments of the module, who hears warnings, and whether it is in check mode."""

    arguments: Mapping[str, Any]
    warn_user: Callable[[str], None]
    is_check_mode: bool


def run_config_tests(arguments: Mapping[str, Any], warn: Callable[[str], None], check: bool = False) -> dict[str, Any]:
    """Return what every test found, as a task result.

    Raises Problem if a test failed, unless `fail_on` is `never`, and if no Collector runs the tests.
    """
    test_run = _Run(arguments, warn, check)
    sources = _read_sources(test_run)
    _files.check_output_is_no_input(arguments["output_path"], sources.list_files(), "output_path")
    plan = _plan_run(sources, test_run)
    with ThreadPoolExecutor(max_workers=_PARALLEL_TESTS) as pool:
        unread_results = [_build_unread_result(broken) for broken in [*sources.broken_suites, *plan.unfit_suites]]
        results = [*unread_results, *pool.map(judge_case, plan.jobs)]
        extra_result = _find_extra_result(plan, test_run, pool)
    result = build_task_result(results, extra_result)
    if arguments["output_path"] != _NO_FILE and not check:
        result["changed"] |= _files.write_if_changed(Path(arguments["output_path"]), format_junit(results))
    if arguments.get("fail_on") != _NEVER:
        _raise_failure(result, results, extra_result)
    return result


def run_tests_before_apply(
    paths: Sequence[str], run_options: Mapping[str, str], collectors: Any, warn: Callable[[str], None]
) -> None:
    """Run the tests of an inventory, by a `binary` and an `isolation`. Raises Problem if one fails."""
    build_options = dict.fromkeys(("distribution", "version", "distribution_manifest", "distribution_schema"))
    test_arguments = {
        "paths": paths,
        **run_options,
        "collectors": collectors,
        "resources": None,
        "output_path": _NO_FILE,
    }
    try:
        run_config_tests(
            {**test_arguments, **build_options, "trace": True, "update_golden": False, "invariants": False}, warn
        )
    except Problem as problem:  # its lines say everything, and are read more easily without the facts
        problem.facts = {}
        raise


@dataclass(frozen=True)
class _Sources:
    """The files of tests: those of this host, configs without a test, files that cannot be read, and all policies."""

    suites_of_host: Sequence[Suite]
    untested_suites: Sequence[Suite]
    broken_suites: Sequence[suites.BrokenSuite]
    policies: Sequence[Policy]

    def list_files(self) -> Iterator[str]:
        """Yield the files with tests, and those with the configs that they are about."""
        yield from (part.file for part in self.broken_suites)
        for suite in (*self.suites_of_host, *self.untested_suites):
            yield suite.file
            yield str(Path(suite.file).parent / suite.config)


def _read_sources(test_run: _Run) -> _Sources:
    """Read the files of tests. Raises Problem if there is nothing to test."""
    arguments = test_run.arguments
    suites_and_broken = list(suites.read_suites(arguments))
    _warn_of_links(test_run)
    readable_suites = [part for part in suites_and_broken if isinstance(part, Suite)]
    broken = [part for part in suites_and_broken if isinstance(part, suites.BrokenSuite)]
    policies: list[Policy] = []
    for suite in readable_suites:
        policies += suite.policies
    untested = list(suites.list_untested_collectors(readable_suites, arguments))
    with_tests = [suite for suite in readable_suites if suite.cases]
    suites_of_host = suites.keep_suites_of_host(with_tests, arguments["collectors"], test_run.warn_user)
    if not suites_of_host and not untested and not broken:
        raise Problem("there is no test of a config that is here", fix="Add one, or name other files with `paths`.")
    return _Sources(suites_of_host, untested, broken, policies)


def _warn_of_links(test_run: _Run) -> None:
    """Warn of links in the folders of tests, which are not followed."""
    for path in test_run.arguments["paths"]:
        for text in _inputs.describe_links(Path(path)):
            test_run.warn_user(text)


class _Plan(NamedTuple):
    """The tests of a run, those of configs without a test, and the files whose config is not to be had."""

    jobs: list[ConfigJob]
    untested_jobs: list[ConfigJob]
    unfit_suites: list[suites.BrokenSuite]


def _plan_run(sources: _Sources, test_run: _Run) -> _Plan:
    """Return what to run.

    Raises Problem without a Collector that runs a config: that is for the user of the play to mend.
    """
    isolation = choice.choose_isolation(test_run.arguments.get("isolation") or choice.AUTO, test_run.warn_user)
    plan = _Plan([], [], [])
    for jobs, tested_suites in ((plan.jobs, sources.suites_of_host), (plan.untested_jobs, sources.untested_suites)):
        for suite in tested_suites:
            try:
                subject = suites.read_subject(suite, test_run.arguments)
            except Problem as problem:
                plan.unfit_suites.append(suites.BrokenSuite(suite.file, str(problem)))
                continue
            bench = _build_bench(suite, subject, isolation, test_run)
            jobs += [ConfigJob(suite, bench, test, sources.policies) for test in suite.cases]
    return plan


def _build_bench(suite: Suite, subject: suites.TestedConfig, isolation: choice.Isolation, test_run: _Run) -> Bench:
    """Return what the tests of a file share. Raises Problem without a Collector that runs their config."""
    chosen_config = ChosenConfig(subject.config, subject.image, suite.file)
    bench = choose_bench(chosen_config, test_run.arguments, isolation, test_run.warn_user)
    return replace(
        bench,
        environment={**bench.environment, **suite.environment},
        cluster_objects=suite.cluster_objects,
        hide_secrets=make_masker(find_secrets(subject.config) | find_secrets(dict(suite.environment))),
        is_traced=test_run.arguments["trace"],
        may_update_golden=test_run.arguments["update_golden"],
        is_check_mode=test_run.is_check_mode,
        locate=subject.locate,
        suite_variables=suite.environment,
        golden_folders=tuple(_list_golden_folders(suite, test_run.arguments["paths"])),
    )


def _list_golden_folders(suite: Suite, paths: Sequence[str]) -> Iterator[Path]:
    """Yield the folders in which golden files of a test may be: its own, and those that the run names."""
    yield Path(suite.file).parent
    yield from (Path(path) for path in paths if Path(path).is_dir())


def _build_unread_result(broken: suites.BrokenSuite) -> CaseResult:
    """Return the result of a file that cannot be read: one test, which failed."""
    return CaseResult(broken.file, _READABLE_TEST_NAME, (broken.reason,))


def _find_extra_result(plan: _Plan, test_run: _Run, pool: ThreadPoolExecutor) -> ExtraResult:
    """Return what is asked for beside the tests. What goes wrong there is in the result: the tests have run, and count.

    `pool` runs its Collectors.
    """
    try:
        with guard_run("what a run finds beside its tests", "pipeline_test"):
            facts, report_lines = extras.find_extra_facts(
                test_run.arguments, plan.jobs, plan.untested_jobs, pool, test_run.is_check_mode
            )
    except Problem as problem:
        return ExtraResult({}, [str(problem)], problem)
    return ExtraResult(facts, report_lines)


def _raise_failure(result: dict[str, Any], results: Sequence[CaseResult], extra_result: ExtraResult) -> None:
    """Raise Problem if a test failed, or what is asked for beside the tests."""
    failed_cases = list_failed_results(results)
    if failed_cases:
        raise Problem(f"\n{format_results(failed_cases)}", asked=result["failure"], facts=result)
    if extra_result.problem:
        extra_result.problem.facts = result
        raise extra_result.problem
