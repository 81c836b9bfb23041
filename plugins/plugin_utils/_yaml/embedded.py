# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A config inside a document or inside a text of one, with its places in the user's file. Controller only. Private."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...module_utils._core.config import paths
from ...module_utils._core.config.documents import Found
from ...module_utils._core.config.paths import Path, Position, at
from . import Document, key_of, load, reader

IN_RESOURCE: Path = ("spec", "config")


def part(document: Document, path: Path) -> Document:
    if not path:
        return document
    size = len(path)
    positions = {key[size:]: position for key, position in document.positions.items() if key[:size] == path}
    twice = tuple((key[size:], position) for key, position in document.duplicates if key[:size] == path)
    return Document(at(document.data, path), positions, twice)


def inner(found: Found, document: Document, lines: Sequence[str], file: str) -> Document:
    """Return the document in a scalar, with its places in the file around it."""
    moved = placement(found, document, lines)
    try:
        loaded = load(at(document.data, found.path), file)
    except reader.Invalid as invalid:
        why = invalid.wrong.partition(": ")[2]
        raise reader.Invalid(why, moved(invalid.position), invalid.fix) from invalid
    positions = {path: moved(position) for path, position in loaded.positions.items()}
    twice = tuple((path, moved(position)) for path, position in loaded.duplicates)
    return replace(loaded, positions=positions, duplicates=twice)


def around(
    inside: Callable[[Path], Position], document: Document, config: Path, file: str
) -> Callable[[Path], Position]:
    """Return the locator of a custom resource: `inside` locates paths of its config, the document those of its spec."""
    resource = config[: -len(IN_RESOURCE)]

    def locate(path: Path) -> Position:
        if path[:1] != IN_RESOURCE[:1]:
            return inside(path)
        here = (*resource, *path)
        while here not in document.positions and len(here) > len(resource):
            here = here[:-1]
        return document.positions.get(here) or Position(file)

    return locate


def placement(found: Found, document: Document, lines: Sequence[str]) -> Callable[[Position], Position]:
    """Return the map from positions in a scalar to the file: by line in a literal block, else the scalar's start."""
    pair = paths.find(document.root, found.path, key_of) if document.root else None
    if pair is None:
        start = document.positions.get(found.path, Position())
        return lambda position: replace(position, line=start.line, column=start.column)
    node = paths.resolve(pair[1])
    line, column = node.start
    if node.style != paths.LITERAL:
        return lambda position: replace(position, line=line + 1, column=column + 1)
    margin = indentation(node, lines)
    return lambda position: replace(position, line=position.line + line + 1, column=position.column + margin)


def indentation(node: paths.Node, lines: Sequence[str]) -> int:
    """Return how far a literal block is indented in its file."""
    for offset, text in enumerate(paths.lines_of(node.value), node.start[0] + 1):
        if text.strip() and offset < len(lines):
            return _margin(lines[offset]) - _margin(text)
    return 0


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
