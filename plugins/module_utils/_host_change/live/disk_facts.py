# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much room the file systems of folders of this host have. Private.

`host_facts.py` puts the rows into the facts of a collector, for the diagnosis on the controller. Nothing is changed.
For example, a state folder on a file system of which 40 % are used gives

    {"path": "/var/lib/otelcol/agent", "percent": 40, "full": False, "free_mib": 5000}
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..host_answer import DiskFacts

_BITS_OF_MIB = 20


def describe_disks(folders: Iterable[str]) -> Iterator[DiskFacts]:
    """Yield a row for the file system of each folder, once. An empty path and a missing folder have none."""
    for folder in dict.fromkeys(folders):
        if folder and Path(folder).exists():
            yield _describe_disk(folder)


def _describe_disk(folder: str) -> DiskFacts:
    """Return the row of the file system on which a folder is.

    Source: statvfs(3). `f_bavail` and `f_favail` count the blocks and files that are left for users without rights.
    """
    file_system = os.statvfs(folder)
    # Some file systems report no blocks, such as some of FUSE. This tells nothing about room.
    has_no_block_left = file_system.f_blocks > 0 and file_system.f_bavail == 0
    # Some file systems have no fixed number of files, and report none.
    has_no_file_left = file_system.f_files > 0 and file_system.f_favail == 0
    return {
        "path": folder,
        "percent": _compute_used_percent(file_system),
        "full": has_no_block_left or has_no_file_left,
        "free_mib": file_system.f_bavail * file_system.f_frsize >> _BITS_OF_MIB,
    }


def _compute_used_percent(file_system: os.statvfs_result) -> int:
    """Return how much of a file system is used, in percent; 0 if it reports no blocks."""
    if not file_system.f_blocks:
        return 0
    return 100 - 100 * file_system.f_bavail // file_system.f_blocks
