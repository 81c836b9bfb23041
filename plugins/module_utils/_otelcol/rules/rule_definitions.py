# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a function becomes a rule: it yields faults, and `define_rules` makes a `Rule` of it. Private.

Each file of a topic, such as ports.py, has functions like this one, and a table `RULES` at its end:

    @about("deployment")
    def open_on_node(subject: Subject) -> Iterator[Fault]:
        '''Yield ports that are open on every address of the node because the pod uses hostNetwork.'''
        …
        yield Fault(listener.path, "port 4317 is open on every address of the node", "Write `localhost:4317`.")

    RULES = define_rules("warning", open_on_node, documentation=URL)

- The name of the function is the id of the rule: `open-on-node`.
- The first line of its docstring is the reason of the rule, which docs/rules.md shows.
- `@about` says without what the rule finds nothing, so that it need not run: here, without a known deployment.
- rules.py collects the tables `RULES`, and findings.py runs the rules.

Users' own rules are rules too, see user_rules.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from ..config.paths import Path, Position
from .subject import Subject

# The severity of a fault that is as severe as its rule says.
SEVERITY_OF_RULE = ""


@dataclass(frozen=True)
class Fault:
    """One violation of a rule. A finding is made of it, see findings.py."""

    path: Path
    """Where it is in the config, such as `("exporters", "otlp", "endpoint")`; empty for all of it."""
    message: str
    """What is wrong, without a full stop at its end."""
    fix: str = ""
    """What to do, as a sentence."""
    position: Position | None = None
    """Where it is in a file, if the path does not lead there, as for a key that stands twice."""
    severity: str = SEVERITY_OF_RULE
    """`error`, `warning` or `info`, or `SEVERITY_OF_RULE`."""
    offset: int = 0
    """Which character is wrong in the text at the path."""
    quotes_value: bool = False
    """Whether the fix quotes the value at the path."""


Check = Callable[[Subject], Iterable[Fault]]
"""The function of a rule."""


class About(NamedTuple):
    """What a subject must have so that a rule may find something; `@about` makes it."""

    subject_field: str = ""
    """A field of Subject that must not be empty; empty for none."""
    component_kinds: frozenset[tuple[str, str]] = frozenset()
    """Sections and kinds, of which a component must be started; empty for none."""

    def is_met_by(self, subject: Subject) -> bool:
        """Whether a subject has both."""
        if self.subject_field and not getattr(subject, self.subject_field):
            return False
        return not self.component_kinds or not self.component_kinds.isdisjoint(subject.view.component_kinds)


ABOUT_EVERYTHING = About()
_ABOUT_BY_CHECK: dict[Check, About] = {}


def about(field: str = "", **kinds: Iterable[str]) -> Callable[[Check], Check]:
    """Decorate the function of a rule with what it needs, so that it does not run where it finds nothing.

    `field` is a field of Subject, and the other arguments are sections with kinds of components. For example,
    `@about("deployment", exporters=["debug"])` is for a rule that needs a known deployment, and a started exporter of
    the kind debug.
    """
    all_kinds: set[tuple[str, str]] = set()
    for section_name, kinds_of_section in kinds.items():
        all_kinds.update((section_name, kind) for kind in kinds_of_section)
    condition = About(field, frozenset(all_kinds))

    def remember_condition(check: Check) -> Check:
        _ABOUT_BY_CHECK[check] = condition
        return check

    return remember_condition


@dataclass(frozen=True)
class Rule:
    """A rule: a function that yields a fault for each violation, and what users see of it."""

    id: str
    """Such as `port-clash`."""
    severity: str
    """`error`, `warning` or `info`; a fault may have another one."""
    reason: str
    """What it yields and why, in one sentence: the first line of the function's docstring."""
    check: Check
    shared: bool = False
    """Whether `otelcol validate` reports the same. Such a rule must not reject what otelcol accepts."""
    documentation: str = ""
    """A link, or a text about where the rule comes from."""
    precondition: About = ABOUT_EVERYTHING
    """Where it is not met, the rule finds nothing and does not run."""


def define_rules(severity: str, *checks: Check, shared: bool = False, documentation: str = "") -> tuple[Rule, ...]:
    """Return a rule for each function: its id is the name of the function, its reason the first line of the docstring.

    `shared` and `documentation` are those of `Rule`.
    """
    defined_rules: list[Rule] = []
    for check in checks:
        rule_id = check.__name__.replace("_", "-")
        reason = (check.__doc__ or "").split("\n", 1)[0]
        defined_rules.append(
            Rule(rule_id, severity, reason, check, shared, documentation, _ABOUT_BY_CHECK.get(check, ABOUT_EVERYTHING))
        )
    return tuple(defined_rules)


def define_shared_rules(find: Callable[..., Iterable[Fault]], reasons: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return shared rules of severity error, one for each id and reason.

    One function finds the faults of all of them: it gets the subject, and the id of a rule as `rule_id`.
    """
    defined_rules: list[Rule] = []
    for rule_id, reason in reasons.items():
        defined_rules.append(Rule(rule_id, "error", reason, partial(find, rule_id=rule_id), shared=True))
    return tuple(defined_rules)
