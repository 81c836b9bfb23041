# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rule of a user, made of its part of a file. Private.

user_rule_files.py makes a `RuleBuilder` for each rule of a file. It returns a `UserRule`, see user_rules.py. A part is
what stands at a path of the file, see user_rule_parts.py. To tell a fault is to add a line with its file and line to
the list that all parts share (`add_fault`); reading then goes on with an empty value. The order in which a rule is read
is the order in which its faults are told. Steps are a parsed path, see user_paths.py. A kind is a type without
underscores, see `kind_of` in traits.py. docs/own_rules.md describes the keys of a rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..catalogue.rows import SECTION_ORDER
from ..config.paths import value_at
from ..errors import Problem
from ..traits import kind_of
from .profiles import OFF, PROFILES
from .subject import SEVERITIES
from .user_conditions import CONDITION_NAMES, OPTIONAL_KEY, Conditions, UserCondition, is_optional, read_condition
from .user_path_check import KnownPaths
from .user_paths import SAME_PLACE, Steps, find_path_matches, parse_path_steps
from .user_rule_parts import MOST_ITEMS, RulePart
from .user_rule_when import read_when
from .user_rules import ALWAYS, Examples, Expression, PathConditions, UserRule, When

_NEEDED_KEYS = ("id", "severity", "path", "message", "fix")
# All keys of a rule. `unlisted: true` says that the rule is about types or settings that no catalogue lists, such as
# those of the user's own build; then types and paths are not checked.
RULE_KEYS = (
    *_NEEDED_KEYS,
    *("documentation", "profiles", "when", "types", "except_types", "where", "require", "expression", "unlisted"),
    "examples",
)
_EXAMPLE_KEYS = ("good", "bad")
# Words of small letters and digits with single dashes between them, such as `acme-tls12`.
_ID_PATTERN = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")

CompileExpression = Callable[[str], Expression]
"""Makes a function of the text of an expression. Raises Problem."""


class RuleBuildContext(NamedTuple):
    """What a rule is judged by: the ids it must not have, the paths that exist, and how to compile its expression."""

    reserved_ids: Collection[str]
    """The ids of the rules of this collection."""
    known_paths: KnownPaths
    compile_expression: CompileExpression


class _UncertainPath(NamedTuple):
    """A path of a rule that the catalogue neither has nor excludes, and the part that a fault is told of."""

    part: RulePart
    steps: Steps


@dataclass(frozen=True)
class RuleBuilder:
    """Makes a rule of its part of a document.

    `uncertain_paths` fills while the paths are read: those of which the catalogue does not know whether configs have
    them. The examples decide on them at the end.
    """

    part: RulePart
    surroundings: RuleBuildContext
    uncertain_paths: list[_UncertainPath] = field(default_factory=list)

    def build(self) -> UserRule | None:
        """Return the rule, or None if its part is no mapping; all faults are told.

        A rule with other faults is returned too, with empty values in their place. The caller drops it.
        """
        part = self.part
        part.check_keys(RULE_KEYS, _NEEDED_KEYS)
        if not isinstance(part.value, dict):
            return None
        self._check_unlisted()
        types, except_types = self._read_kinds("types"), self._read_kinds("except_types")
        steps = self._read_steps(part.at("path"), part.read_text_value("path"))
        rule = UserRule(
            id=self._read_id(),
            severity=part.read_word("severity", SEVERITIES),
            message=part.read_text_value("message"),
            fix=part.read_text_value("fix"),
            path=part.read_text_value("path"),
            steps=steps,
            position=part.position,
            documentation=part.read_text_value("documentation"),
            profiles=self._read_profiles(),
            when=self._read_when(),
            types=types,
            except_types=except_types,
            where=self._read_paths_with_conditions("where", steps, types),
            require=self._read_paths_with_conditions("require", steps, types),
            expression=self._read_expression(),
            examples=self._read_examples(),
        )
        if "require" not in part and "expression" not in part:
            part.add_fault("a rule has `require` or `expression`", "Say what must hold.")
        self._check_path(part.at("path"), steps, types)
        self._check_uncertain_paths(rule.examples)
        return rule

    def _read_id(self) -> str:
        rule_id = self.part.read_text_value("id")
        if rule_id and not _ID_PATTERN.match(rule_id):
            fix = "Write small letters, digits and dashes, such as `acme-tls`."
            self.part.at("id").add_fault(f"'{rule_id}' is not an id", fix)
        elif rule_id in self.surroundings.reserved_ids:
            fix = f"Rename it, such as `acme-{rule_id}`."
            self.part.at("id").add_fault(f"'{rule_id}' is the id of a rule of this collection", fix)
        return rule_id

    def _read_profiles(self) -> dict[str, str]:
        """Return the severities that a rule has in profiles."""
        if "profiles" not in self.part:
            return {}
        part = self.part.at("profiles")
        part.check_keys(tuple(PROFILES))
        return {name: part.read_word(name, (*SEVERITIES, OFF)) for name in PROFILES if name in part}

    def _read_when(self) -> When:
        """Return to which configs a rule applies; without `when`, it applies to all."""
        if "when" not in self.part:
            return ALWAYS
        known_paths = None if self._is_unlisted() else self.surroundings.known_paths
        return read_when(self.part.at("when"), known_paths)

    def _read_kinds(self, key: str) -> frozenset[str]:
        """Return the types of components at a key, `types` or `except_types`, as kinds."""
        return frozenset(kind_of(kind) for kind in self._read_types(key))

    def _read_types(self, key: str) -> tuple[str, ...]:
        """Return the types at a key; each must be a type of the section with which the path begins."""
        if key not in self.part:
            return ()
        section_name = str(value_at(self.part.value, ("path",))).partition(".")[0]
        known_types = self.surroundings.known_paths.types_by_section.get(section_name)
        if known_types is None:
            fix = f"Remove it, or begin the path with one of {', '.join(SECTION_ORDER)}."
            self.part.at(key).add_fault("types are those of components, and the path leads to none", fix)
            return ()
        return self.part.read_texts(key, () if self._is_unlisted() else known_types)

    def _is_unlisted(self) -> bool:
        """Whether the rule has `unlisted: true`: no list of types and settings can judge its path."""
        return value_at(self.part.value, ("unlisted",)) is True

    def _check_unlisted(self) -> None:
        if "unlisted" in self.part and not isinstance(self.part.value["unlisted"], bool):
            self.part.at("unlisted").add_fault("this must be true or false", "Write `true` or `false`.")

    def _check_path(self, part: RulePart, steps: Steps, types: Iterable[str]) -> None:
        """Tell a path that no config can have, and remember one of which the catalogue is not certain.

        `part` is where the fault is told, `types` narrow the components of the path; empty for all of the section.
        """
        if self._is_unlisted():
            return
        verdict = self.surroundings.known_paths.judge_path(steps, types)
        if verdict.obstacle:
            fix = "Correct the path. For a component or setting that only your build has, add `unlisted: true`."
            part.add_fault(f"the rule would never find anything: {verdict.obstacle}", fix)
        elif not verdict.is_certain:
            self.uncertain_paths.append(_UncertainPath(part, steps))

    def _check_uncertain_paths(self, examples: Examples) -> None:
        """Tell each uncertain path that no example has: otherwise nobody would notice a typing error in it."""
        configs = (*examples.good_configs, *examples.bad_configs)
        for part, steps in self.uncertain_paths:
            if not any(find_path_matches(config, steps) for config in configs):
                problem = "no list of settings reaches that deep, and no example of the rule has something at this path"
                part.add_fault(problem, "Correct the path, give an example that has it, or add `unlisted: true`.")

    def _read_steps(self, part: RulePart, path_text: str) -> Steps:
        try:
            return parse_path_steps(path_text) if path_text else ()
        except Problem as problem:
            part.add_fault(problem.wrong, problem.fix)
            return ()

    def _read_paths_with_conditions(self, key: str, steps: Steps, types: Iterable[str]) -> tuple[PathConditions, ...]:
        """Return the conditions at a key, `where` or `require`: each is a path below that of the rule, and conditions.

        `steps` and `types` are those of the rule.
        """
        if key not in self.part:
            return ()
        part = self.part.at(key)
        if not isinstance(part.value, dict) or not 0 < len(part.value) <= MOST_ITEMS:
            fix = (
                f"Write a path below `path`, or `{SAME_PLACE}`, and its conditions: `{{tls.insecure: {{differs:"
                " true}}`."
            )
            part.add_fault("this must be a mapping of paths to conditions", fix)
            return ()
        return tuple(
            self._read_path_with_conditions(part.at(path_text), str(path_text), steps, types)
            for path_text in part.value
        )

    def _read_path_with_conditions(
        self, part: RulePart, path_text: str, base_steps: Steps, types: Iterable[str]
    ) -> PathConditions:
        steps = self._read_steps(part, path_text)
        if steps:
            is_base_possible = not self.surroundings.known_paths.judge_path(base_steps, types).obstacle
            if is_base_possible:  # a base path that no config has is told already
                self._check_path(part, (*base_steps, *steps), types)
        return PathConditions(steps, self._read_conditions(part))

    def _read_conditions(self, part: RulePart) -> Conditions:
        """Return the conditions of a path, such as `{differs: true}`; wrong conditions are told and left out."""
        if not isinstance(part.value, dict) or not part.value:
            part.add_fault("this must be a mapping of conditions", f"Conditions: {', '.join(CONDITION_NAMES)}.")
            return Conditions(())
        conditions: list[UserCondition] = []
        is_missing_allowed = False
        for name, operand in part.value.items():
            try:
                if name == OPTIONAL_KEY:
                    is_missing_allowed = is_optional(operand)
                else:
                    conditions.append(read_condition(str(name), operand))
            except Problem as problem:
                part.at(name).add_fault(problem.wrong, problem.fix)
        return Conditions(tuple(conditions), is_missing_allowed)

    def _read_expression(self) -> Expression | None:
        expression_text = self.part.read_text_value("expression")
        if not expression_text:
            return None
        try:
            return self.surroundings.compile_expression(expression_text)
        except Problem as problem:
            self.part.at("expression").add_fault(problem.wrong, problem.fix)
            return None

    def _read_examples(self) -> Examples:
        """Return the configs in which a rule finds nothing, and those in which it finds something."""
        if "examples" not in self.part:
            return Examples()
        part = self.part.at("examples")
        part.check_keys(_EXAMPLE_KEYS)
        good, bad = (tuple(self._list_example_configs(part, kind)) for kind in _EXAMPLE_KEYS)
        return Examples(good, bad)

    @staticmethod
    def _list_example_configs(part: RulePart, kind: str) -> Iterator[Mapping[str, Any]]:
        for example_index, config in enumerate(part.read_list(kind)):
            if isinstance(config, dict):
                yield config
            else:
                part.at(kind, example_index).add_fault(
                    "an example is a config", "Write a mapping with `exporters` and so on."
                )
