# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a record that meet a condition, from the literals in it. The Collector says whether they really do.

`Wanted` has a value for each path in a record; a condition has several if it has an `or`, and none if its literals do
not say what meets it. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..config.paths import Path
from ..languages.ottl_syntax import Invalid, Token, text_of, tokens_of
from ..otlp_requests import METRIC_KINDS
from .records import SEVERITY, SPAN_KINDS, STATUS
from .regex_sample import sample_text

Wanted = dict[Path, Any]
ABSENT = object()
TEXT = "text"
_MOST = 8
"""How many ways to meet a condition are tried."""
# Fields of records by context and path; what has keys ends in `[]`.
_FIELDS: dict[tuple[str, str], Path] = {
    ("resource", "attributes[]"): ("resource",),
    ("scope", "attributes[]"): ("scope", "attributes"),
    ("scope", "name"): ("scope", "name"),
    ("scope", "version"): ("scope", "version"),
    ("span", "attributes[]"): ("attributes",),
    ("span", "name"): ("name",),
    ("span", "kind"): ("kind",),
    ("span", "kind.string"): ("kind",),
    ("span", "status.code"): ("status",),
    ("span", "status.message"): ("message",),
    ("spanevent", "name"): ("events", 0, "name"),
    ("spanevent", "attributes[]"): ("events", 0, "attributes"),
    ("metric", "name"): ("name",),
    ("metric", "unit"): ("unit",),
    ("metric", "description"): ("description",),
    ("metric", "type"): ("type",),
    ("datapoint", "attributes[]"): ("attributes",),
    ("datapoint", "value_int"): ("value",),
    ("datapoint", "value_double"): ("value",),
    ("log", "attributes[]"): ("attributes",),
    ("log", "body"): ("body",),
    ("log", "body[]"): ("body",),
    ("log", "body.string"): ("body",),
    ("log", "severity_number"): ("severity",),
    ("log", "severity_text"): ("severity_text",),
    ("log", "event_name"): ("event_name",),
}
_CONTEXTS = ("instrumentation_scope", *{context for context, _path in _FIELDS})
# Enums that a record writes as a word, and the number that a severity begins with.
_WORD = re.compile(r"(?:STATUS_CODE|SPAN_KIND|METRIC_DATA_TYPE)_([A-Z]+)\Z")
_SEVERITY = re.compile(r"SEVERITY_NUMBER_([A-Z]+)([2-4]?)\Z")
# The words of the fields that take no other text, the plainest first.
_WORDS: dict[Path, tuple[str, ...]] = {("kind",): SPAN_KINDS[1:], ("status",): STATUS, ("type",): METRIC_KINDS}
# Converters whose value is, or is taken for, that of their argument.
_SAME = ("String", "Int", "Double", "ToLowerCase", "ToUpperCase", "Trim")
_OPPOSITE = {"==": "!=", "!=": "==", ">": "<=", "<=": ">", "<": ">=", ">=": "<"}
_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_NUMBERS: dict[str, Callable[[Any], Any]] = {
    ">": lambda value: value + 1,
    "<": lambda value: value - 1,
    ">=": lambda value: value,
    "<=": lambda value: value,
}
_TESTS: dict[str, Callable[[Any], Any]] = {
    "IsMatch": lambda pattern: sample_text(str(pattern)),
    "HasPrefix": lambda text: text,
    "HasSuffix": lambda text: text,
    "IsString": lambda _nothing: TEXT,
    "IsInt": lambda _nothing: 1,
    "IsDouble": lambda _nothing: 1.5,
    "IsBool": lambda _nothing: True,
    "IsMap": lambda _nothing: {"key": TEXT},
    "IsList": lambda _nothing: [TEXT],
}
# Whether a text meets a test of texts. A text that has the sample of an expression counts as a match of it.
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "IsMatch": lambda text, sample: sample in text,
    "HasPrefix": str.startswith,
    "HasSuffix": str.endswith,
}
# Texts that may not meet a test, if the sample with `not` before it does. The first is in few classes of characters.
_OTHER_TEXTS = ("~", TEXT, "")


class Unknown(Exception):  # noqa: N818 - a verdict, not a failure
    """The literals of a text do not say what meets it."""


def fields_meeting(condition: str, context: str) -> list[Wanted]:
    """Return the fields that meet a condition, in one way or another; nothing if its literals do not say."""
    try:
        tokens = tokens_of(condition)[:-1]
        return _either(tokens, context, False)[:_MOST] if tokens else [{}]
    except (Unknown, Invalid, TypeError, ValueError):
        return []


def record_field(text: str, context: str) -> Path:
    """Return the path in a record of a path in OTTL, such as `span.attributes["a"]`; an empty one if it has none."""
    try:
        return _field(tokens_of(text)[:-1], context)
    except (Unknown, Invalid):
        return ()


def united_fields(*wanted: Wanted) -> Wanted | None:
    """Return what has all these values; None if one contradicts another."""
    united: Wanted = {}
    for fields in wanted:
        for path, value in fields.items():
            if path in united and united[path] != value:
                return None
            united[path] = value
    return united


def split(tokens: Sequence[Token], kind: str) -> list[list[Token]]:
    """Return the parts between tokens of a kind or text that are outside of all brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.text in ("(", "[", "{"):
            depth += 1
        elif token.text in (")", "]", "}"):
            depth -= 1
        is_word = token.kind == "lower"  # such as a name `compare` in a path
        if depth == 0 and not is_word and kind in (token.kind, token.text):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _either(tokens: Sequence[Token], context: str, negated: bool) -> list[Wanted]:
    """Return the fields that meet, or do not if negated, a condition with `or`, `and` and brackets."""
    parts = split(tokens, "or")
    if len(parts) == 1:
        return _all(tokens, context, negated)
    return _combined([_all(part, context, negated) for part in parts], negated)


def _all(tokens: Sequence[Token], context: str, negated: bool) -> list[Wanted]:
    """Return the fields for a condition without `or`."""
    parts = split(tokens, "and")
    if len(parts) == 1:
        return _simple(tokens, context, negated)
    return _combined([_simple(part, context, negated) for part in parts], not negated)


def _combined(parts: Sequence[list[Wanted]], every: bool) -> list[Wanted]:
    """Return what meets every part, or any of them."""
    ways: list[Wanted] = []
    if not every:
        for part in parts:
            ways += part
        return ways
    ways = [{}]
    for part in parts:
        ways = united_ways(ways, part)[:_MOST]
    return ways


def united_ways(ways: Iterable[Wanted], other_ways: Sequence[Wanted]) -> list[Wanted]:
    """Return each way that has the fields of one of the first and of one of the others, unless they differ."""
    united = []
    for fields in ways:
        for other_fields in other_ways:
            all_fields = united_fields(fields, other_fields)
            if all_fields is not None:
                united.append(all_fields)
    return united


def _simple(tokens: Sequence[Token], context: str, negated: bool) -> list[Wanted]:
    """Return the fields for a comparison, a call, a literal, or a condition in brackets."""
    if not tokens:
        raise Unknown
    if tokens[0].kind == "not":
        return _simple(tokens[1:], context, not negated)
    sides = split(tokens, "compare")
    if len(sides) > 1:
        left, right = sides[0], sides[1]
        if not left or not right:
            raise Unknown
        sign = _sign_after(left[-1], tokens)
        return [_compared(left, _OPPOSITE[sign] if negated else sign, right, context)]
    if tokens[0].text == "(" and tokens[-1].text == ")":
        return _either(tokens[1:-1], context, negated)
    if tokens[0].kind == "bool":
        is_met = (tokens[0].text == "true") is not negated
        return [{}] if is_met else []
    return [_tested(tokens, context, negated)]


def _sign_after(before: Token, tokens: Sequence[Token]) -> str:
    """Return the first sign of a comparison after a token."""
    return next(token.text for token in tokens if token.kind == "compare" and token.start > before.start)


def _compared(left: Sequence[Token], sign: str, right: Sequence[Token], context: str) -> Wanted:
    """Return the field that makes a comparison true. Raises Unknown if no side is a literal, or none a field."""
    if not _is_literal(right):
        left, right, sign = right, left, _MIRRORED.get(sign, sign)
    value, path = literal_value(right), _field(left, context)
    if sign in _NUMBERS:
        return {path: _NUMBERS[sign](value)}
    is_equal = sign == "=="
    if value is None:
        return {path: ABSENT if is_equal else TEXT}
    if path == ("kind",):
        value = str(value).lower()
    return {path: value if is_equal else _other(value, path)}


def _other(value: Any, path: Path) -> Any:
    """Return another value of the same type for a field."""
    if path in _WORDS:
        return next(word for word in _WORDS[path] if word != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return f"not {value}"


def _is_literal(tokens: Sequence[Token]) -> bool:
    """Whether tokens are a value: an enum, or what ends with a literal, such as a negative number."""
    if len(tokens) == 1 and tokens[0].kind == "upper":
        return True
    return bool(tokens) and tokens[-1].kind in ("string", "int", "float", "bool", "nil", "bytes")


def literal_value(tokens: Sequence[Token]) -> Any:
    """Return the value of a literal; None is `nil`. Raises Unknown for what is none, or what no record has."""
    if not tokens:
        raise Unknown
    is_negative = tokens[0].text == "-"
    token = tokens[-1]
    if len(tokens) > (2 if is_negative else 1):
        raise Unknown
    if token.kind == "string":
        return text_of(token.text)
    if token.kind in ("int", "float"):
        number = int(token.text) if token.kind == "int" else float(token.text)
        return -number if is_negative else number
    if token.kind in ("bool", "nil"):
        return {"true": True, "false": False, "nil": None}[token.text]
    return _enum_value(token.text)


def _enum_value(name: str) -> int | str:
    """Return the number of a severity, or the word of another enum. Raises Unknown for what is none."""
    if severity := _SEVERITY.match(name):
        step = int(severity[2] or 1) - 1
        return SEVERITY.get(severity[1].lower(), 0) + step
    if enum := _WORD.match(name):
        return enum[1].lower()
    raise Unknown


def _tested(tokens: Sequence[Token], context: str, negated: bool) -> Wanted:
    """Return the field for which a call is true, or false if negated. Raises Unknown for a function nobody knows."""
    name, arguments = called_function(tokens)
    if name.startswith("HasAttr"):
        key, *values = [literal_value(argument) for argument in arguments]
        present = values[0] if values else TEXT
        return {("attributes", key): ABSENT if negated else present}
    if name not in _TESTS or not arguments:
        raise Unknown
    path = _field(arguments[0], context)
    literal = literal_value(arguments[1]) if len(arguments) > 1 else None
    value = _TESTS[name](literal)
    if negated:
        value = _text_failing(name, str(value)) if name in _TEXT_TESTS else _of_another_type(value)
    return {path: value}


def _of_another_type(value: Any) -> Any:
    """Return a value that has not the type of this one."""
    return 1 if isinstance(value, str) else TEXT


def _text_failing(name: str, sample: str) -> str:
    """Return a text that does not meet a test, which the sample meets. Raises Unknown if none is found."""
    for text in (f"not {sample}", *_OTHER_TEXTS):
        if not _TEXT_TESTS[name](text, sample):
            return text
    raise Unknown


def called_function(tokens: Sequence[Token]) -> tuple[str, list[list[Token]]]:
    """Return the name and the arguments of a call. Raises Unknown for what is none."""
    opening = _first_bracket(tokens)
    if opening == 0 or tokens[-1].text != ")":
        raise Unknown
    name = "".join(token.text for token in tokens[:opening])
    inside = tokens[opening + 1 : -1]
    if not inside:
        return name, []
    return name, [_without_name(argument) for argument in split(inside, ",")]


def _first_bracket(tokens: Sequence[Token]) -> int:
    """Return the number of the first token that opens a bracket; 0 if none does."""
    for number, token in enumerate(tokens):
        if token.text == "(":
            return number
    return 0


def _without_name(argument: list[Token]) -> list[Token]:
    """Return an argument without its name."""
    is_named = len(argument) > 1 and argument[1].text == "="
    return argument[2:] if is_named else argument


def _field(tokens: Sequence[Token], context: str) -> Path:
    """Return the path in a record of a path in OTTL. Raises Unknown if records have no such field."""
    if tokens and tokens[0].kind == "upper":
        name, arguments = called_function(tokens)
        if name not in _SAME or not arguments:
            raise Unknown
        return _field(arguments[0], context)
    names, keys = _steps(tokens)
    if len(names) > 1 and names[0] in _CONTEXTS:
        context, names = names[0], names[1:]
    if "scope" in context:
        context = "scope"
    field = ".".join(names)
    field_with_keys = (context, f"{field}[]")
    path = _FIELDS.get(field_with_keys if keys else (context, field)) or _FIELDS.get(field_with_keys)
    if path is None:
        raise Unknown
    return (*path, *keys)


def _steps(tokens: Sequence[Token]) -> tuple[list[str], list[str]]:
    """Return the names of a path in OTTL, and the keys at its end."""
    names: list[str] = []
    keys: list[str] = []
    for token in tokens:
        if token.kind == "string":
            keys.append(text_of(token.text) or "")
        elif token.kind == "lower" and not keys:
            names.append(token.text)
        elif token.text not in (".", "[", "]"):
            raise Unknown
    return names, keys
