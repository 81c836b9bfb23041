# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How full a file system is, by what it reports of its blocks and files."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.disk_facts import describe_disks


def disk_of(monkeypatch: pytest.MonkeyPatch, folder: Path, **counts: int) -> dict[str, Any]:
    """Return the row of a folder on a file system of 1,000 blocks of 1 MiB, with other counts where they are given."""
    usual = {"f_blocks": 1000, "f_bavail": 600, "f_files": 50, "f_favail": 40, "f_frsize": 1 << 20}
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(**{**usual, **counts}))
    (row,) = describe_disks([str(folder)])
    return dict(row)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, (40, False, 600)),
        ({"f_bavail": 0}, (100, True, 0)),
        ({"f_favail": 0}, (40, True, 600)),
        ({"f_files": 0, "f_favail": 0}, (40, False, 600)),
        ({"f_blocks": 0, "f_bavail": 0}, (0, False, 0)),
        ({"f_blocks": 0, "f_bavail": 0, "f_files": 0, "f_favail": 0}, (0, False, 0)),
        ({"f_blocks": 0, "f_bavail": 0, "f_favail": 0}, (0, True, 0)),
    ],
    ids=[
        "has room",
        "no block is left",
        "no file is left",
        "has no fixed number of files",
        "reports no blocks",
        "reports neither blocks nor files",
        "reports no blocks, and no file is left",
    ],
)
def test_a_file_system_is_full_without_a_block_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, counts: dict[str, int], expected: tuple[int, bool, int]
) -> None:
    row = disk_of(monkeypatch, tmp_path, **counts)
    assert (row["percent"], row["full"], row["free_mib"]) == expected


def test_a_folder_is_looked_at_once_and_only_if_it_is_there(tmp_path: Path) -> None:
    rows = list(describe_disks(["", str(tmp_path), str(tmp_path / "missing"), str(tmp_path)]))
    assert [row["path"] for row in rows] == [str(tmp_path)]
