# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every regular expression of the plugins takes linear time on hostile text, as it is used."""

from __future__ import annotations

import ast
import dataclasses
import re
import time
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from . import source
from .pattern_samples import hostile
from .source import files, tree

PACKAGE = "ansible_collections.o11y.opentelemetry."
# Only what takes longer is compared: a text may take so many times as long as its quarter. A linear pattern takes 4
# times, a quadratic one 16: both are far enough from 8 for a machine whose speed changes between two measurements.
SECONDS, GROWTH, PART, MEASUREMENTS = 0.03, 8, 4, 5
# A quadratic pattern fails at a small size already, an exponential one at the smallest, so that the test ends. At the
# largest, one that needs no more than a twentieth of a nanosecond for each pair of characters takes SECONDS.
SIZES = (24, 1_000, 8_000, 40_000)
USES = ("match", "fullmatch", "search", "finditer")
USE_OF = {**{name: name for name in USES}, **dict.fromkeys(("findall", "split", "sub", "subn"), "finditer")}
FUNCTIONS = ("compile", *USE_OF)
# Run in every pattern beside what its own parts accept.
USUAL = ("a", "A", "0", "_", "-", ".", " ", "\t", "\n", "\\", '"', "/", ":", "{", "é")
SOURCES = tuple(path for path in files("plugins/*.py") if not path.startswith("plugins/doc_fragments/"))


class Used(NamedTuple):
    """A pattern where it is defined, and how it is used."""

    where: str
    pattern: re.Pattern[str]
    uses: tuple[str, ...]


def module_of(path: str) -> ModuleType:
    return import_module(PACKAGE + path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))


def reachable(value: Any, depth: int = 6) -> Iterator[Any]:
    """Yield a value and what it holds: items, fields, and attributes of instances of the collection."""
    yield value
    if not depth or isinstance(value, (str, bytes, type, ModuleType)):
        return
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, (tuple, list, set, frozenset)):
        inner = list(value)
    elif dataclasses.is_dataclass(value):
        inner = list(getattr(value, "__dict__", {}).values())
    for item in inner:
        yield from reachable(item, depth - 1)


@cache
def own(path: str) -> dict[str, Any]:
    return {name: value for name, value in vars(module_of(path)).items() if not name.startswith("__")}


def compiled(value: Any) -> list[re.Pattern[str]]:
    return [one for one in reachable(value) if isinstance(one, re.Pattern) and isinstance(one.pattern, str)]


@cache
def nodes(path: str) -> tuple[ast.AST, ...]:
    """Return the syntax tree of a file node by node, without files that neither name nor call a pattern."""
    return tuple(ast.walk(tree(path))) if asking().search(source.text(path)) else ()


@cache
def asking() -> re.Pattern[str]:
    """Return what a text has that uses the module `re` or a name of a pattern."""
    names = {name for path in SOURCES for name, value in own(path).items() if isinstance(value, re.Pattern)}
    return re.compile(rf"\b({'|'.join(sorted({'re', *names}))})\s*\.\s*({'|'.join(FUNCTIONS)})\b")


@cache
def methods() -> dict[tuple[str, str], set[str]]:
    """Return how names of patterns are used: private names by file, public ones in all files."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in SOURCES:
        for node in nodes(path):
            if isinstance(node, ast.Attribute) and node.attr in USE_OF and isinstance(node.value, ast.Name):
                file = path if node.value.id.startswith("_") else ""
                found.setdefault((file, node.value.id), set()).add(USE_OF[node.attr])
    return found


def patterns() -> Iterator[Used]:
    for path in SOURCES:
        for name, value in own(path).items():
            known = compiled(value)
            file = path if name.startswith("_") else ""
            uses = methods().get((file, name), set()) if known == [value] else set()
            yield from (Used(f"{path}: {name}", one, tuple(sorted(uses)) or USES) for one in known)
        for node in nodes(path):
            yield from calls(path, node)


def calls(path: str, node: ast.AST) -> Iterator[Used]:
    """Yield the pattern of a call such as `re.sub(pattern, by, text)`."""
    if not isinstance(node, ast.Call):
        return
    name = function_of_re(node)
    if name not in FUNCTIONS:
        return
    values = [text for text in texts(path, node.args[0]) if isinstance(text, str)]
    assert values, f"{path}:{node.lineno}: the pattern is not known before the program runs; compile it in a table"
    uses = (USE_OF[name],) if name in USE_OF else USES
    for value in values:
        if name != "compile" or not is_held(path, value):
            yield Used(f"{path}:{node.lineno}", re.compile(value, flags_of(path, node)), uses)


def function_of_re(call: ast.Call) -> str:
    """Return the name of a function of the module `re` that is called; empty for any other call."""
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re":
        return function.attr
    return ""


def flags_of(path: str, call: ast.Call) -> Any:
    """Return the flags that a call gives, wherever they stand: `re.DOTALL`."""
    for part in (*call.args[1:], *(keyword.value for keyword in call.keywords)):
        if re.search(r"\bre\.", ast.unparse(part)):
            return evaluated(path, part)
    return 0


def is_held(path: str, pattern: str) -> bool:
    """Whether a module has a compiled pattern under a name or in a table, where `patterns` finds it with its uses."""
    return any(pattern == one.pattern for one in compiled_in(path))


@cache
def compiled_in(path: str) -> list[re.Pattern[str]]:
    return [one for value in own(path).values() for one in reachable(value) if isinstance(one, re.Pattern)]


def texts(path: str, node: ast.expr) -> list[Any]:
    """Return the values that an expression can have: what the module knows, or the fields of its tables."""
    if isinstance(node, ast.JoinedStr):
        return ["".join(part_of_text(path, part) for part in node.values)]
    value = evaluated(path, node)
    if value is None and isinstance(node, ast.Attribute):
        return [getattr(one, node.attr) for one in held(path) if hasattr(one, node.attr)]
    return [value.pattern if isinstance(value, re.Pattern) else value]


def part_of_text(path: str, node: ast.expr) -> str:
    """Return a part of an f-string: its value, or `abc` for what is not known before the program runs."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    value = evaluated(path, node.value) if isinstance(node, ast.FormattedValue) else None
    return str(value or "abc")


def held(path: str) -> list[Any]:
    return [one for value in own(path).values() for one in reachable(value) if not isinstance(one, (type, re.Pattern))]


def evaluated(path: str, node: ast.expr) -> Any:
    try:
        return eval(compile(ast.Expression(node), path, "eval"), dict(vars(module_of(path))))
    except NameError:
        return None


@cache
def repeats(pattern: re.Pattern[str]) -> tuple[tuple[str, str], ...]:
    """Return what texts are made of, each once: what leads to a repeat, and what is repeated."""
    found = []
    for before, part in (*hostile(pattern), *(("", sign) for sign in USUAL)):
        if part:
            found += [(before, part), ("", before + part)]
    return tuple(dict.fromkeys(found))


def inputs(pattern: re.Pattern[str], size: int) -> Iterator[str]:
    for before, part in repeats(pattern):
        yield before + part * (size // len(part)) + "\x00"


def seconds(pattern: re.Pattern[str], use: str, text: str) -> float:
    start = time.process_time()
    if use == "finditer":
        pattern.subn("", text)  # searches as `finditer` does, and makes no object for each match
    else:
        getattr(pattern, use)(text)
    return time.process_time() - start


def is_slow(pattern: re.Pattern[str], use: str, text: str, part: str) -> bool:
    """Return whether time grows faster than the text. Both are measured in turn, so that they share the machine."""
    whole, less = seconds(pattern, use, text), float("inf")
    for _ in range(MEASUREMENTS):
        if whole < SECONDS:
            return False
        less = min(less, seconds(pattern, use, part))
        whole = min(whole, seconds(pattern, use, text))
    return whole > GROWTH * less


@cache
def slow_text(pattern: re.Pattern[str], use: str, sizes: tuple[int, ...]) -> str:
    """Return the first text for which a pattern takes too long, empty if there is none. Files share some patterns."""
    for size in sizes:
        for text, part in zip(inputs(pattern, size), inputs(pattern, size // PART), strict=True):
            if is_slow(pattern, use, text, part):
                return text
    return ""


FOUND = {f"{one.where} {one.pattern.pattern[:40]}": one for one in patterns()}


@pytest.mark.parametrize("one", FOUND.values(), ids=list(FOUND))
def test_a_pattern_takes_linear_time(one: Used) -> None:
    for use in one.uses:
        text = slow_text(one.pattern, use, SIZES)
        assert not text, f"{use} is slow with {len(text)} characters as {text[:40]!r}"


@pytest.mark.parametrize(
    ("pattern", "use"), [(r"\d+x", "search"), (r"'([a-z]+)'.*?\bfor", "finditer"), (r",\s*\s*\Z", "match")]
)
def test_a_quadratic_pattern_is_found(pattern: str, use: str) -> None:
    # A fast machine needs a longer text to be slow.
    assert slow_text(re.compile(pattern), use, (4_000, 8_000, 16_000, 32_000, 64_000))
