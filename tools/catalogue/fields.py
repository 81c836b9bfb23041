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
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from . import fields_facts as facts

ANY = "?"
OPEN = "..."
ENTRY = "*"  # any key of a mapping, any item of a list
SHARED_FROM = 3  # keys: smaller mappings are written where they are
PUBLISHED = Path(__file__).with_name("published.yml")
COPY, SHARED, WITH = "@", "$", "with"
SHAPES = {"s": "s", "i": "if", "b": "b", "d": "dsif", "any": ANY}  # of published.yml


def table(rows: list[dict[str, Any]], answers: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the table: one per component, then one per mapping that stands in several places.

    Answers replace rows of today's table. A row without an answer stays, because no build has all components.
    """
    parts = {row["define"]: row["fields"] for row in rows if "define" in row}
    known = {_name(row): row | {"fields": _full(row["fields"], parts)} for row in rows if "type" in row}
    known = {name: row for name, row in known.items() if "doubt" not in row}
    for name, fields in ((name, fields) for answer in reversed(answers) for name, fields in answer.items()):
        if name not in facts.OUTDATED:
            known[name] = _row(name, fields)
    known |= {name: row for name, row in _published(known).items() if name not in known}
    for name, row in known.items():
        known[name] = row | {"fields": _with_facts(name, row["fields"])} | _needs(name)
    shared = _shared({name: row["fields"] for name, row in known.items()})
    result = [row | {"fields": _short(row["fields"], shared, top=True)} for _name, row in sorted(known.items())]
    return result + [
        {"define": label, "fields": _short(json.loads(text), shared, top=True)} for text, label in shared.items()
    ]


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['section']}/{row['type']}"


def _row(name: str, fields: Any) -> dict[str, Any]:
    section, _slash, kind = name.partition("/")
    since = facts.READ_AT.get(name, facts.READ)
    major, minor, _patch = since.split(".")
    exact = facts.UNCHANGED if name in facts.UNCHANGED_TYPES else f"{since}..{major}.{int(minor) + 1}.0"
    return {"section": section, "type": kind, "exact": exact, "fields": fields}


def _needs(name: str) -> dict[str, Any]:
    more = {"needs": facts.NEEDS.get(name), "when_used": facts.WHEN_USED.get(name)}
    return {key: value for key, value in more.items() if value}


def _full(node: Any, parts: Mapping[str, Any]) -> Any:
    """Return the settings of a row with each label replaced by its mapping."""
    if isinstance(node, dict):
        return {key: _full(value, parts) for key, value in node.items()}
    if isinstance(node, list):
        return [node[0], _full(node[1], parts)]
    return _full(parts[node], parts) if node in parts else node


def _published(known: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the rows of published.yml. Their faults are warnings, since no decoder was asked."""
    written = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))
    shared = written.pop("shared")
    certain = {"exact": facts.PUBLISHED_FOR, "doubt": facts.PUBLISHED_DOUBT}
    return {name: _row(name, _settings(node, shared, known)) | certain for name, node in written.items()}


def _settings(node: Any, shared: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """Return what published.yml says of a place as a row has it."""
    if isinstance(node, dict):
        merged: dict[str, Any] = {}
        for part in node.get(WITH, ()):
            merged |= _settings(part, shared, known)
        return merged | {key: _settings(value, shared, known) for key, value in node.items() if key != WITH}
    if isinstance(node, list):
        item = _settings(node[0], shared, known)
        return ["sl" if item in ("s", ANY) else "l", item]
    if node.startswith(SHARED):
        return _settings(shared[node.removeprefix(SHARED)], shared, known)
    if node.startswith(COPY):
        component, _colon, path = node.removeprefix(COPY).partition(":")
        return reduce(lambda fields, key: fields[key], filter(None, path.split(".")), known[component]["fields"])
    return SHAPES[node]


def _with_facts(name: str, fields: Any) -> Any:
    for place, typed in (dict.fromkeys(facts.ANYTHING, ANY) | facts.TYPED).items():
        component, _colon, path = place.partition(":")
        if component == name:
            fields = _put(fields, path.split("."), typed)
    for place, words in facts.ONE_OF.items():
        component, _colon, path = place.partition(":")
        if component == name:
            fields = _put(fields, path.split("."), _words(words))
    return fields


def _words(words: str) -> str:
    """Return the words as they follow the letters of a value's shapes."""
    return words[0] + "|".join("" if word == facts.EMPTY else word for word in words[1:].split())


def _put(node: Any, path: list[str], value: Any) -> Any:
    """Return a copy of a node with anything, with fields, or with words, at a path; it has to lead somewhere."""
    if not path:
        return re.split("[=~]", node)[0] + value if isinstance(value, str) and value != ANY else value
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
    rows = json.loads(facts.TARGET.read_text(encoding="utf-8"))
    rows = table(rows, [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths])
    facts.TARGET.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
