# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of words: those that the Collector knows at a place, those of another list, and those that stand twice.

Each is a key of a row of constraints.json, see constraints.py. Private.
"""

from __future__ import annotations

from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path, at
from ..errors import near
from .constraints import CONFLICT, EXPANDED, QUOTES, WORD, Check, Found, key_steps, values_of
from .subject import Fault

READ_AS_TEXT = (bool, int, float)  # what the decoder reads as a text where one is expected


def _unknown_words(table: dict[str, list[str]], settings: Any, path: Path, row: Row) -> Found:
    """Yield texts that are none of the words that the Collector knows at their place; the table has them by key."""
    for key, words in table.items():
        for place, value in values_of(settings, key, path):
            text = _read_text(value, row)
            if isinstance(text, str) and not _is_word(text, words, row):
                known_words = ", ".join(word for word in words if word)
                yield WORD, Fault(place, f"'{text}' is unknown here{near(text, words)}", f"Use one of {known_words}.")


def _read_text(value: Any, row: Row) -> Any:
    """Return a value as the decoder reads it: numbers as texts in a row with `text`, without blanks with `trim`."""
    if "text" in row and isinstance(value, READ_AS_TEXT):
        value = str(value).lower()
    if "trim" in row and isinstance(value, str):
        value = value.strip()
    return value


def _is_word(text: str, words: list[str], row: Row) -> bool:
    """Whether a text is one of the words of a row; in a row with `case` in any case, with `begins` as its beginning."""
    if text in words or text.startswith(tuple(row.get("begins", ()))):
        return True
    if "case" not in row:
        return False
    lowered_words = [word.lower() for word in words]
    return text.lower() in lowered_words


def _reserved_words(table: dict[str, list[str]], settings: Any, path: Path, row: Row) -> Found:
    """Yield words that a setting must not be; the table has them by key, and the row says why."""
    why = row.get("why", "is always there")
    fix = row.get("fix", "Remove it.")
    for key, words in table.items():
        for place, value in values_of(settings, key, path):
            if value in words:
                yield CONFLICT, Fault(place, f"'{value}' {why}", fix)


def _unknown_keys(words: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield keys of a mapping that are none of the words of a row."""
    if not isinstance(settings, dict):
        return
    for key in settings:
        if not isinstance(key, str) or key in words:
            continue
        # What is no identifier is rather a text that YAML read as a key, such as a condition with `: ` in it.
        fix = f"Use some of {', '.join(words)}." if key.isidentifier() else QUOTES
        yield WORD, Fault((*path, key), f"'{key}' is unknown here{near(key, words)}", fix)


def _unlisted_values(table: dict[str, str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield values that the list at another place lacks; the table has the key of that list by the key of the value."""
    for key, list_key in table.items():
        listed_values = _listed_values(at(settings, key_steps(list_key)))
        if EXPANDED in str(listed_values):
            continue
        for place, value in values_of(settings, key, path):
            if _is_given(value, place) and value not in listed_values:
                yield WORD, _unlisted(place, value, list_key, listed_values)


def _is_given(value: Any, place: Path) -> bool:
    """Whether a value is more than an empty one; an item of a list counts always."""
    return bool(value) or isinstance(place[-1], int)


def _unlisted(place: Path, value: Any, list_key: str, listed_values: list[Any]) -> Fault:
    """Return the fault of a value that a list lacks."""
    known = [str(listed) for listed in listed_values]
    message = f"'{value}' is not in {list_key}{near(str(value), known)}"
    return Fault(place, message, f"Add it to `{list_key}`.")


def _listed_values(value: Any) -> list[Any]:
    """Return the items of a list, the keys of a mapping, or the parts of a text, as the decoder reads it for a list."""
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (list, dict)):
        return list(value)
    return []


def _repeated_keys(key: str, settings: Any, path: Path, _row: Row) -> Found:
    """Yield items of a list that have the same value of a key as an earlier one."""
    if not isinstance(settings, list):
        return
    seen_values: set[str] = set()
    for index, item in enumerate(settings):
        for place, value in values_of(item, key, (*path, index)):
            if isinstance(value, str) and value in seen_values:
                yield CONFLICT, Fault(place, f"'{value}' is the {key} of another item too", "Choose another one.")
            seen_values.add(str(value))


def _repeated_values(key: str, settings: Any, path: Path, _row: Row) -> Found:
    """Yield values of a list that it has twice, in whatever case."""
    seen_values: set[str] = set()
    for place, value in values_of(settings, f"{key}.*", path):
        lowered = str(value).lower()
        if lowered in seen_values:
            yield CONFLICT, Fault(place, f"'{value}' is listed twice; case does not matter", "Remove it.")
        seen_values.add(lowered)


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {
    "words": _unknown_words,
    "words_not": _reserved_words,
    "within": _unlisted_values,
    "unique_values": _repeated_values,
}
CHECKS: dict[str, Check] = {"keys": _unknown_keys, "unique": _repeated_keys}
