# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of regular expressions: what Go refuses, and the named groups that a component needs. Private.

Each is a key of a row of constraints.json, see constraints.py. The keys, and a row with what it finds:

| key | example of a row | finding |
|---|---|---|
| `regex` | `"regex": ["regex"]` | Go refuses this regular expression: Go has no lookahead |
| `topics` | `"topics": ["topics.*"]` | the same, if one topic begins with `^`: then all of them are expressions |
| `groups` | `"groups": ["pattern"]` | this regular expression has no named group |
| `groups` | `"groups": ["pattern"], "all_named": true` | this regular expression has a group without a name |

The Collector replaces `$$` by `$` before a component reads a text, and so do these checks. languages/regex.py knows
what Go refuses.
"""

from __future__ import annotations

from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path
from ..languages.regex import RegexRefusal, find_regex_refusal, read_regex
from .constraints import INVALID_REGEX, ConstraintCheck, RuleFault, RuleFaults
from .given_values import find_texts
from .rule_definitions import Fault


def _find_refused_regexes(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield regular expressions that Go refuses."""
    for value_path, text in find_texts(keys, settings, path):
        regex_refusal = find_regex_refusal(text.replace("$$", "$"))
        if regex_refusal:
            yield RuleFault(INVALID_REGEX, _report_refused_regex(value_path, regex_refusal))


def _report_refused_regex(value_path: Path, regex_refusal: RegexRefusal) -> Fault:
    """Return the fault of a regular expression that Go refuses."""
    return Fault(value_path, f"Go refuses this regular expression: {regex_refusal.reason}", offset=regex_refusal.start)


def _find_refused_topics(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield topics that are no regular expression, where one of them begins with `^`: then Kafka takes all as such."""
    for key in keys:
        topics = [topic for _place, topic in find_texts([key], settings, path)]
        if any(topic.startswith("^") for topic in topics):
            yield from _find_refused_regexes([key], settings, path, row)


def _find_wrong_groups(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield expressions without a named group, and in rows with `all_named` also those with a group without a name."""
    for value_path, text in find_texts(keys, settings, path):
        # What Go refuses comes first: its groups mean nothing.
        regex_refusal, groups = read_regex(text.replace("$$", "$"))
        unnamed_starts = [group.start for group in groups if not group.has_name]
        if regex_refusal:
            yield RuleFault(INVALID_REGEX, _report_refused_regex(value_path, regex_refusal))
        elif len(unnamed_starts) == len(groups):
            fix = "Write `(?P<NAME>…)` around each part that becomes an attribute."
            yield RuleFault(INVALID_REGEX, Fault(value_path, "this regular expression has no named group", fix))
        elif unnamed_starts and "all_named" in row:
            fix = "Write `(?P<NAME>…)` for an attribute, and `(?:…)` where only a group is meant."
            offset = 0 if "$$" in text else unnamed_starts[0]  # `$$` moves all that is behind it
            yield RuleFault(
                INVALID_REGEX,
                Fault(value_path, "this regular expression has a group without a name", fix, offset=offset),
            )


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, ConstraintCheck] = {
    "regex": _find_refused_regexes,
    "topics": _find_refused_topics,
    "groups": _find_wrong_groups,
}
