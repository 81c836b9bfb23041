# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns match as those of the Collector do: with braces, hidden files and negated characters."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.file_patterns import (
    find_matching_files,
)

FILES = (
    "app/a.log",
    "app/b.log",
    "app/.hidden.log",
    "app/a.txt",
    "app/deep/er/c.log",
    "web/a.log",
    "web/star*.log",
    "web/{x}.log",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the files, an empty folder `app/d.log`, and a link from a folder to the one above it."""
    for name in FILES:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    (tmp_path / "app" / "d.log").mkdir()
    (tmp_path / "app" / "deep" / "loop").symlink_to(tmp_path / "app", target_is_directory=True)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("app/a.log", ["app/a.log"]),
        ("app/*.log", ["app/.hidden.log", "app/a.log", "app/b.log"]),
        ("app/?.log", ["app/a.log", "app/b.log"]),
        ("app/[^a].log", ["app/b.log"]),
        ("app/[!a].log", ["app/b.log"]),
        ("app/[a-c].log", ["app/a.log", "app/b.log"]),
        ("app/a.{log,txt}", ["app/a.log", "app/a.txt"]),
        ("{app,web}/a.log", ["app/a.log", "web/a.log"]),
        ("app/{a.{log,txt},b.log}", ["app/a.log", "app/a.txt", "app/b.log"]),
        ("**/a.log", ["app/a.log", "web/a.log"]),
        ("app/**/*.log", ["app/.hidden.log", "app/a.log", "app/b.log", "app/deep/er/c.log"]),
        ("app/deep/**", ["app/deep/er/c.log"]),
        (r"web/star\*.log", ["web/star*.log"]),
        (r"web/\{x}.log", ["web/{x}.log"]),
        ("none/*.log", []),
        ("app/a.log/*", []),
    ],
)
def test_a_pattern_matches_as_in_the_collector(folder: Path, pattern: str, expected: list[str]) -> None:
    assert find_matching_files(f"{folder}/{pattern}") == [f"{folder}/{name}" for name in expected]


def test_folders_that_link_to_each_other_are_walked_once_each(tmp_path: Path) -> None:
    """With more links, a walk along each of them would have no end."""
    for name, other in (("a", "b"), ("b", "a")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "app.log").write_text("")
        (folder / "link").symlink_to(tmp_path / other, target_is_directory=True)
    assert find_matching_files(f"{tmp_path}/**/*.log") == [f"{tmp_path}/a/app.log", f"{tmp_path}/b/app.log"]


def test_a_linked_folder_of_elsewhere_is_walked(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "app.log").write_text("")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert find_matching_files(f"{tmp_path}/logs/**/*.log") == [f"{tmp_path}/logs/link/deep/app.log"]
