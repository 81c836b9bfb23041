# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text that a regular expression of Go most likely matches: the first alternative, each thing as seldom as it may be.

Private.
"""

from __future__ import annotations

import re

_CLASSES = {"d": "1", "w": "a", "s": " ", "D": "a", "W": " ", "S": "a", "t": "\t", "n": "\n"}
_EDGES = "AzbBQE"
_QUANTIFIED = re.compile(r"[*?]|\+|\{(\d+)(?:,\d*)?\}")
_SET = re.compile(r"\[(\^?)((?:\]?(?:\[:\w+:\]|\\.|[^\]\\])*))\]", re.DOTALL)
_POSIX = {"alpha": "a", "digit": "1", "alnum": "a", "lower": "a", "upper": "A", "space": " ", "punct": "."}
_OTHERS = "ax1_ -."


def sample_text(pattern: str) -> str:
    """Return a text that a regular expression of Go most likely matches."""
    text, _rest = _alternative(pattern)
    return text


def _alternative(rest: str) -> tuple[str, str]:
    """Return a text for the first alternative, and what follows the group that it is in."""
    text, first = "", ""
    chosen = False
    while rest and rest[0] != ")":
        if rest[0] == "|":
            first, text, chosen, rest = (first if chosen else text), "", True, rest[1:]
            continue
        piece, rest = _piece(rest)
        if found := _QUANTIFIED.match(rest):
            times = int(found[1]) if found[1] else found[0] == "+"
            piece, rest = piece * times, rest[found.end() :].removeprefix("?")
        text += piece
    return (first if chosen else text), rest


def _piece(rest: str) -> tuple[str, str]:
    """Return a text for the first thing in a pattern, and what follows it."""
    sign = rest[0]
    if sign == "(":
        inside = re.sub(r"\A\((?:\?(?:P?<\w+>|[imsU-]*:?))?", "", rest)
        text, rest = _alternative(inside)
        return text, rest[1:]
    if sign == "\\":
        name = rest[1:2]
        return ("" if name in _EDGES else _CLASSES.get(name, name)), rest[2:]
    if sign == "[" and (found := _SET.match(rest)):
        return _of_set(found[1], found[2]), rest[found.end() :]
    return {"^": "", "$": "", ".": "x"}.get(sign, sign), rest[1:]


def _of_set(negated: str, inside: str) -> str:
    """Return a character that a set has."""
    if negated:
        python = re.sub(r"\[:(\w+):\]", lambda found: _POSIX.get(found[1], ""), inside)
        return next((one for one in _OTHERS if re.match(f"[^{python}]", one)), "~")
    if posix := re.match(r"\[:(\w+):\]", inside):
        return _POSIX.get(posix[1], "a")
    return _CLASSES.get(inside[1:2], inside[1:2]) if inside.startswith("\\") else inside[:1]
