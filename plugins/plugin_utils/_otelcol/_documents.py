# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML files, each text parsed once per process. Controller only. Private."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.config.paths import format_path
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.yaml.yaml_documents import Document
from . import _files, _yaml

# Size of the cache of texts: all files of the role, rendered for a hundred different collectors.
CACHE_SIZE = 1024


def read_yaml(path: Path | str) -> Any:
    """Return the data of a YAML file. Raises Problem when it cannot be read."""
    return read_document(path).data


def read_unique_yaml(path: Path | str) -> Any:
    """Return the data of a YAML file that a user has written.

    Raises Problem when it cannot be read, and for a key that stands twice: YAML keeps only the last value, so the first
    one, such as a list of tests, would be lost in silence.
    """
    document = read_document(path)
    for key_path, position in document.duplicates:
        wrong = f"{position} {format_path(key_path)}: this key stands twice"
        raise Problem(wrong, fix="Only the last one would count. Remove one, or join the two.")
    return document.data


def read_document(path: Path | str) -> Document:
    """Return a YAML file with the places of its paths. Raises Problem when it cannot be read."""
    return parse_document(_files.read_text_file(path), str(path))


@lru_cache(CACHE_SIZE)
def parse_document(text: str, name: str) -> Document:
    """Return the document in a text. Each text is parsed once and shared: do not change the result."""
    return _yaml.load(text, name)
