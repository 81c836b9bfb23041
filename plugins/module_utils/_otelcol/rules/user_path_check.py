# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether configs can have the path of a user's own rule, in any known type and any known version. Private.

A rule with a slip in its path would find nothing for ever, and nobody would notice. So user_rule_builder.py asks here
for each path. Sources: the types and settings of the catalogue. For example:

| path | answer | why |
|---|---|---|
| `exporters.*.tls.insecure` | yes | |
| `exporters.otlp_http.headers.x-tenant` | yes | |
| `receivers.prometheus.config.scrape_configs` | maybe: the catalogue does not know what is in `config` | |
| `exporter.*` | no | no config has 'exporter'; did you mean 'exporters'? |
| `exporters.*.tlss` | no | no known component of exporters has this setting; did you mean 'tls'? |

A step is one key or index of a path, see user_paths.py. A node is what the catalogue says that a setting takes, see
node_paths.py, which follows the steps from there on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ..catalogue.catalogue import Catalogue
from ..catalogue.rows import SECTION_ORDER
from ..config.paths import ROLES
from ..errors import suggest_word
from ..traits import kind_of
from .node_paths import Existence, Node, find_existence, has_key_of_step
from .user_paths import PathSteps, UserPathStep, read_wildcard

_SERVICE = "service"
_TOP_LEVEL_KEYS = (*SECTION_ORDER, _SERVICE)
_PIPELINES = "pipelines"
_TELEMETRY = "telemetry"
_EXTENSIONS = "extensions"
# The keys of `service`. A path such as `service.*.x` leads to all of them. If none can have the path, the message is
# the one for the first key here.
_SERVICE_KEYS = (_PIPELINES, _TELEMETRY, _EXTENSIONS)


class PathCheck(NamedTuple):
    """Whether a config can have a path."""

    existence: Existence
    why_not: str = ""
    """As a message says it; empty unless `existence` is `NO`."""


_EXISTS = PathCheck(Existence.YES)


@dataclass(frozen=True)
class KnownPaths:
    """The paths that any config may have, as far as a catalogue knows them.

    Each method `_check_…` takes the steps that are left of a path behind its own part of a config, and returns a
    `PathCheck`, which says why no config has the path:

        check_path
          _check_top_level_key
            _check_component         exporters.otlp.tls: the steps are `otlp` and `tls`
            _check_service           service.telemetry.logs: the steps are `telemetry` and `logs`
              _check_service_key     the step is `logs`

    The methods `_find_existence_…` return only whether a setting exists: a message is for all types and versions.
    """

    catalogue: Catalogue

    @cached_property
    def types_by_section(self) -> Mapping[str, list[str]]:
        """The types of each section, under all their names."""
        types: dict[str, set[str]] = {name: set() for name in SECTION_ORDER}
        for component_row in self.catalogue.components:
            section_types = types[component_row["section"]]
            section_types.add(component_row["type"])
            if component_row.get("was"):
                section_types.add(component_row["was"])
        for removal_row in self.catalogue.removals:
            types[removal_row["section"]].add(removal_row["type"])
        return {section_name: sorted(type_names) for section_name, type_names in types.items()}

    def check_path(self, steps: PathSteps, types: Iterable[str] = ()) -> PathCheck:
        """Return whether a config can have a path, in a component of one of some types; without types, in any."""
        if not steps:
            return _EXISTS
        first_step, *later_steps = steps
        top_level_keys = first_step.select_keys(_TOP_LEVEL_KEYS)
        if not top_level_keys:
            return _refuse(f"no config has '{first_step}'{suggest_word(first_step.key, _TOP_LEVEL_KEYS)}")
        chosen_kinds = frozenset(kind_of(type_name) for type_name in types)
        return _choose_best(self._check_top_level_key(key, later_steps, chosen_kinds) for key in top_level_keys)

    def _check_top_level_key(
        self, top_level_key: str, steps: Sequence[UserPathStep], chosen_kinds: frozenset[str]
    ) -> PathCheck:
        """Return whether a section or `service` can have something at a path."""
        if not steps:
            return _EXISTS
        if top_level_key == _SERVICE:
            return self._check_service(steps)
        return self._check_component(top_level_key, steps, chosen_kinds)

    # ── Components ──

    def _check_component(
        self, section_name: str, steps: Sequence[UserPathStep], chosen_kinds: frozenset[str]
    ) -> PathCheck:
        """Return whether a component of a section can have a setting at a path; its first step is the component.

        `chosen_kinds` are the types that the rule is for, without their underscores; empty if the rule is for all.
        """
        component_step, *setting_steps = steps
        known_types = self.types_by_section[section_name]
        types = _read_type_step(component_step).select_keys(known_types)
        if not types:
            near_name_hint = suggest_word(component_step.key.partition("/")[0], known_types)
            return _refuse(f"no build has {section_name[:-1]} '{component_step}'{near_name_hint}")
        if not setting_steps:
            return _EXISTS
        if chosen_kinds:
            types = [type_name for type_name in types if kind_of(type_name) in chosen_kinds]
        existence = self._find_existence_in_types(section_name, types, component_step, setting_steps)
        if existence is not Existence.NO:
            return PathCheck(existence)
        near_name_hint = _suggest_setting(setting_steps, self._list_nodes_of_types(section_name, types))
        return _refuse(f"no known component of {section_name} has this setting{near_name_hint}")

    def _find_existence_in_types(
        self,
        section_name: str,
        types: Iterable[str],
        component_step: UserPathStep,
        setting_steps: Sequence[UserPathStep],
    ) -> Existence:
        """Return whether one of some types has a setting; maybe, if the settings of none of them are known."""
        answers: list[Existence] = []
        for type_name in types:
            version_nodes = self._list_nodes_of_type(section_name, type_name)
            if version_nodes:
                answers.append(self._find_existence_in_versions(version_nodes, component_step, setting_steps))
        return max(answers, default=Existence.MAYBE)

    def _find_existence_in_versions(
        self, version_nodes: Iterable[Node], component_step: UserPathStep, setting_steps: Sequence[UserPathStep]
    ) -> Existence:
        """Return whether a type has a setting, given the node of its settings in each version.

        If the path is for many types, such as `exporters.*.tls`, a type that takes any key does not count: it would
        have every setting.
        """
        if not component_step.is_key:
            version_nodes = [node for node in version_nodes if has_key_of_step(node, setting_steps[0])]
        return max((self._find_existence_in_node(node, setting_steps) for node in version_nodes), default=Existence.NO)

    # ── Service ──

    def _check_service(self, steps: Sequence[UserPathStep]) -> PathCheck:
        """Return whether `service` can have something at a path."""
        first_step, *later_steps = steps
        service_keys = first_step.select_keys(_SERVICE_KEYS)
        if not service_keys:
            return _refuse(f"`service` has no '{first_step}'{suggest_word(first_step.key, _SERVICE_KEYS)}")
        return _choose_best(self._check_service_key(key, later_steps) for key in service_keys)

    def _check_service_key(self, service_key: str, steps: Sequence[UserPathStep]) -> PathCheck:
        """Return whether a key of `service` can have something at a path."""
        if service_key == _PIPELINES:
            return _check_pipelines(steps)
        if service_key == _EXTENSIONS:
            return _check_extensions(steps)
        return self._check_telemetry(steps)

    def _check_telemetry(self, steps: Sequence[UserPathStep]) -> PathCheck:
        """Return whether the settings of `service.telemetry` can have something at a path."""
        version_nodes = self._nodes_by_type.get((_SERVICE, _TELEMETRY), [])
        existence = max((self._find_existence_in_node(node, steps) for node in version_nodes), default=Existence.MAYBE)
        if existence is not Existence.NO:
            return PathCheck(existence)
        return _refuse(f"`service.telemetry` has no such setting{_suggest_setting(steps, version_nodes)}")

    # ── Nodes of the catalogue ──

    def _find_existence_in_node(self, node: Node, steps: Sequence[UserPathStep]) -> Existence:
        """Return whether settings can have something at a path."""
        return find_existence(node, steps, self.catalogue.shared_fields)

    def _list_nodes_of_type(self, section_name: str, type_name: str) -> list[Node]:
        """Return the node of the settings of a type, under its older or newer name, in every known version."""
        type_rename = self.catalogue.find_rename(section_name, type_name)
        return self._nodes_by_type.get((section_name, type_rename.new_name if type_rename else type_name), [])

    def _list_nodes_of_types(self, section_name: str, types: Iterable[str]) -> Iterator[Node]:
        """Yield the nodes of the settings of some types."""
        for type_name in types:
            yield from self._list_nodes_of_type(section_name, type_name)

    @cached_property
    def _nodes_by_type(self) -> Mapping[tuple[str, str], list[Node]]:
        """The node of the settings of each type in every known version, by section and type."""
        nodes: dict[tuple[str, str], list[Node]] = {}
        for row in self.catalogue.field_rows:
            if "section" in row:
                nodes.setdefault((row["section"], row["type"]), []).append(row["fields"])
        return nodes


def _refuse(why_not: str) -> PathCheck:
    """Return that no config can have a path."""
    return PathCheck(Existence.NO, why_not)


def _choose_best(checks: Iterable[PathCheck]) -> PathCheck:
    """Return the best check of what a step leads to: one place that can have the path is enough.

    Of equal checks it is the first one.
    """
    return max(checks, key=lambda check: check.existence)


def _check_pipelines(steps: Sequence[UserPathStep]) -> PathCheck:
    """Return whether a pipeline can have something at a path; its first step is the pipeline, the second a role."""
    roles = tuple(ROLES)
    if len(steps) > 1 and not steps[1].select_keys(roles):
        return _refuse(f"a pipeline has no '{steps[1]}'{suggest_word(steps[1].key, roles)}")
    return _EXISTS


def _check_extensions(steps: Sequence[UserPathStep]) -> PathCheck:
    """Return whether `service.extensions` can have something at a path; its first step is an id, and ends the path."""
    return _EXISTS if len(steps) <= 1 else _refuse("`service.extensions` is a list of ids")


def _read_type_step(component_step: UserPathStep) -> UserPathStep:
    """Return the step for the type of a component: `otlp` of the step `otlp/backend`."""
    kind, separator, _name = component_step.key.partition("/")
    if not separator:
        return component_step
    return UserPathStep(kind, read_wildcard(kind) if component_step.pattern else None)


def _suggest_setting(steps: Sequence[UserPathStep], known_nodes: Iterable[Node]) -> str:
    """Return the nearest name for the first setting of a path, as the end of a message; empty if it is a known name."""
    if not steps:
        return ""
    key = steps[0].key
    setting_names: set[str] = set()
    for node in known_nodes:
        if isinstance(node, dict):
            setting_names.update(node)
    return "" if not key or key in setting_names else suggest_word(key, sorted(setting_names))
