# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of which settings are given: missing ones, those that exclude each other, and those that do nothing. Private.

Each is a key of a row of constraints.json, see constraints.py. The keys, and a row with what it finds:

| key | example of a row | finding |
|---|---|---|
| `needs` | `"needs": ["grpc", "http"]` | one of grpc, http is missing. Add `grpc`. |
| `enabled_needs` | `"enabled_needs": {"node": ["k8s.cpu"]}` | 'k8s.cpu' needs 'node', if that metric is enabled |
| `not_null` | `"not_null": ["format"]` | 'format' is null, and a value is required |
| `items` | `"items": ["brokers"]` | 'brokers' is an empty list |
| `named` | `"named": ["metrics"]` | one of these has no name, for `metrics: {"": {}}` |
| `one` | `"one": ["name", "glob"]` | name and glob exclude each other. Remove `glob`. |
| `both` | `"both": ["cert_file|cert_pem", "key_file|key_pem"]` | 'cert_pem' needs 'key_pem' beside it |
| `different` | `"different": ["delimiter", "pair_delimiter"]` | delimiter and pair_delimiter are the same |
| `none` | `"when": {"append": "true"}, "none": ["rotation"]` | append 'true' takes no 'rotation' |
| `gate` | `"gate": {"flatten_data": "transform.flatten.logs"}` | 'flatten_data' needs the feature gate … |
| `unsupported` | `"unsupported": ["attributes"]` | this component does not support 'attributes' |
| `ignored` | `"ignored": {"udp": "tcp"}` | the Collector ignores 'udp' beside 'tcp', and logs nothing |

Alternatives are keys of which one is enough, written `ca_file|ca_pem`. Options of a row:

| key | option of | meaning |
|---|---|---|
| `blank` | `needs` | the keys for which everything but null is a value |
| `text` | `needs` | the decoder reads numbers and truth values as texts, so that 0 and false are values |
| `defaults` | `different`, `none` | the values of settings that are not given; `none` allows these values |
| `fix` | `none` | the words of the fix, in place of `Remove …` |
"""

from __future__ import annotations

from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path, mapping_at, value_at
from .constraints import (
    CONFLICTING_SETTINGS,
    FEATURE_GATE,
    IGNORED_SETTING,
    MISSING_FIELD,
    UNKNOWN_FIELD,
    ConstraintCheck,
    RuleFault,
    RuleFaults,
)
from .given_values import EXPANSION_START, find_values, split_key
from .rule_definitions import Fault
from .word_checks import READ_AS_TEXT

# The values that count as not given. An empty mapping is given: it turns on what has defaults, as `grpc: {}` does.
_NOT_GIVEN: tuple[Any, ...] = (None, "", [])


def _find_missing_keys(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield settings that have none of some keys."""
    is_null_in_list = settings is None and isinstance(path[-1], int)  # an item that the decoder reads as empty settings
    read_settings = {} if is_null_in_list else settings
    if not isinstance(read_settings, dict):
        return
    if not any(_has_value(read_settings, key, row) for key in keys):
        missing_key = f"'{keys[0]}'" if len(keys) == 1 else f"one of {', '.join(keys)}"
        yield RuleFault(MISSING_FIELD, Fault(path, f"{missing_key} is missing", f"Add `{keys[0]}`."))


def _has_value(settings: dict[Any, Any], key: str, row: Row) -> bool:
    """Whether a key has a value, as the options `blank` and `text` of the row count it.

    A variable in place of the settings around the key may bring it: `tls: ${env:TLS}` for `tls.ca_file`.
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
            yield RuleFault(MISSING_FIELD, Fault((*path, *split_key(key)), message, "Write a value."))


def _find_empty_lists(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield lists that need an item and have none; an empty text is such a list too."""
    for key in keys:
        if value_at(settings, (key,)) in ([], ""):
            yield RuleFault(
                MISSING_FIELD, Fault((*path, key), f"'{key}' is an empty list", "Add an item, or remove the key.")
            )


def _find_empty_names(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield mappings by name, such as metrics, in which one has no name."""
    for key in keys:
        if "" in mapping_at(mapping_at(settings), key):
            yield RuleFault(
                MISSING_FIELD, Fault((*path, key), "one of these has no name", "Write its name before the colon.")
            )


def _find_unmet_metric_needs(table: dict[str, list[str]], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield metrics that are enabled without the setting that they need."""
    for key, metrics in table.items():
        if value_at(settings, (key,)):
            continue
        for metric in metrics:
            if value_at(settings, ("metrics", metric, "enabled")) is True:
                yield RuleFault(
                    MISSING_FIELD, Fault((*path, "metrics", metric), f"'{metric}' needs '{key}'", f"Add `{key}`.")
                )


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
        yield RuleFault(
            CONFLICTING_SETTINGS, Fault((*path, *split_key(second_key)), message, f"Remove `{second_key}`.")
        )


def _list_given_keys(settings: Any, alternatives: str) -> list[str]:
    """Return which keys of alternatives such as `ca_file|ca_pem` are given."""
    return [key for key in alternatives.split("|") if value_at(settings, split_key(key)) not in _NOT_GIVEN]


def _find_lonely_keys(pair: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield a setting of a pair without the other one; each of the pair may be several alternatives."""
    for own_alternatives, other_alternatives in (pair, pair[::-1]):
        given_keys = _list_given_keys(settings, own_alternatives)
        if given_keys and not _list_given_keys(settings, other_alternatives):
            given_key = given_keys[0]
            form_index = own_alternatives.split("|").index(given_key)
            missing_key = other_alternatives.split("|")[form_index]  # of the same form: a file beside a file
            value_word = "FILE" if missing_key.endswith("_file") else "VALUE"
            message = f"'{given_key}' needs '{missing_key}' beside it"
            yield RuleFault(
                CONFLICTING_SETTINGS, Fault((*path, given_key), message, f"Add `{missing_key}: {value_word}`.")
            )


def _find_equal_settings(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield the second of two settings that have to differ, and are the same text."""
    defaults = row.get("defaults", {})
    first_value, second_value = (value_at(settings, (key,), defaults.get(key)) for key in keys)
    if isinstance(first_value, str) and first_value == second_value and EXPANSION_START not in first_value:
        yield RuleFault(
            CONFLICTING_SETTINGS,
            Fault((*path, keys[1]), f"{keys[0]} and {keys[1]} are the same", "Choose another one."),
        )


def _find_unwanted_keys(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield settings that do not fit the value of another one, which stands first in `when`."""
    deciding_key, *_other_keys = row["when"]  # the conditions are in the order of the table
    deciding_setting = _describe_setting(deciding_key, value_at(settings, split_key(deciding_key)))
    defaults = row.get("defaults", {})
    for key in keys:
        for value_path, value in find_values(settings, key, path):
            # The default of `replacement` is `$1`, which configs write as `$$1`.
            read_value = value.replace("$$", "$") if isinstance(value, str) else value
            is_default = key in defaults and defaults[key] == read_value
            if not is_default:
                message = f"{deciding_setting} takes no '{key}'"
                fix = row.get("fix") or f"Remove `{key}`."
                yield RuleFault(CONFLICTING_SETTINGS, Fault(value_path, message, fix))


def _describe_setting(key: str, value: Any) -> str:
    """Return how a message names a setting with its value: `append 'true'`, or `the default of append` for None."""
    if value is None:
        return f"the default of {key}"
    if isinstance(value, (dict, list)):
        return f"'{key}'"
    text = str(value).lower() if isinstance(value, bool) else value
    return f"{key} '{text}'"


def _find_gated_keys(gates: dict[str, str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield settings that are refused unless a feature gate allows them."""
    for key, gate in gates.items():
        for value_path, value in find_values(settings, key, path):
            if value:
                fix = f"Start the Collector with `--feature-gates={gate}`."
                yield RuleFault(
                    FEATURE_GATE, Fault(value_path, f"'{key}' needs the feature gate {gate}", fix, severity="warning")
                )


def _find_unsupported_keys(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield settings that a component has, and does not support."""
    in_pipelines = f" in pipelines of {row['signals']}" if "signals" in row else ""
    for key in keys:
        for value_path, value in find_values(settings, key, path):
            if value:
                message = f"this component does not support '{key}'{in_pipelines}"
                yield RuleFault(UNKNOWN_FIELD, Fault(value_path, message, f"Remove `{key}`."))


def _find_ignored_settings(table: dict[str, str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield settings that the component does not read beside another one; `table` has that other one by key.

    The fix moves the setting that the id of the component does not name: of `syslog/udp`, that is `tcp`.
    """
    if not isinstance(settings, dict):
        return
    kind, _slash, name = str(path[-1]).partition("/")
    for key, heeded_key in table.items():
        if settings.get(heeded_key) is not None and settings.get(key) is not None:
            movable_name = heeded_key if name == key else key
            message = f"the Collector ignores '{key}' beside '{heeded_key}', and logs nothing"
            fix = f"Move `{movable_name}` to a component of its own: `{kind}/{movable_name}`."
            yield RuleFault(IGNORED_SETTING, Fault((*path, key), message, fix))


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, ConstraintCheck] = {
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
CHECKS: dict[str, ConstraintCheck] = {"needs": _find_missing_keys, "enabled_needs": _find_unmet_metric_needs}
