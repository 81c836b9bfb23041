# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the commands of a page in a reader's folder, with this checkout as the installed collection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .own_hosts import ROOT


def run_command(folder: Path, command: str, timeout_seconds: float, programs_folder: str = "") -> tuple[int, str]:
    """Return the exit code of a command of the reader, and what it prints.

    `programs_folder` is a folder that the reader has on PATH before all others.
    """
    folders = [programs_folder, str(Path(sys.executable).parent), os.environ["PATH"]]
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_NOCOLOR": "1",
        "PATH": os.pathsep.join(filter(None, folders)),
    }
    completed = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout_seconds,
    )
    return completed.returncode, completed.stdout
