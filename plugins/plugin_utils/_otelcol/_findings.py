# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings of rules with the severities that the user wants, and without those that the user suppresses.

Rendering, validation and the modules for hosts call `judge_configs`, and `conclude_report` to fail or to warn. To weigh
findings is to give each its final severity and to take the suppressed ones out, see profiles.py. A finding is fatal if
it is as severe as the option `fail_on` says. An example: with `severities: {clear-text: "off"}`, a finding of the rule
`clear-text` is left out; with `suppressions: [{rule: clear-text, reason: …}]`, it is in the report as suppressed.
Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ...module_utils._otelcol.config.paths import Position
from ...module_utils._otelcol.errors import Problem, join_at_most
from ...module_utils._otelcol.rules import profiles, suppressing_comments
from ...module_utils._otelcol.rules.findings import INTERNAL_ERROR, Finding
from ...module_utils._otelcol.rules.profiles import UNUSED_SUPPRESSION, Suppression, WeighedFindings
from ...module_utils._otelcol.rules.report_model import CheckedConfig, Report, SuppressedFinding, format_count
from ...module_utils._otelcol.rules.rule_definitions import Rule
from ...module_utils._otelcol.rules.rules import RULES
from ...module_utils._otelcol.rules.user_rules import NO_USER_RULES, UserRules

# Ids of rules whose findings come from other sources than rules on configs.
INVALID_YAML = "invalid-yaml"
REFUSED = "otelcol-validate"
UNRENDERED = "unrendered-chart"
_SUPPRESSION_KEYS = ("rule", "reason", "path")
# How many of the collectors with the same finding are named.
_MOST_NAMED_CONFIGS = 3


def _no_check(_subject: Any) -> Iterator[Any]:
    """Stands for the function of a rule whose findings come from elsewhere, so that lists of rules have it too."""
    yield from ()


# Findings from other sources than rules on configs.
EXTRA_RULES = (
    Rule(INVALID_YAML, "error", "Text that is not YAML.", _no_check, shared=True),
    Rule(
        UNRENDERED, "warning", "Values of a Helm chart, which Helm has to render before they can be checked.", _no_check
    ),
    Rule(REFUSED, "error", "Configs that `otelcol validate` rejects.", _no_check, shared=True),
    Rule(INTERNAL_ERROR, "error", "Rules that failed because of a mistake in this collection.", _no_check),
    Rule(
        suppressing_comments.WRONG_SUPPRESSION,
        "warning",
        "A suppression of a rule that does not exist, or without a reason.",
        _no_check,
    ),
    Rule(UNUSED_SUPPRESSION, "info", "A suppression without a matching finding.", _no_check),
)
ALL_RULES = (*RULES, *EXTRA_RULES)
KNOWN_RULE_IDS = frozenset(rule.id for rule in ALL_RULES)


@dataclass(frozen=True)
class JudgementOptions:
    """How a user wants findings to be judged."""

    profile: str = profiles.DEFAULT
    """The strictness of the rules."""
    severities: Mapping[str, str] = field(default_factory=dict)
    """The severities that the user gives rules, such as `{"clear-text": "off"}`; for others the profile decides."""
    suppressions: Sequence[Suppression] = ()
    user_rules: UserRules = NO_USER_RULES
    """The user's own rules."""

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> JudgementOptions:
        """Return the settings in the arguments of a task. Raises Problem for invalid suppressions and rules."""
        return cls(
            profile=arguments["profile"] or profiles.DEFAULT,
            severities=arguments["severities"],
            suppressions=tuple(_parse_suppression(entry) for entry in arguments["suppressions"]),
            user_rules=load_own_rules(arguments.get("rule_paths") or ()),
        )

    @property
    def known_rule_ids(self) -> frozenset[str]:
        """The ids of all rules."""
        return KNOWN_RULE_IDS | self.user_rules.rule_ids

    def judge_findings(self, findings: Iterable[Finding]) -> WeighedFindings:
        """Return the remaining findings with their severities, and the suppressed findings."""
        own_severities = self.user_rules.map_severities(self.profile)
        return profiles.weigh_findings(
            findings,
            self.known_rule_ids,
            self.profile,
            self.severities,
            self.suppressions,
            own_severities=own_severities,
        )


def load_own_rules(paths: Iterable[str]) -> UserRules:
    """Return the user's own rules in files and folders. Raises Problem with all faults of the files."""
    if not paths:
        return NO_USER_RULES
    from . import _user_rules  # noqa: PLC0415 - most runs have no rules of their own

    return _user_rules.load_rules(paths, KNOWN_RULE_IDS)


def _parse_suppression(entry: Any) -> Suppression:
    """Return an item of the option `suppressions`. Without a path, it is for findings anywhere. Raises Problem."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("rule"), str):
        raise Problem(f"'{entry}' is not a suppression", fix="Write `rule`, `reason` and, to narrow it, `path`.")
    unknown_keys = sorted(set(entry) - set(_SUPPRESSION_KEYS))
    if unknown_keys:
        raise Problem(f"a suppression has no '{unknown_keys[0]}'", fix="Write `rule`, `reason` and `path`.")
    return Suppression(entry["rule"], str(entry.get("reason") or ""), str(entry.get("path") or "*"))


class NamedFindings(NamedTuple):
    """A config by its name, with all findings of rules about it."""

    config_name: str
    findings: Sequence[Finding]


def judge_configs(
    configs: Sequence[NamedFindings],
    judgement: JudgementOptions,
    comments: Sequence[suppressing_comments.SuppressingComment] = (),
) -> list[CheckedConfig]:
    """Return every config with its findings, with the user's severities and without suppressed findings.

    `comments` are the suppressing comments in the texts of all configs. Findings about wrong comments are among those
    of the first config.
    """
    all_findings: list[Finding] = []
    for config in configs:
        all_findings += config.findings
    comment_split = suppressing_comments.split_by_suppressions(all_findings, comments, judgement.known_rule_ids)
    reason_by_finding = dict(comment_split.suppressed_findings)
    comment_findings = comment_split.comment_findings
    checked_configs: list[CheckedConfig] = []
    for config in configs:
        checked_configs.append(_judge_config(config, judgement, reason_by_finding, comment_findings))
        comment_findings = []  # only once: they are about all configs together
    return _merge_unused_suppressions(checked_configs)


def _judge_config(
    config: NamedFindings,
    judgement: JudgementOptions,
    reason_by_finding: Mapping[Finding, str],
    comment_findings: Sequence[Finding],
) -> CheckedConfig:
    """Return a config with the findings that remain, the `comment_findings` too, and the suppressed ones.

    `reason_by_finding` has the reason of each finding that a comment suppresses.
    """
    remaining = list(config.findings)
    suppressed: list[SuppressedFinding] = []
    if reason_by_finding:  # most configs have no such comments, and comparing findings takes time
        remaining = [finding for finding in config.findings if finding not in reason_by_finding]
        for finding in config.findings:
            if finding in reason_by_finding:
                suppressed.append(SuppressedFinding(finding, reason_by_finding[finding], is_in_source=True))
    weighed = judgement.judge_findings([*remaining, *comment_findings])
    for finding, reason in weighed.suppressed_findings:
        suppressed.append(SuppressedFinding(finding, reason))
    return CheckedConfig(config.config_name, tuple(weighed.remaining_findings), tuple(suppressed))


def conclude_report(report: Report, warn: Callable[[str], None], noun: str = "") -> None:
    """Warn of every finding that is not fatal, but for mere information. Raises Problem with all fatal findings.

    With a noun, such as `collector`, each finding names the configs that have it.
    """
    warned_findings = (
        finding for finding in report.findings if not report.is_fatal(finding) and finding.severity != "info"
    )
    for text in _format_findings(report, warned_findings, noun):
        warn(text)
    fatal_findings = list(report.list_fatal_findings())
    if fatal_findings:
        lines = "\n".join(f"  {text}" for text in _format_findings(report, fatal_findings, noun))
        problem_count = format_count(len(fatal_findings), "problem")
        config_count = format_count(len(report.checked_configs), "collector config")
        checked_for = f", checked{report.checked_builds_phrase}" if report.checked_builds_phrase else ""
        raise Problem(f"\n{lines}", asked=f"{problem_count} in {config_count}, nothing was applied{checked_for}")


def _format_findings(report: Report, findings: Iterable[Finding], noun: str) -> Iterator[str]:
    """Yield each finding in a line; with a noun, equal ones once, with the names of their configs."""
    if not noun:
        yield from map(str, findings)
        return
    config_names: dict[Finding, list[str]] = {finding: [] for finding in findings}
    for checked_config in report.checked_configs:
        for finding in set(checked_config.findings) & config_names.keys():
            config_names[finding].append(f"'{checked_config.name}'")
    for finding, quoted_names in config_names.items():
        shown_noun = f"{noun}s" if len(quoted_names) > 1 else noun
        yield f"{shown_noun} {join_at_most(_MOST_NAMED_CONFIGS, quoted_names)}: {finding}"


def _merge_unused_suppressions(configs: Sequence[CheckedConfig]) -> list[CheckedConfig]:
    """Report a suppression once, and only if it matches nothing in any config.

    The suppressions are options of the whole task, and each config was judged by itself: a suppression that the config
    of `agent` needs is unused in that of `gateway`. The report of those left is among the findings of the first config.
    """
    unused_by_config = [_find_unused_suppressions(config) for config in configs]
    unused_everywhere = set.intersection(*unused_by_config) if unused_by_config else set()
    reported = tuple(replace(finding, position=Position("suppressions")) for finding in sorted(unused_everywhere))
    merged = []
    for config, unused_findings in zip(configs, unused_by_config, strict=True):
        other_findings = tuple(finding for finding in config.findings if finding not in unused_findings)
        merged.append(replace(config, findings=(*reported, *other_findings)))
        reported = ()  # only once
    return merged


def _find_unused_suppressions(config: CheckedConfig) -> set[Finding]:
    """Return the findings about suppressions of the user's options that match nothing in a config."""
    return {finding for finding in config.findings if finding.rule == UNUSED_SUPPRESSION and not finding.position.file}
