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
from ....module_utils._otelcol.errors import Problem, near
from ....module_utils._otelcol.rules.report_model import count_in_words
from ....module_utils._otelcol.testing import case, comparison
from .. import _documents, _files, _inputs, _yaml
from .guard import guarded_run
from .running_configs import is_compared_with_cluster

ENDINGS = ("_test.yml", "_test.yaml")
# The keys of `config_map` that say where a config is.
_PLACE_OF_CONFIG = ("namespace", "name", "key")
_INVARIANTS = "Nothing is made up or lost, and planted secrets are stopped or named"


@dataclass(frozen=True)
class Broken:
    """A file of tests that cannot be run, and why; the others are."""

    file: str
    why: str


@dataclass(frozen=True)
class Subject:
    """The config that the tests of a file are about, the image beside it, and where its parts stand."""

    config: Mapping[str, Any]
    image: str
    locate: Callable[[KeyPath], Position]


def read_suites(arguments: Mapping[str, Any]) -> Iterator[case.Suite | Broken]:
    """Yield what each file has, and with `invariants` a test of each config without one."""
    tested: set[Any] = set()
    configs = []
    for file in _test_files(arguments["paths"], arguments["invariants"] or is_compared_with_cluster(arguments)):
        try:
            found = _suite(file, arguments["invariants"])
        except Problem as problem:
            yield Broken(str(file), str(problem))
            continue
        if found is None:
            configs.append(file)
            continue
        tested |= {found.collector, (file.parent / found.config).resolve()}
        yield found
    for file in configs:
        if file.resolve() not in tested:
            yield case.Suite(str(file), config=file.name, tests=(case.Case(_INVARIANTS, str(file), (), {}),))
    for item in arguments["collectors"] if arguments["invariants"] else ():
        name = str(item["name"])
        if name not in tested:
            yield case.Suite(name, name, tests=(case.Case(_INVARIANTS, name, (), {}),))


def _suite(file: Path, may_be_config: bool) -> case.Suite | None:
    """Return the tests in a file; None for a config. Raises Problem for whatever is not one."""
    with guarded_run("reading the tests", str(file)):
        data = _yaml.plain(_documents.read_yaml(file))
        if may_be_config and isinstance(data, Mapping) and "service" in data:
            return None
        return case.read_suite(data, str(file))


def untested_collectors(read: Sequence[case.Suite], arguments: Mapping[str, Any]) -> Iterator[case.Suite]:
    """Yield what is compared with the running collectors beside the tests: each collector that has none."""
    tested = {suite.collector for suite in read if suite.tests}
    for item in arguments["collectors"] if is_compared_with_cluster(arguments) else ():
        name = str(item["name"])
        if name not in tested:
            yield case.Suite(name, name, tests=(case.Case(comparison.GENERATED, name, (), {}),))


def of_this_host(
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
        path = _files.named(name)
        inside = [path]
        if path.is_dir():
            inside = [file for file in _inputs.yaml_files(path) if file.name.endswith(ENDINGS)]
        if not inside:
            raise Problem(f"{path} has no tests", fix=f"The names of files with tests end in {' or '.join(ENDINGS)}.")
        found += inside
    if not found and not may_be_none:
        raise Problem(
            "there are no tests to run",
            fix="Name files or folders with `paths`, for the playbook with `-e pipeline_test_paths=FILE,FOLDER`.",
        )
    return found


def tested_subject(suite: case.Suite, arguments: Mapping[str, Any]) -> Subject:
    """Return what the tests of a file are about. Raises Problem if it is not there, or lacks what a test names."""
    with guarded_run("reading the config", suite.file):
        found = _subject(suite, arguments)
        _check_exporters(suite, found.config)
        return found


def _subject(suite: case.Suite, arguments: Mapping[str, Any]) -> Subject:
    if suite.config_map:
        return _running(suite, arguments["resources"])
    if suite.collector:
        item = next(item for item in arguments["collectors"] if str(item["name"]) == suite.collector)
        found = _inputs.collect_inputs([], item["config"]).inputs[0]
        rendered = f"collector '{suite.collector}'"
        locate = found.locate
        return Subject(found.config, str(item.get("image") or ""), lambda path: replace(locate(path), file=rendered))
    path = Path(suite.file).parent / suite.config
    known = [str(item["name"]) for item in arguments["collectors"]]
    if suite.config in known and not path.exists():
        wrong = f"there is no file {path}, but a collector '{suite.config}' of the inventory"
        raise Problem(wrong, where=suite.file, fix=f"Write `collector: {suite.config}` in place of `config`.")
    inputs = [item for item in _inputs.collect_inputs([str(path)], None).inputs if isinstance(item.config, dict)]
    if len(inputs) != 1:
        wrong = f"{path} has {count_in_words(len(inputs), 'config')}, and a file of tests is about one"
        raise Problem(wrong, where=suite.file, fix="Name a file with one config.")
    return Subject(inputs[0].config, inputs[0].context.image, inputs[0].locate)


def _running(suite: case.Suite, resources: Sequence[Mapping[str, Any]] | None) -> Subject:
    """Return the config in a ConfigMap of a running collector, the collector's image, and where its parts stand.

    Raises Problem if the cluster was not read, or if not exactly one config is there.
    """
    if resources is None:
        fix = "Set `pipeline_test_cluster` to true, or give `resources`."
        raise Problem("the cluster of the ConfigMap was not read", where=suite.file, fix=fix)
    asked = [str(suite.config_map[name]) for name in _PLACE_OF_CONFIG if name in suite.config_map]
    found = _configs_of_maps(resources)
    fitting = [place for place in found if place.split("/")[: len(asked)] == asked]
    if len(fitting) != 1:
        wrong = f"the collectors of the cluster read {count_in_words(len(fitting), 'config')} at {'/'.join(asked)}"
        fix = f"Name one of: {', '.join(sorted(found)) or 'none'}."
        raise Problem(wrong, where=f"{suite.file}: config_map", fix=fix)
    running = found[fitting[0]]
    return Subject(running.config, running.context.image, running.locate)


def _configs_of_maps(resources: Sequence[Mapping[str, Any]]) -> dict[str, _inputs.Input]:
    """Return the configs in ConfigMaps by their places: `NAMESPACE/NAME/KEY`."""
    found: dict[str, _inputs.Input] = {}
    for item in _inputs.collect_inputs([], resources).inputs if resources else ():
        owner = item.found.owner
        if owner.get("kind") != "ConfigMap" or not isinstance(item.config, dict):
            continue
        metadata = owner.get("metadata") or {}
        key = str(item.found.path[-1:][0])
        place = "/".join((metadata.get("namespace", ""), metadata.get("name", ""), key))
        found[place] = item
    return found


def _check_exporters(suite: case.Suite, config: Mapping[str, Any]) -> None:
    """Raise Problem for a test that expects something of an exporter that the config does not have."""
    known = [str(name) for name in config.get("exporters") or ()]
    for test in suite.tests:
        for exporter in test.expect:
            if exporter not in known:
                wrong = f"the config has no exporter '{exporter}'{near(str(exporter), known)}"
                raise Problem(wrong, where=f"{test.where}.expect", fix=f"Exporters: {', '.join(known)}.")
