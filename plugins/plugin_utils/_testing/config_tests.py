# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of configs: reads their files, finds config and Collector, runs each test, and reports. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...module_utils._config.masking import masker, secrets_in
from ...module_utils._config.paths import Path as KeyPath
from ...module_utils._config.paths import Position
from ...module_utils._errors import Problem, cleaned, near
from ...module_utils._testing import case, comparison, expectations, invariants, policies, records, scrapes
from ...module_utils._validate.reports import Checked, Report, counted, junit
from ...module_utils._validate.subject import Finding
from .. import _binary, _files, _inputs, _jmespath, _sources, _target, _yaml
from . import comparing, extras
from .bench import Bench, Outcome, run
from .golden_files import Golden

ENDINGS = ("_test.yml", "_test.yaml")
_RULE = "config-test"
_SUITE = "o11y.opentelemetry.pipeline_test"
_NO_FILE = "-"
_INVARIANTS = "Nothing is made up or lost, and planted secrets are stopped or named"
# How many Collectors run at once: each takes up to 200 MB, and waits most of its time.
_AT_ONCE = 4
_GET_ONE = "Install that Collector on the controller, or give the path of one with `binary`."


@dataclass(frozen=True)
class _Judged:
    """A test and what it found."""

    suite: case.Suite
    test: case.Case
    lines: tuple[str, ...]
    changes: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()
    golden: tuple[str, ...] = ()
    """Golden files that were written."""
    notes: tuple[str, ...] = ()

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
    """Return what every test found, as a task result. Raises Problem if one failed, or cannot be run."""
    read = list(_suites(arguments))
    rules = [policy for suite in read for policy in suite.policies]
    untested = list(_untested(read, arguments))
    suites = _of_this_host([suite for suite in read if suite.tests], arguments["collectors"], warn)
    if not suites and not untested:
        raise Problem("there is no test of a config that is here", fix="Add one, or name other files with `paths`.")
    benches = {id(suite): _bench(suite, arguments, warn, check) for suite in (*suites, *untested)}
    jobs, more = (
        [(one, benches[id(one)], test, rules) for one in part for test in one.tests] for part in (suites, untested)
    )
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        judged = list(pool.map(lambda job: _judged(*job), jobs))
        try:
            (facts, lines), wrong = extras.found(arguments, jobs, more, pool, check), None
        except Problem as problem:  # the tests have run, and count
            facts, lines, wrong = {}, [str(problem)], problem
    written = facts.pop("changed", False) or any(item.golden for item in judged)
    result: dict[str, Any] = {"tests": [item.as_dict() for item in judged], "changed": written, **facts}
    result["report"] = "\n".join([_text(judged), *lines])
    if arguments["output_path"] != _NO_FILE and not check:
        checked = [Checked(f"{item.suite.file}: {item.test.name}", tuple(_findings(item))) for item in judged]
        result["changed"] |= _files.write(Path(arguments["output_path"]), junit(Report(checked, suite=_SUITE)))
    failed = [item for item in judged if item.lines]
    if failed:
        asked = f"{len(failed)} of {counted(len(judged), 'test')} failed"
        raise Problem(f"\n{_text(failed)}", asked=asked, facts=result)
    if wrong:
        wrong.facts = result
        raise wrong
    return result


def _suites(arguments: Mapping[str, Any]) -> Iterator[case.Suite]:
    """Yield what each file has, and with `invariants` a test of each config without one."""
    tested: set[Any] = set()
    configs = []
    for file in _test_files(arguments["paths"], arguments["invariants"] or comparing.with_running(arguments)):
        data = _yaml.plain(_sources.read_yaml(file))
        if arguments["invariants"] and isinstance(data, Mapping) and "service" in data:
            configs.append(file)
            continue
        suite = case.suite(data, str(file))
        tested |= {suite.collector, (file.parent / suite.config).resolve()}
        yield suite
    for file in configs:
        if file.resolve() not in tested:
            yield case.Suite(str(file), config=file.name, tests=(case.Case(_INVARIANTS, str(file), (), {}),))
    for item in arguments["collectors"] if arguments["invariants"] else ():
        name = str(item["name"])
        if name not in tested:
            yield case.Suite(name, name, tests=(case.Case(_INVARIANTS, name, (), {}),))


def _untested(read: Sequence[case.Suite], arguments: Mapping[str, Any]) -> Iterator[case.Suite]:
    """Yield what is compared with the running collectors beside the tests: each collector that has none."""
    tested = {suite.collector for suite in read if suite.tests}
    for item in arguments["collectors"] if comparing.with_running(arguments) else ():
        name = str(item["name"])
        if name not in tested:
            yield case.Suite(name, name, tests=(case.Case(comparison.GENERATED, name, (), {}),))


def before_apply(paths: Sequence[str], binary: str, collectors: Any, warn: Callable[[str], None]) -> None:
    """Run the tests of an inventory. Raises Problem if one fails, before anything is applied."""
    build = dict.fromkeys(("distribution", "version", "distribution_manifest", "distribution_schema"))
    ours = {"paths": paths, "binary": binary, "collectors": collectors, "resources": None, "output_path": _NO_FILE}
    report({**ours, **build, "trace": True, "update_golden": False, "invariants": False}, warn)


def _of_this_host(
    suites: Sequence[case.Suite], collectors: Sequence[Mapping[str, Any]], warn: Callable[[str], None]
) -> list[case.Suite]:
    """Return the tests of configs that are here; hosts of one inventory may have different collectors."""
    known = [str(item["name"]) for item in collectors]
    found = []
    for suite in suites:
        if not suite.collector or suite.collector in known:
            found.append(suite)
            continue
        wrong = f"there is no collector '{suite.collector}'{near(suite.collector, known)}"
        if len(suites) == 1:
            raise Problem(wrong, where=suite.file, fix=f"Collectors: {', '.join(sorted(known)) or 'none'}.")
        warn(f"{suite.file} was not run: {wrong}.")
    return found


def _test_files(paths: Sequence[str], may_be_none: bool) -> list[Path]:
    """Return the files with tests. Raises Problem for a folder that has none."""
    found: list[Path] = []
    for name in paths:
        path = Path(name)
        inside = [file for file in _inputs.files(path) if file.name.endswith(ENDINGS)] if path.is_dir() else [path]
        if not inside:
            raise Problem(f"{path} has no tests", fix=f"The names of files with tests end in {' or '.join(ENDINGS)}.")
        found += inside
    if not found and not may_be_none:
        raise Problem(
            "there are no tests to run",
            fix="Name files or folders with `paths`, for the playbook with `-e pipeline_test_paths=FILE,FOLDER`.",
        )
    return found


def _bench(suite: case.Suite, arguments: Mapping[str, Any], warn: Callable[[str], None], check: bool) -> Bench:
    """Return what the tests of a file share. Raises Problem without a config, or without a Collector that runs it."""
    config, image, locate = _config(suite, arguments)
    target = _target.resolve(_target.BuildRequest.from_arguments(arguments), image)
    binary = _program_of(image, arguments.get("programs") or {}) or arguments["binary"]
    program, why = _binary.program(binary, target if binary == _binary.AUTO else None)
    if not program:
        raise Problem(f"there is no Collector to run the tests: {why}", where=suite.file, fix=_GET_ONE)
    _binary.check(program)
    if binary != _binary.AUTO and (other := _binary.mismatch(program, target)):
        warn(f"{suite.file}: {other}. The tests say what that version does.")
    version = target.version if target else ""
    named = _target.tables().name_for("exporters", "otlp_http", version) if version else "otlp_http"
    environment = {**_binary.environment(config, target), **suite.environment}
    _check_exporters(suite, config)
    hidden = masker(secrets_in(config) | secrets_in(dict(suite.environment)))
    switches = (arguments["trace"], arguments["update_golden"], check)
    return Bench(program, config, environment, suite.cluster, named, _yaml.dump, hidden, *switches, locate)


def _program_of(image: str, programs: Mapping[str, str]) -> str:
    """Return the program of an image, or the first one for a config that names none."""
    return programs.get(image, "") if image else next(iter(programs.values()), "")


def _config(
    suite: case.Suite, arguments: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str, Callable[[KeyPath], Position]]:
    """Return the config that the tests of a file are about, the image beside it, and where its parts stand."""
    if suite.config_map:
        return _running(suite, arguments["resources"])
    if suite.collector:
        item = next(item for item in arguments["collectors"] if str(item["name"]) == suite.collector)
        found = _inputs.collect([], item["config"]).inputs[0]
        rendered = f"collector '{suite.collector}'"
        return found.config, str(item.get("image") or ""), lambda path: replace(found.locate(path), file=rendered)
    path = Path(suite.file).parent / suite.config
    inputs = [item for item in _inputs.collect([str(path)], None).inputs if isinstance(item.config, dict)]
    if len(inputs) != 1:
        wrong = f"{path} has {counted(len(inputs), 'config')}, and a file of tests is about one"
        raise Problem(wrong, where=suite.file, fix="Name a file with one config.")
    return inputs[0].config, inputs[0].context.image, inputs[0].locate


def _running(
    suite: case.Suite, resources: Sequence[Mapping[str, Any]] | None
) -> tuple[Mapping[str, Any], str, Callable[[KeyPath], Position]]:
    """Return the config in a ConfigMap of a running collector, the collector's image, and where its parts stand."""
    if resources is None:
        fix = "Set `pipeline_test_cluster` to true, or give `resources`."
        raise Problem("the cluster of the ConfigMap was not read", where=suite.file, fix=fix)
    names = ("namespace", "name", "key")
    asked = [str(suite.config_map[name]) for name in names if name in suite.config_map]
    found = {}
    for item in _inputs.collect([], resources).inputs if resources else ():
        metadata = item.found.owner.get("metadata") or {}
        place = (metadata.get("namespace", ""), metadata.get("name", ""), str(item.found.path[-1:][0]))
        if item.found.owner.get("kind") == "ConfigMap" and isinstance(item.config, dict):
            found["/".join(place)] = item
    fitting = [name for name in found if name.split("/")[: len(asked)] == asked]
    if len(fitting) != 1:
        wrong = f"the collectors of the cluster read {counted(len(fitting), 'config')} at {'/'.join(asked)}"
        fix = f"Name one of: {', '.join(sorted(found)) or 'none'}."
        raise Problem(wrong, where=f"{suite.file}: config_map", fix=fix)
    running = found[fitting[0]]
    return running.config, running.context.image, running.locate


def _check_exporters(suite: case.Suite, config: Mapping[str, Any]) -> None:
    """Raise Problem for a test that expects something of an exporter that the config does not have."""
    known = [str(name) for name in config.get("exporters") or ()]
    for test in suite.tests:
        for exporter in test.expect:
            if exporter not in known:
                wrong = f"the config has no exporter '{exporter}'{near(str(exporter), known)}"
                raise Problem(wrong, where=f"{test.where}.expect", fix=f"Exporters: {', '.join(known)}.")


def _judged(suite: case.Suite, bench: Bench, test: case.Case, rules: Sequence[policies.Policy]) -> _Judged:
    """Run one test. What keeps it from running is its failure; the others still run."""
    planned = None if test.expect else invariants.plan(bench.config)
    if planned:
        bench, test = replace(bench, traced=True), replace(test, given=planned.given)
    try:
        outcome = run(bench, test)
    except Problem as problem:
        return _Judged(suite, test, (bench.hidden(str(problem)),))
    written, notes = list[str](), list(outcome.notes)
    try:
        if planned:
            lines, notes = invariants.judged(bench.config, planned, outcome.got, outcome.exporters)
        else:
            lines = _compared(suite, bench, test, outcome, written)
    except Problem as problem:
        lines = [str(problem)]
    leaving = {exporter: outcome.got[exporter] for exporter in outcome.exporters if exporter in outcome.got}
    lines += policies.breaches(rules, leaving)
    trace = expectations.traced(bench.config, outcome.got) if bench.traced else ()
    said = (tuple(bench.hidden(cleaned(line)) for line in part) for part in (lines, trace, notes))
    differences, steps, told = said
    return _Judged(suite, test, differences, outcome.changes, steps, tuple(written), told)


def _compared(suite: case.Suite, bench: Bench, test: case.Case, outcome: Outcome, written: list[str]) -> list[str]:
    """Return what differs from the expectations; the golden files that were written instead are added to a list."""
    unasked = scrapes.OWN if any("pages" in part for part in test.given) else ()
    lines: list[str] = []
    for exporter, wanted in test.expect.items():
        got = outcome.got.get(exporter, {})
        lines += _queries(exporter, wanted, got)
        if isinstance(wanted, str) or "golden" not in wanted:
            lines += expectations.differences(exporter, wanted, got, unasked)
            continue
        file = Golden(exporter, Path(suite.file).parent / str(wanted["golden"]), got, unasked)
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


def _findings(item: _Judged) -> Iterator[Finding]:
    for line in item.lines:
        yield Finding(Position(item.suite.file), item.test.name, _RULE, "error", line)


def _text(judged: Sequence[_Judged]) -> str:
    """Return a line for each test, and below it one for each difference."""
    lines = []
    for item in judged:
        lines.append(f"{'FAILED' if item.lines else 'passed'} {item.suite.file}: {item.test.name}")
        lines += [f"    {line}" for line in item.lines]
        lines += [f"    note: {line}" for line in item.notes]
        lines += [f"      {line}" for line in item.trace if item.lines]
    return "\n".join(lines)
