# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _files


def test_a_file_is_written_once(tmp_path: Path) -> None:
    file = tmp_path / "a"
    assert _files.write(file, "é\n")
    assert not _files.write(file, "é\n")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("é\n", 0o644)


def test_a_mode_and_a_link_are_kept(tmp_path: Path) -> None:
    file, link = tmp_path / "a", tmp_path / "b"
    file.write_text("x")
    file.chmod(0o600)
    link.symlink_to(file)
    assert _files.write(link, "y")
    assert link.is_symlink()
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("y", 0o600)


def test_what_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(Problem, match=r"cannot write .*: No space left on device"):
        _files.write(tmp_path / "a", "x")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot write"):
        _files.write(tmp_path / "no" / "a", "x")


def test_a_folder_is_made_with_those_that_it_is_in(tmp_path: Path) -> None:
    for _twice in range(2):
        _files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="cannot make the folder"):
        _files.make_folder(tmp_path / "file" / "b")
