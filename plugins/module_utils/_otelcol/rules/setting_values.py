# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what components check of their own settings, beyond keys and types.

Source: Validate of each component, in _data/catalogue/constraints.json. Outside the versions of a row, a violation is a
warning. Private.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from ..catalogue.rows import Row
from ..config.paths import at, items, section
from .build_facts import Build, build_of
from .configured_components import TELEMETRY, configured_components, listed_components
from .constraint_rows import Constraint, constraint
from .constraints import CONFLICT, EXPANDED, GATE, IGNORED, RANGE, REFERENCE, REGEX, Found
from .remembered_settings import remembered_by_settings
from .row_certainty import doubt_about, exact, hedged_fault
from .row_conditions import conditions_hold
from .subject import Fault, Subject, rules, shared_rules

_KEPT = "_constraints"
_POLICY = "sampling-policy"
_AT_START = "refused-at-start"
# The signals whose pipelines need a feature gate.
_GATED = {"profiles": "service.profilesSupport"}


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


def setting_faults(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the faults of a rule; those of all rules are found once, and kept with the subject."""
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


class _Violation(NamedTuple):
    """A row that settings violate, the rule that says so, and the fault."""

    row: Row
    rule: str
    fault: Fault


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


def _is_about(found: Constraint, settings: Any) -> bool:
    """Whether settings have what a row looks at, and the values that it is about."""
    if found.keys and (not isinstance(settings, dict) or found.keys.isdisjoint(settings)):
        return False
    return not found.when or conditions_hold(found.when, settings)


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


def _signals_of_started(subject: Subject) -> dict[str, set[str]]:
    """Return the signals of each started component, by id; those of an extension are none."""
    signals: dict[str, set[str]] = {}
    for _path, signal, _role, component_id in listed_components(subject):
        signals.setdefault(component_id, set()).add(signal)
    for extension in items(subject.config, "service", "extensions"):
        if isinstance(extension, str):
            signals[extension] = set()
    return signals


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


def _names_extension(row: Row, fault: Fault, subject: Subject) -> bool:
    """Whether a value that is no word of a row is the id of an extension, where the row takes these too."""
    if not row.get("extensible"):
        return False
    value = at(subject.config, fault.path)
    return isinstance(value, str) and value in section(subject.config, "extensions")


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
