# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What processes use is measured whatever other processes of the machine are named."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.checkout import import_tools_from_checkout

with import_tools_from_checkout():
    from tools import processes

# Linux keeps the name of a process as bytes, and any may be in it. Source: proc_pid_comm(5).
RENAMED = r"""
from pathlib import Path
Path("/proc/self/comm").write_bytes(b"caf\xe9)")
print(flush=True)
input()
"""


def test_a_process_with_a_name_of_other_bytes_than_utf8_is_read() -> None:
    command = [sys.executable, "-c", RENAMED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        assert process.pid in processes.list_process_tree(os.getpid())
        assert processes.measure_cpu_seconds(process.pid) >= 0
        process.communicate("\n")
