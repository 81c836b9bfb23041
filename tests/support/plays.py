# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks of the collection, and plays of a user's own, without a cluster.

To import Ansible takes longer than most runs. So a process imports it once for each folder and each set of Ansible's
settings, and forks for each run (ansible_server.py).
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
SERVER_FILE = Path(__file__).resolve().with_name("ansible_server.py")
TIMEOUT_SECONDS = 240
_SERVERS: dict[Any, subprocess.Popen[str]] = {}
HOME = tempfile.TemporaryDirectory()
_MODULE_CODE = tempfile.TemporaryDirectory()


def run_playbook(
    *arguments: str, cwd: Path = ROOT, without: tuple[str, ...] = (), **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook without a kubeconfig, and without variables that begin with these words."""
    omitted_names = ("K8S_AUTH", "O11Y", "PYTEST_", *without)
    base_environment = {key: value for key, value in os.environ.items() if not key.startswith(omitted_names)}
    base_environment |= {"ANSIBLE_HOME": HOME.name, "KUBECONFIG": "/nonexistent/current"}
    # Ansible reads its settings when it is imported.
    import_environment = base_environment | {
        key: value for key, value in settings.items() if key.startswith("ANSIBLE_")
    }
    return run_in_fork([ANSIBLE_PLAYBOOK, *arguments], cwd, {**base_environment, **settings}, import_environment)


def run_in_fork(
    command: list[str],
    cwd: Path,
    environment: dict[str, str],
    import_environment: dict[str, str],
    module_imports: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook in a fork of the process that has imported Ansible with these settings.

    A process beside it imports what modules import, and forks for each module.
    """
    with tempfile.TemporaryDirectory() as folder:
        output_files = [Path(folder, name) for name in ("stdout", "stderr")]
        request = {"command": command, "environment": environment, "output": [str(path) for path in output_files]}
        exit_code = _await_exit_code(_ensure_server(cwd, import_environment, module_imports), request)
        stdout, stderr = (path.read_text(encoding="utf-8") for path in output_files)
    return subprocess.CompletedProcess(command, exit_code, stdout, stderr)


def run(
    folder: Path, play: str | list[dict[str, Any]], hosts: dict[str, dict[str, Any]], *more: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook by its path below the checkout, or a play, against hosts with their variables."""
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    if not isinstance(play, str):
        (folder / "play.json").write_text(json.dumps(play), encoding="utf-8")
        play = str(folder / "play.json")
    return run_playbook("-i", str(inventory), *more, play, cwd=ROOT, without=(), **settings)


def _ensure_server(cwd: Path, environment: dict[str, str], module_imports: tuple[str, ...]) -> subprocess.Popen[str]:
    """Return the process that has imported Ansible in this folder, with these settings."""
    key = (cwd, module_imports, *sorted(environment.items()))
    if key not in _SERVERS or _SERVERS[key].poll() is not None:
        # Without the folder of this file on the path, as for ansible-playbook.
        command = [sys.executable, "-P", str(SERVER_FILE), _MODULE_CODE.name, *module_imports]
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


def _await_exit_code(server: subprocess.Popen[str], request: dict[str, Any]) -> int:
    """Return the exit code of a run."""
    assert server.stdin and server.stdout
    print(json.dumps(request), file=server.stdin, flush=True)
    if not select.select([server.stdout], [], [], TIMEOUT_SECONDS)[0]:
        os.killpg(server.pid, signal.SIGKILL)
        raise subprocess.TimeoutExpired(request["command"], TIMEOUT_SECONDS)
    return int(server.stdout.readline())


@atexit.register
def _end_servers() -> None:
    for server in _SERVERS.values():
        server.communicate()
    HOME.cleanup()
    _MODULE_CODE.cleanup()
