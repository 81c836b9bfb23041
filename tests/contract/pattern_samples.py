# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that a regular expression accepts nearly, made of its parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

PARSER: Any = import_module("re._parser")


def sample(parsed: Any) -> str:
    """Return a text that this part of a pattern accepts, or nearly."""
    return "".join(_sample(name, value) for name, value in parsed)


def _sample(name: Any, value: Any) -> str:
    kind = "REPEAT" if str(name).endswith("_REPEAT") else str(name)
    return SAMPLES[kind](value) if kind in SAMPLES else ""


CATEGORIES = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " ", "CATEGORY_NOT_SPACE": "a"}


def _of_class(value: Any) -> str:
    negated = str(value[0][0]) == "NEGATE"
    compiled = re.compile(f"[{'^' if negated else ''}{''.join(_class(*one) for one in value[negated:])}]")
    signs = "aA0-_. /:~\n\"'$\x00"
    return next((sign for sign in signs if compiled.match(sign)), "") if negated else _first(*value[0])


def _class(name: Any, value: Any) -> str:
    if str(name) == "CATEGORY":
        letter = str(value).rpartition("_")[2][0].lower()
        return "\\" + (letter.upper() if "NOT" in str(value) else letter)
    low, high = value if str(name) == "RANGE" else (value, value)
    return f"{re.escape(chr(low))}-{re.escape(chr(high))}"


def _first(name: Any, value: Any) -> str:
    if str(name) == "CATEGORY":
        return CATEGORIES.get(str(value), "!")
    return chr(value[0] if str(name) == "RANGE" else value)


SAMPLES: dict[str, Callable[[Any], str]] = {
    "LITERAL": chr,
    "NOT_LITERAL": lambda value: "a" if value != ord("a") else "b",
    "ANY": lambda _value: "a",
    "IN": _of_class,
    "REPEAT": lambda value: sample(value[2]) * max(1, value[0]),
    "SUBPATTERN": lambda value: sample(value[3]),
    "ATOMIC_GROUP": sample,
    "BRANCH": lambda value: sample(value[1][0]),
}


def hostile(pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs: what leads to a repeat in a pattern, and what it repeats; alternatives are followed, too."""
    return _hostile(PARSER.parse(pattern.pattern, pattern.flags))


def _hostile(parsed: Any, before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in parsed:
        kind = str(name)
        if kind.endswith("_REPEAT"):
            yield before, sample(value[2])
            yield from _hostile(value[2], before)
        elif kind == "SUBPATTERN":
            yield from _hostile(value[3], before)
        elif kind in ("ATOMIC_GROUP", "ASSERT", "ASSERT_NOT"):
            yield from _hostile(value if kind == "ATOMIC_GROUP" else value[1], before)
        elif kind == "BRANCH":
            for one in value[1]:
                yield "", sample(one)
                yield from _hostile(one, before)
        before += _sample(name, value)
    yield "", before
