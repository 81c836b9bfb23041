# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on shape: sections, keys, ids and pipeline names.

Source of each: the Collector's otelcol/unmarshaler.go, component/identifiable.go and pipeline/pipeline.go. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    service.pipelines.traces.connectors: error [unknown-key] unknown key 'connectors'. Known here: receivers,
    processors, exporters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from ..config.component_ids import trim_id
from ..config.paths import PIPELINE_SIGNALS, ROLES, SECTIONS, Path, mapping_at, value_at
from ..errors import suggest_word
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

TOP_LEVEL_KEYS = (*SECTIONS, "service")
SERVICE_KEYS = ("extensions", "pipelines", "telemetry")
PIPELINE_KEYS = tuple(ROLES)
MUST_BE_MAPPINGS: tuple[Path, ...] = (
    *((name,) for name in TOP_LEVEL_KEYS),
    ("service", "pipelines"),
    ("service", "telemetry"),
)

TYPE_PATTERN = re.compile(r"[a-zA-Z][0-9a-zA-Z_]{0,62}\Z")
LONGEST_NAME = 1024
# The first letters of the Unicode categories that no name has: separators (Z), control characters (C) and symbols (S).
_NOT_IN_NAMES = "ZCS"

_TYPES_IN_WORDS = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}


def not_a_mapping(subject: Subject) -> Iterator[Fault]:
    """Yield values that must be mappings and are not."""
    if not isinstance(subject.config, dict):
        yield Fault((), f"a collector config is a mapping, not {_describe_type(subject.config)}")
        return
    pipelines = mapping_at(subject.config, "service", "pipelines")
    pipeline_paths: list[Path] = [("service", "pipelines", name) for name in pipelines]
    for path in (*MUST_BE_MAPPINGS, *pipeline_paths):
        value = value_at(subject.config, path)
        is_accepted = value is None or isinstance(value, dict) or is_expression(value)
        if not is_accepted:
            yield Fault(path, f"this must be a mapping, not {_describe_type(value)}")


@about("duplicate_keys")
def duplicate_key(subject: Subject) -> Iterator[Fault]:
    """Yield duplicate keys in a mapping; the Collector rejects them."""
    for path, position in subject.duplicate_keys:
        key = f"key '{path[-1]}'" if path else "the key of this config"  # `config:` twice in a custom resource
        yield Fault(path, f"{key} is duplicated", "Keep one of the two.", position)


def not_a_list(subject: Subject) -> Iterator[Fault]:
    """Yield lists of ids that are not lists, or that contain other values."""
    for path, ids in _list_id_lists(subject):
        if isinstance(ids, list):
            yield from _find_ids_that_are_no_text(ids, path)
        elif ids is not None and not is_expression(ids):
            message = f"this must be a list of component ids, not {_describe_type(ids)}"
            fix = f"Write `[{ids}]`." if isinstance(ids, str) else ""
            yield Fault(path, message, fix)


def _find_ids_that_are_no_text(ids: list[Any], path: Path) -> Iterator[Fault]:
    for index, component_id in enumerate(ids):
        if not isinstance(component_id, str):
            yield Fault((*path, index), f"a component id is text, not {_describe_type(component_id)}")


def unknown_section(subject: Subject) -> Iterator[Fault]:
    """Yield top-level keys that the Collector does not know."""
    yield from _find_unknown_keys(subject.config, TOP_LEVEL_KEYS, ())


def unknown_key(subject: Subject) -> Iterator[Fault]:
    """Yield keys below `service` and in pipelines that the Collector does not know."""
    yield from _find_unknown_keys(mapping_at(subject.config, "service"), SERVICE_KEYS, ("service",))
    for name, pipeline in mapping_at(subject.config, "service", "pipelines").items():
        yield from _find_unknown_keys(pipeline, PIPELINE_KEYS, ("service", "pipelines", name))


def invalid_id(subject: Subject) -> Iterator[Fault]:
    """Yield component ids that are not `type` or `type/name`."""
    for name in SECTIONS:
        for component_id in mapping_at(subject.config, name):
            trimmed_component_id = trim_id(component_id)
            problem = explain_id_problem(trimmed_component_id)
            if problem:
                message = f"'{component_id}' is not a component id: {problem}"
                yield Fault((name, component_id), message, "Write `type` or `type/name`.")
            elif component_id != trimmed_component_id:
                message = f"the white space in '{component_id}' is dropped, and with it the settings"
                yield Fault((name, component_id), message, f"Write `{trimmed_component_id}`.", severity="warning")


def invalid_pipeline_key(subject: Subject) -> Iterator[Fault]:
    """Yield pipeline keys that are not `signal` or `signal/name`."""
    for key in mapping_at(subject.config, "service", "pipelines"):
        signal, slash, name = str(trim_id(key)).partition("/")
        path: Path = ("service", "pipelines", key)
        if signal not in PIPELINE_SIGNALS:
            yield Fault(
                path,
                f"'{signal}' is not a signal{suggest_word(signal, PIPELINE_SIGNALS)}",
                f"Use one of {', '.join(PIPELINE_SIGNALS)}.",
            )
        elif slash and not _is_valid_name(name):
            yield Fault(path, f"'{key}' has an empty or malformed name after the slash", "Write `signal/name`.")


def is_expression(value: object) -> bool:
    """Whether a value is an expression that the Collector expands, possibly to a whole section."""
    return isinstance(value, str) and "${" in value


def explain_id_problem(component_id: object) -> str:
    """Return why this is not a component id, or nothing."""
    if not isinstance(component_id, str):
        return f"it is {_describe_type(component_id)}, not text"
    kind, separator, name = component_id.partition("/")
    if not TYPE_PATTERN.match(kind):
        return "the type has letters, digits and underscores, starts with a letter and has at most 63 characters"
    if separator and not _is_valid_name(name):
        return "the name after the slash is empty or has white space or symbols"
    return ""


def _is_valid_name(name: str) -> bool:
    """Whether a text is short enough for a name, and has no separators, control characters or symbols."""
    if not 0 < len(name) <= LONGEST_NAME:
        return False
    return all(unicodedata.category(character)[0] not in _NOT_IN_NAMES for character in name)


def _list_id_lists(subject: Subject) -> Iterator[tuple[Path, object]]:
    """Yield path and value of `service.extensions` and of each list in a pipeline, whatever stands there."""
    service = mapping_at(subject.config, "service")
    if "extensions" in service:
        yield ("service", "extensions"), service["extensions"]
    for name, pipeline in mapping_at(service, "pipelines").items():
        for key in PIPELINE_KEYS:
            if isinstance(pipeline, dict) and key in pipeline:
                yield ("service", "pipelines", name, key), pipeline[key]


def _find_unknown_keys(mapping: object, known_keys: tuple[str, ...], path: Path) -> Iterator[Fault]:
    """Yield the keys of a mapping that are not among the known ones."""
    if not isinstance(mapping, dict):
        return
    for key in mapping:
        if key not in known_keys:
            yield Fault(
                (*path, key),
                f"unknown key '{key}'{suggest_word(str(key), known_keys)}",
                f"Known here: {', '.join(known_keys)}.",
            )


def _describe_type(value: object) -> str:
    return _TYPES_IN_WORDS.get(type(value), f"a {type(value).__name__}")


# Rules whose findings make other rules meaningless.
MALFORMED_RULES = ("invalid-id", "not-a-list", "not-a-mapping")
RULES = (
    *define_rules(
        "error", duplicate_key, not_a_mapping, not_a_list, unknown_section, unknown_key, invalid_id, shared=True
    ),
    *define_rules("error", invalid_pipeline_key, shared=True),
)
