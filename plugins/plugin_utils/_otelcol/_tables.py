# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of Collectors and of the operator's custom resources, read from disk. Controller only. Private.

They are files in the folder `_data`:

| files | what they have | read by |
|---|---|---|
| `_data/catalogue/*.json` | components of Collectors, by releases; tools/catalogue writes them | `read_own_tables` |
| `_data/catalogue/NAME.yml` | what people maintain, such as `distributions.yml` | `catalogue("distributions")` |
| `_data/operator_kinds.json` | fields of the operator's custom resources | `read_operator_kinds` |

A user may give two files of their own: published tables, which are the JSON tables of a newer version of this
collection in one file, so that an older one knows newer Collectors, and the JSON Schema of a build. `_builds.py` makes
the catalogue of the JSON tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.bounded.json_text import parse_json
from ...module_utils._otelcol.catalogue import build_schema
from ...module_utils._otelcol.catalogue.rows import TABLE_FORMAT, TABLES
from ...module_utils._otelcol.errors import Problem
from . import _documents, _files

CATALOGUE = Path(__file__).parent / "_data" / "catalogue"


def read_own_tables() -> dict[str, Any]:
    """Return the collection's tables of Collectors by name: `ports` is the content of ports.json."""
    return {file.stem: json.loads(_files.read_text_file(file)) for file in CATALOGUE.glob("*.json")}


@cache
def catalogue(name: str) -> Any:
    """Return a table that people maintain, such as `distributions`, read once per process."""
    return _documents.read_yaml(CATALOGUE / f"{name}.yml")


@cache
def read_operator_kinds() -> Mapping[str, Any]:
    """Return the fields of the operator's custom resources, read once per process."""
    kinds: Mapping[str, Any] = json.loads(_files.read_text_file(CATALOGUE.parent / "operator_kinds.json"))
    return kinds


def parse_published_tables(text: str, path: str) -> dict[str, Any]:
    """Return the tables in a file that a newer version of the collection published. Raises Problem if it is none."""
    try:
        bundle = parse_json(text)
    except ValueError:
        bundle = None
    if not _has_all_tables(bundle):
        wrong = f"{path} is not a catalogue of Collectors that this version of the collection can read"
        fix = "Write it with `python -m tools.catalogue.bundle FILE` of a newer checkout, or update."
        raise Problem(wrong, fix=fix)
    return dict(bundle["tables"])


def _has_all_tables(bundle: Any) -> bool:
    """Whether what a file holds has the format that this version reads, and every table by its name."""
    if not isinstance(bundle, dict) or bundle.get("format") != TABLE_FORMAT:
        return False
    tables = bundle.get("tables")
    return isinstance(tables, dict) and tables.keys() >= set(TABLES)


def read_schema_types(path: str) -> dict[tuple[str, str], Any]:
    """Return the settings of each component in the schema of a build, by section and type, as `("receivers", "otlp")`.

    Raises Problem for a file that is no schema.
    """
    schema_types = _parse_schema_types(_files.read_text_file(path), path)
    if not schema_types:
        wrong = f"{path} is not the JSON Schema of a Collector's config"
        raise Problem(wrong, fix="It lists types in `properties.receivers.patternProperties`, as print-schema does.")
    return schema_types


@lru_cache(_documents.CACHE_SIZE)
def _parse_schema_types(text: str, name: str) -> dict[tuple[str, str], Any]:
    """Return the settings of each component in the text of a schema, in JSON or YAML."""
    try:
        return build_schema.read_types(json.loads(text))  # such a file may have megabytes, and YAML is read slowly
    except (ValueError, RecursionError):
        return build_schema.read_types(_documents.parse_document(text, name).data)
