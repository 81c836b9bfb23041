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
from ..catalogue.version_ranges import ranges_of
from ..config.paths import Path, Position, at, dotted
from ..errors import Problem, at_most, near
from ..traits import kind_of
from ..yaml.yaml_documents import Document
from .profiles import OFF, PROFILES
from .report_model import count_in_words
from .structure import SIGNALS
from .subject import SEVERITIES
from .user_conditions import NAMES, OPTIONAL, Condition, Conditions, is_optional, read_condition
from .user_path_check import KnownPaths
from .user_paths import HERE, Steps, path_matches, steps_of
from .user_rules import ALWAYS, Examples, Expression, Look, UserRule, UserRules, When, broken_examples

MOST_RULES = 500
_MOST_SHOWN = 20  # faults in one message
_MOST_ITEMS, _LONGEST = 1_000, 1_000  # of a list, a text
FILE = ("rules",)
NEEDED = ("id", "severity", "path", "message", "fix")
RULE = (
    *NEEDED,
    *("documentation", "profiles", "when", "types", "except_types", "where", "require", "expression", "unlisted"),
    "examples",
)
WHEN = ("modes", "distributions", "versions", "components", "pipelines")
MODES = ("daemonset", "deployment", "sidecar", "statefulset")
EXAMPLES = ("good", "bad")
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
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
        of_file = _Part(self, document, file, ())
        of_file.check_keys(FILE, ("rules",))
        for key, place in document.duplicates:
            self.faults.append(f"{place} {dotted(key)}: this key stands twice. Remove one.")
        for number, _rule in enumerate(of_file.listed("rules")):
            self._add(of_file.at("rules", number))

    def _add(self, part: _Part) -> None:
        """Add the rule of a part, unless it has faults."""
        faults_before = len(self.faults)
        rule = _RuleOf(part).rule()
        if rule is None or len(self.faults) > faults_before:
            return
        other = self.rules.get(rule.id)
        if other:
            part.at("id").fault(f"there are two rules '{rule.id}', the other one at {other.position}", "Rename one.")
        self.rules[rule.id] = rule
        if len(self.rules) > MOST_RULES:
            raise Problem(f"there are more than {MOST_RULES} rules", where=str(part.position), fix="Remove some.")
        for path, why in broken_examples(rule):
            part.at("examples", *path).fault(f"rule '{rule.id}': {why}", "Correct the rule or the example.")

    def result(self) -> UserRules:
        """Return all rules. Raises Problem with all faults, if there are any."""
        if self.faults:
            lines = at_most(_MOST_SHOWN, (f"\n  {fault}" for fault in self.faults), "", "\n  ")
            asked = f"{count_in_words(len(self.faults), 'fault')} in your own rules, nothing was checked"
            raise Problem(lines, asked=asked)
        return UserRules(tuple(self.rules.values()))


@dataclass(frozen=True)
class _Part:
    """A part of a document with rules, whose faults are told with its place."""

    reader: RuleReader
    document: Document
    file: str
    path: Path

    @property
    def value(self) -> Any:
        return at(self.document.data, self.path)

    @property
    def position(self) -> Position:
        """The place of the part, or of what it is missing in."""
        for end in range(len(self.path), 0, -1):
            position = self.document.positions.get(self.path[:end])
            if position:
                return position
        return Position(self.file)

    def at(self, *path: str | int) -> _Part:
        return _Part(self.reader, self.document, self.file, (*self.path, *path))

    def fault(self, wrong: str, fix: str) -> None:
        """Keep a fault of this part."""
        self.reader.faults.append(str(Problem(f"{self.position} {dotted(self.path)}: {wrong}", fix=fix)))

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def check_keys(self, known: Sequence[str], needed: Sequence[str] = ()) -> None:
        """Tell keys that nobody knows or that are missing, and what is no mapping."""
        value = self.value
        if not isinstance(value, dict):
            self.fault("this must be a mapping", f"Its keys: {', '.join(known)}.")
            return
        for key in value:
            if key not in known:
                self.at(key).fault(f"there is no key '{key}'{near(str(key), known)}", f"Keys: {', '.join(known)}.")
        for key in needed:
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
        if not isinstance(value, str) or not 0 < len(value.strip()) <= _LONGEST:
            self.at(key).fault(f"this must be a text of 1 to {_LONGEST} characters", "Write a text.")
            return ""
        return value

    def texts(self, key: str, known: Collection[str] = ()) -> tuple[str, ...]:
        """Return the texts of a list, each of which is one of the known ones, if there are any."""
        texts: list[str] = []
        for number, text in enumerate(self.listed(key)):
            if not isinstance(text, str) or not text:
                self.at(key, number).fault("this must be a text", "Write a text.")
            elif known and text not in known:
                fix = f"Use one of {', '.join(known)}." if len(known) < _MOST_SHOWN else "Correct it."
                self.at(key, number).fault(f"'{text}' is unknown here{near(text, known)}", fix)
            else:
                texts.append(text)
        return tuple(texts)

    def word(self, key: str, known: Sequence[str]) -> str:
        """Return the text at a key, which is one of the known ones."""
        value = self.text(key)
        if value and value not in known:
            self.at(key).fault(f"'{value}' is unknown here{near(value, known)}", f"Use one of {', '.join(known)}.")
            return ""
        return value


@dataclass(frozen=True)
class _RuleOf:
    """A rule in the making."""

    part: _Part
    uncertain: list[tuple[_Part, Steps]] = field(default_factory=list)
    """Paths of which the catalogue does not know whether configs have them."""

    def rule(self) -> UserRule | None:
        """Return the rule; None if it has faults, which are told."""
        part = self.part
        part.check_keys(RULE, NEEDED)
        if not isinstance(part.value, dict):
            return None
        self._check_unlisted()
        types, except_types = self._kinds("types"), self._kinds("except_types")
        steps = self._steps(part.at("path"), part.text("path"))
        rule = UserRule(
            id=self._id(),
            severity=part.word("severity", SEVERITIES),
            message=part.text("message"),
            fix=part.text("fix"),
            path=part.text("path"),
            steps=steps,
            position=part.position,
            documentation=part.text("documentation"),
            profiles=self._profiles(),
            when=self._when(),
            types=types,
            except_types=except_types,
            where=self._looks("where", steps, types),
            require=self._looks("require", steps, types),
            expression=self._expression(),
            examples=self._examples(),
        )
        if "require" not in part and "expression" not in part:
            part.fault("a rule has `require` or `expression`", "Say what must hold.")
        self._check_path(part.at("path"), steps, types)
        self._check_uncertain(rule.examples)
        return rule

    def _id(self) -> str:
        name = self.part.text("id")
        if name and not _ID.match(name):
            fix = "Write small letters, digits and dashes, such as `acme-tls`."
            self.part.at("id").fault(f"'{name}' is not an id", fix)
        elif name in self.part.reader.taken:
            fix = f"Rename it, such as `acme-{name}`."
            self.part.at("id").fault(f"'{name}' is the id of a rule of this collection", fix)
        return name

    def _profiles(self) -> dict[str, str]:
        """Return the severities that a rule has in profiles."""
        if "profiles" not in self.part:
            return {}
        part = self.part.at("profiles")
        part.check_keys(tuple(PROFILES))
        return {name: part.word(name, (*SEVERITIES, OFF)) for name in PROFILES if name in part}

    def _when(self) -> When:
        """Return to which configs a rule applies."""
        if "when" not in self.part:
            return ALWAYS
        part = self.part.at("when")
        part.check_keys(WHEN)
        components = self._components(part)
        distributions = () if self._is_unlisted() else part.reader.known.catalogue.distributions
        return When(
            modes=part.texts("modes", MODES),
            distributions=part.texts("distributions", distributions),
            versions=self._versions(part),
            components=components,
            pipelines=self._pipelines(part),
        )

    def _components(self, part: _Part) -> tuple[tuple[str, str], ...]:
        """Return section and kind of each component that `when.components` names, such as `exporters.otlp`."""
        if "components" not in part:
            return ()
        components: list[tuple[str, str]] = []
        for text in part.texts("components", self._all_types()):
            name, _dot, kind = text.partition(".")
            components.append((name, kind_of(kind)))
        return tuple(components)

    def _versions(self, part: _Part) -> str:
        """Return the range of versions of `when`, of which each part has a version in it."""
        versions = part.text("versions")
        if not versions:
            return ""
        if not _VERSIONS.match(versions):
            part.at("versions").fault(f"'{versions}' is no range of versions", _FIX_OF_VERSIONS)
            return ""
        for since, before in ranges_of(versions):
            if before and before <= since:
                part.at("versions").fault(
                    f"no version is in '{versions}': its end is not behind its begin", _FIX_OF_VERSIONS
                )
        return versions

    def _pipelines(self, part: _Part) -> tuple[str, ...]:
        """Return the names of pipelines, each of which may be one of a signal."""
        names = part.texts("pipelines")
        for number, name in enumerate(names):
            signal = name.partition("/")[0]
            if not any(fnmatchcase(known, signal) for known in SIGNALS):
                fix = f"A name begins with one of {', '.join(SIGNALS)}; `*` in it is any text."
                part.at("pipelines", number).fault(f"no pipeline is called '{name}'{near(signal, SIGNALS)}", fix)
        return names

    def _all_types(self) -> Collection[str]:
        """Return what `when.components` may name; anything for a rule about what is in no list."""
        if self._is_unlisted():
            return ()
        types = self.part.reader.known.types
        return [f"{name}.{kind}" for name in SECTIONS for kind in types[name]]

    def _kinds(self, key: str) -> frozenset[str]:
        """Return the types of components at a key, as kinds."""
        return frozenset(kind_of(kind) for kind in self._types(key))

    def _types(self, key: str) -> tuple[str, ...]:
        """Return the types at a key, which are those of the section with which the path begins."""
        if key not in self.part:
            return ()
        name = str(at(self.part.value, ("path",))).partition(".")[0]
        known = self.part.reader.known.types.get(name)
        if known is None:
            fix = f"Remove it, or begin the path with one of {', '.join(SECTIONS)}."
            self.part.at(key).fault("types are those of components, and the path leads to none", fix)
            return ()
        return self.part.texts(key, () if self._is_unlisted() else known)

    def _is_unlisted(self) -> bool:
        """Whether the rule is about what is in no list of types and settings."""
        return at(self.part.value, ("unlisted",)) is True

    def _check_unlisted(self) -> None:
        if "unlisted" in self.part and not isinstance(self.part.value["unlisted"], bool):
            self.part.at("unlisted").fault("this must be true or false", "Write `true` or `false`.")

    def _check_path(self, part: _Part, steps: Steps, types: Iterable[str]) -> None:
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
            if not any(path_matches(config, steps) for config in configs):
                wrong = "no list of settings reaches that deep, and no example of the rule has something at this path"
                part.fault(wrong, "Correct the path, give an example that has it, or add `unlisted: true`.")

    def _steps(self, part: _Part, text: str) -> Steps:
        try:
            return steps_of(text) if text else ()
        except Problem as problem:
            part.fault(problem.wrong, problem.fix)
            return ()

    def _looks(self, key: str, steps: Steps, types: Iterable[str]) -> tuple[Look, ...]:
        """Return what a rule asks at a key: a path below the rule's, with conditions, each."""
        if key not in self.part:
            return ()
        part = self.part.at(key)
        if not isinstance(part.value, dict) or not 0 < len(part.value) <= _MOST_ITEMS:
            fix = f"Write a path below `path`, or `{HERE}`, and its conditions: `{{tls.insecure: {{differs: true}}}}`."
            part.fault("this must be a mapping of paths to conditions", fix)
            return ()
        return tuple(self._look(part.at(text), str(text), steps, types) for text in part.value)

    def _look(self, part: _Part, text: str, around: Steps, types: Iterable[str]) -> Look:
        steps = self._steps(part, text)
        if steps:
            is_around_possible = not self.part.reader.known.verdict(around, types).why_not
            if is_around_possible:  # else that is the fault
                self._check_path(part, (*around, *steps), types)
        return Look(steps, self._conditions(part))

    def _conditions(self, part: _Part) -> Conditions:
        """Return the conditions of a path; those that are wrong are told, and left out."""
        if not isinstance(part.value, dict) or not part.value:
            part.fault("this must be a mapping of conditions", f"Conditions: {', '.join(NAMES)}.")
            return Conditions(())
        conditions: list[Condition] = []
        may_be_missing = False
        for name, operand in part.value.items():
            try:
                if name == OPTIONAL:
                    may_be_missing = is_optional(operand)
                else:
                    conditions.append(read_condition(str(name), operand))
            except Problem as problem:
                part.at(name).fault(problem.wrong, problem.fix)
        return Conditions(tuple(conditions), may_be_missing)

    def _expression(self) -> Expression | None:
        text = self.part.text("expression")
        if not text:
            return None
        try:
            return self.part.reader.compiled(text)
        except Problem as problem:
            self.part.at("expression").fault(problem.wrong, problem.fix)
            return None

    def _examples(self) -> Examples:
        """Return the configs in which a rule finds nothing, and those in which it finds something."""
        if "examples" not in self.part:
            return Examples()
        part = self.part.at("examples")
        part.check_keys(EXAMPLES)
        good, bad = (tuple(self._configs(part, kind)) for kind in EXAMPLES)
        return Examples(good, bad)

    @staticmethod
    def _configs(part: _Part, kind: str) -> Iterator[Mapping[str, Any]]:
        for number, config in enumerate(part.listed(kind)):
            if isinstance(config, dict):
                yield config
            else:
                part.at(kind, number).fault("an example is a config", "Write a mapping with `exporters` and so on.")
