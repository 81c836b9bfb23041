# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios: those that harm all users of a cluster are refused on one of a user. Each is in one part of the tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from tests.support.refusal import refused
from tests.testbed.catalog import find_entry

ROOT = Path(__file__).parents[3]
SCENARIOS = sorted(path.parent for path in ROOT.glob("molecule/*/molecule.yml"))
DESTRUCTIVE = {
    path.parent
    for path in ROOT.glob("molecule/*/requires.txt")
    if any(find_entry(item).is_cluster_wide for item in path.read_text(encoding="utf-8").split())
}


def environment(scenario: Path, kind: str) -> dict[str, str]:
    return {"O11Y_TESTBED_KIND": kind, "MOLECULE_SCENARIO_DIRECTORY": str(scenario)}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_destructive_scenarios_are_refused_on_a_cluster_of_a_user_and_only_there(scenario: Path) -> None:
    assert bool(refused(environment(scenario, "external"))) is (scenario in DESTRUCTIVE)
    assert refused(environment(scenario, "embedded")) == refused(environment(scenario, "kind")) == ""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_no_scenario_replaces_what_refuses_it(scenario: Path) -> None:
    own = yaml.safe_load((scenario / "molecule.yml").read_text(encoding="utf-8")) or {}
    assert "ANSIBLE_VARS_PLUGINS" not in own.get("ansible", {}).get("env", {})
    assert not {"name", "directory"} & set(own.get("verifier", {}))
    assert "PYTEST_PLUGINS" not in own.get("verifier", {}).get("env", {})


@pytest.mark.parametrize("step", ["cleanup", "verify"])
def test_molecule_ends_before_the_first_task_and_the_first_test(step: str, tmp_path: Path) -> None:
    given = {key: value for key, value in os.environ.items() if not key.startswith(("MOLECULE", "PYTEST", "O11Y"))}
    given |= {"O11Y_TESTBED_KIND": "external", "KUBECONFIG": "/nonexistent/theirs", "ANSIBLE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "molecule", step, "--no-command-borders", "-s", "operator_stack"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=60)
    output = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "this scenario is not for a cluster of yours" in output
    assert "TASK [" not in output
    assert "passed" not in output


PARTS = re.findall(r"tools/cluster (\w+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
NAMES = {path.name for path in SCENARIOS} - {"default"}
NEEDS = {path.parent.name: set(path.read_text().split()) for path in ROOT.glob("molecule/*/requires.txt")}


@pytest.mark.parametrize("scenario", sorted(NEEDS))
def test_what_a_scenario_needs_has_the_name_that_the_testbed_tells(scenario: str) -> None:
    # By another name, what is installed would be said to be missing, and the scenario would be left out everywhere.
    assert {name: find_entry(name).name for name in NEEDS[scenario]} == {name: name for name in NEEDS[scenario]}


PROGRAM = """#!/usr/bin/env bash
[[ "$*" == *" env" ]] && echo "export O11Y_TESTBED_INSTALLED='$INSTALLED'" || echo "$(basename "$0") $*"
"""


def run(
    tmp_path: Path, part: str, installed: set[str], cluster: str = "o11y-test-scenarios", matrix: str = "all"
) -> list[str]:
    """Return what a part does and says where this is installed, as each night.

    The cluster is not one of `make test`, whose state of Molecule in this checkout is in use while tests run.
    """
    for name in ("python", "pytest", "molecule"):
        program = tmp_path / name
        program.write_text(PROGRAM)
        program.chmod(0o755)
    ansible = dict.fromkeys(("O11Y_OLDEST_ANSIBLE", "O11Y_NEWEST_ANSIBLE"), "")  # of the checkout
    environment = {
        **os.environ,
        **ansible,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "INSTALLED": " ".join(installed),
        "O11Y_TESTBED_NAME": cluster,
        "O11Y_MATRIX": matrix,
    }
    done = subprocess.run([ROOT / "tools/cluster", part], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def scenarios(said: list[str]) -> list[str]:
    """Return the scenarios of Molecule's command line."""
    return [name for line in said for name in re.findall(r"--scenario-name (\S+)", line)]


def test_each_scenario_runs_in_one_part_and_finds_what_it_needs(tmp_path: Path) -> None:
    everything = set[str]().union(*NEEDS.values())
    parts = [run(tmp_path, part, everything) for part in PARTS]
    assert sorted(name for said in parts for name in scenarios(said)) == sorted(NAMES)
    for said in parts:
        installed = {word for line in said if " install " in line for word in line.split()}
        assert set[str]().union(*(NEEDS.get(name, set()) for name in scenarios(said))) <= installed


def test_what_runs_each_night_is_named_by_day(tmp_path: Path) -> None:
    everything = set[str]().union(*NEEDS.values())
    parts = [run(tmp_path, part, everything, matrix="") for part in PARTS]
    by_day = {name for said in parts for name in scenarios(said)}
    named_lines = [line for said in parts for line in said if "which runs each night" in line]
    named = {line.split()[2].rstrip(",") for line in named_lines}
    assert named == NAMES - by_day == {"kubernetes_observability", "waves"}


@pytest.mark.parametrize("part", PARTS)
def test_what_cannot_run_is_named_with_what_is_missing(tmp_path: Path, part: str) -> None:
    everything = set[str]().union(*NEEDS.values())
    wanting = {name for name in scenarios(run(tmp_path, part, everything)) if NEEDS.get(name, set()) - {"cert-manager"}}
    said = run(tmp_path, part, {"cert-manager"})
    skipped = {line.split()[2].rstrip(","): line for line in said if line.startswith("SKIPPED: scenario")}
    assert set(skipped) == wanting
    for name, line in skipped.items():
        assert NEEDS[name] - {"cert-manager"} == set(line.partition("because ")[2].partition(" cannot")[0].split())
    assert not set(scenarios(said)) & set(skipped)


def test_a_run_forgets_the_state_of_its_own_cluster_only(tmp_path: Path) -> None:
    own, other = (ROOT / f".cache/ansible-stack-{uuid4()}" for _ in range(2))
    try:
        for folder in (own, other):
            (folder / "tmp/molecule").mkdir(parents=True)
        run(tmp_path, "stack", set(), own.name.removeprefix("ansible-stack-"))
        assert not (own / "tmp").exists()
        assert (other / "tmp/molecule").exists()
    finally:
        for folder in (own, other):
            shutil.rmtree(folder, ignore_errors=True)


def test_what_an_interrupted_start_leaves_is_removed(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text('#!/usr/bin/env bash\necho "$*" >>"$0.calls"\n[[ $* != *" up "* ]] || kill -TERM $PPID\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "O11Y_TESTBED_NAME": "o11y-test-scenarios"}
    subprocess.run([ROOT / "tools/cluster", "plain"], env=environment, capture_output=True, check=False)
    assert [line.split()[2] for line in (tmp_path / "python.calls").read_text().splitlines()] == ["up", "down"]
