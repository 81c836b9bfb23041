# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the types of components: what the build has, under which name, and for which signals.

Source of each: the Collector's otelcol/internal/configunmarshaler (`unknown type`) and service/internal/graph
(`telemetry type is not supported`), with the catalogue for what a build consists of. Private.

The rules are in `RULES` at the end, those of `_REASONS` by their ids, others by their functions: see
rule_definitions.py. For example:

    processors.bacth: error [unknown-component] contrib 0.158.0 has no processor 'bacth'; did you mean 'batch'?
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..catalogue.component_types import ComponentType
from ..config.paths import PIPELINE_SIGNALS, Path
from .build_facts import build_of
from .configured_components import component_type, configured_components, used_components
from .rule_definitions import SEVERITY_OF_RULE, Fault, define_rules, define_shared_rules
from .subject import Subject, once_per_subject
from .type_refusals import find_type_refusal


def _find_refused_types(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the types that the build refuses, if it is the rule of this id that reports them (type_refusals.py)."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    for component in configured_components(subject):
        refusal = find_type_refusal(build, component.section, component.type)
        if refusal and refusal.rule == rule_id:
            yield Fault(component.config_path, refusal.message, refusal.fix, severity=refusal.severity)


@dataclass(frozen=True)
class RenamedComponent:
    """A component under its older name: where it stands, both names of its type, and the version of the newer one."""

    path: Path
    older_name: str
    newer_name: str
    since_version: str


def older_name(subject: Subject) -> Iterator[Fault]:
    """Yield the first older name of a component that the build still accepts, with all others of the config.

    The Collector logs a line about each of them at start.
    """
    # One finding for all of them, since an older name is no mistake yet.
    renamed_components = _keep_first_of_each_type(_find_renamed_components(subject))
    if not renamed_components:
        return
    first_component, *other_components = renamed_components
    since = f" since {first_component.since_version}" if first_component.since_version else ""
    other_names = "".join(
        f"; '{other_component.older_name}' is '{other_component.newer_name}'" for other_component in other_components
    )
    fix = f"Write `{first_component.newer_name}`."
    if other_components:
        fix = "Write the newer names; module pipeline_migrate does it."
    yield Fault(
        first_component.path,
        f"'{first_component.older_name}' is called '{first_component.newer_name}'{since}{other_names}",
        fix,
    )


def _find_renamed_components(subject: Subject) -> Iterator[RenamedComponent]:
    """Yield the components of a config under older names that the build accepts."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    for component in configured_components(subject):
        known_type = build.find_component(component.section, component.type)
        if known_type and known_type.newer_name:
            rename = build.catalogue.find_rename(component.section, component.type)
            since = rename.since_version if rename else ""
            yield RenamedComponent(component.config_path, component.type, known_type.newer_name, since)


def _keep_first_of_each_type(components: Iterable[RenamedComponent]) -> list[RenamedComponent]:
    """Return the first component of each type."""
    first_by_type: dict[tuple[str, str], RenamedComponent] = {}
    for component in components:
        first_by_type.setdefault((str(component.path[0]), component.older_name), component)
    return list(first_by_type.values())


class KnownUse(NamedTuple):
    """A component of a known type in a pipeline: its role and signal there, and why its signals may be others."""

    path: Path
    role: str
    signal: str
    component: ComponentType
    signal_doubt: str


def unsupported_signal(subject: Subject) -> Iterator[Fault]:
    """Yield components in pipelines of a signal that they do not support; the Collector does not start."""
    for use in _find_known_uses(subject):
        signals = use.component.signals
        if signals is None or use.signal in signals:
            continue
        note = f" ({use.signal_doubt})" if use.signal_doubt else ""
        message = f"{use.role} of type '{use.component.name}' do not take {use.signal}{note}"
        known_signals = ", ".join(sorted(signals))
        fix = f"It takes {known_signals}." if known_signals else "It takes no signal."
        yield Fault(use.path, message, fix, severity="warning" if use.signal_doubt else SEVERITY_OF_RULE)


def unstable_signal(subject: Subject) -> Iterator[Fault]:
    """Yield components whose support of a pipeline's signal is in development or alpha; settings may change."""
    for use in _find_known_uses(subject):
        level = (use.component.stability or {}).get(use.signal)
        if level in ("development", "alpha"):
            message = f"'{use.component.name}' is {level} for {use.signal}"
            yield Fault(use.path, message, "Expect changes with every version.")


@once_per_subject
def _find_known_uses(subject: Subject) -> Iterator[KnownUse]:
    """Yield the components in pipelines whose types the build knows, without connectors."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    for listed_component in used_components(subject):
        known_type = build.find_component(listed_component.role, component_type(listed_component.id))
        if known_type and listed_component.signal in PIPELINE_SIGNALS:
            doubt = build.explain_signal_doubt(known_type)
            yield KnownUse(listed_component.path, listed_component.role, listed_component.signal, known_type, doubt)


_REASONS = {
    "unknown-component": "Yield types that the build does not have; the Collector stops with `unknown type`.",
    "wrong-class": "Yield types in the wrong section: no build has them there, but in another section.",
    "newer-name": "Yield names that a later version introduced; this version knows only the older name.",
    "removed-component": "Yield types, or older names of types, that the version no longer has.",
}
RULES = (
    *define_shared_rules(_find_refused_types, _REASONS),
    *define_rules("info", older_name),
    *define_rules("error", unsupported_signal, shared=True),
    *define_rules("info", unstable_signal),
)
