# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as the Collector reads it, with places; and the one writer of YAML. Controller only. Private."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from ..module_utils._core.errors import Problem
from ..module_utils._core.paths import Path, Position

try:
    from yaml import CSafeDumper as _Dumper
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # libyaml is not everywhere; the pure parser reads the same language, slower
    from yaml import SafeDumper as _Dumper  # type: ignore[assignment]
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

_TAG = "tag:yaml.org,2002:"

# The scalars of YAML 1.2's core schema, as go-yaml resolves them; `yes`, `on` and `1:30` are text there.
_SCALARS = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9][0-9_]*|0o[0-7]+|0x[0-9a-fA-F]+|0b[01]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
)
_MERGE_KEY = "<<"


class _Loader(_SafeLoader):
    """A parser that resolves the core schema's scalars; its nodes are turned into data here."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for _name, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), list(_first))
_Loader.add_implicit_resolver(_TAG + "null", re.compile(r"\Z"), [""])


@dataclass(frozen=True)
class Document:
    """One YAML document: its data, where each path stands, and the keys that are written twice."""

    data: Any
    positions: dict[Path, Position] = field(default_factory=dict)
    duplicates: tuple[tuple[Path, Position], ...] = ()


def load(text: str, file: str) -> Document:
    """Return the one document in this text. Raises Problem with file, line and column when it is no YAML."""
    reader = _Reader(file)
    try:
        node = _Loader(text).get_single_node()
        data = reader.read(node, ()) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = str(Position(file, mark.line + 1, mark.column + 1)) if mark else file
        raise Problem(
            f"this is no valid YAML: {error.problem}", where=where, fix="Correct it there, or just before."
        ) from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise Problem(f"this is no valid YAML: {error}", where=file, fix="Save it as UTF-8 text.") from error
    except RecursionError as error:
        raise Problem("this is no valid YAML: a part of it contains itself, or has no end", where=file) from error
    return Document(data, reader.positions, tuple(reader.duplicates))


class _Reader:
    """Turns nodes into data and keeps the place of every path."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.positions: dict[Path, Position] = {}
        self.duplicates: list[tuple[Path, Position]] = []

    def read(self, node: yaml.Node, path: Path) -> Any:
        self.positions.setdefault(path, self._place(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else str(key_node.value)
            here = (*path, key)
            if key == _MERGE_KEY and not key_node.style:
                merged |= self._merged(value_node, path)
                continue
            if key in result:
                self.duplicates.append((here, self._place(key_node)))
            self.positions[here] = self._place(key_node)
            result[key] = self.read(value_node, here)
        return {**merged, **result}

    def _merged(self, node: yaml.Node, path: Path) -> dict[Any, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[Any, Any] = {}
        for part in reversed(parts):
            value = self.read(part, path)
            result |= value if isinstance(value, dict) else {}
        return result

    def _place(self, node: yaml.Node) -> Position:
        return Position(self.file, node.start_mark.line + 1, node.start_mark.column + 1)


def _scalar(node: yaml.ScalarNode) -> Any:
    convert = _CONVERT.get(node.tag.removeprefix(_TAG))
    return convert(node.value) if convert else node.value


def _integer(text: str) -> int | str:
    """Decimal, 0x, 0o and 0b; a leading zero is YAML 1.1's octal for go-yaml too."""
    digits = text.replace("_", "")
    if re.fullmatch(r"[-+]?0[0-7]+", digits):
        return int(digits, 8)
    return int(digits, 0) if not re.fullmatch(r"[-+]?0\d+", digits) else digits


_CONVERT = {
    "null": lambda _text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
}


class _Writer(_Dumper):  # type: ignore[misc, valid-type]
    """A writer that quotes every text which some reader would take for something else, and shares nothing."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


_AMBIGUOUS = re.compile("|".join(f"(?:{pattern})" for _name, pattern, _first in _SCALARS if pattern))


def _text(writer: Any, value: str) -> yaml.Node:
    style = (
        "|" if "\n" in value and not re.search(r"[ \t]\n|\A\s", value) else "'" if _AMBIGUOUS.fullmatch(value) else None
    )
    return writer.represent_scalar(_TAG + "str", str(value), style=style)


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
