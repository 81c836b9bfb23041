# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that users write in YAML, as rules like all others. Private.

A rule looks at each place of a config that its `path` leads to and its `where` selects, and finds a fault where its
`require` or its `expression` does not hold. docs/own_rules.md describes the language. A message can name the place,
never a value, so that a rule shows no secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from ..catalogue.version_ranges import is_within
from ..config.paths import Path, Position, dotted
from ..traits import kind_of
from .reports import count_in_words
from .subject import About, Fault, Rule, Subject
from .user_conditions import Conditions
from .user_paths import MISSING, Steps, nearest_place, path_matches

# Findings of one rule in one config. One more says that there are others, and no suppression of a path takes it.
MOST_FAULTS = 1_000
# Steps of one rule in one config, over all places: patterns and other conditions that a value is compared with, and
# steps of expressions. On a slow core a million takes some two seconds.
MOST_STEPS = 1_000_000
_KEPT = "_places_of_user_rules"  # what a path leads to, kept with its subject


class Undecided(Exception):  # noqa: N818 - no error of this collection, but of an expression in one config
    """An expression cannot be computed for a config; the text says why, without any value of the config."""


class Exhausted(Exception):  # noqa: N818 - no error of this collection, but a rule that is too dear for one config
    """A rule has taken all of its steps in a config."""


@dataclass
class Budget:
    """The steps that a rule may still take in a config."""

    left: int = field(default_factory=lambda: MOST_STEPS)

    def spend(self, steps: int) -> None:
        """Take steps. Raises Exhausted if there are none left."""
        self.left -= steps
        if self.left < 0:
            raise Exhausted


Expression = Callable[[Any, Budget], Any]
Places = list[tuple[Path, Any]]


@dataclass(frozen=True)
class When:
    """To which configs a rule applies; empty means to all. What is not known of a config fits nothing."""

    modes: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    versions: str = ""
    components: tuple[tuple[str, str], ...] = ()
    pipelines: tuple[str, ...] = ()

    def fits_deployment(self, subject: Subject) -> bool:
        """Whether the mode and the build of a collector are those of the rule."""
        mode = subject.deployment.mode if subject.deployment else ""
        if self.modes and mode not in self.modes:
            return False
        target = subject.target
        if target is None:
            return not self.distributions and not self.versions
        if self.distributions and target.distribution not in self.distributions:
            return False
        return not self.versions or is_within(self.versions, target.version)

    def fits_config(self, subject: Subject) -> bool:
        """Whether a config starts one of the components, and has one of the pipelines."""
        if self.components and subject.view.kinds.isdisjoint(self.components):
            return False
        keys = subject.view.graph.pipelines
        return not self.pipelines or any(fnmatchcase(key, name) for key in keys for name in self.pipelines)


ALWAYS = When()


@dataclass(frozen=True)
class Look:
    """What is asked of a value at a place: a path below the place, and conditions."""

    steps: Steps
    conditions: Conditions

    def holds(self, value: Any, literals: Mapping[str, str], budget: Budget) -> bool:
        """Whether the conditions hold of something at the path, or of what is missing there. Raises Exhausted."""
        for _path, item in path_matches(value, self.steps) or [((), MISSING)]:
            budget.spend(self.conditions.steps)
            if self.conditions.hold(item, literals):
                return True
        return False

    def failing(self, place: Path, value: Any, literals: Mapping[str, str], budget: Budget) -> Iterator[Path]:
        """Yield where the conditions do not hold; of what is missing, the last thing on the way that exists.

        Raises Exhausted.
        """
        found = path_matches(value, self.steps, place)
        if not found and self.conditions.hold(MISSING, literals) is False:
            yield nearest_place(value, self.steps, place)
        for path, item in found:
            budget.spend(self.conditions.steps)
            if self.conditions.hold(item, literals) is False:
                yield path


@dataclass(frozen=True)
class Examples:
    """Configs in which a rule finds nothing, and configs in which it finds something."""

    good: tuple[Any, ...] = ()
    bad: tuple[Any, ...] = ()


@dataclass
class RuleOutcome:
    """What a rule finds in a config: faults, and places where it cannot be decided."""

    faults: list[Fault] = field(default_factory=list)
    undecided: list[tuple[Path, Undecided]] = field(default_factory=list)
    has_more: bool = False
    unseen: int = 0
    """At how many places the rule did not look any more, because it had taken all of its steps."""

    def cut(self) -> None:
        """Keep as many as are shown."""
        self.faults, self.undecided, self.has_more = self.faults[:MOST_FAULTS], self.undecided[:MOST_FAULTS], True


@dataclass(frozen=True)
class UserRule:
    """A rule of a user; `position` is its place in its file, `types` and `except_types` are spelled as kinds."""

    id: str
    severity: str
    message: str
    fix: str
    path: str
    steps: Steps
    position: Position
    documentation: str = ""
    profiles: Mapping[str, str] = field(default_factory=dict)
    when: When = ALWAYS
    types: frozenset[str] = frozenset()
    except_types: frozenset[str] = frozenset()
    where: tuple[Look, ...] = ()
    require: tuple[Look, ...] = ()
    expression: Expression | None = None
    examples: Examples = field(default_factory=Examples)

    def rule(self) -> Rule:
        """Return the rule as those of this collection are."""
        about = About(kinds=frozenset(self.when.components))
        said = self.documentation or f"Defined in {self.position}."
        return Rule(self.id, self.severity, self.message, self._check, documentation=said, about=about)

    def _check(self, subject: Subject) -> Sequence[Fault]:
        if self.when is not ALWAYS and not self.when.fits_deployment(subject):
            return ()
        judged = self.judged(subject)
        undecided = [self._undecided(place, why) for place, why in judged.undecided]
        return [*judged.faults, *undecided, *self._left_out(judged)]

    def _undecided(self, place: Path, why: Undecided) -> Fault:
        return Fault(place, f"rule '{self.id}' cannot be decided here: {why}", f"Correct the rule at {self.position}.")

    def _left_out(self, judged: RuleOutcome) -> Iterator[Fault]:
        """Yield that there may be other faults, if not all places were looked at."""
        if judged.has_more:
            yield self._many()
        elif judged.unseen:
            yield self._unseen(judged.unseen)

    def _many(self) -> Fault:
        wrong = f"rule '{self.id}' finds more than {MOST_FAULTS} faults in this config, and the others are not shown"
        return Fault((), wrong, "Correct those that are shown, or let the rule look at fewer places.")

    def _unseen(self, unseen: int) -> Fault:
        places = count_in_words(unseen, "place")
        wrong = f"rule '{self.id}' takes more than {MOST_STEPS} steps in this config, and did not look at {places}"
        return Fault((), wrong, "Let the rule look at fewer places, or give it fewer conditions.")

    def judged(self, subject: Subject) -> RuleOutcome:
        """Return what the rule finds in a config, for any build and deployment."""
        judged, budget = RuleOutcome(), Budget()
        places = self._places_of_types(subject)
        for number, (place, value) in enumerate(places):
            try:
                judged.faults += self._faults(place, value, subject.literals, budget)
            except Exhausted:
                judged.unseen = len(places) - number
                break
            except Undecided as why:
                judged.undecided.append((place, why))
            if len(judged.faults) + len(judged.undecided) > MOST_FAULTS:
                judged.cut()
                break
        return judged

    def _places_of_types(self, subject: Subject) -> Places:
        places = self._places(subject)
        if not places or (self.when is not ALWAYS and not self.when.fits_config(subject)):
            return []
        if self.types or self.except_types:
            places = [(place, value) for place, value in places if self._has_type(place)]
        return places

    def _faults(self, place: Path, value: Any, literals: Mapping[str, str], budget: Budget) -> list[Fault]:
        """Return the faults at a place. Raises Undecided and Exhausted."""
        budget.spend(1)
        if self.where and not self._selects(value, literals, budget):
            return []
        failing = [place] if self.expression is not None and _is_false(self.expression(value, budget)) else []
        for look in self.require:
            failing += look.failing(place, value, literals, budget)
        return [self._fault(path, place) for path in failing]

    def _places(self, subject: Subject) -> Places:
        """Return the places of the rule's path; rules with the same path share them."""
        known: dict[str, Places] = subject.__dict__.setdefault(_KEPT, {})
        places = known.get(self.path)
        if places is None:
            places = known[self.path] = path_matches(subject.config, self.steps)
        return places

    def _selects(self, value: Any, literals: Mapping[str, str], budget: Budget) -> bool:
        return all(look.holds(value, literals, budget) for look in self.where)

    def _has_type(self, place: Path) -> bool:
        kind = kind_of(str(place[1])) if len(place) > 1 else ""
        return (not self.types or kind in self.types) and kind not in self.except_types

    def _fault(self, path: Path, place: Path) -> Fault:
        named = {"{name}": str(place[-1]) if place else "", "{path}": dotted(place)}
        message, fix = self.message, self.fix
        for sign, text in named.items():
            message, fix = message.replace(sign, text), fix.replace(sign, text)
        return Fault(path, message, fix)


def _is_false(answer: Any) -> bool:
    """Whether an answer is false as JMESPath defines it: null, false and what is empty; 0 is not."""
    return answer is None or answer is False or (isinstance(answer, (str, list, dict)) and not answer)


@dataclass(frozen=True)
class UserRules:
    """The rules of a user."""

    all: tuple[UserRule, ...] = ()

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, as those of this collection are."""
        return tuple(one.rule() for one in self.all)

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(one.id for one in self.all)

    def severities(self, profile: str) -> dict[str, str]:
        """Return the severities of a profile, by rule."""
        return {one.id: one.profiles[profile] for one in self.all if profile in one.profiles}

    def as_list(self) -> list[dict[str, Any]]:
        """Return the rules as a task result lists them."""
        return [
            {
                "id": one.id,
                "severity": one.severity,
                "message": one.message,
                "file": one.position.file,
                "line": one.position.line,
                "examples": len(one.examples.good) + len(one.examples.bad),
            }
            for one in self.all
        ]


NONE = UserRules()


def broken_examples(rule: UserRule) -> Iterator[tuple[Path, str]]:
    """Yield the path of each example that does not hold, below the examples, and why. `when` is met by all builds."""
    for kind, examples in (("good", rule.examples.good), ("bad", rule.examples.bad)):
        for number, config in enumerate(examples):
            if why := _broken(rule, kind, config):
                yield (kind, number), why


def _broken(rule: UserRule, kind: str, config: Any) -> str:
    judged = rule.judged(Subject(config))
    for _place, why in judged.undecided:
        return f"the rule cannot be decided in this example: {why}"
    if kind == "good" and judged.faults:
        return f"this example is good, and the rule finds a fault at '{dotted(judged.faults[0].path)}'"
    return "this example is bad, and the rule finds nothing in it" if kind == "bad" and not judged.faults else ""
