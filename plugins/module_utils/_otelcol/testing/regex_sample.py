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
_CANDIDATES, _OTHER = "ax1_ -.A+\t\n", "~"
_ANY_CHARACTER = "x"
# Signs and escapes that ask for a place in the text, and for no character. `\Q` and `\E` quote what is between them.
_ASSERTIONS, _ESCAPED_ASSERTIONS = "^$", "AzbBQE"
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CLASSES: dict[str, _Members] = {
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
_PERL = {"d": "digit", "s": "space", "w": "word"}

_OPENING = re.compile(r"\((?:\?(?:P?<\w+>|[imsU-]*:?))?")
# Go refuses more than 1000 repeats.
_QUANTIFIER = re.compile(r"[*?+]|\{(\d{1,4})(?:,\d*)?\}")
_SET = re.compile(r"\[(\^?)(\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*)\]", re.DOTALL)
_POSIX = re.compile(r"\[:(\^?)(\w+):\]")
_CODE = re.compile(r"\\x(?:\{(?P<long>[0-9A-Fa-f]{1,6})\}|(?P<short>[0-9A-Fa-f]{2}))")
_UNICODE = re.compile(r"\\(?P<sign>[pP])(?:\{(?P<negated>\^?)(?P<name>\w+)\}|(?P<letter>\w))")
# Nested repeats multiply; a sample needs no more characters than this.
_LONGEST = 10_000


class _Element(NamedTuple):
    """One thing in a pattern: a text for it, and which characters it has. A class has more than one."""

    text: str
    has: _Members
    is_class: bool = False


@dataclass
class _Group:
    """A group that is read: the texts of its first alternative."""

    pieces: list[str] = field(default_factory=list)
    is_first: bool = True

    @property
    def text(self) -> str:
        """A text for its first alternative."""
        return "".join(self.pieces)[:_LONGEST]

    def add(self, piece: str) -> None:
        """Add a text if it belongs to the first alternative."""
        if self.is_first:
            self.pieces.append(piece)


def sample_text(pattern: str) -> str:
    """Return a text that a regular expression of Go most likely matches, of at most 10,000 characters."""
    rest = pattern
    groups = [_Group()]  # the innermost is the last
    while rest:
        opening = _OPENING.match(rest)
        if opening:
            groups.append(_Group())
            rest = rest[opening.end() :]
        elif rest[0] == "|":
            groups[-1].is_first = False
            rest = rest[1:]
        elif rest[0] == ")" and len(groups) == 1:
            break  # nothing is open: Go refuses the pattern
        else:
            piece, rest = (groups.pop().text, rest[1:]) if rest[0] == ")" else _piece(rest)
            repeats, rest = _repeats(rest)
            groups[-1].add((piece * repeats)[:_LONGEST])
    return "".join(group.text for group in groups)[:_LONGEST]


def _repeats(rest: str) -> tuple[int, str]:
    """Return how often the thing before must be there at least, and what follows its quantifier."""
    quantifier = _QUANTIFIER.match(rest)
    if not quantifier:
        return 1, rest
    rest = rest[quantifier.end() :].removeprefix("?")
    if quantifier[1]:
        return int(quantifier[1]), rest
    return 1 if quantifier[0] == "+" else 0, rest


def _piece(rest: str) -> tuple[str, str]:
    """Return a text for the first thing in a pattern, which is no group, and what follows it."""
    sign = rest[0]
    if sign == "\\":
        element, rest = _escaped(rest)
        return element.text, rest
    bracket = _SET.match(rest)
    if bracket:
        return _text_of_set(_members_of_set(bracket[2]), is_negated=bool(bracket[1])), rest[bracket.end() :]
    if sign in _ASSERTIONS:
        return "", rest[1:]
    return _ANY_CHARACTER if sign == "." else sign, rest[1:]


def _escaped(rest: str) -> tuple[_Element, str]:
    """Return what a pattern that begins with a backslash has first, and what follows it."""
    code = _CODE.match(rest)
    if code:
        number = int(code["long"] or code["short"], 16)
        return _character(chr(min(number, 0x10FFFF))), rest[code.end() :]
    of_unicode = _UNICODE.match(rest)
    if of_unicode:
        name = of_unicode["name"] or of_unicode["letter"]
        is_negated = (of_unicode["sign"] == "P") != bool(of_unicode["negated"])
        return _class(lambda character: category(character).startswith(name), is_negated), rest[of_unicode.end() :]
    sign = rest[1:2]
    if sign.lower() in _PERL:
        return _class(_CLASSES[_PERL[sign.lower()]], sign.isupper()), rest[2:]
    if sign in _ESCAPED_ASSERTIONS:
        return _Element("", lambda _character: False), rest[2:]
    return _character(_CONTROLS.get(sign, sign)), rest[2:]


def _members_of_set(inside: str) -> list[_Element]:
    """Return the characters, classes and ranges between the brackets of a set."""
    members = []
    while inside:
        member, inside = _member(inside)
        if not member.is_class and inside[:1] == "-" and inside[1:]:
            last, inside = _member(inside[1:])
            member = _range(member.text, last.text)
        members.append(member)
    return members


def _member(inside: str) -> tuple[_Element, str]:
    """Return the first character or class of a set, and what follows it."""
    posix = _POSIX.match(inside)
    if posix:
        return _class(_CLASSES.get(posix[2], str.isalpha), bool(posix[1])), inside[posix.end() :]
    if inside[0] == "\\":
        return _escaped(inside)
    return _character(inside[0]), inside[1:]


def _text_of_set(members: list[_Element], *, is_negated: bool) -> str:
    """Return a character of a set; the first one, or one that a negated set does not exclude."""
    if not is_negated:
        return members[0].text if members else ""
    return _first_candidate(lambda character: not any(member.has(character) for member in members))


def _character(text: str) -> _Element:
    return _Element(text, lambda character: character == text)


def _range(first: str, last: str) -> _Element:
    return _Element(first, lambda character: first <= character <= last)


def _class(has: _Members, is_negated: bool) -> _Element:
    """Return a class, or the characters that it does not have."""
    members = (lambda character: not has(character)) if is_negated else has
    return _Element(_first_candidate(members), members, is_class=True)


def _first_candidate(has: _Members) -> str:
    """Return the plainest character that a class has."""
    return next(filter(has, _CANDIDATES), _OTHER)
