# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a path of a user's rule can exist: in a section, in any known type, in any known version. Private.

A rule with a slip in its path would find nothing for ever, and nobody would notice. Sources: the types and settings of
the catalogue. What the catalogue does not know of a type may exist: such a path is not certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

from ..catalogue.catalogue import Catalogue
from ..catalogue.field_grammar import ANY_KEY, ANY_VALUE, FORMS_OF_PAIRS, resolve_label
from ..catalogue.rows import IGNORED_VERSION, OPEN_MAPPING, SECTION_ORDER
from ..config.paths import ROLES
from ..errors import suggest_word
from ..traits import kind_of
from .user_paths import Steps, UserPathStep, read_wildcard

_SERVICE, _PIPELINES, _TELEMETRY = "service", "pipelines", ("service", "telemetry")
_SERVICE_KEYS = ("extensions", _PIPELINES, "telemetry")
# Letters of the catalogue for values with parts: lists and mappings. What may be both is a mapping of text that can
# be written as a list of names with values: headers.
_LIST, _MAPPING = "lm"


class _Existence(IntEnum):
    """Whether settings have something at a path."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True)
class PathVerdict:
    """Whether a config may have a path.

    `obstacle` says why no config has it; it is empty if one may. `is_certain` says that the catalogue has the path, or
    surely has not.
    """

    obstacle: str = ""
    is_certain: bool = True


_EXISTS, _MAY_EXIST = PathVerdict(), PathVerdict(is_certain=False)


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

    @cached_property
    def _fields_by_type(self) -> Mapping[tuple[str, str], list[Any]]:
        """The settings of each type, as every known version has them."""
        settings: dict[tuple[str, str], list[Any]] = {}
        for row in self.catalogue.field_rows:
            if "section" in row:
                settings.setdefault((row["section"], row["type"]), []).append(row["fields"])
        return settings

    def judge_path(self, steps: Steps, types: Iterable[str] = ()) -> PathVerdict:
        """Return whether a config may have the path. `types` narrow the components of the path."""
        if not steps:
            return _EXISTS
        first_step, *later_steps = steps
        section_names = _select_names(first_step, (*SECTION_ORDER, _SERVICE))
        if not section_names:
            return PathVerdict(
                f"no config has '{first_step.key}'{suggest_word(first_step.key, (*SECTION_ORDER, _SERVICE))}"
            )
        kinds = frozenset(kind_of(kind) for kind in types)
        verdicts = [self._judge_below(section_name, later_steps, kinds) for section_name in section_names]
        for best_verdict in (_EXISTS, _MAY_EXIST):
            if best_verdict in verdicts:
                return best_verdict
        return verdicts[0]

    def _judge_below(self, section_name: str, steps: list[UserPathStep], types: frozenset[str]) -> PathVerdict:
        if not steps:
            return _EXISTS
        return (
            self._judge_in_service(steps)
            if section_name == _SERVICE
            else self._judge_in_section(section_name, steps, types)
        )

    def _judge_in_section(self, section_name: str, steps: list[UserPathStep], types: frozenset[str]) -> PathVerdict:
        """Return whether a component of a section may have a setting at a path; its first step is the component."""
        first_step, *later_steps = steps
        kinds = list(_select_names(_read_type_step(first_step), self.types_by_section[section_name]))
        if not kinds:
            near_name_hint = suggest_word(first_step.key.partition("/")[0], self.types_by_section[section_name])
            return PathVerdict(f"no build has {section_name[:-1]} '{first_step.key}'{near_name_hint}")
        if not later_steps:
            return _EXISTS
        if types:
            kinds = [kind for kind in kinds if kind_of(kind) in types]
        known_kinds = [kind for kind in kinds if self._list_fields_of_type(section_name, kind)]
        existence = max(
            (self._has_setting(section_name, kind, later_steps, first_step) for kind in known_kinds),
            default=_Existence.MAYBE,
        )
        near_name_hint = _suggest_setting(later_steps, self._list_fields_of_types(section_name, kinds))
        return _convert_to_verdict(existence, f"no known component of {section_name} has this setting{near_name_hint}")

    def _has_setting(
        self, section_name: str, kind: str, steps: list[UserPathStep], component_step: UserPathStep
    ) -> _Existence:
        """Return whether a type has a setting.

        If the path is for many types, such as `exporters.*.tls`, a type that takes any key does not count: it would
        have every setting.
        """
        fields_of_versions = self._list_fields_of_type(section_name, kind)
        if steps and not component_step.is_key:
            fields_of_versions = [fields for fields in fields_of_versions if _has_first_step(fields, steps[0])]
        return max((self._allows_steps(fields, steps) for fields in fields_of_versions), default=_Existence.NO)

    def _list_fields_of_type(self, section_name: str, kind: str) -> list[Any]:
        """Return the settings of a type, under its older or newer name, as every known version has them."""
        type_rename = self.catalogue.find_rename(section_name, kind)
        return self._fields_by_type.get((section_name, type_rename.new_name if type_rename else kind), [])

    def _list_fields_of_types(self, section_name: str, kinds: list[str]) -> Iterator[Any]:
        for kind in kinds:
            yield from self._list_fields_of_type(section_name, kind)

    def _judge_in_service(self, steps: list[UserPathStep]) -> PathVerdict:
        """Return whether `service` may have something at a path."""
        first_step, *later_steps = steps
        service_parts = _select_names(first_step, _SERVICE_KEYS)
        if not service_parts:
            return PathVerdict(f"`service` has no '{first_step.key}'{suggest_word(first_step.key, _SERVICE_KEYS)}")
        if _PIPELINES in service_parts:
            return self._judge_in_pipelines(later_steps)
        if "telemetry" not in service_parts:
            return _EXISTS
        telemetry_fields = self._fields_by_type.get(_TELEMETRY, [])
        existence = max(
            (self._allows_steps(fields, later_steps) for fields in telemetry_fields), default=_Existence.MAYBE
        )
        return _convert_to_verdict(
            existence, f"`service.telemetry` has no such setting{_suggest_setting(later_steps, telemetry_fields)}"
        )

    @staticmethod
    def _judge_in_pipelines(steps: list[UserPathStep]) -> PathVerdict:
        """Return whether a pipeline may have something at a path; its first step is the pipeline, the second a role."""
        roles = tuple(ROLES)
        if len(steps) > 1 and not _select_names(steps[1], roles):
            wrong_role = steps[1].key
            return PathVerdict(f"a pipeline has no '{wrong_role}'{suggest_word(wrong_role, roles)}")
        return _EXISTS

    def _allows_letters(self, field_form: str, steps: list[UserPathStep]) -> _Existence:
        """Return whether a value that the catalogue knows by letters alone has something at a path."""
        letters = field_form.partition("=")[0].partition("~")[0]
        may_be_list, may_be_mapping = _LIST in letters, _MAPPING in letters
        if may_be_list and may_be_mapping:
            return max(self._allows_steps(pair_form, steps) for pair_form in FORMS_OF_PAIRS.values())
        return _Existence.MAYBE if may_be_list or may_be_mapping else _Existence.NO

    def _allows_steps(self, field_form: Any, steps: list[UserPathStep]) -> _Existence:
        """Return whether settings of the catalogue have something at a path."""
        field_form = resolve_label(field_form, self.catalogue.shared_fields)
        if not steps:
            return _Existence.YES
        if field_form == ANY_VALUE:
            return _Existence.MAYBE
        if isinstance(field_form, dict):
            return self._allows_key(field_form, steps)
        if isinstance(field_form, list):
            is_item = steps[0].is_any or steps[0].index is not None
            return self._allows_steps(field_form[1], steps[1:]) if is_item else _Existence.NO
        return self._allows_letters(field_form, steps)

    def _allows_key(self, field_mapping: Mapping[str, Any], steps: list[UserPathStep]) -> _Existence:
        """Return whether a mapping has something at a path: under a key of it, or under any key that it takes."""
        first_step, later_steps = steps[0], steps[1:]
        keys = _select_names(first_step, [key for key in field_mapping if key not in (ANY_KEY, OPEN_MAPPING)])
        if ANY_KEY in field_mapping:
            keys.append(ANY_KEY)
        if not keys:
            takes_any_key = field_mapping.get(OPEN_MAPPING, IGNORED_VERSION) != IGNORED_VERSION
            return _Existence.MAYBE if takes_any_key else _Existence.NO
        return max(self._allows_steps(field_mapping[key], later_steps) for key in keys)


def _has_first_step(fields: Any, step: UserPathStep) -> bool:
    """Whether settings have a key that a step leads to; those that are no mapping may have anything."""
    return not isinstance(fields, dict) or bool(_select_names(step, fields))


def _convert_to_verdict(existence: _Existence, why_not: str) -> PathVerdict:
    return {_Existence.NO: PathVerdict(why_not), _Existence.MAYBE: _MAY_EXIST, _Existence.YES: _EXISTS}[existence]


def _select_names(step: UserPathStep, names: Iterable[str]) -> list[str]:
    """Return the names that a step leads to."""
    if step.pattern is not None:
        return [name for name in names if step.pattern.match(name)]
    return [name for name in names if name == step.key]


def _read_type_step(step: UserPathStep) -> UserPathStep:
    """Return the step for the type of a component: `otlp` of the step `otlp/backend`."""
    kind, separator, _name = step.key.partition("/")
    if not separator:
        return step
    return UserPathStep(kind, read_wildcard(kind) if step.pattern else None)


def _suggest_setting(steps: list[UserPathStep], known_fields: Iterable[Any]) -> str:
    """Return the nearest name for the first setting of a path, if none is called so."""
    if not steps:
        return ""
    key = steps[0].key
    setting_names: set[str] = set()
    for fields in known_fields:
        if isinstance(fields, dict):
            setting_names.update(fields)
    return "" if not key or key in setting_names else suggest_word(key, sorted(setting_names))
