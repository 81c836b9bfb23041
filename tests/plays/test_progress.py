# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that waits shows how far it is, on a terminal and in a pipe, and keeps still where programs read."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.conftest import COLLECTIONS

from .test_worker import server

# A name that is also the value of a secret option is hidden in progress as in results.
HIDDEN = "gateway-of-a-secret"
SHOWN = re.compile(r"^\[cluster\] (.*) \(\d+ s\)\r?$", re.MULTILINE)
WAITS = "Deployment ns/{}: does not exist"


def waits(name: str, **keywords: Any) -> dict[str, Any]:
    """Return a task that waits for what never comes, a little longer than progress takes."""
    named = [{"kind": "Deployment", "name": name, "namespace": "ns"}]
    call = {"workloads": named, "timeout_seconds": 1.2, "host": "{{ url }}", "api_key": HIDDEN}
    return {"o11y.opentelemetry.rollout_wait": call, "ignore_errors": True, **keywords}


def command(folder: Path, url: str, *tasks: Any) -> list[str]:
    book = [{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": tasks}]
    (folder / "play.yml").write_text(json.dumps(book))
    host = {"url": url, "ansible_python_interpreter": sys.executable}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": {"cluster": host}}}))
    return ["ansible-playbook", "-i", str(folder / "hosts.json"), str(folder / "play.yml")]


def settings(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("K8S_AUTH_", "ANSIBLE_"))}
    return {**kept, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), **more}


def test_a_pipe_shows_each_wait_but_no_secret_and_nothing_of_no_log(tmp_path: Path) -> None:
    with server() as url:
        given = command(tmp_path, url, waits("gateway"), waits(HIDDEN), waits("still", no_log=True))
        done = subprocess.run(given, env=settings(), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert SHOWN.findall(done.stdout) == [WAITS.format("gateway"), WAITS.format("********")]
    assert HIDDEN not in done.stdout + done.stderr


def test_a_program_reads_no_progress(tmp_path: Path) -> None:
    with server() as url:
        given = command(tmp_path, url, waits("gateway"))
        env = settings(ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal")
        done = subprocess.run(given, env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert SHOWN.findall(done.stdout) == []
    assert "does not exist" in done.stdout


def test_a_terminal_shows_progress_while_the_task_runs(tmp_path: Path) -> None:
    with server() as url:
        ours, theirs = pty.openpty()
        given = command(tmp_path, url, waits("gateway"))
        with subprocess.Popen(given, env=settings(), cwd=tmp_path, stdout=theirs, stderr=theirs, stdin=theirs):
            os.close(theirs)
            shown = b""
            with suppress(OSError):  # the terminal is closed with its last program
                while block := os.read(ours, 4096):
                    shown += block
        os.close(ours)
    text = shown.decode()
    assert SHOWN.findall(text) == [WAITS.format("gateway")]
    assert text.index("does not exist") < text.index("not ready after"), "before the result"
