# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of words: those that the Collector knows, those of another list, and those that stand twice. Private.

Each is a key of a row of constraints.json, see constraints.py. The keys, and a row with what it finds:

| key | example of a row | finding |
|---|---|---|
| `words` | `"words": {"encoding": ["proto", "json"]}` | 'xml' is unknown here. Use one of proto, json. |
| `words_not` | `"words_not": {"name": ["span.name"]}` | 'span.name' is always there. Remove it. |
| `keys` | `"keys": ["devices", "match_type"]` | 'device' is unknown here; did you mean 'devices'? |
| `within` | `"within": {"target": "targets"}` | 'b' is not in targets. Add it to `targets`. |
| `unique` | `"unique": "name"` | 'a' is the name of another item too |
| `unique_values` | `"unique_values": "metadata_keys"` | 'A' is listed twice; case does not matter |

Options of a row:

| key | option of | meaning |
|---|---|---|
| `text` | `words` | the decoder reads numbers and truth values as texts |
| `trim` | `words` | blanks around a text do not count |
| `case` | `words` | capital letters do not count |
| `begins` | `words` | the texts that a word may begin with |
| `why`, `fix` | `words_not` | the words of the message, in place of `is always there` and `Remove it.` |
"""

from __future__ import annotations

from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path, value_at
from ..errors import suggest_word
from .constraints import CONFLICTING_SETTINGS, QUOTE_FIX, UNKNOWN_VALUE, ConstraintCheck, RuleFault, RuleFaults
from .given_values import EXPANSION_START, find_values, split_key
from .rule_definitions import Fault

# The types of values that the decoder reads as a text where one is expected: `true`, `8080`, `0.5`.
READ_AS_TEXT = (bool, int, float)


def _find_unknown_words(table: dict[str, list[str]], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield texts that are none of the words that the Collector knows there; `table` has the words by key."""
    for key, words in table.items():
        for value_path, value in find_values(settings, key, path):
            text = _read_as_decoded(value, row)
            if isinstance(text, str) and not _is_known_word(text, words, row):
                known_words = ", ".join(word for word in words if word)
                yield RuleFault(
                    UNKNOWN_VALUE,
                    Fault(
                        value_path, f"'{text}' is unknown here{suggest_word(text, words)}", f"Use one of {known_words}."
                    ),
                )


def _read_as_decoded(value: Any, row: Row) -> Any:
    """Return a value as the decoder reads it: numbers as texts in a row with `text`, without blanks with `trim`."""
    if "text" in row and isinstance(value, READ_AS_TEXT):
        value = str(value).lower()
    if "trim" in row and isinstance(value, str):
        value = value.strip()
    return value


def _is_known_word(text: str, words: list[str], row: Row) -> bool:
    """Whether a text is one of the words of a row; in a row with `case` in any case, with `begins` as its beginning."""
    if text in words or text.startswith(tuple(row.get("begins", ()))):
        return True
    if "case" not in row:
        return False
    lowered_words = [word.lower() for word in words]
    return text.lower() in lowered_words


def _find_reserved_words(table: dict[str, list[str]], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield words that a setting must not be; `table` has them by key, and the row may say why."""
    reason = row.get("why", "is always there")
    fix = row.get("fix", "Remove it.")
    for key, words in table.items():
        for value_path, value in find_values(settings, key, path):
            if value in words:
                yield RuleFault(CONFLICTING_SETTINGS, Fault(value_path, f"'{value}' {reason}", fix))


def _find_unknown_keys(words: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield keys of a mapping that are none of the words of the operand."""
    if not isinstance(settings, dict):
        return
    for key in settings:
        if not isinstance(key, str) or key in words:
            continue
        # What is no identifier is rather a text that YAML read as a key, such as a condition with `: ` in it.
        fix = f"Use some of {', '.join(words)}." if key.isidentifier() else QUOTE_FIX
        yield RuleFault(UNKNOWN_VALUE, Fault((*path, key), f"'{key}' is unknown here{suggest_word(key, words)}", fix))


def _find_unlisted_values(table: dict[str, str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield values that the list in another setting lacks.

    `table` has the key of that list by the key of the values: `{"migration.*.target": "targets"}`.
    """
    for key, list_key in table.items():
        listed_values = _read_listed_values(value_at(settings, split_key(list_key)))
        if EXPANSION_START in str(listed_values):
            continue
        for value_path, value in find_values(settings, key, path):
            if _is_given(value, value_path) and value not in listed_values:
                yield RuleFault(UNKNOWN_VALUE, _report_unlisted_value(value_path, value, list_key, listed_values))


def _is_given(value: Any, value_path: Path) -> bool:
    """Whether a value is more than an empty one, which decoders read as not given; an item of a list counts always."""
    return bool(value) or isinstance(value_path[-1], int)


def _report_unlisted_value(value_path: Path, value: Any, list_key: str, listed_values: list[Any]) -> Fault:
    """Return the fault of a value that a list lacks."""
    known_values = [str(listed_value) for listed_value in listed_values]
    message = f"'{value}' is not in {list_key}{suggest_word(str(value), known_values)}"
    return Fault(value_path, message, f"Add it to `{list_key}`.")


def _read_listed_values(value: Any) -> list[Any]:
    """Return the items of a list, the keys of a mapping, or the parts of a text: the decoder reads `a,b` as a list."""
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (list, dict)):
        return list(value)
    return []


def _find_repeated_keys(key: str, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield items of a list that have the same value of a key as an earlier one."""
    if not isinstance(settings, list):
        return
    earlier_values: set[str] = set()
    for index, list_item in enumerate(settings):
        for value_path, value in find_values(list_item, key, (*path, index)):
            if isinstance(value, str) and value in earlier_values:
                yield RuleFault(
                    CONFLICTING_SETTINGS,
                    Fault(value_path, f"'{value}' is the {key} of another item too", "Choose another one."),
                )
            earlier_values.add(str(value))


def _find_repeated_values(key: str, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield values of a list that it has twice, in whatever case."""
    earlier_values: set[str] = set()
    for value_path, value in find_values(settings, f"{key}.*", path):
        lowered_value = str(value).lower()
        if lowered_value in earlier_values:
            yield RuleFault(
                CONFLICTING_SETTINGS,
                Fault(value_path, f"'{value}' is listed twice; case does not matter", "Remove it."),
            )
        earlier_values.add(lowered_value)


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, ConstraintCheck] = {
    "words": _find_unknown_words,
    "words_not": _find_reserved_words,
    "within": _find_unlisted_values,
    "unique_values": _find_repeated_values,
}
CHECKS: dict[str, ConstraintCheck] = {"keys": _find_unknown_keys, "unique": _find_repeated_keys}
