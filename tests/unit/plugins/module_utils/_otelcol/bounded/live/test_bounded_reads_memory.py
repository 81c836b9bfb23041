# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hostile inputs take of memory: a process that reads them stays far below their size."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conftest import COLLECTIONS

MIB = 1024 * 1024
# A bare Python with the room takes some 20 MiB; the largest limit is that of a text, 16 MiB.
MOST_MIB = 120
UNPACKED = 400 * MIB
# Linux counts `ru_maxrss` on from the process that has started this one; VmHWM begins with the program.
PROGRAM = """
import re, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.bounded.live import bounded_reads as reads
try:
    {read}
except Exception as error:
    print(type(error).__name__)
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


class _Blanks(io.RawIOBase):
    """A file of blanks that takes no memory itself."""

    def read(self, size: int = -1) -> bytes:
        return b" " * size


def _chart(folder: Path) -> Path:
    path = folder / "chart.tgz"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        item = tarfile.TarInfo("x/Chart.yaml")
        item.size = UNPACKED
        archive.addfile(item, _Blanks())
    return path


@pytest.mark.parametrize(
    "read",
    [
        "reads.read_file_bytes('/dev/zero')",
        "reads.read_file_text(Path('/dev/zero'))",
        "reads.read_archive_member(Path({chart!r}), lambda name: name.endswith('Chart.yaml'), (16 << 20, 64 << 20))",
        "reads.read_stream(open('/dev/zero', 'rb').read, 16 << 20, 'it')",
        "reads.run_program(['cat', '/dev/zero'], env={{}}, seconds=20)",
    ],
)
def test_a_hostile_input_takes_little_memory(tmp_path: Path, read: str) -> None:
    chart = str(_chart(tmp_path)) if "chart" in read else ""
    program = PROGRAM.format(read=read.format(chart=chart))
    done = subprocess.run(
        [sys.executable, "-c", program, str(COLLECTIONS)], capture_output=True, text=True, timeout=60, check=True
    )
    refused, peak = done.stdout.split()
    assert refused not in ("TypeError", "NameError", "AttributeError"), done.stdout
    assert int(peak) < MOST_MIB
