# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what a collector is given where it runs: environment and permissions.

Sources: confmap/provider/envprovider of the Collector, and the "RBAC" sections of the components. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..config.paths import Path, items
from ..errors import near
from ..needs.components.table import component
from ..needs.derive import variables
from .finding import Fault, rule
from .subject import Subject
from .view import view

_RBAC = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
_LISTS = ("apiGroups", "resources", "verbs")
Granted = set[tuple[str, str, str]]


def missing_variable(subject: Subject) -> Iterator[Fault]:
    """Yield variables that the config reads and nobody gives; the Collector would take them for empty text."""
    if subject.environment is None:
        return
    for variable in variables(subject.config):
        if not variable.optional and variable.name not in subject.environment:
            yield Fault(
                variable.path,
                f"variable {variable.name} is read here, but not given{near(variable.name, subject.environment)}",
                f"Add it to `env`, or give it a default: ${{env:{variable.name}:-VALUE}}.",
            )


def missing_permission(subject: Subject) -> Iterator[Fault]:
    """Yield components that read what the collector's ServiceAccount may not."""
    if not subject.deployment or subject.deployment.granted is None:
        return
    granted = {one for item in subject.deployment.granted for one in _permissions(item)}
    for part in view(subject).parts:
        row = component(part.section, part.id.split("/", 1)[0])
        needed = [one for item in (row.rules(part.settings) if row else ()) for one in _permissions(item)]
        missing = [one for one in needed if not _allows(granted, one)]
        if missing:
            yield _refused(part.path, part.id, missing)


def _refused(path: Path, component_id: str, missing: list[tuple[str, str, str]]) -> Fault:
    group, resource, verb = missing[0]
    more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
    where = f" in API group '{group}'" if group else ""
    return Fault(
        path,
        f"'{component_id}' needs to {verb} {resource}{where}{more}, which the ServiceAccount may not",
        f"Add to its ClusterRole: `{{apiGroups: ['{group}'], resources: [{resource}], verbs: [{verb}]}}`.",
    )


def _permissions(item: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what one RBAC rule grants, each alone; one that is only for named objects grants less than we ask."""
    groups, resources, verbs = (items(item, key) for key in _LISTS)
    if not items(item, "resourceNames"):
        yield from ((str(group), str(one), str(verb)) for group in groups for one in resources for verb in verbs)


def _allows(granted: Granted, wanted: tuple[str, str, str]) -> bool:
    group, resource, verb = wanted
    names = (resource, "*", f"*/{resource.partition('/')[2]}" if "/" in resource else "*")
    return any((g, name, v) in granted for g in (group, "*") for name in names for v in (verb, "*"))


RULES = (
    rule("error", missing_variable),
    rule("info", missing_permission, documentation=_RBAC),
)
