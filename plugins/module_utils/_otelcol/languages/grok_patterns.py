# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grok patterns of OTTL, such as `%{IP:client} %{WORD}`: why go-grok refuses one. Private.

Each reference `%{PATTERN}` stands for the regular expression of a known pattern, and the whole becomes one regular
expression. With the patterns `HOST` = `%{WORD}` and `WORD` = `[a-z]+`, a text is expanded in these steps:

    %{HOST:client}    →    (?P<client>%{WORD})    →    (?P<client>(?P<WORD>[a-z]+))

If only named references are kept (`named_captures_only`), the inner one becomes `([a-z]+)`, which captures nothing.
ottl_literals.py asks here for calls of `ExtractGrokPatterns`. Source: github.com/elastic/go-grok.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import suggest_word
from .regex import find_regex_refusal

# `%{PATTERN}`, `%{PATTERN:name}` and `%{PATTERN:name:type}`. Groups: the pattern, the name.
_GROK_REFERENCE = re.compile(r"%\{(\w+)(?::([\w.]+)(?::\w+)?)?\}", re.ASCII)
_NAMED_GROUP = re.compile(r"\(\?P?<")
# The longest expanded text that is judged. References multiply: a few short patterns can become any length.
_LONGEST_PATTERN = 50_000


class LiteralFault(NamedTuple):
    """What is wrong in a literal, and what to write instead; the fix is empty if nothing better is known."""

    why: str
    fix: str


def find_grok_fault(text: str, regex_by_pattern: Mapping[str, str], only_named: bool) -> LiteralFault | None:
    """Return why go-grok refuses a pattern; None if it takes it, or if it becomes too long when it is expanded.

    With `only_named`, references without a name of their own capture nothing.
    """
    # Patterns that refer to each other without a circle are all expanded after as many levels as there are patterns, so
    # that the level after these has no reference any more.
    for _level in range(len(regex_by_pattern) + 1):
        names = [reference[1] for reference in _GROK_REFERENCE.finditer(text)]
        unknown_names = [name for name in names if name not in regex_by_pattern]
        if unknown_names:
            why = f"there is no grok pattern '{unknown_names[0]}'{suggest_word(unknown_names[0], regex_by_pattern)}"
            return LiteralFault(why, "Define it in `pattern_definitions`.")
        added_length = sum(len(regex_by_pattern[name]) for name in names)
        if len(text) + added_length > _LONGEST_PATTERN:
            return None
        if not names:
            return _find_expanded_fault(text, only_named)
        text = _GROK_REFERENCE.sub(lambda reference: _make_grok_group(reference, regex_by_pattern, only_named), text)
    return LiteralFault("grok patterns refer to each other in a circle", "Change `pattern_definitions`.")


def _find_expanded_fault(text: str, only_named: bool) -> LiteralFault | None:
    """Return why the regular expression of an expanded pattern is refused; None if it is not."""
    refused_regex = find_regex_refusal(text)
    if refused_regex:
        return LiteralFault(f"Go refuses the regular expression of this grok pattern: {refused_regex.reason}", "")
    if only_named and not _NAMED_GROUP.search(text):
        return LiteralFault("this grok pattern names no group", "Write `%{PATTERN:NAME}`.")
    return None


def _make_grok_group(reference: re.Match[str], regex_by_pattern: Mapping[str, str], only_named: bool) -> str:
    """Return the group that go-grok makes of a reference to a pattern, with its own name or that of the pattern.

    A name with dots, as in `%{IP:client.ip}`, is `client___ip` in the group, since Go has no dots in names of groups.
    """
    pattern_name, own_name = reference[1], reference[2]
    regex = regex_by_pattern[pattern_name]
    if own_name:
        return f"(?P<{own_name.replace('.', '___')}>{regex})"
    if only_named:
        return f"({regex})"
    return f"(?P<{pattern_name}>{regex})"
