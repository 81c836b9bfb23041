# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests there are: reads their files, and the configs that they are about. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config.paths import Path as KeyPath
from ....module_utils._otelcol.config.paths import Position
from ....module_utils._otelcol.errors import Problem, suggest_word
from ....module_utils._otelcol.rules.report_model import format_count
from ....module_utils._otelcol.testing import case, comparison
from .. import _documents, _files, _inputs, _yaml
from .guard import guard_run
from .running_configs import is_compared_with_cluster

TEST_FILE_ENDINGS = ("_test.yml", "_test.yaml")
# The keys of `config_map` that say where a config is.
_PLACE_KEYS = ("namespace", "name", "key")
_INVARIANTS_TEST_NAME = "Nothing is made up or lost, and planted secrets are stopped or named"


@dataclass(frozen=True)
class BrokenSuite:
    """A file of tests that cannot be run, and why; the others are."""

    file: str
    reason: str


@dataclass(frozen=True)
class Subject:
    """The config that the tests of a file are about, the image beside it, and where its parts stand."""

    config: Mapping[str, Any]
    image: str
    locate: Callable[[KeyPath], Position]


def read_suites(arguments: Mapping[str, Any]) -> Iterator[case.Suite | BrokenSuite]:
    """Yield what each file has, and with `invariants` a test of each config without one."""
    tested_configs: set[Any] = set()
    config_files = []
    for file in _list_test_files(arguments["paths"], arguments["invariants"] or is_compared_with_cluster(arguments)):
        try:
            suite = _read_suite(file, arguments["invariants"])
        except Problem as problem:
            yield BrokenSuite(str(file), str(problem))
            continue
        if suite is None:
            config_files.append(file)
            continue
        tested_configs |= {suite.collector, (file.parent / suite.config).resolve()}
        yield suite
    for file in config_files:
        if file.resolve() not in tested_configs:
            yield case.Suite(str(file), config=file.name, cases=(case.Case(_INVARIANTS_TEST_NAME, str(file), (), {}),))
    for collector in arguments["collectors"] if arguments["invariants"] else ():
        name = str(collector["name"])
        if name not in tested_configs:
            yield case.Suite(name, name, cases=(case.Case(_INVARIANTS_TEST_NAME, name, (), {}),))


def _read_suite(file: Path, may_be_config: bool) -> case.Suite | None:
    """Return the tests in a file; None for a config. Raises Problem for whatever is not one."""
    with guard_run("reading the tests", str(file)):
        data = _yaml.strip_ansible_types(_documents.read_yaml(file))
        if may_be_config and isinstance(data, Mapping) and "service" in data:
            return None
        return case.read_suite(data, str(file))


def list_untested_collectors(suites: Sequence[case.Suite], arguments: Mapping[str, Any]) -> Iterator[case.Suite]:
    """Yield what is compared with the running collectors beside the tests: each collector that has none."""
    tested = {suite.collector for suite in suites if suite.cases}
    for collector in arguments["collectors"] if is_compared_with_cluster(arguments) else ():
        name = str(collector["name"])
        if name not in tested:
            yield case.Suite(name, name, cases=(case.Case(comparison.GENERATED, name, (), {}),))


def keep_suites_of_host(
    suites: Sequence[case.Suite], collectors: Sequence[Mapping[str, Any]], warn: Callable[[str], None]
) -> list[case.Suite]:
    """Return the tests of configs that are here; hosts of one inventory may have different collectors."""
    collector_names = [str(collector["name"]) for collector in collectors]
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


def read_subject(suite: case.Suite, arguments: Mapping[str, Any]) -> Subject:
    """Return what the tests of a file are about. Raises Problem if it is not there, or lacks what a test names."""
    with guard_run("reading the config", suite.file):
        subject = _find_subject(suite, arguments)
        _check_exporters(suite, subject.config)
        return subject


def _find_subject(suite: case.Suite, arguments: Mapping[str, Any]) -> Subject:
    if suite.config_map:
        return _find_running_subject(suite, arguments["resources"])
    if suite.collector:
        candidate = next(
            candidate for candidate in arguments["collectors"] if str(candidate["name"]) == suite.collector
        )
        rendered_input = _inputs.collect_inputs([], candidate["config"]).inputs[0]
        origin = f"collector '{suite.collector}'"
        locate = rendered_input.locate
        return Subject(
            rendered_input.config, str(candidate.get("image") or ""), lambda path: replace(locate(path), file=origin)
        )
    path = Path(suite.file).parent / suite.config
    collector_names = [str(candidate["name"]) for candidate in arguments["collectors"]]
    if suite.config in collector_names and not path.exists():
        wrong = f"there is no file {path}, but a collector '{suite.config}' of the inventory"
        raise Problem(wrong, where=suite.file, fix=f"Write `collector: {suite.config}` in place of `config`.")
    inputs = [
        candidate
        for candidate in _inputs.collect_inputs([str(path)], None).inputs
        if isinstance(candidate.config, dict)
    ]
    if len(inputs) != 1:
        wrong = f"{path} has {format_count(len(inputs), 'config')}, and a file of tests is about one"
        raise Problem(wrong, where=suite.file, fix="Name a file with one config.")
    return Subject(inputs[0].config, inputs[0].platform_context.image, inputs[0].locate)


def _find_running_subject(suite: case.Suite, resources: Sequence[Mapping[str, Any]] | None) -> Subject:
    """Return the config in a ConfigMap of a running collector, the collector's image, and where its parts stand.

    Raises Problem if the cluster was not read, or if not exactly one config is there.
    """
    if resources is None:
        fix = "Set `pipeline_test_cluster` to true, or give `resources`."
        raise Problem("the cluster of the ConfigMap was not read", where=suite.file, fix=fix)
    requested_place = [str(suite.config_map[name]) for name in _PLACE_KEYS if name in suite.config_map]
    input_by_place = _find_configs_of_maps(resources)
    matching_places = [place for place in input_by_place if place.split("/")[: len(requested_place)] == requested_place]
    if len(matching_places) != 1:
        wrong = (
            f"the collectors of the cluster read {format_count(len(matching_places), 'config')} at"
            f" {'/'.join(requested_place)}"
        )
        fix = f"Name one of: {', '.join(sorted(input_by_place)) or 'none'}."
        raise Problem(wrong, where=f"{suite.file}: config_map", fix=fix)
    running_input = input_by_place[matching_places[0]]
    return Subject(running_input.config, running_input.platform_context.image, running_input.locate)


def _find_configs_of_maps(resources: Sequence[Mapping[str, Any]]) -> dict[str, _inputs.Input]:
    """Return the configs in ConfigMaps by their places: `NAMESPACE/NAME/KEY`."""
    input_by_place: dict[str, _inputs.Input] = {}
    for config_input in _inputs.collect_inputs([], resources).inputs if resources else ():
        owner = config_input.found_config.owner
        if owner.get("kind") != "ConfigMap" or not isinstance(config_input.config, dict):
            continue
        metadata = owner.get("metadata") or {}
        key = str(config_input.found_config.path[-1:][0])
        place = "/".join((metadata.get("namespace", ""), metadata.get("name", ""), key))
        input_by_place[place] = config_input
    return input_by_place


def _check_exporters(suite: case.Suite, config: Mapping[str, Any]) -> None:
    """Raise Problem for a test that expects something of an exporter that the config does not have."""
    exporter_names = [str(name) for name in config.get("exporters") or ()]
    for test in suite.cases:
        for exporter in test.expected_by_exporter:
            if exporter not in exporter_names:
                wrong = f"the config has no exporter '{exporter}'{suggest_word(str(exporter), exporter_names)}"
                raise Problem(wrong, where=f"{test.where}.expect", fix=f"Exporters: {', '.join(exporter_names)}.")
