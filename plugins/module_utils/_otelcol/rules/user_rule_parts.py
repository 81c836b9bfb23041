# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading one part of a file with users' own rules: keys, lists, texts and words. Private.

A part is the value at a path of the document. Each method reads what its name says, and tells what is wrong with it: to
tell is to add a line, with file and line number, to the list of faults. The method then returns an empty value, so one
reading finds all faults of a file.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path, Position, format_path, value_at
from ..errors import Problem, suggest_word
from ..yaml.yaml_documents import Document

# Bounds of this collection for what users write.
MOST_ITEMS = 1_000
_LONGEST_TEXT = 1_000  # characters
_MOST_SHOWN_TEXTS = 20  # a fix lists allowed texts if they are fewer than that


@dataclass(frozen=True)
class RulePart:
    """A part of a document with rules: `path` leads to it, and `file` has the document.

    `faults` is one list for all parts of all documents; `add_fault` adds to it.
    """

    document: Document
    file: str
    path: Path
    faults: list[str]

    @property
    def value(self) -> Any:
        """What the document has at the path; None if there is nothing."""
        return value_at(self.document.data, self.path)

    @property
    def position(self) -> Position:
        """The place of the part; if there is no such part, that of the nearest part around it."""
        for depth in range(len(self.path), 0, -1):
            position = self.document.positions.get(self.path[:depth])
            if position:
                return position
        return Position(self.file)

    def at(self, *path: str | int) -> RulePart:
        """Return a part of this part, which need not be there."""
        return RulePart(self.document, self.file, (*self.path, *path), self.faults)

    def add_fault(self, problem: str, fix: str) -> None:
        """Tell a fault of this part: what is wrong, and what to do. Its place is added here."""
        fault = Problem(f"{self.position} {format_path(self.path)}: {problem}", fix=fix)
        self.faults.append(str(fault))

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def check_keys(self, allowed_keys: Sequence[str], needed_keys: Sequence[str] = ()) -> None:
        """Tell keys of this part that are not allowed, needed keys that are missing, and a part that is no mapping."""
        value = self.value
        if not isinstance(value, dict):
            self.add_fault("this must be a mapping", f"Its keys: {', '.join(allowed_keys)}.")
            return
        for key in value:
            if key not in allowed_keys:
                self.at(key).add_fault(
                    f"there is no key '{key}'{suggest_word(str(key), allowed_keys)}",
                    f"Keys: {', '.join(allowed_keys)}.",
                )
        for key in needed_keys:
            if key not in value:
                self.add_fault(f"`{key}` is missing", f"Add `{key}`.")

    def read_list(self, key: str) -> list[Any]:
        """Return the list at a key; an empty one if the key is missing, or has no list, which is told."""
        if key not in self:
            return []
        value = self.value[key]
        if not isinstance(value, list) or not 0 < len(value) <= MOST_ITEMS:
            self.at(key).add_fault(f"this must be a list of 1 to {MOST_ITEMS} items", "Write a list.")
            return []
        return value

    def read_text_value(self, key: str) -> str:
        """Return the text at a key; an empty one if the key is missing, or has no text, which is told."""
        if key not in self:
            return ""
        value = self.value[key]
        if not isinstance(value, str) or not 0 < len(value.strip()) <= _LONGEST_TEXT:
            self.at(key).add_fault(f"this must be a text of 1 to {_LONGEST_TEXT} characters", "Write a text.")
            return ""
        return value

    def read_texts(self, key: str, allowed_texts: Collection[str] = ()) -> tuple[str, ...]:
        """Return the texts in the list at a key; other values are told and left out.

        Without `allowed_texts`, any text is allowed.
        """
        texts: list[str] = []
        for text_index, text in enumerate(self.read_list(key)):
            if not isinstance(text, str) or not text:
                self.at(key, text_index).add_fault("this must be a text", "Write a text.")
            elif allowed_texts and text not in allowed_texts:
                are_few = len(allowed_texts) < _MOST_SHOWN_TEXTS
                fix = f"Use one of {', '.join(allowed_texts)}." if are_few else "Correct it."
                self.at(key, text_index).add_fault(f"'{text}' is unknown here{suggest_word(text, allowed_texts)}", fix)
            else:
                texts.append(text)
        return tuple(texts)

    def read_word(self, key: str, allowed_words: Sequence[str]) -> str:
        """Return the text at a key if it is one of the allowed ones; empty if it is not, which is told."""
        value = self.read_text_value(key)
        if value and value not in allowed_words:
            self.at(key).add_fault(
                f"'{value}' is unknown here{suggest_word(value, allowed_words)}",
                f"Use one of {', '.join(allowed_words)}.",
            )
            return ""
        return value
