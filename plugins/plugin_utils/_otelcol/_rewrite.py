# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of one config in its text: the edited text is parsed again, and compared with the data that it should have.

Layout, anchors and merge keys therefore cannot cause a change that is not listed. `_migrate.py` opens a config with
`open_editable_config`, and `_migration_steps.py` applies changes to it:

| the config is | class |
|---|---|
| data, such as the value of a variable | `ConfigAsData` |
| a document of a text, or a part of one, such as `spec.config` of a custom resource | `ConfigInText` |
| a text inside of a text, such as a key of a ConfigMap | `ConfigInBlock` |

Untouchable (text_edits.py) says that a text cannot be edited. Private.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._otelcol.config.documents import FoundConfig
from ...module_utils._otelcol.config.paths import Path, value_at
from ...module_utils._otelcol.config.source_nodes import LITERAL, SCALAR, NodeFinder, split_yaml_lines
from ...module_utils._otelcol.migrate import data_edits
from ...module_utils._otelcol.migrate.data_edits import ConfigChange, Edit
from ...module_utils._otelcol.migrate.text_edits import TextEditor, Untouchable
from ...module_utils._otelcol.yaml.mapping_keys import read_key
from ...module_utils._otelcol.yaml.yaml_documents import Document
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from . import _yaml


class EditableConfig(ABC):
    """A config that can be changed: either all changes of a list are applied, or none."""

    data: Any
    """The config as data, with the changes that were applied."""
    refusal_reason = ""
    """Why the last changes were not applied; empty at first."""

    def apply_changes(self, changes: Iterable[ConfigChange]) -> bool:
        """Apply the edits of all changes, or of none; return whether they were applied."""
        edits = [edit for change in changes for edit in change.edits]
        if not edits:
            return True
        try:
            self._edit(edits)
        except (Untouchable, InvalidYaml) as error:
            self.refusal_reason = f"It stays unchanged, because {error}."
            return False
        return True

    def build_whole_text(self) -> str:
        """Return the text around the config and the config in it."""
        return ""

    @abstractmethod
    def _edit(self, edits: list[Edit]) -> None:
        """Apply edits, or raise Untouchable and change nothing."""


class ConfigAsData(EditableConfig):
    """A config without text."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def _edit(self, edits: list[Edit]) -> None:
        self.data = data_edits.apply_edits(self.data, edits)


class ConfigInText(EditableConfig):
    """A config in a document of a text, at a path."""

    def __init__(self, text: str, name: str, document: int, path: Path) -> None:
        self.name = name
        self.document = document  # the number of the document in the text, from 0
        self.path = path
        self._set_text(text, list(_yaml.load_all(text, name)))

    def _set_text(self, text: str, documents: list[Document]) -> None:
        """Keep a text, and the documents in it."""
        self.text = text
        self.documents = documents
        self.data = value_at(documents[self.document].data, self.path)

    def build_whole_text(self) -> str:
        """Return the text around the config and the config in it."""
        return self.text

    def _edit(self, edits: list[Edit]) -> None:
        root = self.documents[self.document].root_node
        if root is None:
            raise Untouchable("it is empty")  # the document
        # Nothing of this object changes before all checks have passed.
        editor = TextEditor(self.text, root, read_key, _yaml.dump)
        text = editor.apply_edits(edits, self.path)
        documents = list(_yaml.load_all(text, self.name))
        expected = [document.data for document in self.documents]
        expected[self.document] = _copy_with_value(
            expected[self.document], self.path, data_edits.apply_edits(self.data, edits)
        )
        _check_no_new_duplicates(self.documents, documents)
        _check_meaning(documents, expected)
        self._set_text(text, documents)


class ConfigInBlock(ConfigInText):
    """A config that is text inside a text: the lines of a literal block, without their indentation.

    The inherited `text` and `documents` are those of the inner text, which has the config alone; `outer_text` is that
    of the file. `block` is None for a config in a text of another style, which is never edited.
    """

    def __init__(self, text: str, name: str, found_config: FoundConfig) -> None:
        self.outer_text = text
        document = list(_yaml.load_all(text, name))[found_config.document_index]
        self.block = _find_literal_block(text, document, found_config.path)
        inner_text = self.block.read_content() if self.block else str(value_at(document.data, found_config.path))
        super().__init__(inner_text, name, 0, ())

    def build_whole_text(self) -> str:
        """Return the text around the config and the config in it."""
        if self.block is None:
            return self.outer_text
        newline = "\r\n" if "\r\n" in self.outer_text else "\n"
        return newline.join(self.block.replace_content(self.text))

    def _edit(self, edits: list[Edit]) -> None:
        if self.block is None:
            raise Untouchable("the config is in a quoted or folded text; write it as a block with `|`")
        super()._edit(edits)


def open_editable_config(text: str, name: str, found_config: FoundConfig) -> ConfigInText:
    """Return a config that was found in the text of a file with that name."""
    if found_config.is_text:
        return ConfigInBlock(text, name, found_config)
    return ConfigInText(text, name, found_config.document_index, found_config.path)


# ── Intended data ──


def _copy_with_value(data: Any, path: Path, value: Any) -> Any:
    """Return a copy of the data that has the value at the path."""
    if not path:
        return value
    copied_data = copy.deepcopy(data)
    value_at(copied_data, path[:-1])[path[-1]] = value
    return copied_data


def _check_no_new_duplicates(old_documents: Sequence[Document], new_documents: Sequence[Document]) -> None:
    """Raise Untouchable if the new documents have more keys that are there twice than the old ones."""
    if _count_duplicates(new_documents) > _count_duplicates(old_documents):
        raise Untouchable("a key would be duplicated")


def _count_duplicates(documents: Sequence[Document]) -> int:
    """Return how many keys stand twice in documents."""
    return sum(len(document.duplicates) for document in documents)


def _check_meaning(documents: Sequence[Document], expected: Sequence[Any]) -> None:
    """Raise Untouchable if the documents do not have the expected data, one for each."""
    if not data_edits.has_same_meaning([document.data for document in documents], expected):
        raise Untouchable("its layout, an anchor or a merge key would cause more changes")


# ── Literal blocks ──


@dataclass(frozen=True)
class _LiteralBlock:
    """The lines of a literal block, and the text around them. Lines count from 0."""

    lines: Sequence[str]
    """All lines of the text around the block, and of the block."""
    first_line: int
    """The first line of the block."""
    end_line: int
    """The line after the last one of the block."""
    indent_width: int
    """How many spaces the block is indented by."""

    def read_content(self) -> str:
        """Return the text in the block, without its indentation."""
        return "\n".join(line[self.indent_width :] for line in self.lines[self.first_line : self.end_line])

    def replace_content(self, content: str) -> list[str]:
        """Return the lines of the text with another content of the block."""
        indentation = " " * self.indent_width
        indented_lines = [indentation + line if line else line for line in content.split("\n")]
        return [*self.lines[: self.first_line], *indented_lines, *self.lines[self.end_line :]]


def _find_literal_block(text: str, document: Document, path: Path) -> _LiteralBlock | None:
    """Return the literal block at a path in a document of a text; None if the value there is written otherwise."""
    found = NodeFinder(document.root_node, read_key).find_node(path) if document.root_node else None
    if found is None:
        return None
    node = found.value_node
    if node.kind != SCALAR or node.style != LITERAL:
        return None
    lines = split_yaml_lines(text)
    end_line, end_column = node.end
    # A block ends at the start of the line after it, or within its last line where the text ends.
    end = end_line + 1 if end_column else end_line
    return _LiteralBlock(
        lines, first_line=node.start[0] + 1, end_line=end, indent_width=_yaml.measure_indentation(node, lines)
    )
