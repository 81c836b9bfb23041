# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The suites of tests/suites, as the playbook `test` runs them with the real Collector, and with spoilt configs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._config.paths import at, dotted, leaves
from ansible_collections.o11y.opentelemetry.plugins.module_utils._errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._testing import config_tests

from tests.contract.role import request
from tests.support import plays
from tests.support.collectors import newest_build

SUITES = plays.ROOT / "tests" / "suites"
CONFIGS = sorted(set(SUITES.glob("*.yaml")))
EXAMPLES = sorted({path.parent for path in (plays.ROOT / "examples").glob("*/*_test.yml")})
# Where another value changes nothing that a test can see, with the reason.
UNSEEN = {
    "kubernetes.yaml processors.resource_detection.override": "no detector finds an attribute that is there already",
    "kubernetes.yaml processors.resource_detection.detectors[1]": "a test leaves out what asks a cloud",
    "kubernetes.yaml processors.resource_detection.detectors[2]": "a test leaves out what asks a cloud",
    "sampling.yaml processors.tail_sampling.policies[0].name": "only logs and metrics of the Collector show it",
    "sampling.yaml processors.tail_sampling.policies[1].name": "only logs and metrics of the Collector show it",
    "sampling.yaml processors.tail_sampling.decision_wait": "the Collector decides when it stops",
    "tenants.yaml service.pipelines.traces without batch": "batches change no record",
    "tenants.yaml processors.batch.timeout": "the Collector sends when it stops",
}
# Every how many of the mutants are run. O11Y_MUTANTS=all runs all of them.
STEP = 1 if os.environ.get("O11Y_MUTANTS") == "all" else 5


@pytest.fixture(scope="module")
def binary() -> str:
    """The Collector that the testbed has built."""
    found = newest_build()
    if found is None:
        pytest.skip("the testbed has not built a Collector")
    return str(found)


def run(binary: str, *paths: Path, **more: Any) -> dict[str, Any]:
    build = dict.fromkeys(("distribution", "version", "distribution_manifest", "distribution_schema"))
    given = {"paths": list(map(str, paths)), "collectors": [], "binary": binary, "output_path": "-", "trace": False}
    return config_tests.report({**given, **build, **more}, print)


def test_every_suite_passes_and_leaves_no_process(binary: str, tmp_path: Path) -> None:
    given = {"pipeline_test_paths": [str(SUITES)], "pipeline_test_binary": binary}
    given["pipeline_test_output_path"] = str(tmp_path / "out.xml")
    done = plays.playbook("-i", "localhost,", "-e", json.dumps(given), "playbooks/test.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out.xml").read_text().count("<testcase") >= len(CONFIGS)
    left = subprocess.run(["pgrep", "-f", f"{binary} --config="], capture_output=True, text=True, check=False)
    assert left.stdout == ""


INVENTORY = """
all:
  hosts:
    cluster:
      otel_collectors:
        - {name: gateway, recipes: [otlp_ingest, otlp_forward: {endpoint: "otlp.example.com:4317"}]}
"""
EXPECTED = """
collector: gateway
tests: [{name: arrives, given: {spans: [{name: x}]}, expect: {otlp_grpc/gateway: {spans: [{name: %s}]}}}]
"""


@pytest.mark.parametrize(("name", "code"), [("x", 0), ("y", 2)])
def test_a_failed_test_of_the_inventory_stops_the_run(binary: str, tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    (tmp_path / "gateway_test.yml").write_text(EXPECTED % name)
    given = {"otel_collector_tests": [str(tmp_path)], "otel_collector_tests_binary": binary}
    given["otel_collector_output_path"] = str(tmp_path / "out")
    done = plays.playbook("-i", str(tmp_path / "hosts.yml"), "-e", json.dumps(given), "playbooks/render.yml")
    assert done.returncode == code, done.stdout + done.stderr
    assert (tmp_path / "out" / "cluster" / "manifests.yml").exists() is (code == 0)
    assert ("otlp_grpc/gateway: spans[0]: name: expected 'y', got 'x'" in done.stdout + done.stderr) is (code == 2)


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_does_what_its_tests_say(binary: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plays.ROOT)
    variables = yaml.safe_load((folder / "vars.yml").read_text(encoding="utf-8"))
    collectors = _render.bundle(_render.plan(request(variables)))["collectors"]
    assert all(test["passed"] for test in run(binary, folder, collectors=collectors)["tests"])


def test_every_config_has_tests() -> None:
    tested = {yaml.safe_load(path.read_text()).get("config") for path in SUITES.glob("*_test.yml")}
    assert tested - {None} == {path.name for path in CONFIGS}


def mutants(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a config without one of its processors, statements or settings, or with another value there."""
    for name, pipeline in config["service"]["pipelines"].items():
        for index, processor in enumerate(pipeline.get("processors") or ()):
            changed = deepcopy(config)
            del changed["service"]["pipelines"][name]["processors"][index]
            yield f"service.pipelines.{name} without {processor}", changed
    for section in ("processors", "connectors"):
        for path, value in leaves(config.get(section) or {}):
            changed = deepcopy(config)
            parent = at(changed[section], path[:-1])
            parent[path[-1]] = _other(value)
            yield dotted((section, *path)), changed


def _other(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value * 10 + 1
    text = str(value)
    if "==" in text:
        return text.replace("==", "!=", 1)
    last = next((index for index in range(len(text) - 1, -1, -1) if text[index].isalpha()), None)
    return "x" if last is None else f"{text[:last]}{'y' if text[last] == 'x' else 'x'}{text[last + 1 :]}"


def _spoilt() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path.name, name, changed)
        for path in CONFIGS
        for name, changed in mutants(yaml.safe_load(path.read_text(encoding="utf-8")))
        if f"{path.name} {name}" not in UNSEEN
    ]


@pytest.mark.parametrize(
    ("file", "name", "config"), _spoilt()[::STEP], ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_spoilt_config_fails_its_tests(
    binary: str, tmp_path: Path, file: str, name: str, config: dict[str, Any]
) -> None:
    tests = SUITES / file.replace(".yaml", "_test.yml")
    (tmp_path / tests.name).write_text(tests.read_text())
    (tmp_path / file).write_text(yaml.safe_dump(config, sort_keys=False))
    with pytest.raises(Problem):
        run(binary, tmp_path / tests.name)
        print(name, "changes nothing that the tests see")
