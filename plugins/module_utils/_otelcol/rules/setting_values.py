# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what components check of their own settings, beyond keys and types.

Source: Validate of each component, in _data/catalogue/constraints.json. Outside the versions of a row, a violation is a
warning. Private.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from ..catalogue.rows import ANY, Row
from ..catalogue.version_ranges import is_within
from ..config.paths import Path, at, items, section
from . import (
    address_checks,
    number_checks,
    presence_checks,
    prometheus_checks,
    regex_checks,
    stanza_flow,
    stanza_operators,
    text_checks,
    text_patterns,
    word_checks,
)
from .build_facts import Build, build_of
from .configured_components import TELEMETRY, configured_components, listed_components
from .constraints import CONFLICT, EXPANDED, GATE, IGNORED, RANGE, REFERENCE, REGEX, Check, Found, key_steps
from .remembered_settings import remembered_by_settings
from .subject import Fault, Subject, rules, shared_rules

EXACT = "0.155.0..0.160.0"
_KEPT = "_constraints"
_POLICY = "sampling-policy"
_AT_START = "refused-at-start"
# These checks find nothing where none of their keys is given.
_OF_GIVEN = {
    **word_checks.OF_GIVEN,
    **presence_checks.OF_GIVEN,
    **number_checks.OF_GIVEN,
    **regex_checks.OF_GIVEN,
    **text_patterns.OF_GIVEN,
    **text_checks.OF_GIVEN,
    **address_checks.OF_GIVEN,
    **prometheus_checks.OF_GIVEN,
}
_CHECKS = {
    **_OF_GIVEN,
    **word_checks.CHECKS,
    **presence_checks.CHECKS,
    **number_checks.CHECKS,
    **prometheus_checks.CHECKS,
    **stanza_operators.CHECKS,
    **stanza_flow.CHECKS,
}


class Condition(NamedTuple):
    """A setting, and the words that it has to be one of; None is any text. `refused` turns both into the opposite.

    A list fits if one of its items does.
    """

    path: Path
    any_case: bool
    refused: bool
    words: list[str] | None


class Constraint(NamedTuple):
    """A row of the table, taken apart once for a build: its conditions, and its checks with what they ask for.

    Where none of the `keys` is given, it finds nothing; without any it may.
    """

    row: Row
    keys: frozenset[str]
    when: tuple[Condition, ...]
    around: tuple[Condition, ...]
    checks: list[tuple[Check, Any]]


def constraint(row: Row) -> tuple[Constraint, str] | None:
    """Return a row taken apart, and the key without which it finds nothing; None if it has no checks."""
    names = [name for name in row if name in _CHECKS]
    if not names:
        return None
    finds_only_given = all(name in _OF_GIVEN for name in names)
    keys = _first_keys(row, names) if finds_only_given else frozenset[str]()
    checks = [(_CHECKS[name], row[name]) for name in names]
    only_key = next(iter(keys)) if len(keys) == 1 else ""
    return Constraint(row, keys, conditions_of(row), conditions_of(row, "around"), checks), only_key


def _first_keys(row: Row, names: list[str]) -> frozenset[str]:
    """Return the first keys that checks look at; none if one of them is any key."""
    keys: set[str] = set()
    for name in names:
        settings = [row[name]] if isinstance(row[name], str) else row[name]
        for setting in settings:
            keys.update(key_steps(choice)[0] for choice in setting.split("|"))
    return frozenset() if ANY in keys else frozenset(keys)


def conditions_of(row: Row, key: str = "when") -> tuple[Condition, ...]:
    """Return the values of settings that a row is about.

    `*` is any, `!*` that there is none, `!a` any but a, `~a` is a in any case, `{}` is a mapping, which may be empty,
    and `null` is a key without a value.
    """
    conditions = []
    for setting, text in row.get(key, {}).items():
        words = text.removeprefix("~")
        any_case = words != text
        refused = words.startswith("!")
        conditions.append(Condition(key_steps(setting), any_case, refused, _words_of(words)))
    return tuple(conditions)


def _words_of(text: str) -> list[str] | None:
    """Return the words of a condition: the one after `!`, or all that `|` separates; None for any text."""
    if text.removeprefix("!") == ANY:
        return None
    return [text[1:]] if text.startswith("!") else text.split("|")


def setting_faults(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the faults of a rule."""
    kept: dict[str, list[Fault]] | None = subject.__dict__.get(_KEPT)
    if kept is None:
        kept = subject.__dict__[_KEPT] = {}
        for rule, fault in _violated_constraints(subject):
            kept.setdefault(rule, []).append(fault)
    yield from kept.get(rule_id, ())


def _violated_constraints(subject: Subject) -> Found:
    """Yield what settings violate in this config: where it runs, and in the pipelines that use them."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    yield from _differing_roots(subject, build)
    signals = _signals_of_started(subject)
    unheeded = _unheeded_keys(subject)
    for (name, component_id), (row, rule, fault) in _violations(subject):
        if not _is_here(row, signals.get(component_id, ()), unheeded):
            continue
        if not _names_extension(row, fault, subject):
            yield rule, hedged_fault(fault, doubt_about(row, build, name, component_id, component_id in signals))


def _signals_of_started(subject: Subject) -> dict[str, set[str]]:
    """Return the signals of each started component, by id; those of an extension are none."""
    signals: dict[str, set[str]] = {}
    for _path, signal, _role, component_id in listed_components(subject):
        signals.setdefault(component_id, set()).add(signal)
    for extension in items(subject.config, "service", "extensions"):
        if isinstance(extension, str):
            signals[extension] = set()
    return signals


def _names_extension(row: Row, fault: Fault, subject: Subject) -> bool:
    """Whether a value that is no word of a row is the id of an extension, where the row takes these too."""
    if not row.get("extensible"):
        return False
    value = at(subject.config, fault.path)
    return isinstance(value, str) and value in section(subject.config, "extensions")


class _Violation(NamedTuple):
    """A row that settings violate, the rule that says so, and the fault."""

    row: Row
    rule: str
    fault: Fault


def sampling_policy(subject: Subject) -> Iterator[Fault]:
    """Yield policies of tail_sampling with which the Collector does not start; `otelcol validate` accepts them."""
    yield from setting_faults(subject, _POLICY)


def refused_at_start(subject: Subject) -> Iterator[Fault]:
    """Yield settings with which the Collector does not start; `otelcol validate` accepts them."""
    yield from setting_faults(subject, _AT_START)


def feature_gate(subject: Subject) -> Iterator[Fault]:
    """Yield settings and pipelines without whose feature gate the Collector does not start."""
    yield from setting_faults(subject, GATE)
    for key in section(subject.config, "service", "pipelines"):
        signal = str(key).partition("/")[0]
        if signal in _GATED and subject.target and exact({}, build_of(subject.target).version):
            why = f"pipelines of {signal} need the feature gate {_GATED[signal]}"
            fix = f"Start the Collector with `--feature-gates={_GATED[signal]}`."
            yield Fault(("service", "pipelines", key), why, fix)


def ignored_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that the Collector ignores beside another one, such as `udp` beside `tcp` of syslog."""
    yield from setting_faults(subject, IGNORED)


_GATED = {"profiles": "service.profilesSupport"}


@remembered_by_settings
def _violations(build: Build, section: str, component_id: str, kind: str, settings: Any) -> Iterator[_Violation]:
    """Yield what settings violate, wherever they run."""
    component = build.find(section, kind)
    if component is None and section != TELEMETRY[0]:
        return
    rows = build.constraints(section, component.type if component else kind, constraint)
    given = {} if settings is None and component else settings  # a component without settings has its defaults
    for found, path, value in rows.find(given, (section, component_id)):
        if not _is_about(found, value):
            continue
        if found.around and not conditions_hold(found.around, at(settings, path[2:-1])):
            continue
        for check, operand in found.checks:
            for rule, fault in check(operand, value, path, found.row):
                yield _Violation(found.row, found.row.get("rule", rule), fault)


def _differing_roots(subject: Subject, build: Build) -> Found:
    """Yield each root_path that differs from the first one: all host_metrics receivers of a process share it."""
    first = ""
    for name, component_id, kind, settings in configured_components(subject):
        component = build.find(name, kind)
        if component is None or component.type != "host_metrics":
            continue
        root = section(settings).get("root_path") or ""
        if not isinstance(root, str) or root in ("", "/") or EXPANDED in root:
            continue
        first = first or root
        if root != first:
            why = f"all receivers of a Collector share one root_path, and it is '{first}' in another one"
            fault = Fault((name, component_id, "root_path"), why, f"Write `{first}`.")
            yield CONFLICT, hedged_fault(fault, doubt_about({}, build, name, component_id))


def _is_about(found: Constraint, settings: Any) -> bool:
    """Whether settings have what a row looks at, and the values that it is about."""
    if found.keys and (not isinstance(settings, dict) or found.keys.isdisjoint(settings)):
        return False
    return not found.when or conditions_hold(found.when, settings)


def _unheeded_keys(subject: Subject) -> frozenset[str]:
    """Return the keys of rows that say nothing here: an operator adds what is missing, or nothing is measured."""
    keys: set[str] = set()
    if subject.deployment and subject.deployment.target_allocator:
        keys.add("allocated")
    level = section(subject.config, *TELEMETRY, "metrics").get("level")
    if isinstance(level, str) and level.lower() == "none":
        keys.add("measured")
    return frozenset(keys)


def _is_here(row: Row, signals: Collection[str], unheeded: frozenset[str]) -> bool:
    """Whether a row is about settings in these pipelines, and has no key that says nothing here.

    The settings of a row with several signals are wrong only in pipelines of all of them.
    """
    if not unheeded.isdisjoint(row):
        return False
    needed = row.get("signals", [])
    if not isinstance(needed, list):
        return needed in signals
    return all(signal in signals for signal in needed)


def doubt_about(row: Row, build: Build, section_name: str, component_id: str, is_started: bool = True) -> str:
    """Return why a row may not hold for a component of a build; empty text if it does.

    A row without versions holds where the settings of the component are known; one that is `certain` holds in any
    build of its versions, because it was read in the source of the component.
    """
    is_known = bool(row.get("certain")) or build.is_known(section_name, component_id.partition("/")[0])
    if not is_known and build.doubt:
        return build.doubt
    holds_wherever_known = is_known and "exact" not in row
    if not holds_wherever_known and not exact(row, build.version):
        return "another version may differ"
    if row.get("built") and not is_started:
        return "no pipeline uses it yet"
    return ""


def hedged_fault(fault: Fault, doubt: str) -> Fault:
    """Return a fault as a warning that names the doubt, if there is one."""
    if not doubt:
        return fault
    return Fault(
        fault.path,
        f"{fault.message} ({doubt})",
        fault.fix,
        severity="warning",
        offset=fault.offset,
        quotes_value=fault.quotes_value,
    )


def conditions_hold(when: Iterable[Condition], settings: Any) -> bool:
    """Whether settings have the values that a row is about."""
    return all(_fits(condition, settings) for condition in when)


def _fits(condition: Condition, settings: Any) -> bool:
    """Whether a setting has the value of a condition; with `refused`, whether it has another one."""
    path, any_case, refused, words = condition
    value = at(settings, path, "")
    if words is not None and isinstance(value, list) and value:
        return any(item in words for item in value) is not refused
    text = _as_text(value, any_case)
    if EXPANDED in text:
        return False
    if words is None:
        return value == "" if refused else bool(text)
    if refused and value is None and not _ZEROS.isdisjoint(words):
        return False
    is_one = text in words or _SHAPES.get(type(value)) in words
    return is_one is not refused


def _as_text(value: Any, any_case: bool) -> str:
    """Return a value as a row of the table spells it; nothing, `[]` and `{}` are empty."""
    if isinstance(value, str):
        return value.lower() if any_case else value
    if value in (None, [], {}):
        return ""
    is_lower = any_case or isinstance(value, bool)
    return str(value).lower() if is_lower else str(value)


_SHAPES = {dict: "{}", type(None): "null"}
_ZEROS = frozenset({"false", "0"})  # what null is for the decoder


def exact(row: Row, version: str) -> bool:
    """Whether a row holds for a version."""
    return is_within(str(row.get("exact", EXACT)), version)


_REASONS = {
    RANGE: "Yield numbers and durations that a component does not accept, and limits that contradict each other.",
    CONFLICT: "Yield settings that exclude each other, or that are given twice or only in part.",
    REGEX: "Yield regular expressions that Go does not accept, or that lack the named groups that they need.",
    REFERENCE: "Yield outputs of log operators that are the id of no operator.",
}
RULES = (
    *shared_rules(setting_faults, _REASONS),
    *rules("error", sampling_policy, refused_at_start),
    *rules("warning", feature_gate, ignored_setting),
)
