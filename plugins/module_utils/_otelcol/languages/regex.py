# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions as Go reads them (RE2): one pass over the text says what Go refuses.

Python's `re` takes lookarounds, backreferences and possessive quantifiers, which Go does not, and refuses some that
Go takes. Source: the documentation of Go's regexp/syntax. Private.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import suggest_word
from .formats import UNICODE_CLASSES

_MOST_REPEATED = 1000
_DEEPEST = 1000
_ESCAPES_OUTSIDE_CLASS = frozenset("afnrtvdDsSwWbBAzpPx01234567")
_ESCAPES_IN_CLASS = frozenset("afnrtvdDsSwWpPx01234567")
_CLASS_ESCAPES = frozenset("dDsSwWpP")
_OCTAL_DIGITS = tuple("01234567")
_UNICODE = re.compile(r"(\w)|\{\^?([^}]*)\}", re.ASCII)
_IGNORED = re.compile(r"[-_ ]")
_PLAIN_CLASSES = frozenset(_IGNORED.sub("", name).lower() for name in UNICODE_CLASSES)
_POSIX_CLASSES = "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit"
_REPEAT = re.compile(r"\{(\d+)(,(\d*))?\}", re.ASCII)
_FLAGS = re.compile(r"\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+|)([:)])")
_NAME = re.compile(r"\?P?<([A-Za-z0-9_]+)>")
_HEX = re.compile(r"x(?:[0-9a-fA-F]{2}|\{([0-9a-fA-F]+)\})")
_LARGEST_RUNE, _RUNE_DIGITS = 0x10FFFF, 8
_UNSUPPORTED_GROUPS = {
    "?=": "Go has no lookahead",
    "?!": "Go has no lookahead",
    "?<=": "Go has no lookbehind",
    "?<!": "Go has no lookbehind",
    "?>": "Go has no atomic groups",
    "?#": "Go has no comments in regular expressions",
    "?P=": "Go has no backreferences",
}


class Refusal(NamedTuple):
    """Why Go refuses a regular expression, and where in it."""

    start: int
    why: str


class _RegexRefused(Exception):  # noqa: N818 - a verdict, not a failure
    def __init__(self, start: int, why: str) -> None:
        self.refusal = Refusal(start, why)
        super().__init__(why)


@dataclass
class _Group:
    """An open group: where it starts, whether there is something to repeat, and how often its content repeats."""

    start: int
    operand: bool = False
    last: int = 1
    most: int = 1


@dataclass
class _Reader:
    """Reads a text once; `captures` has where each capturing group starts, and whether it has a name."""

    text: str
    groups: list[_Group] = field(default_factory=lambda: [_Group(0)])
    captures: list[tuple[int, bool]] = field(default_factory=list)

    def read(self) -> None:
        """Read the whole text. Raises _Refused."""
        position, is_after_repetition = 0, False
        while position < len(self.text):
            sign = self.text[position]
            is_repetition = sign in "*+?" or (sign == "{" and _REPEAT.match(self.text, position) is not None)
            if is_repetition:
                position = self._read_repetition(position, is_after_repetition)
            elif sign == "(":
                position = self._open_group(position)
            elif sign == ")":
                position = self._close_group(position)
            elif sign == "|":
                self.groups[-1].operand = False
                position += 1
            else:
                position = self._read_one_character(position)
                self._note_operand()
            is_after_repetition = is_repetition
        if len(self.groups) > 1:
            raise _RegexRefused(self.groups[-1].start, "this group has no closing `)`")

    def _read_one_character(self, position: int) -> int:
        """Read a class, an escape or a character that means itself; return where it ends."""
        sign = self.text[position]
        if sign == "[":
            return self._read_class(position)
        return self._escape(position) if sign == "\\" else position + 1

    def _note_operand(self, repetitions: int = 1) -> None:
        """Note that there is something to repeat, and how often its content repeats already."""
        group = self.groups[-1]
        group.operand, group.last, group.most = True, repetitions, max(group.most, repetitions)

    def _open_group(self, position: int) -> int:
        """Read the begin of a group, or flags; return where it ends."""
        if self.text[position + 1 : position + 2] != "?":
            self.captures.append((position, False))
            return self._push_group(position, position + 1)
        flags, name_match = _FLAGS.match(self.text, position + 1), _NAME.match(self.text, position + 1)
        if flags:
            return self._push_group(position, flags.end()) if flags[1] == ":" else flags.end()
        if name_match:
            self.captures.append((position, True))
            return self._push_group(position, name_match.end())
        raise _RegexRefused(position, _explain_no_group(self.text[position + 1 : position + 4]))

    def _push_group(self, start: int, end: int) -> int:
        if len(self.groups) > _DEEPEST:
            raise _RegexRefused(start, f"groups nest deeper than {_DEEPEST} levels")
        self.groups.append(_Group(start))
        return end

    def _close_group(self, position: int) -> int:
        if len(self.groups) == 1:
            raise _RegexRefused(position, "this `)` closes no group")
        closed_group = self.groups.pop()
        self._note_operand(closed_group.most)
        return position + 1

    def _read_repetition(self, position: int, is_after_repetition: bool) -> int:
        group = self.groups[-1]
        count = _REPEAT.match(self.text, position)
        end = count.end() if count else position + 1
        repetition = self.text[position:end]
        if not group.operand:
            raise _RegexRefused(position, f"there is nothing that `{repetition}` can repeat")
        if count:
            self._note_repetitions(position, count)
        end += self.text[end : end + 1] == "?"
        if is_after_repetition:
            raise _RegexRefused(position, f"`{repetition}` repeats a repetition, and Go has no possessive quantifiers")
        return end

    def _note_repetitions(self, position: int, repeat_match: re.Match[str]) -> None:
        """Note how often the last operand repeats. Raises _Refused where Go allows no such number."""
        fewest = _read_capped_number(repeat_match[1])
        most_times = _read_capped_number(repeat_match[3]) if repeat_match[3] else fewest
        if max(fewest, most_times) > _MOST_REPEATED or fewest > most_times:
            raise _RegexRefused(
                position, f"`{repeat_match[0]}` is no valid repetition; Go repeats at most {_MOST_REPEATED} times"
            )
        group = self.groups[-1]
        if most_times > 1:
            group.last *= most_times
        group.most = max(group.most, group.last)
        if group.last > _MOST_REPEATED:
            raise _RegexRefused(position, f"nested repetitions add up to more than {_MOST_REPEATED}")

    def _escape(self, position: int, known_signs: frozenset[str] = _ESCAPES_OUTSIDE_CLASS) -> int:
        """Read an escape; return where it ends."""
        sign, next_sign = self.text[position + 1 : position + 2], self.text[position + 2 : position + 3]
        if not sign:
            raise _RegexRefused(position, "the backslash at the end escapes nothing")
        is_octal = sign in _OCTAL_DIGITS and next_sign in _OCTAL_DIGITS
        if sign in "123456789" and not is_octal:
            raise _RegexRefused(position, "Go has no backreferences")
        if sign == "Q" and known_signs is _ESCAPES_OUTSIDE_CLASS:
            end = self.text.find("\\E", position + 2)
            return len(self.text) if end < 0 else end + 2
        if sign.isascii() and not sign.isalnum():
            return position + 2
        if sign not in known_signs:
            raise _RegexRefused(position, f"Go does not know `\\{sign}`")
        return self._read_long_escape(position, sign)

    def _read_long_escape(self, position: int, sign: str) -> int:
        """Read what follows the sign of an escape, if it has more; return where it ends."""
        if sign == "x":
            return self._read_hexadecimal(position)
        if sign in "pP":
            return self._read_unicode_class(position, sign)
        end = position + 2
        while sign.isdigit() and end < position + 4 and self.text[end : end + 1] in _OCTAL_DIGITS:
            end += 1
        return end

    def _read_hexadecimal(self, position: int) -> int:
        hex_match = _HEX.match(self.text, position + 1)
        if hex_match is None or (hex_match[1] and not _is_rune(hex_match[1])):
            raise _RegexRefused(position, "`\\x` needs two hexadecimal digits, or several in braces")
        return hex_match.end()

    def _read_unicode_class(self, position: int, sign: str) -> int:
        class_match = _UNICODE.match(self.text, position + 2)
        if class_match is None:
            raise _RegexRefused(position, f"`\\{sign}` needs the name of a Unicode class")
        name = class_match[1] or class_match[2]
        if _IGNORED.sub("", name).lower() not in _PLAIN_CLASSES:
            raise _RegexRefused(position, f"there is no Unicode class '{name}'{suggest_word(name, UNICODE_CLASSES)}")
        return class_match.end()

    def _read_class(self, position: int) -> int:
        start, end, is_first_sign = position, position + 1 + (self.text[position + 1 : position + 2] == "^"), True
        while end < len(self.text):
            if self.text[end] == "]" and not is_first_sign:
                return end + 1
            is_first_sign = False
            if self.text.startswith("[:", end) and ":]" in self.text[end : end + 12]:
                name = self.text[end + 2 : self.text.index(":]", end)]
                if name.removeprefix("^") not in _POSIX_CLASSES.split():
                    raise _RegexRefused(end, f"there is no class `[:{name}:]`")
                end += len(name) + 4
                continue
            end = self._read_range(end)
        raise _RegexRefused(start, "this class has no closing `]`")

    def _read_range(self, position: int) -> int:
        low_code, end = self._read_class_character(position)
        is_range = self.text[end : end + 1] == "-" and self.text[end + 1 : end + 2] not in ("", "]")
        if low_code is None or not is_range:
            return end
        high_code, range_end = self._read_class_character(end + 1)
        if high_code is None or high_code < low_code:
            raise _RegexRefused(position, f"`{self.text[position:range_end]}` is no valid range")
        return range_end

    def _read_class_character(self, position: int) -> tuple[int | None, int]:
        """Return a character of a class as a number, None for a class such as `\\d`, and where it ends."""
        if self.text[position] != "\\":
            return ord(self.text[position]), position + 1
        end = self._escape(position, _ESCAPES_IN_CLASS)
        escape_body = self.text[position + 1 : end]
        if escape_body[0] in _CLASS_ESCAPES:
            return None, end
        if escape_body[0] == "x":
            return int(escape_body[1:].strip("{}"), 16), end
        return (
            int(escape_body, 8) if escape_body.isdigit() else ord(_CONTROL_CHARACTERS.get(escape_body, escape_body))
        ), end


def _explain_no_group(group_begin: str) -> str:
    """Return why Go does not read what follows an open parenthesis."""
    for sign, why in _UNSUPPORTED_GROUPS.items():
        if group_begin.startswith(sign):
            return why
    if group_begin.startswith(("?<", "?P<")):
        return "the name of a group has letters, digits and underscores only"
    return f"Go does not know `({group_begin[:2]}`"


def _is_rune(digits: str) -> bool:
    """Whether hexadecimal digits are the number of a character."""
    return len(digits) <= _RUNE_DIGITS and int(digits, 16) <= _LARGEST_RUNE


_CONTROL_CHARACTERS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _read_capped_number(digits: str) -> int:
    return int(digits) if len(digits) <= len(str(_MOST_REPEATED)) else _MOST_REPEATED + 1


def find_regex_refusal(text: str) -> Refusal | None:
    """Return why Go refuses a regular expression; None if it takes it."""
    refused, _captures = read_regex(text)
    return refused


def read_regex(text: str) -> tuple[Refusal | None, list[tuple[int, bool]]]:
    """Return the refusal of a regular expression, and where each capturing group is and whether it has a name."""
    reader = _Reader(text)
    try:
        reader.read()
    except _RegexRefused as refused:
        return refused.refusal, []
    return None, reader.captures
