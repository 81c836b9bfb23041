# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What git leaves of packages that became modules."""

from __future__ import annotations

from pathlib import Path

from tools import leftovers


def test_folders_with_nothing_but_bytecode_go_and_all_others_stay(tmp_path: Path) -> None:
    files = ["_yaml.py", "__pycache__/_yaml.pyc", "room/one.py", "room/__pycache__/one.pyc", "_data/table/a.json"]
    gone = ["_yaml/__pycache__/__init__.pyc", "old/inner/__pycache__/two.pyc", "room/part/__pycache__/three.pyc"]
    for name in (*files, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    leftovers.remove(tmp_path)
    left = [path for path in tmp_path.rglob("*") if not path.is_dir() or not any(path.iterdir())]
    assert sorted(str(path.relative_to(tmp_path)) for path in left) == sorted(files)
