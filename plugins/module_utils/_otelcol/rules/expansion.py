# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on `${…}`: expressions that the Collector expands before it reads the config.

Source of each: the Collector's confmap/expand.go, confmap/provider/envprovider and internal/envvar. Keys are never
expanded; `$$` is one dollar sign; of nested expressions the inner one is replaced first. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.debug.verbosity: warning [bare-variable] `$MY_POD_IP` is not replaced. Write `${env:MY_POD_IP}`, or
    `$$MY_POD_IP` for the literal text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config.collector_versions import parse_version
from ..config.config_secrets import is_secret
from ..config.paths import Path
from ..errors import suggest_word
from .rule_definitions import SEVERITY_OF_RULE, Fault, define_rules
from .subject import Subject, once_per_subject

# The scheme of `${NAME}`.
DEFAULT_SCHEME = "env"
# From this version on, a variable without braces is plain text.
BRACES_ONLY = "0.104.0"
# From this version on, a variable of the environment may have a default.
DEFAULTS_SINCE = "0.110.0"
# From this version on, what follows an escaped `$${` in a text is expanded.
PAST_ESCAPES = "0.161.0"
# The Collector gives up after as many expressions in a text.
_MOST_EXPRESSIONS = 1000
# Stands for the value of an inner expression.
_INNER_VALUE = "\0"
# A location with its scheme, such as `env:NAME` or `file:/etc/a.yml`. Groups: the scheme, what follows the colon.
_LOCATION = re.compile(r"(?s)([A-Za-z][A-Za-z0-9+.-]+):(.*)\Z")
# The name of a variable that the Collector takes, such as `MY_PASSWORD`.
_VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
# The begin of the message about a location whose name is not one.
_NAMELESS = "names no variable"
# The begin of the message about a default in a version that takes none, and what stands before a default.
_EARLY_DEFAULT = "has a default"
_DEFAULT_SIGN = ":-"
_RENAME_FIX = "Rename the variable, here and where it is set: `MY_PASSWORD`, not `MY-PASSWORD`."
# `$NAME` in capital letters that no other dollar and no backslash escapes.
_BARE_VARIABLE = re.compile(r"(?<![$\\])\$([A-Z][A-Z0-9_]{2,})")


class ExpandingText(NamedTuple):
    """A text of the config with a dollar sign."""

    path: Path
    text: str
    value_locations: list[str]
    """What the Collector finds between the braces of each `${…}`, such as `env:NAME`, see `find_expressions`."""
    config: Any
    """The config of the text. In a list of headers, the name that makes a value secret stands beside the value."""

    @property
    def is_secret(self) -> bool:
        """Whether a message must not show the text."""
        return is_secret(self.path, self.text, self.config)


def invalid_expansion(subject: Subject) -> Iterator[Fault]:
    """Yield `${…}` that the Collector cannot expand: the location or the variable name is invalid."""
    takes_defaults = _is_from_version(subject, DEFAULTS_SINCE)
    for expanding_text in _find_expanding_texts(subject):
        for location in expanding_text.value_locations:
            problem = _find_problem(location, takes_defaults)
            if problem:
                message = f"`${{{_show_location(location)}}}` {problem}"
                if expanding_text.is_secret:
                    message = "a `${…}` here is invalid"
                yield Fault(expanding_text.path, message, _describe_fix(location, problem))


def _describe_fix(location: str, problem: str) -> str:
    """Return the fix for an invalid location: most that begin with a letter are meant as the name of a variable."""
    if problem.startswith(_EARLY_DEFAULT):
        return "Remove the default, and set the variable."
    name = location.removeprefix(f"{DEFAULT_SCHEME}:")
    if _NAMELESS in problem and name[:1].isalpha():
        return _RENAME_FIX
    return "Write `$${` for a literal `${`."


def unknown_scheme(subject: Subject) -> Iterator[Fault]:
    """Yield `${scheme:…}` whose scheme the build has no provider for."""
    target = subject.target
    if target is None:
        return
    schemes = target.catalogue.list_schemes(target.distribution, target.version)
    # A build of the user's own may have other providers.
    severity = SEVERITY_OF_RULE if target.catalogue.is_released(target.distribution) else "warning"
    for expanding_text in _find_expanding_texts(subject):
        for location in expanding_text.value_locations:
            match = _LOCATION.match(location)
            if match is None or match[1] in schemes:
                continue
            message = "the scheme of a `${…}` here is unknown"
            if not expanding_text.is_secret:
                message = (
                    f"scheme '{match[1]}' of `${{{_show_location(location)}}}` is"
                    f" unknown{suggest_word(match[1], schemes)}"
                )
            yield Fault(expanding_text.path, message, f"Known: {', '.join(schemes)}.", severity=severity)


def bare_variable(subject: Subject) -> Iterator[Fault]:
    """Yield `$NAME` without braces, which the Collector does not expand since 0.104."""
    if not _is_from_version(subject, BRACES_ONLY):
        return
    for expanding_text in _find_expanding_texts(subject):
        match = _BARE_VARIABLE.search(expanding_text.text)
        if match is None:
            continue
        is_whole = expanding_text.text == f"${match[1]}"  # the name of a variable, and no part of a password
        name = match[1] if is_whole or not expanding_text.is_secret else "NAME"
        fix = f"Write `${{env:{name}}}`, or `$${name}` for the literal text."
        yield Fault(expanding_text.path, f"`${name}` is not replaced", fix)


def _is_from_version(subject: Subject, version: str) -> bool:
    """Whether a config is for a version or a later one, as one for an unknown build is."""
    return subject.target is None or parse_version(subject.target.version) >= parse_version(version)


@once_per_subject
def _find_expanding_texts(subject: Subject) -> Iterator[ExpandingText]:
    """Yield every text with a dollar sign."""
    past_escapes = _is_from_version(subject, PAST_ESCAPES)
    for path, value in subject.view.scalar_leaves:
        if isinstance(value, str) and "$" in value:
            yield ExpandingText(path, value, find_expressions(value, past_escapes), subject.config)


def find_expressions(text: str, past_escapes: bool = True) -> list[str]:
    """Return the content of every `${…}` in the Collector's order, inner expressions first.

    | text | expressions |
    |---|---|
    | `http://${env:HOST}:${PORT}` | `env:HOST`, `PORT` |
    | `${a${b}}` | `b`, then `a\\0`: a NUL character stands for the inner expression |
    | `$${a} ${b}` | `b`, since `$${` is escaped; none without `past_escapes`, as in versions before 0.161.0 |
    """
    expressions: list[str] = []
    search_start = 0
    inner_end = 0  # a closing brace is searched behind the last inner expression
    # Each turn finds the first `}` and the last `${` before it, which is an innermost expression, and replaces both.
    while len(expressions) < _MOST_EXPRESSIONS:
        first_index = text.find("${", search_start)
        closing_index = text.find("}", max(first_index, inner_end)) if first_index >= 0 else -1
        opening_index = text.rfind("${", search_start, closing_index) if closing_index >= 0 else -1
        if opening_index < 0:
            break
        if _is_escaped(text, opening_index):
            if not past_escapes:
                break
            search_start = inner_end = closing_index + 1
            continue
        expressions.append(text[opening_index + 2 : closing_index])
        text = text[:opening_index] + _INNER_VALUE + text[closing_index + 1 :]
        inner_end = opening_index
    return expressions


def _is_escaped(text: str, opening_index: int) -> bool:
    """Whether an odd number of dollar signs stands right before `${`."""
    text_before = text[:opening_index]
    return (len(text_before) - len(text_before.rstrip("$"))) % 2 == 1


def _find_problem(location: str, takes_defaults: bool) -> str:
    """Return why the Collector cannot expand a location; empty text if it can, or if an inner expression decides."""
    full_location = location if ":" in location else f"{DEFAULT_SCHEME}:{location}"
    match = _LOCATION.match(full_location)
    if match is None:
        is_inner = _INNER_VALUE in full_location.partition(":")[0]
        return "" if is_inner else "is not a location: the text before the colon is not a scheme"
    scheme, value = match.groups()
    if "$" in value:
        return "has a dollar sign inside"
    name, default_sign, _default = value.partition(_DEFAULT_SIGN)
    if scheme != DEFAULT_SCHEME:
        return ""
    if default_sign and not takes_defaults:
        return f"{_EARLY_DEFAULT}, which the Collector takes since {DEFAULTS_SINCE}"
    if _INNER_VALUE in name or _VARIABLE.match(name):
        return ""
    return f"{_NAMELESS}: '{name}' needs letters, digits and underscores, and no digit first"


def _show_location(location: str) -> str:
    """Return a location as the config spells it, but for the expressions inside."""
    return location.replace(_INNER_VALUE, "${…}")


RULES = (
    *define_rules("error", invalid_expansion, unknown_scheme, shared=True),
    *define_rules("warning", bare_variable),
)
