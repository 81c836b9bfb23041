# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as the Collector reads it, with positions, and the one writer of YAML. Controller only. Private."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import yaml

from ...module_utils._otelcol.bounded.live.bounded_reads import file_text
from ...module_utils._otelcol.config.documents import Found
from ...module_utils._otelcol.config.paths import Path, Position, at
from ...module_utils._otelcol.config.source_nodes import (
    LITERAL,
    MAPPING,
    SCALAR,
    SEQUENCE,
    Mark,
    Node,
    find_node,
    lines_of,
    resolve_alias,
)
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.yaml import yaml_documents
from ...module_utils._otelcol.yaml.go_scalars import SCALAR_FORMS, short_number
from ...module_utils._otelcol.yaml.mapping_keys import key_of
from ...module_utils._otelcol.yaml.yaml_documents import Document
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from ...module_utils._otelcol.yaml.yaml_nodes import document_roots

try:
    from yaml import CSafeDumper as _Dumper
except ImportError:  # libyaml is not everywhere
    from yaml import SafeDumper as _Dumper  # type: ignore[assignment]

_TAG = "tag:yaml.org,2002:"


def load(text: str, file: str) -> Document:
    """Return the one document in this text. Raises Problem with file, line and column for what cannot be read."""
    return yaml_documents.load(yaml, text, file, strict=True)


def parsed(text: str) -> Any:
    """Return the data of a text; None if it is not one document of YAML."""
    return yaml_documents.data_of(yaml, text)


def load_all(text: str, file: str) -> Iterator[Document]:
    """Yield every document in this text. Raises Problem with file, line and column when it is no YAML."""
    return yaml_documents.load_all(yaml, text, file, strict=True)


def load_lenient(text: str, file: str) -> Iterator[Document]:
    """Yield every document in a text of Ansible, whose tags are left out. Raises Problem when it is no YAML."""
    return yaml_documents.load_all(yaml, text, file)


class _Writer(_Dumper):
    """A writer that quotes every text that a reader could take for another type, and emits no aliases."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


_AMBIGUOUS = re.compile("|".join(f"(?:{form.pattern})" for form in SCALAR_FORMS))


def _text(writer: Any, value: str) -> yaml.Node:
    style = (
        "|" if "\n" in value and not re.search(r"[ \t]\n|\A\s", value) else "'" if _AMBIGUOUS.fullmatch(value) else None
    )
    node: yaml.Node = writer.represent_scalar(_TAG + "str", str.__str__(value), style=style)
    return node


_Writer.add_representer(str, _text)
_Writer.add_multi_representer(str, _text)
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


IN_RESOURCE: Path = ("spec", "config")


def plain(value: Any) -> Any:
    """Return the value as mappings, lists and scalars without any of Ansible's types around them."""
    if isinstance(value, str):  # most values are texts
        return str.__str__(value)  # ansible-core 2.18 has a text whose own __str__ returns that same type
    if isinstance(value, (dict, Mapping)):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return short_number(int(value), hex(value))
    return float(value) if isinstance(value, float) else str(value)


def as_written(file: str, line: int, column: int, value: Any) -> str:
    """Return a value without quotes as it stands at a place of a file, which may be that of its key.

    Empty for all else: other values, templates, and files that are encrypted or are not YAML.
    """
    nodes = _scalars(file).get((line - 1, column - 1), ())
    return next((node.value for node in nodes if not node.style and not node.tag and _means(node.value, value)), "")


def _means(text: str, value: Any) -> bool:
    try:
        return bool(yaml.safe_load(text) == value)
    except (yaml.YAMLError, ValueError, TypeError):
        return False


@lru_cache(maxsize=64)
def _scalars(file: str) -> dict[Mark, list[Node]]:
    """Return the scalars of a file by where they start, and values by where their keys start."""
    found: dict[Mark, list[Node]] = {}
    try:
        stack = [root for root in document_roots(yaml, file_text(file), file) if root]
    except (OSError, ValueError, Problem):
        return found
    while stack:
        node = stack.pop()
        if node.kind == SEQUENCE:
            stack += node.value
        elif node.kind == MAPPING:
            for key, value in node.value:
                found.setdefault(key.start, []).extend(one for one in (resolve_alias(value), key) if one.kind == SCALAR)
                stack.append(value)
        elif node.kind == SCALAR:
            found.setdefault(node.start, []).append(node)
    return found


class _Moved(Mapping[Path, Position]):
    """The positions of a text inside of a file. Each is computed on demand, since few are needed."""

    def __init__(self, positions: Mapping[Path, Position], moved: Callable[[Position], Position]) -> None:
        self._positions, self._moved = positions, moved

    def __getitem__(self, path: Path) -> Position:
        return self._moved(self._positions[path])

    def __contains__(self, path: object) -> bool:
        return path in self._positions

    def __iter__(self) -> Iterator[Path]:
        return iter(self._positions)

    def __len__(self) -> int:
        return len(self._positions)


def inner_document(found: Found, document: Document, lines: Sequence[str], file: str) -> Document:
    """Return the document in a scalar, with its places in the file around it."""
    moved = placement(found, document, lines)
    try:
        loaded = load(at(document.data, found.path), file)
    except InvalidYaml as invalid:
        why = invalid.wrong.partition(": ")[2]
        raise InvalidYaml(why, moved(invalid.position), invalid.fix) from invalid
    twice = tuple((path, moved(position)) for path, position in loaded.duplicates)
    return replace(loaded, positions=_Moved(loaded.positions, moved), duplicates=twice)


def locate_around(
    inside: Callable[[Path], Position], document: Document, config: Path, file: str
) -> Callable[[Path], Position]:
    """Return the locator of a custom resource: `inside` locates paths of its config, the document all others."""
    resource = config[: -len(IN_RESOURCE)]

    def locate(path: Path) -> Position:
        if path[:1] != IN_RESOURCE[:1] and (*resource, *path) not in document.positions:
            return inside(path)
        here = (*resource, *path)
        while here not in document.positions and len(here) > len(resource):
            here = here[:-1]
        return document.positions.get(here) or Position(file)

    return locate


def placement(found: Found, document: Document, lines: Sequence[str]) -> Callable[[Position], Position]:
    """Return the map from positions in a scalar to the file: by line in a literal block, else the scalar's start."""
    pair = find_node(document.root, found.path, key_of) if document.root else None
    if pair is None:
        start = document.positions.get(found.path, Position())
        return lambda position: replace(position, line=start.line, column=start.column, inside=None)
    node = resolve_alias(pair[1])
    line, column = node.start
    if node.style != LITERAL:
        return lambda position: replace(position, line=line + 1, column=column + 1, inside=None)
    margin = indentation(node, lines)
    return lambda position: replace(position, line=position.line + line + 1, column=position.column + margin)


def indentation(node: Node, lines: Sequence[str]) -> int:
    """Return how far a literal block is indented in its file."""
    for offset, text in enumerate(lines_of(node.value), node.start[0] + 1):
        if text.strip() and offset < len(lines):
            return _margin(lines[offset]) - _margin(text)
    return 0


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def canonical(config: Any) -> str:
    """Return the same text for configs that mean the same: the order of keys means nothing, their types do."""

    def by_text(value: Any) -> Any:
        if isinstance(value, dict):
            return {repr(key): by_text(item) for key, item in value.items()}
        return [by_text(item) for item in value] if isinstance(value, list) else value

    return json.dumps(by_text(config), sort_keys=True)
