# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scalar of YAML stands for, as go-yaml reads it, since the Collector reads configs with go-yaml.

A scalar is a text, a number, true, false or null in a YAML text, as its author wrote it. `yaml_documents.py` asks here
for the value of each:

    0x1F     the number 31            yes      a text (PyYAML takes it for true)
    1_000    the number 1000          "1"      a text, since it has quotes
    017      the number 15            !!str 1  a text, by its tag

Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from ..config.source_nodes import Node

TAG_PREFIX = "tag:yaml.org,2002:"
"""What `!!` stands for: the parser writes the tag `!!int` as `tag:yaml.org,2002:int`."""
# Numbers of more digits stay texts. Python raises an error when it writes a number of more than 4,300 digits, so that
# nothing could show the config. The limit is far below that, and far above the number of any setting.
_LARGEST_NUMBER = 10**400


class ScalarForm(NamedTuple):
    """How scalars of a type are written without quotes."""

    type_name: str
    pattern: str
    """A regular expression for the whole of a scalar."""
    first_characters: str
    """The characters that such a scalar may begin with."""


# The scalars of YAML 1.2's core schema, as go-yaml resolves them; `yes`, `on` and `1:30` are text there. It ignores `_`
# behind the first digit of a number, and takes signs before all numbers, and prefixes in both cases. Source: what
# `otelcol-contrib print-config` of 0.158.0 answers.
SCALAR_FORMS = (
    ScalarForm("null", r"~|null|Null|NULL|", "~nN"),  # or nothing at all, as behind the colon of `key:`
    ScalarForm("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ScalarForm(
        "int",
        r"[-+]?(?:[0-9][0-9_]*|0[oO][0-7_]+|0[xX][0-9a-fA-F_]+|0[bB][01_]+)",
        "-+0123456789",
    ),
    ScalarForm(
        "float",
        r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
)


class _CompiledForm(NamedTuple):
    """The type of scalars that match a pattern as a whole."""

    type_name: str
    pattern: re.Pattern[str]


def _compile_forms() -> dict[str, list[_CompiledForm]]:
    """Return the forms that a scalar may have, by its first character: most texts then need no regular expression."""
    forms: dict[str, list[_CompiledForm]] = {}
    for form in SCALAR_FORMS:
        compiled_form = _CompiledForm(form.type_name, re.compile(rf"\A(?:{form.pattern})\Z"))
        for character in form.first_characters:
            forms.setdefault(character, []).append(compiled_form)
    return forms


_FORMS_BY_CHARACTER = _compile_forms()


def read_scalar(node: Node) -> Any:
    """Return what a scalar stands for: by its tag if it has one, as text in quotes, or as it is written."""
    if node.tag:
        return _read_as_type(node.tag.removeprefix(TAG_PREFIX), node.value)
    return node.value if node.style else read_plain_scalar(node.value)


@lru_cache(maxsize=4096)  # configs repeat most scalars
def read_plain_scalar(text: str) -> Any:
    """Return what a text without quotes and tag stands for."""
    return _read_as_type(_find_scalar_type(text), text) if text else None


def _find_scalar_type(text: str) -> str:
    """Return the type of a text without quotes, which is not empty; empty text if it is a text."""
    for form in _FORMS_BY_CHARACTER.get(text[0], ()):
        if form.pattern.match(text):
            return form.type_name
    return ""


def _parse_integer(text: str) -> float | str:
    """Return a decimal number, or one with a prefix: 0x, 0o or 0b.

    For go-yaml, a leading zero is YAML 1.1's octal too, and a number that is none because of an 8 or 9 is a float.
    """
    digits = text.replace("_", "")
    has_leading_zero = re.fullmatch(r"[-+]?0[0-9]+", digits)
    if not has_leading_zero:
        return limit_number(int(digits, 0), text)
    if "8" in digits or "9" in digits:
        return limit_number(float(digits), text)
    return limit_number(int(digits, 8), text)


def limit_number(number: float, text: str) -> float | str:
    """Return a number, or the text of one that has more digits than Python writes in decimal."""
    return number if abs(number) < _LARGEST_NUMBER else text


def _parse_float(text: str) -> float:
    """Return a number with a fraction or an exponent, infinity, or what is no number."""
    return float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))


# What reads a text as a value of a type, by the type.
_PARSERS_BY_TYPE: dict[str, Callable[[str], Any]] = {
    "null": lambda _text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _parse_integer,
    "float": _parse_float,
}


def _read_as_type(type_name: str, text: str) -> Any:
    """Return a text as a value of a type; the text itself if it does not fit, or if the type has no parser."""
    try:
        return _PARSERS_BY_TYPE[type_name](text) if type_name in _PARSERS_BY_TYPE else text
    except ValueError:  # a wrong tag in a text of Ansible, or a number with too many digits
        return text


# What a text without its tag may be, by the type that the tag names.
_TYPES_FOR_TAG: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
}


def fits_type(text: str, type_name: str) -> bool:
    """Whether a text is a value of a type that its tag names. Every text is one of a type without an own form."""
    types = _TYPES_FOR_TAG.get(type_name)
    if types is None:
        return True
    value = read_plain_scalar(text)
    is_boolean = isinstance(value, bool)  # which is an int in Python
    return isinstance(value, types) and is_boolean == (type_name == "bool")
