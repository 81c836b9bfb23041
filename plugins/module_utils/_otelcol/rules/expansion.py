# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on `${…}`: expressions that the Collector expands before it reads the config.

Source of each: the Collector's confmap/expand.go, confmap/provider/envprovider and internal/envvar. Keys are never
expanded; `$$` is one dollar sign; of nested expressions the inner one is replaced first. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..config.config_secrets import is_secret
from ..config.layers import parse_version
from ..config.paths import Path
from ..errors import near
from .subject import Fault, Subject, once, rules

DEFAULT_SCHEME = "env"
# Before, nothing after an escaped `$${` was expanded.
PAST_ESCAPES = "0.161.0"

_MOST = 1000  # the Collector gives up after as many
_UNKNOWN = "\0"  # placeholder for the value of an inner expression
_LOCATION = re.compile(r"(?s)([A-Za-z][A-Za-z0-9+.-]+):(.*)\Z")
_VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_NAMELESS = "names no variable"
_RENAME = "Rename the variable, here and where it is set: `MY_PASSWORD`, not `MY-PASSWORD`."
_BARE = re.compile(r"(?<![$\\])\$([A-Z][A-Z0-9_]{2,})")


class ExpandingText(NamedTuple):
    """A text with a dollar sign: where it stands, and what the Collector finds between the braces of each `${…}`."""

    path: Path
    text: str
    locations: list[str]

    @property
    def is_secret(self) -> bool:
        """Whether a message must not show what stands here."""
        return is_secret(self.path, self.text)


def invalid_expansion(subject: Subject) -> Iterator[Fault]:
    """Yield `${…}` that the Collector cannot expand: the location or the variable name is invalid."""
    for expanding in _expanding_texts(subject):
        for location in expanding.locations:
            problem = _problem(location)
            if problem:
                message = f"`${{{_shown(location)}}}` {problem}"
                if expanding.is_secret:
                    message = "a `${…}` here is invalid"
                yield Fault(expanding.path, message, _way_out(location, problem))


def _way_out(location: str, problem: str) -> str:
    """Return the fix for an invalid location: most that begin with a letter are meant as the name of a variable."""
    name = location.removeprefix(f"{DEFAULT_SCHEME}:")
    if _NAMELESS in problem and name[:1].isalpha():
        return _RENAME
    return "Write `$${` for a literal `${`."


def unknown_scheme(subject: Subject) -> Iterator[Fault]:
    """Yield `${scheme:…}` whose scheme the build has no provider for."""
    target = subject.target
    if target is None:
        return
    schemes = target.catalogue.schemes(target.distribution, target.version)
    severity = "" if target.catalogue.ships(target.distribution) else "warning"
    for expanding in _expanding_texts(subject):
        for location in expanding.locations:
            match = _LOCATION.match(location)
            if match is None or match[1] in schemes:
                continue
            message = "the scheme of a `${…}` here is unknown"
            if not expanding.is_secret:
                message = f"scheme '{match[1]}' of `${{{_shown(location)}}}` is unknown{near(match[1], schemes)}"
            yield Fault(expanding.path, message, f"Known: {', '.join(schemes)}.", severity=severity)


def bare_variable(subject: Subject) -> Iterator[Fault]:
    """Yield `$NAME` without braces, which the Collector does not expand since 0.104."""
    for expanding in _expanding_texts(subject):
        match = _BARE.search(expanding.text)
        if match is None:
            continue
        is_whole = expanding.text == f"${match[1]}"  # the name of a variable, and no part of a password
        name = match[1] if is_whole or not expanding.is_secret else "NAME"
        fix = f"Write `${{env:{name}}}`, or `$${name}` for the literal text."
        yield Fault(expanding.path, f"`${name}` is not replaced", fix)


@once
def _expanding_texts(subject: Subject) -> Iterator[ExpandingText]:
    """Yield every text with a dollar sign."""
    target = subject.target
    past_escapes = target is None or parse_version(target.version) >= parse_version(PAST_ESCAPES)
    for path, value in subject.view.leaves:
        if isinstance(value, str) and "$" in value:
            yield ExpandingText(path, value, expressions_in(value, past_escapes))


def expressions_in(text: str, past_escapes: bool = True) -> list[str]:
    """Return the content of every `${…}` in the Collector's order, inner expressions first.

    `past_escapes`: also what stands behind an escaped one.
    """
    expressions: list[str] = []
    begin = inner_end = 0  # where the search begins, and behind which place the closing brace is searched
    while len(expressions) < _MOST:
        first = text.find("${", begin)
        close = text.find("}", max(first, inner_end)) if first >= 0 else -1
        opened = text.rfind("${", begin, close) if close >= 0 else -1
        if opened < 0:
            break
        if _is_escaped(text, opened):
            if not past_escapes:
                break
            begin = inner_end = close + 1
            continue
        expressions.append(text[opened + 2 : close])
        text = text[:opened] + _UNKNOWN + text[close + 1 :]
        inner_end = opened
    return expressions


def _is_escaped(text: str, opened: int) -> bool:
    """Whether an odd number of dollar signs stands right before `${`."""
    before = text[:opened]
    return (len(before) - len(before.rstrip("$"))) % 2 == 1


def _problem(location: str) -> str:
    """Return why the Collector cannot expand a location; empty text if it can, or if an inner expression decides."""
    full_location = location if ":" in location else f"{DEFAULT_SCHEME}:{location}"
    match = _LOCATION.match(full_location)
    if match is None:
        is_inner = _UNKNOWN in full_location.partition(":")[0]
        return "" if is_inner else "is not a location: the text before the colon is not a scheme"
    scheme, value = match.groups()
    if "$" in value:
        return "has a dollar sign inside"
    name = value.partition(":-")[0]
    if scheme != DEFAULT_SCHEME or _UNKNOWN in name or _VARIABLE.match(name):
        return ""
    return f"{_NAMELESS}: '{name}' needs letters, digits and underscores, and no digit first"


def _shown(location: str) -> str:
    """Return a location as the config spells it, but for the expressions inside."""
    return location.replace(_UNKNOWN, "${…}")


RULES = (
    *rules("error", invalid_expansion, unknown_scheme, shared=True),
    *rules("warning", bare_variable),
)
