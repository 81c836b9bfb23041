# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of a config's text: each touches its own few characters, so that comments, order and layout stay.

The result is read again and compared with the intended data (`_rewrite.py`). If they differ, the text stays as it is.
Each edit of data_edits.py becomes cuts: a cut replaces some characters of the text. Nodes are those of source_nodes.py.
Flow style is with braces and brackets, as in JSON; block style is with lines and indentation. Private.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from ..config.paths import Path
from ..config.source_nodes import (
    ALIAS,
    FLOW,
    FOLDED,
    LINE_END,
    LITERAL,
    MAPPING,
    SCALAR,
    SEQUENCE,
    Mark,
    Node,
    find_node,
)
from .data_edits import Add, Drop, Edit, Put, RenameKey, Replace, Substitute, Wrap

# Text that every reader of YAML takes for text without quotes, and words that some take for something else.
_PLAIN_TEXT = re.compile(r"[A-Za-z_][\w/.-]*\Z")
_WORDS_WITH_MEANING = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_COMMA = re.compile(r"\s*,\s*")
_BLANK_LINE = re.compile(r" *(?:[\n\r]|\Z)")
_FLOW_SIGNS = frozenset(",[]{}")


class Untouchable(Exception):  # noqa: N818 - says what the text is, not what went wrong
    """This text cannot be edited in place."""


@dataclass(frozen=True)
class Cut:
    """Replace the characters from `start` to `end` by a text."""

    start: int
    end: int
    text: str


class _EntryNodes(NamedTuple):
    """What is at a path: the node of its key and that of its value.

    The key is None for an item of a list, and for the whole document.
    """

    key: Node | None
    value: Node


class TextEditor:
    """Edits one text, whose nodes are below `root`. `read` returns the data of a key node, `dump` YAML in block style.

    `_cut_for_…` methods return the cuts of one kind of edit, see `_CUT_FINDERS`. They raise Untouchable.
    """

    def __init__(self, text: str, root: Node, read: Callable[[Node], Any], dump: Callable[[Any], str]) -> None:
        self.text = text
        self.root = root
        self.read_key = read
        self.places = _TextPlaces(text)
        self.writer = _YamlWriter(dump, "\r\n" if "\r\n" in text else "\n")
        self.entries_by_node: dict[int, dict[Any, tuple[Node, Node]]] = {}

    def apply_edits(self, edits: Iterable[Edit], base_path: Path = ()) -> str:
        """Return the text after edits of what stands at `base_path`. Raises Untouchable where that cannot be done."""
        cuts: list[Cut] = []
        for edit in edits:
            find_cuts: Callable[[TextEditor, Any, Path], list[Cut]] = _CUT_FINDERS[type(edit)]
            cuts += find_cuts(self, edit, (*base_path, *edit.path))
        cuts.sort(key=lambda cut: (cut.start, cut.end))
        if any(cut.end > next_cut.start for cut, next_cut in pairwise(cuts)):
            raise Untouchable("two changes meet in one place")
        parts, end_before = [], 0
        for cut in cuts:
            parts += [self.text[end_before : cut.start], cut.text]
            end_before = cut.end
        return "".join([*parts, self.text[end_before:]])

    def _cut_for_rename(self, edit: RenameKey, path: Path) -> list[Cut]:
        key, _value = self._find_entry_with_key(path)
        return [self._cut_for_scalar(key, edit.key)]

    def _cut_for_put(self, edit: Put, path: Path) -> list[Cut]:
        return [self._cut_for_scalar(self._find(path).value, edit.value)]

    def _cut_for_scalar(self, node: Node, text: str) -> Cut:
        """Give a scalar another text in the same quotes."""
        if node.kind != SCALAR or node.style in (LITERAL, FOLDED):
            raise Untouchable("it is not plain text")
        start, end = self.places.find_span(node)
        return Cut(start, end, self.writer.write_scalar(text, node.style))

    def _cut_for_substitute(self, edit: Substitute, path: Path) -> list[Cut]:
        node = self._find(path).value
        start, end = self.places.find_span(node)
        if node.style or not self._is_in_flow(path):
            return [Cut(start, end, edit.pattern.sub(edit.replacement, self.text[start:end]))]
        # Without quotes, braces would end the mapping around it.
        return [Cut(start, end, _quote_text(edit.pattern.sub(edit.replacement, node.value)))]

    def _is_in_flow(self, path: Path) -> bool:
        """Whether a mapping or list around what is at a path has braces or brackets."""
        return any(self._find_entry_or_alias(path[:size]).value.style == FLOW for size in range(len(path)))

    def _cut_for_replace(self, edit: Replace, path: Path) -> list[Cut]:
        if not edit.entries:
            return self._cut_for_removal(path)
        key, value = self._find_entry_with_key(path)
        mapping = self._find(path[:-1]).value
        start, end = self.places.find_offset(key.start), self.places.find_entry_end(key, value)
        if mapping.style == FLOW:
            return [Cut(start, end, self.writer.write_flow_entries(dict(edit.entries)))]
        return [Cut(start, end, self.writer.write_block(dict(edit.entries), _start_column(key)))]

    def _cut_for_add(self, edit: Add, path: Path) -> list[Cut]:
        key, mapping = self._find(path[:-1])
        entry = {edit.path[-1]: edit.value}
        if mapping.kind == MAPPING and mapping.value:
            return [self._cut_for_next_entry(mapping, entry)]
        if key is None or mapping.kind == SEQUENCE:
            raise Untouchable("there is no mapping to add to")
        return [self._cut_for_first_entry(key, mapping, entry)]

    def _cut_for_next_entry(self, mapping: Node, entry: dict[Any, Any]) -> Cut:
        """Give a mapping one more entry behind its last one."""
        first_key, _first_value = mapping.value[0]
        end = self.places.find_entry_end(*mapping.value[-1])
        if mapping.style == FLOW:
            return Cut(end, end, f", {self.writer.write_flow_entries(entry)}")
        end_of_line = self.places.find_line_end(end)
        return Cut(end_of_line, end_of_line, self.writer.write_block_on_new_line(entry, _start_column(first_key)))

    def _cut_for_first_entry(self, key: Node, value: Node, entry: dict[Any, Any]) -> Cut:
        """Give a mapping that is empty, or nothing behind its key, its first entry."""
        end = self.places.find_entry_end(key, value)
        if value.style == FLOW:
            return Cut(self.places.find_offset(value.start), end, self.writer.write_flow(entry))
        start = self.places.find_offset(value.start) if value.value else end
        return Cut(start, end, self.writer.write_block_on_new_line(entry, _start_column(key) + 2))

    def _cut_for_wrap(self, _edit: Wrap, path: Path) -> list[Cut]:
        node = self._find(path).value
        start, end = self.places.find_span(node)
        if node.style == FLOW:
            return [Cut(start, start, "["), Cut(end, end, "]")]
        first_line, _column_of_start = node.start
        cuts = [Cut(start, start, "- ")]
        for line in range(first_line + 1, self.places.find_line_number(end) + 1):
            line_start = self.places.line_starts[line]
            if not self.places.is_blank(line_start):
                cuts.append(Cut(line_start, line_start, "  "))
        return cuts

    def _cut_for_drop(self, _edit: Drop, path: Path) -> list[Cut]:
        return self._cut_for_removal(path)

    def _cut_for_removal(self, path: Path) -> list[Cut]:
        """Remove an entry of a mapping or an item of a list, with its line in block style."""
        key, value = self._find_entry_or_alias(path)
        container = self._find_entry_or_alias(path[:-1]).value
        if key is None:
            start, end = self.places.find_span(value)
        else:
            start, end = self.places.find_offset(key.start), self.places.find_entry_end(key, value)
        if container.style == FLOW:
            return [self._cut_for_removal_in_flow(start, end)]
        line_start = self.places.line_starts[self.places.find_line_number(start)]
        text_before = self.text[line_start:start].strip()
        is_dash = key is None and text_before == "-"
        if text_before and not is_dash:
            raise Untouchable("it shares its line with something else")
        return [Cut(line_start, self.places.find_next_line_start(end), "")]

    def _cut_for_removal_in_flow(self, start: int, end: int) -> Cut:
        """Remove an entry or item with the comma behind it, or with the one before it if it is the last."""
        comma_behind = _COMMA.match(self.text, end)
        if comma_behind:
            return Cut(start, comma_behind.end(), "")
        text_before = self.text[:start].rstrip()
        if text_before.endswith(","):
            start = len(text_before[:-1].rstrip())
        return Cut(start, end, "")

    def _find_entry_with_key(self, path: Path) -> tuple[Node, Node]:
        """Return the key and the value at a path into a mapping. Raises Untouchable as `_find` does."""
        key, value = self._find(path)
        if key is None:
            raise Untouchable("it has no key")
        return key, value

    def _find(self, path: Path) -> _EntryNodes:
        """Return what is at a path. Raises Untouchable for an alias, and for a key that is no scalar."""
        entry = self._find_entry_or_alias(path)
        is_odd_key = entry.key is not None and entry.key.kind != SCALAR
        if is_odd_key or entry.value.kind == ALIAS:
            raise Untouchable("it is an alias of something else")
        return entry

    def _find_entry_or_alias(self, path: Path) -> _EntryNodes:
        """Return what is at a path, an alias too. Raises Untouchable if this text does not have it there."""
        pair = find_node(self.root, path, self.read_key, self.entries_by_node)
        if pair is None:
            raise Untouchable("it comes from an alias or a merged key")
        return _EntryNodes(*pair)


def _start_column(node: Node) -> int:
    """Return the column in which a node starts, from 0."""
    _line, column = node.start
    return column


class _TextPlaces:
    """Where nodes and lines of a text begin and end: offsets into it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.line_starts = [0, *(match.end() for match in LINE_END.finditer(text))]

    def find_offset(self, mark: Mark) -> int:
        """Return the offset of a line and column; a mark behind the last line is the end."""
        line, column = mark
        return self.line_starts[line] + column if line < len(self.line_starts) else len(self.text)

    def find_span(self, node: Node) -> tuple[int, int]:
        """Return where a node begins and ends, without blanks at its end."""
        start = self.find_offset(node.start)
        text = self.text[start : self.find_offset(node.find_last_end())].rstrip()
        return start, start + len(text)

    def find_entry_end(self, key: Node, value: Node) -> int:
        """Return where an entry ends: after its value, or after its colon without a value."""
        behind_colon = self.text.find(":", self.find_offset(key.end)) + 1
        _start, end = self.find_span(value)
        return max(behind_colon, end)

    def find_line_number(self, offset: int) -> int:
        """Return the number of the line of an offset, from 0."""
        return bisect_right(self.line_starts, offset) - 1

    def find_line_end(self, offset: int) -> int:
        """Return where the line of an offset ends."""
        match = LINE_END.search(self.text, offset)
        return match.start() if match else len(self.text)

    def find_next_line_start(self, offset: int) -> int:
        """Return where the line behind that of an offset begins."""
        match = LINE_END.search(self.text, offset)
        return match.end() if match else len(self.text)

    def is_blank(self, line_start: int) -> bool:
        """Whether the line that begins at an offset has only spaces."""
        return bool(_BLANK_LINE.match(self.text, line_start))


class _YamlWriter:
    """Writes data as YAML. `dump_block` gives text in block style."""

    def __init__(self, dump: Callable[[Any], str], newline: str) -> None:
        self.dump_block = dump
        self.newline = newline

    def write_scalar(self, text: str, quote: str) -> str:
        """Return a text in the quotes of the scalar that it replaces.

        If that has none, the text has quotes only where it could be read as something else without them.
        """
        if quote == "'":
            doubled = text.replace("'", "''")
            return f"'{doubled}'"
        unquoted = self.dump_block({"": text}).partition(": ")[2].rstrip("\n")
        needs_quotes = quote or "\n" in unquoted or _FLOW_SIGNS.intersection(unquoted)
        return _quote_text(text) if needs_quotes else unquoted

    def write_block_on_new_line(self, entries: dict[Any, Any], margin: int) -> str:
        """Return entries in block style, with the line end and the margin before them."""
        return f"{self.newline}{' ' * margin}{self.write_block(entries, margin)}"

    def write_block(self, entries: dict[Any, Any], margin: int) -> str:
        """Return entries in block style, the first of them without the margin of the others."""
        return f"{self.newline}{' ' * margin}".join(self._write_lines(entries))

    def _write_lines(self, value: Any) -> list[str]:
        """Return the lines of a mapping or a list in block style, lists indented below their keys."""
        if isinstance(value, dict):
            return self._write_mapping_lines(value)
        if isinstance(value, list):
            return self._write_list_lines(value)
        return []

    def _write_mapping_lines(self, mapping: dict[Any, Any]) -> list[str]:
        lines = []
        for key, value in mapping.items():
            if _is_written_as_block(value):
                lines.append(f"{key}:")
                lines += _indent_lines(self._write_lines(value))
            else:
                lines += self.dump_block({key: value}).rstrip("\n").split("\n")
        return lines

    def _write_list_lines(self, values: list[Any]) -> list[str]:
        lines = []
        for value in values:
            first_line, *other_lines = (
                self._write_lines(value) if _is_written_as_block(value) else [self.write_flow(value)]
            )
            lines.append(f"- {first_line}")
            lines += _indent_lines(other_lines)
        return lines

    def write_flow(self, value: Any) -> str:
        """Return a value in flow style."""
        if isinstance(value, dict):
            return f"{{{self.write_flow_entries(value)}}}"
        if isinstance(value, list):
            items = [self.write_flow(inner) for inner in value]
            return f"[{', '.join(items)}]"
        return _quote_if_needed(value) if isinstance(value, str) else json.dumps(value)

    def write_flow_entries(self, mapping: dict[Any, Any]) -> str:
        """Return the entries of a mapping in flow style, without braces."""
        entries = [f"{self.write_flow(key)}: {self.write_flow(value)}" for key, value in mapping.items()]
        return ", ".join(entries)


def _is_written_as_block(value: Any) -> bool:
    """Whether a value is written below its key: a mapping or a list that is not empty."""
    return isinstance(value, (dict, list)) and bool(value)


def _indent_lines(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _quote_if_needed(text: str) -> str:
    """Return text as YAML, without quotes where every reader takes it for text."""
    is_plain = _PLAIN_TEXT.match(text) and text.lower() not in _WORDS_WITH_MEANING
    return text if is_plain else _quote_text(text)


def _quote_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


# How the cuts of each kind of edit are found, given the edit and its path in the whole text.
_CUT_FINDERS: dict[type, Any] = {
    RenameKey: TextEditor._cut_for_rename,
    Replace: TextEditor._cut_for_replace,
    Drop: TextEditor._cut_for_drop,
    Put: TextEditor._cut_for_put,
    Substitute: TextEditor._cut_for_substitute,
    Add: TextEditor._cut_for_add,
    Wrap: TextEditor._cut_for_wrap,
}
