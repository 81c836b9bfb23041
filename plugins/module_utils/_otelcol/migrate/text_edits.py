# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of a config's text: each touches its own few characters, so that comments, order and layout stay.

The result is read again and compared with the intended data. If they differ, the text stays as it is. Private.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..config.paths import ALIAS, LINE_END, LITERAL, MAPPING, SCALAR, SEQUENCE, Mark, Node, Path, find_node
from .data_edits import Add, Drop, Edit, Put, RenameKey, Replace, Substitute, Wrap

_PLAIN = re.compile(r"[A-Za-z_][\w/.-]*\Z")
_COMMA = re.compile(r"\s*,\s*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_FLOW = "flow"


class Untouchable(Exception):  # noqa: N818 - says what the text is, not what went wrong
    """This text cannot be edited in place."""


@dataclass(frozen=True)
class Cut:
    """Replace the characters from `start` to `end` by a text."""

    start: int
    end: int
    text: str


class TextEditor:
    """Edits one text. `read` gives the data of a key node, `dump` YAML text in block style."""

    def __init__(self, text: str, root: Node, read: Callable[[Node], Any], dump: Callable[[Any], str]) -> None:
        self.text = text
        self.root = root
        self.read = read
        self.dump = dump
        self.seen: dict[int, dict[Any, tuple[Node, Node]]] = {}
        self.starts = [0, *(match.end() for match in LINE_END.finditer(text))]
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def apply(self, edits: Iterable[Edit], base: Path = ()) -> str:
        """Return the text after edits of what stands at `base`. Raises Untouchable where that cannot be done."""
        cuts = sorted((cut for edit in edits for cut in self._cuts(edit, base)), key=lambda cut: (cut.start, cut.end))
        if any(before.end > after.start for before, after in pairwise(cuts)):
            raise Untouchable("two changes meet in one place")
        parts, end = [], 0
        for cut in cuts:
            parts += [self.text[end : cut.start], cut.text]
            end = cut.end
        return "".join([*parts, self.text[end:]])

    def _cuts(self, edit: Edit, base: Path) -> list[Cut]:
        path = (*base, *edit.path)
        handler: Callable[[TextEditor, Any, Path], list[Cut]] = _HANDLERS[type(edit)]
        return handler(self, edit, path)

    def _rename(self, edit: RenameKey, path: Path) -> list[Cut]:
        key, _value = self._find(path)
        return [self._scalar(key, edit.key)]

    def _put(self, edit: Put, path: Path) -> list[Cut]:
        value = self._find(path)[1]
        return [self._scalar(value, edit.value)]

    def _substitute(self, edit: Substitute, path: Path) -> list[Cut]:
        node = self._find(path)[1]
        start, end = self._span(node)
        if not node.style and self._in_flow(path):  # braces would end the mapping around it
            return [Cut(start, end, json.dumps(edit.pattern.sub(edit.by, node.value), ensure_ascii=False))]
        return [Cut(start, end, edit.pattern.sub(edit.by, self.text[start:end]))]

    def _in_flow(self, path: Path) -> bool:
        return any(self._find_any(path[:size])[1].style == _FLOW for size in range(len(path)))

    def _replace(self, edit: Replace, path: Path) -> list[Cut]:
        if not edit.entries:
            return self._remove(path)
        key, value = self._find(path)
        parent = self._find(path[:-1])[1] if path[:-1] else self.root
        start, end = self._offset(key.start), self._end(key, value)
        if parent.style == _FLOW:
            return [Cut(start, end, self._flow(dict(edit.entries))[1:-1])]
        return [Cut(start, end, self._block(dict(edit.entries), key.start[1]))]

    def _add(self, edit: Add, path: Path) -> list[Cut]:
        entry = {edit.path[-1]: edit.value}
        key, parent = self._find(path[:-1]) if path[:-1] else (None, self.root)
        if parent.kind == MAPPING and parent.value:
            last_key, last_value = parent.value[-1]
            end = self._end(last_key, last_value)
            if parent.style == _FLOW:
                return [Cut(end, end, ", " + self._flow(entry)[1:-1])]
            end = self._line_end(end)
            margin = parent.value[0][0].start[1]
            return [Cut(end, end, self.newline + " " * margin + self._block(entry, margin))]
        if key is None or parent.kind == SEQUENCE:
            raise Untouchable("there is no mapping to add to")
        return [self._first(key, parent, entry)]

    def _first(self, key: Node, value: Node, entry: dict[Any, Any]) -> Cut:
        """Give a mapping that is empty its first entry."""
        end = self._end(key, value)
        if value.style == _FLOW:
            return Cut(self._offset(value.start), end, self._flow(entry))
        margin = key.start[1] + 2
        start = self._offset(value.start) if value.value else end
        return Cut(start, end, self.newline + " " * margin + self._block(entry, margin))

    def _wrap(self, _edit: Wrap, path: Path) -> list[Cut]:
        node = self._find(path)[1]
        start, end = self._span(node)
        if node.style == _FLOW:
            return [Cut(start, start, "["), Cut(end, end, "]")]
        first, last = node.start[0], self._line(end)
        cuts = [Cut(start, start, "- ")]
        for line in range(first + 1, last + 1):
            here = self.starts[line]
            if self.text[here:].lstrip(" ")[:1] not in ("\n", "\r", ""):
                cuts.append(Cut(here, here, "  "))
        return cuts

    def _drop(self, _edit: Drop, path: Path) -> list[Cut]:
        return self._remove(path)

    def _remove(self, path: Path) -> list[Cut]:
        key, value = self._find_any(path)
        parent = self._find_any(path[:-1])[1] if path[:-1] else self.root
        start = self._offset((key or value).start)
        end = self._end(key, value) if key else self._span(value)[1]
        if parent.style == _FLOW:
            return [self._remove_flow(start, end)]
        line = self.starts[self._line(start)]
        before = self.text[line:start]
        if before.strip() not in ("", "-" if key is None else ""):
            raise Untouchable("it shares its line with something else")
        return [Cut(line, self._next_line(end), "")]

    def _remove_flow(self, start: int, end: int) -> Cut:
        after = _COMMA.match(self.text, end)
        if after:
            return Cut(start, after.end(), "")
        before = self.text[:start].rstrip()
        return Cut(len(before[:-1].rstrip()) if before.endswith(",") else start, end, "")

    def _find(self, path: Path) -> tuple[Any, Node]:
        key, value = self._find_any(path)
        if value.kind == ALIAS or (key is not None and key.kind != SCALAR):
            raise Untouchable("it is an alias of something else")
        return key, value

    def _find_any(self, path: Path) -> tuple[Node | None, Node]:
        found = find_node(self.root, path, self.read, self.seen)
        if found is None:
            raise Untouchable("it comes from an alias or a merged key")
        return found

    def _scalar(self, node: Node, value: str) -> Cut:
        start, end = self._span(node)
        if node.kind != SCALAR or node.style in (LITERAL, ">"):
            raise Untouchable("it is not plain text")
        if node.style == "'":
            return Cut(start, end, "'" + value.replace("'", "''") + "'")
        plain = self.dump({"": value}).partition(": ")[2].rstrip("\n")
        quoted = node.style or "\n" in plain or set(plain) & set(",[]{}")
        return Cut(start, end, json.dumps(value, ensure_ascii=False) if quoted else plain)

    def _span(self, node: Node) -> tuple[int, int]:
        """Return where a node begins, and where the last of it that is no space ends."""
        start = self._offset(node.start)
        return start, start + len(self.text[start : self._offset(node.last())].rstrip())

    def _end(self, key: Node, value: Node) -> int:
        """Return where an entry ends: after its value, or after its colon without a value."""
        colon = self.text.find(":", self._offset(key.end)) + 1
        return max(colon, self._span(value)[1])

    def _offset(self, mark: Mark) -> int:
        return self.starts[mark[0]] + mark[1] if mark[0] < len(self.starts) else len(self.text)

    def _line(self, offset: int) -> int:
        return bisect_right(self.starts, offset) - 1

    def _line_end(self, offset: int) -> int:
        match = LINE_END.search(self.text, offset)
        return match.start() if match else len(self.text)

    def _next_line(self, offset: int) -> int:
        match = LINE_END.search(self.text, offset)
        return match.end() if match else len(self.text)

    def _block(self, entries: dict[Any, Any], margin: int) -> str:
        return (self.newline + " " * margin).join(self._lines(entries))

    def _lines(self, value: Any) -> list[str]:
        """Return the lines of a mapping or a list in block style, lists indented below their keys."""
        if isinstance(value, dict):
            return self._lines_of_mapping(value)
        return self._lines_of_list(value) if isinstance(value, list) else []

    def _lines_of_mapping(self, mapping: dict[Any, Any]) -> list[str]:
        lines = []
        for key, value in mapping.items():
            if _is_block(value):
                lines.append(f"{key}:")
                lines += _indented(self._lines(value))
            else:
                lines += self.dump({key: value}).rstrip("\n").split("\n")
        return lines

    def _lines_of_list(self, values: list[Any]) -> list[str]:
        lines = []
        for value in values:
            first, *others = self._lines(value) if _is_block(value) else [self._flow(value)]
            lines.append(f"- {first}")
            lines += _indented(others)
        return lines

    def _flow(self, value: Any) -> str:
        """Return a value in flow style."""
        if isinstance(value, dict):
            entries = [f"{self._flow(key)}: {self._flow(inner)}" for key, inner in value.items()]
            return f"{{{', '.join(entries)}}}"
        if isinstance(value, list):
            return f"[{', '.join(self._flow(inner) for inner in value)}]"
        return _simple(value) if isinstance(value, str) else json.dumps(value)


def _is_block(value: Any) -> bool:
    """Whether a value is written below its key: a mapping or a list that is not empty."""
    return isinstance(value, (dict, list)) and bool(value)


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _simple(text: str) -> str:
    """Return text as YAML, without quotes where every reader takes it for text."""
    is_plain = _PLAIN.match(text) and text.lower() not in _WORDS
    return text if is_plain else json.dumps(text, ensure_ascii=False)


_HANDLERS: dict[type, Any] = {
    RenameKey: TextEditor._rename,
    Replace: TextEditor._replace,
    Drop: TextEditor._drop,
    Put: TextEditor._put,
    Substitute: TextEditor._substitute,
    Add: TextEditor._add,
    Wrap: TextEditor._wrap,
}
