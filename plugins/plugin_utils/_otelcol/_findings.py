# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User settings of rules, and findings with their severities. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...module_utils._otelcol.config.paths import Position
from ...module_utils._otelcol.errors import Problem, at_most
from ...module_utils._otelcol.rules import profiles
from ...module_utils._otelcol.rules.profiles import UNUSED, Suppression, WeighedFindings
from ...module_utils._otelcol.rules.report_model import Checked, Report, Suppressed, count_in_words
from ...module_utils._otelcol.rules.rules import RULES
from ...module_utils._otelcol.rules.subject import INTERNAL_ERROR, Finding, Rule
from ...module_utils._otelcol.rules.user_rules import NONE, UserRules

INVALID_YAML, REFUSED = "invalid-yaml", "otelcol-validate"
UNRENDERED = "unrendered-chart"
_KEYS = ("rule", "reason", "path")
# How many of the collectors with the same finding are named.
_NAMED = 3


def _no_check(_subject: Any) -> Iterator[Any]:
    yield from ()


# Findings from other sources than rules on configs.
OURS = (
    Rule(INVALID_YAML, "error", "Text that is not YAML.", _no_check, shared=True),
    Rule(
        UNRENDERED, "warning", "Values of a Helm chart, which Helm has to render before they can be checked.", _no_check
    ),
    Rule(REFUSED, "error", "Configs that `otelcol validate` rejects.", _no_check, shared=True),
    Rule(INTERNAL_ERROR, "error", "Rules that failed because of a mistake in this collection.", _no_check),
    Rule(profiles.WRONG, "warning", "A suppression of a rule that does not exist, or without a reason.", _no_check),
    Rule(UNUSED, "info", "A suppression without a matching finding.", _no_check),
)
ALL_RULES = (*RULES, *OURS)
KNOWN = frozenset(rule.id for rule in ALL_RULES)


@dataclass(frozen=True)
class Judgement:
    """The severities of findings, and the suppressions."""

    profile: str = profiles.DEFAULT
    severities: Mapping[str, str] = field(default_factory=dict)
    suppressions: Sequence[Suppression] = ()
    own: UserRules = NONE

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Judgement:
        """Return the settings in the arguments of a task. Raises Problem for invalid suppressions and rules."""
        accepted = tuple(_suppression(item) for item in arguments["suppressions"])
        own = own_rules(arguments.get("rule_paths") or ())
        return cls(arguments["profile"] or profiles.DEFAULT, arguments["severities"], accepted, own)

    @property
    def known(self) -> frozenset[str]:
        """The ids of all rules."""
        return KNOWN | self.own.ids

    def judge(self, findings: Iterable[Finding]) -> WeighedFindings:
        """Return the remaining findings with their severities, and the suppressed findings."""
        own = self.own.severities(self.profile)
        return profiles.judged_findings(findings, self.known, self.profile, self.severities, self.suppressions, own=own)


def own_rules(paths: Iterable[str]) -> UserRules:
    """Return the user's own rules in files and folders. Raises Problem with all faults of the files."""
    if not paths:
        return NONE
    from . import _user_rules  # noqa: PLC0415 - most runs have no rules of their own

    return _user_rules.load_rules(paths, KNOWN)


def _suppression(item: Any) -> Suppression:
    if not isinstance(item, Mapping) or not isinstance(item.get("rule"), str):
        raise Problem(f"'{item}' is not a suppression", fix="Write `rule`, `reason` and, to narrow it, `path`.")
    other = sorted(set(item) - set(_KEYS))
    if other:
        raise Problem(f"a suppression has no '{other[0]}'", fix="Write `rule`, `reason` and `path`.")
    return Suppression(item["rule"], str(item.get("reason") or ""), str(item.get("path") or "*"))


def checked_configs(
    configs: Sequence[tuple[str, Sequence[Finding]]],
    judgement: Judgement,
    comments: Sequence[profiles.Comment] = (),
) -> list[Checked]:
    """Return the findings of every config by its name, with the user's severities, without suppressed ones."""
    all_findings: list[Finding] = []
    for _name, found in configs:
        all_findings += found
    split = profiles.split_by_comments(all_findings, comments, judgement.known)
    reasons, wrong_comments = dict(split.suppressed), split.wrong
    result = []
    for index, (name, found) in enumerate(configs):
        by_comment = [Suppressed(one, reasons[one], True) for one in found if one in reasons] if reasons else []
        left = [one for one in found if one not in reasons] if reasons else found
        # Comments are those of all configs; the first one tells what is wrong with them.
        judged = judgement.judge([*left, *wrong_comments] if index == 0 else left)
        by_option = [Suppressed(finding, reason) for finding, reason in judged.suppressed]
        result.append(Checked(name, tuple(judged.remaining), (*by_comment, *by_option)))
    return _used_somewhere(result)


def conclude_report(report: Report, warn: Callable[[str], None], noun: str = "") -> None:
    """Raise Problem with all fatal findings; every other one is a warning, unless it is only information.

    With a noun, such as `collector`, each finding names the configs that have it.
    """
    fatal = list(report.fatal())
    rest = (one for one in report.findings if not report.fails(one) and one.severity != "info")
    for text in _lines(report, rest, noun):
        warn(text)
    if fatal:
        lines = "\n".join(f"  {text}" for text in _lines(report, fatal, noun))
        head = f"{count_in_words(len(fatal), 'problem')} in {count_in_words(len(report.checked), 'collector config')}"
        checked_for = f", checked{report.aim}" if report.aim else ""
        raise Problem(f"\n{lines}", asked=f"{head}, nothing was applied{checked_for}")


def _lines(report: Report, findings: Iterable[Finding], noun: str) -> Iterator[str]:
    """Yield each finding in a line; with a noun, equal ones once, with the names of their configs."""
    if not noun:
        yield from map(str, findings)
        return
    names: dict[Finding, list[str]] = {finding: [] for finding in findings}
    for item in report.checked:
        for finding in set(item.findings) & names.keys():
            names[finding].append(f"'{item.name}'")
    for finding, found in names.items():
        shown_noun = f"{noun}s" if len(found) > 1 else noun
        yield f"{shown_noun} {at_most(_NAMED, found)}: {finding}"


def _used_somewhere(configs: Sequence[Checked]) -> list[Checked]:
    """Report a suppression once, and only if it matches nothing in any config."""
    unused_by_config = [_unused_suppressions(config) for config in configs]
    unused_everywhere = set.intersection(*unused_by_config) if unused_by_config else set()
    reported = tuple(replace(finding, position=Position("suppressions")) for finding in sorted(unused_everywhere))
    result = []
    for config, unused in zip(configs, unused_by_config, strict=True):
        others = tuple(finding for finding in config.findings if finding not in unused)
        result.append(replace(config, findings=(*reported, *others)))
        reported = ()
    return result


def _unused_suppressions(config: Checked) -> set[Finding]:
    """Return the findings about suppressions of the user's options that match nothing in a config."""
    return {finding for finding in config.findings if finding.rule == UNUSED and not finding.position.file}
