# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes _data/catalogue/fields.json: which settings components take, as their own decoder told.

`fields.go` beside this is the question: built with the factories of a Collector (its `components()`), it prints what
every component of it takes. This joins such answers with what `fields_facts.py` adds by hand.

    go build -o /tmp/fields .          in a folder with fields.go, and a builder's components.go, go.mod and go.sum
    /tmp/fields > answers.json
    python -m tools.catalogue.fields answers.json …
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import fields_facts as facts

ANY = "?"
OPEN = "..."
ENTRY = "*"  # any key of a mapping, any item of a list
SHARED_FROM = 3  # keys: smaller mappings are written where they are
COPY = "@"
_OUTDATED = "receivers/k8sobjects"  # a module too old to say which keys today's has


def table(answers: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the table: one per component, then one per mapping that stands in several places."""
    known: dict[str, Any] = {}
    for answer in answers:
        known |= {name: value for name, value in answer.items() if name not in known}
    known.pop(_OUTDATED, None)
    known |= {name: _copied(fields, known) for name, fields in facts.SCHEMAS.items() if name not in known}
    for name in known:
        known[name] = _with_facts(name, known[name])
    shared = _shared(known)
    rows = [_row(name, _short(value, shared, top=True)) for name, value in sorted(known.items())]
    parts = [{"define": label, "fields": _short(json.loads(text), shared, top=True)} for text, label in shared.items()]
    return rows + parts


def _row(name: str, fields: Any) -> dict[str, Any]:
    section, _slash, kind = name.partition("/")
    since = facts.READ_AT.get(name, facts.READ)
    major, minor, _patch = since.split(".")
    until = since if name in facts.SCHEMAS else f"{major}.{int(minor) + 1}.0"
    exact = facts.UNCHANGED if name in facts.UNCHANGED_TYPES else f"{since}..{until}"
    row = {"section": section, "type": kind, "exact": exact, "fields": fields}
    more = {"needs": facts.NEEDS.get(name), "when_used": facts.WHEN_USED.get(name)}
    return row | {key: value for key, value in more.items() if value}


def _with_facts(name: str, fields: Any) -> Any:
    for place in facts.ANYTHING:
        component, _colon, path = place.partition(":")
        if component == name:
            fields = _put(fields, path.split("."), ANY)
    for place, words in facts.ONE_OF.items():
        component, _colon, path = place.partition(":")
        if component == name:
            fields = _put(fields, path.split("."), _words(words))
    return fields


def _copied(fields: Any, known: Mapping[str, Any]) -> Any:
    """Return fields with the copies in place of what they are copied from."""
    if isinstance(fields, str) and fields.startswith(COPY):
        component, _colon, key = fields.removeprefix(COPY).partition(":")
        return known[component][key]
    if isinstance(fields, dict):
        return {key: _copied(value, known) for key, value in fields.items()}
    return fields


def _words(words: str) -> str:
    """Return the words as they follow the letters of a value's shapes."""
    return words[0] + "|".join("" if word == facts.EMPTY else word for word in words[1:].split())


def _put(node: Any, path: list[str], value: str) -> Any:
    """Return a copy of a node with anything, or with words, at a path; the path has to lead somewhere."""
    if not path:
        return value if value == ANY else node + value
    if isinstance(node, list):
        return [node[0], _put(node[1], path[1:], value)]
    return {**node, path[0]: _put(node[path[0]], path[1:], value)}


def _mappings(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        yield from _mappings(node[1])
    elif isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _mappings(child)


def _shared(known: Mapping[str, Any]) -> dict[str, str]:
    counted = Counter(
        json.dumps(node, sort_keys=True)
        for fields in known.values()
        for child in fields.values()
        for node in _mappings(child)
        if len(node) >= SHARED_FROM
    )
    often = sorted(text for text, count in counted.items() if count > 1)
    return {text: f"#{number}" for number, text in enumerate(often)}


def _short(node: Any, shared: Mapping[str, str], *, top: bool = False) -> Any:
    if isinstance(node, list):
        return [node[0], _short(node[1], shared)]
    if not isinstance(node, dict):
        return node
    label = None if top else shared.get(json.dumps(node, sort_keys=True))
    return label or {key: _short(child, shared) for key, child in sorted(node.items())}


def main(paths: list[str]) -> None:
    """Read the answers and write the table, one row per line."""
    rows = table([json.loads(Path(path).read_text(encoding="utf-8")) for path in paths])
    facts.TARGET.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
