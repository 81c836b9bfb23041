# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a short wrong config and a short right one for each rule, for its section in docs/rules.md.

Both come from the cases that test the rule, so a test proves each example. `choices.py` names the cases of some rules.
Of the others, the wrong case with the shortest excerpt is taken, and the right case that is most like it. `page.py`
calls `build_example` for each rule.

An excerpt is the parts of a config around the path at which the rule finds something. The surroundings of a config are
what is known beside it, such as its deployment (surroundings.py tells them in words).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from typing import Any, NamedTuple, Protocol

import yaml

from .choices import CHOICES, Choice
from .project import list_rule_findings, load_rule_cases
from .surroundings import describe_surroundings

# An excerpt of fewer lines says too little. It is rated as one of so many lines, so that all others come first.
_MIN_LINES = 3
_RATED_LINES_OF_SHORT = 24
# The keys by which a custom resource says what it is.
_RESOURCE_KEYS = ("apiVersion", "kind")
# The config of a custom resource in cases that are not about the config.
_PLACEHOLDER_CONFIG: Any = {"service": {}}
_SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
_EMPTY_TEXT = "{}\n"


class ExampleCase(Protocol):
    """What is used here of a case of a rule, which tests/unit/…/rules/cases.py defines."""

    rule: str
    name: str
    config: Any
    path: str | None
    """Where the rule finds something, as in `exporters.otlp.endpoint`; None in a right case."""
    more: Mapping[str, Any]
    """What is known beside the config, by the names of the fields of Subject."""


class Excerpts(NamedTuple):
    """What is shown of a wrong and of a right config, as YAML."""

    wrong: str
    right: str


# Excerpts that no case has: cases are data, and a mapping has each key once.
_WRITTEN_EXCERPTS = {
    "duplicate-key": Excerpts(
        wrong="receivers: {otlp: {}}\nreceivers: {zipkin: {}}\n", right="receivers: {otlp: {}, zipkin: {}}\n"
    )
}


class Example(NamedTuple):
    """Excerpts of a wrong and a right config as YAML, what is known around each, and what the rule says."""

    wrong: str
    right: str
    surroundings: str
    """What is known around the wrong config, in words; empty if nothing is."""
    path: str
    message: str
    fix: str
    right_surroundings: str = ""


def build_example(rule_id: str) -> Example:
    """Return the example of a rule. Raises LookupError if choices.py names a case that the rule no longer has."""
    choice = CHOICES.get(rule_id, Choice())
    cases = [case for case in _load_all_cases() if case.rule == rule_id]
    wrong_case = _find_named_case(choice.wrong, cases) if choice.wrong else _find_shortest_wrong(cases)
    right_case = _find_named_case(choice.right, cases) if choice.right else _find_likest_right(cases, wrong_case)
    path = str(wrong_case.path)
    excerpts = _WRITTEN_EXCERPTS.get(rule_id) or Excerpts(
        wrong=_format_excerpt(wrong_case, path, choice.shown_parts),
        right=_format_excerpt(right_case, path, choice.shown_parts),
    )
    finding = list_rule_findings(wrong_case)[0]
    return Example(
        wrong=excerpts.wrong,
        right=excerpts.right,
        surroundings=describe_surroundings(wrong_case.more),
        path=path,
        message=finding.message,
        fix=finding.fix,
        right_surroundings=describe_surroundings(right_case.more),
    )


# ── Which cases are shown ──


@cache
def _load_all_cases() -> tuple[ExampleCase, ...]:
    return tuple(load_rule_cases())


def _find_named_case(name: str, cases: Sequence[ExampleCase]) -> ExampleCase:
    """Return the case of a name. Raises LookupError if there is none."""
    for case in cases:
        if case.name == name:
            return case
    raise LookupError(f"choices.py names the case '{name}', which no rule has any more")


def _find_shortest_wrong(cases: Sequence[ExampleCase]) -> ExampleCase:
    """Return the wrong case with the shortest excerpt; of several, the one with the least known beside the config."""
    wrong_cases = [case for case in cases if case.path is not None]
    return min(wrong_cases, key=_rate_length)


def _rate_length(case: ExampleCase) -> tuple[int, int]:
    """Return the key that sorts wrong cases: the lines of the excerpt, then the size of what is known beside it."""
    line_count = len(_format_excerpt(case, str(case.path)).splitlines())
    rated_lines = line_count if line_count >= _MIN_LINES else _RATED_LINES_OF_SHORT
    return rated_lines, len(str(case.more))


def _find_likest_right(cases: Sequence[ExampleCase], wrong_case: ExampleCase) -> ExampleCase:
    """Return the right case that shows best what has to change: another config or other surroundings, not both.

    Cases that show a change at all come first. Among these, cases with the same surroundings and another excerpt come
    before all others. Among equals, the excerpt that is most like the wrong one wins.
    """
    path = str(wrong_case.path)
    wrong_excerpt = _format_excerpt(wrong_case, path)

    def rate_likeness(case: ExampleCase) -> tuple[bool, float]:
        right_excerpt = _format_excerpt(case, path)
        is_other_excerpt = right_excerpt != wrong_excerpt
        has_same_surroundings = _has_same_surroundings(case, wrong_case)
        shows_config = right_excerpt not in ("", _EMPTY_TEXT)
        shows_change = shows_config and (is_other_excerpt or not has_same_surroundings)
        likeness = SequenceMatcher(None, wrong_excerpt, right_excerpt).ratio()
        if is_other_excerpt and has_same_surroundings:
            likeness += 1.0  # before all cases with other surroundings, since a ratio is at most 1
        return shows_change, likeness

    return max((case for case in cases if case.path is None), key=rate_likeness)


def _has_same_surroundings(case: ExampleCase, other_case: ExampleCase) -> bool:
    """Whether the same is known beside the configs of two cases."""
    has_same_keys = case.more.keys() == other_case.more.keys()
    return has_same_keys and describe_surroundings(case.more) == describe_surroundings(other_case.more)


# ── What is shown of a case ──


def _format_excerpt(case: ExampleCase, path: str, chosen_parts: tuple[str, ...] = ()) -> str:
    """Return what is shown of a case, as YAML: the parts that were chosen, else those that explain a path.

    A part is `section` or `section.key`, such as `receivers` or `service.pipelines`.
    """
    config = _extract_relevant_config(case, path)
    if not isinstance(config, dict):
        return _format_yaml(config)
    shown_config: dict[str, Any] = {}
    for part in chosen_parts or _list_parts_around(config, path):
        value = _value_at(config, part)
        if value is None:
            continue
        section, _dot, key = part.partition(".")
        if key:
            shown_config[section] = {**shown_config.get(section, {}), key: value}
        else:
            shown_config[section] = value
    return _format_yaml(_drop_empty_sections(shown_config or config))


def _extract_relevant_config(case: ExampleCase, path: str) -> Any:
    """Return what a finding at a path is about: the config, or the parts of the custom resource that it is in.

    A case with a custom resource has it as `resource`. Its `config` is a placeholder if the case is not about it; then
    it is left out. If the finding is in the config of a resource, its receivers alone are shown.
    """
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


def _list_parts_around(config: Mapping[Any, Any], path: str) -> tuple[str, ...]:
    """Return the parts of a config that explain a place in it."""
    first_key, second_key = (*path.replace("[", ".").split("."), "", "")[:2]
    if first_key == "service" and second_key:
        own_part = f"service.{second_key}"
        if second_key == "pipelines":
            return ("connectors", own_part)
        if second_key == "extensions":
            return ("extensions", own_part)
        return (own_part,)
    return (first_key,) if first_key in config else ()


def _value_at(config: Mapping[Any, Any], part: str) -> Any:
    """Return what a config has at a part; None if it has nothing there."""
    section, _dot, key = part.partition(".")
    value = config.get(section)
    if not key:
        return value
    return value.get(key) if isinstance(value, dict) else None


def _drop_empty_sections(value: Any) -> Any:
    """Return data without empty sections of components, and with `{}` in place of null."""
    if isinstance(value, dict):
        kept_entries: dict[Any, Any] = {}
        for key, child in value.items():
            is_empty_section = key in _SECTIONS and child in ([], {})
            if not is_empty_section:
                kept_entries[key] = _drop_empty_sections(child)
        return kept_entries
    if isinstance(value, list):
        return [_drop_empty_sections(entry) for entry in value]
    return {} if value is None else value


def _format_yaml(data: Any) -> str:
    return str(yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=100))
