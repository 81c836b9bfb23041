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

from ..config.layers import parse_version
from ..config.masking import is_secret
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
_NAMELESS, _RENAME = (
    "names no variable",
    "Rename the variable, here and where it is set: `MY_PASSWORD`, not `MY-PASSWORD`.",
)
_BARE = re.compile(r"(?<![$\\])\$([A-Z][A-Z0-9_]{2,})")


def invalid_expansion(subject: Subject) -> Iterator[Fault]:
    """Yield `${…}` that the Collector cannot expand: the location or the variable name is invalid."""
    for path, text, found in _texts(subject):
        for location in found:
            why = _problem(location)
            if why:
                shown = f"`${{{_shown(location)}}}` {why}" if not is_secret(path, text) else "a `${…}` here is invalid"
                is_name = _NAMELESS in why and location.removeprefix(f"{DEFAULT_SCHEME}:")[:1].isalpha()
                fix = _RENAME if is_name else "Write `$${` for a literal `${`."
                yield Fault(path, shown, fix)


def unknown_scheme(subject: Subject) -> Iterator[Fault]:
    """Yield `${scheme:…}` whose scheme the build has no provider for."""
    target = subject.target
    if target is None:
        return
    known = target.catalogue.schemes(target.distribution, target.version)
    for path, text, found in _texts(subject):
        for location in found:
            match = _LOCATION.match(location)
            if match and match[1] not in known:
                yield Fault(
                    path,
                    f"scheme '{match[1]}' of `${{{_shown(location)}}}` is unknown{near(match[1], known)}"
                    if not is_secret(path, text)
                    else "the scheme of a `${…}` here is unknown",
                    f"Known: {', '.join(known)}.",
                    severity="" if target.catalogue.ships(target.distribution) else "warning",
                )


def bare_variable(subject: Subject) -> Iterator[Fault]:
    """Yield `$NAME` without braces, which the Collector does not expand since 0.104."""
    for path, text, _found in _texts(subject):
        match = _BARE.search(text)
        if match:
            is_whole = text == f"${match[1]}"  # the name of a variable, and no part of a password
            name = match[1] if is_whole or not is_secret(path, text) else "NAME"
            fix = f"Write `${{env:{name}}}`, or `$${name}` for the literal text."
            yield Fault(path, f"`${name}` is not replaced", fix)


@once
def _texts(subject: Subject) -> Iterator[tuple[Path, str, list[str]]]:
    """Yield path, text and locations of every text with a dollar sign."""
    past = subject.target is None or parse_version(subject.target.version) >= parse_version(PAST_ESCAPES)
    for path, value in subject.view.leaves:
        if isinstance(value, str) and "$" in value:
            yield path, value, expressions_in(value, past)


def expressions_in(text: str, past_escapes: bool = True) -> list[str]:
    """Return the content of every `${…}` in the Collector's order, inner expressions first.

    `past_escapes`: also what stands behind an escaped one.
    """
    found: list[str] = []
    start = begin = 0
    while len(found) < _MOST:
        first = text.find("${", begin)
        close = text.find("}", max(first, start)) if first >= 0 else -1
        opened = text.rfind("${", begin, close) if close >= 0 else -1
        if opened < 0:
            break
        if _escaped(text, opened):
            if not past_escapes:
                break
            start = begin = close + 1
            continue
        found.append(text[opened + 2 : close])
        text = text[:opened] + _UNKNOWN + text[close + 1 :]
        start = opened
    return found


def _escaped(text: str, opened: int) -> bool:
    """Whether an odd number of dollar signs stands right before `${`."""
    before = text[:opened]
    return (len(before) - len(before.rstrip("$"))) % 2 == 1


def _problem(location: str) -> str:
    full = location if ":" in location else f"{DEFAULT_SCHEME}:{location}"
    match = _LOCATION.match(full)
    if match is None:
        return (
            "" if _UNKNOWN in full.partition(":")[0] else "is not a location: the text before the colon is not a scheme"
        )
    if "$" in match[2]:
        return "has a dollar sign inside"
    name = match[2].partition(":-")[0]
    if match[1] == DEFAULT_SCHEME and _UNKNOWN not in name and not _VARIABLE.match(name):
        return f"{_NAMELESS}: '{name}' needs letters, digits and underscores, and no digit first"
    return ""


def _shown(location: str) -> str:
    return location.replace(_UNKNOWN, "${…}")


RULES = (
    *rules("error", invalid_expansion, unknown_scheme, shared=True),
    *rules("warning", bare_variable),
)
