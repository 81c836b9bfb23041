# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.quick`: print the tests of the files that differ from the branch main of the remote.

These are the tests that changed, those beside a changed module or that import it, those that name a changed file of
another kind, and those of the house's rules. A deleted file counts as changed, and a renamed one under both names:
tests that still use the old name would fail.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
HOUSE_TESTS = ("tests/contract/test_budgets.py", "tests/contract/test_rooms.py")
TEST_PATTERNS = ("tests/unit/*test_*.py", "tests/contract/*test_*.py")  # in git's patterns, `*` is any depth
_COLLECTION = "ansible_collections.o11y.opentelemetry."


def list_git_lines(*git_arguments: str) -> list[str]:
    """Return the lines that git prints."""
    command = ["git", *git_arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def list_changed_files() -> list[str]:
    """Return the files that differ from where the branch began, or from the last commit without a remote.

    New files count that git does not know yet, and files that are gone.
    """
    upstream = list_git_lines("branch", "--remotes", "--list", "origin/main")
    base_commit = list_git_lines("merge-base", "HEAD", "origin/main")[0] if upstream else "HEAD"
    differing_files = list_git_lines("diff", "--name-only", "--no-renames", base_commit)
    return sorted({*differing_files, *_list_untracked()})


def list_existing_tests() -> list[str]:
    """Return the files of unit and contract tests, those that git does not know yet too."""
    listed_tests = {*list_git_lines("ls-files", *TEST_PATTERNS), *_list_untracked(*TEST_PATTERNS)}
    return sorted(path for path in listed_tests if (ROOT / path).is_file())


def _list_untracked(*patterns: str) -> list[str]:
    """Return the files that git neither knows nor ignores, by patterns if there are any."""
    return list_git_lines("ls-files", "--others", "--exclude-standard", "--", *patterns)


def list_imports(path: str, source_text: str) -> Iterator[str]:
    """Yield what a file imports of the project by `from … import …`, as dotted names from the project's root."""
    package = PurePosixPath(path).parent.parts
    for node in ast.walk(ast.parse(source_text)):
        if not isinstance(node, ast.ImportFrom):
            continue
        outer_package = package[: len(package) - node.level + 1] if node.level else ()
        module = ".".join(filter(None, (*outer_package, (node.module or "").removeprefix(_COLLECTION))))
        yield module
        for alias in node.names:
            yield f"{module}.{alias.name}"


def select_tests(paths: Iterable[str], known_tests: Iterable[str]) -> list[str]:
    """Return the tests of the house's rules, and which of the given tests belong to changed files."""
    changed_paths = [PurePosixPath(path) for path in paths]
    changed_modules = {path for path in changed_paths if path.suffix == ".py"}
    changed_file_names = {path.name for path in changed_paths if path.suffix != ".py"}
    return sorted(
        {*HOUSE_TESTS, *(test for test in known_tests if _is_affected(test, changed_modules, changed_file_names))}
    )


def _is_affected(test: str, changed_modules: set[PurePosixPath], changed_file_names: set[str]) -> bool:
    """Whether a test changed, is beside a changed module, imports one, or has the name of another changed file."""
    path = PurePosixPath(test)
    mirrored_folders = {PurePosixPath("tests/unit", module).parent for module in changed_modules}
    if path in changed_modules or path.parent in mirrored_folders:
        return True
    source_text = (ROOT / test).read_text(encoding="utf-8")
    if any(name in source_text for name in changed_file_names):
        return True
    module_names = {".".join(module.with_suffix("").parts) for module in changed_modules}
    return not module_names.isdisjoint(list_imports(test, source_text))


if __name__ == "__main__":
    print(*select_tests(list_changed_files(), list_existing_tests()))
