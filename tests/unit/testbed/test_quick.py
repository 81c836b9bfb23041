# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests `make quick` runs for a change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import quick

ROOM = "plugins/module_utils/_room"
TESTS = {
    "tests/unit/plugins/module_utils/_room/test_near.py": "",
    "tests/unit/plugins/module_utils/_other/test_far.py": (
        "from ansible_collections.o11y.opentelemetry.plugins.module_utils._room import thing\n"
    ),
    "tests/unit/plugins/module_utils/_other/test_name.py": (
        "from ansible_collections.o11y.opentelemetry.plugins.module_utils._room.thing import name\n"
    ),
    "tests/unit/plugins/module_utils/_other/test_helped.py": "from ..helpers import cases\n",
    "tests/contract/test_page.py": 'PAGE = "docs/errors.md"\n',
}


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ([], []),
        (
            [f"{ROOM}/thing.py"],
            ["_other/test_far.py", "_other/test_name.py", "_room/test_near.py"],
        ),
        ([f"{ROOM}/alone.py"], ["_room/test_near.py"]),
        (["tests/unit/plugins/module_utils/_other/test_far.py"], ["_other/test_far.py"]),
        (["tests/unit/plugins/module_utils/helpers.py"], ["_other/test_helped.py"]),
        (["docs/errors.md"], ["test_page.py"]),
        (["docs/other.md"], []),
    ],
)
def test_a_change_selects_the_tests_that_it_touches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: list[str], tests: list[str]
) -> None:
    for name, source in TESTS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    monkeypatch.setattr(quick, "ROOT", tmp_path)
    names = quick.select_tests(changed, TESTS)
    assert set(quick.HOUSE_TESTS) <= set(names)
    folders = ("tests/unit/plugins/module_utils/", "tests/contract/")
    found = [name for name in names if name not in quick.HOUSE_TESTS]
    assert [name.removeprefix(folders[0]).removeprefix(folders[1]) for name in found] == tests


FIRST_TEST = "tests/unit/test_first.py"
SECOND_TEST = "tests/contract/test_second.py"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository that has a file and a test in its first commit."""
    monkeypatch.setattr(quick, "ROOT", tmp_path)
    (tmp_path / "old").write_text("1\n2\n3\n")
    write_test(tmp_path, FIRST_TEST)
    quick.list_git_lines("init", "--quiet")
    quick.list_git_lines("add", ".")
    quick.list_git_lines("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "first")
    return tmp_path


def write_test(project: Path, test: str) -> None:
    """Write a test that imports no file of the project."""
    (project / test).parent.mkdir(parents=True, exist_ok=True)
    (project / test).write_text("")


def test_a_file_that_differs_from_the_last_commit_is_changed(project: Path) -> None:
    (project / "new").write_text("1")
    assert quick.list_changed_files() == ["new"]
    (project / "old").write_text("2")
    assert quick.list_changed_files() == ["new", "old"]


def test_a_deleted_file_is_changed(project: Path) -> None:
    (project / "old").unlink()
    assert quick.list_changed_files() == ["old"]


def test_a_renamed_file_is_changed_under_both_names(project: Path) -> None:
    quick.list_git_lines("mv", "old", "renamed")
    assert quick.list_changed_files() == ["old", "renamed"]


def test_tests_are_those_that_exist(project: Path) -> None:
    assert quick.list_existing_tests() == [FIRST_TEST]
    write_test(project, SECOND_TEST)
    assert quick.list_existing_tests() == [SECOND_TEST, FIRST_TEST], "one that git does not know yet"
    (project / FIRST_TEST).unlink()
    assert quick.list_existing_tests() == [SECOND_TEST], "one that is gone"
    assert quick.select_tests(quick.list_changed_files(), quick.list_existing_tests()) == sorted(
        [SECOND_TEST, *quick.HOUSE_TESTS]
    )
