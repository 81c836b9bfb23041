# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What recipes of hosts do in a real Collector, and how closed their units are by the measure of systemd itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.fitted_unit import (
    Systemd,
    parse_systemd_version,
)

from tests.support import hosts, plays
from tests.support.collectors import find_newest_build

from .test_suites import run

FOLDER = plays.ROOT / "tests" / "hosts"
VARIABLES = yaml.safe_load((FOLDER / "vars.yml").read_text(encoding="utf-8"))
FORWARD = {"otlp_forward": {"endpoint": "backend:4317"}}
OTLP = {"name": "otlp", "recipes": ["otlp_ingest", FORWARD]}
COLLECTORS = {item["name"]: item for item in [OTLP, *VARIABLES["otel_host_collectors"]]}
# What systemd calls exposed, from 0 to 10; it calls 2.0 and less OK.
MOST_EXPOSED = 2.0
# The receivers that the Collector of the testbed may lack, by the collector that has one.
MAYBE_LACKING = {"journald-logs": "journald", "podman-metrics": "podman_stats"}
_LEVEL = re.compile(r"Overall exposure level for \S+: ([\d.]+)")


def bundle(name: str) -> dict[str, Any]:
    """Return what a host gets of one of the collectors."""
    found = hosts.render_host({**VARIABLES, "otel_host_collectors": [COLLECTORS[name]]})["bundles"]
    return dict(found[0])


def content(name: str, path: str) -> str:
    """Return a file of a collector."""
    return next(str(one["content"]) for one in bundle(name)["files"] if one["path"] == path)


def unit_file(folder: Path, name: str) -> Path:
    """Write the unit of a collector as a host would have it, with a program that is there."""
    path = folder / f"otelcol-{name}.service"
    path.write_text(content(name, "unit").replace("@program@", "/bin/true"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def analyze() -> str:
    """The program that judges units."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed")
    return found


@pytest.mark.parametrize("name", COLLECTORS)
def test_systemd_calls_the_unit_closed(analyze: str, tmp_path: Path, name: str) -> None:
    command = [analyze, "security", "--offline=true", "--no-pager", str(unit_file(tmp_path, name))]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    level = _LEVEL.search(said.stdout)
    assert level, said.stdout + said.stderr
    print(f"{name}: {level[1]}")
    assert float(level[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("name", COLLECTORS)
def test_systemd_reads_the_unit(analyze: str, tmp_path: Path, name: str) -> None:
    """As host_apply writes it for the systemd that is here: no setting is unknown to it."""
    version = parse_systemd_version(
        subprocess.run([analyze, "--version"], capture_output=True, text=True, check=True).stdout
    )
    unit = unit_file(tmp_path, name)
    unit.write_text(Systemd(version).fit_unit(unit.read_text(encoding="utf-8")), encoding="utf-8")
    said = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60)
    assert [line for line in said.stderr.splitlines() if f"otelcol-{name}" in line] == []


@pytest.mark.parametrize("name", COLLECTORS)
def test_the_real_collector_takes_the_config(binary: str, tmp_path: Path, name: str) -> None:
    known = subprocess.run([binary, "components"], capture_output=True, text=True, check=True, timeout=60).stdout
    wanted = MAYBE_LACKING.get(name)
    if wanted and wanted not in re.findall(r"name: (\w+)", known):
        pytest.skip(f"the Collector of the testbed has no receiver {wanted}")
    path = tmp_path / "config.yaml"
    path.write_text(content(name, "config.yaml"), encoding="utf-8")
    command = [binary, "validate", f"--config={path}"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 0, said.stderr


def test_recipes_of_hosts_do_what_their_tests_say(binary: str) -> None:
    collectors = hosts.render_host(
        {**VARIABLES, "otel_host_collectors": [*map(_apart, VARIABLES["otel_host_collectors"])]}
    )
    assert all(test["passed"] for test in run(binary, FOLDER, collectors=collectors["collectors"])["tests"])


def _apart(item: dict[str, Any]) -> dict[str, Any]:
    """Return a collector with ports that no other one of the same host has."""
    number = 10 * list(COLLECTORS).index(item["name"])
    return {**item, "health_port": 13133 + number, "metrics_port": 18888 + number}


def test_every_recipe_of_hosts_has_tests() -> None:
    recipes = {path.parent.name for path in plays.ROOT.glob("roles/otel_host/recipes/*/recipe.yml")}
    tests = {yaml.safe_load(path.read_text(encoding="utf-8"))["collector"] for path in FOLDER.glob("*_test.yml")}
    assert {name.replace("_", "-") for name in recipes} <= tests


@pytest.fixture(scope="module")
def binary() -> str:
    """The Collector that the testbed has built."""
    found = find_newest_build()
    if found is None:
        pytest.skip("the testbed has not built a Collector")
    return str(found)
