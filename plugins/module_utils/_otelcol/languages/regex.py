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

from ..errors import near
from .formats import UNICODE_CLASSES

_MOST_REPEATED = 1000
_DEEPEST = 1000
_SIMPLE = frozenset("afnrtvdDsSwWbBAzpPx01234567")
_IN_CLASS = frozenset("afnrtvdDsSwWpPx01234567")
_CLASSES = frozenset("dDsSwWpP")
_OCTAL_DIGITS = tuple("01234567")
_UNICODE = re.compile(r"(\w)|\{\^?([^}]*)\}", re.ASCII)
_IGNORED = re.compile(r"[-_ ]")
_PLAIN_CLASSES = frozenset(_IGNORED.sub("", name).lower() for name in UNICODE_CLASSES)
_POSIX = "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit"
_REPEAT = re.compile(r"\{(\d+)(,(\d*))?\}", re.ASCII)
_FLAGS = re.compile(r"\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+|)([:)])")
_NAME = re.compile(r"\?P?<([A-Za-z0-9_]+)>")
_HEX = re.compile(r"x(?:[0-9a-fA-F]{2}|\{([0-9a-fA-F]+)\})")
_LARGEST_RUNE, _RUNE_DIGITS = 0x10FFFF, 8
_UNSUPPORTED = {
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


class _Refused(Exception):  # noqa: N818 - a verdict, not a failure
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
        at, is_after_repetition = 0, False
        while at < len(self.text):
            sign = self.text[at]
            is_repetition = sign in "*+?" or (sign == "{" and _REPEAT.match(self.text, at) is not None)
            if is_repetition:
                at = self._repeat(at, is_after_repetition)
            elif sign == "(":
                at = self._open(at)
            elif sign == ")":
                at = self._close(at)
            elif sign == "|":
                self.groups[-1].operand = False
                at += 1
            else:
                at = self._one_character(at)
                self._operand()
            is_after_repetition = is_repetition
        if len(self.groups) > 1:
            raise _Refused(self.groups[-1].start, "this group has no closing `)`")

    def _one_character(self, at: int) -> int:
        """Read a class, an escape or a character that means itself; return where it ends."""
        sign = self.text[at]
        if sign == "[":
            return self._class(at)
        return self._escape(at) if sign == "\\" else at + 1

    def _operand(self, most: int = 1) -> None:
        """Note that there is something to repeat, and how often its content repeats already."""
        group = self.groups[-1]
        group.operand, group.last, group.most = True, most, max(group.most, most)

    def _open(self, at: int) -> int:
        """Read the begin of a group, or flags; return where it ends."""
        if self.text[at + 1 : at + 2] != "?":
            self.captures.append((at, False))
            return self._push(at, at + 1)
        flags, name = _FLAGS.match(self.text, at + 1), _NAME.match(self.text, at + 1)
        if flags:
            return self._push(at, flags.end()) if flags[1] == ":" else flags.end()
        if name:
            self.captures.append((at, True))
            return self._push(at, name.end())
        raise _Refused(at, _why_no_group(self.text[at + 1 : at + 4]))

    def _push(self, at: int, end: int) -> int:
        if len(self.groups) > _DEEPEST:
            raise _Refused(at, f"groups nest deeper than {_DEEPEST} levels")
        self.groups.append(_Group(at))
        return end

    def _close(self, at: int) -> int:
        if len(self.groups) == 1:
            raise _Refused(at, "this `)` closes no group")
        inner = self.groups.pop()
        self._operand(inner.most)
        return at + 1

    def _repeat(self, at: int, repeated: bool) -> int:
        group = self.groups[-1]
        count = _REPEAT.match(self.text, at)
        end = count.end() if count else at + 1
        shown = self.text[at:end]
        if not group.operand:
            raise _Refused(at, f"there is nothing that `{shown}` can repeat")
        if count:
            self._count(at, count)
        end += self.text[end : end + 1] == "?"
        if repeated:
            raise _Refused(at, f"`{shown}` repeats a repetition, and Go has no possessive quantifiers")
        return end

    def _count(self, at: int, count: re.Match[str]) -> None:
        """Note how often the last operand repeats. Raises _Refused where Go allows no such number."""
        least = _number(count[1])
        most = _number(count[3]) if count[3] else least
        if max(least, most) > _MOST_REPEATED or least > most:
            raise _Refused(at, f"`{count[0]}` is no valid repetition; Go repeats at most {_MOST_REPEATED} times")
        group = self.groups[-1]
        if most > 1:
            group.last *= most
        group.most = max(group.most, group.last)
        if group.last > _MOST_REPEATED:
            raise _Refused(at, f"nested repetitions add up to more than {_MOST_REPEATED}")

    def _escape(self, at: int, known: frozenset[str] = _SIMPLE) -> int:
        """Read an escape; return where it ends."""
        sign, after = self.text[at + 1 : at + 2], self.text[at + 2 : at + 3]
        if not sign:
            raise _Refused(at, "the backslash at the end escapes nothing")
        is_octal = sign in _OCTAL_DIGITS and after in _OCTAL_DIGITS
        if sign in "123456789" and not is_octal:
            raise _Refused(at, "Go has no backreferences")
        if sign == "Q" and known is _SIMPLE:
            end = self.text.find("\\E", at + 2)
            return len(self.text) if end < 0 else end + 2
        if sign.isascii() and not sign.isalnum():
            return at + 2
        if sign not in known:
            raise _Refused(at, f"Go does not know `\\{sign}`")
        return self._long_escape(at, sign)

    def _long_escape(self, at: int, sign: str) -> int:
        """Read what follows the sign of an escape, if it has more; return where it ends."""
        if sign == "x":
            return self._hexadecimal(at)
        if sign in "pP":
            return self._unicode_class(at, sign)
        end = at + 2
        while sign.isdigit() and end < at + 4 and self.text[end : end + 1] in _OCTAL_DIGITS:
            end += 1
        return end

    def _hexadecimal(self, at: int) -> int:
        code = _HEX.match(self.text, at + 1)
        if code is None or (code[1] and not _is_rune(code[1])):
            raise _Refused(at, "`\\x` needs two hexadecimal digits, or several in braces")
        return code.end()

    def _unicode_class(self, at: int, sign: str) -> int:
        match = _UNICODE.match(self.text, at + 2)
        if match is None:
            raise _Refused(at, f"`\\{sign}` needs the name of a Unicode class")
        name = match[1] or match[2]
        if _IGNORED.sub("", name).lower() not in _PLAIN_CLASSES:
            raise _Refused(at, f"there is no Unicode class '{name}'{near(name, UNICODE_CLASSES)}")
        return match.end()

    def _class(self, at: int) -> int:
        start, end, first = at, at + 1 + (self.text[at + 1 : at + 2] == "^"), True
        while end < len(self.text):
            if self.text[end] == "]" and not first:
                return end + 1
            first = False
            if self.text.startswith("[:", end) and ":]" in self.text[end : end + 12]:
                name = self.text[end + 2 : self.text.index(":]", end)]
                if name.removeprefix("^") not in _POSIX.split():
                    raise _Refused(end, f"there is no class `[:{name}:]`")
                end += len(name) + 4
                continue
            end = self._range(end)
        raise _Refused(start, "this class has no closing `]`")

    def _range(self, at: int) -> int:
        low, end = self._character(at)
        is_range = self.text[end : end + 1] == "-" and self.text[end + 1 : end + 2] not in ("", "]")
        if low is None or not is_range:
            return end
        high, after = self._character(end + 1)
        if high is None or high < low:
            raise _Refused(at, f"`{self.text[at:after]}` is no valid range")
        return after

    def _character(self, at: int) -> tuple[int | None, int]:
        """Return a character of a class as a number, None for a class such as `\\d`, and where it ends."""
        if self.text[at] != "\\":
            return ord(self.text[at]), at + 1
        end = self._escape(at, _IN_CLASS)
        body = self.text[at + 1 : end]
        if body[0] in _CLASSES:
            return None, end
        if body[0] == "x":
            return int(body[1:].strip("{}"), 16), end
        return (int(body, 8) if body.isdigit() else ord(_CONTROL.get(body, body))), end


def _why_no_group(begin: str) -> str:
    """Return why Go does not read what follows an open parenthesis."""
    for sign, why in _UNSUPPORTED.items():
        if begin.startswith(sign):
            return why
    if begin.startswith(("?<", "?P<")):
        return "the name of a group has letters, digits and underscores only"
    return f"Go does not know `({begin[:2]}`"


def _is_rune(digits: str) -> bool:
    """Whether hexadecimal digits are the number of a character."""
    return len(digits) <= _RUNE_DIGITS and int(digits, 16) <= _LARGEST_RUNE


_CONTROL = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= len(str(_MOST_REPEATED)) else _MOST_REPEATED + 1


def refusal(text: str) -> Refusal | None:
    """Return why Go refuses a regular expression; None if it takes it."""
    refused, _captures = read_regex(text)
    return refused


def read_regex(text: str) -> tuple[Refusal | None, list[tuple[int, bool]]]:
    """Return the refusal of a regular expression, and where each capturing group is and whether it has a name."""
    reader = _Reader(text)
    try:
        reader.read()
    except _Refused as refused:
        return refused.refusal, []
    return None, reader.captures
