# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as the Collector reads it, with positions, and the one writer of YAML. Controller only. Private.

yaml_documents.py reads texts with the PyYAML of this file. An outer document is a file, an inner one the text of a
config in an object of it, such as a ConfigMap: its positions are moved to places in the file. An example of the writer:
`dump({"a": "0123", "b": "x"})` is `a: '0123'` and `b: x`, since a reader could take `0123` for a number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import yaml

from ...module_utils._otelcol.bounded.live.bounded_reads import read_file_text
from ...module_utils._otelcol.config.documents import FoundConfig
from ...module_utils._otelcol.config.paths import Path, Position, value_at
from ...module_utils._otelcol.config.source_nodes import (
    LITERAL,
    MAPPING,
    SCALAR,
    SEQUENCE,
    Mark,
    Node,
    NodeFinder,
    resolve_alias,
    split_yaml_lines,
)
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.yaml import yaml_documents
from ...module_utils._otelcol.yaml.go_scalars import SCALAR_TYPES, limit_number
from ...module_utils._otelcol.yaml.mapping_keys import read_key
from ...module_utils._otelcol.yaml.yaml_documents import Document
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from ...module_utils._otelcol.yaml.yaml_nodes import read_document_roots

try:
    from yaml import CSafeDumper as _Dumper
except ImportError:  # libyaml is not everywhere
    from yaml import SafeDumper as _Dumper  # type: ignore[assignment]

_TAG = "tag:yaml.org,2002:"


def load(text: str, file: str) -> Document:
    """Return the one document in this text. Raises Problem with file, line and column for what cannot be read."""
    return yaml_documents.load_document(yaml, text, file, strict=True)


def parse_or_none(text: str) -> Any:
    """Return the data of a text; None if it is not one document of YAML."""
    return yaml_documents.load_data_or_none(yaml, text)


def load_all(text: str, file: str) -> Iterator[Document]:
    """Yield every document in this text. Raises Problem with file, line and column when it is no YAML."""
    return yaml_documents.load_documents(yaml, text, file, strict=True)


def load_lenient(text: str, file: str) -> Iterator[Document]:
    """Yield every document in a text of Ansible, whose tags are left out. Raises Problem when it is no YAML."""
    return yaml_documents.load_documents(yaml, text, file)


class _Writer(_Dumper):
    """A writer that quotes every text that a reader could take for another type, and emits no aliases."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Return that no value is written as an alias of an equal one."""
        return True


# A text that YAML would read as another type, such as `0123` or `null`, so that it needs quotes.
_AMBIGUOUS = re.compile("|".join(f"(?:{scalar_type.pattern})" for scalar_type in SCALAR_TYPES))
# A blank before a line end, or at the begin of a text.
_BLANK_AT_EDGE = re.compile(r"[ \t]\n|\A\s")


def _represent_text(writer: Any, value: str) -> yaml.Node:
    """Return a text as YAML: lines as a block, and in quotes what YAML would read as another type."""
    node: yaml.Node = writer.represent_scalar(_TAG + "str", str.__str__(value), style=_choose_style(value))
    return node


def _choose_style(value: str) -> str | None:
    """Return the style of a text as PyYAML calls it; None lets PyYAML choose.

    A text with a blank before a line end, or at its begin, is no block: a reader would lose the blank.
    """
    if "\n" in value and not _BLANK_AT_EDGE.search(value):
        return "|"
    return "'" if _AMBIGUOUS.fullmatch(value) else None


_Writer.add_representer(str, _represent_text)
_Writer.add_multi_representer(str, _represent_text)
_Writer.add_multi_representer(dict, lambda writer, value: writer.represent_dict(value.items()))


def dump(*documents: Any) -> str:
    """Return the documents as YAML text, block style, keys in their own order."""
    return yaml.dump_all(
        documents,
        Dumper=_Writer,
        sort_keys=False,
        default_flow_style=False,
        width=4096,
        allow_unicode=True,
        explicit_start=len(documents) > 1,
    )


CONFIG_IN_RESOURCE: Path = ("spec", "config")


def strip_ansible_types(value: Any) -> Any:
    """Return the value as mappings, lists and scalars without any of Ansible's types around them."""
    if isinstance(value, str):  # most values are texts
        return str.__str__(value)  # ansible-core 2.18 has a text whose own __str__ returns that same type
    if isinstance(value, (dict, Mapping)):
        return {strip_ansible_types(key): strip_ansible_types(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [strip_ansible_types(child) for child in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return limit_number(int(value), hex(value))
    return float(value) if isinstance(value, float) else str(value)


def find_written_form(file: str, line: int, column: int, value: Any) -> str:
    """Return a value without quotes as a file spells it, such as `0x1F`; the place may be that of its key.

    Empty if there is no such value without quotes at the place, or if the file is encrypted or is not YAML.
    """
    nodes = _scalars_by_place(file).get((line - 1, column - 1), ())
    return next((node.value for node in nodes if not node.style and not node.tag and _has_value(node.value, value)), "")


def _has_value(text: str, value: Any) -> bool:
    """Whether YAML reads a text as a value."""
    try:
        return bool(yaml.safe_load(text) == value)
    except (yaml.YAMLError, ValueError, TypeError):
        return False


class _PlacedScalar(NamedTuple):
    """A scalar, and where it is looked for."""

    start: Mark
    scalar: Node


@lru_cache(maxsize=64)
def _scalars_by_place(file: str) -> dict[Mark, list[Node]]:
    """Return the scalars of a file by where they start, and values by where their keys start."""
    try:
        roots = [root for root in read_document_roots(yaml, read_file_text(file), file) if root]
    except (OSError, ValueError, Problem):
        return {}
    scalars: dict[Mark, list[Node]] = {}
    for start, scalar in _list_placed_scalars(roots):
        scalars.setdefault(start, []).append(scalar)
    return scalars


def _list_placed_scalars(roots: Iterable[Node]) -> Iterator[_PlacedScalar]:
    """Yield each scalar where it starts, and each value of a mapping where its key starts, before the key."""
    pending_nodes = list(roots)
    while pending_nodes:
        node = pending_nodes.pop()
        if node.kind == SCALAR:
            yield _PlacedScalar(node.start, node)
        elif node.kind == SEQUENCE:
            pending_nodes += node.items
        elif node.kind == MAPPING:
            for key, value in node.pairs:
                for key_or_value in (resolve_alias(value), key):
                    if key_or_value.kind == SCALAR:
                        yield _PlacedScalar(key.start, key_or_value)
                pending_nodes.append(value)


class _MovedPositions(Mapping[Path, Position]):
    """The positions of a text inside of a file. Each is computed on demand, since few are needed."""

    def __init__(self, positions: Mapping[Path, Position], move_position: Callable[[Position], Position]) -> None:
        self._positions, self._moved = positions, move_position

    def __getitem__(self, path: Path) -> Position:
        return self._moved(self._positions[path])

    def __contains__(self, path: object) -> bool:
        return path in self._positions

    def __iter__(self) -> Iterator[Path]:
        return iter(self._positions)

    def __len__(self) -> int:
        return len(self._positions)


def load_inner_document(found_config: FoundConfig, document: Document, lines: Sequence[str], file: str) -> Document:
    """Return the document in a scalar, with its places in the file around it."""
    move_position = build_position_map(found_config, document, lines)
    try:
        loaded = load(value_at(document.data, found_config.path), file)
    except InvalidYaml as invalid:
        reason = invalid.wrong.partition(": ")[2]  # without the beginning, which InvalidYaml adds again
        raise InvalidYaml(reason, move_position(invalid.position), invalid.fix) from invalid
    moved_duplicates = tuple((path, move_position(position)) for path, position in loaded.duplicates)
    return replace(loaded, positions=_MovedPositions(loaded.positions, move_position), duplicates=moved_duplicates)


def build_resource_locator(
    locate_in_config: Callable[[Path], Position], document: Document, config: Path, file: str
) -> Callable[[Path], Position]:
    """Return a function that locates paths of a custom resource.

    `locate_in_config` locates those of its config, the document all others. `config` is the path of the config in the
    document.
    """
    resource = config[: -len(CONFIG_IN_RESOURCE)]

    def locate(path: Path) -> Position:
        if path[:1] != CONFIG_IN_RESOURCE[:1] and (*resource, *path) not in document.positions:
            return locate_in_config(path)
        known_path = (*resource, *path)
        while known_path not in document.positions and len(known_path) > len(resource):
            known_path = known_path[:-1]
        return document.positions.get(known_path) or Position(file)

    return locate


def build_position_map(
    found_config: FoundConfig, document: Document, lines: Sequence[str]
) -> Callable[[Position], Position]:
    """Return a function that turns a position in the text of a scalar into one in the file.

    In a literal block, lines and columns are counted on. In another scalar, every position is that of its start.
    """
    found = NodeFinder(document.root_node, read_key).find_node(found_config.path) if document.root_node else None
    if found is None:
        start = document.positions.get(found_config.path, Position())
        return lambda position: replace(position, line=start.line, column=start.column, locate_inside=None)
    node = resolve_alias(found.value_node)
    line, column = node.start
    if node.style != LITERAL:
        return lambda position: replace(position, line=line + 1, column=column + 1, locate_inside=None)
    margin = measure_indentation(node, lines)
    return lambda position: replace(position, line=position.line + line + 1, column=position.column + margin)


def measure_indentation(node: Node, lines: Sequence[str]) -> int:
    """Return how far a literal block is indented in its file."""
    for offset, text in enumerate(split_yaml_lines(node.value), node.start[0] + 1):
        if text.strip() and offset < len(lines):
            return _count_indent(lines[offset]) - _count_indent(text)
    return 0


def _count_indent(line: str) -> int:
    """Return how many spaces a line begins with."""
    return len(line) - len(line.lstrip(" "))


def to_canonical_text(config: Any) -> str:
    """Return a text that is equal for configs that mean the same: the order of keys does not count, types do."""

    def with_text_keys(value: Any) -> Any:
        if isinstance(value, dict):
            return {repr(key): with_text_keys(child) for key, child in value.items()}
        return [with_text_keys(child) for child in value] if isinstance(value, list) else value

    return json.dumps(with_text_keys(config), sort_keys=True)
