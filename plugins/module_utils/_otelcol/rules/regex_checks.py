# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of regular expressions: what Go refuses, and the named groups that a component needs.

Each is a key of a row of constraints.json, see constraints.py. Private.
"""

from __future__ import annotations

from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path
from ..languages.regex import RegexRefusal, find_regex_refusal, read_regex
from .constraints import REGEX, Check, RuleFaults, find_texts
from .subject import Fault


def _find_refused_regexes(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield regular expressions that Go refuses."""
    for place, text in find_texts(keys, settings, path):
        regex_refusal = find_regex_refusal(text.replace("$$", "$"))
        if regex_refusal:
            yield REGEX, _report_refused_regex(place, regex_refusal)


def _report_refused_regex(place: Path, regex_refusal: RegexRefusal) -> Fault:
    """Return the fault of a regular expression that Go refuses."""
    return Fault(place, f"Go refuses this regular expression: {regex_refusal.reason}", offset=regex_refusal.start)


def _find_refused_topics(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield topics that are no regular expression, where one of them begins with `^`: then all of them are one."""
    for key in keys:
        topics = [topic for _place, topic in find_texts([key], settings, path)]
        if any(topic.startswith("^") for topic in topics):
            yield from _find_refused_regexes([key], settings, path, row)


def _find_wrong_groups(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield expressions without a named group, and in rows with `all_named` those with another group too."""
    for place, text in find_texts(keys, settings, path):
        regex_refusal, groups = read_regex(text.replace("$$", "$"))
        unnamed_starts = [group.start for group in groups if not group.has_name]
        if regex_refusal:
            yield REGEX, _report_refused_regex(place, regex_refusal)
        elif len(unnamed_starts) == len(groups):
            fix = "Write `(?P<NAME>…)` around each part that becomes an attribute."
            yield REGEX, Fault(place, "this regular expression has no named group", fix)
        elif unnamed_starts and "all_named" in row:
            fix = "Write `(?P<NAME>…)` for an attribute, and `(?:…)` where only a group is meant."
            offset = 0 if "$$" in text else unnamed_starts[0]
            yield REGEX, Fault(place, "this regular expression has a group without a name", fix, offset=offset)


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {
    "regex": _find_refused_regexes,
    "topics": _find_refused_topics,
    "groups": _find_wrong_groups,
}
