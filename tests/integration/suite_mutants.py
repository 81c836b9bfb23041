# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in a config that leave it valid: what a test of the config must notice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import combinations, pairwise
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import (
    format_path,
    iter_leaves,
    value_at,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.traits import kind_of

Config = dict[str, Any]
Mutant = tuple[str, Config]
# A word that a component knows, and another one that it takes in the same place.
WORDS = {
    **{"insert": "upsert", "upsert": "insert", "update": "insert", "delete": "hash", "hash": "delete"},
    **{"strict": "regexp", "regexp": "strict", "ignore": "propagate", "ERROR": "OK", "OK": "ERROR", "UNSET": "ERROR"},
    **{"sum": "max", "max": "min", "percent": "add", "multiply": "divide", "upper": "lower", "drop": "keep"},
    **{"pod": "namespace", "node": "pod", "namespace": "pod", "record": "traceID", "hash_seed": "proportional"},
    **{"silent": "debug", "info": "debug", "sha3": "md5", "subtract_initial_point": "true_reset_point", "s": "ms"},
    **{"resource_attribute": "connection", "env": "system", "system": "env", "int": "double", "Ok": "Error"},
    **{"body": "attributes.text", "attributes": "resource", "send": "drop", "string": "int"},
    **{"AGGREGATION_TEMPORALITY_DELTA": "AGGREGATION_TEMPORALITY_CUMULATIVE", "containerd": "docker", "os": "dns"},
}
# Keys whose values no other word can replace, but for those above.
FIXED = {"action", "metadata", "detectors", "output"}
# Labels, of which only logs and metrics of the Collector speak, and what chooses the settings beside it.
LABELS = {"type", "context", "id"}
OPERATORS = {" == ": " != ", " != ": " == ", " >= ": " < ", " < ": " >= ", " > ": " <= ", " and ": " or ", "not ": ""}
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_DURATION = re.compile(r"\d+(ms|s|m|h)\Z")
_CODE = re.compile(r"[a-z]\(|[=<>]=? | (matches|startsWith|contains) |^(log|span|datapoint|metric|resource)\.[a-z_]+\b")


def mutants(config: Config) -> Iterator[Mutant]:
    """Yield configs with one mistake each, with its name."""
    for kind in (_pipelines, _exchanged, _routes, _items, _values):
        yield from kind(config)


def _changed(config: Config, change: Callable[[Config], object]) -> Config:
    copy = deepcopy(config)
    change(copy)
    return copy


def _pipelines(config: Config) -> Iterator[Mutant]:
    """A processor is missing, two neighbours have changed places, or one of several exporters is missing."""
    for name, pipeline in config["service"]["pipelines"].items():
        place = ("service", "pipelines", name)
        for section, fewest in (("processors", 1), ("exporters", 2)):
            items = pipeline.get(section) or []
            for index, item in enumerate(items if len(items) >= fewest else ()):
                path = (*place, section)
                yield (
                    f"{format_path(place)} without {item}",
                    _changed(config, lambda c, p=path, i=index: value_at(c, p).pop(i)),
                )
        for index, pair in enumerate(pairwise(pipeline.get("processors") or ())):
            path = (*place, "processors", slice(index, index + 2))
            yield f"{format_path(place)} {pair[1]} before {pair[0]}", _changed(config, lambda c, p=path: _reverse(c, p))


def _reverse(config: Config, path: tuple[Any, ...]) -> None:
    items = value_at(config, path[:-1])
    items[path[-1]] = items[path[-1]][::-1]


def _exchanged(config: Config) -> Iterator[Mutant]:
    """Two pipelines of a signal have each other's exporters."""
    pipelines = config["service"]["pipelines"]
    for one, other in combinations(pipelines, 2):
        same_signal = one.partition("/")[0] == other.partition("/")[0]
        if same_signal and pipelines[one]["exporters"] != pipelines[other]["exporters"]:
            if {*pipelines[one]["exporters"], *pipelines[other]["exporters"]} & {*config.get("connectors", {})}:
                continue
            copy = deepcopy(config)
            two = copy["service"]["pipelines"]
            two[one]["exporters"], two[other]["exporters"] = two[other]["exporters"], two[one]["exporters"]
            yield f"exporters of {one} and {other} exchanged", copy


def _routes(config: Config) -> Iterator[Mutant]:
    """Two routes of a connector, or of an operator of file_log, lead to each other's end."""
    for component in _components(config):
        ends = [(*component, *path) for path in _ends(value_at(config, component), ())]
        for one, other in combinations(ends, 2):
            if value_at(config, one) != value_at(config, other):
                copy = deepcopy(config)
                value_at(copy, one[:-1])[one[-1]], value_at(copy, other[:-1])[other[-1]] = (
                    value_at(config, other),
                    value_at(config, one),
                )
                yield f"{format_path(one)} and {format_path(other)} exchanged", copy


def _ends(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key in ("pipelines", "default_pipelines") or (key == "output" and "routes" in path):
            yield (*path, key)
        yield from _ends(item, (*path, key))


def _components(config: Config) -> Iterator[tuple[str, ...]]:
    for section in ("receivers", "processors", "connectors"):
        for name in config.get(section) or {}:
            if section != "receivers" or kind_of(name) == "filelog":
                yield (section, name)


def _items(config: Config) -> Iterator[Mutant]:
    """One of several statements, conditions, policies, operators, routes, actions or keys is missing."""
    for component in _components(config):
        for path in _lists(value_at(config, component), component):
            for index in range(len(value_at(config, path))):
                change = _changed(config, lambda c, p=path, i=index: value_at(c, p).pop(i))
                yield f"without {format_path((*path, index))}", change


def _lists(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, list) and len(value) > 1:
        yield path
    for key, item in inside:
        yield from _lists(item, (*path, key))


def _values(config: Config) -> Iterator[Mutant]:
    """A value is another one of its type, or a statement has another condition, or none."""
    for component in _components(config):
        ends = list(_ends(value_at(config, component), ()))
        for path, value in iter_leaves(value_at(config, component)):
            key = _key(path)
            for what, other in _others(key, value) if not _is_label(path, ends) else ():
                whole = (*component, *path)
                copy = deepcopy(config)
                value_at(copy, whole[:-1])[whole[-1]] = other
                yield f"{format_path(whole)} {what}", copy


def _key(path: tuple[Any, ...]) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def _is_label(path: tuple[Any, ...], ends: list[tuple[Any, ...]]) -> bool:
    """Return whether a value is a label, or the end of a route, which `_routes` exchanges."""
    is_end = any(path[: len(end)] == end for end in ends)
    return is_end or _key(path) in LABELS or (path[-1:] == ("name",) and "policies" in path)


def _others(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, bool):
        yield "other", not value
    elif isinstance(value, (int, float)):
        yield "other", value * 10 + 1
    elif isinstance(value, str):
        yield from _texts(key, value)


def _texts(key: str, text: str) -> Iterator[tuple[str, str]]:
    if text in WORDS:
        yield "other", WORDS[text]
    elif key not in FIXED:
        yield from _conditions(text)
        if literals := [found for found in _LITERAL.finditer(text) if any(map(str.isalnum, found[1]))]:
            start, end = literals[-1].span(1)
            yield "misspelt", f"{text[:start]}{_word(literals[-1][1])}{text[end:]}"
        elif not _CODE.search(text):
            yield "misspelt", _word(text)


def _conditions(text: str) -> Iterator[tuple[str, str]]:
    if " where " in text:
        yield "without its condition", text.partition(" where ")[0]
    if operator := next((operator for operator in OPERATORS if operator in text), None):
        yield f"{operator.strip()} reversed", text.replace(operator, OPERATORS[operator], 1)


def _word(text: str) -> str:
    """Return another number or time, another word that is known, or a text with another letter."""
    if text.isdigit() or _DURATION.match(text):
        return f"1{text}"
    return WORDS.get(text) or _misspelt(text)


def _misspelt(text: str) -> str:
    """Return a text with another last letter, none that belongs to a class of a pattern or to the layout of a time."""
    for index in range(len(text) - 1, -1, -1):
        if text[index].isalnum() and (index == 0 or text[index - 1] not in "\\%?"):
            return f"{text[:index]}{'y' if text[index] == 'x' else 'x'}{text[index + 1 :]}"
    return f"{text}x"
