# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short wrong example and a short right one for each rule, out of the cases that test it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from typing import Any, NamedTuple, Protocol

import yaml

from .choices import CHOICES, Choice
from .project import cases, findings
from .surroundings import surroundings_in_words

# An excerpt of fewer lines says too little: it comes after all others, as one of so many lines would.
_SHORTEST = 3
_LONGEST = 24
# What names a custom resource, and the config of one in a case that is not about it.
_HEAD = ("apiVersion", "kind")
_PLACE: Any = {"service": {}}
# What no data can show, since a mapping has a key once only.
_WRITTEN = {
    "duplicate-key": ("receivers: {otlp: {}}\nreceivers: {zipkin: {}}\n", "receivers: {otlp: {}, zipkin: {}}\n")
}
_SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
_EMPTY_TEXT = "{}\n"


class Case(Protocol):
    """A case that tests a rule, as the tests of the rules have it."""

    rule: str
    name: str
    config: Any
    path: str | None
    """Where the rule finds something; None in a right case."""
    more: Mapping[str, Any]
    """What is known beside the config."""


class Example(NamedTuple):
    """Excerpts of a wrong and a right config as YAML, what is known around the wrong one, and what the rule says."""

    wrong: str
    right: str
    around: str
    path: str
    message: str
    fix: str
    right_around: str = ""


def example(rule_id: str) -> Example:
    """Return the cases that were chosen, else the shortest wrong one and the right one that is most like it.

    Raises LookupError for a chosen name that no case has any more.
    """
    choice = CHOICES.get(rule_id, Choice())
    cases_of_rule = [case for case in _all_cases() if case.rule == rule_id]
    wrong_case = _named(choice.wrong, cases_of_rule) if choice.wrong else _shortest_wrong(cases_of_rule)
    path = str(wrong_case.path)
    wrong = _excerpt(_shown(wrong_case, path), path, choice.parts)
    right_case = _named(choice.right, cases_of_rule) if choice.right else _likest(cases_of_rule, wrong_case, wrong)
    right = _excerpt(_shown(right_case, path), path, choice.parts)
    finding = findings(wrong_case)[0]
    wrong, right = _WRITTEN.get(rule_id, (wrong, right))
    around, right_around = surroundings_in_words(wrong_case.more), surroundings_in_words(right_case.more)
    return Example(wrong, right, around, path, finding.message, finding.fix, right_around)


# ── Which cases ──


@cache
def _all_cases() -> tuple[Case, ...]:
    return tuple(cases())


def _named(name: str, cases_of_rule: Sequence[Case]) -> Case:
    """Return the case of a name that choices.py has. Raises LookupError if there is none."""
    for case in cases_of_rule:
        if case.name == name:
            return case
    raise LookupError(f"choices.py names the case '{name}', which no rule has any more")


def _shortest_wrong(cases_of_rule: Sequence[Case]) -> Case:
    """Return the wrong case with the shortest excerpt, and of those with one length the one that knows least."""
    return min((case for case in cases_of_rule if case.path is not None), key=_length)


def _length(case: Case) -> tuple[int, int]:
    path = str(case.path)
    lines = len(_excerpt(_shown(case, path), path).splitlines())
    return (lines if lines >= _SHORTEST else _LONGEST, len(str(case.more)))


def _likest(cases_of_rule: Sequence[Case], wrong_case: Case, wrong: str) -> Case:
    """Return the right case that shows best what has to change: with other text or other surroundings, not both."""

    def likeness(case: Case) -> tuple[bool, float]:
        text = _excerpt(_shown(case, str(wrong_case.path)), str(wrong_case.path))
        has_same_place = _has_same_surroundings(case, wrong_case)
        shows_change = text not in ("", _EMPTY_TEXT) and (text != wrong or not has_same_place)
        ratio = SequenceMatcher(None, wrong, text).ratio()
        if has_same_place and text != wrong:
            ratio += 1.0
        return shows_change, ratio

    return max((case for case in cases_of_rule if case.path is None), key=likeness)


def _has_same_surroundings(case: Case, other: Case) -> bool:
    has_same_keys = case.more.keys() == other.more.keys()
    return has_same_keys and surroundings_in_words(case.more) == surroundings_in_words(other.more)


# ── What of a case ──


def _shown(case: Case, path: str) -> Any:
    """Return what a case is about: its config, or the custom resource that this is in, as far as it matters."""
    resource = case.more.get("resource")
    if resource is None:
        return case.config
    if path in _HEAD:
        return {key: resource[key] for key in _HEAD}
    spec = dict(resource["spec"])
    is_about_whole_spec = path == "spec"
    if not is_about_whole_spec and spec.get("config") == _PLACE:
        del spec["config"]
    is_about_config = path and not path.startswith("spec")
    if is_about_config:
        spec["config"] = {"receivers": case.config["receivers"]}
    return {"spec": spec}


def _excerpt(config: Any, path: str, chosen_parts: tuple[str, ...] = ()) -> str:
    """Return as YAML the parts of a config that were chosen, else those that a path is about."""
    if not isinstance(config, dict):
        return _yaml(config)
    parts = [part for part in chosen_parts or _parts_around(config, path) if _at(config, part) is not None]
    if not parts:
        return _yaml(_tidy(config))
    excerpt: dict[str, Any] = {}
    for part in parts:
        section, _dot, key = part.partition(".")
        if key:
            excerpt[section] = {**excerpt.get(section, {}), key: _at(config, part)}
        else:
            excerpt[section] = config[section]
    return _yaml(_tidy(excerpt))


def _parts_around(config: Mapping[Any, Any], path: str) -> tuple[str, ...]:
    """Return the parts of a config, as `section` or `section.key`, that explain a place in it."""
    first, second = (*path.replace("[", ".").split("."), "", "")[:2]
    if first == "service" and second:
        with_others = {"pipelines": ("connectors",), "extensions": ("extensions",)}
        return (*with_others.get(second, ()), f"service.{second}")
    return (first,) if first in config else ()


def _at(config: Mapping[Any, Any], part: str) -> Any:
    """Return what stands at `section` or `section.key`; None if nothing does."""
    section, _dot, key = part.partition(".")
    value = config.get(section)
    if not key:
        return value
    return value.get(key) if isinstance(value, dict) else None


def _tidy(value: Any) -> Any:
    """Return data without empty sections, and with `{}` in place of null."""
    if isinstance(value, dict):
        return {key: _tidy(part) for key, part in value.items() if key not in _SECTIONS or part not in ([], {})}
    if isinstance(value, list):
        return [_tidy(entry) for entry in value]
    return {} if value is None else value


def _yaml(data: Any) -> str:
    return str(yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=100))
