# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on references: ids that pipelines, the service and components name.

Source of each: the Collector's otelcol/config.go, service/pipelines/config.go and service/extensions. Private.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..catalogue.reference_keys import Reference
from ..config.paths import ROLES, SECTIONS, Path, at, leaves, section
from ..errors import near
from ..traits import EXPORTERS, is_for_trials
from .components import configured_components, listed_components, remembered_by_settings
from .structure import is_expression, trimmed_id
from .subject import Fault, Subject, about, rules
from .view import Build

# Ends of paths that name an extension, used if the build is unknown.
EXTENSION_KEYS: list[Path] = [("auth", "authenticator"), ("sending_queue", "storage")]


# A pipeline without exporters is rarely one too many: what it receives has nowhere to go.
_ADD = {
    "receivers": "Add a recipe that receives {0}, such as otlp_ingest, or list a receiver here.",
    "exporters": "Add a recipe that exports {0}, such as otlp_forward, or list an exporter here. For a collector to "
    "take no {0}, leave `{0}` out of `signals` of the recipe that receives.",
}


def no_pipelines(subject: Subject) -> Iterator[Fault]:
    """Yield configs without pipelines, and pipelines without receivers or exporters."""
    pipelines = section(subject.config, "service", "pipelines")
    if isinstance(subject.config, dict) and not pipelines and not _hidden(subject, ("service", "pipelines")):
        yield Fault(("service", "pipelines"), "there is no pipeline", "Add `service.pipelines` with at least one.")
    for name, pipeline in pipelines.items():
        for role in ("receivers", "exporters"):
            if not is_expression(pipeline) and not at(pipeline, (role,)):
                fix = _ADD[role].format(str(name).partition("/")[0])
                yield Fault(("service", "pipelines", name), f"pipeline '{name}' has no {role}", fix)


def no_components(subject: Subject) -> Iterator[Fault]:
    """Yield a config without any receiver or exporter; a connector can be either."""
    for role in ("receivers", "exporters"):
        if isinstance(subject.config, dict) and not any(
            section(subject.config, name) or _hidden(subject, (name,)) for name in ROLES[role]
        ):
            yield Fault((role,), f"no {role} are configured", f"Add a section `{role}`.")


def undefined_reference(subject: Subject) -> Iterator[Fault]:
    """Yield ids in pipelines and `service.extensions` that are not configured."""
    roles = {**ROLES, "extensions": ("extensions",)}
    known = {
        role: {trimmed_id(name) for part in parts for name in section(subject.config, part)}
        for role, parts in roles.items()
    }
    words: dict[str, list[Any]] = {}
    for path, component_id in references(subject.config):
        role = str(path[-2])
        if trimmed_id(component_id) in known[role] or is_expression(component_id):
            continue
        if role not in words:
            words[role] = sorted(known[role], key=str)
        if not any(_hidden(subject, (part,)) for part in roles[role]):
            message = f"'{component_id}' is not configured{near(component_id, words[role])}"
            yield Fault(path, message, _how(component_id, role, subject))


def duplicate_processor(subject: Subject) -> Iterator[Fault]:
    """Yield processors that a pipeline lists twice; the Collector rejects them."""
    for name, pipeline in section(subject.config, "service", "pipelines").items():
        ids = at(pipeline, ("processors",), [])
        texts = [item for item in ids if isinstance(item, str)] if isinstance(ids, list) else []
        for component_id, count in Counter(texts).items():
            if count > 1:
                last = len(ids) - 1 - ids[::-1].index(component_id)
                path: Path = ("service", "pipelines", name, "processors", last)
                message = f"processor '{component_id}' is listed {count} times in one pipeline"
                yield Fault(path, message, "Keep one of them.")


@about("connectors")
def ambiguous_id(subject: Subject) -> Iterator[Fault]:
    """Yield ids that are both a connector and a receiver or exporter."""
    for role in ("receivers", "exporters"):
        for component_id in section(subject.config, role):
            if component_id in subject.connectors:
                message = f"'{component_id}' is both in {role} and in connectors"
                yield Fault((role, component_id), message, f"Rename one, e.g. `{component_id}/2`.")


def undefined_extension(subject: Subject) -> Iterator[Fault]:
    """Yield components that use an extension that is not configured or not started."""
    known = section(subject.config, "extensions")
    enabled = _started(subject.config)
    for path, extension, lax in extension_uses(subject):
        if extension not in known:
            if not lax:
                message = f"extension '{extension}' is not configured{near(extension, known)}"
                yield Fault(path, message, "Add it below `extensions`, and list it in service.extensions.")
        elif extension not in enabled:
            fix = f"Add '{extension}' to service.extensions."
            yield Fault(path, f"extension '{extension}' is used here but not started", fix)


@about("connectors")
def undefined_pipeline(subject: Subject) -> Iterator[Fault]:
    """Yield pipelines that a connector names but that do not exist or do not receive from it.

    Source: the routers of contrib's routing and failover connectors (`pipeline not found`).
    """
    named = list(_uses(subject, "pipelines"))
    pipelines = section(subject.config, "service", "pipelines")
    ending = {item for path, item in references(subject.config) if path[-2] == "exporters"} if named else ()
    for path, name, _lax in named:
        connector = path[1]
        if connector not in ending:
            continue
        if name not in pipelines:
            yield Fault(path, f"there is no pipeline '{name}'{near(name, pipelines)}", "Add it, or name another one.")
        elif connector not in (at(pipelines, (name, "receivers")) or ()):
            fix = f"Add '{connector}' to service.pipelines.{name}.receivers."
            yield Fault(path, f"pipeline '{name}' does not start from '{connector}'", fix)


def idle_extension(subject: Subject) -> Iterator[Fault]:
    """Yield extensions that are configured but never started."""
    enabled = _started(subject.config)
    for extension in section(subject.config, "extensions"):
        if extension not in enabled:
            fix = f"Add '{extension}' to service.extensions, or remove it."
            yield Fault(("extensions", extension), f"extension '{extension}' is configured but not started", fix)


def _hidden(subject: Subject, path: Path) -> bool:
    """Whether a path or one of its parents holds an expression that the Collector expands."""
    return any(is_expression(at(subject.config, path[:end])) for end in range(len(path) + 1))


def unused_component(subject: Subject) -> Iterator[Fault]:
    """Yield components that no pipeline uses; the Collector never starts them."""
    wanted = {(role, component_id) for _path, _signal, role, component_id in listed_components(subject)}
    wanted |= {("connectors", component_id) for role, component_id in wanted if role != "processors"}
    for name, component_id, kind, _settings in configured_components(subject):
        if name != "extensions" and (name, component_id) not in wanted:
            fix = "Remove it, or list it in a pipeline."
            severity = "info" if name == EXPORTERS and is_for_trials(kind) else ""
            yield Fault((name, component_id), f"no pipeline uses '{component_id}'", fix, severity=severity)


def references(config: Any) -> Iterator[tuple[Path, str]]:
    """Yield every id in pipelines and `service.extensions`, with its path."""
    paths: list[Path] = [("service", "extensions")]
    for name in section(config, "service", "pipelines"):
        paths.extend(("service", "pipelines", name, role) for role in ROLES)
    for path in paths:
        ids = at(config, path)
        for index, component_id in enumerate(ids if isinstance(ids, list) else ()):
            if isinstance(component_id, str):
                yield (*path, index), component_id


def extension_uses(subject: Subject) -> Iterator[tuple[Path, str, bool]]:
    """Yield every extension that a component names, with its path, and whether the name may be a built-in one."""
    yield from _uses(subject, "extensions")


def _uses(subject: Subject, to: str) -> Iterator[tuple[Path, str, bool]]:
    """Yield the references of components, by the catalogue's keys if the build is known, else by the usual keys."""
    if subject.target:
        yield from ((path, value, lax) for _place, (what, path, value, lax) in _named(subject) if what == to)
    elif to == "extensions":
        for name, component_id, _kind, settings in configured_components(subject):
            yield from _found((name, component_id), [], EXTENSION_KEYS, settings)


@remembered_by_settings
def _named(
    build: Build, section: str, component_id: str, kind: str, settings: Any
) -> Iterator[tuple[str, Path, str, bool]]:
    for to in ("extensions", "pipelines") if section == "connectors" else ("extensions",):
        exact, ends = build.references(section, kind, to) if section in SECTIONS else ([], [])
        yield from ((to, *item) for item in _found((section, component_id), exact, ends, settings))


def _found(place: Path, exact: list[Reference], ends: list[Path], settings: Any) -> Iterator[tuple[Path, str, bool]]:
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
        if may_name and any(_ends(path, end) for end in ends):
            named[path] = (value, False)
    for path, (value, is_lax) in named.items():
        if value and not is_expression(value):
            yield (*place, *path), value, is_lax


def _ends(path: Path, end: Path) -> bool:
    """Whether a path ends like this; `*` is any key, but for the last one."""
    tail = path[-len(end) :]
    return len(tail) == len(end) and all(part in ("*", key) for part, key in zip(end, tail, strict=True))


def _started(config: Any) -> set[str]:
    started = at(config, ("service", "extensions"))
    return {item for item in started if isinstance(item, str)} if isinstance(started, list) else set()


def _how(component_id: str, role: str, subject: Subject) -> str:
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
