# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that users write in YAML, as rules like all others. Private.

For example, a rule with the path `exporters.*` and `require: {tls.insecure: {differs: true}}` looks at each exporter of
a config, and finds a fault at `exporters.otlp.tls.insecure` if that is true. A place is a path in a config, such as
`exporters.otlp`, with the value there. A rule looks at each place that its `path` leads to and its `where` selects, and
finds a fault where its `require` or its `expression` does not hold.

user_rule_files.py reads the rules of files, and docs/own_rules.md describes their language. A message can name the
place, never a value, so that a rule shows no secret. The word step has two meanings here: `steps` of a path are its
keys (user_paths.py), and the steps of a `Budget` are the comparisons that a rule may do in one config.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, NamedTuple

from ..catalogue.version_ranges import is_in_ranges
from ..config.paths import Path, Position, format_path
from ..traits import kind_of
from .report_model import format_count
from .rule_definitions import About, Fault, Rule
from .subject import Subject
from .user_conditions import Conditions
from .user_paths import MISSING, PathSteps, Place, find_last_existing_path, find_path_matches

# Findings of one rule in one config. One more says that there are others, and no suppression of a path takes it.
MOST_FAULTS = 1_000
# Steps of one rule in one config, over all places: comparisons of a value with a pattern or another condition, and the
# steps of expressions. On a slow core a million takes some two seconds.
MOST_STEPS = 1_000_000
# The attribute of a subject that keeps the places of each path for the rules that share it.
_PLACES_ATTRIBUTE = "_places_of_user_rules"


class Undecided(Exception):  # noqa: N818 - no error of this collection, but of an expression in one config
    """An expression cannot be computed for a config; the text says why, without any value of the config."""


class Exhausted(Exception):  # noqa: N818 - no error of this collection, but a rule that is too dear for one config
    """A rule has taken all of its steps in a config."""


@dataclass
class Budget:
    """How many steps a rule may still take in a config."""

    steps_left: int = field(default_factory=lambda: MOST_STEPS)

    def spend_steps(self, steps: int) -> None:
        """Take steps. Raises Exhausted if there are none left."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise Exhausted


Expression = Callable[[Any, Budget], Any]
"""Gets the value at a place, and returns the answer of the expression. Raises Undecided and Exhausted."""
Places = list[Place]
"""Paths of a config with the values there."""


@dataclass(frozen=True)
class When:
    """To which configs a rule applies; an empty field means to all. What is not known of a config fits nothing."""

    modes: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    versions: str = ""
    """Ranges, see catalogue/version_ranges.py."""
    components: tuple[tuple[str, str], ...] = ()
    """Pairs of a section and a kind, such as `("exporters", "otlp")`."""
    pipelines: tuple[str, ...] = ()
    """Patterns of names."""

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
        return not self.versions or is_in_ranges(self.versions, target.version)

    def fits_config(self, subject: Subject) -> bool:
        """Whether a config starts one of the components, and has one of the pipelines."""
        if self.components and subject.view.component_kinds.isdisjoint(self.components):
            return False
        if not self.pipelines:
            return True
        return any(self._has_pipeline_name(key) for key in subject.view.pipeline_graph.pipelines)

    def _has_pipeline_name(self, key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in self.pipelines)


ALWAYS = When()


@dataclass(frozen=True)
class PathConditions:
    """Conditions of `where` or `require`: on the values at a path below a place.

    For example, `{tls.insecure: {differs: true}}` is about the value at `exporters.otlp.tls.insecure` for the place
    `exporters.otlp`.
    """

    steps: PathSteps
    conditions: Conditions

    def holds(self, value: Any, literals: Mapping[str, str], budget: Budget) -> bool:
        """Whether the conditions hold for one of the values at the path, or for the missing value if there is none.

        Used for `where`. Raises Exhausted.
        """
        root_path: Path = ()  # only the values count here
        matches = find_path_matches(value, self.steps) or [Place(root_path, MISSING)]
        for _path, nested_value in matches:
            budget.spend_steps(self.conditions.step_count)
            if self.conditions.hold(nested_value, literals):
                return True
        return False

    def find_failing_paths(
        self, place: Path, value: Any, literals: Mapping[str, str], budget: Budget
    ) -> Iterator[Path]:
        """Yield the path of each value for which the conditions do not hold.

        If the value is missing, that is the longest part of the path that exists: `exporters.otlp` without `tls`. Used
        for `require`. Raises Exhausted.
        """
        matches = find_path_matches(value, self.steps, place)
        if not matches and self.conditions.hold(MISSING, literals) is False:
            yield find_last_existing_path(value, self.steps, place)
        for path, nested_value in matches:
            budget.spend_steps(self.conditions.step_count)
            if self.conditions.hold(nested_value, literals) is False:
                yield path


@dataclass(frozen=True)
class Examples:
    """Configs in which a rule finds nothing, and configs in which it finds something."""

    good_configs: tuple[Any, ...] = ()
    bad_configs: tuple[Any, ...] = ()


class UndecidedPlace(NamedTuple):
    """A place at which the expression of a rule cannot be computed, and why."""

    path: Path
    why: Undecided


class RuleOutcome(NamedTuple):
    """What a rule finds in a config."""

    faults: list[Fault]
    undecided_places: list[UndecidedPlace]
    has_more: bool = False
    """Whether there are more of them than are shown."""
    unseen_place_count: int = 0
    """At how many places the rule did not look any more, because it had taken all of its steps."""


@dataclass(frozen=True)
class UserRule:
    """A rule of a user. The fields have the names of its keys in the file."""

    id: str
    severity: str
    message: str
    fix: str
    path: str
    steps: PathSteps
    """The parsed `path`."""
    position: Position
    """Where the rule is in its file."""
    documentation: str = ""
    profiles: Mapping[str, str] = field(default_factory=dict)
    """The severity in some profiles."""
    when: When = ALWAYS
    types: frozenset[str] = frozenset()
    """The only types of components that it is about, without underscores; empty for all."""
    except_types: frozenset[str] = frozenset()
    where: tuple[PathConditions, ...] = ()
    require: tuple[PathConditions, ...] = ()
    expression: Expression | None = None
    examples: Examples = field(default_factory=Examples)

    def rule(self) -> Rule:
        """Return the rule in the form of the rules of this collection."""
        about = About(component_kinds=frozenset(self.when.components))
        documentation_text = self.documentation or f"Defined in {self.position}."
        return Rule(
            self.id, self.severity, self.message, self._check, documentation=documentation_text, precondition=about
        )

    def _check(self, subject: Subject) -> Sequence[Fault]:
        """Return the faults of the rule in a config, those about the rule itself at the end."""
        if self.when is not ALWAYS and not self.when.fits_deployment(subject):
            return ()
        outcome = self.find_outcome(subject)
        undecided_faults = [self._report_undecided(undecided_place) for undecided_place in outcome.undecided_places]
        return [*outcome.faults, *undecided_faults, *self._report_left_out(outcome)]

    def _report_undecided(self, undecided_place: UndecidedPlace) -> Fault:
        message = f"rule '{self.id}' cannot be decided here: {undecided_place.why}"
        return Fault(undecided_place.path, message, f"Correct the rule at {self.position}.")

    def _report_left_out(self, outcome: RuleOutcome) -> Iterator[Fault]:
        """Yield that there may be other faults, if not all places were looked at."""
        if outcome.has_more:
            yield self._report_too_many_faults()
        elif outcome.unseen_place_count:
            yield self._report_unseen_places(outcome.unseen_place_count)

    def _report_too_many_faults(self) -> Fault:
        message = f"rule '{self.id}' finds more than {MOST_FAULTS} faults in this config, and the others are not shown"
        return Fault((), message, "Correct those that are shown, or let the rule look at fewer places.")

    def _report_unseen_places(self, count: int) -> Fault:
        places_in_words = format_count(count, "place")
        message = (
            f"rule '{self.id}' takes more than {MOST_STEPS} steps in this config, and did not look at {places_in_words}"
        )
        return Fault((), message, "Let the rule look at fewer places, or give it fewer conditions.")

    def find_outcome(self, subject: Subject) -> RuleOutcome:
        """Return what the rule finds in a config, for any build and deployment."""
        budget = Budget()
        faults: list[Fault] = []
        undecided_places: list[UndecidedPlace] = []
        places = self._list_places_to_check(subject)
        for place_index, (path, value) in enumerate(places):
            try:
                faults += self._find_faults_at(path, value, subject.literal_variables, budget)
            except Exhausted:
                return RuleOutcome(faults, undecided_places, unseen_place_count=len(places) - place_index)
            except Undecided as why:
                undecided_places.append(UndecidedPlace(path, why))
            # The search ends with the first fault too many, since nobody reads a thousand.
            if len(faults) + len(undecided_places) > MOST_FAULTS:
                return RuleOutcome(faults[:MOST_FAULTS], undecided_places[:MOST_FAULTS], has_more=True)
        return RuleOutcome(faults, undecided_places)

    def _list_places_to_check(self, subject: Subject) -> Places:
        """Return the places of the rule's types; none in a config to which the rule does not apply."""
        places = self._find_places_at_path(subject)
        if not places:  # most rules have none in most configs, so this comes before the slower `when`
            return []
        if self.when is not ALWAYS and not self.when.fits_config(subject):
            return []
        if not self.types and not self.except_types:
            return places
        return [place for place in places if self._has_type(place.path)]

    def _find_faults_at(self, place: Path, value: Any, literals: Mapping[str, str], budget: Budget) -> list[Fault]:
        """Return the faults at a place. Raises Undecided and Exhausted."""
        budget.spend_steps(1)
        if self.where and not self._selects(value, literals, budget):
            return []
        failing_paths: list[Path] = []
        if self.expression is not None and _is_false_answer(self.expression(value, budget)):
            failing_paths.append(place)
        for required in self.require:
            failing_paths += required.find_failing_paths(place, value, literals, budget)
        return [self._report_fault(path, place) for path in failing_paths]

    def _find_places_at_path(self, subject: Subject) -> Places:
        """Return the places of the rule's path; rules with the same path share them."""
        places_by_path: dict[str, Places] = subject.__dict__.setdefault(_PLACES_ATTRIBUTE, {})
        places = places_by_path.get(self.path)
        if places is None:
            places = places_by_path[self.path] = find_path_matches(subject.config, self.steps)
        return places

    def _selects(self, value: Any, literals: Mapping[str, str], budget: Budget) -> bool:
        """Whether all conditions of `where` hold at a place. Raises Exhausted."""
        return all(selecting.holds(value, literals, budget) for selecting in self.where)

    def _has_type(self, place: Path) -> bool:
        """Whether a place is in a component of the rule's types."""
        kind = kind_of(str(place[1])) if len(place) > 1 else ""
        if self.types and kind not in self.types:
            return False
        return kind not in self.except_types

    def _report_fault(self, path: Path, place: Path) -> Fault:
        """Return the fault at a path, with the name and the path of its place in message and fix."""
        name = str(place[-1]) if place else ""
        message, fix = self.message, self.fix
        # No `str.format`: a message may have other braces, and an attribute in them could show a value.
        for placeholder, replacement in (("{name}", name), ("{path}", format_path(place))):
            message, fix = message.replace(placeholder, replacement), fix.replace(placeholder, replacement)
        return Fault(path, message, fix)


def _is_false_answer(answer: Any) -> bool:
    """Whether an answer is false as JMESPath defines it: null, false, and an empty text or list; 0 is not."""
    if isinstance(answer, (str, list, dict)):
        return not answer
    return answer is None or answer is False


@dataclass(frozen=True)
class UserRules:
    """The rules of a user."""

    user_rules: tuple[UserRule, ...] = ()

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, as those of this collection are."""
        return tuple(user_rule.rule() for user_rule in self.user_rules)

    @cached_property
    def rule_ids(self) -> frozenset[str]:
        return frozenset(user_rule.id for user_rule in self.user_rules)

    def map_severities(self, profile: str) -> dict[str, str]:
        """Return the severities of a profile, by rule."""
        return {
            user_rule.id: user_rule.profiles[profile] for user_rule in self.user_rules if profile in user_rule.profiles
        }

    def as_list(self) -> list[dict[str, Any]]:
        """Return the rules as a task result lists them."""
        return [
            {
                "id": user_rule.id,
                "severity": user_rule.severity,
                "message": user_rule.message,
                "file": user_rule.position.file,
                "line": user_rule.position.line,
                "examples": len(user_rule.examples.good_configs) + len(user_rule.examples.bad_configs),
            }
            for user_rule in self.user_rules
        ]


NO_USER_RULES = UserRules()


def find_broken_examples(rule: UserRule) -> Iterator[tuple[Path, str]]:
    """Yield the path of each example that does not hold, below `examples`, and why.

    Examples have no build and no deployment, so those parts of `when` are not asked here.
    """
    for kind, examples in (("good", rule.examples.good_configs), ("bad", rule.examples.bad_configs)):
        for example_index, config in enumerate(examples):
            reason = _explain_broken_example(rule, kind, config)
            if reason:
                yield (kind, example_index), reason


def _explain_broken_example(rule: UserRule, example_kind: str, config: Any) -> str:
    """Return why an example does not hold; empty if it does."""
    outcome = rule.find_outcome(Subject(config))
    if outcome.undecided_places:
        return f"the rule cannot be decided in this example: {outcome.undecided_places[0].why}"
    if example_kind == "good" and outcome.faults:
        return f"this example is good, and the rule finds a fault at '{format_path(outcome.faults[0].path)}'"
    if example_kind == "bad" and not outcome.faults:
        return "this example is bad, and the rule finds nothing in it"
    return ""
