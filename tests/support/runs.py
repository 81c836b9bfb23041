"""Runs of playbooks that tests start beside each other, and end in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Any


def start_playbook(playbook: str, inventory: str, *more_arguments: str, **variables: Any) -> subprocess.Popen[str]:
    """Start a playbook of the collection with more arguments and variables."""
    command = ["ansible-playbook", f"o11y.opentelemetry.{playbook}", "-i", inventory, *more_arguments]
    return start_command([*command, "-e", json.dumps(variables)])


def start_command(command: Sequence[str], **environment: str) -> subprocess.Popen[str]:
    """Start a command that prints without colours, in a session of its own."""
    plain_environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", **environment}
    return subprocess.Popen(
        command,
        env=plain_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill_run(run: subprocess.Popen[str]) -> None:
    """Kill a run with all that it has started: Ansible's workers have sessions of their own."""
    process_list = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    process_pairs = [tuple(map(int, line.split())) for line in process_list.splitlines()]
    process_ids = [run.pid]
    for parent in process_ids:
        process_ids += [pid for pid, parent_id in process_pairs if parent_id == parent]
    for pid in process_ids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.communicate()
