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
from typing import Any, TypeGuard

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

_GO_DURATION = re.compile(r"([-+]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+\Z")
_DURATION_PART = re.compile(r"(\d{1,32}(?:\.\d{0,32})?|\.\d{1,32})(ns|us|µs|ms|s|m|h|d|w|y)")
_ZERO_DURATION = re.compile(r"[-+]?0\Z")  # the one duration that Go reads without a unit
_LONGEST_DURATION = 40
_TLS_VERSION = re.compile(r"1\.[0-3]")
_READ_AS_TEXT = (bool, int, float)  # what the decoder reads as a text where one is expected
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
        return _walked_values(settings, key, path)
    value = settings.get(key) if isinstance(settings, dict) else None
    return (((*path, key), value),) if _is_known(value) else ()


def _is_known(value: Any) -> bool:
    """Whether a value is given, and no variable decides a part of it."""
    if isinstance(value, str):
        return not is_expanded(value)
    return value is not None


def is_expanded(text: str) -> bool:
    """Whether the Collector replaces a part of a text; `${` that nothing closes is as it stands."""
    return EXPANDED in text and "}" in text.partition(EXPANDED)[2]


def _walked_values(settings: Any, key: str, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of each place that a key with several steps leads to."""
    steps = key_steps(key)
    for place, value in walk_pattern(settings, steps, path):
        if value is None and isinstance(place[-1], int):
            yield place, ""  # as the decoder reads null in a list of texts
        elif _is_known(value):
            yield place, value
    if key.endswith(".*"):
        yield from _split_text(settings, steps[:-1], path)


def _split_text(settings: Any, steps: Path, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the parts of a text that stands in the place of a list, as the decoder reads it."""
    text = at(settings, steps)
    if isinstance(text, str) and text and EXPANDED not in text:
        for part in text.split(","):
            yield (*path, *steps), part


def _given_keys(settings: Any, alternatives: str) -> list[str]:
    """Return which keys of alternatives such as `ca_file|ca_pem` are given."""
    return [key for key in alternatives.split("|") if at(settings, key_steps(key)) not in _NOTHING]


def _missing_keys(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield a place that has none of some keys."""
    is_list_item = isinstance(path[-1], int)
    if settings is None and is_list_item:
        settings = {}  # null in a list is an item without settings
    if not isinstance(settings, dict):
        return
    if not any(_has_key(settings, key, row) for key in keys):
        what = f"'{keys[0]}'" if len(keys) == 1 else f"one of {', '.join(keys)}"
        yield MISSING, Fault(path, f"{what} is missing", f"Add `{keys[0]}`.")


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


def _has_key(settings: dict[Any, Any], key: str, row: Row) -> bool:
    """Whether a key is given; a mapping may be empty or null if all its settings have defaults.

    For a key that `blank` lists, everything but null is a value; in a row with `text`, `0` and `false` are texts.
    """
    *around, last = key_steps(key)
    holder = at(settings, tuple(around))
    if isinstance(holder, str) and EXPANDED in holder:
        return True
    if not isinstance(holder, dict) or last not in holder:
        return False
    value = holder[last]
    if "text" in row and isinstance(value, _READ_AS_TEXT):
        return True
    if key in row.get("blank", ()):
        return value is not None
    return bool(value)


def _unknown_words(table: dict[str, list[str]], settings: Any, path: Path, row: Row) -> Found:
    """Yield texts that are none of the words that the Collector knows at their place."""
    for key, words in table.items():
        for place, value in values_of(settings, key, path):
            text = _read_text(value, row)
            if isinstance(text, str) and not _is_word(text, words, row):
                known_words = ", ".join(word for word in words if word)
                yield WORD, Fault(place, f"'{text}' is unknown here{near(text, words)}", f"Use one of {known_words}.")


def _read_text(value: Any, row: Row) -> Any:
    """Return a value as the decoder reads it: numbers as texts in a row with `text`, without blanks with `trim`."""
    if "text" in row and isinstance(value, _READ_AS_TEXT):
        value = str(value).lower()
    if "trim" in row and isinstance(value, str):
        value = value.strip()
    return value


def _is_word(text: str, words: list[str], row: Row) -> bool:
    """Whether a text is one of the words of a row; in a row with `case` in any case, with `begins` as its beginning."""
    if text in words or text.startswith(tuple(row.get("begins", ()))):
        return True
    return "case" in row and text.lower() in [word.lower() for word in words]


def _unknown_keys(words: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield keys of a mapping that are none of the words of a row."""
    if not isinstance(settings, dict):
        return
    for key in settings:
        if isinstance(key, str) and key not in words:
            fix = f"Use some of {', '.join(words)}." if key.isidentifier() else QUOTES
            yield WORD, Fault((*path, key), f"'{key}' is unknown here{near(key, words)}", fix)


def _refused_regexes(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield regular expressions that Go refuses."""
    for key in keys:
        for place, value in values_of(settings, key, path):
            if not isinstance(value, str):
                continue
            refused = refusal(value.replace("$$", "$"))
            if refused:
                yield REGEX, no_regex(place, refused)


def no_regex(place: Path, refused: Refusal) -> Fault:
    """Return the fault of a regular expression that Go refuses."""
    return Fault(place, f"Go refuses this regular expression: {refused.why}", offset=refused.start)


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


def _numbers_out_of_range(table: dict[str, list[Any]], settings: Any, path: Path, row: Row) -> Found:
    """Yield numbers outside of a range, which may be open at one end."""
    for key, (least, most) in table.items():
        for place, value in values_of(settings, key, path):
            if not _is_number(value):
                continue
            is_too_small = least is not None and value < least
            is_too_large = most is not None and _whole(value, row) > most
            if is_too_small or is_too_large:
                allowed = _range_in_words(least, most)
                yield RANGE, Fault(place, f"'{key}' is {allowed}, not {value}", f"Write a number {allowed}.")


def _is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a number; YAML's true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _range_in_words(least: float | None, most: float | None) -> str:
    """Return the words for a range that may be open at one end."""
    if most is None:
        return f"at least {least}"
    if least is None:
        return f"at most {most}"
    return f"between {least} and {most}"


def _negative_durations(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield durations below zero; zero itself is a value only in a row with `least`."""
    may_be_zero = "least" in row
    problem = "cannot be negative" if may_be_zero else "must be more than zero"
    for key in keys:
        for place, value in values_of(settings, key, path):
            seconds = _amount(value)
            if seconds is None:
                continue
            is_refused_zero = seconds == 0 and not may_be_zero
            if seconds < 0 or is_refused_zero:
                yield RANGE, Fault(place, f"'{key}' {problem}, and it is {value}", "Write a duration such as `10s`.")


def _times_out_of_range(table: dict[str, list[str | None]], settings: Any, path: Path, row: Row) -> Found:
    """Yield durations outside of a range; in a row with `zero`, none at all is a value."""
    for key, (least, most) in table.items():
        for place, value in values_of(settings, key, path):
            seconds = _amount(value, is_time=True)
            if seconds is None or (seconds == 0 and "zero" in row):
                continue
            bound = _broken_bound(seconds, least, most)
            if bound:
                yield RANGE, Fault(place, f"'{key}' is {bound}, not {value}", f"Write {bound}.")


def _broken_bound(seconds: float, least: str | None, most: str | None) -> str:
    """Return in words the bound that a duration is beyond; empty text if it is between both."""
    if least and seconds < seconds_in(least):
        return f"at least {least}"
    if most and seconds > seconds_in(most):
        return f"at most {most}"
    return ""


def _wrong_order(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield a setting that is smaller than another one, though it has to be larger."""
    if not isinstance(settings, dict):
        return
    defaults = row.get("defaults", {})
    small, large = (at(settings, key_steps(key), defaults.get(key)) for key in keys)  # null is zero, no default
    is_time = isinstance(small, str) or isinstance(large, str)
    less, more = (_whole(_amount(value, is_time), row) for value in (small, large))
    if less is not None and more is not None and _is_too_small(more, less, row):
        message, fix = _order_in_words(keys, small, large, _notes_on_defaults(keys, settings), row)
        yield RANGE, Fault((*path, *key_steps(keys[1])), message, fix)


def _is_too_small(more: float, less: float, row: Row) -> bool:
    """Whether a number is not as much above another one as a row wants; with `zero`, none at all means no limit."""
    if more == 0 and "zero" in row:
        return False
    least = less * row.get("factor", 1)
    if least == more:
        return "strict" in row
    return bool(least > more)


def _notes_on_defaults(keys: list[str], settings: Any) -> list[str]:
    """Return for each key what a message says behind its value: nothing, or that the value is a default."""
    unset = object()
    return [" by default" if at(settings, key_steps(key), unset) is unset else "" for key in keys]


def _order_in_words(keys: list[str], small: Any, large: Any, notes: list[str], row: Row) -> tuple[str, str]:
    """Return the message and the fix for two settings whose order is wrong."""
    first, second = keys
    smaller, larger = f"{small}{notes[0]}", f"{large}{notes[1]}"
    if "strict" not in row:
        message = f"'{first}' is {smaller}, more than '{second}', which is {larger}"
        return message, f"Write at least {small} for `{second}`."
    least = f"{row['factor']} times {small}" if "factor" in row else str(small)
    message = f"'{first}' is {smaller}; '{second}' has to be more than {least}, and it is {larger}"
    return message, f"Write more than {least} for `{second}`."


def _whole(number: Any, row: Row) -> Any:
    """Return a number without its fraction, in rows with `integers`: as the decoder reads it."""
    is_fraction = isinstance(number, float) and math.isfinite(number)
    if is_fraction and "integers" in row:
        return math.trunc(number)
    return number


def _amount(value: Any, is_time: bool = False) -> float | None:
    """Return a number, a version of TLS or a duration as a number, durations in seconds; None for anything else.

    A time without a unit is in nanoseconds.
    """
    if _is_number(value):
        return nanoseconds(value) if is_time else value
    if not isinstance(value, str) or len(value) > _LONGEST_DURATION:
        return None
    if _TLS_VERSION.fullmatch(value):
        return float(value)
    if _ZERO_DURATION.match(value):
        return 0
    if not _GO_DURATION.match(value):
        return None
    seconds = seconds_in(value)
    return -seconds if value.startswith("-") else seconds


def nanoseconds(count: float) -> float:
    """Return the seconds of a count of nanoseconds; infinity for one that no float holds."""
    try:
        return count * _SECONDS["ns"]
    except OverflowError:
        return math.inf if count > 0 else -math.inf


def seconds_in(duration: str) -> float:
    """Return the seconds of a duration of Go or of Prometheus, whose form has been checked; a sign does not count."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(duration))


def _repeated_keys(key: str, settings: Any, path: Path, _row: Row) -> Found:
    """Yield items of a list that have the same value of a key as an earlier one."""
    seen: set[str] = set()
    for index, listed in enumerate(settings if isinstance(settings, list) else ()):
        for place, value in values_of(listed, key, (*path, index)):
            if isinstance(value, str) and value in seen:
                yield CONFLICT, Fault(place, f"'{value}' is the {key} of another item too", "Choose another one.")
            seen.add(str(value))


def _repeated_values(key: str, settings: Any, path: Path, _row: Row) -> Found:
    """Yield values of a list that it has twice, in whatever case."""
    seen: set[str] = set()
    for place, value in values_of(settings, f"{key}.*", path):
        lowered = str(value).lower()
        if lowered in seen:
            yield CONFLICT, Fault(place, f"'{value}' is listed twice; case does not matter", "Remove it.")
        seen.add(lowered)


def _too_long_lists(table: dict[str, int], settings: Any, path: Path, _row: Row) -> Found:
    """Yield lists with more items than the Collector takes."""
    for key, most in table.items():
        for place, value in values_of(settings, key, path):
            if isinstance(value, list) and len(value) > most:
                yield RANGE, Fault(place, f"'{key}' has {len(value)} items, and at most {most} are allowed")


def _unlisted_values(table: dict[str, str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield values that the list at another place lacks."""
    for key, list_key in table.items():
        listed = _listed_values(at(settings, key_steps(list_key)))
        if EXPANDED in str(listed):
            continue
        for place, value in values_of(settings, key, path):
            is_given = bool(value) or isinstance(place[-1], int)
            if is_given and value not in listed:
                hint = near(str(value), [str(known) for known in listed])
                yield WORD, Fault(place, f"'{value}' is not in {list_key}{hint}", f"Add it to `{list_key}`.")


def _listed_values(value: Any) -> list[Any]:
    """Return the items of a list, the keys of a mapping, or the parts of a text, as the decoder reads it for a list."""
    if isinstance(value, str):
        return value.split(",")
    return list(value) if isinstance(value, (list, dict)) else []


def _equal_settings(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield the second of two settings that have to differ, and are the same text."""
    defaults = row.get("defaults", {})
    first, second = (at(settings, (key,), defaults.get(key)) for key in keys)
    if isinstance(first, str) and first == second and EXPANDED not in first:
        yield CONFLICT, Fault((*path, keys[1]), f"{keys[0]} and {keys[1]} are the same", "Choose another one.")


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
    "words": _unknown_words,
    "not_null": _null_keys,
    "items": _empty_lists,
    "regex": _refused_regexes,
    "one": _exclusive_keys,
    "both": _lonely_keys,
    "none": _unwanted_keys,
    "range": _numbers_out_of_range,
    "positive": _negative_durations,
    "times": _times_out_of_range,
    "unique_values": _repeated_values,
    "most": _too_long_lists,
    "within": _unlisted_values,
    "different": _equal_settings,
    "ignored": _ignored_settings,
}
CHECKS: dict[str, Check] = {
    "needs": _missing_keys,
    "keys": _unknown_keys,
    "order": _wrong_order,
    "unique": _repeated_keys,
}
