# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one part of a file with users' own rules: keys, lists, texts and words. Private.

A part is what stands at a path of the file, such as `rules[0].severity`. Each method of `RulePart` reads what its name
says. Where something else stands there, it reports a fault and returns an empty value, so that one run shows all faults
of a file. To report a fault is to add a line to `faults`, a list that all parts of a run share:

    r.yml:3:5 rules[0].severity: 'eror' is unknown here; did you mean 'error'? Use one of error, warning, info.

The files user_rule_files.py, user_rule_builder.py and user_rule_when.py read by these methods.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path, Position, format_path, value_at
from ..errors import Problem, suggest_word
from ..yaml.yaml_documents import Document

# The items of a list or a mapping at most.
MOST_ITEMS = 1_000
# The characters of a text at most.
_LONGEST_TEXT = 1_000
# A fix lists the allowed texts if they are fewer than that.
_MOST_SHOWN_TEXTS = 20


@dataclass(frozen=True)
class RulePart:
    """A part of a file with rules, which need not be there."""

    document: Document
    """The whole file."""
    file: str
    """Its name."""
    path: Path
    """Leads to the part in the document: `("rules", 0, "severity")`."""
    faults: list[str]
    """One list for all parts of all files; `add_fault` adds to it."""

    @property
    def value(self) -> Any:
        """What the document has at the path; None if there is nothing."""
        return value_at(self.document.data, self.path)

    @property
    def position(self) -> Position:
        """Where the part is in its file; if there is no such part, where the nearest part around it is."""
        for depth in range(len(self.path), 0, -1):
            position = self.document.positions.get(self.path[:depth])
            if position:
                return position
        return Position(self.file)

    def at(self, *path: str | int) -> RulePart:
        """Return a part of this part, which need not be there."""
        return RulePart(self.document, self.file, (*self.path, *path), self.faults)

    def add_fault(self, problem: str, fix: str) -> None:
        """Report a fault of this part: what is wrong, and what to do. Its position and path are added here."""
        fault = Problem(f"{self.position} {format_path(self.path)}: {problem}", fix=fix)
        self.faults.append(str(fault))

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def check_keys(self, allowed_keys: Sequence[str], needed_keys: Sequence[str] = ()) -> None:
        """Report keys that are not allowed, needed keys that are missing, and a part that is no mapping."""
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

    def read_list(self, key: str, most_items: int = MOST_ITEMS) -> list[Any]:
        """Return the list at a key; an empty one if the key is missing, or has no such list, which is reported."""
        if key not in self:
            return []
        value = self.value[key]
        if not isinstance(value, list) or not 0 < len(value) <= most_items:
            self.at(key).add_fault(f"this must be a list of 1 to {most_items} items", "Write a list.")
            return []
        return value

    def read_text_value(self, key: str) -> str:
        """Return the text at a key; an empty one if the key is missing, or has no text, which is reported."""
        if key not in self:
            return ""
        value = self.value[key]
        if not isinstance(value, str) or not 0 < len(value.strip()) <= _LONGEST_TEXT:
            self.at(key).add_fault(f"this must be a text of 1 to {_LONGEST_TEXT} characters", "Write a text.")
            return ""
        return value

    def read_texts(self, key: str, allowed_texts: Collection[str] = ()) -> tuple[str, ...]:
        """Return the texts in the list at a key; other values are reported and left out.

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
        """Return the text at a key if it is one of the allowed ones; empty if it is not, which is reported."""
        value = self.read_text_value(key)
        if value and value not in allowed_words:
            self.at(key).add_fault(
                f"'{value}' is unknown here{suggest_word(value, allowed_words)}",
                f"Use one of {', '.join(allowed_words)}.",
            )
            return ""
        return value
