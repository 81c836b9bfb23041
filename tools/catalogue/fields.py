# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes _data/catalogue/fields.json: which settings components take, as their own decoder told.

`fields.go` beside this is the question: built with the factories of a Collector (its `components()`), it prints what
every component of it takes. This joins such answers with what `fields_facts.py` adds by hand.

`python -m tools.follow` builds each release with it. An answer from elsewhere is `{"version": …, "fields": …}`:

    python -m tools.catalogue.fields answers.json …
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from plugins.module_utils._otelcol.config.layers import parse_version

from . import fields_facts as facts
from .versions import after

ANY = "?"
OPEN = "..."
IGNORED = "ignored"  # what OPEN has where a release takes unknown keys that the one before refused
LAX = "?"  # the last key of a path in `more`: takes unknown keys
ENTRY = "*"  # any key of a mapping, any item of a list
SHARED_FROM = 3  # keys: smaller mappings are written where they are
PUBLISHED = Path(__file__).with_name("published.yml")
COPY, SHARED, WITH = "@", "$", "with"
SHAPES = {"s": "s", "i": "if", "b": "b", "d": "dsif", "any": ANY}  # of published.yml


def table(rows: Iterable[Mapping[str, Any]], answers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the table: one per component, then one per mapping that stands in several places.

    Answers replace rows of today's table. A row without an answer stays, because no build has all components.
    """
    known = joined(by_component(rows), answers)
    for name, row in _published(known).items():
        if _begins_after(row, known.get(name, [])):
            known[name] = [row, *known.get(name, [])]
    whole_rows = []
    for name in sorted(known):
        for row in known[name]:
            whole_rows.append(row | {"fields": _with_facts(name, row["fields"])})
    labels = _labels_of_shared([row["fields"] for row in whole_rows])
    result = []
    for row in whole_rows:
        result.append(row | _needs(_name(row)) | {"fields": _labelled_fields(row["fields"], labels)})
    for text, label in labels.items():
        result.append({"define": label, "fields": _labelled_fields(json.loads(text), labels)})
    return result


def by_component(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each component whose decoder was asked, with each label replaced by its mapping."""
    parts = {row["define"]: row["fields"] for row in rows if "define" in row}
    known: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if "type" in row and "doubt" not in row:
            known.setdefault(_name(row), []).append({**row, "fields": _full(row["fields"], parts)})
    return known


def joined(
    known: dict[str, list[dict[str, Any]]], answers: Iterable[Mapping[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each component with those of answers, in the order of releases."""
    for answer in sorted(answers, key=lambda item: parse_version(item["version"])):
        for name, told in answer["fields"].items():
            if name not in facts.OUTDATED:
                row = _row(name, _with_facts(name, told), answer["version"])
                asked = {"asked": answer["version"]} if "stability" in answer else {}
                known[name] = _followed(known.get(name, []), row | asked)
    return known


def _name(row: Mapping[str, Any]) -> str:
    """Return the component of a row, such as `receivers/otlp`."""
    return f"{row['section']}/{row['type']}"


def _row(name: str, fields: Any, version: str) -> dict[str, Any]:
    """Return the row of a component that holds for one version."""
    section, _slash, kind = name.partition("/")
    return {"section": section, "type": kind, "exact": f"{version}..{after(version)}", "fields": fields}


def _followed(rows: list[dict[str, Any]], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a component with the answer of another release, in the order of releases.

    A release between two answers may have what either of them has. An answer for a release that a row covers replaces
    the settings of that row.
    """
    if not rows:
        return [new]
    last = rows[-1]
    new = new | {"fields": _laxer(last["fields"], new["fields"])}
    since, _dots, end = last["exact"].partition("..")
    asked, _dots, until = new["exact"].partition("..")
    if parse_version(asked) < parse_version(end):
        return [*rows[:-1], last | new | {"exact": last["exact"]}]
    if last["fields"] == new["fields"]:
        return [*rows[:-1], last | new | {"exact": f"{since}..{until}"}]
    places = differing(last["fields"], new["fields"]) if end != asked else ()
    gone = [".".join(LAX if key == OPEN else key for key in path) for path in places]
    more = {"more": {f"{end}..{asked}": gone}} if gone else {}
    return [*rows, new | {"exact": f"{end}..{until}"} | more]


def _laxer(old: Any, new: Any) -> Any:
    """Return the settings of a release, marked where it takes unknown keys that the release before refused."""
    if isinstance(old, dict) and isinstance(new, dict):
        open_now = {OPEN: old.get(OPEN, IGNORED)} if OPEN in new else {}
        return {key: _laxer(old.get(key), value) for key, value in new.items()} | open_now
    if isinstance(old, list) and isinstance(new, list):
        return [new[0], _laxer(old[1], new[1])]
    return new


def _begins_after(row: Mapping[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Whether no answer is for a release that a row covers."""
    end = parse_version(row["exact"].partition("..")[2])
    return all(parse_version(later["exact"].partition("..")[0]) >= end for later in rows)


def differing(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the places at which an older release has a setting that the newer one lacks, or another shape."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old):
            if key in new:
                yield from differing(old[key], new[key], (*path, key))
            else:
                yield (*path, key)
    elif isinstance(old, list) and isinstance(new, list) and old[0] == new[0]:
        yield from differing(old[1], new[1], (*path, ENTRY))
    elif new not in (old, ANY):
        yield path


def _needs(name: str) -> dict[str, Any]:
    """Return which keys a component needs, always and when a pipeline uses it."""
    keys = {"needs": facts.NEEDS.get(name), "when_used": facts.WHEN_USED.get(name)}
    return {key: value for key, value in keys.items() if value}


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
    rows = {}
    for name, node in written.items():
        rows[name] = _row(name, _published_settings(node, shared, known), facts.READ) | certain
    return rows


def _published_settings(node: Any, shared: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """Return what published.yml says of a place as a row has it."""
    if isinstance(node, dict):
        merged: dict[str, Any] = {}
        for part in node.get(WITH, ()):
            merged |= _published_settings(part, shared, known)
        own = {key: _published_settings(value, shared, known) for key, value in node.items() if key != WITH}
        return merged | own
    if isinstance(node, list):
        entry = _published_settings(node[0], shared, known)
        return ["sl" if entry in ("s", ANY) else "l", entry]
    if node.startswith(SHARED):
        return _published_settings(shared[node.removeprefix(SHARED)], shared, known)
    if node.startswith(COPY):
        return _copied(node.removeprefix(COPY), known)
    return SHAPES[node]


def _copied(place: str, known: Mapping[str, Any]) -> Any:
    """Return the settings at a place of another component, such as `exporters/otlp:sending_queue`."""
    component, _colon, path = place.partition(":")
    settings = known[component][0]["fields"]
    for key in filter(None, path.split(".")):
        settings = settings[key]
    return settings


def _with_facts(name: str, fields: Any) -> Any:
    """Return the settings of a component with what its decoder does not tell: types, and the words that it takes."""
    shapes = dict.fromkeys(facts.ANYTHING, ANY) | facts.TYPED
    words = {place: _words(text) for place, text in facts.ONE_OF.items()}
    # Words follow the letters of a type, so they come after the types.
    for place, shape in (*shapes.items(), *words.items()):
        component, _colon, path = place.partition(":")
        if component == name:
            fields = _put(fields, path.split("."), shape)
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
    """Yield a mapping of settings, and those in it."""
    if isinstance(node, list):
        yield from _mappings(node[1])
    elif isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _mappings(child)


def _labels_of_shared(all_fields: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return a label for each mapping, as JSON, that stands in several places: `#0`, `#1` and so on."""
    places = Counter[str]()
    for fields in all_fields:
        for child in fields.values():
            places.update(json.dumps(node, sort_keys=True) for node in _mappings(child) if len(node) >= SHARED_FROM)
    shared = sorted(text for text, count in places.items() if count > 1)
    return {text: f"#{number}" for number, text in enumerate(shared)}


def _labelled_fields(fields: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """Return settings with labels in place of shared mappings below them."""
    return {key: _labelled(child, labels) for key, child in sorted(fields.items())}


def _labelled(node: Any, labels: Mapping[str, str]) -> Any:
    """Return the label of a node, if it is a shared mapping, else the node with labels below it."""
    if isinstance(node, list):
        return [node[0], _labelled(node[1], labels)]
    if not isinstance(node, dict):
        return node
    return labels.get(json.dumps(node, sort_keys=True)) or _labelled_fields(node, labels)


def main(paths: list[str]) -> None:
    """Read the answers and write the table, one row per line."""
    rows = json.loads(facts.TARGET.read_text(encoding="utf-8"))
    write(table(rows, [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]))


def write(rows: list[dict[str, Any]]) -> None:
    """Write the table, one row per line."""
    facts.TARGET.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
