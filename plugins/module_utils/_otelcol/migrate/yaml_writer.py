# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes data as YAML into a text that is edited: in its block style, or in flow style as in JSON. Private.

text_edits.py puts what a `YamlWriter` writes in the place of old characters. Block style is with lines and indentation:
`{sending_queue: {batch: {}}}` becomes `sending_queue:`, and `  batch: {}` in the next line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

# Text that every reader of YAML takes for text without quotes, and words that some take for something else.
_PLAIN_TEXT = re.compile(r"[A-Za-z_][\w/.-]*\Z")
_WORDS_WITH_MEANING = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
# Characters that end a text without quotes in flow style.
_FLOW_SIGNS = frozenset(",[]{}")


class YamlWriter:
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
        # Dumped as the value of a key: YAML of a text alone may end with `...`, which ends a document.
        unquoted = self.dump_block({"": text}).partition(": ")[2].rstrip("\n")
        needs_quotes = quote or "\n" in unquoted or _FLOW_SIGNS.intersection(unquoted)
        return quote_text(text) if needs_quotes else unquoted

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
        """Return `a:`, `  b: 1` for `{a: {b: 1}}`."""
        lines = []
        for key, value in mapping.items():
            if _is_written_as_block(value):
                lines.append(f"{key}:")
                lines += _indent_lines(self._write_lines(value))
            else:
                lines += self.dump_block({key: value}).rstrip("\n").split("\n")
        return lines

    def _write_list_lines(self, values: list[Any]) -> list[str]:
        """Return `- a: 1`, `  b: 2` for `[{a: 1, b: 2}]`."""
        lines = []
        for value in values:
            value_lines = self._write_lines(value) if _is_written_as_block(value) else [self.write_flow(value)]
            first_line, *other_lines = value_lines
            lines.append(f"- {first_line}")
            lines += _indent_lines(other_lines)
        return lines

    def write_flow(self, value: Any) -> str:
        """Return a value in flow style, such as `{a: [1, "b c"]}`."""
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
    return text if is_plain else quote_text(text)


def quote_text(text: str) -> str:
    """Return text in double quotes, with escapes that JSON and YAML share."""
    return json.dumps(text, ensure_ascii=False)
