# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of a config's text: each touches its own few characters, so that comments, order and layout stay. Private.

A migration edits the data of a config (data_edits.py) and its text. For the edit `RenameKey(("exporters", "otlphttp"),
"otlp_http")`, the text

    exporters:
      otlphttp:  # to the gateway
        endpoint: https://gateway

has one cut: the characters from 13 to 21 become `otlp_http`. A cut replaces some characters of the text.

`_rewrite.py` in plugin_utils makes a `TextEditor` for each document, reads the new text again, and compares it with the
intended data. If they differ, the text stays as it is.

Nodes are those of source_nodes.py. Flow style is with braces and brackets, as in JSON; block style is with lines and
indentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..config.paths import Path
from ..config.source_nodes import (
    ALIAS,
    FLOW,
    FOLDED,
    LITERAL,
    MAPPING,
    SCALAR,
    SEQUENCE,
    FoundNode,
    Node,
    NodeFinder,
)
from .data_edits import Add, Drop, Edit, Put, RenameKey, Replace, Substitute, Wrap
from .text_places import TextPlaces
from .yaml_writer import YamlWriter, quote_text

# What separates two entries or items in flow style.
_COMMA = re.compile(r"\s*,\s*")


class Untouchable(Exception):  # noqa: N818 - says what the text is, not what went wrong
    """This text cannot be edited in place. The message says why, such as `it is an alias of something else`."""


@dataclass(frozen=True)
class Cut:
    """Replace the characters from `start` to before `end` by a text. If both are equal, the text is added there."""

    start: int
    end: int
    text: str


class TextEditor:
    """Edits one text, whose nodes are below `root`. `read` returns the data of a key node, `dump` YAML in block style.

    Nodes have lines and columns. Cuts have offsets, which count characters from the start of the text. `places`
    converts the former to the latter. Methods `_list_cuts_of_…` return all cuts of one kind of edit at a path in the
    whole text, and methods `_cut_…` return one cut. They raise Untouchable if the text cannot be edited there.
    """

    def __init__(self, text: str, root: Node, read: Callable[[Node], Any], dump: Callable[[Any], str]) -> None:
        self.text = text
        self.nodes = NodeFinder(root, read)
        self.places = TextPlaces(text)
        self.writer = YamlWriter(dump, "\r\n" if "\r\n" in text else "\n")

    def apply_edits(self, edits: Iterable[Edit], base_path: Path = ()) -> str:
        """Return the text after edits. Raises Untouchable if one of them cannot be done.

        The paths of the edits begin at `base_path`, which is where the config stands in the text: at
        `("spec", "config")` in a custom resource.
        """
        cuts: list[Cut] = []
        for edit in edits:
            cuts += self._list_cuts(edit, (*base_path, *edit.path))
        cuts.sort(key=lambda cut: (cut.start, cut.end))
        if any(cut.end > next_cut.start for cut, next_cut in pairwise(cuts)):
            raise Untouchable("two changes meet in one place")
        parts, end_before = [], 0
        for cut in cuts:
            parts += [self.text[end_before : cut.start], cut.text]
            end_before = cut.end
        return "".join([*parts, self.text[end_before:]])

    def _list_cuts(self, edit: Edit, path: Path) -> list[Cut]:
        """Return the cuts of an edit, whose path in the whole text is `path`."""
        match edit:
            case RenameKey():
                cuts = self._list_cuts_of_rename(edit, path)
            case Put():
                cuts = self._list_cuts_of_put(edit, path)
            case Substitute():
                cuts = self._list_cuts_of_substitute(edit, path)
            case Replace():
                cuts = self._list_cuts_of_replace(edit, path)
            case Add():
                cuts = self._list_cuts_of_add(edit, path)
            case Wrap():
                cuts = self._list_cuts_of_wrap(path)
            case Drop():
                cuts = self._list_cuts_of_removal(path)
            case _:
                raise TypeError(f"{type(edit).__name__} is no kind of edit")
        return cuts

    # ── Other scalars ──

    def _list_cuts_of_rename(self, edit: RenameKey, path: Path) -> list[Cut]:
        """`otlphttp: {}` becomes `otlp_http: {}`."""
        key, _value = self._find_entry_with_key(path)
        return [self._cut_scalar(key, edit.key)]

    def _list_cuts_of_put(self, edit: Put, path: Path) -> list[Cut]:
        """`exporters: [otlphttp]` becomes `exporters: [otlp_http]`."""
        return [self._cut_scalar(self._find(path).value_node, edit.value)]

    def _cut_scalar(self, node: Node, text: str) -> Cut:
        """Give a scalar another text in the same quotes."""
        if node.kind != SCALAR or node.style in (LITERAL, FOLDED):
            raise Untouchable("it is not plain text")
        start, end = self.places.find_span(node)
        return Cut(start, end, self.writer.write_scalar(text, node.style))

    def _list_cuts_of_substitute(self, edit: Substitute, path: Path) -> list[Cut]:
        """`endpoint: $POD_IP:4317` becomes `endpoint: ${env:POD_IP}:4317`, in quotes where braces mean a mapping."""
        node = self._find(path).value_node
        start, end = self.places.find_span(node)
        if node.style or not self._is_in_flow(path):
            # The pattern runs on the text as it is written, so quotes, escapes and line breaks stay. If an escape hides
            # what the pattern looks for, the new data differs from the intended one, and the whole text stays.
            return [Cut(start, end, edit.pattern.sub(edit.replacement, self.text[start:end]))]
        # Without quotes, braces would end the mapping around it.
        return [Cut(start, end, quote_text(edit.pattern.sub(edit.replacement, node.value)))]

    def _is_in_flow(self, path: Path) -> bool:
        """Whether a mapping or list around what is at a path has braces or brackets."""
        return any(self._find_entry_or_alias(path[:size]).value_node.style == FLOW for size in range(len(path)))

    # ── More entries ──

    def _list_cuts_of_replace(self, edit: Replace, path: Path) -> list[Cut]:
        """`loglevel: debug` becomes `verbosity: detailed`; without new entries, it is removed."""
        if not edit.entries:
            return self._list_cuts_of_removal(path)
        key, value = self._find_entry_with_key(path)
        mapping = self._find(path[:-1]).value_node
        start, end = self.places.find_offset(key.start), self.places.find_entry_end(key, value)
        if mapping.style == FLOW:
            return [Cut(start, end, self.writer.write_flow_entries(dict(edit.entries)))]
        return [Cut(start, end, self.writer.write_block(dict(edit.entries), _start_column(key)))]

    def _list_cuts_of_add(self, edit: Add, path: Path) -> list[Cut]:
        """`otlp: {endpoint: a}` becomes `otlp: {endpoint: a, sending_queue: {}}`; in block style, in a line below."""
        key, mapping = self._find(path[:-1])
        entry = {edit.path[-1]: edit.value}
        if mapping.kind == MAPPING and mapping.value:
            return [self._cut_next_entry(mapping, entry)]
        if key is None or mapping.kind == SEQUENCE:
            raise Untouchable("there is no mapping to add to")
        return [self._cut_first_entry(key, mapping, entry)]

    def _cut_next_entry(self, mapping: Node, entry: dict[Any, Any]) -> Cut:
        """Give a mapping one more entry behind its last one."""
        first_key, _first_value = mapping.pairs[0]
        end = self.places.find_entry_end(*mapping.pairs[-1])
        if mapping.style == FLOW:
            return Cut(end, end, f", {self.writer.write_flow_entries(entry)}")
        end_of_line = self.places.find_line_end(end)
        return Cut(end_of_line, end_of_line, self.writer.write_block_on_new_line(entry, _start_column(first_key)))

    def _cut_first_entry(self, key: Node, value: Node, entry: dict[Any, Any]) -> Cut:
        """Give an empty mapping its first entry; nothing behind a key is one too.

        `otlp: {}` becomes `otlp: {endpoint: a}`. Of `otlp: null` the value goes, of `otlp:` there is none. Both get a
        line `endpoint: a` below.
        """
        end = self.places.find_entry_end(key, value)
        if value.style == FLOW:
            return Cut(self.places.find_offset(value.start), end, self.writer.write_flow(entry))
        start = self.places.find_offset(value.start) if value.value else end
        return Cut(start, end, self.writer.write_block_on_new_line(entry, _start_column(key) + 2))

    # ── An item of a list ──

    def _list_cuts_of_wrap(self, path: Path) -> list[Cut]:
        """`{key: a, action: b}` becomes `[{key: a, action: b}]`.

        In block style, a dash comes before its first line, and the others move to the right:

            key: a         - key: a
            action: b        action: b
        """
        node = self._find(path).value_node
        start, end = self.places.find_span(node)
        if node.style == FLOW:
            return [Cut(start, start, "["), Cut(end, end, "]")]
        first_line, _column_of_start = node.start
        cuts = [Cut(start, start, "- ")]
        for line in range(first_line + 1, self.places.find_line_number(end) + 1):
            line_start = self.places.line_starts[line]
            if not self.places.is_blank_line(line_start):
                cuts.append(Cut(line_start, line_start, "  "))
        return cuts

    # ── Removed entries and items ──

    def _list_cuts_of_removal(self, path: Path) -> list[Cut]:
        """Remove an entry of a mapping or an item of a list, with its line in block style."""
        key, value = self._find_entry_or_alias(path)
        container = self._find_entry_or_alias(path[:-1]).value_node
        if key is None:
            start, end = self.places.find_span(value)
        else:
            start, end = self.places.find_offset(key.start), self.places.find_entry_end(key, value)
        if container.style == FLOW:
            return [self._cut_removal_in_flow(start, end)]
        line_start = self.places.line_starts[self.places.find_line_number(start)]
        text_before = self.text[line_start:start].strip()
        is_dash = key is None and text_before == "-"
        if text_before and not is_dash:
            raise Untouchable("it shares its line with something else")
        return [Cut(line_start, self.places.find_next_line_start(end), "")]

    def _cut_removal_in_flow(self, start: int, end: int) -> Cut:
        """Remove an entry or item with the comma behind it, or with the one before it if it is the last."""
        comma_behind = _COMMA.match(self.text, end)
        if comma_behind:
            return Cut(start, comma_behind.end(), "")
        text_before = self.text[:start].rstrip()
        if text_before.endswith(","):
            start = len(text_before[:-1].rstrip())
        return Cut(start, end, "")

    # ── Nodes at paths ──

    def _find_entry_with_key(self, path: Path) -> tuple[Node, Node]:
        """Return the key and the value at a path into a mapping. Raises Untouchable as `_find` does."""
        key, value = self._find(path)
        if key is None:
            raise Untouchable("it has no key")
        return key, value

    def _find(self, path: Path) -> FoundNode:
        """Return what is at a path. Raises Untouchable for an alias, and for a key that is no scalar."""
        entry = self._find_entry_or_alias(path)
        is_odd_key = entry.key_node is not None and entry.key_node.kind != SCALAR
        if is_odd_key or entry.value_node.kind == ALIAS:
            raise Untouchable("it is an alias of something else")
        return entry

    def _find_entry_or_alias(self, path: Path) -> FoundNode:
        """Return what is at a path, an alias too. Raises Untouchable if this text does not have it there."""
        entry = self.nodes.find_node(path)
        if entry is None:
            raise Untouchable("it comes from an alias or a merged key")
        return entry


def _start_column(node: Node) -> int:
    """Return the column in which a node starts, from 0."""
    _line, column = node.start
    return column
