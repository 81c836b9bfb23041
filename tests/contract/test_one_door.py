# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each name of the plugins has one door: importers ask the file that defines it, and no file passes on an import.

No file is exempt: a collection has no package whose `__init__.py` is a front, and the door of the library is a page,
docs/library.md.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import PurePosixPath
from typing import NamedTuple

import pytest

from tools.door import find_used_attributes

from .source import files, nodes, tree

PLUGINS = files("plugins/*.py")
KNOWN = frozenset(PLUGINS)


@cache
def defined(path: str) -> frozenset[str]:
    """Return the names that a file itself defines, at any depth."""
    return frozenset(names_defined(nodes(path)))


@cache
def imported(path: str) -> frozenset[str]:
    """Return the names that imports bind in a file, at any depth."""
    return frozenset(names_imported(nodes(path)))


def names_defined(module_nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names of functions, classes and assignments."""
    for node in module_nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def names_imported(module_nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names that imports bind in a file, except those of `from __future__`."""
    for node in module_nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]


def names_used(module_nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names that a file reads."""
    for node in module_nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id


def names_listed(module: ast.Module) -> Iterator[str]:
    """Yield the names in `__all__`."""
    for node in module.body:
        if isinstance(node, ast.Assign) and any(ast.unparse(name) == "__all__" for name in node.targets):
            yield from ast.literal_eval(node.value)


def passed_on(module: ast.Module, module_nodes: Sequence[ast.AST]) -> set[str]:
    """Return the imported names that a file does not use, or lists in `__all__`."""
    names = set(names_imported(module_nodes))
    return (names - set(names_used(module_nodes))) | (names & set(names_listed(module)))


def passed_on_by(source: str) -> set[str]:
    """Return the imported names that a text does not use, or lists in `__all__`."""
    module = ast.parse(source)
    return passed_on(module, list(ast.walk(module)))


class Imported(NamedTuple):
    """A name of another plugin that a file imports: `from .a import b as c` is `(".../a", "b", "c")`."""

    package: PurePosixPath
    name: str
    local: str

    @property
    def module(self) -> str:
        """The file, if the name is that of a file of a package."""
        return f"{self.package / self.name}.py"

    @property
    def holder(self) -> str:
        """The file that the name is asked of otherwise."""
        return f"{self.package}.py"


def relative_imports(path: str) -> Iterator[Imported]:
    """Yield the names that a file imports of other plugins, at any depth."""
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.level:
            package = PurePosixPath(path).parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for alias in node.names:
                yield Imported(package, alias.name, alias.asname or alias.name)


def second_doors(path: str) -> Iterator[str]:
    """Yield each name that a file imports, or reads as an attribute, from a file that does not define the name."""
    modules: dict[str, str] = {}
    for one in relative_imports(path):
        if one.module in KNOWN:
            modules[one.local] = one.module
        elif one.holder in KNOWN and one.name not in defined(one.holder):
            yield f"{one.name} from {one.holder}"
    for module, name in find_used_attributes(modules, nodes(path)):
        if name in imported(module) - defined(module):
            yield f"{name} from {module}"


@pytest.mark.parametrize("path", PLUGINS)
def test_a_file_passes_on_no_import(path: str) -> None:
    names = passed_on(tree(path), nodes(path))
    assert not names, f"{path} imports {', '.join(sorted(names))} for others: let them ask the file that has the name"


@pytest.mark.parametrize("path", PLUGINS)
def test_an_importer_asks_the_file_that_has_the_name(path: str) -> None:
    doors = sorted(set(second_doors(path)))
    assert not doors, f"{path} imports {', '.join(doors)}, which only imports the name itself"


@pytest.mark.parametrize(
    "source",
    [
        "from .addresses import is_loopback",
        "from .addresses import is_loopback\n__all__ = ['is_loopback']\nUSED = is_loopback",
        "from .addresses import is_loopback as local",
    ],
)
def test_a_name_that_is_passed_on_would_be_noticed(source: str) -> None:
    assert passed_on_by(source)


def test_a_name_in_use_is_not_passed_on() -> None:
    assert not passed_on_by("from .addresses import is_loopback\n__all__ = ['USED']\nUSED = is_loopback")
