# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions as Go reads them (RE2): one pass over the text says what Go refuses.

The Collector does not start with a regular expression that Go refuses, and Python's `re` cannot tell: it takes
lookarounds, backreferences and possessive quantifiers, which Go does not, and refuses some that Go takes. The rules on
settings and on OTTL ask here:

    find_regex_refusal("a(?=b)")               RegexRefusal(start=1, reason="Go has no lookahead")
    read_regex("(?P<code>\\d+) (.*)").groups    [CapturingGroup(0, has_name=True), CapturingGroup(14, has_name=False)]

An operand is the part before a repetition such as `*`, which it repeats. A class is a set of characters, such as
`[a-z]` or `\\d`. Source: the documentation of Go's regexp/syntax. Private.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import suggest_word
from .unicode_classes import UNICODE_CLASSES

# Limits of Go's regexp/syntax: how often a part repeats, and how deep groups nest.
_MOST_REPEATED = 1000
_DEEPEST = 1000
# Letters and digits that may follow a backslash. Each other character may too, and means itself: `\.` is a dot.
_ESCAPES_OUTSIDE_CLASS = frozenset("afnrtvdDsSwWbBAzpPx01234567")
_ESCAPES_IN_CLASS = frozenset("afnrtvdDsSwWpPx01234567")
# Those of them that stand for a class, such as `\d`.
_CLASS_ESCAPES = frozenset("dDsSwWpP")
# A tuple, since an empty text is in every text, but in no tuple of digits.
_OCTAL_DIGITS = tuple("01234567")
# Those that stand for a single character other than themselves.
CONTROL_CHARACTERS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# What follows `\p`: one letter, or a name in braces, as in `\pL` and `\p{^Greek}`.
_UNICODE = re.compile(r"(\w)|\{\^?([^}]*)\}", re.ASCII)
# Go ignores these in the name of a Unicode class: `\p{Old_Italic}` is `\p{olditalic}`.
_IGNORED = re.compile(r"[-_ ]")
_PLAIN_CLASSES = frozenset(_IGNORED.sub("", name).lower() for name in UNICODE_CLASSES)
# Classes that may stand in another one, as in `[[:alpha:]_]`.
_POSIX_CLASSES = frozenset(
    (
        *("alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph"),
        *("lower", "print", "punct", "space", "upper", "word", "xdigit"),
    )
)
_LONGEST_POSIX_CLASS = 12  # characters: `[:^xdigit:]` has 11
# `{2}`, `{2,}` and `{2,3}`. Groups: the least number, the part behind it, the largest number.
_REPEAT = re.compile(r"\{(\d+)(,(\d*))?\}", re.ASCII)
# Flags such as `(?i)`, which end with `)`, or `(?i:`, which open a group.
_FLAGS = re.compile(r"\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+|)([:)])")
# The name of a group behind its bracket, as in `(?P<name>`, and a code behind a backslash: `x1f`, `x{1f600}`.
_NAME = re.compile(r"\?P?<([A-Za-z0-9_]+)>")
_HEX = re.compile(r"x(?:[0-9a-fA-F]{2}|\{([0-9a-fA-F]+)\})")
# The largest number of a character, and with how many hexadecimal digits it may be written.
_LARGEST_RUNE = 0x10FFFF
_RUNE_DIGITS = 8
# Why Go does not take a group, by what follows its `(`.
_UNSUPPORTED_GROUPS = {
    "?=": "Go has no lookahead",
    "?!": "Go has no lookahead",
    "?<=": "Go has no lookbehind",
    "?<!": "Go has no lookbehind",
    "?>": "Go has no atomic groups",
    "?#": "Go has no comments in regular expressions",
    "?P=": "Go has no backreferences",
}


class RegexRefusal(NamedTuple):
    """Why Go refuses a regular expression, and where in it."""

    start: int
    """The number of the character from which on it is wrong, from 0."""
    reason: str


class _RegexRefused(Exception):  # noqa: N818 - says what Go does, not that the reader failed
    """Go refuses what the reader reads. `read_regex` makes a result of it."""

    def __init__(self, start: int, why: str) -> None:
        self.refusal = RegexRefusal(start, why)
        super().__init__(why)


class CapturingGroup(NamedTuple):
    """A group whose text is kept: where its `(` stands in the expression, and whether it has a name."""

    start: int
    has_name: bool


class ReadRegex(NamedTuple):
    """What Go makes of a regular expression."""

    refusal: RegexRefusal | None
    """None if Go takes it."""
    groups: list[CapturingGroup]
    """Its capturing groups; none if it is refused."""


def find_regex_refusal(text: str) -> RegexRefusal | None:
    """Return why Go refuses a regular expression; None if it takes it."""
    return read_regex(text).refusal


def read_regex(text: str) -> ReadRegex:
    """Return whether Go takes a regular expression, and its capturing groups."""
    reader = _Reader(text)
    try:
        reader.read_expression()
    except _RegexRefused as refused:
        return ReadRegex(refused.refusal, [])
    return ReadRegex(None, reader.capturing_groups)


@dataclass
class _OpenGroup:
    """A group that has no `)` yet; the whole expression is the first one.

    `has_operand` is whether something stands here that a repetition can repeat. Go limits how often a part repeats in
    all, as repetitions in repetitions multiply: `last_repetitions` is that number for the last operand, and
    `most_repetitions` the largest one in the group. In `(a{3}b{20}){10}`, the group has 20, and is repeated 200 times.
    """

    start: int
    has_operand: bool = False
    last_repetitions: int = 1
    most_repetitions: int = 1


@dataclass
class _Reader:
    """Reads a regular expression once, from its begin to its end. `read_expression` is the entry point.

    Each other method `_read_…` reads what its name says, which begins at `position`, and moves `position` to the
    character after it. It raises _RegexRefused for what Go refuses.
    """

    text: str
    position: int = 0
    open_groups: list[_OpenGroup] = field(default_factory=lambda: [_OpenGroup(0)])
    capturing_groups: list[CapturingGroup] = field(default_factory=list)

    def read_expression(self) -> None:
        """Read the whole text."""
        is_after_repetition = False
        while self.position < len(self.text):
            character = self.text[self.position]
            is_repetition = character in "*+?" or (
                character == "{" and _REPEAT.match(self.text, self.position) is not None
            )
            if is_repetition:
                self._read_repetition(is_after_repetition)
            elif character == "(":
                self._open_group()
            elif character == ")":
                self._close_group()
            elif character == "|":
                self.open_groups[-1].has_operand = False
                self.position += 1
            else:
                self._read_character()
                self._note_operand()
            is_after_repetition = is_repetition
        if len(self.open_groups) > 1:
            raise _RegexRefused(self.open_groups[-1].start, "this group has no closing `)`")

    def _peek(self, distance: int) -> str:
        """Return the character at this distance behind the position; empty behind the end of the text."""
        return self.text[self.position + distance : self.position + distance + 1]

    def _read_character(self) -> None:
        """Read a class, an escape or a character that means itself."""
        character = self.text[self.position]
        if character == "[":
            self._read_class()
        elif character == "\\":
            self._read_escape(_ESCAPES_OUTSIDE_CLASS)
        else:
            self.position += 1

    def _note_operand(self, repetitions: int = 1) -> None:
        """Note that a part can be repeated now; `repetitions` is how often its content repeats already."""
        group = self.open_groups[-1]
        group.has_operand = True
        group.last_repetitions = repetitions
        group.most_repetitions = max(group.most_repetitions, repetitions)

    def _open_group(self) -> None:
        """Read the begin of a group, or flags such as `(?i)`, which open none."""
        start = self.position
        flags, name = _FLAGS.match(self.text, start + 1), _NAME.match(self.text, start + 1)
        if self._peek(1) != "?":
            self.capturing_groups.append(CapturingGroup(start, has_name=False))
            self._push_group(start + 1)
        elif flags and flags[1] == ":":
            self._push_group(flags.end())
        elif flags:
            self.position = flags.end()
        elif name:
            self.capturing_groups.append(CapturingGroup(start, has_name=True))
            self._push_group(name.end())
        else:
            raise _RegexRefused(start, _explain_no_group(self.text[start + 1 : start + 4]))

    def _push_group(self, content_start: int) -> None:
        """Open the group that begins at the position, and go to its content."""
        if len(self.open_groups) > _DEEPEST:
            raise _RegexRefused(self.position, f"groups nest deeper than {_DEEPEST} levels")
        self.open_groups.append(_OpenGroup(self.position))
        self.position = content_start

    def _close_group(self) -> None:
        """Read `)`; the group is an operand of the one around it."""
        if len(self.open_groups) == 1:
            raise _RegexRefused(self.position, "this `)` closes no group")
        closed_group = self.open_groups.pop()
        self._note_operand(closed_group.most_repetitions)
        self.position += 1

    def _read_repetition(self, is_after_repetition: bool) -> None:
        """Read `*`, `+`, `?` or `{2,3}`, and a `?` behind it."""
        start = self.position
        count = _REPEAT.match(self.text, start)
        end = count.end() if count else start + 1
        repetition = self.text[start:end]
        if not self.open_groups[-1].has_operand:
            raise _RegexRefused(start, f"there is nothing that `{repetition}` can repeat")
        if count:
            self._note_repetitions(count)
        if is_after_repetition:
            raise _RegexRefused(start, f"`{repetition}` repeats a repetition, and Go has no possessive quantifiers")
        is_lazy = self.text[end : end + 1] == "?"
        self.position = end + 1 if is_lazy else end

    def _note_repetitions(self, count: re.Match[str]) -> None:
        """Note how often the last operand repeats. Refuses a number that Go does not allow."""
        fewest_times = _read_capped_number(count[1])
        most_times = _read_capped_number(count[3]) if count[3] else fewest_times
        if max(fewest_times, most_times) > _MOST_REPEATED or fewest_times > most_times:
            raise _RegexRefused(
                self.position, f"`{count[0]}` is no valid repetition; Go repeats at most {_MOST_REPEATED} times"
            )
        group = self.open_groups[-1]
        if most_times > 1:
            group.last_repetitions *= most_times
        group.most_repetitions = max(group.most_repetitions, group.last_repetitions)
        if group.last_repetitions > _MOST_REPEATED:
            raise _RegexRefused(self.position, f"nested repetitions add up to more than {_MOST_REPEATED}")

    def _read_escape(self, known_characters: frozenset[str]) -> None:
        """Read a backslash and what belongs to it; `known_characters` are the letters and digits that may follow it."""
        character, next_character = self._peek(1), self._peek(2)
        if not character:
            raise _RegexRefused(self.position, "the backslash at the end escapes nothing")
        is_octal = character in _OCTAL_DIGITS and next_character in _OCTAL_DIGITS
        if character in "123456789" and not is_octal:  # `\1` refers to a group, `\12` is a character by its code
            raise _RegexRefused(self.position, "Go has no backreferences")
        is_outside_class = known_characters is _ESCAPES_OUTSIDE_CLASS
        if character == "Q" and is_outside_class:
            self._read_literal_text()
        elif character.isascii() and not character.isalnum():
            self.position += 2
        elif character not in known_characters:
            raise _RegexRefused(self.position, f"Go does not know `\\{character}`")
        else:
            self._read_known_escape(character)

    def _read_known_escape(self, character: str) -> None:
        """Read an escape whose character may stand behind a backslash, with what belongs to it."""
        if character == "x":
            self._read_hexadecimal()
        elif character in "pP":
            self._read_unicode_class(character)
        elif character.isdigit():
            self._read_octal()
        else:
            self.position += 2

    def _read_literal_text(self) -> None:
        """Read `\\Q` with all up to `\\E`, or to the end."""
        end = self.text.find("\\E", self.position + 2)
        self.position = len(self.text) if end < 0 else end + 2

    def _read_octal(self) -> None:
        """Read a backslash and up to three octal digits, of which the first is known to be there."""
        end = self.position + 2
        while end < self.position + 4 and self.text[end : end + 1] in _OCTAL_DIGITS:
            end += 1
        self.position = end

    def _read_hexadecimal(self) -> None:
        """Read `\\x0f` or `\\x{10ffff}`."""
        hex_match = _HEX.match(self.text, self.position + 1)
        if hex_match is None or (hex_match[1] and not _is_rune(hex_match[1])):
            raise _RegexRefused(self.position, "`\\x` needs two hexadecimal digits, or several in braces")
        self.position = hex_match.end()

    def _read_unicode_class(self, character: str) -> None:
        """Read `\\pL` or `\\p{Greek}`, or with `P` for all others."""
        class_match = _UNICODE.match(self.text, self.position + 2)
        if class_match is None:
            raise _RegexRefused(self.position, f"`\\{character}` needs the name of a Unicode class")
        name = class_match[1] or class_match[2]
        if _IGNORED.sub("", name).lower() not in _PLAIN_CLASSES:
            suggestion = suggest_word(name, UNICODE_CLASSES)
            raise _RegexRefused(self.position, f"there is no Unicode class '{name}'{suggestion}")
        self.position = class_match.end()

    def _read_class(self) -> None:
        """Read `[...]`; a `]` that comes first is a character of the class."""
        start = self.position
        self.position += 2 if self._peek(1) == "^" else 1
        is_first = True
        while self.position < len(self.text):
            if self.text[self.position] == "]" and not is_first:
                self.position += 1
                return
            is_first = False
            has_posix_class = self._peek(0) + self._peek(1) == "[:"
            if has_posix_class and ":]" in self.text[self.position : self.position + _LONGEST_POSIX_CLASS]:
                self._read_posix_class()
            else:
                self._read_range()
        raise _RegexRefused(start, "this class has no closing `]`")

    def _read_posix_class(self) -> None:
        """Read a class in a class, such as `[:alpha:]` or `[:^alpha:]`."""
        end = self.text.index(":]", self.position)
        name = self.text[self.position + 2 : end]
        if name.removeprefix("^") not in _POSIX_CLASSES:
            raise _RegexRefused(self.position, f"there is no class `[:{name}:]`")
        self.position += len(name) + 4

    def _read_range(self) -> None:
        """Read a character of a class, or two with a dash between them."""
        start = self.position
        low_code = self._read_class_character()
        is_range = self._peek(0) == "-" and self._peek(1) not in ("", "]")
        if low_code is None or not is_range:
            return
        self.position += 1
        high_code = self._read_class_character()
        if high_code is None or high_code < low_code:
            raise _RegexRefused(start, f"`{self.text[start : self.position]}` is no valid range")

    def _read_class_character(self) -> int | None:
        """Read a character of a class and return its code point, None for a class such as `\\d`."""
        start = self.position
        if self.text[start] != "\\":
            self.position += 1
            return ord(self.text[start])
        self._read_escape(_ESCAPES_IN_CLASS)
        escape_body = self.text[start + 1 : self.position]
        if escape_body[0] in _CLASS_ESCAPES:
            return None
        if escape_body[0] == "x":
            return int(escape_body[1:].strip("{}"), 16)
        if escape_body.isdigit():
            return int(escape_body, 8)
        return ord(CONTROL_CHARACTERS.get(escape_body, escape_body))


def _explain_no_group(group_begin: str) -> str:
    """Return why Go does not read what follows an open parenthesis."""
    for unsupported_begin, why in _UNSUPPORTED_GROUPS.items():
        if group_begin.startswith(unsupported_begin):
            return why
    if group_begin.startswith(("?<", "?P<")):
        return "the name of a group has letters, digits and underscores only"
    return f"Go does not know `({group_begin[:2]}`"


def _is_rune(digits: str) -> bool:
    """Whether hexadecimal digits are the number of a character."""
    return len(digits) <= _RUNE_DIGITS and int(digits, 16) <= _LARGEST_RUNE


def _read_capped_number(digits: str) -> int:
    """Return a number of repetitions; for one with too many digits, a number that is refused too."""
    return int(digits) if len(digits) <= len(str(_MOST_REPEATED)) else _MOST_REPEATED + 1
