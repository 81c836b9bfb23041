# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks of the collection, and plays of a user's own, without a cluster.

To import Ansible takes longer than most runs. So a process imports it once for each folder and each set of Ansible's
settings, and forks for each run: a run is a process of its own, with its own arguments, environment and output.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE_PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))
SECONDS = 240
_SERVERS: dict[Any, subprocess.Popen[str]] = {}
HOME = tempfile.TemporaryDirectory()


def playbook(
    *arguments: str, cwd: Path = ROOT, without: tuple[str, ...] = (), **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook without a kubeconfig, and without variables that begin with these words."""
    left_out = ("K8S_AUTH", "O11Y", "PYTEST_", *without)
    given = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    given |= {"ANSIBLE_HOME": HOME.name, "KUBECONFIG": "/nonexistent/current"}
    # Ansible reads its settings when it is imported.
    imported = given | {key: value for key, value in settings.items() if key.startswith("ANSIBLE_")}
    command = [ANSIBLE_PLAYBOOK, *arguments]
    with tempfile.TemporaryDirectory() as folder:
        output = [Path(folder, name) for name in ("stdout", "stderr")]
        run = {"command": command, "environment": {**given, **settings}, "output": [str(path) for path in output]}
        code = _answer(_server(cwd, imported), run)
        stdout, stderr = (path.read_text(encoding="utf-8") for path in output)
    return subprocess.CompletedProcess(command, code, stdout, stderr)


def run(
    folder: Path, play: str | list[dict[str, Any]], hosts: dict[str, dict[str, Any]], *more: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook by its path below the checkout, or a play, against hosts with their variables."""
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    if not isinstance(play, str):
        (folder / "play.json").write_text(json.dumps(play), encoding="utf-8")
        play = str(folder / "play.json")
    return playbook("-i", str(inventory), *more, play)


def _server(cwd: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Return the process that has imported Ansible in this folder, with these settings."""
    key = (cwd, *sorted(environment.items()))
    if key not in _SERVERS or _SERVERS[key].poll() is not None:
        # Without the folder of this file on the path, as for ansible-playbook.
        command = [sys.executable, "-P", str(Path(__file__).resolve())]
        _SERVERS[key] = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    return _SERVERS[key]


def _answer(server: subprocess.Popen[str], run: dict[str, Any]) -> int:
    """Return the exit code of a run."""
    assert server.stdin and server.stdout
    print(json.dumps(run), file=server.stdin, flush=True)
    if not select.select([server.stdout], [], [], SECONDS)[0]:
        os.killpg(server.pid, signal.SIGKILL)
        raise subprocess.TimeoutExpired(run["command"], SECONDS)
    return int(server.stdout.readline())


@atexit.register
def _end() -> None:
    for server in _SERVERS.values():
        server.communicate()


def _serve() -> None:
    """For each line of JSON, fork, run ansible-playbook, and print its exit code."""
    from ansible.cli.playbook import PlaybookCLI  # noqa: PLC0415 # in this process alone

    for line in sys.stdin:
        run = json.loads(line)
        if child := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            continue
        for number, path in enumerate([os.devnull, *run["output"]]):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
        os.environ.clear()
        os.environ.update(run["environment"])
        tempfile.tempdir = None  # that of this environment
        code = 1
        try:
            PlaybookCLI.cli_executor(run["command"])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # what the process that has imported Ansible does at its end, is left to it


if __name__ == "__main__":
    _serve()
