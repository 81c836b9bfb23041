# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the paths of a YAML document stand in its file. Private.

yaml_documents.py gives each document its positions, and findings of rules show them. In file a.yml with

    receivers:
      otlp: {}

path ("receivers", "otlp") is at `a.yml:2:3`, where its key begins. Nodes and marks are those of source_nodes.py: a mark
has a line and a column from 0, a `Position` counts both from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from ..config.paths import Path, Position
from ..config.source_nodes import FOLDED, LITERAL, MAPPING, SCALAR, SEQUENCE, Mark, Node, resolve_alias
from .go_scalars import read_scalar
from .mapping_keys import is_merge_key, list_merged_nodes, read_key

# The characters that a quoted text writes as two, by the quote.
_DOUBLED_BY_QUOTE = {"'": "'", '"': '"\\'}


class _FoundNodes(NamedTuple):
    """The node whose start is the place of a path, such as a key, and the node of its value."""

    place_node: Node
    value_node: Node


class DocumentPositions(Mapping[Path, Position]):
    """The positions of the paths of a document, or of those below one. Each is looked up on demand: few are needed.

    A key that stands twice is at its last place; what an alias or a merged mapping repeats is where it was written.
    """

    def __init__(self, file: str, root: Node, around: Path = ()) -> None:
        """Take a document; paths are those below `around` in it.

        With `around` ("spec", "config") in a custom resource, path ("receivers",) is spec.config.receivers of the file.
        """
        self.file, self.root, self.base_path = file, root, around
        self._keys_by_mapping: dict[int, dict[Any, _FoundNodes]] = {}  # of the mappings that were passed, by their id

    def __getitem__(self, path: Path) -> Position:
        found_nodes = self._find_nodes((*self.base_path, *path))
        if found_nodes is None:
            raise KeyError(path)
        line, column = found_nodes.place_node.start
        node = resolve_alias(found_nodes.value_node)
        # Rules point into texts with blanks, such as statements, and quote what is spelled in another way.
        needs_node = node.kind == SCALAR and (" " in node.value or _is_respelled(node))
        if not needs_node:
            return Position(self.file, line + 1, column + 1)
        return Position(
            self.file, line + 1, column + 1, partial(_measure_distance, node, (line, column)), node.read_plain_text
        )

    def __contains__(self, path: object) -> bool:
        return isinstance(path, tuple) and self._find_nodes((*self.base_path, *path)) is not None

    def __iter__(self) -> Iterator[Path]:
        found_nodes = self._find_nodes(self.base_path)
        return self._list_paths(found_nodes.value_node, ()) if found_nodes else iter(())

    def __len__(self) -> int:
        return sum(1 for _path in self)

    def find_positions_below(self, path: Path) -> DocumentPositions:
        """Return the positions of the value at a path. Their paths begin at that value."""
        return DocumentPositions(self.file, self.root, (*self.base_path, *path))

    def _find_nodes(self, path: Path) -> _FoundNodes | None:
        """Return the nodes of a path; None for a path that the document does not have."""
        found_nodes = _FoundNodes(self.root, self.root)
        for path_part in path:
            node = resolve_alias(found_nodes.value_node)
            if node.kind == MAPPING and path_part in self._map_keys(node):
                found_nodes = self._map_keys(node)[path_part]
            elif node.kind == SEQUENCE and isinstance(path_part, int) and path_part < len(node.items):
                found_nodes = _FoundNodes(node.items[path_part], node.items[path_part])
            else:
                return None
        return found_nodes

    def _map_keys(self, node: Node) -> dict[Any, _FoundNodes]:
        """Return each key of a mapping with its value, also those that it merges: its own keys hide these."""
        if id(node) in self._keys_by_mapping:
            return self._keys_by_mapping[id(node)]
        merged_keys: dict[Any, _FoundNodes] = {}
        own_keys: dict[Any, _FoundNodes] = {}
        for key, value in node.pairs:
            if is_merge_key(key):
                merged_keys |= self._map_merged_keys(value)
            else:
                own_keys[read_key(key)] = _FoundNodes(key, value)
        keys = {**merged_keys, **own_keys}
        self._keys_by_mapping[id(node)] = keys
        return keys

    def _map_merged_keys(self, value: Node) -> dict[Any, _FoundNodes]:
        """Return the keys that the value of a merge key brings."""
        keys: dict[Any, _FoundNodes] = {}
        for merged_node in map(resolve_alias, list_merged_nodes(value)):
            if merged_node.kind == MAPPING:
                keys |= self._map_keys(merged_node)
        return keys

    def _list_paths(self, node: Node, path: Path) -> Iterator[Path]:
        """Yield the path of a node, then those of all values below it; `path` is that of the node."""
        yield path
        resolved_node = resolve_alias(node)
        if resolved_node.kind == MAPPING:
            for key, found_nodes in self._map_keys(resolved_node).items():
                yield from self._list_paths(found_nodes.value_node, (*path, key))
        elif resolved_node.kind == SEQUENCE:
            for index, child_node in enumerate(resolved_node.items):
                yield from self._list_paths(child_node, (*path, index))


def _is_respelled(node: Node) -> bool:
    """Whether a scalar is spelled in another way than its value."""
    value = read_scalar(node)
    return not isinstance(value, str) and str(value) != node.value


def _measure_distance(node: Node, start: Mark, offset: int) -> tuple[int, int | None]:
    """Return by how many lines and columns a character of a scalar is behind a place; None for unknown columns.

    `start` is the place, such as that of the key. `offset` is the number of the character, from 0.
    """
    if node.style == LITERAL:
        return _measure_distance_in_block(node, start, offset)
    lines, columns = node.start[0] - start[0], node.start[1] - start[1]
    is_in_one_line = node.style != FOLDED and node.start[0] == node.end[0]
    if not is_in_one_line:
        return lines, columns  # where its lines break is not known, so this is its begin
    return lines, columns + _count_columns_before(node, offset)


def _measure_distance_in_block(node: Node, start: Mark, offset: int) -> tuple[int, None]:
    """Return how many lines below a place a character of a literal block is; how far it is indented is not known."""
    first_line = node.start[0] + 1
    return first_line + node.value.count("\n", 0, offset) - start[0], None


def _count_columns_before(node: Node, offset: int) -> int:
    """Return how many columns of a scalar in one line are before a character: its quote, and escaped signs twice."""
    quote_width = 1 if node.style else 0
    columns: int = quote_width + offset
    for doubled_character in _DOUBLED_BY_QUOTE.get(node.style, ""):
        columns += node.value.count(doubled_character, 0, offset)
    return columns
