# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the types of components: what the build has, under which name, and for which signals.

Source of each: the Collector's otelcol/internal/configunmarshaler (`unknown type`) and service/internal/graph
(`telemetry type is not supported`), with the catalogue for what a build consists of. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..catalogue.component_types import Component
from ..config.paths import Path
from .build_facts import build_of
from .configured_components import component_type, configured_components, used_components
from .subject import Fault, Subject, once, rules, shared_rules
from .type_refusals import type_refusal

_SIGNALS = ("traces", "metrics", "logs", "profiles")


def _refused_types(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the types that the build refuses for the reason of one rule."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    for component in configured_components(subject):
        refusal = type_refusal(build, component.section, component.kind)
        if refusal and refusal.rule == rule_id:
            yield Fault(component.path, refusal.message, refusal.fix, severity=refusal.severity)


@dataclass(frozen=True)
class RenamedComponent:
    """A component under its older name: where it stands, both names of its type, and the version of the newer one."""

    path: Path
    older: str
    newer: str
    since: str


def older_name(subject: Subject) -> Iterator[Fault]:
    """Yield the first older name of a component that the build still accepts, with all others of the config.

    The Collector logs a line about each of them at start.
    """
    renamed = _once_each(_renamed_components(subject))
    if not renamed:
        return
    first, *others = renamed
    since = f" since {first.since}" if first.since else ""
    more = "".join(f"; '{other.older}' is '{other.newer}'" for other in others)
    fix = f"Write `{first.newer}`."
    if others:
        fix = "Write the newer names; module pipeline_migrate does it."
    yield Fault(first.path, f"'{first.older}' is called '{first.newer}'{since}{more}", fix)


def _renamed_components(subject: Subject) -> Iterator[RenamedComponent]:
    """Yield the components of a config under older names that the build accepts."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    for component in configured_components(subject):
        known = build.find(component.section, component.kind)
        if known and known.renamed:
            rename = build.catalogue.rename(component.section, component.kind)
            since = rename.since if rename else ""
            yield RenamedComponent(component.path, component.kind, known.renamed, since)


def _once_each(components: Iterable[RenamedComponent]) -> list[RenamedComponent]:
    """Return the first component of each type."""
    first_ones: dict[tuple[str, str], RenamedComponent] = {}
    for component in components:
        first_ones.setdefault((str(component.path[0]), component.older), component)
    return list(first_ones.values())


class KnownUse(NamedTuple):
    """A component of a known type in a pipeline: its role and signal there, and why its signals may be others."""

    path: Path
    role: str
    signal: str
    component: Component
    doubt: str


def unsupported_signal(subject: Subject) -> Iterator[Fault]:
    """Yield components in pipelines of a signal that they do not support; the Collector does not start."""
    for use in _known_uses(subject):
        signals = use.component.signals
        if signals is None or use.signal in signals:
            continue
        note = f" ({use.doubt})" if use.doubt else ""
        message = f"{use.role} of type '{use.component.name}' do not take {use.signal}{note}"
        known = ", ".join(sorted(signals))
        fix = f"It takes {known}." if known else "It takes no signal."
        yield Fault(use.path, message, fix, severity="warning" if use.doubt else "")


def unstable_signal(subject: Subject) -> Iterator[Fault]:
    """Yield components whose support of a pipeline's signal is in development or alpha; settings may change."""
    for use in _known_uses(subject):
        level = (use.component.stability or {}).get(use.signal)
        if level in ("development", "alpha"):
            message = f"'{use.component.name}' is {level} for {use.signal}"
            yield Fault(use.path, message, "Expect changes with every version.")


@once
def _known_uses(subject: Subject) -> Iterator[KnownUse]:
    """Yield the components in pipelines whose types the build knows, without connectors."""
    if subject.target is None:
        return
    build = build_of(subject.target)
    for listed in used_components(subject):
        known = build.find(listed.role, component_type(listed.id))
        if known and listed.signal in _SIGNALS:
            doubt = build.doubt_of_signals(known)
            yield KnownUse(listed.path, listed.role, listed.signal, known, doubt)


_REASONS = {
    "unknown-component": "Yield types that the build does not have; the Collector stops with `unknown type`.",
    "wrong-class": "Yield types in the wrong section: no build has them there, but in another section.",
    "newer-name": "Yield names that a later version introduced; this version knows only the older name.",
    "removed-component": "Yield types, or older names of types, that the version no longer has.",
}
RULES = (
    *shared_rules(_refused_types, _REASONS),
    *rules("info", older_name),
    *rules("error", unsupported_signal, shared=True),
    *rules("info", unstable_signal),
)
