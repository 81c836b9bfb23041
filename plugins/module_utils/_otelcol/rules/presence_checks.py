# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of which settings are given: those that are missing, those that exclude each other, those that do nothing.

Each is a key of a row of constraints.json, see constraints.py. A check gets the value of that key (its operand), the
settings at the place of the row, their path, and the row. Alternatives are keys of which one is enough, written
`ca_file|ca_pem`. Private.
"""

from __future__ import annotations

from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path, mapping_at, value_at
from .constraints import CONFLICT, EXPANSION_START, GATE, IGNORED, MISSING, Check, RuleFaults, find_values, split_key
from .subject import Fault
from .word_checks import READ_AS_TEXT

_NOT_GIVEN: tuple[Any, ...] = (None, "", [])  # an empty mapping turns on what has defaults


def _find_missing_keys(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield a place that has none of some keys."""
    is_list_item = isinstance(path[-1], int)
    if settings is None and is_list_item:
        settings = {}  # null in a list is an item without settings
    if not isinstance(settings, dict):
        return
    if not any(_has_value(settings, key, row) for key in keys):
        missing_key = f"'{keys[0]}'" if len(keys) == 1 else f"one of {', '.join(keys)}"
        yield MISSING, Fault(path, f"{missing_key} is missing", f"Add `{keys[0]}`.")


def _has_value(settings: dict[Any, Any], key: str, row: Row) -> bool:
    """Whether a key has a value that is not empty.

    For a key that `blank` lists, everything but null is a value; in a row with `text`, `0` and `false` are texts. A
    variable around the key may bring it.
    """
    *outer_keys, last_key = split_key(key)
    outer_settings = value_at(settings, tuple(outer_keys))
    if isinstance(outer_settings, str) and EXPANSION_START in outer_settings:
        return True
    if not isinstance(outer_settings, dict) or last_key not in outer_settings:
        return False
    value = outer_settings[last_key]
    if "text" in row and isinstance(value, READ_AS_TEXT):
        return True
    if key in row.get("blank", ()):
        return value is not None
    return bool(value)


def _find_null_keys(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield settings whose null replaces a default that the Collector needs."""
    for key in keys:
        *outer_keys, last_key = split_key(key)
        outer_settings = value_at(settings, tuple(outer_keys))
        is_null = isinstance(outer_settings, dict) and last_key in outer_settings and outer_settings[last_key] is None
        if is_null:
            message = f"'{key}' is null, and a value is required"
            yield MISSING, Fault((*path, *split_key(key)), message, "Write a value.")


def _find_empty_lists(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield lists that need an item and have none; an empty text is such a list too."""
    for key in keys:
        if value_at(settings, (key,)) in ([], ""):
            yield MISSING, Fault((*path, key), f"'{key}' is an empty list", "Add an item, or remove the key.")


def _find_empty_names(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield mappings by name, such as metrics, in which one has no name."""
    for key in keys:
        if "" in mapping_at(mapping_at(settings), key):
            yield MISSING, Fault((*path, key), "one of these has no name", "Write its name before the colon.")


def _find_unmet_metric_needs(table: dict[str, list[str]], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield metrics that are enabled without the setting that they need."""
    for key, metrics in table.items():
        if value_at(settings, (key,)):
            continue
        for metric in metrics:
            if value_at(settings, ("metrics", metric, "enabled")) is True:
                yield MISSING, Fault((*path, "metrics", metric), f"'{metric}' needs '{key}'", f"Add `{key}`.")


def _find_exclusive_keys(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield the second of several settings of which the Collector takes one."""
    given_keys: list[str] = []
    for alternatives in keys:
        given_alternatives = _list_given_keys(settings, alternatives)
        # A variable may turn out to be empty.
        if given_alternatives and EXPANSION_START not in str(value_at(settings, split_key(given_alternatives[0]))):
            given_keys.append(given_alternatives[0])
    if len(given_keys) > 1:
        second_key = given_keys[1]
        message = f"{' and '.join(given_keys)} exclude each other"
        yield CONFLICT, Fault((*path, *split_key(second_key)), message, f"Remove `{second_key}`.")


def _list_given_keys(settings: Any, alternatives: str) -> list[str]:
    """Return which keys of alternatives such as `ca_file|ca_pem` are given."""
    return [key for key in alternatives.split("|") if value_at(settings, split_key(key)) not in _NOT_GIVEN]


def _find_lonely_keys(pair: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield a setting without the one that it needs beside it; each of a pair may have alternatives."""
    for own_alternatives, other_alternatives in (pair, pair[::-1]):
        given_keys = _list_given_keys(settings, own_alternatives)
        if given_keys and not _list_given_keys(settings, other_alternatives):
            given_key = given_keys[0]
            missing_key = other_alternatives.split("|")[
                own_alternatives.split("|").index(given_key)
            ]  # of the same form: a file beside a file
            value_word = "FILE" if missing_key.endswith("_file") else "VALUE"
            message = f"'{given_key}' needs '{missing_key}' beside it"
            yield CONFLICT, Fault((*path, given_key), message, f"Add `{missing_key}: {value_word}`.")


def _find_equal_settings(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield the second of two settings that have to differ, and are the same text."""
    defaults = row.get("defaults", {})
    first_value, second_value = (value_at(settings, (key,), defaults.get(key)) for key in keys)
    if isinstance(first_value, str) and first_value == second_value and EXPANSION_START not in first_value:
        yield CONFLICT, Fault((*path, keys[1]), f"{keys[0]} and {keys[1]} are the same", "Choose another one.")


def _find_unwanted_keys(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield settings that do not fit the value of another one, which stands first in `when`."""
    deciding_key, *_others = row["when"]
    deciding_setting = _describe_setting(deciding_key, value_at(settings, split_key(deciding_key)))
    defaults = row.get("defaults", {})
    for key in keys:
        for place, value in find_values(settings, key, path):
            read_value = value.replace("$$", "$") if isinstance(value, str) else value
            is_default = key in defaults and defaults[key] == read_value
            if not is_default:
                yield (
                    CONFLICT,
                    Fault(place, f"{deciding_setting} takes no '{key}'", row.get("fix") or f"Remove `{key}`."),
                )


def _describe_setting(key: str, value: Any) -> str:
    """Return how a message names a setting with its value."""
    if value is None:
        return f"the default of {key}"
    if isinstance(value, (dict, list)):
        return f"'{key}'"
    text = str(value).lower() if isinstance(value, bool) else value
    return f"{key} '{text}'"


def _find_gated_keys(gates: dict[str, str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield settings that are refused unless a feature gate allows them."""
    for key, gate in gates.items():
        for place, value in find_values(settings, key, path):
            if value:
                fix = f"Start the Collector with `--feature-gates={gate}`."
                yield GATE, Fault(place, f"'{key}' needs the feature gate {gate}", fix, severity="warning")


def _find_unsupported_keys(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield settings that a component has, and does not support."""
    in_pipelines = f" in pipelines of {row['signals']}" if "signals" in row else ""
    for key in keys:
        for place, value in find_values(settings, key, path):
            if value:
                message = f"this component does not support '{key}'{in_pipelines}"
                yield "unknown-field", Fault(place, message, f"Remove `{key}`.")


def _find_ignored_settings(table: dict[str, str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield settings that the component does not read where another one is given."""
    if not isinstance(settings, dict):
        return
    kind, _slash, name = str(path[-1]).partition("/")
    for key, heeded_key in table.items():
        if settings.get(heeded_key) is not None and settings.get(key) is not None:
            movable_name = heeded_key if name == key else key
            message = f"the Collector ignores '{key}' beside '{heeded_key}', and logs nothing"
            yield (
                IGNORED,
                Fault(
                    (*path, key), message, f"Move `{movable_name}` to a component of its own: `{kind}/{movable_name}`."
                ),
            )


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {
    "not_null": _find_null_keys,
    "items": _find_empty_lists,
    "named": _find_empty_names,
    "one": _find_exclusive_keys,
    "both": _find_lonely_keys,
    "different": _find_equal_settings,
    "none": _find_unwanted_keys,
    "gate": _find_gated_keys,
    "unsupported": _find_unsupported_keys,
    "ignored": _find_ignored_settings,
}
CHECKS: dict[str, Check] = {"needs": _find_missing_keys, "enabled_needs": _find_unmet_metric_needs}
