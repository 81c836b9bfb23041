# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of one config: the edited text is parsed and compared with the expected data. Private.

Layout, anchors and merge keys therefore cannot cause a change that is not listed.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._otelcol.config.documents import Found
from ...module_utils._otelcol.config.paths import Path, at
from ...module_utils._otelcol.config.source_nodes import LITERAL, SCALAR, find_node, lines_of
from ...module_utils._otelcol.migrate import data_edits
from ...module_utils._otelcol.migrate.data_edits import Change, Edit
from ...module_utils._otelcol.migrate.text_edits import TextEditor, Untouchable
from ...module_utils._otelcol.yaml.mapping_keys import key_of
from ...module_utils._otelcol.yaml.yaml_documents import Document
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from . import _yaml


class EditableConfig(ABC):
    """A config that receives a list of changes, all or none; `why` holds the reason if none.

    `data` is the config as data, with the changes that were applied.
    """

    data: Any
    why = ""

    def apply(self, changes: Iterable[Change]) -> bool:
        """Apply the edits of all changes, or of none; return whether they were applied."""
        listed = [edit for change in changes for edit in change.edits]
        if not listed:
            return True
        try:
            self._edit(listed)
        except (Untouchable, InvalidYaml) as reason:
            self.why = f"It stays unchanged, because {reason}."
            return False
        return True

    def whole(self) -> str:
        """Return the text around the config and the config in it."""
        return ""

    @abstractmethod
    def _edit(self, listed: list[Edit]) -> None:
        """Apply edits, or raise Untouchable and change nothing."""


class ConfigAsData(EditableConfig):
    """A config without text."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def _edit(self, listed: list[Edit]) -> None:
        self.data = data_edits.apply_edits(self.data, listed)


class ConfigInText(EditableConfig):
    """A config in a document of a text, at a path."""

    def __init__(self, text: str, name: str, document: int, path: Path) -> None:
        self.name, self.document, self.path = name, document, path
        self._take(text, list(_yaml.load_all(text, name)))

    def _take(self, text: str, documents: list[Document]) -> None:
        self.text = text
        self.documents = documents
        self.data = at(documents[self.document].data, self.path)

    def whole(self) -> str:
        """Return the text around the config and the config in it."""
        return self.text

    def _edit(self, listed: list[Edit]) -> None:
        root = self.documents[self.document].root
        if root is None:
            raise Untouchable("it is empty")
        surgeon = TextEditor(self.text, root, key_of, _yaml.dump)
        text = surgeon.apply(listed, self.path)
        documents = list(_yaml.load_all(text, self.name))
        expected = [document.data for document in self.documents]
        expected[self.document] = _placed(expected[self.document], self.path, data_edits.apply_edits(self.data, listed))
        _check_no_new_duplicates(self.documents, documents)
        _check_meaning(documents, expected)
        self._take(text, documents)


def _check_no_new_duplicates(old: Sequence[Document], new: Sequence[Document]) -> None:
    """Raise Untouchable if the new documents have more keys that are there twice than the old ones."""
    if _count_duplicates(new) > _count_duplicates(old):
        raise Untouchable("a key would be duplicated")


def _count_duplicates(documents: Sequence[Document]) -> int:
    return sum(len(document.duplicates) for document in documents)


def _check_meaning(documents: Sequence[Document], expected: Sequence[Any]) -> None:
    """Raise Untouchable if the documents do not have the expected data, one for each."""
    if not data_edits.same_meaning([document.data for document in documents], expected):
        raise Untouchable("its layout, an anchor or a merge key would cause more changes")


@dataclass(frozen=True)
class _LiteralBlock:
    """The lines of a literal block, and the text around them. Lines count from 0."""

    lines: Sequence[str]
    """All lines of the text around the block, and of the block."""
    first: int
    """The first line of the block."""
    end: int
    """The line after the last one of the block."""
    margin: int
    """How many spaces the block is indented by."""

    def content(self) -> str:
        """Return the text in the block, without its indentation."""
        return "\n".join(line[self.margin :] for line in self.lines[self.first : self.end])

    def lines_with(self, content: str) -> list[str]:
        """Return the lines of the text with another content of the block."""
        space = " " * self.margin
        inner = [space + line if line else line for line in content.split("\n")]
        return [*self.lines[: self.first], *inner, *self.lines[self.end :]]


class ConfigInBlock(ConfigInText):
    """A config that is text inside a text: the lines of a literal block, without their indentation.

    `block` is None for a config in a text of another style, which is never edited.
    """

    def __init__(self, text: str, name: str, found: Found) -> None:
        self.outer = text
        document = list(_yaml.load_all(text, name))[found.document]
        self.block = _literal_block(text, document, found.path)
        inner = self.block.content() if self.block else str(at(document.data, found.path))
        super().__init__(inner, name, 0, ())

    def whole(self) -> str:
        """Return the text around the config and the config in it."""
        if self.block is None:
            return self.outer
        newline = "\r\n" if "\r\n" in self.outer else "\n"
        return newline.join(self.block.lines_with(self.text))

    def _edit(self, listed: list[Edit]) -> None:
        if self.block is None:
            raise Untouchable("the config is in a quoted or folded text; write it as a block with `|`")
        super()._edit(listed)


def _literal_block(text: str, document: Document, path: Path) -> _LiteralBlock | None:
    """Return the literal block at a path in a document of a text; None if the value there is written otherwise."""
    pair = find_node(document.root, path, key_of) if document.root else None
    if pair is None:
        return None
    _key, node = pair
    if node.kind != SCALAR or node.style != LITERAL:
        return None
    lines = lines_of(text)
    line, column = node.end
    # A block ends at the start of the line after it, or within its last line where the text ends.
    end = line + 1 if column else line
    return _LiteralBlock(lines, first=node.start[0] + 1, end=end, margin=_yaml.indentation(node, lines))


def editable_config(text: str, name: str, found: Found) -> ConfigInText:
    """Return a config that was found in the text of a file with that name."""
    if found.text:
        return ConfigInBlock(text, name, found)
    return ConfigInText(text, name, found.document, found.path)


def _placed(data: Any, path: Path, value: Any) -> Any:
    """Return a copy of the data that has the value at the path."""
    if not path:
        return value
    result = copy.deepcopy(data)
    at(result, path[:-1])[path[-1]] = value
    return result
