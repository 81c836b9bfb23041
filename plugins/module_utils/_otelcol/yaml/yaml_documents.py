# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML documents as the Collector reads them, with the place of each path and bounded aliases.

Every config that this collection judges comes through here. `load_document(yaml, text, "a.yml")` makes of the text

    receivers:
      otlp: {}
      otlp: {protocols: {grpc: {}}}

    data          {"receivers": {"otlp": {"protocols": {"grpc": {}}}}}
    positions     {("receivers",): a.yml:1:1, ("receivers", "otlp"): a.yml:3:3, …}
    duplicates    ((("receivers", "otlp"), a.yml:3:3),)

The Collector reads the core schema of YAML 1.2, in which `yes` is a text, see go_scalars.py. With `strict`, values that
ansible-vault encrypts and tags that nothing here knows are errors. `yaml` is the module PyYAML: files here do not
import it, since hosts may lack it. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config.paths import Path, Position, value_at
from ..config.source_nodes import ALIAS, MAPPING, SCALAR, Node
from ..errors import Problem
from .document_positions import DocumentPositions
from .go_scalars import read_scalar
from .mapping_keys import is_merge_key, list_merged_nodes, read_key
from .yaml_errors import refuse_text
from .yaml_nodes import DEEPEST_NODE, read_document_roots

# How many nodes aliases may repeat in one document: far more than any config has, and too few to fill memory.
_MOST_REPEATED_NODES = 100_000
# A line that begins a document.
_SEPARATOR = re.compile(r"---(?:\s|\Z)")


@dataclass(frozen=True)
class Document:
    """One YAML document."""

    data: Any
    """What the YAML stands for; None for a document without content."""
    positions: Mapping[Path, Position] = field(default_factory=dict)
    """Where each path stands in its file."""
    duplicates: tuple[tuple[Path, Position], ...] = ()
    """The keys that stand in one mapping before already, and where they stand again."""
    root_node: Node | None = field(default=None, compare=False, repr=False)
    """The tree that the YAML is; None for a document without content, and for a part of a document."""


def cut_document_part(document: Document, path: Path) -> Document:
    """Return the value at a path of a document as a document of its own."""
    if not path:
        return document
    duplicates: list[tuple[Path, Position]] = []
    for key_path, position in document.duplicates:
        if _is_below(key_path, path):
            duplicates.append((key_path[len(path) :], position))
    return Document(value_at(document.data, path), _cut_positions_below(document.positions, path), tuple(duplicates))


def _cut_positions_below(positions: Mapping[Path, Position], path: Path) -> Mapping[Path, Position]:
    """Return the positions of the value at a path. Their paths begin at that value."""
    if isinstance(positions, DocumentPositions):
        return positions.find_positions_below(path)
    positions_below: dict[Path, Position] = {}
    for key_path, position in positions.items():
        if _is_below(key_path, path):
            positions_below[key_path[len(path) :]] = position
    return positions_below


def _is_below(path: Path, outer_path: Path) -> bool:
    """Whether a path is another one, or leads to something below that."""
    return path[: len(outer_path)] == outer_path


def load_document(yaml: Any, text: str, file: str, strict: bool = False) -> Document:
    """Return the one document in this text. Raises Problem with file, line and column if it is not YAML."""
    documents = list(load_documents(yaml, text, file, strict))
    if len(documents) > 1:
        separator_mark = _find_second_document(text)
        raise refuse_text("expected a single document, but found another one", file, separator_mark)
    return documents[0] if documents else Document(None)


def load_data_or_none(yaml: Any, text: str) -> Any:
    """Return the data of a text that somebody else wrote; None if it is not one document of YAML."""
    try:
        return load_document(yaml, text, "").data
    except Problem:
        return None


def load_documents(yaml: Any, text: str, file: str, strict: bool = False) -> Iterator[Document]:
    """Yield every document in this text. Raises Problem as `read_document_roots` does.

    The data of a document without content is None.
    """
    for root in read_document_roots(yaml, text, file, strict):
        if root is None:
            yield Document(None)
            continue
        reader = _DocumentReader(file)
        yield Document(reader.read_node(root, (), 0), DocumentPositions(file, root), tuple(reader.duplicates), root)


def _find_second_document(text: str) -> tuple[int, int]:
    """Return the line and the column where the second document begins; 0 if that is not found."""
    is_in_first_document = False
    for line_number, line in enumerate(text.splitlines()):
        if is_in_first_document and _SEPARATOR.match(line):
            return line_number, 0
        is_comment_or_directive = line[:1] in ("#", "%")
        if line.strip() and not is_comment_or_directive:
            is_in_first_document = True
    return 0, 0


class _DocumentReader:
    """Converts nodes to data, and finds the keys that stand twice. Raises Problem for aliases that repeat too much."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.duplicates: list[tuple[Path, Position]] = []
        self.open_aliases = 0  # how many aliases and merge keys are around what is read
        self.repeated_nodes = 0

    def read_node(self, node: Node, path: Path, depth: int) -> Any:
        """Return the data of a node at a path, `depth` levels below the root."""
        if node.kind == SCALAR:
            return read_scalar(node)
        if depth > DEEPEST_NODE:
            raise refuse_text(f"it nests deeper than {DEEPEST_NODE} levels", self.file, node.start)
        if node.kind == ALIAS:
            return self._read_alias(node, path, depth)
        if self.open_aliases:
            self._count_repeated(len(node.value), node)
        if node.kind == MAPPING:
            return self._read_mapping(node, path, depth)
        return [self.read_node(child_node, (*path, index), depth + 1) for index, child_node in enumerate(node.value)]

    def _read_alias(self, node: Node, path: Path, depth: int) -> Any:
        """Return the data that an alias repeats."""
        self.open_aliases += 1
        self._count_repeated(1, node)
        value = self.read_node(node.value, path, depth + 1)
        self.open_aliases -= 1
        return value

    def _count_repeated(self, node_count: int, node: Node) -> None:
        """Count the nodes that aliases repeat."""
        self.repeated_nodes += node_count
        if self.repeated_nodes > _MOST_REPEATED_NODES:
            raise refuse_text("its aliases repeat too much", self.file, node.start)

    def _read_mapping(self, node: Node, path: Path, depth: int) -> dict[Any, Any]:
        """Return the data of a mapping; its own keys hide those that it merges."""
        own_data: dict[Any, Any] = {}
        merged_data: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if is_merge_key(key_node):
                merged_data |= self._read_merged(value_node, path, depth)
                continue
            key = read_scalar(key_node) if key_node.kind == SCALAR else read_key(key_node)
            if key in own_data:  # as for Ansible, 1 and true are one key, whose first value is lost
                line, column = key_node.start
                self.duplicates.append(((*path, key), Position(self.file, line + 1, column + 1)))
            is_scalar = value_node.kind == SCALAR  # most are, and a path is made for none of them
            own_data[key] = (
                read_scalar(value_node) if is_scalar else self.read_node(value_node, (*path, key), depth + 1)
            )
        return {**merged_data, **own_data} if merged_data else own_data

    def _read_merged(self, value_node: Node, path: Path, depth: int) -> dict[Any, Any]:
        """Return the data of the mappings that a merge key brings."""
        self.open_aliases += 1
        merged_data: dict[Any, Any] = {}
        for merged_node in list_merged_nodes(value_node):
            data = self.read_node(merged_node, path, depth + 1)
            if isinstance(data, dict):
                merged_data |= data
        self.open_aliases -= 1
        return merged_data
