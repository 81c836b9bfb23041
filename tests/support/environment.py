# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an execution environment holds (tools/environment), and commands in it as another user who has nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .cluster import PROJECT

NOBODY = 65534
NOBODY_PREFIX = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
CANNOT_BE_HAD = 3


@dataclass(frozen=True)
class Environment:
    """A folder with `venv` and `collections`, and the prefix of commands that makes them somebody else's."""

    folder: Path
    prefix: tuple[str, ...]

    @property
    def home(self) -> Path:
        """Return the home of who runs commands in it."""
        return self.folder / "home"

    def build_variables(self, extra_variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return all variables of a command in it: none of the caller's."""
        return {
            "HOME": str(self.home),
            "PATH": f"{self.folder}/venv/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            # Ansible asks the system for the home of its user, and `nobody` has none.
            "ANSIBLE_REMOTE_TMP": str(self.home / ".ansible" / "tmp"),
            # `nobody` may not write beside what root has installed, and each command would compile it anew.
            "PYTHONPYCACHEPREFIX": str(self.home / ".cache" / "python"),
            **(extra_variables or {}),
        }

    def run(self, command: list[str], cwd: Path, more: Mapping[str, str] | None = None) -> str:
        """Return what a command prints. Fails with all of it when the command fails."""
        argv = [*self.prefix, *command]
        variables = self.build_variables(more)
        process = subprocess.run(argv, cwd=cwd, env=variables, capture_output=True, text=True, timeout=600, check=False)
        assert process.returncode == 0, f"{' '.join(command)}\n{process.stdout}{process.stderr}"
        return process.stdout


@contextmanager
def make_environment() -> Iterator[Environment]:
    """Yield an environment, for `nobody` where root can become that and the system has a Python.

    It is no folder of pytest's, which lets nobody else pass. Skips, with a reason, where the packages cannot be had.
    """
    with tempfile.TemporaryDirectory(prefix="o11y-environment-") as name:
        Path(name).chmod(0o755)
        yield _prepare_environment(Path(name))


def _prepare_environment(folder: Path) -> Environment:
    system_python = _find_system_python()
    is_other_user = os.geteuid() == 0 and bool(system_python) and bool(shutil.which("setpriv"))
    command = [str(PROJECT / "tools" / "environment"), str(folder), system_python if is_other_user else sys.executable]
    process = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if process.returncode == CANNOT_BE_HAD:
        pytest.skip(f"no execution environment: {process.stderr.strip()}")
    assert process.returncode == 0, process.stdout + process.stderr
    environment = Environment(folder, NOBODY_PREFIX if is_other_user else ())
    environment.home.mkdir()
    if is_other_user:
        os.chown(environment.home, NOBODY, NOBODY)
    return environment


def _find_system_python() -> str:
    """Return a Python that other users may run, too; a developer's own is often in their home."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or ""
    version_check = [python, "-c", "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"]
    return python if python and subprocess.run(version_check, capture_output=True, check=False).returncode == 0 else ""
