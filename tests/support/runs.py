"""Runs of playbooks that tests start beside each other, and end in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Any


def start(playbook: str, inventory: str, *more: str, **variables: Any) -> subprocess.Popen[str]:
    """Start a playbook of the collection with more arguments and variables."""
    play = ["ansible-playbook", f"o11y.opentelemetry.{playbook}", "-i", inventory, *more]
    return begin([*play, "-e", json.dumps(variables)])


def begin(command: Sequence[str], **environment: str) -> subprocess.Popen[str]:
    """Start a command that prints without colours, in a session of its own."""
    plain = {**os.environ, "ANSIBLE_NOCOLOR": "1", **environment}
    return subprocess.Popen(
        command, env=plain, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def kill(run: subprocess.Popen[str]) -> None:
    """Kill a run with all that it has started: Ansible's workers have sessions of their own."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    going = [run.pid]
    for parent in going:
        going += [pid for pid, of in pairs if of == parent]
    for pid in going:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.communicate()
