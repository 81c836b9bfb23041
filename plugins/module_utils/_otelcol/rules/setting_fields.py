# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on component settings: keys, types and values that the component's decoder accepts.

Source of each: _data/catalogue/fields.json, which tools/catalogue/fields.go asked of the Collector's decoder (confmap
with mapstructure). Not checked: keys with `::`, text with `${`, types of unknown settings.
If the catalogue lacks the version of a component, the nearest known one answers, with that doubt. Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from ..catalogue.rows import Row
from ..config.config_secrets import is_secret
from ..config.paths import Path, at
from .build_facts import Build
from .configured_components import TELEMETRY, used_components
from .constraints import EXPANDED, MISSING
from .deprecated_settings import movable_settings
from .field_walk import SLIP, UNKNOWN_FIELD, RuleFault, fix_with_quotes, walk_fields
from .remembered_settings import remembered_by_settings
from .row_certainty import doubt_about, hedged_fault
from .row_conditions import Condition, conditions_hold, conditions_of
from .setting_values import setting_faults
from .subject import Fault, Subject, once, shared_rules

# The operator writes its settings where a target allocator finds the targets.
_ALLOCATED = ("receivers", "prometheus")
_LIMITER = ("processors", "memory_limiter")


def _faults_of(subject: Subject, rule_id: str) -> list[Fault]:
    """Return the faults of one of these rules; all of them are found in one walk."""
    return [found.fault for found in _all_faults(subject) if found.rule == rule_id]


@once
def _all_faults(subject: Subject) -> Iterator[RuleFault]:
    """Yield once each what decoders refuse, then what the table of constraints has for the same rules."""
    yield from dict.fromkeys(_spelled_faults(subject))


def _spelled_faults(subject: Subject) -> Iterator[RuleFault]:
    """Yield all faults, with values as their file spells them."""
    for rule, fault in _refused_by_decoders(subject):
        yield RuleFault(rule, _as_spelled(fault, subject))
    for rule in _REASONS:
        for fault in setting_faults(subject, rule):
            yield RuleFault(rule, fault)


def _as_spelled(fault: Fault, subject: Subject) -> Fault:
    """Return a fault whose fix quotes a value as its file has it: `0123` is 83 for YAML, and another tenant's id."""
    if not fault.quotes_value:
        return fault
    spelled = subject.locate(fault.path).spelled()
    if not spelled or is_secret(fault.path, spelled):
        return fault
    return replace(fault, fix=fix_with_quotes(spelled))


class _Refusal(NamedTuple):
    """What a decoder refuses, the rule that says so, and whether it does only where a pipeline uses the component."""

    rule: str
    fault: Fault
    needs_use: bool = False


def _refused_by_decoders(subject: Subject) -> Iterator[RuleFault]:
    """Yield what decoders refuse in the settings of this config, by rule."""
    is_allocated = bool(subject.deployment and subject.deployment.target_allocator)
    # The rules removed-setting and moved-setting know the versions of these.
    moved_paths = {path for path, _move in movable_settings(subject)}
    in_use = {(role, component_id) for _path, _signal, role, component_id in used_components(subject)}
    for component, refusal in _refusals(subject):
        # A target allocator adds what is missing, but only to the receiver with exactly this name.
        is_added = is_allocated and component == _ALLOCATED and refusal.rule == MISSING
        is_moved = refusal.rule == UNKNOWN_FIELD and refusal.fault.path in moved_paths
        if is_added or is_moved:
            continue
        is_idle = refusal.needs_use and component not in in_use
        yield RuleFault(refusal.rule, hedged_fault(refusal.fault, "no pipeline uses it yet" if is_idle else ""))


@remembered_by_settings
def _refusals(build: Build, section: str, component_id: str, kind: str, settings: Any) -> Iterator[_Refusal]:
    """Yield what the decoder refuses. The table of constraints adds settings of Prometheus."""
    row, component, path = build.fields(section, kind), build.find(section, kind), (section, component_id)
    if row and (component or path == TELEMETRY):
        yield from _refused_in_component(build, row, settings, path)
    if component is None:
        return
    rows = build.constraints(section, component.type, _with_fields)
    for (fields_row, when), place, value in rows.find(settings, path):
        if conditions_hold(when, value):
            doubt = doubt_about(fields_row, build, section, component_id)
            for rule, fault in walk_fields(build.catalogue.shared_fields, fields_row["fields"], value, place):
                yield _Refusal(rule, hedged_fault(fault, doubt))


def _refused_in_component(build: Build, row: Row, settings: Any, path: Path) -> Iterator[_Refusal]:
    """Yield what does not fit the fields of a component."""
    doubt = row.get("doubt", "")
    for rule, fault in _unfit_settings(build, row, settings, path):
        needs_use = not doubt and rule.replace("-", "_") in row.get("when_used", ())
        placed = _with_place(fault, row, path) if rule == UNKNOWN_FIELD else fault
        is_certain = fault.severity == SLIP and build.is_near(row)
        yield _Refusal(rule, placed if is_certain else hedged_fault(placed, doubt), needs_use)


def _unfit_settings(build: Build, row: Row, settings: Any, path: Path) -> Iterator[RuleFault]:
    """Yield what does not fit, then what is missing: of memory_limiter, a rule of its own says that."""
    yield from walk_fields(build.catalogue.shared_fields, row["fields"], settings, path)
    if (path[0], row["type"]) != _LIMITER:
        yield from _missing_settings(row, settings, path)


def _with_place(fault: Fault, row: Row, path: Path) -> Fault:
    """Return a fault of an unknown key that names its place, if the component needs a key of this name elsewhere."""
    if fault.path[:-1] != path:
        return fault
    key = fault.path[-1]
    for alternatives in row.get("needs", ()):
        for text in alternatives:
            place = text.rstrip("?")
            if place.endswith(f".{key}"):
                why = f"'{key}' is not a setting here, but below '{place.rpartition('.')[0]}'"
                return replace(fault, message=why, fix=f"Write `{place}`.")
    return fault


def _with_fields(row: Row) -> tuple[tuple[Row, tuple[Condition, ...]], str] | None:
    """Return a row of constraints that has fields, with its conditions; no key must be given for it to hold."""
    return ((row, conditions_of(row)), "") if "fields" in row else None


def _missing_settings(row: Row, settings: Any, path: Path) -> Iterator[RuleFault]:
    """Yield the settings that a component needs and does not have; `::` in a key may bring any of them."""
    if not isinstance(settings, dict) and settings is not None:
        return
    if any(isinstance(key, str) and "::" in key for key in settings or ()):
        return
    for alternatives in row.get("needs", ()):
        if not any(_is_given(settings, text) for text in alternatives):
            names = [text.rstrip("?") for text in alternatives]
            what = f"'{names[0]}'" if len(names) == 1 else f"one of {', '.join(names)}"
            yield RuleFault(MISSING, Fault(path, f"{what} is missing", f"Add `{names[0]}`."))


def _is_given(settings: Any, text: str) -> bool:
    """Whether something stands at a path; with `?`, a key without a value will do. Text to expand may be anything."""
    *around, last = text.rstrip("?").split(".")
    for end in range(len(around) + 1):
        value = at(settings, tuple(around[:end]))
        if isinstance(value, str) and EXPANDED in value:
            return True
    outer = at(settings, tuple(around))
    if not isinstance(outer, dict) or last not in outer:
        return False
    return text.endswith("?") or outer[last] not in (None, "", [], {})


_REASONS = {
    "unknown-field": "Yield keys that a component does not have; the Collector stops with `has invalid keys`.",
    "wrong-type": "Yield values of the wrong type; the Collector does not convert values, not even numbers to text.",
    "invalid-duration": "Yield text that is not a duration, such as a number without a unit.",
    "unknown-value": "Yield values that the setting does not allow.",
    "missing-field": "Yield components that lack a required setting.",
}
RULES = shared_rules(_faults_of, _REASONS)
