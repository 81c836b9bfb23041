# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on references: ids that pipelines, the service and components name.

Source of each: the Collector's otelcol/config.go, service/pipelines/config.go and service/extensions. Private.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..catalogue.reference_keys import Reference
from ..config.paths import ROLES, SECTIONS, Path, at, items, leaves, section
from ..errors import near
from ..traits import EXPORTERS, is_for_trials
from .build_facts import Build
from .configured_components import configured_components
from .remembered_settings import remembered_by_settings
from .structure import is_expression, trimmed_id
from .subject import Fault, Subject, about, rules

# Ends of paths that name an extension, used if the build is unknown.
EXTENSION_KEYS: list[Path] = [("auth", "authenticator"), ("sending_queue", "storage")]


_SECTIONS_OF_ROLES = {**ROLES, "extensions": ("extensions",)}


# A pipeline without exporters is rarely one too many: what it receives has nowhere to go.
_ADD = {
    "receivers": "Add a recipe that receives {0}, such as otlp_ingest, or list a receiver here.",
    "exporters": "Add a recipe that exports {0}, such as otlp_forward, or list an exporter here. For a collector to "
    "take no {0}, leave `{0}` out of `signals` of the recipe that receives.",
}


def no_pipelines(subject: Subject) -> Iterator[Fault]:
    """Yield configs without pipelines, and pipelines without receivers or exporters."""
    if not isinstance(subject.config, dict):
        return
    pipelines = section(subject.config, "service", "pipelines")
    if not pipelines and not _is_hidden(subject, ("service", "pipelines")):
        yield Fault(("service", "pipelines"), "there is no pipeline", "Add `service.pipelines` with at least one.")
    for name, pipeline in pipelines.items():
        if not is_expression(pipeline):
            yield from _missing_ends(name, pipeline)


def _missing_ends(name: Any, pipeline: Any) -> Iterator[Fault]:
    """Yield what a pipeline lacks: receivers, exporters or both."""
    signal = str(name).partition("/")[0]
    for role in ("receivers", "exporters"):
        if not at(pipeline, (role,)):
            yield Fault(("service", "pipelines", name), f"pipeline '{name}' has no {role}", _ADD[role].format(signal))


def no_components(subject: Subject) -> Iterator[Fault]:
    """Yield a config without any receiver or exporter; a connector can be either."""
    if not isinstance(subject.config, dict):
        return
    for role in ("receivers", "exporters"):
        if not any(_may_have_components(subject, name) for name in ROLES[role]):
            yield Fault((role,), f"no {role} are configured", f"Add a section `{role}`.")


def _may_have_components(subject: Subject, section_name: str) -> bool:
    """Whether a section has components, or an expression that may bring some."""
    return bool(section(subject.config, section_name)) or _is_hidden(subject, (section_name,))


def undefined_reference(subject: Subject) -> Iterator[Fault]:
    """Yield ids in pipelines and `service.extensions` that are not configured."""
    known = {role: _ids_in(subject.config, sections) for role, sections in _SECTIONS_OF_ROLES.items()}
    suggestions: dict[str, list[Any]] = {}
    for path, component_id in references(subject.config):
        role = str(path[-2])
        if trimmed_id(component_id) in known[role] or is_expression(component_id):
            continue
        if role not in suggestions:
            suggestions[role] = sorted(known[role], key=str)
        if not any(_is_hidden(subject, (name,)) for name in _SECTIONS_OF_ROLES[role]):
            message = f"'{component_id}' is not configured{near(component_id, suggestions[role])}"
            yield Fault(path, message, _how_to_define(component_id, role, subject))


def _ids_in(config: Any, section_names: Iterable[str]) -> set[Any]:
    """Return the ids of all components in these sections, as the Collector reads them."""
    ids: set[Any] = set()
    for name in section_names:
        ids.update(trimmed_id(component_id) for component_id in section(config, name))
    return ids


def duplicate_processor(subject: Subject) -> Iterator[Fault]:
    """Yield processors that a pipeline lists twice; the Collector rejects them."""
    for name, pipeline in section(subject.config, "service", "pipelines").items():
        ids = [trimmed_id(component_id) for component_id in items(pipeline, "processors")]
        texts = [component_id for component_id in ids if isinstance(component_id, str)]
        for component_id, count in Counter(texts).items():
            if count > 1:
                last = len(ids) - 1 - ids[::-1].index(component_id)
                path: Path = ("service", "pipelines", name, "processors", last)
                message = f"processor '{component_id}' is listed {count} times in one pipeline"
                yield Fault(path, message, "Keep one of them.")


@about("connectors")
def ambiguous_id(subject: Subject) -> Iterator[Fault]:
    """Yield ids that are both a connector and a receiver or exporter."""
    connectors = {trimmed_id(connector) for connector in subject.connectors}
    for role in ("receivers", "exporters"):
        for component_id in section(subject.config, role):
            if trimmed_id(component_id) in connectors:
                message = f"'{component_id}' is both in {role} and in connectors"
                yield Fault((role, component_id), message, f"Rename one, e.g. `{component_id}/2`.")


def undefined_extension(subject: Subject) -> Iterator[Fault]:
    """Yield components that use an extension that is not configured or not started."""
    configured = section(subject.config, "extensions")
    known = {trimmed_id(extension) for extension in configured}
    more_are_hidden = _is_hidden(subject, ("extensions",))
    started = _listed_at(subject, ("service", "extensions"))
    for path, extension, may_be_built_in in extension_uses(subject):
        is_configured = trimmed_id(extension) in known
        if is_configured or (more_are_hidden and not may_be_built_in):
            if not started.may_have(extension):
                fix = f"Add '{extension}' to service.extensions."
                yield Fault(path, f"extension '{extension}' is used here but not started", fix)
        elif not may_be_built_in:
            message = f"extension '{extension}' is not configured{near(extension, configured)}"
            yield Fault(path, message, "Add it below `extensions`, and list it in service.extensions.")


@about("connectors")
def undefined_pipeline(subject: Subject) -> Iterator[Fault]:
    """Yield pipelines that a connector names but that do not exist or do not receive from it.

    Source: the routers of contrib's routing and failover connectors (`pipeline not found`).
    """
    uses = list(_uses(subject, "pipelines"))
    if not uses:
        return
    keys = {trimmed_id(key): key for key in section(subject.config, "service", "pipelines")}
    used_as_exporter = {trimmed_id(one) for path, one in references(subject.config) if path[-2] == "exporters"}
    for path, name, _may_be_built_in in uses:
        connector = path[1]
        if trimmed_id(connector) not in used_as_exporter:
            continue
        key = keys.get(trimmed_id(name))
        if key is None:
            yield Fault(path, f"there is no pipeline '{name}'{near(name, keys)}", "Add it, or name another one.")
        elif not _listed_at(subject, ("service", "pipelines", key, "receivers")).may_have(connector):
            fix = f"Add '{connector}' to service.pipelines.{key}.receivers."
            yield Fault(path, f"pipeline '{name}' does not start from '{connector}'", fix)


def idle_extension(subject: Subject) -> Iterator[Fault]:
    """Yield extensions that are configured but never started."""
    started = _listed_at(subject, ("service", "extensions"))
    for extension in section(subject.config, "extensions"):
        if not started.may_have(extension):
            fix = f"Add '{extension}' to service.extensions, or remove it."
            yield Fault(("extensions", extension), f"extension '{extension}' is configured but not started", fix)


class _ListedIds(NamedTuple):
    """The ids in a list, as the Collector reads them, and whether an expression may bring others."""

    ids: set[str]
    more_are_hidden: bool

    def may_have(self, component_id: Any) -> bool:
        """Whether a component may be in the list when the Collector has expanded it."""
        return self.more_are_hidden or trimmed_id(component_id) in self.ids


def _listed_at(subject: Subject, path: Path) -> _ListedIds:
    """Return the ids in the list at a path of the config; none if it is no list."""
    listed = at(subject.config, path)
    texts = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    more_are_hidden = _is_hidden(subject, path) or any(is_expression(text) for text in texts)
    return _ListedIds({trimmed_id(text) for text in texts}, more_are_hidden)


def _is_hidden(subject: Subject, path: Path) -> bool:
    """Whether a path or one of its parents holds an expression that the Collector expands."""
    return any(is_expression(at(subject.config, path[:end])) for end in range(len(path) + 1))


def unused_component(subject: Subject) -> Iterator[Fault]:
    """Yield components that no pipeline uses; the Collector never starts them."""
    used = {role: _listed_in_pipelines(subject, role) for role in ROLES}
    for name, component_id, kind, _settings in configured_components(subject):
        roles = [role for role, sections in ROLES.items() if name in sections]
        if name == "extensions" or any(used[role].may_have(component_id) for role in roles):
            continue
        is_kept_for_trials = name == EXPORTERS and is_for_trials(kind)
        severity = "info" if is_kept_for_trials else ""
        fix = "Remove it, or list it in a pipeline."
        yield Fault((name, component_id), f"no pipeline uses '{component_id}'", fix, severity=severity)


def _listed_in_pipelines(subject: Subject, role: str) -> _ListedIds:
    """Return the ids that all pipelines list for a role."""
    ids: set[str] = set()
    more_are_hidden = _is_hidden(subject, ("service", "pipelines"))
    for name in section(subject.config, "service", "pipelines"):
        listed = _listed_at(subject, ("service", "pipelines", name, role))
        ids |= listed.ids
        more_are_hidden = more_are_hidden or listed.more_are_hidden
    return _ListedIds(ids, more_are_hidden)


def references(config: Any) -> Iterator[tuple[Path, str]]:
    """Yield every id in pipelines and `service.extensions`, with its path."""
    paths: list[Path] = [("service", "extensions")]
    for name in section(config, "service", "pipelines"):
        paths.extend(("service", "pipelines", name, role) for role in ROLES)
    for path in paths:
        ids = at(config, path)
        if not isinstance(ids, list):
            continue
        for index, component_id in enumerate(ids):
            if isinstance(component_id, str):
                yield (*path, index), component_id


class Use(NamedTuple):
    """Where a component names an extension or a pipeline, the name, and whether it may be that of a built-in one."""

    path: Path
    name: str
    may_be_built_in: bool


def extension_uses(subject: Subject) -> Iterator[Use]:
    """Yield every extension that a component names."""
    yield from _uses(subject, "extensions")


def _uses(subject: Subject, to: str) -> Iterator[Use]:
    """Yield the references of components, by the catalogue's keys if the build is known, else by the usual keys."""
    if subject.target:
        for _place, (named_section, use) in _uses_by_catalogue(subject):
            if named_section == to:
                yield use
    elif to == "extensions":
        for name, component_id, _kind, settings in configured_components(subject):
            yield from _uses_in_settings((name, component_id), [], EXTENSION_KEYS, settings)


@remembered_by_settings
def _uses_by_catalogue(
    build: Build, section: str, component_id: str, kind: str, settings: Any
) -> Iterator[tuple[str, Use]]:
    """Yield what settings name, with what it is: extensions, or pipelines of a connector."""
    if section not in SECTIONS:
        return
    named_sections = ("extensions", "pipelines") if section == "connectors" else ("extensions",)
    for named_section in named_sections:
        exact, ends = build.references(section, kind, named_section)
        for use in _uses_in_settings((section, component_id), exact, ends, settings):
            yield named_section, use


def _uses_in_settings(place: Path, exact: list[Reference], ends: list[Path], settings: Any) -> Iterator[Use]:
    """Yield the texts that name something, at known paths or at the ends of paths at any depth."""
    if not isinstance(settings, dict):
        return
    named: dict[Path, tuple[str, bool]] = {}
    for row in exact:
        for path, value in row.find(settings):
            named[path] = (value, row.lax)
    last_keys = {end[-1] for end in ends}
    for path, value in leaves(settings):
        may_name = path[-1] in last_keys and isinstance(value, str)
        if may_name and any(_ends_like(path, end) for end in ends):
            named[path] = (value, False)
    for path, (value, is_lax) in named.items():
        if value and not is_expression(value):
            yield Use((*place, *path), value, is_lax)


def _ends_like(path: Path, end: Path) -> bool:
    """Whether a path ends like this; `*` is any key, but for the last one."""
    tail = path[-len(end) :]
    if len(tail) != len(end):
        return False
    return all(part in ("*", key) for part, key in zip(end, tail, strict=True))


def _how_to_define(component_id: str, role: str, subject: Subject) -> str:
    """Return what to do about an id that is not configured for its role."""
    elsewhere = [name for name in SECTIONS if name != role and component_id in section(subject.config, name)]
    if elsewhere:
        return f"It is configured in `{elsewhere[0]}` and cannot be used here."
    return f"Add it to `{role}`, or remove it here."


RULES = (
    *rules("error", no_components, no_pipelines, undefined_reference, shared=True),
    *rules("error", undefined_extension),
    *rules("error", undefined_pipeline, duplicate_processor, ambiguous_id, shared=True),
    *rules("warning", idle_extension, unused_component),
)
