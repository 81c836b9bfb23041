# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.lint OPTION...`: ansible-lint, whose syntax checks of playbooks share one import of Ansible.

ansible-lint starts ansible-playbook for each playbook, and nine tenths of that time are the import. Each check is the
same run of ansible-playbook, in a fork of a process that has imported Ansible.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

from tests.support import plays

_FORK_LOCK = Lock()


def run(
    command: list[str], *, env: dict[str, str], check: bool, **other_options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command as `subprocess.run` does, with captured text; ansible-playbook of this Python in a fork."""
    program = shutil.which(command[0], path=env["PATH"])
    if program is None or Path(program).resolve() != Path(plays.ANSIBLE_PLAYBOOK).resolve():
        return subprocess.run(command, env=env, check=check, **other_options)
    with _FORK_LOCK:
        environment = {**env, "ANSIBLE_HOME": plays.HOME.name}
        return plays.run_in_fork([program, *command[1:]], Path.cwd(), environment, environment)


def main(arguments: list[str]) -> int:
    """Run ansible-lint; return its exit code."""
    from ansiblelint import __main__, runner  # noqa: PLC0415 # tests of `run` need no ansible-lint

    vars(runner)["subprocess"] = SimpleNamespace(run=run, PIPE=subprocess.PIPE)  # nothing else of it is used there
    return int(__main__.main(["ansible-lint", *arguments]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
