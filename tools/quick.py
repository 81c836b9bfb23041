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
HOUSE = ("tests/contract/test_budgets.py", "tests/contract/test_rooms.py")
TESTS = ("tests/unit/*test_*.py", "tests/contract/*test_*.py")  # in git's patterns, `*` is any depth
_COLLECTION = "ansible_collections.o11y.opentelemetry."


def git(*arguments: str) -> list[str]:
    """Return the lines that git prints."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def changed_files() -> list[str]:
    """Return the files that differ from where the branch began, or from the last commit without a remote.

    New files count that git does not know yet, and files that are gone.
    """
    upstream = git("branch", "--remotes", "--list", "origin/main")
    base = git("merge-base", "HEAD", "origin/main")[0] if upstream else "HEAD"
    differing = git("diff", "--name-only", "--no-renames", base)
    return sorted({*differing, *_untracked()})


def existing_tests() -> list[str]:
    """Return the files of unit and contract tests, those that git does not know yet too."""
    listed = {*git("ls-files", *TESTS), *_untracked(*TESTS)}
    return sorted(path for path in listed if (ROOT / path).is_file())


def _untracked(*patterns: str) -> list[str]:
    """Return the files that git neither knows nor ignores, by patterns if there are any."""
    return git("ls-files", "--others", "--exclude-standard", "--", *patterns)


def imports(path: str, source: str) -> Iterator[str]:
    """Yield what a file imports of the project by `from … import …`, as dotted names from the project's root."""
    package = PurePosixPath(path).parent.parts
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom):
            continue
        outer = package[: len(package) - node.level + 1] if node.level else ()
        module = ".".join(filter(None, (*outer, (node.module or "").removeprefix(_COLLECTION))))
        yield module
        for alias in node.names:
            yield f"{module}.{alias.name}"


def selected(paths: Iterable[str], tests: Iterable[str]) -> list[str]:
    """Return the tests of the house's rules, and which of the given tests belong to changed files."""
    changed = [PurePosixPath(path) for path in paths]
    python = {path for path in changed if path.suffix == ".py"}
    other_names = {path.name for path in changed if path.suffix != ".py"}
    return sorted({*HOUSE, *(test for test in tests if _belongs(test, python, other_names))})


def _belongs(test: str, python: set[PurePosixPath], other_names: set[str]) -> bool:
    """Whether a test changed, is beside a changed module, imports one, or has the name of another changed file."""
    path = PurePosixPath(test)
    mirrors = {PurePosixPath("tests/unit", module).parent for module in python}
    if path in python or path.parent in mirrors:
        return True
    source = (ROOT / test).read_text(encoding="utf-8")
    if any(name in source for name in other_names):
        return True
    modules = {".".join(module.with_suffix("").parts) for module in python}
    return not modules.isdisjoint(imports(test, source))


if __name__ == "__main__":
    print(*selected(changed_files(), existing_tests()))
