# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command otelcoltool as a user installs it: a wheel in an environment that holds it and PyYAML alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .role import ROOT


@dataclass(frozen=True)
class Tool:
    """An environment with the command, and a folder outside of the checkout in which it runs."""

    environment: Path
    folder: Path

    def run(self, *words: str, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
        """Run the command with nothing of this machine but its own programs on the path."""
        command = [str(self.environment / "bin" / "otelcoltool"), *words]
        variables = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8", "COLUMNS": "120"}
        given = stdin if isinstance(stdin, bytes) else stdin.encode()
        done = subprocess.run(command, cwd=self.folder, env=variables, input=given, capture_output=True, check=False)
        return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())

    def write(self, name: str, text: str) -> Path:
        """Write a file below the folder of the command."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def packages(self) -> set[str]:
        """Return the names of what is installed."""
        found = self.environment.glob("lib/python3*/site-packages/*.dist-info")
        return {path.name.partition("-")[0].lower() for path in found}


def installed(scratch: Path) -> Tool:
    """Build the wheel and install it below a folder. Fails with what was printed."""
    wheels, environment, folder = scratch / "wheels", scratch / "environment", scratch / "elsewhere"
    folder.mkdir()
    uv = shutil.which("uv") or str(ROOT / ".cache" / "uv" / "bin" / "uv")
    _done([str(ROOT / "tools" / "wheel"), str(wheels)])
    _done([uv, "venv", "--quiet", "--python", sys.executable, str(environment)])
    (wheel,) = wheels.glob("*.whl")
    python = str(environment / "bin" / "python")
    _done([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, str(wheel)])
    return Tool(environment, folder)


def _done(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
