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
_SIGNS = {"^": "", "$": "", ".": "x"}
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
    alternatives = [""]
    while rest and rest[0] != ")":
        if rest[0] == "|":
            alternatives.append("")
            rest = rest[1:]
            continue
        piece, rest = _repeated_piece(rest)
        alternatives[-1] += piece
    return alternatives[0], rest


def _repeated_piece(rest: str) -> tuple[str, str]:
    """Return a text for the first thing in a pattern, as often as it must be there, and what follows it."""
    piece, rest = _piece(rest)
    quantifier = _QUANTIFIED.match(rest)
    if not quantifier:
        return piece, rest
    rest = rest[quantifier.end() :].removeprefix("?")
    if quantifier[1]:
        return piece * int(quantifier[1]), rest
    return (piece if quantifier[0] == "+" else ""), rest


def _piece(rest: str) -> tuple[str, str]:
    """Return a text for the first thing in a pattern, and what follows it."""
    sign = rest[0]
    if sign == "(":
        inside = re.sub(r"\A\((?:\?(?:P?<\w+>|[imsU-]*:?))?", "", rest)
        text, rest = _alternative(inside)
        return text, rest[1:]
    if sign == "\\":
        name = rest[1:2]
        text = "" if name in _EDGES else _CLASSES.get(name, name)
        return text, rest[2:]
    if sign == "[" and (match := _SET.match(rest)):
        return _of_set(match[1], match[2]), rest[match.end() :]
    return _SIGNS.get(sign, sign), rest[1:]


def _of_set(negated: str, inside: str) -> str:
    """Return a character that a set has."""
    if negated:
        python = re.sub(r"\[:(\w+):\]", lambda match: _POSIX.get(match[1], ""), inside)
        return next((sign for sign in _OTHERS if re.match(f"[^{python}]", sign)), "~")
    if posix := re.match(r"\[:(\w+):\]", inside):
        return _POSIX.get(posix[1], "a")
    if inside.startswith("\\"):
        return _CLASSES.get(inside[1:2], inside[1:2])
    return inside[:1]
