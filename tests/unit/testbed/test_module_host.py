# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module of a test's playbook ends in a fork as it does in a Python of its own.

One process, which has imported Ansible, runs all programs; each of them has a fork and a Python of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipimport
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support import module_host
from tests.support.code_folder import CodeFolder

PROGRAMS = {
    "output": "import os, sys; print(os.getcwd(), os.environ['GIVEN'], sys.argv); print(__name__, file=sys.stderr)",
    "exit": "import atexit, sys; atexit.register(print, 'last'); sys.exit(3)",
    "words": "import sys; sys.exit('words')",
    "error": "def fail():\n    1 / 0\nfail()",
    "controller": "import sys; print([name for name in sys.modules if name.startswith('ansible.cli')])",
    "input": "import sys; print(repr(sys.stdin.read()))",
}
# Prints what each program did in a fork and in a process.
BOTH = """
import importlib.util, json, os, subprocess, sys

def imported(name):
    spec = importlib.util.spec_from_file_location(name, f"{sys.argv[1]}/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

host = imported("module_host")
host.start(sys.argv[2] + "/socket", imported("code_folder").CodeFolder(sys.argv[2]))
host.use(sys.argv[2] + "/socket")
import ansible.cli.playbook
from ansible.plugins.connection import local
os.environ["GIVEN"] = "of the run"

def ended(popen, program):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = popen(host.PLAIN_COMMANDS[-1], shell=True, executable="/bin/sh", cwd=sys.argv[2], **pipes)
    output = process.communicate(program.encode())
    return [type(process).__name__, process.returncode, *(text.decode() for text in output)]

both = (local.subprocess.Popen, subprocess.Popen)
programs = json.loads(sys.argv[3])
print(json.dumps({name: [ended(popen, program) for popen in both] for name, program in programs.items()}))
"""


@pytest.fixture(scope="module")
def ended() -> dict[str, list[list[Any]]]:
    """Return how each program ended in a fork and in a process."""
    support = Path(__file__).resolve().parents[2] / "support"
    large = {**os.environ, "LARGE": "x" * 120_000}
    with TemporaryDirectory() as folder:  # that of pytest may be too long for the address of a socket
        command = [sys.executable, "-P", "-c", BOTH, str(support), folder, json.dumps(PROGRAMS)]
        said = subprocess.run(command, env=large, capture_output=True, text=True, check=True, timeout=60).stdout
    found: dict[str, list[list[Any]]] = json.loads(said)
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_fork_and_a_process_are_the_same(ended: dict[str, list[list[Any]]], name: str) -> None:
    fork, process = ended[name]
    assert [fork[0], process[0]] == ["ForkedModule", "Popen"]
    assert fork[1:] == process[1:]


def test_the_code_of_an_archive_is_compiled_once_for_the_same_text(tmp_path: Path) -> None:
    archives: Any = zipimport
    compiled = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            archives, "_compile_source", lambda path, text: compiled.append(path) or compile(text, path, "exec")
        )
        module_host.keep_compiled_code(CodeFolder(str(tmp_path)))
        texts = [("a.zip/m.py", b"x = 1"), ("b.zip/m.py", b"x = 1"), ("b.zip/m.py", b"x = 2"), ("b.zip/n.py", b"x = 1")]
        codes = [archives._compile_source(*given) for given in texts]
    assert compiled == ["a.zip/m.py", "b.zip/m.py", "b.zip/n.py"]
    assert [code.co_consts[0] for code in codes] == [1, 1, 2, 1]
