# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that show by the shape of their text, whatever their setting is called. Private.

`find_secrets_in_text` finds them in any text, such as a line of a log. Masks and rules ask it. It looks for five
things:

| what | example, with the secret in brackets |
|---|---|
| one of `_SHAPES` | `https://user:[abcd]@db`, `Bearer [eyJhbGciOi…]` |
| a value that OTTL gives to an attribute | `set(attributes["token"], "[abcd]")` |
| a value after its name | `password=[abcd]`, `api_key: [a1b2c3d4]` |
| what follows a word such as `Bearer` | `# before: Basic [dXNlcjpwYXNz]` |
| a long random text | `[q7Xn2vK9LmW4pRz8TbYc3HdJ6sGf1aQe]` |

secret_names.py judges the names. A text that stands for another one, such as `${env:TOKEN}`, is never a secret
(literal_values.py). All patterns take linear time: logs and configs are the text of others.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from functools import lru_cache
from itertools import pairwise
from math import log2
from typing import NamedTuple

from .literal_values import SCHEME_PATTERN, is_literal
from .secret_names import DATA_SOURCES, is_secret_header, is_secret_name, names_credential_source

# Kinds of secrets, in words: a text that has no known shape, and what stands before the name of an attribute.
RANDOM_TEXT = "a random text like a key"
ATTRIBUTE_PREFIX = "attribute "


class Shape(NamedTuple):
    """A secret that a pattern recognises."""

    description: str
    """Its kind in words, such as `a token in a URL`."""
    required_text: str
    """A part of every text with such a secret, so that most texts need no search; empty if there is none."""
    pattern: re.Pattern[str]
    """Its first group is the secret; without a group, all of the match is."""


_SHAPES = (
    Shape(
        "a private key",
        "-----BEGIN",
        re.compile(
            r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----(?:[^-]|-(?!----))*(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?"
        ),
    ),
    # `https://user:SECRET@host`, and a token in place of the user: `https://SECRET@host`.
    Shape("a password in a URL", "@", re.compile(r"://[^/?#\s@:]*:([^/?#\s@]+)@")),
    Shape("a token in a URL", "@", re.compile(r"://((?=[A-Za-z_-]{0,64}[0-9])[\w-]{16,})@")),
    # A data source of MySQL: `user:SECRET@tcp(db:3306)/shop`.
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
    # In a query: `?sig=SECRET` of Azure, `?key=SECRET` with a digit.
    Shape("a token in a URL", "=", re.compile(r"[?&](?:sig|signature)=([\w%+/=-]{8,})", re.IGNORECASE)),
    Shape("a token in a URL", "=", re.compile(r"[?&](?:key|code|auth)=((?=[A-Za-z_-]{0,64}[0-9])[\w%-]{12,})")),
    Shape(
        "a token",
        "",
        re.compile(
            r"""
            (?<![\w-])(?:
                (?:AKIA|ASIA)[0-9A-Z]{16}  # AWS
                |gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}  # GitHub
                |glpat-[\w-]{16,}  # GitLab
                |xox[abprs]-[\w-]{10,}  # Slack
                |dt0[a-z]\d\d\.[A-Z0-9]{8,}\.[A-Z0-9]{16,}  # Dynatrace
                |gl(?:c|sa)_[\w=+/]{20,}  # Grafana
                |hvs\.[\w-]{20,}  # Vault
                |AIza[\w-]{35}  # Google
                |NRA[KA]-[A-Z0-9]{20,}|[0-9a-f]{36}NRAL  # New Relic
                |hc[ab]\w{2}_[a-z0-9]{20,}  # Honeycomb
                |sntrys_[\w=+/]{20,}  # Sentry
                |eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}  # a JSON Web Token
            )(?![\w-])
            """,
            re.VERBOSE,
        ),
    ),
)
# A statement of OTTL that gives an attribute a value: `set(attributes["token"], "abcd")`. Groups: the name, the value.
_ATTRIBUTE_SET = re.compile(
    r"\bset\(\s{0,8}[\w.]{1,80}\[\s{0,8}\"([^\"]{1,128})\"\s{0,8}\]\s{0,8},\s{0,8}\"([^\"\\]{4,256})\"\s{0,8}\)"
)
# A name and what is between it and its value, such as `token=` and `password": "`. Groups: the name, what is between.
_NAME = re.compile(r"(?<!\w)(?<!\w-)([A-Za-z][\w-]{1,60})([\"']?\s{0,2}(?:=(?!=)|:(?!/))\s{0,2}[\"'\[]{0,2})")
# A value without blanks, quotes and characters that end it.
_VALUE = re.compile(r"[^\s\"'&;,<>\])}=][^\s\"'&;,<>\])}]*")
# A word such as `Bearer`, and the characters that a credential in a header may have. Groups: the word, the value.
_SCHEME_VALUE = re.compile(rf"(?<![\w-])({SCHEME_PATTERN.pattern})([\w.~+/-]{{8,}}={{0,2}})", re.IGNORECASE)
# Blanks up to the end of a line.
_REST_OF_LINE = re.compile(r"[^\S\n]*(?=\n|\Z)")
# Letters, digits and some other characters in a row, long enough for a random text.
_LONG_RUN = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+_-]{32,}={0,2}(?![\w+/=.-])")

# The shortest secret with a shape, without `=` or `:`, which separate others from their names.
_SHORTEST_SHAPE = 15
# The longest text that is searched once, for all its places.
_LONGEST_KEPT = 512
# From these lengths on, what follows `NAME: ` is no word of a sentence: without a digit, and with one.
_LONG_VALUE = 20
_LONG_VALUE_WITH_DIGIT = 8
_LONGEST_INDENT = 80
# What a random text has at least: characters, bits for each of them (see `_measure_entropy`), digits, and places where
# a digit and a letter stand beside each other.
_RANDOM_LENGTH = 32
_RANDOM_ENTROPY = 4.2
_RANDOM_DIGITS = 4
_RANDOM_CHANGES = 6


class _CharacterKind(Enum):
    """What a character of a random text is."""

    DIGIT = "digit"
    CAPITAL = "capital"
    SMALL = "small letter, or another character"


# Names in connection strings of Azure, such as `Endpoint=…;SharedAccessKey=…`.
_CONNECTION_NAMES = ("sharedaccesskey", "accountkey", "sharedaccesssignature", "instrumentationkey")


class Secret(NamedTuple):
    """A secret in a text, and what it is."""

    start: int
    end: int
    """The number of the character behind it."""
    description: str
    """Its kind in words, such as `a token in a URL`."""


class _NamedValue(NamedTuple):
    """A name in a text and the value that follows it, as in `authorization: Bearer abcd`."""

    name: re.Match[str]
    """A match of `_NAME`."""
    value: re.Match[str]
    has_scheme: bool
    """Whether a word such as `Bearer` stands before the value."""


def find_secrets_in_text(text: str, *, with_pairs: bool = True) -> Iterable[Secret]:
    """Return the secrets in a text by their shapes.

    `with_pairs` adds `NAME=VALUE`, `NAME: VALUE` and `Bearer VALUE` anywhere in the text; without it, the first two
    count in URLs and connection strings alone. Secrets of different shapes may overlap, and they are not sorted.
    """
    if is_too_short(text):
        return ()
    if len(text) > _LONGEST_KEPT:
        return _find_all_secrets(text, with_pairs)
    return _find_secrets_cached(text, with_pairs)  # manifests repeat most short texts: labels, names, images


def is_too_short(text: str) -> bool:
    """Whether a text is too short for a secret that has a shape."""
    return len(text) < _SHORTEST_SHAPE and "=" not in text and ":" not in text


def is_cacheable(text: str) -> bool:
    """Whether a text is short enough to remember what is in it."""
    return len(text) <= _LONGEST_KEPT


@lru_cache(maxsize=4096)
def _find_secrets_cached(text: str, with_pairs: bool) -> tuple[Secret, ...]:
    """Return the secrets of a text that is short enough to be remembered."""
    return tuple(_find_all_secrets(text, with_pairs))


def _find_all_secrets(text: str, with_pairs: bool) -> Iterator[Secret]:
    """Yield the secrets of a text, those of each kind in order."""
    for shape in _SHAPES:
        if shape.required_text in text:
            yield from _find_shaped_secrets(text, shape)
    if "set(" in text:
        yield from _find_set_attributes(text)
    if "=" in text or ":" in text:
        yield from _find_named_secrets(text, with_pairs)
    if with_pairs:
        yield from _find_scheme_secrets(text)
    if len(text) >= _RANDOM_LENGTH:
        yield from _find_random_texts(text)


def _find_shaped_secrets(text: str, shape: Shape) -> Iterator[Secret]:
    """Yield the secrets of one shape."""
    group = 1 if shape.pattern.groups else 0
    for match in shape.pattern.finditer(text):
        start, end = match.span(group)
        if is_literal(text[start:end]):
            yield Secret(start, end, shape.description)


def _find_set_attributes(text: str) -> Iterator[Secret]:
    """Yield the secrets that a statement of OTTL gives to attributes."""
    for match in _ATTRIBUTE_SET.finditer(text):
        name, value = match.groups()
        if is_secret_name(name) and is_literal(value):
            yield Secret(*match.span(2), f"{ATTRIBUTE_PREFIX}{name}")


def _find_named_secrets(text: str, with_pairs: bool) -> Iterator[Secret]:
    """Yield the secrets that follow their names; without `with_pairs`, only those in URLs and connection strings."""
    end_before = 0
    for name_match in _NAME.finditer(text):
        is_in_value = name_match.start() < end_before
        if is_in_value or not _may_name_secret(name_match[1]):
            continue
        if not with_pairs and not _is_in_query(text, name_match):
            continue
        named_value = _match_named_value(text, name_match)
        if named_value is None:
            continue
        end_before = named_value.value.end()
        if _is_secret_value(text, named_value):
            kind = "a token in a URL" if "=" in name_match[2] else f"`{name_match[1]}`"
            yield Secret(*named_value.value.span(), kind)


@lru_cache(maxsize=4096)
def _may_name_secret(name: str) -> bool:
    """Whether the name before a value is that of a secret.

    `team` and `auth` are common words, and the value of a data source has a password in it, which has another shape.
    """
    return is_secret_header(name) and name.lower() not in ("team", "auth", *DATA_SOURCES)


def _is_in_query(text: str, name_match: re.Match[str]) -> bool:
    """Whether a name stands in the query of a URL (`?key=`), or is one of a connection string (`;AccountKey=`)."""
    if "=" not in name_match[2]:
        return False
    character_before = text[max(name_match.start() - 1, 0) : name_match.start()]
    return character_before in ("?", "&", ";") or name_match[1].lower() in _CONNECTION_NAMES


def _match_named_value(text: str, name_match: re.Match[str]) -> _NamedValue | None:
    """Return a name with the value that follows it; None if no value follows."""
    start = _find_value_start(text, name_match)
    scheme_match = SCHEME_PATTERN.match(text, start)
    if scheme_match:
        start = scheme_match.end()
    value_match = _VALUE.match(text, start)
    return _NamedValue(name_match, value_match, scheme_match is not None) if value_match else None


def _find_value_start(text: str, name_match: re.Match[str]) -> int:
    """Return where the value of a name begins. The default of a variable, `${env:NAME:-VALUE}`, follows a dash."""
    # With its bounds: a slice would copy all of the text before each name, which takes the square of the time.
    is_variable = text.endswith(("${", "${env:"), 0, name_match.start())
    if is_variable and text.startswith("-", name_match.end()):
        return name_match.end() + 1
    return name_match.end()


def _is_secret_value(text: str, named_value: _NamedValue) -> bool:
    """Whether what follows a name is a secret: a literal that is not a word of a sentence.

    `password: required` in a sentence is none. Alone in its line it is one, as in YAML.
    """
    value = named_value.value[0]
    if not is_literal(value) or names_credential_source(named_value.name[1], value):
        return False
    return not _may_be_prose(named_value) or _is_alone_in_line(text, named_value.name.start(), named_value.value.end())


def _may_be_prose(named_value: _NamedValue) -> bool:
    """Whether what follows `NAME: ` may be a word of a sentence: it is not long, and has no digit or is very short."""
    separator, value = named_value.name[2], named_value.value[0]
    if ":" not in separator or not separator.endswith(" "):
        return False
    if named_value.has_scheme or len(value) >= _LONG_VALUE:
        return False
    return len(value) < _LONG_VALUE_WITH_DIGIT or not _has_digit(value)


def _is_alone_in_line(text: str, start: int, end: int) -> bool:
    """Whether a name and its value have a line of their own, but for blanks and the dash of a list before them."""
    search_start = max(start - _LONGEST_INDENT, 0)
    newline = text.rfind("\n", search_start, start)
    if newline < 0 and search_start > 0:
        return False
    text_before = text[max(newline + 1, search_start) : start]
    return not text_before.strip(" -") and bool(_REST_OF_LINE.match(text, end))


def _find_scheme_secrets(text: str) -> Iterator[Secret]:
    """Yield what follows words such as `Bearer`, but for words of a sentence, as in `basic authentication`."""
    for match in _SCHEME_VALUE.finditer(text):
        scheme, value = match[1].strip(), match[2]
        if is_literal(value) and (_has_digit(value) or _is_basic_login(scheme, value)):
            yield Secret(*match.span(2), f"what follows `{scheme}`")


def _has_digit(value: str) -> bool:
    return any(character.isdigit() for character in value)


def _is_basic_login(scheme: str, value: str) -> bool:
    """Whether a value behind `Basic` is a user with a password: `dXNlcjpwYXNz` is `user:pass`."""
    if scheme.lower() != "basic":
        return False
    try:
        login = b64decode(value, validate=True)
    except ValueError:
        return False
    return b":" in login and login.isascii()


def _find_random_texts(text: str) -> Iterator[Secret]:
    """Yield long texts of random letters and digits; hashes and UUIDs, which have no capitals, are none."""
    for match in _LONG_RUN.finditer(text):
        run = match[0].rstrip("=")
        has_capitals = run != run.lower()
        if has_capitals and _has_mixed_characters(run) and _measure_entropy(run) >= _RANDOM_ENTROPY:
            yield Secret(*match.span(), RANDOM_TEXT)


def _has_mixed_characters(run: str) -> bool:
    """Whether capitals, small letters and digits alternate, as in a key, and not as in a name with a number."""
    kinds_in_order = [_classify_character(character) for character in run]
    if set(kinds_in_order) != set(_CharacterKind):
        return False
    has_digits = kinds_in_order.count(_CharacterKind.DIGIT) >= _RANDOM_DIGITS
    return has_digits and _count_digit_changes(kinds_in_order) >= _RANDOM_CHANGES


def _classify_character(character: str) -> _CharacterKind:
    """Return what a character of a run is; what is neither a digit nor a capital counts as a small letter."""
    if character.isdigit():
        return _CharacterKind.DIGIT
    return _CharacterKind.CAPITAL if character.isupper() else _CharacterKind.SMALL


def _count_digit_changes(kinds_in_order: Sequence[_CharacterKind]) -> int:
    """Return how often a digit and a letter stand beside each other: 3 times in `a1b22`."""
    changes = 0
    for kind, next_kind in pairwise(kinds_in_order):
        if kind != next_kind and _CharacterKind.DIGIT in (kind, next_kind):
            changes += 1
    return changes


def _measure_entropy(run: str) -> float:
    """Return Shannon's entropy of a text, in bits for each character."""
    shares = [count / len(run) for count in Counter(run).values()]
    return -sum(share * log2(share) for share in shares)
