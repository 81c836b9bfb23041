# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows of constraints.json the settings of a config violate, and which of these rows count in it. Private.

The faults of a component follow from its settings and the build alone, so configs share them (settings_cache.py).
Whether the row of a fault counts depends on the rest of the config, and on its deployment. For example, a row such as

    {"at": "exporters.kafka", "positive": ["timeout"], "signals": "logs"}

counts for `exporters: {kafka: {timeout: 0s}}` only if a pipeline of logs has this exporter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from ..catalogue.constraint_places import ConstraintPlaces
from ..catalogue.rows import Row
from ..config.component_ids import trim_id
from ..config.metrics_level import has_own_metrics
from ..config.paths import Path, mapping_at, value_at
from ..config.pipelines import read_listed_ids
from .build_facts import Build, build_of
from .configured_components import TELEMETRY, ConfiguredComponent, listed_components
from .constraint_rows import Constraint, make_constraint
from .constraints import RuleFault, RuleFaults
from .row_certainty import explain_doubt, hedge_fault
from .row_conditions import has_required_values
from .rule_definitions import Fault
from .settings_cache import find_in_components
from .subject import Subject

_SectionAndId = tuple[str, str]
"""What names a component of a config, since a receiver and an exporter may have one id."""


def find_violated_constraints(subject: Subject) -> RuleFaults:
    """Yield the fault of each row that settings violate and that counts in this config."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    signals_by_component = _map_signals_of_started(subject)
    excluding_keys = _list_excluding_keys(subject)
    for component, violation in find_in_components(subject, _list_violations):
        row = violation.constraint_row
        signals = signals_by_component.get((component.section, trim_id(component.id)))
        is_excluded = not excluding_keys.isdisjoint(row)
        if is_excluded or not _counts_for_signals(row, signals or ()):
            continue
        if _is_extension_id(row, violation.fault, subject):
            continue
        doubt = explain_doubt(row, build, component.section, component.id, is_started=signals is not None)
        yield RuleFault(violation.rule, hedge_fault(violation.fault, doubt))


# ── The rows that settings violate ──


class _Violation(NamedTuple):
    """A row that settings violate, the id of the rule that reports it, and the fault."""

    constraint_row: Row
    rule: str
    fault: Fault


def _list_violations(build: Build, component: ConfiguredComponent) -> Iterator[_Violation]:
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
        if not _is_about_settings(constraint, settings):
            continue
        # The settings around those that the row is about.
        outer_settings = value_at(component.settings, path[len(component.config_path) : -1])
        if has_required_values(constraint.outer_conditions, outer_settings):
            yield from _run_checks(constraint, settings, path)


def _run_checks(constraint: Constraint, settings: Any, path: Path) -> Iterator[_Violation]:
    """Yield what the checks of a row find in settings."""
    row = constraint.constraint_row
    for check, operand in constraint.checks:
        for found in check(operand, settings, path, row):
            yield _Violation(row, row.get("rule", found.rule), found.fault)


def _is_about_settings(constraint: Constraint, settings: Any) -> bool:
    """Whether settings have a key that a row looks at, and the values that it is about."""
    if constraint.needed_keys:
        has_needed_key = isinstance(settings, dict) and not constraint.needed_keys.isdisjoint(settings)
        if not has_needed_key:
            return False
    return has_required_values(constraint.conditions, settings)


# ── The rows that count in a config ──


def _map_signals_of_started(subject: Subject) -> dict[_SectionAndId, set[str]]:
    """Return the signals of each started component, by its id as the Collector reads it; an extension has none."""
    signals_by_component: dict[_SectionAndId, set[str]] = {}
    for component in listed_components(subject):
        section_name = "connectors" if component.is_connector(subject) else component.role
        signals_by_component.setdefault((section_name, component.id), set()).add(component.signal)
    for extension_id in read_listed_ids(mapping_at(subject.config, "service"), "extensions"):
        signals_by_component["extensions", extension_id] = set()
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
