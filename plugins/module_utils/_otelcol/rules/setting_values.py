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
from ..config.metrics_level import has_own_metrics
from ..config.paths import list_at, mapping_at, value_at
from .build_facts import Build, build_of
from .configured_components import TELEMETRY, ConfiguredComponent, configured_components, listed_components
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
from .row_certainty import explain_doubt, hedge_fault, is_exact_for
from .row_conditions import has_required_values
from .rule_definitions import Fault, define_rules, define_shared_rules
from .settings_cache import cached_by_settings
from .subject import Subject

# The attribute of a subject that keeps the faults of all rules.
_FAULTS_ATTRIBUTE = "_constraints"
# The ids of rules that only a key `rule` of a row names.
_SAMPLING_POLICY = "sampling-policy"
_REFUSED_AT_START = "refused-at-start"
# Stands for a row that has no key which limits it, so that it holds wherever rows hold (row_certainty.py).
_ROW_WITHOUT_LIMITS: Row = {}
# The signals whose pipelines need a feature gate.
_GATES_OF_SIGNALS = {"profiles": "service.profilesSupport"}


def sampling_policy(subject: Subject) -> Iterator[Fault]:
    """Yield policies of tail_sampling with which the Collector does not start; `otelcol validate` accepts them."""
    yield from find_setting_faults(subject, _SAMPLING_POLICY)


def refused_at_start(subject: Subject) -> Iterator[Fault]:
    """Yield settings with which the Collector does not start; `otelcol validate` accepts them."""
    yield from find_setting_faults(subject, _REFUSED_AT_START)


def feature_gate(subject: Subject) -> Iterator[Fault]:
    """Yield settings and pipelines without whose feature gate the Collector does not start."""
    yield from find_setting_faults(subject, FEATURE_GATE)
    for key in mapping_at(subject.config, "service", "pipelines"):
        signal = str(key).partition("/")[0]
        if (
            signal in _GATES_OF_SIGNALS
            and subject.target
            and is_exact_for(_ROW_WITHOUT_LIMITS, build_of(subject.target).version)
        ):
            message = f"pipelines of {signal} need the feature gate {_GATES_OF_SIGNALS[signal]}"
            fix = f"Start the Collector with `--feature-gates={_GATES_OF_SIGNALS[signal]}`."
            yield Fault(("service", "pipelines", key), message, fix)


def ignored_setting(subject: Subject) -> Iterator[Fault]:
    """Yield settings that the Collector ignores beside another one, such as `udp` beside `tcp` of syslog."""
    yield from find_setting_faults(subject, IGNORED_SETTING)


def find_setting_faults(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the faults of a rule; those of all rules are found once, and kept with the subject."""
    # A subject is frozen, so what is kept with it goes around its fields, as cached properties do.
    faults_by_rule: dict[str, list[Fault]] | None = subject.__dict__.get(_FAULTS_ATTRIBUTE)
    if faults_by_rule is None:
        faults_by_rule = subject.__dict__[_FAULTS_ATTRIBUTE] = {}
        for rule, fault in _find_violated_constraints(subject):
            faults_by_rule.setdefault(rule, []).append(fault)
    yield from faults_by_rule.get(rule_id, ())


def _find_violated_constraints(subject: Subject) -> RuleFaults:
    """Yield the faults of this config: its deployment and its pipelines decide which violated rows count."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    yield from _find_differing_root_paths(subject, build)
    signals_by_component = _map_signals_of_started(subject)
    excluding_keys = _list_excluding_keys(subject)
    for (section_name, component_id), (row, rule, fault) in _find_violations(subject):
        component_key = _ComponentKey(section_name, component_id)
        is_excluded = not excluding_keys.isdisjoint(row)
        if is_excluded or not _counts_for_signals(row, signals_by_component.get(component_key, ())):
            continue
        if not _is_extension_id(row, fault, subject):
            is_started = component_key in signals_by_component
            doubt = explain_doubt(row, build, section_name, component_id, is_started=is_started)
            yield RuleFault(rule, hedge_fault(fault, doubt))


class _Violation(NamedTuple):
    """A row that settings violate, the id of the rule that reports it, and the fault."""

    constraint_row: Row
    rule: str
    fault: Fault


@cached_by_settings
def _find_violations(build: Build, component: ConfiguredComponent) -> Iterator[_Violation]:
    """Yield the rows that the settings of a component violate, whatever the deployment and the pipelines are."""
    known_type = build.find_component(component.section, component.type)
    if known_type is None and component.section != TELEMETRY[0]:
        return
    type_name = known_type.type if known_type else component.type
    constraint_places: ConstraintPlaces[Constraint] = build.find_constraints(
        component.section, type_name, make_constraint
    )
    # A component without settings has its defaults, which a row may refuse. Of an unknown type, nobody knows them.
    read_settings = {} if component.settings is None and known_type else component.settings
    for constraint, path, settings in constraint_places.find_places(read_settings, component.config_path):
        if not _is_applicable(constraint, settings):
            continue
        # The path, below the settings of the component, of the settings around those that the row is about.
        outer_path = path[len(component.config_path) : -1]
        if not has_required_values(constraint.outer_conditions, value_at(component.settings, outer_path)):
            continue
        row = constraint.constraint_row
        for check, operand in constraint.checks:
            for rule, fault in check(operand, settings, path, row):
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
    for component in configured_components(subject):
        known_type = build.find_component(component.section, component.type)
        if known_type is None or known_type.type != "host_metrics":
            continue
        root_path = mapping_at(component.settings).get("root_path") or ""
        if not isinstance(root_path, str) or root_path in ("", "/") or EXPANSION_START in root_path:
            continue
        first_root = first_root or root_path  # the Collector refuses each one after the first that differs from it
        if root_path != first_root:
            message = f"all receivers of a Collector share one root_path, and it is '{first_root}' in another one"
            fault = Fault((*component.config_path, "root_path"), message, f"Write `{first_root}`.")
            doubt = explain_doubt(_ROW_WITHOUT_LIMITS, build, component.section, component.id)
            yield RuleFault(CONFLICTING_SETTINGS, hedge_fault(fault, doubt))


class _ComponentKey(NamedTuple):
    """What names a component of a config: a receiver and an exporter may have one id."""

    section: str
    id: str


def _map_signals_of_started(subject: Subject) -> dict[_ComponentKey, set[str]]:
    """Return the signals of each started component; those of an extension are none."""
    signals_by_component: dict[_ComponentKey, set[str]] = {}
    for component in listed_components(subject):
        # A processor may have the id of a connector.
        is_connector = component.role != "processors" and component.id in subject.connectors
        component_key = _ComponentKey("connectors" if is_connector else component.role, component.id)
        signals_by_component.setdefault(component_key, set()).add(component.signal)
    for extension in list_at(subject.config, "service", "extensions"):
        if isinstance(extension, str):
            signals_by_component[_ComponentKey("extensions", extension)] = set()
    return signals_by_component


def _list_excluding_keys(subject: Subject) -> frozenset[str]:
    """Return the keys of rows that do not count in this config.

    Rows with `allocated` do not count if the operator adds the missing settings for a target allocator. Rows with
    `measured` do not count if the Collector has no metrics of its own.
    """
    keys: set[str] = set()
    if subject.deployment and subject.deployment.has_target_allocator:
        keys.add("allocated")
    if not has_own_metrics(subject.config):
        keys.add("measured")
    return frozenset(keys)


def _counts_for_signals(row: Row, signals: Collection[str]) -> bool:
    """Whether a row counts for a component in pipelines of some signals, by its key `signals`.

    `"signals": "logs"` is about pipelines of logs, `"signals": ["traces", "logs"]` about a component in both.
    """
    needed_signals = row.get("signals", [])
    if not isinstance(needed_signals, list):
        return needed_signals in signals
    return all(signal in signals for signal in needed_signals)


def _is_extension_id(row: Row, fault: Fault, subject: Subject) -> bool:
    """Whether a wrong value is the id of an extension, which a row with `extensible` takes beside its words."""
    if not row.get("extensible"):
        return False
    value = value_at(subject.config, fault.path)
    return isinstance(value, str) and value in mapping_at(subject.config, "extensions")


# The reasons of rules that have no function here, by their ids.
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
