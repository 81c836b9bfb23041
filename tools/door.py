# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.door [--write]: writes the names that the collection uses of its library, in docs/library.md.

The table is the door of the library: what is not in it may change without a look at the rest of the collection. A
change that uses another name changes the page, so a reviewer sees it. Without --write, it says whether the page is
stale.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import PurePosixPath

from .quick import ROOT, list_git_lines

PAGE_FILE = ROOT / "docs" / "library.md"
PLUGINS = PurePosixPath("plugins")
LIBRARY = "_otelcol"
# The part of the page that this tool writes.
_TABLE = re.compile(r"<!-- door:[^\n]*-->\n.*?<!-- end -->", re.DOTALL)
_TABLE_NOTE = "<!-- door: written by `python -m tools.door --write` from the imports; do not edit -->"

LibraryNames = dict[str, set[str]]


@cache
def collect_library_names() -> LibraryNames:
    """Return the names that files beside the library import of it, by module."""
    names: LibraryNames = {}
    for path in list_library_users():
        for module, name in find_used_names(path):
            names.setdefault(module, set()).add(name)
    return names


def list_library_users() -> list[PurePosixPath]:
    """Return the files of the collection that are not the library's."""
    listed_files = list_git_lines("ls-files", "--cached", "--others", "--exclude-standard", "--", f"{PLUGINS}/*.py")
    paths = [PurePosixPath(line) for line in sorted(listed_files) if (ROOT / line).is_file()]
    return [path for path in paths if LIBRARY not in path.parts]


def find_used_names(path: PurePosixPath) -> Iterator[tuple[str, str]]:
    """Yield each module and name of the library that a file uses."""
    source_text = (ROOT / path).read_text(encoding="utf-8")
    if LIBRARY not in source_text:  # most files: a search is quicker than a syntax tree
        return
    nodes = tuple(ast.walk(ast.parse(source_text)))
    imported_modules: dict[str, str] = {}
    for node in nodes:
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        package = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
        for alias in node.names:
            imported_path = package / alias.name
            if LIBRARY not in imported_path.parts:
                continue
            if (ROOT / imported_path).with_suffix(".py").is_file():
                imported_modules[alias.asname or alias.name] = page_path(imported_path)
            else:
                yield page_path(package), alias.name
    yield from find_used_attributes(imported_modules, nodes)


def find_used_attributes(imported_modules: dict[str, str], nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield each name that a file, given by its nodes, reads of modules which it imported whole."""
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported_modules:
            yield imported_modules[node.value.id], node.attr


def page_path(module: PurePosixPath) -> str:
    """Return a module as the page names it: its path below plugins."""
    return f"{module.relative_to(PLUGINS)}.py"


def read_purpose(module: str) -> str:
    """Return the first sentence of a module's docstring."""
    docstring = ast.get_docstring(ast.parse((ROOT / PLUGINS / module).read_text(encoding="utf-8"))) or ""
    sentence = re.split(r"(?<=\.)\s", " ".join(docstring.split()), maxsplit=1)[0]
    return sentence.replace("|", "\\|")


def build_page() -> str:
    """Return the page with the table of today's imports."""
    table_rows = []
    for module, names in sorted(collect_library_names().items()):
        listed_names = ", ".join(f"`{name}`" for name in sorted(names, key=lambda name: (name.lower(), name)))
        table_rows.append(f"| `{module}` | {read_purpose(module)} | {listed_names} |\n")
    table = f"{_TABLE_NOTE}\n| module | what it has | names in use |\n|---|---|---|\n{''.join(table_rows)}<!-- end -->"
    return _TABLE.sub(lambda _match: table, PAGE_FILE.read_text(encoding="utf-8"))


def main() -> int:
    """Return 1 if the page is stale and stays so."""
    current_page = build_page()
    if current_page == PAGE_FILE.read_text(encoding="utf-8"):
        return 0
    if "--write" in sys.argv[1:]:
        PAGE_FILE.write_text(current_page, encoding="utf-8")
        return 0
    print("docs/library.md is stale. Run `python -m tools.door --write`, and look at what passes the door.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
