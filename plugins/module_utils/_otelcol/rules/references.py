# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on references: ids that pipelines, the service and components name.

Source of each: the Collector's otelcol/config.go, service/pipelines/config.go and service/extensions. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    service.extensions[0]: error [undefined-reference] 'health_check' is not configured. Add it to `extensions`, or
    remove it here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..catalogue.reference_keys import ReferenceKey
from ..config.paths import ROLES, SECTIONS, Path, iter_leaves, list_at, mapping_at, value_at
from ..errors import suggest_word
from ..traits import EXPORTERS, is_for_trials
from .build_facts import Build
from .configured_components import ConfiguredComponent, configured_components
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .settings_cache import cached_by_settings
from .structure import is_expression, trim_id
from .subject import Subject

# The ends of paths that name an extension, used if the build is unknown.
EXTENSION_KEYS: list[Path] = [("auth", "authenticator"), ("sending_queue", "storage")]
# The sections whose components a list of ids may name: those of a role in a pipeline, or those of `service.extensions`.
_SECTIONS_OF_ROLES = {**ROLES, "extensions": ("extensions",)}
# The fix for a pipeline that lacks one end; `{0}` is its signal.
_FIXES_OF_MISSING_ENDS = {
    "receivers": "Add a recipe that receives {0}, such as otlp_ingest, or list a receiver here.",
    "exporters": "Add a recipe that exports {0}, such as otlp_forward, or list an exporter here. For a collector to "
    "take no {0}, leave `{0}` out of `signals` of the recipe that receives.",
}


def no_pipelines(subject: Subject) -> Iterator[Fault]:
    """Yield configs without pipelines, and pipelines without receivers or exporters."""
    if not isinstance(subject.config, dict):
        return
    pipelines = mapping_at(subject.config, "service", "pipelines")
    if not pipelines and not _may_hide_more(subject, ("service", "pipelines")):
        yield Fault(("service", "pipelines"), "there is no pipeline", "Add `service.pipelines` with at least one.")
    for name, pipeline in pipelines.items():
        if not is_expression(pipeline):
            yield from _find_missing_ends(name, pipeline)


def _find_missing_ends(name: Any, pipeline: Any) -> Iterator[Fault]:
    """Yield what a pipeline lacks: receivers, exporters or both."""
    signal = str(name).partition("/")[0]
    for role in ("receivers", "exporters"):
        if not value_at(pipeline, (role,)):
            yield Fault(
                ("service", "pipelines", name),
                f"pipeline '{name}' has no {role}",
                _FIXES_OF_MISSING_ENDS[role].format(signal),
            )


def no_components(subject: Subject) -> Iterator[Fault]:
    """Yield a config without any receiver or exporter; a connector can be either."""
    if not isinstance(subject.config, dict):
        return
    for role in ("receivers", "exporters"):
        if not any(_may_have_components(subject, name) for name in ROLES[role]):
            yield Fault((role,), f"no {role} are configured", f"Add a section `{role}`.")


def _may_have_components(subject: Subject, section_name: str) -> bool:
    """Whether a section has components, or an expression that may bring some."""
    return bool(mapping_at(subject.config, section_name)) or _may_hide_more(subject, (section_name,))


def undefined_reference(subject: Subject) -> Iterator[Fault]:
    """Yield ids in pipelines and `service.extensions` that are not configured."""
    known_ids = {role: _list_ids_in_sections(subject.config, sections) for role, sections in _SECTIONS_OF_ROLES.items()}
    suggestions: dict[str, list[Any]] = {}
    for path, component_id in list_references(subject.config):
        role = str(path[-2])  # `receivers` of `service.pipelines.traces.receivers[0]`, or `extensions`
        if trim_id(component_id) in known_ids[role] or is_expression(component_id):
            continue
        if role not in suggestions:
            suggestions[role] = sorted(known_ids[role], key=str)
        if not any(_may_hide_more(subject, (name,)) for name in _SECTIONS_OF_ROLES[role]):
            message = f"'{component_id}' is not configured{suggest_word(component_id, suggestions[role])}"
            yield Fault(path, message, _suggest_definition(component_id, role, subject))


def _list_ids_in_sections(config: Any, section_names: Iterable[str]) -> set[Any]:
    """Return the ids of all components in these sections, as the Collector reads them."""
    ids: set[Any] = set()
    for section_name in section_names:
        ids.update(trim_id(component_id) for component_id in mapping_at(config, section_name))
    return ids


def duplicate_processor(subject: Subject) -> Iterator[Fault]:
    """Yield processors that a pipeline lists twice; the Collector rejects them."""
    for name, pipeline in mapping_at(subject.config, "service", "pipelines").items():
        trimmed_ids = [trim_id(component_id) for component_id in list_at(pipeline, "processors")]
        text_ids = [component_id for component_id in trimmed_ids if isinstance(component_id, str)]
        for component_id, count in Counter(text_ids).items():
            if count > 1:
                last_index = max(index for index, listed_id in enumerate(trimmed_ids) if listed_id == component_id)
                path: Path = ("service", "pipelines", name, "processors", last_index)
                message = f"processor '{component_id}' is listed {count} times in one pipeline"
                yield Fault(path, message, "Keep one of them.")


@about("connectors")
def ambiguous_id(subject: Subject) -> Iterator[Fault]:
    """Yield ids that are both a connector and a receiver or exporter."""
    connectors = {trim_id(connector) for connector in subject.connectors}
    for role in ("receivers", "exporters"):
        for component_id in mapping_at(subject.config, role):
            if trim_id(component_id) in connectors:
                message = f"'{component_id}' is both in {role} and in connectors"
                yield Fault((role, component_id), message, f"Rename one, e.g. `{component_id}/2`.")


def undefined_extension(subject: Subject) -> Iterator[Fault]:
    """Yield components that use an extension that is not configured or not started."""
    configured_extensions = mapping_at(subject.config, "extensions")
    known_ids = {trim_id(extension) for extension in configured_extensions}
    more_are_hidden = _may_hide_more(subject, ("extensions",))
    started_ids = _read_listed_ids(subject, ("service", "extensions"))
    for path, extension, may_be_built_in in list_extension_uses(subject):
        is_configured = trim_id(extension) in known_ids
        # A built-in name, such as an encoding, needs no extension, so it is wrong only if an extension has that name.
        if is_configured or (more_are_hidden and not may_be_built_in):
            if not started_ids.may_list(extension):
                fix = f"Add '{extension}' to service.extensions."
                yield Fault(path, f"extension '{extension}' is used here but not started", fix)
        elif not may_be_built_in:
            message = f"extension '{extension}' is not configured{suggest_word(extension, configured_extensions)}"
            yield Fault(path, message, "Add it below `extensions`, and list it in service.extensions.")


@about("connectors")
def undefined_pipeline(subject: Subject) -> Iterator[Fault]:
    """Yield pipelines that a connector names but that do not exist or do not receive from it.

    Source: the routers of contrib's routing and failover connectors (`pipeline not found`).
    """
    pipeline_uses = list(_list_uses(subject, "pipelines"))
    if not pipeline_uses:
        return
    pipeline_keys = {trim_id(key): key for key in mapping_at(subject.config, "service", "pipelines")}
    used_as_exporter = {
        trim_id(component_id) for path, component_id in list_references(subject.config) if path[-2] == "exporters"
    }
    for path, name, _may_be_built_in in pipeline_uses:
        _connectors, connector, *_setting = path
        # The Collector builds the routes of a connector only for a pipeline that sends to it.
        if trim_id(connector) not in used_as_exporter:
            continue
        key = pipeline_keys.get(trim_id(name))
        if key is None:
            yield Fault(
                path,
                f"there is no pipeline '{name}'{suggest_word(name, pipeline_keys)}",
                "Add it, or name another one.",
            )
        elif not _read_listed_ids(subject, ("service", "pipelines", key, "receivers")).may_list(connector):
            fix = f"Add '{connector}' to service.pipelines.{key}.receivers."
            yield Fault(path, f"pipeline '{name}' does not start from '{connector}'", fix)


def idle_extension(subject: Subject) -> Iterator[Fault]:
    """Yield extensions that are configured but never started."""
    started_ids = _read_listed_ids(subject, ("service", "extensions"))
    for extension in mapping_at(subject.config, "extensions"):
        if not started_ids.may_list(extension):
            fix = f"Add '{extension}' to service.extensions, or remove it."
            yield Fault(("extensions", extension), f"extension '{extension}' is configured but not started", fix)


class _ListedIds(NamedTuple):
    """The ids in a list, as the Collector reads them, and whether an expression may bring others."""

    listed_ids: set[str]
    has_hidden_ids: bool

    def may_list(self, component_id: Any) -> bool:
        """Whether a component may be in the list when the Collector has expanded it."""
        return self.has_hidden_ids or trim_id(component_id) in self.listed_ids


def _read_listed_ids(subject: Subject, path: Path) -> _ListedIds:
    """Return the ids in the list at a path of the config; none if it is no list."""
    id_list = value_at(subject.config, path)
    text_ids = [listed_id for listed_id in id_list if isinstance(listed_id, str)] if isinstance(id_list, list) else []
    more_are_hidden = _may_hide_more(subject, path) or any(is_expression(text_id) for text_id in text_ids)
    return _ListedIds({trim_id(text_id) for text_id in text_ids}, more_are_hidden)


def _may_hide_more(subject: Subject, path: Path) -> bool:
    """Whether a path or one of its parents holds an expression that the Collector expands."""
    return any(is_expression(value_at(subject.config, path[:end])) for end in range(len(path) + 1))


def unused_component(subject: Subject) -> Iterator[Fault]:
    """Yield components that no pipeline uses; the Collector never starts them."""
    used_ids = {role: _read_ids_in_pipelines(subject, role) for role in ROLES}
    for component in configured_components(subject):
        roles = [role for role, sections in ROLES.items() if component.section in sections]
        if component.section == "extensions" or any(used_ids[role].may_list(component.id) for role in roles):
            continue
        is_kept_for_trials = component.section == EXPORTERS and is_for_trials(component.type)
        severity = "info" if is_kept_for_trials else SEVERITY_OF_RULE
        fix = "Remove it, or list it in a pipeline."
        yield Fault(component.config_path, f"no pipeline uses '{component.id}'", fix, severity=severity)


def _read_ids_in_pipelines(subject: Subject, role: str) -> _ListedIds:
    """Return the ids that all pipelines list for a role."""
    ids: set[str] = set()
    more_are_hidden = _may_hide_more(subject, ("service", "pipelines"))
    for name in mapping_at(subject.config, "service", "pipelines"):
        listed_ids = _read_listed_ids(subject, ("service", "pipelines", name, role))
        ids |= listed_ids.listed_ids
        more_are_hidden = more_are_hidden or listed_ids.has_hidden_ids
    return _ListedIds(ids, more_are_hidden)


def list_references(config: Any) -> Iterator[tuple[Path, str]]:
    """Yield every id in pipelines and `service.extensions`, with its path."""
    paths: list[Path] = [("service", "extensions")]
    for name in mapping_at(config, "service", "pipelines"):
        paths.extend(("service", "pipelines", name, role) for role in ROLES)
    for path in paths:
        ids = value_at(config, path)
        if not isinstance(ids, list):
            continue
        for index, component_id in enumerate(ids):
            if isinstance(component_id, str):
                yield (*path, index), component_id


class NamedUse(NamedTuple):
    """A text in the settings of a component that names an extension or a pipeline."""

    path: Path
    """Where it stands in the config."""
    name: str
    may_be_built_in: bool
    """Whether the component may know the name itself, without such an extension."""


def list_extension_uses(subject: Subject) -> Iterator[NamedUse]:
    """Yield every extension that a component names."""
    yield from _list_uses(subject, "extensions")


def _list_uses(subject: Subject, target_section: str) -> Iterator[NamedUse]:
    """Yield the references of components, by the catalogue's keys if the build is known, else by the usual keys."""
    if subject.target:
        for _component_path, use in _list_uses_by_catalogue(subject):
            if use.target_section == target_section:
                yield use.named_use
    elif target_section == "extensions":
        for component in configured_components(subject):
            yield from _list_uses_in_settings(component, [], EXTENSION_KEYS)


class _CatalogueUse(NamedTuple):
    """A use that the catalogue knows, and the section of what it names: `extensions`, or `pipelines`."""

    target_section: str
    named_use: NamedUse


@cached_by_settings
def _list_uses_by_catalogue(build: Build, component: ConfiguredComponent) -> Iterator[_CatalogueUse]:
    """Yield each name in the settings of a component. Only connectors name pipelines."""
    if component.section not in SECTIONS:
        return
    target_sections = ("extensions", "pipelines") if component.section == "connectors" else ("extensions",)
    for target_section in target_sections:
        keys = build.find_reference_keys(component.section, component.type, target_section)
        for use in _list_uses_in_settings(component, keys.exact_references, keys.path_ends):
            yield _CatalogueUse(target_section, use)


def _list_uses_in_settings(
    component: ConfiguredComponent, exact_references: list[ReferenceKey], path_ends: list[Path]
) -> Iterator[NamedUse]:
    """Yield the texts that name something, at known paths or at the ends of paths at any depth.

    For example, the end `("auth", "authenticator")` fits the path `protocols.grpc.auth.authenticator`.
    """
    if not isinstance(component.settings, dict):
        return
    uses_by_path: dict[Path, NamedUse] = {}
    for reference in exact_references:
        for path, name in reference.find_ids(component.settings):
            uses_by_path[path] = NamedUse((*component.config_path, *path), name, reference.takes_built_in_names)
    last_keys = {path_end[-1] for path_end in path_ends}
    for path, value in iter_leaves(component.settings):
        may_name = path[-1] in last_keys and isinstance(value, str)
        if may_name and any(_has_path_end(path, path_end) for path_end in path_ends):
            uses_by_path[path] = NamedUse((*component.config_path, *path), value, may_be_built_in=False)
    for use in uses_by_path.values():
        if use.name and not is_expression(use.name):
            yield use


def _has_path_end(path: Path, path_end: Path) -> bool:
    """Whether a path ends like this; `*` stands for any key."""
    tail = path[-len(path_end) :]
    if len(tail) != len(path_end):
        return False
    return all(part in ("*", key) for part, key in zip(path_end, tail, strict=True))


def _suggest_definition(component_id: str, role: str, subject: Subject) -> str:
    """Return the fix for an id that is not configured for its role."""
    other_sections = [name for name in SECTIONS if name != role and component_id in mapping_at(subject.config, name)]
    if other_sections:
        return f"It is configured in `{other_sections[0]}` and cannot be used here."
    return f"Add it to `{role}`, or remove it here."


RULES = (
    *define_rules("error", no_components, no_pipelines, undefined_reference, shared=True),
    *define_rules("error", undefined_extension),
    *define_rules("error", undefined_pipeline, duplicate_processor, ambiguous_id, shared=True),
    *define_rules("warning", idle_extension, unused_component),
)
