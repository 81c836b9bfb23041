# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule by hand refuses scenarios that change what all users of a cluster share, if the cluster is a user's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.refusal import refused
from tests.testbed.catalog import named

ROOT = Path(__file__).parents[3]
SCENARIOS = sorted(path.parent for path in ROOT.glob("molecule/*/molecule.yml"))
DESTRUCTIVE = {
    path.parent
    for path in ROOT.glob("molecule/*/requires.txt")
    if any(named(item).cluster_wide for item in path.read_text(encoding="utf-8").split())
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
