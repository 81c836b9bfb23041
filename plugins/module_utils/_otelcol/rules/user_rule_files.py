# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' own rules out of YAML files, with every fault of the files. Private.

A file has `rules`, a list. Each fault is told with file, line, what is wrong and what to do. The pure part: who calls
brings the documents, the ids that are taken, the paths that exist, and what makes a function of an expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ..catalogue.rows import SECTIONS
from ..catalogue.version_ranges import parse_ranges
from ..config.paths import Path, Position, format_path, value_at
from ..errors import Problem, join_at_most, suggest_word
from ..traits import kind_of
from ..yaml.yaml_documents import Document
from .profiles import OFF, PROFILES
from .report_model import format_count
from .structure import SIGNALS
from .subject import SEVERITIES
from .user_conditions import CONDITION_NAMES, OPTIONAL_KEY, Condition, Conditions, is_optional, read_condition
from .user_path_check import KnownPaths
from .user_paths import SAME_PLACE, Steps, find_path_matches, parse_path_steps
from .user_rules import ALWAYS, Examples, Expression, PathConditions, UserRule, UserRules, When, find_broken_examples

MOST_RULES = 500
_MOST_SHOWN_FAULTS = 20  # faults in one message
_MOST_ITEMS, _LONGEST_TEXT = 1_000, 1_000  # of a list, a text
FILE_KEYS = ("rules",)
NEEDED_KEYS = ("id", "severity", "path", "message", "fix")
RULE_KEYS = (
    *NEEDED_KEYS,
    *("documentation", "profiles", "when", "types", "except_types", "where", "require", "expression", "unlisted"),
    "examples",
)
WHEN_KEYS = ("modes", "distributions", "versions", "components", "pipelines")
DEPLOYMENT_MODES = ("daemonset", "deployment", "sidecar", "statefulset")
EXAMPLE_KEYS = ("good", "bad")
_ID_PATTERN = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
_VERSION = r"\d{1,4}\.\d{1,4}\.\d{1,4}"
_VERSIONS = re.compile(rf"{_VERSION}\.\.(?:{_VERSION})?(?: {_VERSION}\.\.(?:{_VERSION})?)*\Z", re.ASCII)
_FIX_OF_VERSIONS = "Write `0.110.0..` for this one and later ones, `0.110.0..0.150.0` for those before 0.150.0."

CompileExpression = Callable[[str], Expression]


@dataclass
class RuleReader:
    """Reads rules of documents, and keeps the faults of all of them."""

    taken: Collection[str]
    known: KnownPaths
    compiled: CompileExpression
    faults: list[str] = field(default_factory=list)
    rules: dict[str, UserRule] = field(default_factory=dict)

    def read(self, document: Document, file: str) -> None:
        """Add the rules of a document."""
        file_part = _DocumentPart(self, document, file, ())
        file_part.check_keys(FILE_KEYS, ("rules",))
        for key, duplicate_position in document.duplicates:
            self.faults.append(f"{duplicate_position} {format_path(key)}: this key stands twice. Remove one.")
        for rule_index, _rule in enumerate(file_part.listed("rules")):
            self._add_rule(file_part.at("rules", rule_index))

    def _add_rule(self, part: _DocumentPart) -> None:
        """Add the rule of a part, unless it has faults."""
        faults_before = len(self.faults)
        rule = _RuleBuilder(part).rule()
        if rule is None or len(self.faults) > faults_before:
            return
        same_id_rule = self.rules.get(rule.id)
        if same_id_rule:
            part.at("id").fault(
                f"there are two rules '{rule.id}', the other one at {same_id_rule.position}", "Rename one."
            )
        self.rules[rule.id] = rule
        if len(self.rules) > MOST_RULES:
            raise Problem(f"there are more than {MOST_RULES} rules", where=str(part.position), fix="Remove some.")
        for path, why in find_broken_examples(rule):
            part.at("examples", *path).fault(f"rule '{rule.id}': {why}", "Correct the rule or the example.")

    def result(self) -> UserRules:
        """Return all rules. Raises Problem with all faults, if there are any."""
        if self.faults:
            lines = join_at_most(_MOST_SHOWN_FAULTS, (f"\n  {fault}" for fault in self.faults), "", "\n  ")
            headline = f"{format_count(len(self.faults), 'fault')} in your own rules, nothing was checked"
            raise Problem(lines, asked=headline)
        return UserRules(tuple(self.rules.values()))


@dataclass(frozen=True)
class _DocumentPart:
    """A part of a document with rules, whose faults are told with its place."""

    reader: RuleReader
    document: Document
    file: str
    path: Path

    @property
    def value(self) -> Any:
        return value_at(self.document.data, self.path)

    @property
    def position(self) -> Position:
        """The place of the part, or of what it is missing in."""
        for depth in range(len(self.path), 0, -1):
            position = self.document.positions.get(self.path[:depth])
            if position:
                return position
        return Position(self.file)

    def at(self, *path: str | int) -> _DocumentPart:
        return _DocumentPart(self.reader, self.document, self.file, (*self.path, *path))

    def fault(self, problem: str, fix: str) -> None:
        """Keep a fault of this part."""
        self.reader.faults.append(str(Problem(f"{self.position} {format_path(self.path)}: {problem}", fix=fix)))

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def check_keys(self, allowed_keys: Sequence[str], needed_keys: Sequence[str] = ()) -> None:
        """Tell keys that nobody knows or that are missing, and what is no mapping."""
        value = self.value
        if not isinstance(value, dict):
            self.fault("this must be a mapping", f"Its keys: {', '.join(allowed_keys)}.")
            return
        for key in value:
            if key not in allowed_keys:
                self.at(key).fault(
                    f"there is no key '{key}'{suggest_word(str(key), allowed_keys)}",
                    f"Keys: {', '.join(allowed_keys)}.",
                )
        for key in needed_keys:
            if key not in value:
                self.fault(f"`{key}` is missing", f"Add `{key}`.")

    def listed(self, key: str) -> list[Any]:
        """Return the list at a key; an empty one if there is none, which is told unless the key is missing."""
        if key not in self:
            return []
        value = self.value[key]
        if not isinstance(value, list) or not 0 < len(value) <= _MOST_ITEMS:
            self.at(key).fault(f"this must be a list of 1 to {_MOST_ITEMS} items", "Write a list.")
            return []
        return value

    def text(self, key: str) -> str:
        """Return the text at a key; an empty one if there is none, which is told unless the key is missing."""
        if key not in self:
            return ""
        value = self.value[key]
        if not isinstance(value, str) or not 0 < len(value.strip()) <= _LONGEST_TEXT:
            self.at(key).fault(f"this must be a text of 1 to {_LONGEST_TEXT} characters", "Write a text.")
            return ""
        return value

    def texts(self, key: str, allowed_texts: Collection[str] = ()) -> tuple[str, ...]:
        """Return the texts of a list, each of which is one of the known ones, if there are any."""
        texts: list[str] = []
        for text_index, text in enumerate(self.listed(key)):
            if not isinstance(text, str) or not text:
                self.at(key, text_index).fault("this must be a text", "Write a text.")
            elif allowed_texts and text not in allowed_texts:
                fix = (
                    f"Use one of {', '.join(allowed_texts)}."
                    if len(allowed_texts) < _MOST_SHOWN_FAULTS
                    else "Correct it."
                )
                self.at(key, text_index).fault(f"'{text}' is unknown here{suggest_word(text, allowed_texts)}", fix)
            else:
                texts.append(text)
        return tuple(texts)

    def word(self, key: str, allowed_words: Sequence[str]) -> str:
        """Return the text at a key, which is one of the known ones."""
        value = self.text(key)
        if value and value not in allowed_words:
            self.at(key).fault(
                f"'{value}' is unknown here{suggest_word(value, allowed_words)}",
                f"Use one of {', '.join(allowed_words)}.",
            )
            return ""
        return value


@dataclass(frozen=True)
class _RuleBuilder:
    """A rule in the making."""

    part: _DocumentPart
    uncertain: list[tuple[_DocumentPart, Steps]] = field(default_factory=list)
    """Paths of which the catalogue does not know whether configs have them."""

    def rule(self) -> UserRule | None:
        """Return the rule; None if it has faults, which are told."""
        part = self.part
        part.check_keys(RULE_KEYS, NEEDED_KEYS)
        if not isinstance(part.value, dict):
            return None
        self._check_unlisted()
        types, except_types = self._read_kinds("types"), self._read_kinds("except_types")
        steps = self._read_steps(part.at("path"), part.text("path"))
        rule = UserRule(
            id=self._read_id(),
            severity=part.word("severity", SEVERITIES),
            message=part.text("message"),
            fix=part.text("fix"),
            path=part.text("path"),
            steps=steps,
            position=part.position,
            documentation=part.text("documentation"),
            profiles=self._read_profiles(),
            when=self._read_when(),
            types=types,
            except_types=except_types,
            where=self._read_looks("where", steps, types),
            require=self._read_looks("require", steps, types),
            expression=self._read_expression(),
            examples=self._read_examples(),
        )
        if "require" not in part and "expression" not in part:
            part.fault("a rule has `require` or `expression`", "Say what must hold.")
        self._check_path(part.at("path"), steps, types)
        self._check_uncertain(rule.examples)
        return rule

    def _read_id(self) -> str:
        rule_id = self.part.text("id")
        if rule_id and not _ID_PATTERN.match(rule_id):
            fix = "Write small letters, digits and dashes, such as `acme-tls`."
            self.part.at("id").fault(f"'{rule_id}' is not an id", fix)
        elif rule_id in self.part.reader.taken:
            fix = f"Rename it, such as `acme-{rule_id}`."
            self.part.at("id").fault(f"'{rule_id}' is the id of a rule of this collection", fix)
        return rule_id

    def _read_profiles(self) -> dict[str, str]:
        """Return the severities that a rule has in profiles."""
        if "profiles" not in self.part:
            return {}
        part = self.part.at("profiles")
        part.check_keys(tuple(PROFILES))
        return {name: part.word(name, (*SEVERITIES, OFF)) for name in PROFILES if name in part}

    def _read_when(self) -> When:
        """Return to which configs a rule applies."""
        if "when" not in self.part:
            return ALWAYS
        part = self.part.at("when")
        part.check_keys(WHEN_KEYS)
        components = self._read_components(part)
        distributions = () if self._is_unlisted() else part.reader.known.catalogue.distributions
        return When(
            modes=part.texts("modes", DEPLOYMENT_MODES),
            distributions=part.texts("distributions", distributions),
            versions=self._read_version_range(part),
            components=components,
            pipelines=self._read_pipelines(part),
        )

    def _read_components(self, part: _DocumentPart) -> tuple[tuple[str, str], ...]:
        """Return section and kind of each component that `when.components` names, such as `exporters.otlp`."""
        if "components" not in part:
            return ()
        components: list[tuple[str, str]] = []
        for text in part.texts("components", self._list_all_types()):
            section_name, _dot, kind = text.partition(".")
            components.append((section_name, kind_of(kind)))
        return tuple(components)

    def _read_version_range(self, part: _DocumentPart) -> str:
        """Return the range of versions of `when`, of which each part has a version in it."""
        versions = part.text("versions")
        if not versions:
            return ""
        if not _VERSIONS.match(versions):
            part.at("versions").fault(f"'{versions}' is no range of versions", _FIX_OF_VERSIONS)
            return ""
        for since, before in parse_ranges(versions):
            if before and before <= since:
                part.at("versions").fault(
                    f"no version is in '{versions}': its end is not behind its begin", _FIX_OF_VERSIONS
                )
        return versions

    def _read_pipelines(self, part: _DocumentPart) -> tuple[str, ...]:
        """Return the names of pipelines, each of which may be one of a signal."""
        names = part.texts("pipelines")
        for pipeline_index, name in enumerate(names):
            signal = name.partition("/")[0]
            if not any(fnmatchcase(known_signal, signal) for known_signal in SIGNALS):
                fix = f"A name begins with one of {', '.join(SIGNALS)}; `*` in it is any text."
                part.at("pipelines", pipeline_index).fault(
                    f"no pipeline is called '{name}'{suggest_word(signal, SIGNALS)}", fix
                )
        return names

    def _list_all_types(self) -> Collection[str]:
        """Return what `when.components` may name; anything for a rule about what is in no list."""
        if self._is_unlisted():
            return ()
        types = self.part.reader.known.types
        return [f"{section_name}.{kind}" for section_name in SECTIONS for kind in types[section_name]]

    def _read_kinds(self, key: str) -> frozenset[str]:
        """Return the types of components at a key, as kinds."""
        return frozenset(kind_of(kind) for kind in self._read_types(key))

    def _read_types(self, key: str) -> tuple[str, ...]:
        """Return the types at a key, which are those of the section with which the path begins."""
        if key not in self.part:
            return ()
        section_name = str(value_at(self.part.value, ("path",))).partition(".")[0]
        known_types = self.part.reader.known.types.get(section_name)
        if known_types is None:
            fix = f"Remove it, or begin the path with one of {', '.join(SECTIONS)}."
            self.part.at(key).fault("types are those of components, and the path leads to none", fix)
            return ()
        return self.part.texts(key, () if self._is_unlisted() else known_types)

    def _is_unlisted(self) -> bool:
        """Whether the rule is about what is in no list of types and settings."""
        return value_at(self.part.value, ("unlisted",)) is True

    def _check_unlisted(self) -> None:
        if "unlisted" in self.part and not isinstance(self.part.value["unlisted"], bool):
            self.part.at("unlisted").fault("this must be true or false", "Write `true` or `false`.")

    def _check_path(self, part: _DocumentPart, steps: Steps, types: Iterable[str]) -> None:
        """Tell a path that no config has."""
        if self._is_unlisted():
            return
        verdict = part.reader.known.verdict(steps, types)
        if verdict.why_not:
            fix = "Correct the path. For a component or setting that only your build has, add `unlisted: true`."
            part.fault(f"the rule would never find anything: {verdict.why_not}", fix)
        elif not verdict.is_certain:
            self.uncertain.append((part, steps))

    def _check_uncertain(self, examples: Examples) -> None:
        """Tell a path that neither the catalogue nor an example has: nobody would notice a slip in it."""
        configs = (*examples.good, *examples.bad)
        for part, steps in self.uncertain:
            if not any(find_path_matches(config, steps) for config in configs):
                problem = "no list of settings reaches that deep, and no example of the rule has something at this path"
                part.fault(problem, "Correct the path, give an example that has it, or add `unlisted: true`.")

    def _read_steps(self, part: _DocumentPart, path_text: str) -> Steps:
        try:
            return parse_path_steps(path_text) if path_text else ()
        except Problem as problem:
            part.fault(problem.wrong, problem.fix)
            return ()

    def _read_looks(self, key: str, steps: Steps, types: Iterable[str]) -> tuple[PathConditions, ...]:
        """Return what a rule asks at a key: a path below the rule's, with conditions, each."""
        if key not in self.part:
            return ()
        part = self.part.at(key)
        if not isinstance(part.value, dict) or not 0 < len(part.value) <= _MOST_ITEMS:
            fix = (
                f"Write a path below `path`, or `{SAME_PLACE}`, and its conditions: `{{tls.insecure: {{differs:"
                " true}}`."
            )
            part.fault("this must be a mapping of paths to conditions", fix)
            return ()
        return tuple(self._read_look(part.at(path_text), str(path_text), steps, types) for path_text in part.value)

    def _read_look(
        self, part: _DocumentPart, path_text: str, base_steps: Steps, types: Iterable[str]
    ) -> PathConditions:
        steps = self._read_steps(part, path_text)
        if steps:
            is_base_possible = not self.part.reader.known.verdict(base_steps, types).why_not
            if is_base_possible:  # else that is the fault
                self._check_path(part, (*base_steps, *steps), types)
        return PathConditions(steps, self._read_conditions(part))

    def _read_conditions(self, part: _DocumentPart) -> Conditions:
        """Return the conditions of a path; those that are wrong are told, and left out."""
        if not isinstance(part.value, dict) or not part.value:
            part.fault("this must be a mapping of conditions", f"Conditions: {', '.join(CONDITION_NAMES)}.")
            return Conditions(())
        conditions: list[Condition] = []
        is_missing_allowed = False
        for name, operand in part.value.items():
            try:
                if name == OPTIONAL_KEY:
                    is_missing_allowed = is_optional(operand)
                else:
                    conditions.append(read_condition(str(name), operand))
            except Problem as problem:
                part.at(name).fault(problem.wrong, problem.fix)
        return Conditions(tuple(conditions), is_missing_allowed)

    def _read_expression(self) -> Expression | None:
        expression_text = self.part.text("expression")
        if not expression_text:
            return None
        try:
            return self.part.reader.compiled(expression_text)
        except Problem as problem:
            self.part.at("expression").fault(problem.wrong, problem.fix)
            return None

    def _read_examples(self) -> Examples:
        """Return the configs in which a rule finds nothing, and those in which it finds something."""
        if "examples" not in self.part:
            return Examples()
        part = self.part.at("examples")
        part.check_keys(EXAMPLE_KEYS)
        good, bad = (tuple(self._list_example_configs(part, kind)) for kind in EXAMPLE_KEYS)
        return Examples(good, bad)

    @staticmethod
    def _list_example_configs(part: _DocumentPart, kind: str) -> Iterator[Mapping[str, Any]]:
        for example_index, config in enumerate(part.listed(kind)):
            if isinstance(config, dict):
                yield config
            else:
                part.at(kind, example_index).fault(
                    "an example is a config", "Write a mapping with `exporters` and so on."
                )
