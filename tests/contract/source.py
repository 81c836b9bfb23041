# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's files and what they import."""

from __future__ import annotations

import ast
import gc
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .role import ROOT

# The functions that import the module of a given name.
LOADERS = {"import_module", "import_library", "__import__"}
ANY_MODULE = "any module"


@cache
def files(*patterns: str) -> tuple[str, ...]:
    """Return the files of the project that match, relative to its root; no links, and nothing that is ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple(sorted(path for path in listed if (ROOT / path).is_file() and not (ROOT / path).is_symlink()))


def text(path: str) -> str:
    """Return a file's text."""
    return (ROOT / path).read_text(encoding="utf-8")


def steps(path: str) -> list[dict[str, Any]]:
    """Return the tasks of a file, with those of a static import in its place."""
    found: list[dict[str, Any]] = []
    for task in yaml.safe_load(text(path)):
        name = task.get("ansible.builtin.import_tasks")
        found += steps(str(Path(path).parent / name)) if name else [task]
    return found


@cache
def tree(path: str) -> ast.Module:
    """Return a file's syntax tree, which many tests read and none changes: those of all files take 280 MB."""
    was_enabled = gc.isenabled()
    gc.disable()
    found = ast.parse(text(path))
    gc.freeze()  # it stays until the end: searches for garbage would look at each node again
    if was_enabled:
        gc.enable()
    return found


@cache
def nodes(path: str) -> tuple[ast.AST, ...]:
    """Return the nodes of a file's syntax tree, as `ast.walk` yields them: to walk takes as long as to parse."""
    return tuple(ast.walk(tree(path)))


def functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield each function inside of a node. Expressions, most of a tree, have none and are not looked at."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield inner
        if isinstance(inner, (ast.stmt, ast.excepthandler, ast.match_case)):
            yield from functions(inner)


@cache
def imports(path: str) -> tuple[str, ...]:
    """Return every module that a file imports, relative ones as paths such as `plugins/module_utils/_kube/names`."""
    return tuple(_imports(path))


def _imports(path: str) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from _imported(path, node)


def _imported(path: str, node: ast.ImportFrom) -> Iterator[str]:
    if not node.level:
        yield node.module or ""
        return
    folder = Path(path).parents[node.level - 1]
    module = folder.joinpath(*(node.module or "").split("."))
    below = [module / alias.name for alias in node.names]
    for part in below:
        is_module = (ROOT / part).with_suffix(".py").is_file() or (ROOT / part).is_dir()
        yield (part if is_module else module).as_posix()


def loads(path: str) -> list[str]:
    """Return every module that a file imports by a call of `importlib.import_module` or of a function like it."""
    calls = [node for node in nodes(path) if isinstance(node, ast.Call)]
    return [_loaded(call) for call in calls if ast.unparse(call.func).rpartition(".")[2] in LOADERS]


def _loaded(call: ast.Call) -> str:
    """Return the module that a call imports. One whose name is computed, or relative to a package, may be any."""
    match call.args:
        case [ast.Constant(value=str(name))] if not name.startswith("."):
            return name
        case _:
            return ANY_MODULE
