# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain clone, in which nothing was set up: every playbook runs by its path and by its name, with the same result."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.plays import ANSIBLE_PLAYBOOK, ROOT

INVENTORY = "inventories/agent_gateway"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that git has, as `git clone` writes them."""
    folder = tmp_path_factory.mktemp("plain") / "clone"
    subprocess.run(["git", "checkout-index", "--all", f"--prefix={folder}/"], cwd=ROOT, check=True)
    return folder


def played(clone: Path, playbook: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook in the clone with its own ansible.cfg, against no cluster."""
    given = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "K8S_AUTH", "O11Y"))}
    return subprocess.run(
        [ANSIBLE_PLAYBOOK, playbook, "-i", INVENTORY, *more],
        cwd=clone,
        env={**given, "KUBECONFIG": "/nonexistent/config", "ANSIBLE_HOME": str(clone / ".cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def printed(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a run prints, without line breaks."""
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("name", ["site", "verify", "remove", "render"])
def test_a_playbook_runs_by_its_path_and_by_its_name(clone: Path, name: str) -> None:
    ways = [f"playbooks/{name}.yml", f"o11y.opentelemetry.{name}", *(["site.yml"] if name == "site" else [])]
    done = [played(clone, way) for way in ways]
    assert [item.returncode for item in done] == [0 if name == "render" else 2] * len(ways), done[0].stdout[-2000:]
    assert {printed(item) for item in done} == {printed(done[0])}
    assert ("there is no usable kubeconfig" in printed(done[0])) is (name != "render")


def test_validate_runs_by_its_path_and_by_its_name(clone: Path) -> None:
    paths = ["-e", '{"pipeline_validate_paths": ["examples/agent_gateway/rendered"]}']
    done = [played(clone, way, *paths) for way in ("playbooks/validate.yml", "o11y.opentelemetry.validate")]
    assert [item.returncode for item in done] == [0, 0], done[0].stdout[-2000:]
