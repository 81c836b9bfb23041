# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where nodes and lines of a YAML text begin and end, as offsets: numbers of characters from its start. Private.

text_edits.py replaces characters by their offsets, and a node has marks: its line and column, both from 0. For example,
this text has the key `b` at the mark (1, 0), which is the offset 5, and its value at (1, 3), which is the offset 8:

    a: 1
    b: 2
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from ..config.source_nodes import LINE_END, Mark, Node

_BLANK_LINE = re.compile(r" *(?:[\n\r]|\Z)")


class TextSpan(NamedTuple):
    """A part of a text: the offset of its first character, and the offset behind its last one."""

    start: int
    end: int


class TextPlaces:
    """The places of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.line_starts = [0, *(match.end() for match in LINE_END.finditer(text))]

    def find_offset(self, mark: Mark) -> int:
        """Return the offset of a line and column; a mark behind the last line is the end."""
        line, column = mark
        return self.line_starts[line] + column if line < len(self.line_starts) else len(self.text)

    def find_span(self, node: Node) -> TextSpan:
        """Return where a node begins and ends, without blanks at its end."""
        start = self.find_offset(node.start)
        text = self.text[start : self.find_offset(node.find_last_end())].rstrip()
        return TextSpan(start, start + len(text))

    def find_entry_end(self, key: Node, value: Node) -> int:
        """Return where an entry ends: after its value, or after its colon without a value.

        In `a: 1\\nb:`, the entry of `a` ends at the offset 4, and the one of `b` at 7. A comment between key and value
        may have a colon too; the entry still ends after its value, which comes behind the comment.
        """
        behind_colon = self.text.find(":", self.find_offset(key.end)) + 1
        return max(behind_colon, self.find_span(value).end)

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

    def is_blank_line(self, line_start: int) -> bool:
        """Whether the line that begins at an offset has only spaces."""
        return bool(_BLANK_LINE.match(self.text, line_start))
