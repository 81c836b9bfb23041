# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.quick`: print the tests of the files that differ from the branch main of the remote.

These are the tests that changed, those beside a changed module or that import it, those that name a changed file of
another kind, and those of the house's rules.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
HOUSE = ("tests/contract/test_budgets.py", "tests/contract/test_rooms.py")
_COLLECTION = "ansible_collections.o11y.opentelemetry."


def git(*arguments: str) -> list[str]:
    """Return the lines that git prints."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def changed() -> list[str]:
    """Return the files that differ from where the branch began, or from the last commit without a remote."""
    upstream = git("branch", "--remotes", "--list", "origin/main")
    base = git("merge-base", "HEAD", "origin/main")[0] if upstream else "HEAD"
    listed = {*git("diff", "--name-only", base), *git("ls-files", "--others", "--exclude-standard")}
    return sorted(path for path in listed if (ROOT / path).is_file())


def imports(path: str, source: str) -> Iterator[str]:
    """Yield what a file imports of the project, as dotted names from its root."""
    package = PurePosixPath(path).parent.parts
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            inside = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join(filter(None, (*inside, (node.module or "").removeprefix(_COLLECTION))))
            yield from (module, *(f"{module}.{alias.name}" for alias in node.names))


def selected(paths: Iterable[str], tests: Iterable[str]) -> list[str]:
    """Return which of the tests belong to changed files."""
    python = {PurePosixPath(path) for path in paths if path.endswith(".py")}
    modules = {".".join(path.with_suffix("").parts) for path in python}
    beside = {PurePosixPath("tests/unit", path).parent for path in python}
    names = {PurePosixPath(path).name for path in paths if not path.endswith(".py")}
    found = set(HOUSE)
    for test in tests:
        source = (ROOT / test).read_text(encoding="utf-8")
        named = any(name in source for name in names)
        path = PurePosixPath(test)
        if named or path in python or path.parent in beside or modules & set(imports(test, source)):
            found.add(test)
    return sorted(found)


if __name__ == "__main__":
    print(*selected(changed(), git("ls-files", "tests/unit/*test_*.py", "tests/contract/*test_*.py")))
