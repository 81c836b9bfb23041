# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of settings beyond types: words, ranges, regular expressions, and settings that exclude each other.

Each row of _data/catalogue/constraints.json is one place in the settings of a component, and what must hold there; its
keys are those of CHECKS and OF_GIVEN here, in stanza_operators.py, stanza_flow.py and text_checks.py. `when` says for
which values of other settings, `around` for which values of what the place is a part of, `signals` in pipelines of
which signal, `built` that the Collector checks only components of a pipeline, and `measured` that it reads the place
only where it has metrics of its own. Private.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from ..catalogue.reference_keys import walk_pattern
from ..catalogue.rows import Row
from ..config.paths import Path, at
from ..errors import near
from ..languages.regex import Refusal, refusal
from .subject import Fault

MISSING, WORD, DURATION, REFERENCE = "missing-field", "unknown-value", "invalid-duration", "unknown-operator"
RANGE, CONFLICT, REGEX, GATE = "out-of-range", "conflicting-settings", "invalid-regex", "feature-gate"
IGNORED = "ignored-setting"
EXPANDED = "${"
Found = Iterator[tuple[str, Fault]]
Check = Callable[[Any, Any, Path, Row], Found]

_GO = re.compile(r"([-+]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+\Z")
_PART = re.compile(r"(\d{1,32}(?:\.\d{0,32})?|\.\d{1,32})(ns|us|µs|ms|s|m|h|d|w|y)")
_LONGEST = 40
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
    "y": 31_536_000,
}
QUOTES = "Put the whole text in single quotes: YAML reads `: ` and a leading `[` or `{` as data."
_NOTHING: tuple[Any, ...] = (None, "", [])  # an empty mapping turns on what has defaults


@cache
def key_steps(key: str) -> tuple[str, ...]:
    """Return the path of a key such as `tls.ca_file`."""
    return tuple(key.split("."))


def values_of(settings: Any, key: str, path: Path) -> Iterable[tuple[Path, Any]]:
    """Return path and value of a key, where it is given and known."""
    if "." in key:
        return _walked(settings, key, path)
    value = settings.get(key) if isinstance(settings, dict) else None
    return (((*path, key), value),) if _is_known(value) else ()


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and is_expanded(value))


def is_expanded(text: str) -> bool:
    """Whether the Collector replaces a part of a text; `${` that nothing closes is as it stands."""
    return EXPANDED in text and "}" in text.partition(EXPANDED)[2]


def _walked(settings: Any, key: str, path: Path) -> Iterator[tuple[Path, Any]]:
    for place, value in walk_pattern(settings, key_steps(key), path):
        if value is None and isinstance(place[-1], int):
            yield place, ""  # as the decoder reads null in a list of texts
        elif _is_known(value):
            yield place, value
    around = key_steps(key)[:-1]
    if key.endswith(".*") and isinstance(whole := at(settings, around), str) and whole and EXPANDED not in whole:
        yield from (((*path, *around), part) for part in whole.split(","))  # as the decoder reads text for a list


def _given(settings: Any, names: str) -> list[str]:
    return [name for name in names.split("|") if at(settings, key_steps(name)) not in _NOTHING]


def _needs(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    is_list_item = isinstance(path[-1], int)
    if settings is None and is_list_item:
        settings = {}  # null in a list is an item without settings
    if not isinstance(settings, dict):
        return
    if not any(_has(settings, key, row) for key in keys):
        what = f"'{keys[0]}'" if len(keys) == 1 else f"one of {', '.join(keys)}"
        yield MISSING, Fault(path, f"{what} is missing", f"Add `{keys[0]}`.")


def _not_null(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield settings whose null replaces a default that the Collector needs."""
    for key in keys:
        *around, last = key_steps(key)
        inside = at(settings, tuple(around))
        if isinstance(inside, dict) and last in inside and inside[last] is None:
            yield (
                MISSING,
                Fault((*path, *key_steps(key)), f"'{key}' is null, and a value is required", "Write a value."),
            )


def _items(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in keys:
        if at(settings, (key,)) in ([], ""):
            yield MISSING, Fault((*path, key), f"'{key}' is an empty list", "Add an item, or remove the key.")


def _has(settings: dict[Any, Any], key: str, row: Row) -> bool:
    """Whether a key is given; a mapping may be empty or null if all its settings have defaults.

    For a key that `blank` lists, everything but null is a value; in a row with `text`, `0` and `false` are texts.
    """
    *around, last = key_steps(key)
    inside = at(settings, tuple(around))
    if isinstance(inside, str) and EXPANDED in inside:
        return True
    if not isinstance(inside, dict) or last not in inside:
        return False
    value = inside[last]
    is_text = "text" in row and isinstance(value, (bool, int, float))
    return bool(value) or is_text or (key in row.get("blank", ()) and value is not None)


def _words(table: dict[str, list[str]], settings: Any, path: Path, row: Row) -> Found:
    for key, words in table.items():
        for place, value in values_of(settings, key, path):
            text = str(value).lower() if "text" in row and isinstance(value, (bool, int, float)) else value
            text = text.strip() if "trim" in row and isinstance(text, str) else text
            if isinstance(text, str) and not _is_word(text, words, row):
                known = ", ".join(filter(None, words))
                yield WORD, Fault(place, f"'{text}' is unknown here{near(text, words)}", f"Use one of {known}.")


def _is_word(text: str, words: list[str], row: Row) -> bool:
    """Whether a text is one of the words of a row; in a row with `case` in any case, with `begins` as its beginning."""
    known = text in words or ("case" in row and text.lower() in _lower(words))
    return known or text.startswith(tuple(row.get("begins", ())))


def _lower(words: list[str]) -> list[str]:
    return [word.lower() for word in words]


def _keys(words: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in settings if isinstance(settings, dict) else ():
        if isinstance(key, str) and key not in words:
            known = f"Use some of {', '.join(words)}." if key.isidentifier() else QUOTES
            yield WORD, Fault((*path, key), f"'{key}' is unknown here{near(key, words)}", known)


def regexes(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            refused = refusal(value.replace("$$", "$")) if isinstance(value, str) else None
            if refused:
                yield REGEX, no_regex(place, refused)


def no_regex(place: Path, refused: Refusal) -> Fault:
    return Fault(place, f"Go refuses this regular expression: {refused.why}", offset=refused.start)


def _one(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    given = [found[0] for key in keys if (found := _given(settings, key))]
    given = [
        name for name in given if EXPANDED not in str(at(settings, key_steps(name)))
    ]  # it may turn out to be empty
    if len(given) > 1:
        why = f"{' and '.join(given)} exclude each other"
        yield CONFLICT, Fault((*path, *key_steps(given[1])), why, f"Remove `{given[1]}`.")


def _both(pairs: list[str], settings: Any, path: Path, _row: Row) -> Found:
    one, two = (_given(settings, names) for names in pairs)
    if bool(one) != bool(two):
        given = (one or two)[0]
        there, other = pairs if one else reversed(pairs)
        missing = other.split("|")[there.split("|").index(given)]  # of the same form: a file beside a file
        value = "FILE" if missing.endswith("_file") else "VALUE"
        yield CONFLICT, Fault((*path, given), f"'{given}' needs '{missing}' beside it", f"Add `{missing}: {value}`.")


def _none(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    action, *_others = row["when"]
    value = at(settings, tuple(action.split(".")))
    value = str(value).lower() if isinstance(value, bool) else value
    what = f"the default of {action}" if value is None else f"{action} '{value}'"
    what = f"'{action}'" if isinstance(value, (dict, list)) else what
    usual = row.get("defaults", {})
    for key in keys:
        for place, given in values_of(settings, key, path):
            if key in usual and usual[key] == (given.replace("$$", "$") if isinstance(given, str) else given):
                continue  # as if it were not given
            yield CONFLICT, Fault(place, f"{what} takes no '{key}'", row.get("fix") or f"Remove `{key}`.")


def _range(table: dict[str, list[Any]], settings: Any, path: Path, row: Row) -> Found:
    for key, (least, most) in table.items():
        for place, value in values_of(settings, key, path):
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                continue
            is_too_small = least is not None and value < least
            is_too_large = most is not None and _whole(value, row) > most
            if is_too_small or is_too_large:
                wanted = _wanted(least, most)
                yield RANGE, Fault(place, f"'{key}' is {wanted}, not {value}", f"Write a number {wanted}.")


def _wanted(least: float | None, most: float | None) -> str:
    """Return the words for a range that may be open at one end."""
    if most is None:
        return f"at least {least}"
    return f"at most {most}" if least is None else f"between {least} and {most}"


def _positive(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            seconds = _amount(value)
            if seconds is not None and (seconds < 0 or (seconds == 0 and "least" not in row)):
                wanted = "cannot be negative" if "least" in row else "must be more than zero"
                yield RANGE, Fault(place, f"'{key}' {wanted}, and it is {value}", "Write a duration such as `10s`.")


def _times(table: dict[str, list[str | None]], settings: Any, path: Path, row: Row) -> Found:
    """Yield durations outside of a range; in a row with `zero`, none at all is a value."""
    for key, (least, most) in table.items():
        for place, value in values_of(settings, key, path):
            seconds = _amount(value, is_time=True)
            if seconds is None or (seconds == 0 and "zero" in row):
                continue
            wanted = ""
            if least and seconds < seconds_in(least):
                wanted = f"at least {least}"
            elif most and seconds > seconds_in(most):
                wanted = f"at most {most}"
            if wanted:
                yield RANGE, Fault(place, f"'{key}' is {wanted}, not {value}", f"Write {wanted}.")


def _order(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    if not isinstance(settings, dict):
        return
    usual = row.get("defaults", {})
    small, large = (at(settings, key_steps(key), usual.get(key)) for key in keys)  # null is zero, no default
    is_time = isinstance(small, str) or isinstance(large, str)
    less, more = (_whole(_amount(value, is_time), row) for value in (small, large))
    if less is None or more is None or (more == 0 and "zero" in row):
        return
    least = less * row.get("factor", 1)
    if least > more or (least == more and "strict" in row):
        message, fix = _said_of_order(keys, small, large, row)
        yield RANGE, Fault((*path, *key_steps(keys[1])), message, fix)


def _said_of_order(keys: list[str], small: Any, large: Any, row: Row) -> tuple[str, str]:
    """Return the message and the fix for two settings whose order is wrong."""
    first, second = keys
    if "strict" not in row:
        message = f"'{first}' is {small}, more than '{second}', which is {large}"
        return message, f"Write at least {small} for `{second}`."
    least = f"{row['factor']} times {small}" if "factor" in row else str(small)
    message = f"'{first}' is {small}; '{second}' has to be more than {least}, and it is {large}"
    return message, f"Write more than {least} for `{second}`."


def _whole(number: Any, row: Row) -> Any:
    """Return a number without its fraction, in rows with `integers`: as the decoder reads it."""
    return math.trunc(number) if "integers" in row and isinstance(number, float) and math.isfinite(number) else number


def _amount(value: Any, is_time: bool = False) -> float | None:
    """Return a number or a duration as a number; None if it is neither. A time without a unit is in nanoseconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value * _SECONDS["ns"] if is_time else value
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    if re.fullmatch(r"1\.[0-3]", value):
        return float(value)
    if not _GO.match(value):
        return None
    return -seconds_in(value) if value.startswith("-") else seconds_in(value)


def seconds_in(duration: str) -> float:
    """Return the seconds of a duration of Go or of Prometheus, whose form has been checked; a sign does not count."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(duration))


def _unique(key: str, settings: Any, path: Path, _row: Row) -> Found:
    seen: set[str] = set()
    for index, item in enumerate(settings if isinstance(settings, list) else ()):
        for place, value in values_of(item, key, (*path, index)):
            if isinstance(value, str) and value in seen:
                yield CONFLICT, Fault(place, f"'{value}' is the {key} of another item too", "Choose another one.")
            seen.add(str(value))


def _unique_values(key: str, settings: Any, path: Path, _row: Row) -> Found:
    seen: set[str] = set()
    for place, value in values_of(settings, f"{key}.*", path):
        if str(value).lower() in seen:
            yield CONFLICT, Fault(place, f"'{value}' is listed twice; case does not matter", "Remove it.")
        seen.add(str(value).lower())


def _most(table: dict[str, int], settings: Any, path: Path, _row: Row) -> Found:
    for key, most in table.items():
        for place, value in values_of(settings, key, path):
            if isinstance(value, list) and len(value) > most:
                yield RANGE, Fault(place, f"'{key}' has {len(value)} items, and at most {most} are allowed")


def _within(table: dict[str, str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield values that the list at another place lacks."""
    for key, of in table.items():
        known = at(settings, key_steps(of))
        listed = known.split(",") if isinstance(known, str) else list(known) if isinstance(known, (list, dict)) else []
        for place, value in values_of(settings, key, path) if EXPANDED not in str(listed) else ():
            if value not in listed and (value or isinstance(place[-1], int)):
                yield (
                    WORD,
                    Fault(place, f"'{value}' is not in {of}{near(str(value), map(str, listed))}", f"Add it to `{of}`."),
                )


def _different(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    usual = row.get("defaults", {})
    one, two = (at(settings, (key,), usual.get(key)) for key in keys)
    if isinstance(one, str) and one == two and EXPANDED not in one:
        yield CONFLICT, Fault((*path, keys[1]), f"{keys[0]} and {keys[1]} are the same", "Choose another one.")


def _ignored(table: dict[str, str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield settings that the component does not read where another one is given."""
    for key, other in table.items():
        if isinstance(settings, dict) and settings.get(other) is not None and settings.get(key) is not None:
            kind, _slash, name = str(path[-1]).partition("/")
            moved = other if name == key else key
            why = f"the Collector ignores '{key}' beside '{other}', and logs nothing"
            yield IGNORED, Fault((*path, key), why, f"Move `{moved}` to a component of its own: `{kind}/{moved}`.")


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {
    "words": _words,
    "not_null": _not_null,
    "items": _items,
    "regex": regexes,
    "one": _one,
    "both": _both,
    "none": _none,
    "range": _range,
    "positive": _positive,
    "times": _times,
    "unique_values": _unique_values,
    "most": _most,
    "within": _within,
    "different": _different,
    "ignored": _ignored,
}
CHECKS: dict[str, Check] = {"needs": _needs, "keys": _keys, "order": _order, "unique": _unique}
