# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CI jobs of docs/testing.md do what the page says: their commands come from the page, and run in a folder.

Two programs are stand-ins, so that nothing needs the internet: `pip` installs the command of this checkout if it is
asked for that folder of a repository, and `curl` answers with the testbed's Collector. A test of the wheel,
tests/contract/test_otelcoltool.py, installs it with the real one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _tables

from tests.support import plays
from tests.support.collectors import find_newest_build
from tests.support.page import File, read_sections

JOBS = {
    step.path: yaml.safe_load(step.text)
    for step in read_sections(plays.ROOT / "docs" / "testing.md")["In CI"]
    if isinstance(step, File)
}
COMMAND = plays.ROOT / "otelcoltool" / "src"
STAND_INS = {
    "pip": 'case $1:$2 in "install:otelcoltool @ git+https://"*"#subdirectory=otelcoltool")'
    " ln -sf {folder}/command {folder}/otelcoltool;; *) exit 1;; esac",
    "command": f'PYTHONPATH={COMMAND} exec {sys.executable} -m otelcoltool "$@"',
    "curl": "case $2 in https://*/v*/otelcol-contrib_*_linux_amd64.tar.gz)"
    " tar -c -C {release} otelcol-contrib | gzip -1;; esac",
}


def _job(path: str) -> tuple[list[str], dict[str, str], str]:
    """Return the commands of a job, its variables, and the report that it keeps."""
    job: dict[str, Any] = JOBS[path]
    if "jobs" not in job:
        only: dict[str, Any] = job["config-tests"]
        return only["script"], only["variables"], only["artifacts"]["reports"]["junit"]
    only = job["jobs"]["config-tests"]
    return [step["run"] for step in only["steps"] if "run" in step], only["env"], only["steps"][-1]["with"]["path"]


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the stand-ins, for PATH."""
    collector = find_newest_build()
    if collector is None:
        pytest.skip("the testbed has not built a Collector")
    folder = tmp_path_factory.mktemp("programs")
    (folder / "release").mkdir()
    # The program itself: a test runs it where no other file of this machine is.
    shutil.copy(collector, folder / "release" / "otelcol-contrib")
    for name, text in STAND_INS.items():
        script = text.format(folder=folder, release=folder / "release")
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("path", JOBS)
def test_a_job_runs_the_tests_and_keeps_their_report(path: str, stand_ins: Path, tmp_path: Path) -> None:
    script, variables, report = _job(path)
    for file in ("drop.yaml", "drop_test.yml"):
        (tmp_path / "tests").mkdir(exist_ok=True)
        shutil.copy(plays.ROOT / "tests" / "suites" / file, tmp_path / "tests" / file)
    left_out = ("ANSIBLE_", "PYTHON", "O11Y_", "PYTEST_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    search = f"{stand_ins}:{environment['PATH']}"
    environment |= {**{key: str(value) for key, value in variables.items()}, "HOME": str(tmp_path), "PATH": search}

    def run(*commands: str) -> subprocess.CompletedProcess[str]:
        whole = ["bash", "-ec", "\n".join(commands)]
        return subprocess.run(
            whole, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180, check=False
        )

    done = run(*script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "<failure" not in (tmp_path / report).read_text(encoding="utf-8")
    config = tmp_path / "tests" / "drop.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("healthz", "health"), encoding="utf-8")
    assert run(script[-1]).returncode != 0
    assert (tmp_path / report).read_text(encoding="utf-8").count("<failure") == 1


def test_the_page_has_a_job_for_each_service_with_the_default_version() -> None:
    assert list(JOBS) == [".github/workflows/collectors.yml", ".gitlab-ci.yml"]
    assert {_job(path)[1]["COLLECTOR"] for path in JOBS} == {_tables.catalogue("distributions")["contrib"]["version"]}
