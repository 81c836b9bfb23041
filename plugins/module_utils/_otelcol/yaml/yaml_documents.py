# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML documents as the Collector reads them, with the place of each path and bounded aliases.

The Collector reads the core schema of YAML 1.2. Strings that a reader could take for another type are quoted. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..config.documents import merged_configs
from ..config.paths import (
    ALIAS,
    FOLDED,
    LITERAL,
    MAPPING,
    SCALAR,
    SEQUENCE,
    Mark,
    Node,
    Path,
    Position,
    at,
    resolve_alias,
)
from ..errors import Problem
from .yaml_nodes import DEEPEST, compose, refused_text, scalar

_MERGE_KEY = "<<"
# The Collector splits keys here.
DELIMITER = "::"
# How many nodes aliases may repeat in one document: far more than any config has, and too few to fill memory.
_REPEATED = 100_000


class _Positions(Mapping[Path, Position]):
    """The positions of the paths of a document, or of those below one. Each is looked up on demand: few are needed.

    A key that stands twice is at its last place; what an alias or a merged mapping repeats is where it was written.
    """

    def __init__(self, file: str, root: Node, around: Path = ()) -> None:
        self.file, self.root, self.around = file, root, around
        self._seen: dict[int, dict[Any, tuple[Node, Node]]] = {}  # of each mapping that was passed

    def __getitem__(self, path: Path) -> Position:
        found = self._find((*self.around, *path))
        if found is None:
            raise KeyError(path)
        line, column = found[0].start
        node = resolve_alias(found[1])
        if node.kind != SCALAR or not (" " in node.value or _is_respelled(node)):
            return Position(self.file, line + 1, column + 1)
        return Position(self.file, line + 1, column + 1, partial(_away, node, (line, column)), node.text)

    def __contains__(self, path: object) -> bool:
        return isinstance(path, tuple) and self._find((*self.around, *path)) is not None

    def below(self, path: Path) -> _Positions:
        """Return the positions of what is at a path, with their paths in it."""
        return _Positions(self.file, self.root, (*self.around, *path))

    def __iter__(self) -> Iterator[Path]:
        found = self._find(self.around)
        return self._paths(found[1], ()) if found else iter(())

    def __len__(self) -> int:
        return sum(1 for _path in self)

    def _find(self, path: Path) -> tuple[Node, Node] | None:
        """Return the node whose start is the place of a path, and the node of its value."""
        found = self.root, self.root
        for part in path:
            node = resolve_alias(found[1])
            if node.kind == MAPPING and part in self._keys(node):
                found = self._keys(node)[part]
            elif node.kind == SEQUENCE and isinstance(part, int) and part < len(node.value):
                found = node.value[part], node.value[part]
            else:
                return None
        return found

    def _keys(self, node: Node) -> dict[Any, tuple[Node, Node]]:
        """Return key and value of each key of a mapping, with what it merges."""
        if id(node) not in self._seen:
            found: dict[Any, tuple[Node, Node]] = {}
            for key, value in node.value:
                if _merges(key):
                    inner = resolve_alias(value)
                    for part in map(resolve_alias, reversed(inner.value if inner.kind == SEQUENCE else [inner])):
                        found |= self._keys(part) if part.kind == MAPPING else {}
            found.update((key_of(key), (key, value)) for key, value in node.value if not _merges(key))
            self._seen[id(node)] = found
        return self._seen[id(node)]

    def _paths(self, node: Node, path: Path) -> Iterator[Path]:
        yield path
        inner = resolve_alias(node)
        if inner.kind == MAPPING:
            for key, (_key, value) in self._keys(inner).items():
                yield from self._paths(value, (*path, key))
        elif inner.kind == SEQUENCE:
            for index, item in enumerate(inner.value):
                yield from self._paths(item, (*path, index))


def _is_respelled(node: Node) -> bool:
    """Whether a scalar is spelled in another way than its value."""
    value = scalar(node)
    return not isinstance(value, str) and str(value) != node.value


def _merges(key: Node) -> bool:
    """Whether a key is that of mappings to merge."""
    return key.kind == SCALAR and key.value == _MERGE_KEY and not key.style


@dataclass(frozen=True)
class Document:
    """One YAML document: its data, the positions of its paths, its duplicate keys, and its nodes."""

    data: Any
    positions: Mapping[Path, Position] = field(default_factory=dict)
    duplicates: tuple[tuple[Path, Position], ...] = ()
    root: Node | None = field(default=None, compare=False, repr=False)


def document_part(document: Document, path: Path) -> Document:
    """Return what is at a path of a document as a document."""
    if not path:
        return document
    positions = document.positions
    below: Mapping[Path, Position]
    if isinstance(positions, _Positions):
        below = positions.below(path)
    else:
        below = {key[len(path) :]: position for key, position in positions.items() if key[: len(path)] == path}
    twice = tuple((key[len(path) :], position) for key, position in document.duplicates if key[: len(path)] == path)
    return Document(at(document.data, path), below, twice)


def spread_document(document: Document) -> Document:
    """Return a document in which `service::pipelines` is `pipelines` below `service`, as the Collector reads keys.

    Source: confmap.KeyDelimiter. Keys in lists are not split.
    """
    if not _joins(document.data):
        return document
    positions: dict[Path, Position] = {}
    for path, position in document.positions.items():
        here = _spread_path(path)
        positions[here] = position
        for end in range(len(path), len(here)):
            positions.setdefault(here[:end], position)
    duplicates = tuple((_spread_path(path), position) for path, position in document.duplicates)
    return Document(_spread(document.data), positions, duplicates)


def _joins(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return any(isinstance(key, str) and DELIMITER in key for key in value) or any(map(_joins, value.values()))


def _spread(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    result: dict[Any, Any] = {}
    for key, item in value.items():
        first, *rest = _parts(key)
        inner = _spread(item)
        for part in reversed(rest):
            inner = {part: inner}
        result[first] = merged_configs([result[first], inner]) if first in result else inner
    return result


def _spread_path(path: Path) -> Path:
    index = next((number for number, part in enumerate(path) if isinstance(part, int)), len(path))
    return (*(inner for part in path[:index] for inner in _parts(part)), *path[index:])


def _parts(key: Any) -> list[Any]:
    return key.split(DELIMITER) if isinstance(key, str) else [key]


def load(yaml: Any, text: str, file: str, strict: bool = False) -> Document:
    """Return the one document in this text. Raises Problem with file, line and column if it is not YAML."""
    documents = list(load_all(yaml, text, file, strict))
    if len(documents) > 1:
        separator = _separator(text)
        raise refused_text("expected a single document, but found another one", file, separator)
    return documents[0] if documents else Document(None)


def data_of(yaml: Any, text: str) -> Any:
    """Return the data of a text that somebody else wrote; None if it is not one document of YAML."""
    try:
        return load(yaml, text, "").data
    except Problem:
        return None


def load_all(yaml: Any, text: str, file: str, strict: bool = False) -> Iterator[Document]:
    """Yield every document in this text. Raises Problem as `compose` does."""
    for root in compose(yaml, text, file, strict):
        if root is None:
            yield Document(None)
            continue
        reader = _DocumentReader(file)
        yield Document(reader.read(root, (), 0), _Positions(file, root), tuple(reader.duplicates), root)


def _separator(text: str) -> tuple[int, int]:
    """Return the position of the second document."""
    lines = [number for number, line in enumerate(text.splitlines()) if re.match(r"---(?:\s|\Z)", line)]
    first = next((number for number, line in enumerate(text.splitlines()) if line.strip() and line[0] not in "#%"), 0)
    return next((number for number in lines if number > first), 0), 0


# The characters that take two places in a quoted text.
_ESCAPED = {"'": "'", '"': '"\\'}


def _away(node: Node, start: Mark, offset: int) -> tuple[int, int | None]:
    """Return how far a character of a scalar is from a place in front of it: lines, and columns if these are known."""
    line, column = node.start
    if node.style == LITERAL:
        return line + 1 + node.value.count("\n", 0, offset) - start[0], None
    if node.style == FOLDED or line != node.end[0]:
        return line - start[0], column - start[1]
    quoted = sum(node.value.count(sign, 0, offset) for sign in _ESCAPED.get(node.style, ""))
    return line - start[0], column - start[1] + bool(node.style) + quoted + offset


class _DocumentReader:
    """Converts nodes to data, and finds the keys that stand twice."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.duplicates: list[tuple[Path, Position]] = []
        self.repeating = 0
        self.repeated = 0

    def read(self, node: Node, path: Path, depth: int) -> Any:
        if node.kind == SCALAR:
            return scalar(node)
        if depth > DEEPEST:
            raise refused_text(f"it nests deeper than {DEEPEST} levels", self.file, node.start)
        if node.kind == ALIAS:
            return self._alias(node, path, depth)
        if self.repeating:
            self._count(len(node.value), node)
        if node.kind == MAPPING:
            return self._mapping(node, path, depth)
        return [self.read(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]

    def _alias(self, node: Node, path: Path, depth: int) -> Any:
        self.repeating += 1
        self._count(1, node)
        value = self.read(node.value, path, depth + 1)
        self.repeating -= 1
        return value

    def _count(self, more: int, node: Node) -> None:
        self.repeated += more
        if self.repeated > _REPEATED:
            raise refused_text("its aliases repeat too much", self.file, node.start)

    def _mapping(self, node: Node, path: Path, depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        typed_keys: set[tuple[type, Any]] = set()  # without those of text: Python takes 1 and true for the same key
        for key_node, value_node in node.value:
            key = scalar(key_node) if key_node.kind == SCALAR else key_of(key_node)
            if key == _MERGE_KEY and _merges(key_node):
                merged |= self._merged(value_node, path, depth)
                continue
            is_text = isinstance(key, str)
            is_twice = key in result if is_text else (type(key), key) in typed_keys
            if not is_text:
                typed_keys.add((type(key), key))
            if is_twice:
                line, column = key_node.start
                self.duplicates.append(((*path, key), Position(self.file, line + 1, column + 1)))
            is_scalar = value_node.kind == SCALAR
            result[key] = scalar(value_node) if is_scalar else self.read(value_node, (*path, key), depth + 1)
        return {**merged, **result} if merged else result

    def _merged(self, node: Node, path: Path, depth: int) -> dict[Any, Any]:
        self.repeating += 1
        inner = resolve_alias(node)
        result: dict[Any, Any] = {}
        for part in reversed(inner.value if inner.kind == SEQUENCE else [inner]):
            value = self.read(part, path, depth + 1)
            result |= value if isinstance(value, dict) else {}
        self.repeating -= 1
        return result


def key_of(node: Node) -> Any:
    """Return the data of a key; a key that is not a scalar becomes text."""
    inner = resolve_alias(node)
    return scalar(inner) if inner.kind == SCALAR else f"{inner.kind} at {inner.start[0] + 1}:{inner.start[1] + 1}"
