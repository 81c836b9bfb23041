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

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..config.component_ids import trim_id
from ..config.paths import ROLES, SECTIONS, Path, list_at, mapping_at, value_at
from ..errors import suggest_word
from ..traits import EXPORTERS, is_for_trials
from .configured_components import configured_components
from .named_uses import list_extension_uses, list_pipeline_uses
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .structure import is_expression
from .subject import Subject

# The sections whose components a list of ids may name: those of a role in a pipeline, or those of `service.extensions`.
_SECTIONS_BY_ROLE = {**ROLES, "extensions": ("extensions",)}
# The fix for a pipeline that lists nothing for a role; `{0}` is its signal.
_FIX_BY_MISSING_ROLE = {
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
                _FIX_BY_MISSING_ROLE[role].format(signal),
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
    known_ids = {role: _list_ids_in_sections(subject.config, sections) for role, sections in _SECTIONS_BY_ROLE.items()}
    suggested_ids = {role: sorted(ids, key=str) for role, ids in known_ids.items()}
    for reference in list_references(subject.config):
        component_id, role = reference.id, reference.role
        if trim_id(component_id) in known_ids[role] or is_expression(component_id):
            continue
        if not any(_may_hide_more(subject, (name,)) for name in _SECTIONS_BY_ROLE[role]):
            message = f"'{component_id}' is not configured{suggest_word(component_id, suggested_ids[role])}"
            yield Fault(reference.path, message, _suggest_definition(component_id, role, subject))


def _list_ids_in_sections(config: Any, section_names: Iterable[str]) -> set[Any]:
    """Return the ids of all components in these sections, as the Collector reads them."""
    ids: set[Any] = set()
    for section_name in section_names:
        ids.update(trim_id(component_id) for component_id in mapping_at(config, section_name))
    return ids


def _suggest_definition(component_id: str, role: str, subject: Subject) -> str:
    """Return the fix for an id that is not configured for its role."""
    other_sections = [name for name in SECTIONS if name != role and component_id in mapping_at(subject.config, name)]
    if other_sections:
        return f"It is configured in `{other_sections[0]}` and cannot be used here."
    return f"Add it to `{role}`, or remove it here."


def duplicate_processor(subject: Subject) -> Iterator[Fault]:
    """Yield processors that a pipeline lists twice; the Collector rejects them."""
    for name, pipeline in mapping_at(subject.config, "service", "pipelines").items():
        indexes_by_id: dict[str, list[int]] = {}
        for index, component_id in enumerate(list_at(pipeline, "processors")):
            if isinstance(component_id, str):
                indexes_by_id.setdefault(trim_id(component_id), []).append(index)
        for component_id, indexes in indexes_by_id.items():
            if len(indexes) > 1:
                path: Path = ("service", "pipelines", name, "processors", indexes[-1])
                message = f"processor '{component_id}' is listed {len(indexes)} times in one pipeline"
                yield Fault(path, message, "Keep one of them.")


@about("connectors")
def ambiguous_id(subject: Subject) -> Iterator[Fault]:
    """Yield ids that are both a connector and a receiver or exporter."""
    for role in ("receivers", "exporters"):
        for component_id in mapping_at(subject.config, role):
            if trim_id(component_id) in subject.connectors:
                message = f"'{component_id}' is both in {role} and in connectors"
                yield Fault((role, component_id), message, f"Rename one, e.g. `{component_id}/2`.")


def undefined_extension(subject: Subject) -> Iterator[Fault]:
    """Yield components that use an extension that is not configured or not started."""
    configured_extensions = mapping_at(subject.config, "extensions")
    known_ids = {trim_id(extension) for extension in configured_extensions}
    more_are_hidden = _may_hide_more(subject, ("extensions",))
    started_ids = _read_id_list(subject, ("service", "extensions"))
    for path, extension, may_be_built_in in list_extension_uses(subject):
        is_configured = trim_id(extension) in known_ids
        if may_be_built_in and not is_configured:
            continue  # such as an encoding, which the component knows itself
        if not is_configured and not more_are_hidden:
            message = f"extension '{extension}' is not configured{suggest_word(extension, configured_extensions)}"
            yield Fault(path, message, "Add it below `extensions`, and list it in service.extensions.")
        elif not started_ids.may_list(extension):
            fix = f"Add '{extension}' to service.extensions."
            yield Fault(path, f"extension '{extension}' is used here but not started", fix)


@about("connectors")
def undefined_pipeline(subject: Subject) -> Iterator[Fault]:
    """Yield pipelines that a connector names but that do not exist or do not receive from it.

    Source: the routers of contrib's routing and failover connectors (`pipeline not found`).
    """
    pipeline_uses = list(list_pipeline_uses(subject))
    if not pipeline_uses:
        return
    pipeline_keys = {trim_id(key): key for key in mapping_at(subject.config, "service", "pipelines")}
    exporter_ids = _read_ids_in_pipelines(subject, "exporters").ids
    for use in pipeline_uses:
        name, connector = use.name, use.component_id
        # The Collector builds the routes of a connector only for a pipeline that sends to it.
        if trim_id(connector) not in exporter_ids:
            continue
        key = pipeline_keys.get(trim_id(name))
        if key is None:
            yield Fault(
                use.path,
                f"there is no pipeline '{name}'{suggest_word(name, pipeline_keys)}",
                "Add it, or name another one.",
            )
        elif not _read_id_list(subject, ("service", "pipelines", key, "receivers")).may_list(connector):
            fix = f"Add '{connector}' to service.pipelines.{key}.receivers."
            yield Fault(use.path, f"pipeline '{name}' does not start from '{connector}'", fix)


def idle_extension(subject: Subject) -> Iterator[Fault]:
    """Yield extensions that are configured but never started."""
    started_ids = _read_id_list(subject, ("service", "extensions"))
    for extension in mapping_at(subject.config, "extensions"):
        if not started_ids.may_list(extension):
            fix = f"Add '{extension}' to service.extensions, or remove it."
            yield Fault(("extensions", extension), f"extension '{extension}' is configured but not started", fix)


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


# ── The ids in pipelines and in `service.extensions` ──


class Reference(NamedTuple):
    """An id that a pipeline lists, or `service.extensions`."""

    path: Path
    """Where it stands: `("service", "pipelines", "traces", "receivers", 0)`."""
    id: str

    @property
    def role(self) -> str:
        """The key of the list: `receivers`, `processors`, `exporters` or `extensions`."""
        return str(self.path[-2])


def list_references(config: Any) -> Iterator[Reference]:
    """Yield every id in pipelines and `service.extensions`."""
    paths: list[Path] = [("service", "extensions")]
    for name in mapping_at(config, "service", "pipelines"):
        paths.extend(("service", "pipelines", name, role) for role in ROLES)
    for path in paths:
        ids = value_at(config, path)
        if not isinstance(ids, list):
            continue
        for index, component_id in enumerate(ids):
            if isinstance(component_id, str):
                yield Reference((*path, index), component_id)


class _IdList(NamedTuple):
    """The ids in a list, as the Collector reads them, and whether an expression may bring others."""

    ids: set[str]
    has_hidden_ids: bool

    def may_list(self, component_id: Any) -> bool:
        """Whether a component may be in the list when the Collector has expanded it."""
        return self.has_hidden_ids or trim_id(component_id) in self.ids


def _read_id_list(subject: Subject, path: Path) -> _IdList:
    """Return the ids in the list at a path of the config; none if it is no list."""
    id_list = value_at(subject.config, path)
    text_ids = [listed_id for listed_id in id_list if isinstance(listed_id, str)] if isinstance(id_list, list) else []
    more_are_hidden = _may_hide_more(subject, path) or any(map(is_expression, text_ids))
    return _IdList(set(map(trim_id, text_ids)), more_are_hidden)


def _read_ids_in_pipelines(subject: Subject, role: str) -> _IdList:
    """Return the ids that all pipelines list for a role."""
    ids: set[str] = set()
    more_are_hidden = _may_hide_more(subject, ("service", "pipelines"))
    for name in mapping_at(subject.config, "service", "pipelines"):
        id_list = _read_id_list(subject, ("service", "pipelines", name, role))
        ids |= id_list.ids
        more_are_hidden = more_are_hidden or id_list.has_hidden_ids
    return _IdList(ids, more_are_hidden)


def _may_hide_more(subject: Subject, path: Path) -> bool:
    """Whether a path or one of its parents holds an expression that the Collector expands."""
    return any(is_expression(value_at(subject.config, path[:end])) for end in range(len(path) + 1))


RULES = (
    *define_rules("error", no_components, no_pipelines, undefined_reference, shared=True),
    *define_rules("error", undefined_extension),
    *define_rules("error", undefined_pipeline, duplicate_processor, ambiguous_id, shared=True),
    *define_rules("warning", idle_extension, unused_component),
)
