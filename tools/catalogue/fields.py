# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes _data/catalogue/fields.json, which says for each component what settings its decoder takes.

Each row of the table is made of three sources: the answer of a Collector of a release, the hand-written facts in
`fields_facts.py`, and for components that no Collector was asked about, `published.yml`. The program that asks a
Collector is `fields.go` beside this file; its answer has the form of `ComponentsAnswer` below.

`python -m tools.follow` asks each release and calls `build_table`. For answers from elsewhere, run:

    python -m tools.catalogue.fields answers.json …

README.md says how a row and its settings are read.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import yaml

from plugins.module_utils._otelcol.config.collector_versions import parse_version

from . import fields_facts as facts
from .versions import following_release

# Settings in the table are nodes: a mapping `{key: node}`, a list `[letters, node of an item]`, or letters such as
# `dsif`. These are the words and keys in them that mean something else.
ANY_SHAPE = "?"
OPEN_KEY = "..."  # a mapping with this key takes unknown keys; its value says since when it does
ENTRY_KEY = "*"  # any key of a mapping; in a path also any item of a list
IGNORED = "ignored"  # the value of OPEN_KEY where a release takes unknown keys that the release before refused
LAX_MARK = "?"  # the last key of a path in `more`: unknown keys are taken there

# A mapping with fewer keys is written at each of its places.
MIN_SHARED_KEYS = 3

# The notation of published.yml: `@receivers/otlp:protocols.grpc` copies the settings at that place, `$tls` those of the
# section `shared`, `with` lists what a mapping takes over, and a letter stands for the letters of the table.
PUBLISHED_FILE = Path(__file__).with_name("published.yml")
COPY_PREFIX, SHARED_PREFIX, WITH_KEY = "@", "$", "with"
LETTERS_BY_PUBLISHED_SHAPE = {"s": "s", "i": "if", "b": "b", "d": "dsif", "any": ANY_SHAPE}


class FieldRow(TypedDict, total=False):
    """A row of fields.json: the settings of a component for a range of versions, or a shared mapping."""

    section: str
    type: str
    exact: str
    """The range of versions for which the settings are known, such as `0.155.0..0.160.0`."""
    fields: Any
    """The node of the settings."""
    more: dict[str, list[str]]
    """By range of versions, the paths at which its versions may have a setting that is not in `fields`."""
    asked: str
    """The newest release whose Collector told its settings and its signals."""
    doubt: str
    """Why the settings may be wrong; only in rows of published.yml."""
    needs: list[list[str]]
    """Lists of keys, of which one each is required."""
    when_used: list[str]
    """The rules that hold only for a component in a pipeline."""
    define: str
    """The label of a shared mapping, such as `#4`. A row with it has only `fields` besides."""


class ComponentsAnswer(TypedDict, total=False):
    """What a Collector told of its components; fields.go has the form. The settings are by component name."""

    version: str
    fields: dict[str, Any]
    stability: dict[str, dict[str, str]]
    """The level of each signal, such as `{"traces": "beta"}`. Answers of older programs lack it."""
    aliases: dict[str, str]
    """By older name, such as `receivers/filelog`, the type that it stands for, such as `file_log`."""


RowsByComponent = dict[str, list[FieldRow]]
"""The rows of each component, such as `receivers/otlp`, in the order of versions."""


class VersionRange(NamedTuple):
    """The versions from the first one up to one that is no longer in the range."""

    since: str
    until: str

    @classmethod
    def of_row(cls, row: FieldRow) -> VersionRange:
        """Return the versions for which the settings of a row are known."""
        since, _dots, until = row["exact"].partition("..")
        return cls(since, until)

    def __str__(self) -> str:
        return f"{self.since}..{self.until}"


def main(paths: Sequence[str]) -> None:
    """Add the answers in these files to the table."""
    rows: list[FieldRow] = json.loads(facts.FIELDS_FILE.read_text(encoding="utf-8"))
    answers: list[ComponentsAnswer] = [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]
    write_table(build_table(rows, answers))


def write_table(rows: Iterable[FieldRow]) -> None:
    """Write the table, one row per line."""
    facts.FIELDS_FILE.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")


def build_table(rows: Iterable[FieldRow], answers: Iterable[ComponentsAnswer]) -> list[FieldRow]:
    """Return the rows of the table: those of components by name, then one per mapping that stands in several places.

    `rows` is today's table. A component without an answer keeps its rows, because no build has all components.
    """
    component_rows = join_answers(group_by_component(rows), answers)
    _add_published_rows(component_rows)
    whole_rows: list[FieldRow] = []
    for name in sorted(component_rows):
        for row in component_rows[name]:
            whole_rows.append(_replace_fields(row, _add_facts(name, row["fields"])))
    label_by_mapping = _label_shared_mappings([row["fields"] for row in whole_rows])
    table: list[FieldRow] = []
    for row in whole_rows:
        labelled_row = _replace_fields(row, _apply_labels(row["fields"], label_by_mapping))
        _set_needed_keys(labelled_row)
        table.append(labelled_row)
    for mapping_text, label in label_by_mapping.items():
        table.append({"define": label, "fields": _apply_labels(json.loads(mapping_text), label_by_mapping)})
    return table


def _component_name(row: FieldRow) -> str:
    """Return the component of a row, such as `receivers/otlp`."""
    return f"{row['section']}/{row['type']}"


def _replace_fields(row: FieldRow, fields: Any) -> FieldRow:
    """Return a copy of a row with other settings. The order of its keys stays, since the table is written in it."""
    changed_row = row.copy()
    changed_row["fields"] = fields
    return changed_row


def _set_needed_keys(row: FieldRow) -> None:
    """Let a row say which keys its component needs, always and when a pipeline uses it."""
    name = _component_name(row)
    if name in facts.NEEDED_KEYS:
        row["needs"] = facts.NEEDED_KEYS[name]
    if name in facts.WHEN_USED:
        row["when_used"] = facts.WHEN_USED[name]


# ── Rows of today's table and of answers ──


def group_by_component(rows: Iterable[FieldRow]) -> RowsByComponent:
    """Return the rows of each component whose decoder was asked, with the mapping itself in place of each label."""
    all_rows = list(rows)
    mapping_by_label = {row["define"]: row["fields"] for row in all_rows if "define" in row}
    component_rows: RowsByComponent = {}
    for row in all_rows:
        is_told_by_decoder = "type" in row and "doubt" not in row
        if is_told_by_decoder:
            expanded_row = _replace_fields(row, _expand_labels(row["fields"], mapping_by_label))
            component_rows.setdefault(_component_name(row), []).append(expanded_row)
    return component_rows


def _expand_labels(node: Any, mapping_by_label: Mapping[str, Any]) -> Any:
    """Return a node with the mapping itself in place of each label."""
    if isinstance(node, dict):
        return {key: _expand_labels(child, mapping_by_label) for key, child in node.items()}
    if isinstance(node, list):
        return [node[0], _expand_labels(node[1], mapping_by_label)]
    if node in mapping_by_label:
        return _expand_labels(mapping_by_label[node], mapping_by_label)
    return node


def join_answers(component_rows: RowsByComponent, answers: Iterable[ComponentsAnswer]) -> RowsByComponent:
    """Add the settings that answers tell to the rows of their components, and return the rows."""
    for answer in sorted(answers, key=lambda unsorted_answer: parse_version(unsorted_answer["version"])):
        for name, told_fields in answer["fields"].items():
            if name in facts.OUTDATED:
                continue
            new_row = _build_row(name, _add_facts(name, told_fields), answer["version"])
            if "stability" in answer:
                new_row["asked"] = answer["version"]
            component_rows[name] = _append_answer(component_rows.get(name, []), new_row)
    return component_rows


def _build_row(name: str, fields: Any, version: str) -> FieldRow:
    """Return the row of a component that holds for one release."""
    section, _slash, component_type = name.partition("/")
    release_range = VersionRange(version, following_release(version))
    return {"section": section, "type": component_type, "exact": str(release_range), "fields": fields}


def _append_answer(rows: list[FieldRow], new_row: FieldRow) -> list[FieldRow]:
    """Return the rows of a component with that of an answer, which is about one release.

    - A release that the last row covers: the answer replaces the settings of that row.
    - A later release with equal settings: the last row covers it too, and all releases between.
    - A later release with other settings: it begins a row. The releases between may have what either of the two has, so
      the new row covers them, and its `more` lists the paths that only the last row has.
    """
    if not rows:
        return [new_row]
    *earlier_rows, last_row = rows
    new_row = _replace_fields(new_row, _mark_newly_open(last_row["fields"], new_row["fields"]))
    covered, asked = VersionRange.of_row(last_row), VersionRange.of_row(new_row)
    if parse_version(asked.since) < parse_version(covered.until):
        return [*earlier_rows, _merge_rows(last_row, new_row, covered)]
    if last_row["fields"] == new_row["fields"]:
        return [*earlier_rows, _merge_rows(last_row, new_row, VersionRange(covered.since, asked.until))]
    new_row["exact"] = str(VersionRange(covered.until, asked.until))
    has_releases_between = covered.until != asked.since
    if has_releases_between:
        lost_paths = [_format_path(path) for path in find_differences(last_row["fields"], new_row["fields"])]
        if lost_paths:
            new_row["more"] = {str(VersionRange(covered.until, asked.since)): lost_paths}
    return [*rows, new_row]


def _merge_rows(row: FieldRow, new_row: FieldRow, versions: VersionRange) -> FieldRow:
    """Return a row with the values of a newer one, for a range of versions."""
    merged_row = row.copy()
    merged_row.update(new_row)
    merged_row["exact"] = str(versions)
    return merged_row


def _mark_newly_open(old_node: Any, new_node: Any) -> Any:
    """Return the settings of a release, marked where it takes unknown keys that the release before refused."""
    if isinstance(old_node, dict) and isinstance(new_node, dict):
        marked_node = {key: _mark_newly_open(old_node.get(key), child) for key, child in new_node.items()}
        if OPEN_KEY in new_node:
            marked_node[OPEN_KEY] = old_node.get(OPEN_KEY, IGNORED)
        return marked_node
    if isinstance(old_node, list) and isinstance(new_node, list):
        return [new_node[0], _mark_newly_open(old_node[1], new_node[1])]
    return new_node


def find_differences(old_node: Any, new_node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths at which an older release has a setting that the newer one lacks, or takes another shape."""
    if isinstance(old_node, dict) and isinstance(new_node, dict):
        for key in sorted(old_node):
            if key in new_node:
                yield from find_differences(old_node[key], new_node[key], (*path, key))
            else:
                yield (*path, key)
    elif isinstance(old_node, list) and isinstance(new_node, list) and old_node[0] == new_node[0]:
        yield from find_differences(old_node[1], new_node[1], (*path, ENTRY_KEY))
    elif new_node not in (old_node, ANY_SHAPE):
        yield path


def _format_path(path: tuple[str, ...]) -> str:
    """Return a path as `more` has it, such as `tls.insecure`, or `tls.?` where unknown keys are taken."""
    return ".".join(LAX_MARK if key == OPEN_KEY else key for key in path)


# ── Rows of published.yml ──


def _add_published_rows(component_rows: RowsByComponent) -> None:
    """Put the row of published.yml before those of a component, unless an answer is for a release that it covers."""
    for name, row in _read_published_rows(component_rows).items():
        told_rows = component_rows.get(name, [])
        if _ends_before(row, told_rows):
            component_rows[name] = [row, *told_rows]


def _ends_before(row: FieldRow, later_rows: Iterable[FieldRow]) -> bool:
    """Whether the versions of a row end before those of all other rows begin."""
    row_end = parse_version(VersionRange.of_row(row).until)
    return all(parse_version(VersionRange.of_row(later_row).since) >= row_end for later_row in later_rows)


def _read_published_rows(component_rows: RowsByComponent) -> dict[str, FieldRow]:
    """Return the rows of published.yml by component. Faults by them are warnings, since no decoder was asked."""
    published_nodes = yaml.safe_load(PUBLISHED_FILE.read_text(encoding="utf-8"))
    shared_nodes = published_nodes.pop("shared")
    rows: dict[str, FieldRow] = {}
    for name, node in published_nodes.items():
        row = _build_row(name, _convert_published(node, shared_nodes, component_rows), facts.READ_RELEASE)
        row["exact"] = facts.PUBLISHED_FOR
        row["doubt"] = facts.PUBLISHED_DOUBT
        rows[name] = row
    return rows


def _convert_published(node: Any, shared_nodes: Mapping[str, Any], component_rows: RowsByComponent) -> Any:
    """Return a node of published.yml in the notation of the table."""
    if isinstance(node, dict):
        settings: dict[str, Any] = {}
        for taken_over in node.get(WITH_KEY, ()):
            settings |= _convert_published(taken_over, shared_nodes, component_rows)
        for key, child in node.items():
            if key != WITH_KEY:
                settings[key] = _convert_published(child, shared_nodes, component_rows)
        return settings
    if isinstance(node, list):
        item_node = _convert_published(node[0], shared_nodes, component_rows)
        takes_text_too = item_node in ("s", ANY_SHAPE)
        return ["sl" if takes_text_too else "l", item_node]
    if node.startswith(SHARED_PREFIX):
        return _convert_published(shared_nodes[node.removeprefix(SHARED_PREFIX)], shared_nodes, component_rows)
    if node.startswith(COPY_PREFIX):
        return _copy_settings(node.removeprefix(COPY_PREFIX), component_rows)
    return LETTERS_BY_PUBLISHED_SHAPE[node]


def _copy_settings(place: str, component_rows: RowsByComponent) -> Any:
    """Return the settings at a place of another component, such as `exporters/otlp:sending_queue`."""
    component, _colon, path = place.partition(":")
    node = component_rows[component][0]["fields"]
    for key in filter(None, path.split(".")):
        node = node[key]
    return node


# ── Facts of fields_facts.py ──


def _add_facts(name: str, fields: Any) -> Any:
    """Return the settings of a component with what its decoder does not tell: shapes, and the words that it takes."""
    node_by_place: dict[str, Any] = dict.fromkeys(facts.UNJUDGED_PLACES, ANY_SHAPE) | facts.TYPED_PLACES
    for place, node in node_by_place.items():
        component, _colon, path = place.partition(":")
        if component == name:
            fields = _set_node(fields, path.split("."), node)
    # Words follow the letters of a shape, so they come after the shapes.
    for place, words in facts.ALLOWED_WORDS.items():
        component, _colon, path = place.partition(":")
        if component == name:
            fields = _set_words(fields, path.split("."), _format_words(words))
    return fields


def _set_node(node: Any, path: list[str], new_node: Any) -> Any:
    """Return a copy of a node with another node at a path. Raises KeyError for a path that leads nowhere."""
    if not path:
        return new_node
    key, *later_keys = path
    if isinstance(node, list):
        return [node[0], _set_node(node[1], later_keys, new_node)]
    return {**node, key: _set_node(node[key], later_keys, new_node)}


def _set_words(node: Any, path: list[str], words: str) -> Any:
    """Return a copy of a node in which the letters at a path have these words, such as `=a|b`, and no others."""
    letters = node
    for key in path:
        letters = letters[1] if isinstance(letters, list) else letters[key]
    return _set_node(node, path, re.split("[=~]", letters)[0] + words)


def _format_words(marked_words: str) -> str:
    """Return words in the notation of the table: `~a|b` for `~a b`. The first character says whether case counts."""
    case_mark, words = marked_words[0], marked_words[1:].split()
    return case_mark + "|".join("" if word == facts.EMPTY_TEXT else word for word in words)


# ── Mappings that stand in several places ──


def _label_shared_mappings(all_fields: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return a label, `#0`, `#1` and so on, for each mapping that stands in several places, by the mapping as JSON."""
    place_counts: Counter[str] = Counter()
    for fields in all_fields:
        for node in fields.values():
            for mapping in _list_mappings(node):
                if len(mapping) >= MIN_SHARED_KEYS:
                    place_counts[_format_mapping(mapping)] += 1
    shared_texts = sorted(text for text, count in place_counts.items() if count > 1)
    return {text: f"#{number}" for number, text in enumerate(shared_texts)}


def _list_mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Yield a node if it is a mapping, and the mappings in it."""
    if isinstance(node, list):
        yield from _list_mappings(node[1])
    elif isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _list_mappings(child)


def _apply_labels(fields: Mapping[str, Any], label_by_mapping: Mapping[str, str]) -> dict[str, Any]:
    """Return settings, sorted by key, with labels in place of the shared mappings in them."""
    return {key: _apply_label(child, label_by_mapping) for key, child in sorted(fields.items())}


def _apply_label(node: Any, label_by_mapping: Mapping[str, str]) -> Any:
    """Return the label of a node, if it is a shared mapping, else the node with labels below it."""
    if isinstance(node, list):
        return [node[0], _apply_label(node[1], label_by_mapping)]
    if not isinstance(node, dict):
        return node
    label = label_by_mapping.get(_format_mapping(node))
    return label or _apply_labels(node, label_by_mapping)


def _format_mapping(mapping: Mapping[str, Any]) -> str:
    """Return a mapping as JSON that is the same for equal mappings, whatever the order of their keys."""
    return json.dumps(mapping, sort_keys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
