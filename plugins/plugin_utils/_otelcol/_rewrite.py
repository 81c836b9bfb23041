# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of one config: the edited text is parsed and compared with the expected data. Private.

Layout, anchors and merge keys therefore cannot cause a change that is not listed.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from ...module_utils._otelcol.config.documents import Found
from ...module_utils._otelcol.config.paths import Path, at
from ...module_utils._otelcol.config.source_nodes import LITERAL, SCALAR, Node, find_node, lines_of, resolve_alias
from ...module_utils._otelcol.migrate import data_edits
from ...module_utils._otelcol.migrate.data_edits import Change, Edit
from ...module_utils._otelcol.migrate.text_edits import TextEditor, Untouchable
from ...module_utils._otelcol.yaml.mapping_keys import key_of
from ...module_utils._otelcol.yaml.yaml_documents import Document
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from . import _yaml


class Operation(ABC):
    """A config that receives a list of changes, all or none; `why` holds the reason if none."""

    data: Any
    why = ""

    def apply(self, changes: Iterable[Change]) -> bool:
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


class Data(Operation):
    """A config without text."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def _edit(self, listed: list[Edit]) -> None:
        self.data = data_edits.apply_edits(self.data, listed)


class Text(Operation):
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
        wanted = [document.data for document in self.documents]
        wanted[self.document] = _placed(wanted[self.document], self.path, data_edits.apply_edits(self.data, listed))
        twice = sum(len(document.duplicates) for document in documents)
        if twice > sum(len(document.duplicates) for document in self.documents):
            raise Untouchable("a key would be duplicated")
        if not data_edits.same_meaning([document.data for document in documents], wanted):
            raise Untouchable("its layout, an anchor or a merge key would cause more changes")
        self._take(text, documents)


class Block(Text):
    """A config that is text inside a text: the lines of a literal block, without their indentation."""

    def __init__(self, text: str, name: str, found: Found) -> None:
        self.outer, self.found = text, found
        document = list(_yaml.load_all(text, name))[found.document]
        pair = find_node(document.root, found.path, key_of) if document.root else None
        self.node = resolve_alias(pair[1]) if pair else None
        self.literal = False
        inner = str(at(document.data, found.path))
        if pair and pair[1].kind == SCALAR and pair[1].style == LITERAL:
            self.literal = True
            self.lines = lines_of(text)
            self.margin = _yaml.indentation(pair[1], self.lines)
            self.first, self.last = pair[1].start[0] + 1, self._last(pair[1])
            inner = "\n".join(line[self.margin :] for line in self.lines[self.first : self.last])
        super().__init__(inner, name, 0, ())

    def _last(self, node: Node) -> int:
        """Return the line after a block: where its node ends, or one more when the text ends in it."""
        return node.end[0] + (1 if node.end[1] else 0)

    def whole(self) -> str:
        """Return the text around the config and the config in it."""
        if not self.literal:
            return self.outer
        space = " " * self.margin
        inner = [space + line if line else line for line in self.text.split("\n")]
        newline = "\r\n" if "\r\n" in self.outer else "\n"
        return newline.join([*self.lines[: self.first], *inner, *self.lines[self.last :]])

    def _edit(self, listed: list[Edit]) -> None:
        if not self.literal:
            raise Untouchable("the config is in a quoted or folded text; write it as a block with `|`")
        super()._edit(listed)


def rewrite_operation(text: str, name: str, found: Found) -> Text:
    return Block(text, name, found) if found.text else Text(text, name, found.document, found.path)


def _placed(data: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    result = copy.deepcopy(data)
    at(result, path[:-1])[path[-1]] = value
    return result
