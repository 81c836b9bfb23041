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
from .project import list_rule_findings, load_rule_cases
from .surroundings import describe_surroundings

# An excerpt of fewer lines says too little: it comes after all others, as one of so many lines would.
_SHORTEST = 3
_LONGEST = 24
# What names a custom resource, and the config of one in a case that is not about it.
_RESOURCE_KEYS = ("apiVersion", "kind")
_PLACEHOLDER_CONFIG: Any = {"service": {}}
# What no data can show, since a mapping has a key once only.
_WRITTEN_EXAMPLES = {
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
    surroundings: str
    path: str
    message: str
    fix: str
    right_surroundings: str = ""


def build_example(rule_id: str) -> Example:
    """Return the cases that were chosen, else the shortest wrong one and the right one that is most like it.

    Raises LookupError for a chosen name that no case has any more.
    """
    choice = CHOICES.get(rule_id, Choice())
    cases_of_rule = [case for case in _load_all_cases() if case.rule == rule_id]
    wrong_case = _find_named_case(choice.wrong, cases_of_rule) if choice.wrong else _find_shortest_wrong(cases_of_rule)
    path = str(wrong_case.path)
    wrong_excerpt = _format_excerpt(_relevant_config(wrong_case, path), path, choice.shown_parts)
    right_case = (
        _find_named_case(choice.right, cases_of_rule)
        if choice.right
        else _find_likest_right(cases_of_rule, wrong_case, wrong_excerpt)
    )
    right_excerpt = _format_excerpt(_relevant_config(right_case, path), path, choice.shown_parts)
    finding = list_rule_findings(wrong_case)[0]
    wrong_excerpt, right_excerpt = _WRITTEN_EXAMPLES.get(rule_id, (wrong_excerpt, right_excerpt))
    wrong_surroundings, right_surroundings = (
        describe_surroundings(wrong_case.more),
        describe_surroundings(right_case.more),
    )
    return Example(
        wrong_excerpt, right_excerpt, wrong_surroundings, path, finding.message, finding.fix, right_surroundings
    )


# ── Which cases ──


@cache
def _load_all_cases() -> tuple[Case, ...]:
    return tuple(load_rule_cases())


def _find_named_case(name: str, cases_of_rule: Sequence[Case]) -> Case:
    """Return the case of a name that choices.py has. Raises LookupError if there is none."""
    for case in cases_of_rule:
        if case.name == name:
            return case
    raise LookupError(f"choices.py names the case '{name}', which no rule has any more")


def _find_shortest_wrong(cases_of_rule: Sequence[Case]) -> Case:
    """Return the wrong case with the shortest excerpt, and of those with one length the one that knows least."""
    return min((case for case in cases_of_rule if case.path is not None), key=_measure_length)


def _measure_length(case: Case) -> tuple[int, int]:
    path = str(case.path)
    lines = len(_format_excerpt(_relevant_config(case, path), path).splitlines())
    return (lines if lines >= _SHORTEST else _LONGEST, len(str(case.more)))


def _find_likest_right(cases_of_rule: Sequence[Case], wrong_case: Case, wrong_excerpt: str) -> Case:
    """Return the right case that shows best what has to change: with other text or other surroundings, not both."""

    def rate_likeness(case: Case) -> tuple[bool, float]:
        right_excerpt = _format_excerpt(_relevant_config(case, str(wrong_case.path)), str(wrong_case.path))
        has_same_surroundings = _has_same_surroundings(case, wrong_case)
        shows_change = right_excerpt not in ("", _EMPTY_TEXT) and (
            right_excerpt != wrong_excerpt or not has_same_surroundings
        )
        likeness_ratio = SequenceMatcher(None, wrong_excerpt, right_excerpt).ratio()
        if has_same_surroundings and right_excerpt != wrong_excerpt:
            likeness_ratio += 1.0
        return shows_change, likeness_ratio

    return max((case for case in cases_of_rule if case.path is None), key=rate_likeness)


def _has_same_surroundings(case: Case, other_case: Case) -> bool:
    has_same_keys = case.more.keys() == other_case.more.keys()
    return has_same_keys and describe_surroundings(case.more) == describe_surroundings(other_case.more)


# ── What of a case ──


def _relevant_config(case: Case, path: str) -> Any:
    """Return what a case is about: its config, or the custom resource that this is in, as far as it matters."""
    resource = case.more.get("resource")
    if resource is None:
        return case.config
    if path in _RESOURCE_KEYS:
        return {key: resource[key] for key in _RESOURCE_KEYS}
    spec = dict(resource["spec"])
    is_about_whole_spec = path == "spec"
    if not is_about_whole_spec and spec.get("config") == _PLACEHOLDER_CONFIG:
        del spec["config"]
    is_about_config = path and not path.startswith("spec")
    if is_about_config:
        spec["config"] = {"receivers": case.config["receivers"]}
    return {"spec": spec}


def _format_excerpt(config: Any, path: str, chosen_parts: tuple[str, ...] = ()) -> str:
    """Return as YAML the parts of a config that were chosen, else those that a path is about."""
    if not isinstance(config, dict):
        return _format_yaml(config)
    config_parts = [
        config_part
        for config_part in chosen_parts or _list_parts_around(config, path)
        if _value_at(config, config_part) is not None
    ]
    if not config_parts:
        return _format_yaml(_drop_empty_sections(config))
    shown_config: dict[str, Any] = {}
    for config_part in config_parts:
        section, _dot, key = config_part.partition(".")
        if key:
            shown_config[section] = {**shown_config.get(section, {}), key: _value_at(config, config_part)}
        else:
            shown_config[section] = config[section]
    return _format_yaml(_drop_empty_sections(shown_config))


def _list_parts_around(config: Mapping[Any, Any], path: str) -> tuple[str, ...]:
    """Return the parts of a config, as `section` or `section.key`, that explain a place in it."""
    first, second = (*path.replace("[", ".").split("."), "", "")[:2]
    if first == "service" and second:
        sections_by_key = {"pipelines": ("connectors",), "extensions": ("extensions",)}
        return (*sections_by_key.get(second, ()), f"service.{second}")
    return (first,) if first in config else ()


def _value_at(config: Mapping[Any, Any], part: str) -> Any:
    """Return what stands at `section` or `section.key`; None if nothing does."""
    section, _dot, key = part.partition(".")
    value = config.get(section)
    if not key:
        return value
    return value.get(key) if isinstance(value, dict) else None


def _drop_empty_sections(value: Any) -> Any:
    """Return data without empty sections, and with `{}` in place of null."""
    if isinstance(value, dict):
        return {
            key: _drop_empty_sections(child)
            for key, child in value.items()
            if key not in _SECTIONS or child not in ([], {})
        }
    if isinstance(value, list):
        return [_drop_empty_sections(entry) for entry in value]
    return {} if value is None else value


def _format_yaml(data: Any) -> str:
    return str(yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=100))
