# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of which settings are given: those that are missing, those that exclude each other, those that do nothing.

Each is a key of a row of constraints.json, see constraints.py. Private.
"""

from __future__ import annotations

from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path, at, section
from .constraints import CONFLICT, EXPANDED, GATE, IGNORED, MISSING, Check, Found, key_steps, values_of
from .subject import Fault
from .word_checks import READ_AS_TEXT

_NOT_GIVEN: tuple[Any, ...] = (None, "", [])  # an empty mapping turns on what has defaults


def _missing_keys(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield a place that has none of some keys."""
    is_list_item = isinstance(path[-1], int)
    if settings is None and is_list_item:
        settings = {}  # null in a list is an item without settings
    if not isinstance(settings, dict):
        return
    if not any(_has_value(settings, key, row) for key in keys):
        what = f"'{keys[0]}'" if len(keys) == 1 else f"one of {', '.join(keys)}"
        yield MISSING, Fault(path, f"{what} is missing", f"Add `{keys[0]}`.")


def _has_value(settings: dict[Any, Any], key: str, row: Row) -> bool:
    """Whether a key has a value that is not empty.

    For a key that `blank` lists, everything but null is a value; in a row with `text`, `0` and `false` are texts. A
    variable around the key may bring it.
    """
    *around, last = key_steps(key)
    holder = at(settings, tuple(around))
    if isinstance(holder, str) and EXPANDED in holder:
        return True
    if not isinstance(holder, dict) or last not in holder:
        return False
    value = holder[last]
    if "text" in row and isinstance(value, READ_AS_TEXT):
        return True
    if key in row.get("blank", ()):
        return value is not None
    return bool(value)


def _null_keys(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield settings whose null replaces a default that the Collector needs."""
    for key in keys:
        *around, last = key_steps(key)
        holder = at(settings, tuple(around))
        is_null = isinstance(holder, dict) and last in holder and holder[last] is None
        if is_null:
            message = f"'{key}' is null, and a value is required"
            yield MISSING, Fault((*path, *key_steps(key)), message, "Write a value.")


def _empty_lists(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield lists that need an item and have none; an empty text is such a list too."""
    for key in keys:
        if at(settings, (key,)) in ([], ""):
            yield MISSING, Fault((*path, key), f"'{key}' is an empty list", "Add an item, or remove the key.")


def _empty_names(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield mappings by name, such as metrics, in which one has no name."""
    for key in keys:
        if "" in section(section(settings), key):
            yield MISSING, Fault((*path, key), "one of these has no name", "Write its name before the colon.")


def _enabled_needs(table: dict[str, list[str]], settings: Any, path: Path, _row: Row) -> Found:
    """Yield metrics that are enabled without the setting that they need."""
    for key, metrics in table.items():
        if at(settings, (key,)):
            continue
        for metric in metrics:
            if at(settings, ("metrics", metric, "enabled")) is True:
                yield MISSING, Fault((*path, "metrics", metric), f"'{metric}' needs '{key}'", f"Add `{key}`.")


def _exclusive_keys(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield the second of several settings of which the Collector takes one."""
    given_keys: list[str] = []
    for alternatives in keys:
        chosen_keys = _given_keys(settings, alternatives)
        # A variable may turn out to be empty.
        if chosen_keys and EXPANDED not in str(at(settings, key_steps(chosen_keys[0]))):
            given_keys.append(chosen_keys[0])
    if len(given_keys) > 1:
        second = given_keys[1]
        message = f"{' and '.join(given_keys)} exclude each other"
        yield CONFLICT, Fault((*path, *key_steps(second)), message, f"Remove `{second}`.")


def _given_keys(settings: Any, alternatives: str) -> list[str]:
    """Return which keys of alternatives such as `ca_file|ca_pem` are given."""
    return [key for key in alternatives.split("|") if at(settings, key_steps(key)) not in _NOT_GIVEN]


def _lonely_keys(pair: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield a setting without the one that it needs beside it; each of a pair may have alternatives."""
    for own, others in (pair, pair[::-1]):
        given_keys = _given_keys(settings, own)
        if given_keys and not _given_keys(settings, others):
            given = given_keys[0]
            missing = others.split("|")[own.split("|").index(given)]  # of the same form: a file beside a file
            value = "FILE" if missing.endswith("_file") else "VALUE"
            message = f"'{given}' needs '{missing}' beside it"
            yield CONFLICT, Fault((*path, given), message, f"Add `{missing}: {value}`.")


def _equal_settings(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield the second of two settings that have to differ, and are the same text."""
    defaults = row.get("defaults", {})
    first, second = (at(settings, (key,), defaults.get(key)) for key in keys)
    if isinstance(first, str) and first == second and EXPANDED not in first:
        yield CONFLICT, Fault((*path, keys[1]), f"{keys[0]} and {keys[1]} are the same", "Choose another one.")


def _unwanted_keys(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield settings that do not fit the value of another one, which stands first in `when`."""
    action, *_others = row["when"]
    owner = _setting_in_words(action, at(settings, key_steps(action)))
    defaults = row.get("defaults", {})
    for key in keys:
        for place, value in values_of(settings, key, path):
            read_value = value.replace("$$", "$") if isinstance(value, str) else value
            is_default = key in defaults and defaults[key] == read_value
            if not is_default:
                yield CONFLICT, Fault(place, f"{owner} takes no '{key}'", row.get("fix") or f"Remove `{key}`.")


def _setting_in_words(key: str, value: Any) -> str:
    """Return how a message names a setting with its value."""
    if value is None:
        return f"the default of {key}"
    if isinstance(value, (dict, list)):
        return f"'{key}'"
    text = str(value).lower() if isinstance(value, bool) else value
    return f"{key} '{text}'"


def _gated_keys(gates: dict[str, str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield settings that are refused unless a feature gate allows them."""
    for key, gate in gates.items():
        for place, value in values_of(settings, key, path):
            if value:
                fix = f"Start the Collector with `--feature-gates={gate}`."
                yield GATE, Fault(place, f"'{key}' needs the feature gate {gate}", fix, severity="warning")


def _unsupported_keys(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield settings that a component has, and does not support."""
    where = f" in pipelines of {row['signals']}" if "signals" in row else ""
    for key in keys:
        for place, value in values_of(settings, key, path):
            if value:
                why = f"this component does not support '{key}'{where}"
                yield "unknown-field", Fault(place, why, f"Remove `{key}`.")


def _ignored_settings(table: dict[str, str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield settings that the component does not read where another one is given."""
    if not isinstance(settings, dict):
        return
    kind, _slash, name = str(path[-1]).partition("/")
    for key, other in table.items():
        if settings.get(other) is not None and settings.get(key) is not None:
            moved = other if name == key else key
            why = f"the Collector ignores '{key}' beside '{other}', and logs nothing"
            yield IGNORED, Fault((*path, key), why, f"Move `{moved}` to a component of its own: `{kind}/{moved}`.")


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {
    "not_null": _null_keys,
    "items": _empty_lists,
    "named": _empty_names,
    "one": _exclusive_keys,
    "both": _lonely_keys,
    "different": _equal_settings,
    "none": _unwanted_keys,
    "gate": _gated_keys,
    "unsupported": _unsupported_keys,
    "ignored": _ignored_settings,
}
CHECKS: dict[str, Check] = {"needs": _missing_keys, "enabled_needs": _enabled_needs}
