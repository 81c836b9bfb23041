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
from .versions import following_release

ANY_SHAPE = "?"
OPEN_KEY = "..."
IGNORED = "ignored"  # what OPEN has where a release takes unknown keys that the one before refused
LAX_MARK = "?"  # the last key of a path in `more`: takes unknown keys
ENTRY_KEY = "*"  # any key of a mapping, any item of a list
SHARED_FROM = 3  # keys: smaller mappings are written where they are
PUBLISHED_FILE = Path(__file__).with_name("published.yml")
COPY_PREFIX, SHARED_PREFIX, WITH_KEY = "@", "$", "with"
SHAPES = {"s": "s", "i": "if", "b": "b", "d": "dsif", "any": ANY_SHAPE}  # of published.yml


def build_table(rows: Iterable[Mapping[str, Any]], answers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the table: one per component, then one per mapping that stands in several places.

    Answers replace rows of today's table. A row without an answer stays, because no build has all components.
    """
    component_rows = join_answers(group_by_component(rows), answers)
    for name, row in _read_published(component_rows).items():
        if _begins_after(row, component_rows.get(name, [])):
            component_rows[name] = [row, *component_rows.get(name, [])]
    whole_rows = []
    for name in sorted(component_rows):
        for row in component_rows[name]:
            whole_rows.append(row | {"fields": _add_facts(name, row["fields"])})
    labels = _label_shared([row["fields"] for row in whole_rows])
    result = []
    for row in whole_rows:
        result.append(row | _needed_keys(_component_name(row)) | {"fields": _apply_labels(row["fields"], labels)})
    for text, label in labels.items():
        result.append({"define": label, "fields": _apply_labels(json.loads(text), labels)})
    return result


def group_by_component(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each component whose decoder was asked, with each label replaced by its mapping."""
    settings_by_label = {row["define"]: row["fields"] for row in rows if "define" in row}
    component_rows: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if "type" in row and "doubt" not in row:
            component_rows.setdefault(_component_name(row), []).append(
                {**row, "fields": _expand_labels(row["fields"], settings_by_label)}
            )
    return component_rows


def join_answers(
    component_rows: dict[str, list[dict[str, Any]]], answers: Iterable[Mapping[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each component with those of answers, in the order of releases."""
    for answer in sorted(answers, key=lambda unsorted_answer: parse_version(unsorted_answer["version"])):
        for name, told_fields in answer["fields"].items():
            if name not in facts.OUTDATED:
                row = _build_row(name, _add_facts(name, told_fields), answer["version"])
                asked_version = {"asked": answer["version"]} if "stability" in answer else {}
                component_rows[name] = _append_answer(component_rows.get(name, []), row | asked_version)
    return component_rows


def _component_name(row: Mapping[str, Any]) -> str:
    """Return the component of a row, such as `receivers/otlp`."""
    return f"{row['section']}/{row['type']}"


def _build_row(name: str, fields: Any, version: str) -> dict[str, Any]:
    """Return the row of a component that holds for one version."""
    section, _slash, kind = name.partition("/")
    return {"section": section, "type": kind, "exact": f"{version}..{following_release(version)}", "fields": fields}


def _append_answer(rows: list[dict[str, Any]], new_row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a component with the answer of another release, in the order of releases.

    A release between two answers may have what either of them has. An answer for a release that a row covers replaces
    the settings of that row.
    """
    if not rows:
        return [new_row]
    last_row = rows[-1]
    new_row = new_row | {"fields": _mark_open_settings(last_row["fields"], new_row["fields"])}
    covered_since, _dots, covered_until = last_row["exact"].partition("..")
    asked_version, _dots, new_until = new_row["exact"].partition("..")
    if parse_version(asked_version) < parse_version(covered_until):
        return [*rows[:-1], last_row | new_row | {"exact": last_row["exact"]}]
    if last_row["fields"] == new_row["fields"]:
        return [*rows[:-1], last_row | new_row | {"exact": f"{covered_since}..{new_until}"}]
    difference_paths = find_differences(last_row["fields"], new_row["fields"]) if covered_until != asked_version else ()
    removed_paths = [".".join(LAX_MARK if key == OPEN_KEY else key for key in path) for path in difference_paths]
    additional_keys = {"more": {f"{covered_until}..{asked_version}": removed_paths}} if removed_paths else {}
    return [*rows, new_row | {"exact": f"{covered_until}..{new_until}"} | additional_keys]


def _mark_open_settings(old_settings: Any, new_settings: Any) -> Any:
    """Return the settings of a release, marked where it takes unknown keys that the release before refused."""
    if isinstance(old_settings, dict) and isinstance(new_settings, dict):
        open_entry = {OPEN_KEY: old_settings.get(OPEN_KEY, IGNORED)} if OPEN_KEY in new_settings else {}
        return {
            key: _mark_open_settings(old_settings.get(key), value) for key, value in new_settings.items()
        } | open_entry
    if isinstance(old_settings, list) and isinstance(new_settings, list):
        return [new_settings[0], _mark_open_settings(old_settings[1], new_settings[1])]
    return new_settings


def _begins_after(row: Mapping[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Whether no answer is for a release that a row covers."""
    row_end = parse_version(row["exact"].partition("..")[2])
    return all(parse_version(later_row["exact"].partition("..")[0]) >= row_end for later_row in rows)


def find_differences(old_settings: Any, new_settings: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the places at which an older release has a setting that the newer one lacks, or another shape."""
    if isinstance(old_settings, dict) and isinstance(new_settings, dict):
        for key in sorted(old_settings):
            if key in new_settings:
                yield from find_differences(old_settings[key], new_settings[key], (*path, key))
            else:
                yield (*path, key)
    elif isinstance(old_settings, list) and isinstance(new_settings, list) and old_settings[0] == new_settings[0]:
        yield from find_differences(old_settings[1], new_settings[1], (*path, ENTRY_KEY))
    elif new_settings not in (old_settings, ANY_SHAPE):
        yield path


def _needed_keys(name: str) -> dict[str, Any]:
    """Return which keys a component needs, always and when a pipeline uses it."""
    needed_keys = {"needs": facts.NEEDED_KEYS.get(name), "when_used": facts.WHEN_USED.get(name)}
    return {key: value for key, value in needed_keys.items() if value}


def _expand_labels(node: Any, settings_by_label: Mapping[str, Any]) -> Any:
    """Return the settings of a row with each label replaced by its mapping."""
    if isinstance(node, dict):
        return {key: _expand_labels(value, settings_by_label) for key, value in node.items()}
    if isinstance(node, list):
        return [node[0], _expand_labels(node[1], settings_by_label)]
    return _expand_labels(settings_by_label[node], settings_by_label) if node in settings_by_label else node


def _read_published(component_rows: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the rows of published.yml. Their faults are warnings, since no decoder was asked."""
    published_settings = yaml.safe_load(PUBLISHED_FILE.read_text(encoding="utf-8"))
    shared_settings = published_settings.pop("shared")
    common_fields = {"exact": facts.PUBLISHED_FOR, "doubt": facts.PUBLISHED_DOUBT}
    rows = {}
    for name, node in published_settings.items():
        rows[name] = (
            _build_row(name, _convert_published(node, shared_settings, component_rows), facts.READ_RELEASE)
            | common_fields
        )
    return rows


def _convert_published(node: Any, shared_settings: Mapping[str, Any], component_rows: Mapping[str, Any]) -> Any:
    """Return what published.yml says of a place as a row has it."""
    if isinstance(node, dict):
        merged_settings: dict[str, Any] = {}
        for merged_node in node.get(WITH_KEY, ()):
            merged_settings |= _convert_published(merged_node, shared_settings, component_rows)
        own_settings = {
            key: _convert_published(value, shared_settings, component_rows)
            for key, value in node.items()
            if key != WITH_KEY
        }
        return merged_settings | own_settings
    if isinstance(node, list):
        entry = _convert_published(node[0], shared_settings, component_rows)
        return ["sl" if entry in ("s", ANY_SHAPE) else "l", entry]
    if node.startswith(SHARED_PREFIX):
        return _convert_published(shared_settings[node.removeprefix(SHARED_PREFIX)], shared_settings, component_rows)
    if node.startswith(COPY_PREFIX):
        return _copy_settings(node.removeprefix(COPY_PREFIX), component_rows)
    return SHAPES[node]


def _copy_settings(place: str, component_rows: Mapping[str, Any]) -> Any:
    """Return the settings at a place of another component, such as `exporters/otlp:sending_queue`."""
    component, _colon, path = place.partition(":")
    settings = component_rows[component][0]["fields"]
    for key in filter(None, path.split(".")):
        settings = settings[key]
    return settings


def _add_facts(name: str, fields: Any) -> Any:
    """Return the settings of a component with what its decoder does not tell: types, and the words that it takes."""
    shapes = dict.fromkeys(facts.UNJUDGED_PLACES, ANY_SHAPE) | facts.TYPED_PLACES
    words = {place: _format_words(text) for place, text in facts.ALLOWED_WORDS.items()}
    # Words follow the letters of a type, so they come after the types.
    for place, shape in (*shapes.items(), *words.items()):
        component, _colon, path = place.partition(":")
        if component == name:
            fields = _set_at_path(fields, path.split("."), shape)
    return fields


def _format_words(words: str) -> str:
    """Return the words as they follow the letters of a value's shapes."""
    return words[0] + "|".join("" if word == facts.EMPTY_TEXT else word for word in words[1:].split())


def _set_at_path(settings_node: Any, path: list[str], value: Any) -> Any:
    """Return a copy of a node with anything, with fields, or with words, at a path; it has to lead somewhere."""
    if not path:
        return re.split("[=~]", settings_node)[0] + value if isinstance(value, str) and value != ANY_SHAPE else value
    if isinstance(settings_node, list):
        return [settings_node[0], _set_at_path(settings_node[1], path[1:], value)]
    return {**settings_node, path[0]: _set_at_path(settings_node[path[0]], path[1:], value)}


def _list_mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Yield a mapping of settings, and those in it."""
    if isinstance(node, list):
        yield from _list_mappings(node[1])
    elif isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _list_mappings(child)


def _label_shared(all_fields: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return a label for each mapping, as JSON, that stands in several places: `#0`, `#1` and so on."""
    occurrences = Counter[str]()
    for fields in all_fields:
        for child in fields.values():
            occurrences.update(
                json.dumps(node, sort_keys=True) for node in _list_mappings(child) if len(node) >= SHARED_FROM
            )
    shared_texts = sorted(text for text, count in occurrences.items() if count > 1)
    return {text: f"#{number}" for number, text in enumerate(shared_texts)}


def _apply_labels(fields: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """Return settings with labels in place of shared mappings below them."""
    return {key: _apply_label(child, labels) for key, child in sorted(fields.items())}


def _apply_label(node: Any, labels: Mapping[str, str]) -> Any:
    """Return the label of a node, if it is a shared mapping, else the node with labels below it."""
    if isinstance(node, list):
        return [node[0], _apply_label(node[1], labels)]
    if not isinstance(node, dict):
        return node
    return labels.get(json.dumps(node, sort_keys=True)) or _apply_labels(node, labels)


def main(paths: list[str]) -> None:
    """Read the answers and write the table, one row per line."""
    rows = json.loads(facts.FIELDS_FILE.read_text(encoding="utf-8"))
    write_table(build_table(rows, [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]))


def write_table(rows: list[dict[str, Any]]) -> None:
    """Write the table, one row per line."""
    facts.FIELDS_FILE.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
