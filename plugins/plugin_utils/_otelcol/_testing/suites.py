# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the files of tests that a run names, and the config that the tests of each file are about.

A suite is a file of tests, see `Suite` in case.py; its subject is the config that its tests are about.
`config_tests.py` asks for both. With the option `invariants`, a config or collector without a file of tests gets a
suite with one test, of what holds for every config (invariants.py). An example: for a folder with gateway.yaml and
gateway_test.yml, which has `config: gateway.yaml`, `read_suites` returns the suite of the latter, whose subject is the
former. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ....module_utils._otelcol.config.paths import Path as KeyPath
from ....module_utils._otelcol.config.paths import Position
from ....module_utils._otelcol.errors import Problem, suggest_word
from ....module_utils._otelcol.rules.report_model import format_count
from ....module_utils._otelcol.testing import case, generated_case
from .. import _documents, _files, _input_model, _inputs, _yaml
from .guard import guard_run
from .running_configs import is_compared_with_cluster

TEST_FILE_ENDINGS = ("_test.yml", "_test.yaml")
# The keys of `config_map` that say where a config is, in the order of its path `NAMESPACE/NAME/KEY`.
_CONFIG_MAP_PATH_KEYS = ("namespace", "name", "key")
_INVARIANTS_TEST_NAME = "Nothing is made up or lost, and planted secrets are stopped or named"


@dataclass(frozen=True)
class BrokenSuite:
    """A file of tests that cannot be run, and why. The run goes on with the other files."""

    file: str
    reason: str


@dataclass(frozen=True)
class TestedConfig:
    """The config that the tests of a file are about. This is no `TestedConfig` of rules."""

    config: Mapping[str, Any]
    image: str
    """The image that runs it; empty if none is known."""
    locate: Callable[[KeyPath], Position]
    """Returns where the user wrote a part of the config."""


class ReadSuites(NamedTuple):
    """The files of tests that a run names: those that can be read as tests, and those that cannot."""

    suites: list[case.Suite]
    broken_suites: list[BrokenSuite]


def read_suites(arguments: Mapping[str, Any]) -> ReadSuites:
    """Return the tests in each file. `arguments` are those of `pipeline_test`.

    With the option `invariants`, the files may be configs too. Then every config and every collector of the inventory
    without tests follows, with a test of the invariants alone.
    """
    tests_invariants = bool(arguments["invariants"])
    may_be_no_test = tests_invariants or is_compared_with_cluster(arguments)
    read = ReadSuites([], [])
    config_files: list[Path] = []
    for file in _list_test_files(arguments["paths"], may_be_no_test):
        try:
            suite = _read_suite(file, may_be_config=tests_invariants)
        except Problem as problem:
            read.broken_suites.append(BrokenSuite(str(file), str(problem)))
            continue
        if suite is None:
            config_files.append(file)
        else:
            read.suites.append(suite)
    if tests_invariants:
        read.suites.extend(_build_invariants_suites(read.suites, config_files, arguments["collectors"]))
    return read


def _build_invariants_suites(
    suites: Sequence[case.Suite], config_files: Sequence[Path], collectors: Sequence[Mapping[str, Any]]
) -> list[case.Suite]:
    """Return a suite with a test of the invariants for each config file and each collector without tests."""
    tested_configs = {(Path(suite.file).parent / suite.config).resolve() for suite in suites}
    tested_collectors = {suite.collector for suite in suites}
    invariants_suites = []
    for file in config_files:
        if file.resolve() not in tested_configs:
            cases = (_build_invariants_case(str(file)),)
            invariants_suites.append(case.Suite(str(file), config=file.name, cases=cases))
    for name in _list_collector_names(collectors):
        if name not in tested_collectors:
            invariants_suites.append(case.Suite(name, collector=name, cases=(_build_invariants_case(name),)))
    return invariants_suites


def _build_invariants_case(where: str) -> case.ConfigCase:
    """Return the test of the invariants, which gives and expects nothing of its own."""
    return case.ConfigCase(_INVARIANTS_TEST_NAME, where, given=(), expected_by_exporter={})


def _list_collector_names(collectors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of collectors of the inventory."""
    return [str(collector["name"]) for collector in collectors]


def _read_suite(file: Path, may_be_config: bool) -> case.Suite | None:
    """Return the tests in a file; None for a config. Raises Problem for a file that is neither."""
    with guard_run("reading the tests", str(file)):
        data = _yaml.strip_ansible_types(_documents.read_unique_yaml(file))
        if may_be_config and isinstance(data, Mapping) and "service" in data:
            return None
        return case.read_suite(data, str(file))


def list_untested_collectors(suites: Sequence[case.Suite], arguments: Mapping[str, Any]) -> Iterator[case.Suite]:
    """Yield each collector without tests, if the run compares collectors with those of the cluster."""
    if not is_compared_with_cluster(arguments):
        return
    tested_collectors = {suite.collector for suite in suites if suite.cases}
    for name in _list_collector_names(arguments["collectors"]):
        if name not in tested_collectors:
            # A case that gives nothing: comparing.py generates telemetry for it.
            empty_case = case.ConfigCase(generated_case.GENERATED, where=name, given=(), expected_by_exporter={})
            yield case.Suite(name, collector=name, cases=(empty_case,))


def keep_suites_of_host(
    suites: Sequence[case.Suite], collectors: Sequence[Mapping[str, Any]], warn: Callable[[str], None]
) -> list[case.Suite]:
    """Return the tests whose collector this host has, and the tests of files. Hosts may have different collectors.

    Warns of each other one. Raises Problem if it is the only one.
    """
    collector_names = _list_collector_names(collectors)
    suites_of_host = []
    for suite in suites:
        if not suite.collector or suite.collector in collector_names:
            suites_of_host.append(suite)
            continue
        wrong = f"there is no collector '{suite.collector}'{suggest_word(suite.collector, collector_names)}"
        if len(suites) == 1:
            raise Problem(wrong, where=suite.file, fix=f"Collectors: {', '.join(sorted(collector_names)) or 'none'}.")
        warn(f"{suite.file} was not run: {wrong}.")
    return suites_of_host


def _list_test_files(paths: Sequence[str], may_be_none: bool) -> list[Path]:
    """Return the files with tests. Raises Problem for a folder that has none."""
    test_files: list[Path] = []
    for name in paths:
        path = _files.require_path(name)
        files_at_path = [path]
        if path.is_dir():
            files_at_path = [file for file in _inputs.list_yaml_files(path) if file.name.endswith(TEST_FILE_ENDINGS)]
        if not files_at_path:
            raise Problem(
                f"{path} has no tests", fix=f"The names of files with tests end in {' or '.join(TEST_FILE_ENDINGS)}."
            )
        test_files += files_at_path
    if not test_files and not may_be_none:
        raise Problem(
            "there are no tests to run",
            fix="Name files or folders with `paths`, for the playbook with `-e pipeline_test_paths=FILE,FOLDER`.",
        )
    return test_files


def read_subject(suite: case.Suite, arguments: Mapping[str, Any]) -> TestedConfig:
    """Return what the tests of a file are about. Raises Problem if it is not there, or lacks what a test names."""
    with guard_run("reading the config", suite.file):
        subject = _find_subject(suite, arguments)
        _check_exporters(suite, subject.config)
        return subject


def _find_subject(suite: case.Suite, arguments: Mapping[str, Any]) -> TestedConfig:
    """Return the config that a file of tests names: in a ConfigMap, of a collector, or in a file."""
    if suite.config_map:
        return _find_running_subject(suite, arguments["resources"])
    if suite.collector:
        return _find_rendered_subject(suite.collector, arguments["collectors"])
    return _read_subject_file(suite, _list_collector_names(arguments["collectors"]))


def _find_rendered_subject(collector_name: str, collectors: Sequence[Mapping[str, Any]]) -> TestedConfig:
    """Return the config of a collector of the inventory. Its parts stand in the collector, not in a file."""
    collector = next(collector for collector in collectors if str(collector["name"]) == collector_name)
    rendered_input = _inputs.collect_inputs([], collector["config"]).inputs[0]

    def locate_in_collector(path: KeyPath) -> Position:
        return replace(rendered_input.locate(path), file=f"collector '{collector_name}'")

    return TestedConfig(rendered_input.config, str(collector.get("image") or ""), locate_in_collector)


def _read_subject_file(suite: case.Suite, collector_names: Sequence[str]) -> TestedConfig:
    """Return the config in the file that `config` of a file of tests names. Raises Problem unless there is one."""
    path = Path(suite.file).parent / suite.config
    if suite.config in collector_names and not path.exists():
        wrong = f"there is no file {path}, but a collector '{suite.config}' of the inventory"
        raise Problem(wrong, where=suite.file, fix=f"Write `collector: {suite.config}` in place of `config`.")
    file_inputs = _inputs.collect_inputs([str(path)], None).inputs
    configs = [file_input for file_input in file_inputs if isinstance(file_input.config, dict)]
    if len(configs) != 1:
        wrong = f"{path} has {format_count(len(configs), 'config')}, and a file of tests is about one"
        raise Problem(wrong, where=suite.file, fix="Name a file with one config.")
    return TestedConfig(configs[0].config, configs[0].platform_context.image, configs[0].locate)


def _find_running_subject(suite: case.Suite, resources: Sequence[Mapping[str, Any]] | None) -> TestedConfig:
    """Return the config in a ConfigMap of a running collector, the collector's image, and where its parts stand.

    Raises Problem if the cluster was not read, or if not exactly one config is there.
    """
    if resources is None:
        fix = "Set `pipeline_test_cluster` to true, or give `resources`."
        raise Problem("the cluster of the ConfigMap was not read", where=suite.file, fix=fix)
    requested_path = [str(suite.config_map[name]) for name in _CONFIG_MAP_PATH_KEYS if name in suite.config_map]
    input_by_path = _find_configs_of_maps(resources)
    matching_paths = [path for path in input_by_path if path.split("/")[: len(requested_path)] == requested_path]
    if len(matching_paths) != 1:
        wrong = (
            f"the collectors of the cluster read {format_count(len(matching_paths), 'config')} at"
            f" {'/'.join(requested_path)}"
        )
        fix = f"Name one of: {', '.join(sorted(input_by_path)) or 'none'}."
        raise Problem(wrong, where=f"{suite.file}: config_map", fix=fix)
    running_input = input_by_path[matching_paths[0]]
    return TestedConfig(running_input.config, running_input.platform_context.image, running_input.locate)


def _find_configs_of_maps(resources: Sequence[Mapping[str, Any]]) -> dict[str, _input_model.Input]:
    """Return the configs in ConfigMaps by `NAMESPACE/NAME/KEY`."""
    input_by_path: dict[str, _input_model.Input] = {}
    if not resources:
        return input_by_path
    for config_input in _inputs.collect_inputs([], resources).inputs:
        owner = config_input.found_config.owner
        if owner.get("kind") != "ConfigMap" or not isinstance(config_input.config, dict):
            continue
        metadata = owner.get("metadata") or {}
        key = str(config_input.found_config.path[-1])
        path = "/".join((metadata.get("namespace", ""), metadata.get("name", ""), key))
        input_by_path[path] = config_input
    return input_by_path


def _check_exporters(suite: case.Suite, config: Mapping[str, Any]) -> None:
    """Raise Problem for a test that expects something of an exporter that the config does not have."""
    exporter_names = [str(name) for name in config.get("exporters") or ()]
    for test in suite.cases:
        for exporter in test.expected_by_exporter:
            if exporter not in exporter_names:
                wrong = f"the config has no exporter '{exporter}'{suggest_word(str(exporter), exporter_names)}"
                raise Problem(wrong, where=f"{test.where}.expect", fix=f"Exporters: {', '.join(exporter_names)}.")
