# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a secret is by the shape of its text: a private key, a token of a vendor, a value after a name. Private.

All patterns take linear time: logs and configs are the text of others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from math import log2
from typing import NamedTuple

from .literal_values import SCHEME, is_literal
from .secret_names import DATA_SOURCES, is_secret_header, is_secret_name, only_names_place

# Kinds of secrets, in words: a text that has no known shape, and what stands before the name of an attribute.
RANDOM = "a random text like a key"
ATTRIBUTE = "attribute "


class Shape(NamedTuple):
    """A secret by its shape; the first group, or all of the match, is the secret. No text without `sign` has one."""

    what: str
    sign: str
    pattern: re.Pattern[str]


_SHAPES = (
    Shape(
        "a private key",
        "-----BEGIN",
        re.compile(
            r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----(?:[^-]|-(?!----))*(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?"
        ),
    ),
    Shape("a password in a URL", "@", re.compile(r"://[^/?#\s@:]*:([^/?#\s@]+)@")),
    Shape("a token in a URL", "@", re.compile(r"://((?=[A-Za-z_-]{0,64}[0-9])[\w-]{16,})@")),
    Shape(
        "a password in a data source",
        "@",
        re.compile(r"(?<![\w.])[\w.]{1,64}:((?:\$\{[^{}\s]{1,128}\}|[^\s:@/$]|\$(?!\{)){1,256})@(?:tcp|unix)\("),
    ),
    Shape(
        "a token in a URL",
        "sumologic.com",
        re.compile(r"sumologic\.com/receiver/v1/(?:http|otlp|prometheus)/([\w=%+-]{16,})"),
    ),
    Shape("a token in a URL", "hooks.slack.com", re.compile(r"hooks\.slack\.com/services/\w{1,32}/\w{1,32}/(\w{8,})")),
    Shape("a token in a URL", "webhook.office.com", re.compile(r"\.webhook\.office\.com/webhookb2/([\w@/-]{16,})")),
    Shape("a token in a URL", "=", re.compile(r"[?&](?:sig|signature)=([\w%+/=-]{8,})", re.IGNORECASE)),
    Shape("a token in a URL", "=", re.compile(r"[?&](?:key|code|auth)=((?=[A-Za-z_-]{0,64}[0-9])[\w%-]{12,})")),
    Shape(
        "a token",
        "",
        re.compile(
            r"(?<![\w-])(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{16,}"
            r"|xox[abprs]-[\w-]{10,}|dt0[a-z]\d\d\.[A-Z0-9]{8,}\.[A-Z0-9]{16,}|gl(?:c|sa)_[\w=+/]{20,}|hvs\.[\w-]{20,}"
            r"|AIza[\w-]{35}|NRA[KA]-[A-Z0-9]{20,}|[0-9a-f]{36}NRAL|hc[ab]\w{2}_[a-z0-9]{20,}|sntrys_[\w=+/]{20,}"
            r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})(?![\w-])"
        ),
    ),
)
# A statement of OTTL that gives an attribute a value.
_ATTRIBUTE_SET = re.compile(
    r"\bset\(\s{0,8}[\w.]{1,80}\[\s{0,8}\"([^\"]{1,128})\"\s{0,8}\]\s{0,8},\s{0,8}\"([^\"\\]{4,256})\"\s{0,8}\)"
)
# A name and the signs between it and its value, as `token=` and `password": "`; a value; the end of a line.
_NAME = re.compile(r"(?<!\w)(?<!\w-)([A-Za-z][\w-]{1,60})([\"']?\s{0,2}(?:=(?!=)|:(?!/))\s{0,2}[\"'\[]{0,2})")
_VALUE = re.compile(r"[^\s\"'&;,<>\])}=][^\s\"'&;,<>\])}]*")
_REST_OF_LINE = re.compile(r"[^\S\n]*(?=\n|\Z)")
_RUN = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+_-]{32,}={0,2}(?![\w+/=.-])")

_SHORTEST_SHAPE = 15  # of a secret by its shape, without a sign that separates it from a name
_LONGEST_KEPT = 512  # a text that is searched once for all its places
# The length of what is no word behind `NAME: `: in any case, and if it has a digit.
_LONG_VALUE, _SHORT_VALUE = 20, 8
_LONGEST_INDENT = 80
# Of a random text: how long it is, its bits for each sign, its digits, and how often digits and letters alternate.
_RANDOM_LENGTH, _RANDOM_ENTROPY, _RANDOM_DIGITS, _RANDOM_CHANGES = 32, 4.2, 4, 6
_DIGIT, _CAPITAL, _SMALL = "digit", "capital", "small"
_CONNECTION_NAMES = ("sharedaccesskey", "accountkey", "sharedaccesssignature", "instrumentationkey")


class Secret(NamedTuple):
    """A secret in a text, and what it is."""

    start: int
    end: int
    what: str


class _NamedValue(NamedTuple):
    """A name in a text, what follows it, and whether a word such as `Bearer` stands before that."""

    name: re.Match[str]
    value: re.Match[str]
    has_scheme: bool


def secrets_of(text: str, *, pairs: bool = True) -> Iterable[Secret]:
    """Return the secrets in a text by their shapes; `pairs` adds `NAME=VALUE` and `NAME: VALUE` anywhere in it."""
    if is_short(text):
        return ()
    if len(text) > _LONGEST_KEPT:
        return _all_secrets(text, pairs)
    return _remembered_secrets(text, pairs)  # manifests repeat most short texts: labels, names, images


def is_short(text: str) -> bool:
    """Whether a text is too short for a secret that has a shape."""
    return len(text) < _SHORTEST_SHAPE and "=" not in text and ":" not in text


def may_be_remembered(text: str) -> bool:
    """Whether a text is short enough to remember what is in it."""
    return len(text) <= _LONGEST_KEPT


@lru_cache(maxsize=4096)
def _remembered_secrets(text: str, pairs: bool) -> tuple[Secret, ...]:
    return tuple(_all_secrets(text, pairs))


def _all_secrets(text: str, pairs: bool) -> Iterator[Secret]:
    """Yield the secrets of a text, those of each kind in order."""
    for shape in _SHAPES:
        if shape.sign in text:
            yield from _shaped_secrets(text, shape)
    if "set(" in text:
        yield from _set_attributes(text)
    if "=" in text or ":" in text:
        yield from _named_secrets(text, pairs)
    if len(text) >= _RANDOM_LENGTH:
        yield from _random_texts(text)


def _shaped_secrets(text: str, shape: Shape) -> Iterator[Secret]:
    """Yield the secrets of one shape."""
    group = 1 if shape.pattern.groups else 0
    for match in shape.pattern.finditer(text):
        start, end = match.span(group)
        if is_literal(text[start:end]):
            yield Secret(start, end, shape.what)


def _set_attributes(text: str) -> Iterator[Secret]:
    """Yield the secrets that a statement of OTTL gives to attributes."""
    for match in _ATTRIBUTE_SET.finditer(text):
        name, value = match.groups()
        if is_secret_name(name) and is_literal(value):
            yield Secret(*match.span(2), f"{ATTRIBUTE}{name}")


def _named_secrets(text: str, pairs: bool) -> Iterator[Secret]:
    """Yield the secrets that follow their names; without `pairs`, only those in URLs and connection strings."""
    end_before = 0
    for name in _NAME.finditer(text):
        is_in_value = name.start() < end_before
        if is_in_value or not _may_name_secret(name[1]):
            continue
        if not pairs and not _is_in_query(text, name):
            continue
        named = _named_value(text, name)
        if named is None:
            continue
        end_before = named.value.end()
        if _is_secret_value(text, named):
            what = "a token in a URL" if "=" in name[2] else f"`{name[1]}`"
            yield Secret(*named.value.span(), what)


@lru_cache(maxsize=4096)
def _may_name_secret(name: str) -> bool:
    """Whether the name before a value is that of a secret. That of a data source has secrets of other shapes."""
    return is_secret_header(name) and name.lower() not in ("team", "auth", *DATA_SOURCES)


def _is_in_query(text: str, name: re.Match[str]) -> bool:
    """Whether a name stands in the query of a URL, or is one of a connection string."""
    if "=" not in name[2]:
        return False
    before = text[max(name.start() - 1, 0) : name.start()]
    return before in ("?", "&", ";") or name[1].lower() in _CONNECTION_NAMES


def _named_value(text: str, name: re.Match[str]) -> _NamedValue | None:
    """Return what follows a name."""
    start = _value_start(text, name)
    scheme = SCHEME.match(text, start)
    if scheme:
        start = scheme.end()
    value = _VALUE.match(text, start)
    return _NamedValue(name, value, scheme is not None) if value else None


def _value_start(text: str, name: re.Match[str]) -> int:
    """Return where the value of a name begins. The default of a variable, `${env:NAME:-VALUE}`, follows a dash."""
    # With its bounds: a slice would copy all of the text before each name, which takes the square of the time.
    is_variable = text.endswith(("${", "${env:"), 0, name.start())
    if is_variable and text.startswith("-", name.end()):
        return name.end() + 1
    return name.end()


def _is_secret_value(text: str, named: _NamedValue) -> bool:
    """Whether what follows a name is a secret: itself, and no word of a sentence."""
    value = named.value[0]
    if not is_literal(value) or only_names_place(named.name[1], value):
        return False
    return not _may_be_prose(named) or _is_alone(text, named.name.start(), named.value.end())


def _may_be_prose(named: _NamedValue) -> bool:
    """Whether what follows `NAME: ` may be a word: one that is not long, and without digits or very short."""
    separator, value = named.name[2], named.value[0]
    if ":" not in separator or not separator.endswith(" "):
        return False
    if named.has_scheme or len(value) >= _LONG_VALUE:
        return False
    has_digit = any(sign.isdigit() for sign in value)
    return len(value) < _SHORT_VALUE or not has_digit


def _is_alone(text: str, start: int, end: int) -> bool:
    """Whether nothing else stands in the line of a name and its value, but for the dash of a list."""
    first = max(start - _LONGEST_INDENT, 0)
    newline = text.rfind("\n", first, start)
    if newline < 0 and first > 0:
        return False
    before = text[max(newline + 1, first) : start]
    return not before.strip(" -") and bool(_REST_OF_LINE.match(text, end))


def _random_texts(text: str) -> Iterator[Secret]:
    """Yield long texts of random letters and digits; hashes and UUIDs, which have no capitals, are none."""
    for match in _RUN.finditer(text):
        run = match[0].rstrip("=")
        has_capitals = run != run.lower()
        if has_capitals and _is_mixed(run) and _entropy(run) >= _RANDOM_ENTROPY:
            yield Secret(*match.span(), RANDOM)


def _is_mixed(run: str) -> bool:
    """Whether capitals, small letters and digits alternate, as in a key, and not as in a name with a number."""
    kinds = [_kind_of_sign(sign) for sign in run]
    if set(kinds) != {_DIGIT, _CAPITAL, _SMALL}:
        return False
    return kinds.count(_DIGIT) >= _RANDOM_DIGITS and _digit_changes(kinds) >= _RANDOM_CHANGES


def _kind_of_sign(sign: str) -> str:
    """Return whether a sign of a run is a digit, a capital or something else, which counts as a small letter."""
    if sign.isdigit():
        return _DIGIT
    return _CAPITAL if sign.isupper() else _SMALL


def _digit_changes(kinds: Sequence[str]) -> int:
    """Return how often a digit and a letter stand beside each other."""
    changes = 0
    for kind, next_kind in pairwise(kinds):
        if kind != next_kind and _DIGIT in (kind, next_kind):
            changes += 1
    return changes


def _entropy(run: str) -> float:
    """Return Shannon's entropy of a text, in bits for each sign."""
    shares = [count / len(run) for count in Counter(run).values()]
    return -sum(share * log2(share) for share in shares)
