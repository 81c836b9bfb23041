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
from ..catalogue.field_grammar import ANY_KEY, ANY_VALUE, FORMS_OF_PAIRS, resolved
from ..catalogue.rows import IGNORED, OPEN, SECTIONS
from ..config.paths import ROLES
from ..errors import near
from ..traits import kind_of
from .user_paths import Step, Steps, wildcard_of

_SERVICE, _PIPELINES, _TELEMETRY = "service", "pipelines", ("service", "telemetry")
_OF_SERVICE = ("extensions", _PIPELINES, "telemetry")
# Letters of the catalogue for values with parts: lists and mappings. What may be both is a mapping of text that can
# be written as a list of names with values: headers.
_LIST, _MAPPING = "lm"


class _Has(IntEnum):
    """Whether settings have something at a path."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True)
class Verdict:
    """Why no config has a path, empty if one may; and whether the catalogue knows that one may."""

    why_not: str = ""
    is_certain: bool = True


_EXISTS, _MAY_EXIST = Verdict(), Verdict(is_certain=False)


@dataclass(frozen=True)
class KnownPaths:
    """The paths that any config may have, as far as a catalogue knows them."""

    catalogue: Catalogue

    @cached_property
    def types(self) -> Mapping[str, list[str]]:
        """The types of each section, under all their names."""
        types: dict[str, set[str]] = {name: set() for name in SECTIONS}
        for row in (*self.catalogue.components, *self.catalogue.removals):
            types[row["section"]].add(row["type"])
            if row.get("was"):
                types[row["section"]].add(row["was"])
        return {name: sorted(kinds) for name, kinds in types.items()}

    @cached_property
    def _settings(self) -> Mapping[tuple[str, str], list[Any]]:
        """The settings of each type, as every known version has them."""
        settings: dict[tuple[str, str], list[Any]] = {}
        for row in self.catalogue.fields_of:
            if "section" in row:
                settings.setdefault((row["section"], row["type"]), []).append(row["fields"])
        return settings

    def verdict(self, steps: Steps, types: Iterable[str] = ()) -> Verdict:
        """Return whether a config may have the path. `types` narrow the components of the path."""
        if not steps:
            return _EXISTS
        first, *rest = steps
        section_names = _met(first, (*SECTIONS, _SERVICE))
        if not section_names:
            return Verdict(f"no config has '{first.key}'{near(first.key, (*SECTIONS, _SERVICE))}")
        kinds = frozenset(kind_of(kind) for kind in types)
        verdicts = [self._below(name, rest, kinds) for name in section_names]
        for best in (_EXISTS, _MAY_EXIST):
            if best in verdicts:
                return best
        return verdicts[0]

    def _below(self, name: str, steps: list[Step], types: frozenset[str]) -> Verdict:
        if not steps:
            return _EXISTS
        return self._in_service(steps) if name == _SERVICE else self._in_section(name, steps, types)

    def _in_section(self, name: str, steps: list[Step], types: frozenset[str]) -> Verdict:
        """Return whether a component of a section may have a setting at a path; its first step is the component."""
        first, *rest = steps
        kinds = list(_met(_type_of(first), self.types[name]))
        if not kinds:
            nearest = near(first.key.partition("/")[0], self.types[name])
            return Verdict(f"no build has {name[:-1]} '{first.key}'{nearest}")
        if not rest:
            return _EXISTS
        if types:
            kinds = [kind for kind in kinds if kind_of(kind) in types]
        known_kinds = [kind for kind in kinds if self._settings_of(name, kind)]
        has = max((self._has_setting(name, kind, rest, first) for kind in known_kinds), default=_Has.MAYBE)
        nearest = _near_setting(rest, self._all_settings(name, kinds))
        return _as_verdict(has, f"no known component of {name} has this setting{nearest}")

    def _has_setting(self, name: str, kind: str, steps: list[Step], component: Step) -> _Has:
        """Whether a type has a setting. Of a type that takes any key, a path for many types is not meant."""
        versions = self._settings_of(name, kind)
        if steps and not component.is_key:
            versions = [fields for fields in versions if _has_first_step(fields, steps[0])]
        return max((self._allows(fields, steps) for fields in versions), default=_Has.NO)

    def _settings_of(self, name: str, kind: str) -> list[Any]:
        """Return the settings of a type, under its older or newer name, as every known version has them."""
        renamed = self.catalogue.rename(name, kind)
        return self._settings.get((name, renamed.new if renamed else kind), [])

    def _all_settings(self, name: str, kinds: list[str]) -> Iterator[Any]:
        for kind in kinds:
            yield from self._settings_of(name, kind)

    def _in_service(self, steps: list[Step]) -> Verdict:
        """Return whether `service` may have something at a path."""
        first, *rest = steps
        parts = _met(first, _OF_SERVICE)
        if not parts:
            return Verdict(f"`service` has no '{first.key}'{near(first.key, _OF_SERVICE)}")
        if _PIPELINES in parts:
            return self._in_pipelines(rest)
        if "telemetry" not in parts:
            return _EXISTS
        known = self._settings.get(_TELEMETRY, [])
        has = max((self._allows(fields, rest) for fields in known), default=_Has.MAYBE)
        return _as_verdict(has, f"`service.telemetry` has no such setting{_near_setting(rest, known)}")

    @staticmethod
    def _in_pipelines(steps: list[Step]) -> Verdict:
        """Return whether a pipeline may have something at a path; its first step is the pipeline, the second a role."""
        roles = tuple(ROLES)
        if len(steps) > 1 and not _met(steps[1], roles):
            wrong_role = steps[1].key
            return Verdict(f"a pipeline has no '{wrong_role}'{near(wrong_role, roles)}")
        return _EXISTS

    def _allows_letters(self, node: str, steps: list[Step]) -> _Has:
        """Return whether a value that the catalogue knows by letters alone has something at a path."""
        letters = node.partition("=")[0].partition("~")[0]
        may_be_list, may_be_mapping = _LIST in letters, _MAPPING in letters
        if may_be_list and may_be_mapping:
            return max(self._allows(form, steps) for form in FORMS_OF_PAIRS.values())
        return _Has.MAYBE if may_be_list or may_be_mapping else _Has.NO

    def _allows(self, node: Any, steps: list[Step]) -> _Has:
        """Return whether settings of the catalogue have something at a path."""
        node = resolved(node, self.catalogue.shared_fields)
        if not steps:
            return _Has.YES
        if node == ANY_VALUE:
            return _Has.MAYBE
        if isinstance(node, dict):
            return self._allows_key(node, steps)
        if isinstance(node, list):
            is_item = steps[0].is_any or steps[0].index is not None
            return self._allows(node[1], steps[1:]) if is_item else _Has.NO
        return self._allows_letters(node, steps)

    def _allows_key(self, node: Mapping[str, Any], steps: list[Step]) -> _Has:
        """Return whether a mapping has something at a path: under a key of it, or under any key that it takes."""
        first, below = steps[0], steps[1:]
        keys = _met(first, [key for key in node if key not in (ANY_KEY, OPEN)])
        if ANY_KEY in node:
            keys.append(ANY_KEY)
        if not keys:
            takes_any_key = node.get(OPEN, IGNORED) != IGNORED
            return _Has.MAYBE if takes_any_key else _Has.NO
        return max(self._allows(node[key], below) for key in keys)


def _has_first_step(fields: Any, step: Step) -> bool:
    """Whether settings have a key that a step leads to; those that are no mapping may have anything."""
    return not isinstance(fields, dict) or bool(_met(step, fields))


def _as_verdict(has: _Has, why_not: str) -> Verdict:
    return {_Has.NO: Verdict(why_not), _Has.MAYBE: _MAY_EXIST, _Has.YES: _EXISTS}[has]


def _met(step: Step, names: Iterable[str]) -> list[str]:
    """Return the names that a step leads to."""
    if step.pattern is not None:
        return [name for name in names if step.pattern.match(name)]
    return [name for name in names if name == step.key]


def _type_of(step: Step) -> Step:
    """Return what a step asks of the type of a component: what stands before the slash, if there is one."""
    kind, slash, _name = step.key.partition("/")
    if not slash:
        return step
    return Step(kind, wildcard_of(kind) if step.pattern else None)


def _near_setting(steps: list[Step], known: Iterable[Any]) -> str:
    """Return the nearest name for the first setting of a path, if none is called so."""
    if not steps:
        return ""
    key = steps[0].key
    names: set[str] = set()
    for fields in known:
        if isinstance(fields, dict):
            names.update(fields)
    return "" if not key or key in names else near(key, sorted(names))
