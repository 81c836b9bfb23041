# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.bytecode`: remove folders of plugins/ that hold nothing but bytecode.

git leaves such a folder behind when a package becomes a module. Ansible's loader prefers it to the module of its name.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"


def remove_bytecode_folders(root_folder: Path = PLUGINS) -> None:
    """Remove each folder below root whose only files are bytecode; another process may be as quick."""
    for folder, _folders, files in os.walk(root_folder, topdown=False):
        if not files and set(os.listdir(folder)) <= {"__pycache__"}:  # noqa: PTH208 # of text, as os.walk has it
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    remove_bytecode_folders()
