# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text that a regular expression of Go most likely matches: the first alternative, each thing as seldom as it may be.

The syntax is that of Go's package regexp/syntax. Three things are not covered, so the text may not match:
assertions such as `$` and `\\b` count as met, and scripts such as `\\p{Greek}` and octal numbers get a wrong character.
Private.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from unicodedata import category

_Members = Callable[[str], bool]

# The characters that stand for a class, the plainest first, and what stands for a class that has none of them.
_PLAIN_CHARACTERS, _OTHER_CHARACTER = "ax1_ -.A+\t\n", "~"
_ANY_CHARACTER = "x"
# Signs and escapes that ask for a place in the text, and for no character. `\Q` and `\E` quote what is between them.
_ASSERTIONS, _ESCAPED_ASSERTIONS = "^$", "AzbBQE"
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
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
# Go refuses more than 1000 repeats.
_QUANTIFIER = re.compile(r"[*?+]|\{(\d{1,4})(?:,\d*)?\}")
_SET_PATTERN = re.compile(r"\[(\^?)(\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*)\]", re.DOTALL)
_POSIX_CLASS = re.compile(r"\[:(\^?)(\w+):\]")
# A character by its code, `\x41` or `\x{1f600}`, and a Unicode class, `\pL` or `\p{^Greek}`.
_CODE_PATTERN = re.compile(r"\\x(?:\{(?P<long>[0-9A-Fa-f]{1,6})\}|(?P<short>[0-9A-Fa-f]{2}))")
_UNICODE_CLASS = re.compile(r"\\(?P<sign>[pP])(?:\{(?P<negated>\^?)(?P<name>\w+)\}|(?P<letter>\w))")
# Nested repeats multiply; a sample needs no more characters than this.
_LONGEST_SAMPLE = 10_000


class _Element(NamedTuple):
    """One thing in a pattern: a text for it, and a function that says whether a character belongs to it.

    A class, such as `\\d` or `[a-z]`, has more than one character.
    """

    text: str
    has_character: _Members
    is_class: bool = False


@dataclass
class _Group:
    """A group that is read: the texts of its first alternative."""

    pieces: list[str] = field(default_factory=list)
    is_first: bool = True

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
    pattern_rest = pattern
    groups = [_Group()]  # the innermost is the last
    while pattern_rest:
        group_opening = _GROUP_OPENING.match(pattern_rest)
        if group_opening:
            groups.append(_Group())
            pattern_rest = pattern_rest[group_opening.end() :]
        elif pattern_rest[0] == "|":
            groups[-1].is_first = False
            pattern_rest = pattern_rest[1:]
        elif pattern_rest[0] == ")" and len(groups) == 1:
            break  # nothing is open: Go refuses the pattern
        else:
            piece, pattern_rest = (
                (groups.pop().text, pattern_rest[1:]) if pattern_rest[0] == ")" else _read_piece(pattern_rest)
            )
            repeats, pattern_rest = _read_repeats(pattern_rest)
            groups[-1].add((piece * repeats)[:_LONGEST_SAMPLE])
    return "".join(group.text for group in groups)[:_LONGEST_SAMPLE]


def _read_repeats(pattern_rest: str) -> tuple[int, str]:
    """Return how often the thing before must be there at least, and what follows its quantifier."""
    quantifier = _QUANTIFIER.match(pattern_rest)
    if not quantifier:
        return 1, pattern_rest
    pattern_rest = pattern_rest[quantifier.end() :].removeprefix("?")
    if quantifier[1]:
        return int(quantifier[1]), pattern_rest
    return 1 if quantifier[0] == "+" else 0, pattern_rest


def _read_piece(pattern_rest: str) -> tuple[str, str]:
    """Return a text for the first thing in a pattern, which is no group, and what follows it."""
    character = pattern_rest[0]
    if character == "\\":
        element, pattern_rest = _read_escape(pattern_rest)
        return element.text, pattern_rest
    set_match = _SET_PATTERN.match(pattern_rest)
    if set_match:
        return _choose_set_character(_read_set_members(set_match[2]), is_negated=bool(set_match[1])), pattern_rest[
            set_match.end() :
        ]
    if character in _ASSERTIONS:
        return "", pattern_rest[1:]
    return _ANY_CHARACTER if character == "." else character, pattern_rest[1:]


def _read_escape(pattern_rest: str) -> tuple[_Element, str]:
    """Return what a pattern that begins with a backslash has first, and what follows it."""
    code_match = _CODE_PATTERN.match(pattern_rest)
    if code_match:
        code_point = int(code_match["long"] or code_match["short"], 16)
        return _make_character(chr(min(code_point, 0x10FFFF))), pattern_rest[code_match.end() :]
    class_match = _UNICODE_CLASS.match(pattern_rest)
    if class_match:
        category_name = class_match["name"] or class_match["letter"]
        is_negated = (class_match["sign"] == "P") != bool(class_match["negated"])
        return _make_class(lambda character: category(character).startswith(category_name), is_negated), pattern_rest[
            class_match.end() :
        ]
    sign = pattern_rest[1:2]
    if sign.lower() in _PERL_CLASSES:
        return _make_class(_MEMBERS_BY_CLASS[_PERL_CLASSES[sign.lower()]], sign.isupper()), pattern_rest[2:]
    if sign in _ESCAPED_ASSERTIONS:
        return _Element("", lambda _character: False), pattern_rest[2:]
    return _make_character(_CONTROLS.get(sign, sign)), pattern_rest[2:]


def _read_set_members(set_rest: str) -> list[_Element]:
    """Return the characters, classes and ranges between the brackets of a set."""
    members = []
    while set_rest:
        member, set_rest = _read_set_member(set_rest)
        if not member.is_class and set_rest[:1] == "-" and set_rest[1:]:
            last_member, set_rest = _read_set_member(set_rest[1:])
            member = _make_range(member.text, last_member.text)
        members.append(member)
    return members


def _read_set_member(set_rest: str) -> tuple[_Element, str]:
    """Return the first character or class of a set, and what follows it."""
    posix_match = _POSIX_CLASS.match(set_rest)
    if posix_match:
        return _make_class(_MEMBERS_BY_CLASS.get(posix_match[2], str.isalpha), bool(posix_match[1])), set_rest[
            posix_match.end() :
        ]
    if set_rest[0] == "\\":
        return _read_escape(set_rest)
    return _make_character(set_rest[0]), set_rest[1:]


def _choose_set_character(members: list[_Element], *, is_negated: bool) -> str:
    """Return a character of a set; the first one, or one that a negated set does not exclude."""
    if not is_negated:
        return members[0].text if members else ""
    return _choose_plainest_character(lambda character: not any(member.has_character(character) for member in members))


def _make_character(text: str) -> _Element:
    return _Element(text, lambda character: character == text)


def _make_range(first_character: str, last_character: str) -> _Element:
    return _Element(first_character, lambda character: first_character <= character <= last_character)


def _make_class(has_character: _Members, is_negated: bool) -> _Element:
    """Return a class, or the characters that it does not have."""
    members = (lambda character: not has_character(character)) if is_negated else has_character
    return _Element(_choose_plainest_character(members), members, is_class=True)


def _choose_plainest_character(has_character: _Members) -> str:
    """Return the plainest character that a class has."""
    return next(filter(has_character, _PLAIN_CHARACTERS), _OTHER_CHARACTER)
