# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of Go modules, which have definitions of kinds of other projects; nothing of them is copied here."""

from __future__ import annotations

import json
from pathlib import Path

from tests.testbed import command
from tests.testbed.build import go_environment


def find_module_folder(module: str, version: str) -> Path:
    """The folder of a module in the module cache."""
    download_command = ["go", "mod", "download", "-json", f"{module}@{version}"]
    return Path(json.loads(command.run(download_command, env=go_environment(), cwd=Path("/")))["Dir"])
