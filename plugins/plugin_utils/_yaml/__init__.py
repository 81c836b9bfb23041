# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as the Collector reads it, with places; and the one writer of YAML. Controller only. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from ...module_utils._core.config import yaml_documents
from ...module_utils._core.config.yaml_documents import Document, key_of
from ...module_utils._core.config.yaml_nodes import SCALARS

try:
    from yaml import CSafeDumper as _Dumper
except ImportError:  # libyaml is not everywhere
    from yaml import SafeDumper as _Dumper  # type: ignore[assignment]

__all__ = ["Document", "dump", "key_of", "load", "load_all", "parsed"]

_TAG = "tag:yaml.org,2002:"


def load(text: str, file: str) -> Document:
    """Return the one document in this text. Raises Problem with file, line and column when it is no YAML."""
    return yaml_documents.load(yaml, text, file)


def parsed(text: str) -> Any:
    """Return the data of a text; None if it is not one document of YAML."""
    return yaml_documents.data_of(yaml, text)


def load_all(text: str, file: str) -> Iterator[Document]:
    """Yield every document in this text. Raises Problem with file, line and column when it is no YAML."""
    return yaml_documents.load_all(yaml, text, file)


class _Writer(_Dumper):
    """A writer that quotes every text that a reader could take for another type, and emits no aliases."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


_AMBIGUOUS = re.compile("|".join(f"(?:{pattern})" for _name, pattern, _first in SCALARS if pattern))


def _text(writer: Any, value: str) -> yaml.Node:
    style = (
        "|" if "\n" in value and not re.search(r"[ \t]\n|\A\s", value) else "'" if _AMBIGUOUS.fullmatch(value) else None
    )
    node: yaml.Node = writer.represent_scalar(_TAG + "str", str.__str__(value), style=style)
    return node


_Writer.add_representer(str, _text)
_Writer.add_multi_representer(str, _text)
_Writer.add_multi_representer(dict, lambda writer, value: writer.represent_dict(value.items()))


def dump(*documents: Any) -> str:
    """Return the documents as YAML text, block style, keys in their own order."""
    return yaml.dump_all(
        documents,
        Dumper=_Writer,
        sort_keys=False,
        default_flow_style=False,
        width=4096,
        allow_unicode=True,
        explicit_start=len(documents) > 1,
    )
