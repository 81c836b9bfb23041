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
catalogue/field_grammar.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

from ..catalogue.catalogue import Catalogue
from ..catalogue.field_grammar import ANY_KEY, ANY_VALUE, FORMS_OF_PAIRS, LIST, MAPPING, parse_leaf, resolve_label
from ..catalogue.rows import IGNORED_VERSION, OPEN_MAPPING, SECTION_ORDER
from ..config.paths import ROLES
from ..errors import suggest_word
from ..traits import kind_of
from .user_paths import PathSteps, UserPathStep, read_wildcard

_SERVICE = "service"
_TOP_LEVEL_KEYS = (*SECTION_ORDER, _SERVICE)
_PIPELINES = "pipelines"
_TELEMETRY = "telemetry"
_EXTENSIONS = "extensions"
# The first one of those that a path with a wildcard leads to says why none of them has the path.
_SERVICE_KEYS = (_PIPELINES, _TELEMETRY, _EXTENSIONS)


class Existence(IntEnum):
    """Whether configs can have something at a path. The greatest of several answers is the best one."""

    NO = 0
    MAYBE = 1
    """The catalogue does not know."""
    YES = 2


class PathCheck(NamedTuple):
    """Whether a config can have a path."""

    existence: Existence
    why_not: str = ""
    """As a message says it; empty unless `existence` is `NO`."""


_EXISTS = PathCheck(Existence.YES)


@dataclass(frozen=True)
class KnownPaths:
    """The paths that any config may have, as far as a catalogue knows them."""

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
        return {name: sorted(kinds) for name, kinds in types.items()}

    def check_path(self, steps: PathSteps, types: Iterable[str] = ()) -> PathCheck:
        """Return whether a config can have a path, in a component of one of some types; without types, in any."""
        if not steps:
            return _EXISTS
        first_step, *later_steps = steps
        top_level_keys = _select_names(first_step, _TOP_LEVEL_KEYS)
        if not top_level_keys:
            return _refuse(f"no config has '{first_step}'{suggest_word(first_step.key, _TOP_LEVEL_KEYS)}")
        kinds = frozenset(kind_of(kind) for kind in types)
        checks = [self._check_below(key, later_steps, kinds) for key in top_level_keys]
        return max(checks, key=lambda check: check.existence)

    def _check_below(self, top_level_key: str, steps: list[UserPathStep], kinds: frozenset[str]) -> PathCheck:
        """Return whether a section or the service can have something at a path."""
        if not steps:
            return _EXISTS
        if top_level_key == _SERVICE:
            return self._check_in_service(steps)
        return self._check_in_section(top_level_key, steps, kinds)

    def _check_in_section(self, section_name: str, steps: list[UserPathStep], kinds: frozenset[str]) -> PathCheck:
        """Return whether a component of a section can have a setting at a path; its first step is the component."""
        component_step, *setting_steps = steps
        known_types = self.types_by_section[section_name]
        types = _select_names(_read_type_step(component_step), known_types)
        if not types:
            near_name_hint = suggest_word(component_step.key.partition("/")[0], known_types)
            return _refuse(f"no build has {section_name[:-1]} '{component_step}'{near_name_hint}")
        if not setting_steps:
            return _EXISTS
        if kinds:  # the rule has `types`, which are a part of those that its path leads to
            types = [type_name for type_name in types if kind_of(type_name) in kinds]
        existence = self._find_in_types(section_name, types, component_step, setting_steps)
        if existence is not Existence.NO:
            return PathCheck(existence)
        near_name_hint = _suggest_setting(setting_steps, self._list_nodes_of_types(section_name, types))
        return _refuse(f"no known component of {section_name} has this setting{near_name_hint}")

    def _find_in_types(
        self, section_name: str, types: list[str], component_step: UserPathStep, steps: list[UserPathStep]
    ) -> Existence:
        """Return whether one of some types has a setting; maybe, if the settings of none of them are known."""
        answers: list[Existence] = []
        for type_name in types:
            nodes = self._list_nodes_of_type(section_name, type_name)
            if nodes:
                answers.append(self._find_in_versions(nodes, component_step, steps))
        return max(answers, default=Existence.MAYBE)

    def _find_in_versions(self, nodes: list[Any], component_step: UserPathStep, steps: list[UserPathStep]) -> Existence:
        """Return whether a type has a setting, given the node of its settings in each version.

        If the path is for many types, such as `exporters.*.tls`, a type that takes any key does not count: it would
        have every setting.
        """
        if not component_step.is_key:
            nodes = [node for node in nodes if _has_first_step(node, steps[0])]
        return max((self._find_in_node(node, steps) for node in nodes), default=Existence.NO)

    def _list_nodes_of_type(self, section_name: str, type_name: str) -> list[Any]:
        """Return the node of the settings of a type, under its older or newer name, in every known version."""
        type_rename = self.catalogue.find_rename(section_name, type_name)
        return self._nodes_by_type.get((section_name, type_rename.new_name if type_rename else type_name), [])

    def _list_nodes_of_types(self, section_name: str, types: list[str]) -> Iterator[Any]:
        """Yield the nodes of the settings of some types."""
        for type_name in types:
            yield from self._list_nodes_of_type(section_name, type_name)

    @cached_property
    def _nodes_by_type(self) -> Mapping[tuple[str, str], list[Any]]:
        """The node of the settings of each type in every known version, by section and type."""
        nodes: dict[tuple[str, str], list[Any]] = {}
        for row in self.catalogue.field_rows:
            if "section" in row:
                nodes.setdefault((row["section"], row["type"]), []).append(row["fields"])
        return nodes

    def _check_in_service(self, steps: list[UserPathStep]) -> PathCheck:
        """Return whether `service` can have something at a path."""
        first_step, *later_steps = steps
        service_keys = _select_names(first_step, _SERVICE_KEYS)
        if not service_keys:
            return _refuse(f"`service` has no '{first_step}'{suggest_word(first_step.key, _SERVICE_KEYS)}")
        # A step with a wildcard leads to several of these keys; it is enough if one of them can have the path.
        checks = [self._check_in_service_key(key, later_steps) for key in service_keys]
        return max(checks, key=lambda check: check.existence)

    def _check_in_service_key(self, service_key: str, steps: list[UserPathStep]) -> PathCheck:
        """Return whether a key of `service` can have something at a path."""
        if service_key == _PIPELINES:
            return _check_in_pipelines(steps)
        if service_key == _EXTENSIONS:
            is_item = len(steps) <= 1
            return _EXISTS if is_item else _refuse("`service.extensions` is a list of ids")
        nodes = self._nodes_by_type.get((_SERVICE, _TELEMETRY), [])
        existence = max((self._find_in_node(node, steps) for node in nodes), default=Existence.MAYBE)
        if existence is not Existence.NO:
            return PathCheck(existence)
        return _refuse(f"`service.telemetry` has no such setting{_suggest_setting(steps, nodes)}")

    def _find_in_node(self, node: Any, steps: list[UserPathStep]) -> Existence:
        """Return whether a setting can have something at a path."""
        node = resolve_label(node, self.catalogue.shared_fields)
        if not steps:
            return Existence.YES
        if node == ANY_VALUE:
            return Existence.MAYBE
        if isinstance(node, dict):
            return self._find_in_mapping(node, steps)
        if isinstance(node, list):
            _shape_letters, item_node = node
            leads_to_item = steps[0].is_any or steps[0].index is not None
            return self._find_in_node(item_node, steps[1:]) if leads_to_item else Existence.NO
        return self._find_in_letters(node, steps)

    def _find_in_mapping(self, node: Mapping[str, Any], steps: list[UserPathStep]) -> Existence:
        """Return whether a mapping can have something at a path: under a key of it, or under any key that it takes."""
        first_step, *later_steps = steps
        keys = _select_names(first_step, [key for key in node if key not in (ANY_KEY, OPEN_MAPPING)])
        if ANY_KEY in node:
            keys.append(ANY_KEY)
        if not keys:
            takes_any_key = node.get(OPEN_MAPPING, IGNORED_VERSION) != IGNORED_VERSION
            return Existence.MAYBE if takes_any_key else Existence.NO
        return max(self._find_in_node(node[key], later_steps) for key in keys)

    def _find_in_letters(self, node: str, steps: list[UserPathStep]) -> Existence:
        """Return whether a setting can have something at a path, of which only the shapes are known: `sl`, `m`.

        What may be a list or a mapping is a mapping of texts, or a list of names with values, such as headers.
        """
        letters = parse_leaf(node).shape_letters
        may_be_list = LIST in letters
        may_be_mapping = MAPPING in letters
        if may_be_list and may_be_mapping:
            return max(self._find_in_node(pair_node, steps) for pair_node in FORMS_OF_PAIRS.values())
        return Existence.MAYBE if may_be_list or may_be_mapping else Existence.NO


def _refuse(why_not: str) -> PathCheck:
    """Return that no config can have a path."""
    return PathCheck(Existence.NO, why_not)


def _check_in_pipelines(steps: list[UserPathStep]) -> PathCheck:
    """Return whether a pipeline can have something at a path; its first step is the pipeline, the second a role."""
    roles = tuple(ROLES)
    if len(steps) > 1 and not _select_names(steps[1], roles):
        return _refuse(f"a pipeline has no '{steps[1]}'{suggest_word(steps[1].key, roles)}")
    return _EXISTS


def _has_first_step(node: Any, step: UserPathStep) -> bool:
    """Whether settings have a key that a step leads to; those that are no mapping may have anything."""
    return not isinstance(node, dict) or bool(_select_names(step, node))


def _select_names(step: UserPathStep, names: Iterable[str]) -> list[str]:
    """Return the names that a step leads to: of `otlp_*`, `otlp_grpc` and `otlp_http`."""
    if step.pattern is not None:
        return [name for name in names if step.pattern.match(name)]
    return [name for name in names if name == step.key]


def _read_type_step(step: UserPathStep) -> UserPathStep:
    """Return the step for the type of a component: `otlp` of the step `otlp/backend`."""
    kind, separator, _name = step.key.partition("/")
    if not separator:
        return step
    return UserPathStep(kind, read_wildcard(kind) if step.pattern else None)


def _suggest_setting(steps: list[UserPathStep], known_nodes: Iterable[Any]) -> str:
    """Return the nearest name for the first setting of a path, as the end of a message; empty if it is a known name."""
    if not steps:
        return ""
    key = steps[0].key
    setting_names: set[str] = set()
    for node in known_nodes:
        if isinstance(node, dict):
            setting_names.update(node)
    return "" if not key or key in setting_names else suggest_word(key, sorted(setting_names))
