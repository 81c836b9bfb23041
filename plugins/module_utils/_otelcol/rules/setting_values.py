# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what components check of their own settings, beyond keys and types.

Source: Validate of each component, in _data/catalogue/constraints.json. Outside the versions of a row, a violation is a
warning. Private.

The rules are in `RULES` at the end, those of `_REASONS` by their ids, others by their functions: see
rule_definitions.py. For example:

    exporters.syslog.port: error [out-of-range] 'port' is between 1 and 65535, not 0. Write a number between 1 and
    65535.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from ..catalogue.constraint_places import ConstraintPlaces
from ..catalogue.rows import Row
from ..config.paths import list_at, mapping_at, value_at
from .build_facts import Build, build_of
from .configured_components import TELEMETRY, configured_components, listed_components
from .constraint_rows import Constraint, make_constraint
from .constraints import (
    CONFLICTING_SETTINGS,
    FEATURE_GATE,
    IGNORED_SETTING,
    INVALID_REGEX,
    OUT_OF_RANGE,
    UNKNOWN_OPERATOR,
    RuleFault,
    RuleFaults,
)
from .given_values import EXPANSION_START
from .remembered_settings import remembered_by_settings
from .row_certainty import explain_doubt, hedge_fault, is_exact_for
from .row_conditions import has_required_values
from .rule_definitions import Fault, define_rules, define_shared_rules
from .subject import Subject

_FAULTS_ATTRIBUTE = "_constraints"
_POLICY = "sampling-policy"
_AT_START = "refused-at-start"
# The signals whose pipelines need a feature gate.
_GATES_OF_SIGNALS = {"profiles": "service.profilesSupport"}


def sampling_policy(subject: Subject) -> Iterator[Fault]:
    """Yield policies of tail_sampling with which the Collector does not start; `otelcol validate` accepts them."""
    yield from find_setting_faults(subject, _POLICY)


def refused_at_start(subject: Subject) -> Iterator[Fault]:
    """Yield settings with which the Collector does not start; `otelcol validate` accepts them."""
    yield from find_setting_faults(subject, _AT_START)


def feature_gate(subject: Subject) -> Iterator[Fault]:
    """Yield settings and pipelines without whose feature gate the Collector does not start."""
    yield from find_setting_faults(subject, FEATURE_GATE)
    for key in mapping_at(subject.config, "service", "pipelines"):
        signal = str(key).partition("/")[0]
        if signal in _GATES_OF_SIGNALS and subject.target and is_exact_for({}, build_of(subject.target).version):
            message = f"pipelines of {signal} need the feature gate {_GATES_OF_SIGNALS[signal]}"
            fix = f"Start the Collector with `--feature-gates={_GATES_OF_SIGNALS[signal]}`."
            yield Fault(("service", "pipelines", key), message, fix)


def ignored_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that the Collector ignores beside another one, such as `udp` beside `tcp` of syslog."""
    yield from find_setting_faults(subject, IGNORED_SETTING)


def find_setting_faults(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the faults of a rule; those of all rules are found once, and kept with the subject."""
    faults_by_rule: dict[str, list[Fault]] | None = subject.__dict__.get(_FAULTS_ATTRIBUTE)
    if faults_by_rule is None:
        faults_by_rule = subject.__dict__[_FAULTS_ATTRIBUTE] = {}
        for rule, fault in _find_violated_constraints(subject):
            faults_by_rule.setdefault(rule, []).append(fault)
    yield from faults_by_rule.get(rule_id, ())


def _find_violated_constraints(subject: Subject) -> RuleFaults:
    """Yield the violations that count in this config: its deployment and its pipelines may make a row count or not."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    yield from _find_differing_root_paths(subject, build)
    signals_by_id = _map_signals_of_started(subject)
    unheeded_keys = _list_unheeded_keys(subject)
    for (section_name, component_id), (row, rule, fault) in _find_violations(subject):
        if not _is_about_pipelines(row, signals_by_id.get(component_id, ()), unheeded_keys):
            continue
        if not _is_extension_id(row, fault, subject):
            yield RuleFault(
                rule,
                hedge_fault(
                    fault, explain_doubt(row, build, section_name, component_id, component_id in signals_by_id)
                ),
            )


class _Violation(NamedTuple):
    """A row that settings violate, the rule that says so, and the fault."""

    constraint_row: Row
    rule: str
    fault: Fault


@remembered_by_settings
def _find_violations(build: Build, section: str, component_id: str, kind: str, settings: Any) -> Iterator[_Violation]:
    """Yield the rows that the settings of a component violate, whatever the deployment and the pipelines are."""
    component = build.find_component(section, kind)
    if component is None and section != TELEMETRY[0]:
        return
    component_path = (section, component_id)
    component_type = component.type if component else kind
    constraint_places: ConstraintPlaces[Constraint] = build.find_constraints(section, component_type, make_constraint)
    # A component without settings has its defaults.
    read_settings = {} if settings is None and component else settings
    for constraint, path, constrained_settings in constraint_places.find_places(read_settings, component_path):
        if not _is_applicable(constraint, constrained_settings):
            continue
        outer_settings = value_at(settings, path[len(component_path) : -1])
        if not has_required_values(constraint.outer_conditions, outer_settings):
            continue
        row = constraint.constraint_row
        for check, operand in constraint.checks:
            for rule, fault in check(operand, constrained_settings, path, row):
                yield _Violation(row, row.get("rule", rule), fault)


def _is_applicable(constraint: Constraint, settings: Any) -> bool:
    """Whether settings have a key that a row looks at, and the values that it is about."""
    if constraint.needed_keys:
        has_needed_key = isinstance(settings, dict) and not constraint.needed_keys.isdisjoint(settings)
        if not has_needed_key:
            return False
    return has_required_values(constraint.conditions, settings)


def _find_differing_root_paths(subject: Subject, build: Build) -> RuleFaults:
    """Yield each root_path that differs from the first one: all host_metrics receivers of a process share it."""
    first_root = ""
    for section_name, component_id, kind, settings in configured_components(subject):
        component = build.find_component(section_name, kind)
        if component is None or component.type != "host_metrics":
            continue
        root_path = mapping_at(settings).get("root_path") or ""
        if not isinstance(root_path, str) or root_path in ("", "/") or EXPANSION_START in root_path:
            continue
        first_root = first_root or root_path
        if root_path != first_root:
            message = f"all receivers of a Collector share one root_path, and it is '{first_root}' in another one"
            fault = Fault((section_name, component_id, "root_path"), message, f"Write `{first_root}`.")
            yield RuleFault(
                CONFLICTING_SETTINGS, hedge_fault(fault, explain_doubt({}, build, section_name, component_id))
            )


def _map_signals_of_started(subject: Subject) -> dict[str, set[str]]:
    """Return the signals of each started component, by id; those of an extension are none."""
    signals_by_id: dict[str, set[str]] = {}
    for _path, signal, _role, component_id in listed_components(subject):
        signals_by_id.setdefault(component_id, set()).add(signal)
    for extension in list_at(subject.config, "service", "extensions"):
        if isinstance(extension, str):
            signals_by_id[extension] = set()
    return signals_by_id


def _list_unheeded_keys(subject: Subject) -> frozenset[str]:
    """Return the keys by which rows do not count in this config.

    Rows with `allocated` do not count if the operator adds the missing settings for a target allocator, rows with
    `measured` not if the Collector has no metrics of its own.
    """
    keys: set[str] = set()
    if subject.deployment and subject.deployment.target_allocator:
        keys.add("allocated")
    level = mapping_at(subject.config, *TELEMETRY, "metrics").get("level")
    if isinstance(level, str) and level.lower() == "none":
        keys.add("measured")
    return frozenset(keys)


def _is_about_pipelines(row: Row, signals: Collection[str], unheeded_keys: frozenset[str]) -> bool:
    """Whether a row is about settings in these pipelines, and has no key that says nothing here.

    The settings of a row with several signals are wrong only in pipelines of all of them.
    """
    if not unheeded_keys.isdisjoint(row):
        return False
    needed_signals = row.get("signals", [])
    if not isinstance(needed_signals, list):
        return needed_signals in signals
    return all(signal in signals for signal in needed_signals)


def _is_extension_id(row: Row, fault: Fault, subject: Subject) -> bool:
    """Whether a value that is no word of a row is the id of an extension, where the row takes these too."""
    if not row.get("extensible"):
        return False
    value = value_at(subject.config, fault.path)
    return isinstance(value, str) and value in mapping_at(subject.config, "extensions")


_REASONS = {
    OUT_OF_RANGE: (
        "Yield numbers and durations that a component does not accept, and limits that contradict each other."
    ),
    CONFLICTING_SETTINGS: "Yield settings that exclude each other, or that are given twice or only in part.",
    INVALID_REGEX: "Yield regular expressions that Go does not accept, or that lack the named groups that they need.",
    UNKNOWN_OPERATOR: "Yield outputs of log operators that are the id of no operator.",
}
RULES = (
    *define_shared_rules(find_setting_faults, _REASONS),
    *define_rules("error", sampling_policy, refused_at_start),
    *define_rules("warning", feature_gate, ignored_setting),
)
