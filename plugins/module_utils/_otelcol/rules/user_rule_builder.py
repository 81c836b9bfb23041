# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a rule of what a user wrote in a file, and reports every fault in it. Private.

user_rule_files.py calls `build_rule` for each rule of a file. For example, of this part of a file:

    - id: acme-tls
      severity: error
      path: exporters.*
      require: {tls.insecure: {differs: true}}
      message: "'{name}' sends in clear text"
      fix: Remove it.

it makes a `UserRule` with the steps of the paths `exporters.*` and `tls.insecure`, see user_rules.py. With
`severity: eror`, it reports this fault, and the severity is empty:

    r.yml:3:5 rules[0].severity: 'eror' is unknown here; did you mean 'error'? Use one of error, warning, info.

A part is what stands at a path of the file, see user_rule_parts.py. To report a fault is to add a line to the list that
all parts of the files share; reading goes on, so that one run shows all faults. They are reported in the order in which
a rule is read. docs/own_rules.md describes the keys of a rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..catalogue.rows import SECTION_ORDER
from ..config.paths import value_at
from ..errors import Problem
from ..traits import kind_of
from .findings import SEVERITIES
from .node_paths import Existence
from .profiles import OFF, PROFILES
from .user_conditions import CONDITION_NAMES, OPTIONAL_KEY, Conditions, UserCondition, is_optional, read_condition
from .user_path_check import KnownPaths
from .user_paths import SAME_PLACE, PathSteps, find_path_matches, parse_path_steps
from .user_rule_parts import MOST_ITEMS, RulePart
from .user_rule_when import read_when
from .user_rules import ALWAYS, Examples, Expression, PathConditions, UserRule, When

_NEEDED_KEYS = ("id", "severity", "path", "message", "fix")
# All keys of a rule. `unlisted: true` says that the rule is about types or settings that no catalogue lists, such as
# those of the user's own build; then types and paths are not checked.
RULE_KEYS = (
    *_NEEDED_KEYS,
    "documentation",
    "profiles",
    "when",
    "types",
    "except_types",
    "where",
    "require",
    "expression",
    "unlisted",
    "examples",
)
_EXAMPLE_KEYS = ("good", "bad")
# Words of small letters and digits with single dashes between them, such as `acme-tls12`.
_ID_PATTERN = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")

CompileExpression = Callable[[str], Expression]
"""Makes a function of the text of an expression. Raises Problem."""


class RuleBuildContext(NamedTuple):
    """What a rule is checked against."""

    reserved_ids: Collection[str]
    """The ids of the rules of this collection, which it must not have."""
    known_paths: KnownPaths
    """The paths that configs can have."""
    compile_expression: CompileExpression


def build_rule(part: RulePart, context: RuleBuildContext) -> UserRule | None:
    """Return the rule of a part, or None if the part is no mapping; all faults are reported to the part.

    A rule with other faults is returned too, with empty values in their place. The caller drops it.
    """
    part.check_keys(RULE_KEYS, _NEEDED_KEYS)
    if not isinstance(part.value, dict):
        return None
    return _RulePartReader(part, context).read()


class _CheckedPath(NamedTuple):
    """A path of a rule, and whether configs can have it."""

    part: RulePart
    """Where the rule has the path, for faults."""
    steps: PathSteps
    """From the root of a config on."""
    is_uncertain: bool
    """Whether the catalogue knows neither that configs have the path nor that they have not."""


class _ConditionedPath(NamedTuple):
    """A path of `where` or `require` with its conditions."""

    checked_path: _CheckedPath
    path_conditions: PathConditions


@dataclass(frozen=True)
class _RulePartReader:
    """Reads the part of a rule, a mapping; each method reads one of its keys, and reports faults to the part."""

    part: RulePart
    context: RuleBuildContext

    def read(self) -> UserRule:
        """Return the rule. The keys are read in the order in which their faults are reported."""
        part = self.part
        self._check_unlisted()
        types = self._read_kinds("types")
        except_types = self._read_kinds("except_types")
        path = part.read_text_value("path")
        steps = _read_steps(part.at("path"), path)
        rule_id = self._read_id()
        severity = part.read_word("severity", SEVERITIES)
        message = part.read_text_value("message")
        fix = part.read_text_value("fix")
        documentation = part.read_text_value("documentation")
        profiles = self._read_profiles()
        when = self._read_when()
        where = self._read_paths_with_conditions("where", steps, types)
        require = self._read_paths_with_conditions("require", steps, types)
        expression = self._read_expression()
        examples = self._read_examples()
        if "require" not in part and "expression" not in part:
            part.add_fault("a rule has `require` or `expression`", "Say what must hold.")
        nested_paths = [conditioned_path.checked_path for conditioned_path in (*where, *require)]
        # The path of the rule comes last: its faults stand behind those of the paths below it.
        rule_path = self._check_path(part.at("path"), steps, types)
        _check_uncertain_paths([*nested_paths, rule_path], examples)
        return UserRule(
            id=rule_id,
            severity=severity,
            message=message,
            fix=fix,
            path=path,
            steps=steps,
            position=part.position,
            documentation=documentation,
            profiles=profiles,
            when=when,
            types=types,
            except_types=except_types,
            where=tuple(conditioned_path.path_conditions for conditioned_path in where),
            require=tuple(conditioned_path.path_conditions for conditioned_path in require),
            expression=expression,
            examples=examples,
        )

    def _check_unlisted(self) -> None:
        """Report a value of `unlisted` that is neither true nor false."""
        if "unlisted" in self.part and not isinstance(self.part.value["unlisted"], bool):
            self.part.at("unlisted").add_fault("this must be true or false", "Write `true` or `false`.")

    def _is_unlisted(self) -> bool:
        """Whether the rule has `unlisted: true`: no list of types and settings can judge its path."""
        return value_at(self.part.value, ("unlisted",)) is True

    def _read_id(self) -> str:
        """Return the id, which no rule of this collection may have."""
        rule_id = self.part.read_text_value("id")
        if rule_id and not _ID_PATTERN.match(rule_id):
            fix = "Write small letters, digits and dashes, such as `acme-tls`."
            self.part.at("id").add_fault(f"'{rule_id}' is not an id", fix)
        elif rule_id in self.context.reserved_ids:
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
        known_paths = None if self._is_unlisted() else self.context.known_paths
        return read_when(self.part.at("when"), known_paths)

    def _read_kinds(self, key: str) -> frozenset[str]:
        """Return the types of components at a key, `types` or `except_types`, as kinds: without underscores."""
        return frozenset(kind_of(type_name) for type_name in self._read_types(key))

    def _read_types(self, key: str) -> tuple[str, ...]:
        """Return the types at a key; each must be a type of the section with which the path begins."""
        if key not in self.part:
            return ()
        section_name = str(value_at(self.part.value, ("path",))).partition(".")[0]
        known_types = self.context.known_paths.types_by_section.get(section_name)
        if known_types is None:
            fix = f"Remove it, or begin the path with one of {', '.join(SECTION_ORDER)}."
            self.part.at(key).add_fault("types are those of components, and the path leads to none", fix)
            return ()
        return self.part.read_texts(key, () if self._is_unlisted() else known_types)

    def _check_path(self, part: RulePart, steps: PathSteps, types: Iterable[str]) -> _CheckedPath:
        """Return whether configs can have a path, and report to its part if they cannot.

        `types` narrow the components of the path; empty for all of the section.
        """
        if self._is_unlisted():
            return _CheckedPath(part, steps, is_uncertain=False)
        path_check = self.context.known_paths.check_path(steps, types)
        if path_check.existence is Existence.NO:
            fix = "Correct the path. For a component or setting that only your build has, add `unlisted: true`."
            part.add_fault(f"the rule would never find anything: {path_check.why_not}", fix)
        return _CheckedPath(part, steps, is_uncertain=path_check.existence is Existence.MAYBE)

    def _read_paths_with_conditions(self, key: str, steps: PathSteps, types: Iterable[str]) -> list[_ConditionedPath]:
        """Return the conditions at a key, `where` or `require`, by paths below that of the rule.

        `steps` and `types` are those of the rule.
        """
        if key not in self.part:
            return []
        part = self.part.at(key)
        if not isinstance(part.value, dict) or not 0 < len(part.value) <= MOST_ITEMS:
            example = "`{tls.insecure: {differs: true}}`"
            fix = f"Write a path below `path`, or `{SAME_PLACE}`, and its conditions: {example}."
            part.add_fault("this must be a mapping of paths to conditions", fix)
            return []
        return [
            self._read_path_with_conditions(part.at(path_text), str(path_text), steps, types)
            for path_text in part.value
        ]

    def _read_path_with_conditions(
        self, part: RulePart, path_text: str, base_steps: PathSteps, types: Iterable[str]
    ) -> _ConditionedPath:
        """Return a path below that of the rule, whose steps are `base_steps`, with the conditions in its part."""
        steps = _read_steps(part, path_text)
        checked_path = _CheckedPath(part, (*base_steps, *steps), is_uncertain=False)
        if steps:
            base_check = self.context.known_paths.check_path(base_steps, types)
            if base_check.existence is not Existence.NO:  # `read` reports a base path that no config has
                checked_path = self._check_path(part, (*base_steps, *steps), types)
        return _ConditionedPath(checked_path, PathConditions(steps, _read_conditions(part)))

    def _read_expression(self) -> Expression | None:
        """Return the compiled expression; None if the rule has none."""
        expression_text = self.part.read_text_value("expression")
        if not expression_text:
            return None
        try:
            return self.context.compile_expression(expression_text)
        except Problem as problem:
            self.part.at("expression").add_fault(problem.wrong, problem.fix)
            return None

    def _read_examples(self) -> Examples:
        """Return the configs in which a rule finds nothing, and those in which it finds something."""
        if "examples" not in self.part:
            return Examples()
        part = self.part.at("examples")
        part.check_keys(_EXAMPLE_KEYS)
        return Examples(
            good_configs=_read_example_configs(part, "good"),
            bad_configs=_read_example_configs(part, "bad"),
        )


def _read_steps(part: RulePart, path_text: str) -> PathSteps:
    """Return the steps of a path; none for an empty text, and for one that is no path, which is reported."""
    try:
        return parse_path_steps(path_text) if path_text else ()
    except Problem as problem:
        part.add_fault(problem.wrong, problem.fix)
        return ()


def _read_conditions(part: RulePart) -> Conditions:
    """Return the conditions of a path, such as `{differs: true}`; wrong ones are reported and left out."""
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


def _read_example_configs(part: RulePart, kind: str) -> tuple[Mapping[str, Any], ...]:
    """Return the configs in the list of good or bad examples; other values are reported and left out."""
    configs: list[Mapping[str, Any]] = []
    for example_index, config in enumerate(part.read_list(kind)):
        if isinstance(config, dict):
            configs.append(config)
        else:
            fix = "Write a mapping with `exporters` and so on."
            part.at(kind, example_index).add_fault("an example is a config", fix)
    return tuple(configs)


def _check_uncertain_paths(checked_paths: Iterable[_CheckedPath], examples: Examples) -> None:
    """Report each uncertain path that no example has: otherwise nobody would notice a typing error in it."""
    configs = (*examples.good_configs, *examples.bad_configs)
    for checked_path in checked_paths:
        if not checked_path.is_uncertain:
            continue
        if not any(find_path_matches(config, checked_path.steps) for config in configs):
            problem = "no list of settings reaches that deep, and no example of the rule has something at this path"
            fix = "Correct the path, give an example that has it, or add `unlisted: true`."
            checked_path.part.add_fault(problem, fix)
