# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on component settings: keys, types and values that the component's decoder accepts.

Source of each: _data/catalogue/fields.json, which tools/catalogue/fields.go asked of the Collector's decoder (confmap
with mapstructure). Not checked: keys with `::`, text with `${`, types of unknown settings.
If the catalogue lacks the version of a component, the nearest known one answers, with that doubt. Private.

The rules are in `RULES` at the end, those of `_REASONS` by their ids, others by their functions: see
rule_definitions.py. For example:

    service.telemetry.log: error [unknown-field] 'log' is not a setting here; did you mean 'logs'? Known here: logs,
    metrics, resource, traces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from ..catalogue.constraint_places import KeyedConstraint
from ..catalogue.rows import Row
from ..config.component_ids import trim_id
from ..config.config_secrets import is_secret
from ..config.paths import Path, value_at
from .build_facts import Build
from .configured_components import TELEMETRY, ConfiguredComponent, used_components
from .constraints import MISSING_FIELD, UNKNOWN_FIELD, RuleFault
from .deprecated_settings import find_movable_settings
from .field_walk import SLIP_SEVERITY, describe_quoting_fix, walk_fields
from .given_values import EXPANSION_START
from .row_certainty import explain_doubt, hedge_fault
from .row_conditions import RowCondition, has_required_values, read_conditions
from .rule_definitions import Fault, define_shared_rules
from .setting_values import find_setting_faults
from .settings_cache import find_in_components
from .subject import Subject, once_per_subject

# The path of the receiver to which the operator adds settings if a target allocator finds the targets.
_ALLOCATED_RECEIVER = ("receivers", "prometheus")
# The section and type whose missing settings another rule reports.
_LIMITER = ("processors", "memory_limiter")


def _list_faults_of_rule(subject: Subject, rule_id: str) -> list[Fault]:
    """Return the faults of one of the rules. All of them share one walk through the settings, `_find_all_faults`."""
    return [rule_fault.fault for rule_fault in _find_all_faults(subject) if rule_fault.rule == rule_id]


@once_per_subject
def _find_all_faults(subject: Subject) -> Iterator[RuleFault]:
    """Yield what decoders refuse, then what constraints.json has for the same rules; each fault once."""
    yield from dict.fromkeys(_find_spelled_faults(subject))  # a set that keeps the order


def _find_spelled_faults(subject: Subject) -> Iterator[RuleFault]:
    """Yield all faults, with values as the file of the config spells them."""
    for rule_fault in _find_refused_by_decoders(subject):
        yield RuleFault(rule_fault.rule, _quote_as_spelled(rule_fault.fault, subject))
    for rule in _REASONS:
        for fault in find_setting_faults(subject, rule):
            yield RuleFault(rule, fault)


def _quote_as_spelled(fault: Fault, subject: Subject) -> Fault:
    """Return a fault whose fix quotes a value as its file has it: `0123` is 83 for YAML, and another tenant's id."""
    if not fault.quotes_value:
        return fault
    spelled_value = subject.locate(fault.path).read_spelling()
    if not spelled_value or is_secret(fault.path, spelled_value, subject.config):
        return fault
    return replace(fault, fix=describe_quoting_fix(spelled_value))


class _Refusal(NamedTuple):
    """What a decoder refuses, and the id of the rule that reports it."""

    rule: str
    fault: Fault
    needs_use: bool = False
    """Whether the Collector refuses it only if a pipeline uses the component."""


def _find_refused_by_decoders(subject: Subject) -> Iterator[RuleFault]:
    """Yield what decoders refuse in the settings of this config, by rule."""
    # The rules removed-setting and moved-setting know the versions of these.
    moved_paths = {path for path, _move in find_movable_settings(subject)}
    # Roles have the names of sections: what a pipeline lists among its receivers is in the section `receivers`.
    in_use = {(component.role, component.id) for component in used_components(subject)}
    for component, refusal in find_in_components(subject, _list_refusals):
        is_moved_setting = refusal.rule == UNKNOWN_FIELD and refusal.fault.path in moved_paths
        if is_moved_setting or _is_added_by_allocator(refusal, component, subject):
            continue
        is_unused = refusal.needs_use and (component.section, trim_id(component.id)) not in in_use
        doubt = "no pipeline uses it yet" if is_unused else ""
        yield RuleFault(refusal.rule, hedge_fault(refusal.fault, doubt))


def _is_added_by_allocator(refusal: _Refusal, component: ConfiguredComponent, subject: Subject) -> bool:
    """Whether a missing setting is one that the operator adds, but only to the receiver with exactly this name."""
    if refusal.rule != MISSING_FIELD or component.config_path != _ALLOCATED_RECEIVER:
        return False
    return bool(subject.deployment and subject.deployment.has_target_allocator)


def _list_refusals(build: Build, component: ConfiguredComponent) -> Iterator[_Refusal]:
    """Yield what the decoder refuses in the settings of a component.

    Rows of constraints.json may have `fields` too, for settings that the decoder does not show, such as scrape configs.
    """
    row = build.find_fields(component.section, component.type)
    known_type = build.find_component(component.section, component.type)
    if row and (known_type or component.config_path == TELEMETRY):
        yield from _find_refused_in_component(build, row, component.settings, component.config_path)
    if known_type is None:
        return
    constraint_rows = build.find_constraints(component.section, known_type.type, _select_rows_with_fields)
    conditional_row: _ConditionalRow
    for conditional_row, path, settings in constraint_rows.find_places(component.settings, component.config_path):
        if has_required_values(conditional_row.conditions, settings):
            fields_row = conditional_row.row
            doubt = explain_doubt(fields_row, build, component.section, component.id)
            for rule, fault in walk_fields(build.catalogue.shared_fields, fields_row["fields"], settings, path):
                yield _Refusal(rule, hedge_fault(fault, doubt))


def _find_refused_in_component(build: Build, row: Row, settings: Any, path: Path) -> Iterator[_Refusal]:
    """Yield what does not fit the fields of a component."""
    doubt = row.get("doubt", "")
    for rule, fault in _find_unfit_settings(build, row, settings, path):
        # The row names rules as its table does: `missing_field`.
        needs_use = not doubt and rule.replace("-", "_") in row.get("when_used", ())
        placed_fault = _name_right_path(fault, row, path) if rule == UNKNOWN_FIELD else fault
        # A key that is nearly a known one is misspelt, and no new setting of the release right before or after.
        is_certain = fault.severity == SLIP_SEVERITY and build.is_neighbouring_release(row)
        yield _Refusal(rule, placed_fault if is_certain else hedge_fault(placed_fault, doubt), needs_use)


def _find_unfit_settings(build: Build, row: Row, settings: Any, path: Path) -> Iterator[RuleFault]:
    """Yield what does not fit, then what is missing, which rule memory-limiter-settings says of memory_limiter."""
    yield from walk_fields(build.catalogue.shared_fields, row["fields"], settings, path)
    if (path[0], row["type"]) != _LIMITER:
        yield from _find_missing_settings(row, settings, path)


def _name_right_path(fault: Fault, row: Row, path: Path) -> Fault:
    """Return the fault of an unknown key with its right path, if the component needs a key of this name below another.

    For example, `'grpc' is not a setting here, but below 'protocols'`.
    """
    *parent_keys, key = fault.path
    if tuple(parent_keys) != path:  # the unknown key is deeper in the settings
        return fault
    for alternative_keys in row.get("needs", ()):
        for needed_key in alternative_keys:
            right_key = needed_key.rstrip("?")
            if right_key.endswith(f".{key}"):
                message = f"'{key}' is not a setting here, but below '{right_key.rpartition('.')[0]}'"
                return replace(fault, message=message, fix=f"Write `{right_key}`.")
    return fault


class _ConditionalRow(NamedTuple):
    """A row of constraints.json, and the conditions under which it holds."""

    row: Row
    conditions: tuple[RowCondition, ...]


def _select_rows_with_fields(row: Row) -> KeyedConstraint[_ConditionalRow] | None:
    """Return a row of constraints.json that has fields, as a `ConstraintMaker` of build_facts.py; None for other rows.

    The row counts whichever keys are given.
    """
    return KeyedConstraint(_ConditionalRow(row, read_conditions(row))) if "fields" in row else None


def _find_missing_settings(row: Row, settings: Any, path: Path) -> Iterator[RuleFault]:
    """Yield the settings that a component needs and does not have."""
    if not _shows_given_keys(settings):
        return
    for alternative_keys in row.get("needs", ()):
        if not any(_is_given(settings, needed_key) for needed_key in alternative_keys):
            key_names = [needed_key.rstrip("?") for needed_key in alternative_keys]
            missing_setting = f"'{key_names[0]}'" if len(key_names) == 1 else f"one of {', '.join(key_names)}"
            yield RuleFault(MISSING_FIELD, Fault(path, f"{missing_setting} is missing", f"Add `{key_names[0]}`."))


def _shows_given_keys(settings: Any) -> bool:
    """Whether the settings of a component show which of them are given; `::` in a key may bring any of them."""
    if settings is None:
        return True
    return isinstance(settings, dict) and not any(isinstance(key, str) and "::" in key for key in settings)


def _is_given(settings: Any, needed_key: str) -> bool:
    """Whether a needed key, such as `tls.ca_file`, has a value. With `?` at its end, null or an empty value will do.

    A variable at the key or around it, such as `tls: ${env:TLS}`, may bring the value, so it counts.
    """
    *outer_keys, last_key = needed_key.rstrip("?").split(".")
    for depth in range(len(outer_keys) + 1):
        value = value_at(settings, tuple(outer_keys[:depth]))
        if isinstance(value, str) and EXPANSION_START in value:
            return True
    outer_settings = value_at(settings, tuple(outer_keys))
    if not isinstance(outer_settings, dict) or last_key not in outer_settings:
        return False
    return needed_key.endswith("?") or outer_settings[last_key] not in (None, "", [], {})


# The reason of each rule by its id.
_REASONS = {
    "unknown-field": "Yield keys that a component does not have; the Collector stops with `has invalid keys`.",
    "wrong-type": "Yield values of the wrong type; the Collector does not convert values, not even numbers to text.",
    "invalid-duration": "Yield text that is not a duration, such as a number without a unit.",
    "unknown-value": "Yield values that the setting does not allow.",
    "missing-field": "Yield components that lack a required setting.",
}
RULES = define_shared_rules(_list_faults_of_rule, _REASONS)
