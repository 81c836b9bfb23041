# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a text that a regular expression of Go most likely matches. Private.

The tests of a config send records that meet its conditions. For a condition such as `IsMatch(name, "^/api/v[12]/")`,
`make_sample_text` makes the name of such a record; samples.py and the files of fields beside it call it. Examples:

| pattern | text |
|---|---|
| `^/api/v[12]/\\w+$` | `/api/v1/a` |
| `(a|b)c{2}d*` | `acc` |
| `[^a-z]` | `1` |

Of alternatives, the text has the first one. What may be repeated is in it as seldom as the pattern allows. The syntax
is that of Go's package regexp/syntax. Three things are not covered, so the text may not match: assertions such as `$`
and `\\b` count as met, and scripts such as `\\p{Greek}` and octal numbers get a wrong character.

Each function `_read_…` gets the `remaining` pattern, reads the first thing in it, and returns what it has read and the
pattern that remains then: `_read_repeats("{2}d*")` returns `(2, "d*")`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from unicodedata import category

from ..languages.regex import CONTROL_CHARACTERS

_Members = Callable[[str], bool]
"""Returns whether a character is one of a class."""

# A text gets the first of these characters that a class has.
_PLAIN_CHARACTERS = "ax1_ -.A+\t\n"
# It gets this character for a class that has none of them.
_OTHER_CHARACTER = "~"
# It gets this one for `.`.
_ANY_CHARACTER = "x"
# Signs that match a position in the text, and no character.
_ASSERTIONS = "^$"
# The letters of escapes that match no character, such as `\b`. `\Q` and `\E` quote what is between them.
_ESCAPED_ASSERTIONS = "AzbBQE"
# The classes by the names that POSIX gives to them: `[:alpha:]`.
_MEMBERS_BY_CLASS: dict[str, _Members] = {
    "alnum": str.isalnum,
    "alpha": str.isalpha,
    "blank": lambda character: character in " \t",
    "digit": str.isdigit,
    "lower": str.islower,
    "punct": lambda character: character in string.punctuation,
    "space": str.isspace,
    "upper": str.isupper,
    "word": lambda character: character.isalnum() or character == "_",
    "xdigit": lambda character: character in string.hexdigits,
}
# The classes of Perl by their small letter; the capital one has all other characters.
_PERL_CLASSES = {"d": "digit", "s": "space", "w": "word"}

# The begin of a group: `(`, `(?:`, `(?i)`, `(?P<name>`.
_GROUP_OPENING = re.compile(r"\((?:\?(?:P?<\w+>|[imsU-]*:?))?")
# How often the element before it is repeated: `*`, `?`, `+`, `{3}`, `{1,}`. Go refuses more than 1000 repeats.
_QUANTIFIER = re.compile(r"[*?+]|\{(\d{1,4})(?:,\d*)?\}")
# A set: `[a-z]`, `[^\]]`, `[[:alpha:]_]`.
_SET_PATTERN = re.compile(r"\[(\^?)(\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*)\]", re.DOTALL)
# A class in a set: `[:alpha:]`, `[:^digit:]`.
_POSIX_CLASS = re.compile(r"\[:(\^?)(\w+):\]")
# A character by its code: `\x41`, `\x{1f600}`.
_CODE_PATTERN = re.compile(r"\\x(?:\{(?P<long>[0-9A-Fa-f]{1,6})\}|(?P<short>[0-9A-Fa-f]{2}))")
# A class of Unicode: `\pL`, `\p{^Greek}`.
_UNICODE_CLASS = re.compile(r"\\(?P<sign>[pP])(?:\{(?P<negated>\^?)(?P<name>\w+)\}|(?P<letter>\w))")
# Nested repeats multiply; a sample needs no more characters than this.
_LONGEST_SAMPLE = 10_000


class _Element(NamedTuple):
    """What a pattern has for one character, such as `a`, `\\d` or `[a-z]`."""

    text: str
    """A text that it matches."""
    has_character: _Members
    """Returns whether it matches a character."""
    is_class: bool = False
    """Whether it matches more than one character."""


@dataclass
class _Group:
    """A group, such as `(a|b)`, whose end is not read yet. The whole pattern is one too."""

    pieces: list[str] = field(default_factory=list)
    """The texts of its first alternative."""
    is_first: bool = True
    """Whether the first alternative is still read: no `|` was there."""

    @property
    def text(self) -> str:
        """A text for its first alternative."""
        return "".join(self.pieces)[:_LONGEST_SAMPLE]

    def add(self, piece: str) -> None:
        """Add a text if it belongs to the first alternative."""
        if self.is_first:
            self.pieces.append(piece)


def make_sample_text(pattern: str) -> str:
    """Return a text that a regular expression of Go most likely matches, of at most 10,000 characters."""
    remaining = pattern
    groups = [_Group()]  # those that are open: the whole pattern, and last the innermost one
    while remaining:
        group_opening = _GROUP_OPENING.match(remaining)
        if group_opening:
            groups.append(_Group())
            remaining = remaining[group_opening.end() :]
        elif remaining[0] == "|":
            groups[-1].is_first = False
            remaining = remaining[1:]
        elif remaining[0] == ")" and len(groups) == 1:
            break  # no group is open: Go refuses the pattern
        else:
            if remaining[0] == ")":
                piece, remaining = groups.pop().text, remaining[1:]
            else:
                piece, remaining = _read_piece(remaining)
            repeats, remaining = _read_repeats(remaining)
            groups[-1].add((piece * repeats)[:_LONGEST_SAMPLE])
    return "".join(group.text for group in groups)[:_LONGEST_SAMPLE]


def _read_repeats(remaining: str) -> tuple[int, str]:
    """Return how often the element before must be there at least: 2 for `{2,5}`, and 1 without a quantifier."""
    quantifier = _QUANTIFIER.match(remaining)
    if not quantifier:
        return 1, remaining
    remaining = remaining[quantifier.end() :].removeprefix("?")
    if quantifier[1]:
        return int(quantifier[1]), remaining
    return 1 if quantifier[0] == "+" else 0, remaining


def _read_piece(remaining: str) -> tuple[str, str]:
    """Return a text for the first element of a pattern, which is no group."""
    character = remaining[0]
    if character == "\\":
        element, remaining = _read_escape(remaining)
        return element.text, remaining
    set_match = _SET_PATTERN.match(remaining)
    if set_match:
        text = _choose_set_character(_read_set_members(set_match[2]), is_negated=bool(set_match[1]))
        return text, remaining[set_match.end() :]
    if character in _ASSERTIONS:
        return "", remaining[1:]
    return _ANY_CHARACTER if character == "." else character, remaining[1:]


def _read_escape(remaining: str) -> tuple[_Element, str]:
    """Return the element of an escape, such as `\\d`, `\\x41` or `\\.`."""
    code_match = _CODE_PATTERN.match(remaining)
    if code_match:
        code_point = int(code_match["long"] or code_match["short"], 16)
        return _make_character(chr(min(code_point, 0x10FFFF))), remaining[code_match.end() :]
    class_match = _UNICODE_CLASS.match(remaining)
    if class_match:
        category_name = class_match["name"] or class_match["letter"]
        is_negated = (class_match["sign"] == "P") != bool(class_match["negated"])
        element = _make_class(lambda character: category(character).startswith(category_name), is_negated)
        return element, remaining[class_match.end() :]
    sign = remaining[1:2]
    if sign.lower() in _PERL_CLASSES:
        return _make_class(_MEMBERS_BY_CLASS[_PERL_CLASSES[sign.lower()]], sign.isupper()), remaining[2:]
    if sign in _ESCAPED_ASSERTIONS:
        return _Element("", lambda _character: False), remaining[2:]
    return _make_character(CONTROL_CHARACTERS.get(sign, sign)), remaining[2:]


def _read_set_members(remaining: str) -> list[_Element]:
    """Return the elements between the brackets of a set: of `a-z_` a range and a character."""
    members = []
    while remaining:
        member, remaining = _read_set_member(remaining)
        if not member.is_class and remaining[:1] == "-" and remaining[1:]:
            last_member, remaining = _read_set_member(remaining[1:])
            member = _make_range(member.text, last_member.text)
        members.append(member)
    return members


def _read_set_member(remaining: str) -> tuple[_Element, str]:
    """Return the first character or class between the brackets of a set."""
    posix_match = _POSIX_CLASS.match(remaining)
    if posix_match:
        element = _make_class(_MEMBERS_BY_CLASS.get(posix_match[2], str.isalpha), bool(posix_match[1]))
        return element, remaining[posix_match.end() :]
    if remaining[0] == "\\":
        return _read_escape(remaining)
    return _make_character(remaining[0]), remaining[1:]


def _choose_set_character(members: list[_Element], *, is_negated: bool) -> str:
    """Return a character of a set: that of its first element, or one that a negated set does not exclude."""
    if not is_negated:
        return members[0].text if members else ""

    def is_allowed(character: str) -> bool:
        return not any(member.has_character(character) for member in members)

    return _choose_plainest_character(is_allowed)


def _make_character(text: str) -> _Element:
    """Return a character that stands for itself."""
    return _Element(text, lambda character: character == text)


def _make_range(first_character: str, last_character: str) -> _Element:
    """Return a range of a set, as `a-z` is one."""
    return _Element(first_character, lambda character: first_character <= character <= last_character)


def _make_class(has_character: _Members, is_negated: bool) -> _Element:
    """Return a class, or the characters that it does not have."""
    members = (lambda character: not has_character(character)) if is_negated else has_character
    return _Element(_choose_plainest_character(members), members, is_class=True)


def _choose_plainest_character(has_character: _Members) -> str:
    """Return the plainest character that a class has."""
    return next(filter(has_character, _PLAIN_CHARACTERS), _OTHER_CHARACTER)
