# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests of configs a run has, and what they found: the entry point of `pipeline_test` and `otelcoltool test`.

A suite is a file of tests, and a case one test of it (case.py). The steps of a run, each in a file of its own:

| step | file |
|---|---|
| read the suites and the configs that they are about | `suites.py` |
| find a Collector for each config | `chosen_collector.py` |
| run each case and judge what arrived | `judged_case.py` |
| find what the user asks for beside the tests, such as coverage | `extras.py` |
| show the results | `run_results.py` |

The result has a line for each case, such as `passed tests/gateway_test.yml: Health checks are dropped`. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, NotRequired, TypedDict

from ....module_utils._otelcol.config.config_secrets import find_secrets
from ....module_utils._otelcol.config.masking import make_masker
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.testing.case import Suite
from ....module_utils._otelcol.testing.policies import Policy
from .. import _files, _inputs
from .._isolation import choice
from . import extras, suites
from .chosen_collector import ChosenConfig, choose_collector
from .collector_setup import CollectorSetup
from .guard import guard_run
from .judged_case import judge_case
from .run_results import CaseResult, ExtraResult, build_task_result, format_junit, format_results, list_failed_results
from .scheduled_cases import ScheduledCase

_NO_FILE = "-"
_NEVER = "never"
# The name of the test that fails for a file that cannot be read as tests.
_READABLE_TEST_NAME = "The tests of this file can be run"
# How many Collectors run at once: each takes up to 200 MB, and waits most of its time.
_PARALLEL_TESTS = 4


class TestArguments(TypedDict):
    """The options of module pipeline_test, which its documentation explains.

    Without an option that is not required, the run does nothing more than the tests.
    """

    paths: Sequence[str]
    collectors: Any
    """The collectors of the inventory, as otel_render returns them."""
    resources: Any
    """The custom resources of the cluster; None if they were not read."""
    binary: str
    programs: NotRequired[Mapping[str, str]]
    distribution: str | None
    version: str | None
    distribution_manifest: str | None
    distribution_schema: str | None
    isolation: NotRequired[str]
    trace: bool
    coverage: NotRequired[bool]
    compare: NotRequired[Mapping[str, Any]]
    propose_path: NotRequired[str]
    invariants: bool
    update_golden: bool
    fail_on: NotRequired[str]
    output_path: str


@dataclass(frozen=True)
class _RunRequest:
    """What a run is asked for: the arguments of the module, who hears warnings, and whether it is in check mode."""

    arguments: TestArguments
    warn_user: Callable[[str], None]
    is_check_mode: bool


def run_config_tests(arguments: TestArguments, warn: Callable[[str], None], check: bool = False) -> dict[str, Any]:
    """Return what every test found, as a task result.

    Raises Problem if a test failed, unless `fail_on` is `never`, and if no Collector runs the tests.
    """
    request = _RunRequest(arguments, warn, check)
    run_suites = _read_suites_of_run(request)
    _files.check_output_is_no_input(arguments["output_path"], run_suites.list_files(), "output_path")
    results, extra_result = _run_suites(run_suites, request)
    result = build_task_result(results, extra_result)
    if _write_report(results, request):
        result["changed"] = True
    if arguments.get("fail_on") != _NEVER:
        _raise_failure(result, results, extra_result)
    return result


def run_tests_before_apply(
    paths: Sequence[str], run_options: Mapping[str, str], collectors: Any, warn: Callable[[str], None]
) -> None:
    """Run the tests of an inventory before otel_render returns its collectors. Raises Problem if one fails.

    `run_options` are the options `binary` and `isolation`.
    """
    arguments: TestArguments = {
        "paths": paths,
        "binary": run_options["binary"],
        "isolation": run_options["isolation"],
        "collectors": collectors,
        "resources": None,
        "output_path": _NO_FILE,
        "distribution": None,
        "version": None,
        "distribution_manifest": None,
        "distribution_schema": None,
        "trace": True,
        "update_golden": False,
        "invariants": False,
    }
    try:
        run_config_tests(arguments, warn)
    except Problem as problem:  # its lines say everything, and are read more easily without the facts
        problem.facts = {}
        raise


@dataclass(frozen=True)
class _SuitesOfRun:
    """The suites of a run, and the policies of all of them."""

    suites_of_host: Sequence[Suite]
    """Those with tests, about a config of this host."""
    untested_suites: Sequence[Suite]
    """One for each collector without tests, if collectors are compared with those of the cluster."""
    broken_suites: Sequence[suites.BrokenSuite]
    """Files that cannot be read as tests."""
    policies: Sequence[Policy]

    def list_files(self) -> Iterator[str]:
        """Yield the files with tests, and those with the configs that they are about."""
        yield from (broken.file for broken in self.broken_suites)
        for suite in (*self.suites_of_host, *self.untested_suites):
            yield suite.file
            yield str(Path(suite.file).parent / suite.config)


def _read_suites_of_run(request: _RunRequest) -> _SuitesOfRun:
    """Read the files of tests. Raises Problem if there is nothing to test."""
    arguments = request.arguments
    readable_suites, broken_suites = suites.read_suites(arguments)
    _warn_of_left_out_folders(request)
    policies: list[Policy] = []
    for suite in readable_suites:
        policies += suite.policies
    untested_suites = list(suites.list_untested_collectors(readable_suites, arguments))
    with_tests = [suite for suite in readable_suites if suite.cases]
    suites_of_host = suites.keep_suites_of_host(with_tests, arguments["collectors"], request.warn_user)
    if not suites_of_host and not untested_suites and not broken_suites:
        raise Problem("there is no test of a config that is here", fix="Add one, or name other files with `paths`.")
    return _SuitesOfRun(suites_of_host, untested_suites, broken_suites, policies)


def _warn_of_left_out_folders(request: _RunRequest) -> None:
    """Warn of folders below those of tests that are not read, such as links."""
    for path in request.arguments["paths"]:
        for text in _inputs.describe_left_out(Path(path)):
            request.warn_user(text)


class _RunResults(NamedTuple):
    """What the tests of a run found, and what was found beside them."""

    results: list[CaseResult]
    extra_result: ExtraResult


def _run_suites(run_suites: _SuitesOfRun, request: _RunRequest) -> _RunResults:
    """Run the cases of all suites. Raises Problem if no Collector runs them."""
    isolation = choice.choose_isolation(request.arguments.get("isolation") or choice.AUTO, request.warn_user)
    tests = _schedule_cases(run_suites.suites_of_host, run_suites.policies, isolation, request)
    comparisons = _schedule_cases(run_suites.untested_suites, run_suites.policies, isolation, request)
    broken_suites = [*run_suites.broken_suites, *tests.broken_suites, *comparisons.broken_suites]
    with ThreadPoolExecutor(max_workers=_PARALLEL_TESTS) as pool:
        results = [*map(_build_broken_result, broken_suites), *pool.map(judge_case, tests.cases)]
        return _RunResults(results, _find_extra_result(tests.cases, comparisons.cases, request, pool))


class _Schedule(NamedTuple):
    """The cases of some suites with all that they need, and the suites whose config cannot be read."""

    cases: list[ScheduledCase]
    broken_suites: list[suites.BrokenSuite]


def _schedule_cases(
    tested_suites: Sequence[Suite], policies: Sequence[Policy], isolation: choice.Isolation, request: _RunRequest
) -> _Schedule:
    """Return the cases of suites, each with the Collector that runs it.

    Raises Problem without a Collector that runs a config: that is for the user of the play to mend.
    """
    schedule = _Schedule([], [])
    for suite in tested_suites:
        try:
            tested_config = suites.read_subject(suite, request.arguments)
        except Problem as problem:
            schedule.broken_suites.append(suites.BrokenSuite(suite.file, str(problem)))
            continue
        setup = _build_setup(suite, tested_config, isolation, request)
        schedule.cases.extend(ScheduledCase(suite, setup, case, policies) for case in suite.cases)
    return schedule


def _build_setup(
    suite: Suite, tested_config: suites.TestedConfig, isolation: choice.Isolation, request: _RunRequest
) -> CollectorSetup:
    """Return what the cases of a suite share. Raises Problem without a Collector that runs their config."""
    chosen_config = ChosenConfig(tested_config.config, tested_config.image, suite.file)
    setup = choose_collector(chosen_config, request.arguments, isolation, request.warn_user)
    return replace(
        setup,
        environment={**setup.environment, **suite.environment},
        cluster_objects=suite.cluster_objects,
        hide_secrets=make_masker(find_secrets(tested_config.config) | find_secrets(dict(suite.environment))),
        is_traced=request.arguments["trace"],
        may_update_golden=request.arguments["update_golden"],
        is_check_mode=request.is_check_mode,
        locate=tested_config.locate,
        suite_variables=suite.environment,
        golden_folders=tuple(_list_golden_folders(suite, request.arguments["paths"])),
    )


def _list_golden_folders(suite: Suite, paths: Sequence[str]) -> Iterator[Path]:
    """Yield the folders in which golden files of a test may be: its own, and those that the run names."""
    yield Path(suite.file).parent
    yield from (Path(path) for path in paths if Path(path).is_dir())


def _build_broken_result(broken: suites.BrokenSuite) -> CaseResult:
    """Return the result of a file that cannot be read: one test, which failed."""
    return CaseResult(broken.file, _READABLE_TEST_NAME, (broken.reason,))


def _find_extra_result(
    tests: Sequence[ScheduledCase],
    comparisons: Sequence[ScheduledCase],
    request: _RunRequest,
    pool: ThreadPoolExecutor,
) -> ExtraResult:
    """Return what is asked for beside the tests. What goes wrong there is in the result: the tests have run, and count.

    `comparisons` are cases of collectors without tests, which are only compared. `pool` runs the Collectors.
    """
    try:
        with guard_run("what a run finds beside its tests", "pipeline_test"):
            return extras.find_extra_facts(request.arguments, tests, comparisons, pool, request.is_check_mode)
    except Problem as problem:
        return ExtraResult({}, [str(problem)], problem)


def _write_report(results: Sequence[CaseResult], request: _RunRequest) -> bool:
    """Write the report of the tests if one is asked for, but not in check mode. Return whether its file changed."""
    output_path = request.arguments["output_path"]
    if output_path == _NO_FILE or request.is_check_mode:
        return False
    return _files.write_if_changed(Path(output_path), format_junit(results))


def _raise_failure(result: dict[str, Any], results: Sequence[CaseResult], extra_result: ExtraResult) -> None:
    """Raise Problem if a test failed, or what is asked for beside the tests."""
    failed_cases = list_failed_results(results)
    if failed_cases:
        raise Problem(f"\n{format_results(failed_cases)}", asked=result["failure"], facts=result)
    if extra_result.problem:
        extra_result.problem.facts = result
        raise extra_result.problem
