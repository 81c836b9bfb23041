# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The syntax checks of `make lint` say in a fork what they say in a process of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import plays
from tools import lint

BOOKS = {
    "good": "- hosts: localhost\n  tasks: [{ansible.builtin.debug: {msg: a}}]\n",
    "no_action": "- hosts: localhost\n  tasks: [{name: a}]\n",
    "no_yaml": "- hosts: [\n",
    "nosuch": "- hosts: localhost\n  roles: [o11y.opentelemetry.nosuch]\n",
}
PLAYBOOK = Path(plays.ANSIBLE_PLAYBOOK)
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE", "O11Y"))},
    "PATH": f"{PLAYBOOK.parent}:{os.environ['PATH']}",
    "ANSIBLE_HOME": plays.HOME.name,
    "ANSIBLE_NOCOLOR": "1",
}
AS_EVER: dict[str, Any] = {"stdin": subprocess.PIPE, "capture_output": True, "text": True}


@pytest.mark.parametrize("name", BOOKS)
def test_a_fork_says_what_a_process_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = tmp_path / "book.yml"
    book.write_text(f"---\n{BOOKS[name]}", encoding="utf-8")
    command = [PLAYBOOK.name, "--syntax-check", "-vv", str(book)]
    apart = subprocess.run(command, env=ENVIRONMENT, check=False, **AS_EVER)
    with monkeypatch.context() as context:
        context.setattr(lint.subprocess, "run", None)
        forked = [lint.run(command, env=ENVIRONMENT, check=False, **AS_EVER) for _ in range(3)]
    assert bool(apart.returncode) == (name != "good")
    for one in forked:
        assert (one.returncode, one.stdout, one.stderr) == (apart.returncode, apart.stdout, apart.stderr)


def test_another_program_is_a_process(tmp_path: Path) -> None:
    program = tmp_path / PLAYBOOK.name
    program.write_text("#!/bin/sh\necho another\n")
    program.chmod(0o755)
    environment = {**ENVIRONMENT, "PATH": f"{tmp_path}:{ENVIRONMENT['PATH']}"}
    done = lint.run([PLAYBOOK.name], env=environment, check=False, **AS_EVER)
    assert done.stdout == "another\n"
