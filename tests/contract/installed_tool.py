# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command otelcoltool as a user installs it: a wheel in an environment that holds it and PyYAML alone.

Most of a run is the import of the library. So a process of that environment imports it once, and forks for each run
(tool_server.py); each run has its own process, and nothing of another run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .role import ROOT

SERVER = Path(__file__).with_name("tool_server.py")


@dataclass
class Tool:
    """An environment with the command, and a folder outside of the checkout in which it runs."""

    environment: Path
    folder: Path
    _server: subprocess.Popen[str] | None = field(default=None, init=False)

    @property
    def program(self) -> str:
        """The file that pip installed on the path."""
        return str(self.environment / "bin" / "otelcoltool")

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a run: nothing of this machine but its own programs on the path."""
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8", "COLUMNS": "120"}

    def start(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a shell starts it."""
        command = [self.program, *words]
        return subprocess.run(command, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False)

    def run(self, *words: str, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
        """Run the command in a fork of the process that has imported it."""
        streams = [self.environment / name for name in ("stdin", "stdout", "stderr")]
        for path, content in zip(streams, (stdin, "", ""), strict=True):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        asked = {"words": [os.fsencode(word).decode("latin-1") for word in words], "streams": [*map(str, streams)]}
        code = self._answer(json.dumps(asked))
        stdout, stderr = (path.read_bytes().decode() for path in streams[1:])
        return subprocess.CompletedProcess([self.program, *words], code, stdout, stderr)

    def _answer(self, asked: str) -> int:
        """Return the exit code of a run."""
        if self._server is None:
            command = [str(self.environment / "bin" / "python"), "-P", str(SERVER), self.program]
            pipe = subprocess.PIPE
            self._server = subprocess.Popen(
                command, cwd=self.folder, env=self.variables, stdin=pipe, stdout=pipe, text=True
            )
        assert self._server.stdin and self._server.stdout
        print(asked, file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())

    def end(self) -> None:
        """End the process that forks."""
        if self._server is not None:
            self._server.communicate()

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


@contextmanager
def installed(scratch: Path) -> Iterator[Tool]:
    """Build the wheel, install it below a folder, and end what was started there. Fails with what was printed."""
    wheels, environment, folder = scratch / "wheels", scratch / "environment", scratch / "elsewhere"
    folder.mkdir()
    uv = shutil.which("uv") or str(ROOT / ".cache" / "uv" / "bin" / "uv")
    _done([str(ROOT / "tools" / "wheel"), str(wheels)])
    _done([uv, "venv", "--quiet", "--python", sys.executable, str(environment)])
    (wheel,) = wheels.glob("*.whl")
    python = str(environment / "bin" / "python")
    _done([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, str(wheel)])
    tool = Tool(environment, folder)
    try:
        yield tool
    finally:
        tool.end()


def _done(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
