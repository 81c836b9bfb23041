# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `env` prints is read back by a shell exactly."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.testbed.env import exports


def _read_back(text: str, name: str) -> str:
    script = f'PATH=/bin:/usr/bin\n{text}\nprintf %s "${name}"'
    return subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout


def test_values_survive_the_shell() -> None:
    for value in ("172.30.0.2 172.30.0.3", "/a b/it's", 'a"b$HOME`c`', ""):
        assert _read_back(exports({"VALUE": value}, None), "VALUE") == value


def test_the_folder_goes_before_the_shells_own_path() -> None:
    assert _read_back(exports({}, Path("/a b/bin")), "PATH") == "/a b/bin:/bin:/usr/bin"


def test_without_a_folder_path_stays() -> None:
    assert exports({"A": "1"}, None) == "export A=1\n"
