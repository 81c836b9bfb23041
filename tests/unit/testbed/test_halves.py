# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/cluster, with programs that do nothing: each scenario runs in one half, or is skipped with what is missing."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCENARIOS = {path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")} - {"default"}
NEEDS = {path.parent.name: set(path.read_text().split()) for path in ROOT.glob("molecule/*/requires.txt")}
PROGRAM = """#!/usr/bin/env bash
[[ "$*" == *" env" ]] && echo "export O11Y_TESTBED_INSTALLED='$INSTALLED'" || echo "$(basename "$0") $*"
"""


def run(tmp_path: Path, half: str, installed: set[str]) -> list[str]:
    """Return what a half does and says where this is installed."""
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
    }
    done = subprocess.run([ROOT / "tools/cluster", half], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def scenarios(said: list[str]) -> list[str]:
    """Return the scenarios of Molecule's command line."""
    return [name for line in said for name in re.findall(r"--scenario-name (\S+)", line)]


def test_each_scenario_runs_in_one_half_and_finds_what_it_needs(tmp_path: Path) -> None:
    everything = set[str]().union(*NEEDS.values())
    halves = {half: run(tmp_path, half, everything) for half in ("plain", "stack")}
    assert sorted(scenarios(halves["plain"]) + scenarios(halves["stack"])) == sorted(SCENARIOS)
    for said in halves.values():
        installed = {word for line in said if " install " in line for word in line.split()}
        assert set[str]().union(*(NEEDS.get(name, set()) for name in scenarios(said))) <= installed


@pytest.mark.parametrize("half", ["plain", "stack"])
def test_what_cannot_run_is_named_with_what_is_missing(tmp_path: Path, half: str) -> None:
    said = run(tmp_path, half, {"cert-manager"})
    skipped = {line.split()[2].rstrip(","): line for line in said if line.startswith("SKIPPED: scenario")}
    assert skipped
    for name, line in skipped.items():
        assert NEEDS[name] - {"cert-manager"} == set(line.partition("because ")[2].partition(" cannot")[0].split())
    assert not set(scenarios(said)) & set(skipped)
