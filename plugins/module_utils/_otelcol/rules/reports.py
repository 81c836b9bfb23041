# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of findings and its formats: text, JSON, JUnit, SARIF, GitHub. Private."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any
from urllib.parse import quote

from .subject import SEVERITIES, Finding, Rule, by_position

NEVER = "never"


@dataclass(frozen=True)
class Suppressed:
    """A suppressed finding, the reason, and whether a comment of the config suppresses it."""

    finding: Finding
    reason: str
    in_source: bool = False


@dataclass(frozen=True)
class Checked:
    """A checked config and its findings."""

    name: str
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    group: str = ""
    """What it belongs to, as the file of a test; by default the suite."""
    seconds: float | None = None
    """How long it took, if that is known."""


@dataclass(frozen=True)
class Report:
    """All checked configs, the skipped files, the rules, the lowest severity that fails, and the configs' builds."""

    checked: Sequence[Checked]
    skipped: Sequence[str] = ()
    rules: Sequence[Rule] = ()
    fail_on: str = "error"
    builds: Mapping[str, str] = field(default_factory=dict)
    suite: str = "o11y.opentelemetry.pipeline_validate"
    own_rules: Sequence[Mapping[str, Any]] = ()
    """The user's own rules, as `UserRules.as_list` has them."""

    @cached_property
    def findings(self) -> list[Finding]:
        """All findings, by position."""
        return sorted((finding for config in self.checked for finding in config.findings), key=by_position)

    @cached_property
    def suppressed(self) -> list[Suppressed]:
        """All suppressed findings, by position."""
        suppressed = [suppression for config in self.checked for suppression in config.suppressed]
        return sorted(suppressed, key=lambda suppression: suppression.finding)

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of findings of each severity, and of suppressed findings and files."""
        seen = Counter(finding.severity for finding in self.findings)
        return {
            **{name: seen[name] for name in SEVERITIES},
            "suppressed": len(self.suppressed),
            "checked": len(self.checked),
            "skipped": len(self.skipped),
        }

    @property
    def aim(self) -> str:
        """The builds for which the configs were checked, as the end of a phrase."""
        builds = list(dict.fromkeys(self.builds.values()))
        return f" for {', '.join(builds)}" if builds else ""

    def fails(self, finding: Finding) -> bool:
        """Whether a finding is as severe as `fail_on` says."""
        return self.fail_on != NEVER and SEVERITIES.index(finding.severity) <= SEVERITIES.index(self.fail_on)

    def fatal(self) -> Iterator[Finding]:
        """Yield the findings that fail, by position."""
        return filter(self.fails, self.findings)


def count_in_words(number: int, noun: str) -> str:
    """Return `1 error` or `2 errors`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


_LONGEST_CODE = 120


def markdown_code(text: str) -> str:
    """Return a text as code of Markdown, short and in one line, also of a table, whatever it holds."""
    short = text if len(text) <= _LONGEST_CODE else f"{text[:_LONGEST_CODE]}…"
    return "`" + " ".join(short.replace("`", "'").replace("|", "\\|").split()) + "`"


def text(report: Report) -> str:
    """Return one line per finding, suppressed ones with their reason, and the summary at the end."""
    lines = [line(finding) for finding in report.findings]
    lines += [_suppressed_line(suppression) for suppression in report.suppressed]
    return "\n".join([*lines, *summary(report)]) + "\n"


def _suppressed_line(suppression: Suppressed) -> str:
    return f"{line(suppression.finding)} (suppressed: {suppression.reason})"


def summary(report: Report) -> list[str]:
    """Return a line with counts, and one about the user's own rules if there are any."""
    counts = report.counts
    parts = [
        count_in_words(counts["error"], "error"),
        count_in_words(counts["warning"], "warning"),
        f"{counts['info']} info",
        *(f"{counts[name]} {name}" for name in ("suppressed", "skipped") if counts[name]),
    ]
    lines = [f"{count_in_words(counts['checked'], 'config')} checked{report.aim}: {', '.join(parts)}"]
    if report.own_rules:
        lines.append(_own_rules_line(report.own_rules))
    return lines


def _own_rules_line(rules: Sequence[Mapping[str, Any]]) -> str:
    """Return that the rules are right: a run with a wrong one ends before its report."""
    examples = sum(rule["examples"] for rule in rules)
    is_one = len(rules) == 1
    verb, whose = ("is", "its") if is_one else ("are", "their")
    well_formed = f"{count_in_words(len(rules), 'rule')} of your own {verb} well-formed"
    if not examples:
        return f"{well_formed}, without examples"
    holds = "example holds" if examples == 1 else "examples hold"
    return f"{well_formed}, and {whose} {examples} {holds}"


def _sentences(finding: Finding) -> str:
    """Return the message of a finding as a sentence, and its fix."""
    stop = "" if finding.message.endswith((".", "!", "?")) else "."
    return f"{finding.message}{stop} {finding.fix}".rstrip()


def line(finding: Finding) -> str:
    """Return a finding in one line; one without a position begins with its severity."""
    return str(finding).removeprefix(": ")


_GITHUB_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def github(report: Report) -> str:
    """Return one workflow command per finding."""
    return "".join(f"{_command(finding)}\n" for finding in report.findings)


def _command(finding: Finding) -> str:
    """Return a finding as a workflow command of GitHub."""
    position = finding.position
    properties = {"file": position.file, "line": position.line, "col": position.column, "title": finding.rule}
    listed = ",".join(f"{key}={_escaped_property(str(value))}" for key, value in properties.items() if value)
    where = f"{finding.path}: " if finding.path else ""
    return f"::{_GITHUB_LEVELS[finding.severity]} {listed}::{_escaped_data(where + _sentences(finding))}"


def _escaped_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped_data(text).replace(":", "%3A").replace(",", "%2C")


def json_text(report: Report) -> str:
    """Return the report as JSON, with the keys of the task's result."""
    return json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n"


def as_dict(report: Report) -> dict[str, object]:
    """Return the report as a task result has it."""
    result: dict[str, object] = {
        "findings": [finding.as_dict() for finding in report.findings],
        "suppressed": [{**one.finding.as_dict(), "reason": one.reason} for one in report.suppressed],
        "checked": [config.name for config in report.checked],
        "builds": dict(report.builds),
        "skipped_files": list(report.skipped),
        "counts": report.counts,
    }
    if report.own_rules:
        result["own_rules"] = [*report.own_rules]
    return result


# Characters that XML 1.0 does not allow.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNKNOWN = "\ufffd"
_SPACES = {ord(character): f"&#{ord(character)};" for character in "\t\n\r"}  # blanks to readers of attributes


def junit(report: Report) -> str:
    """Return JUnit XML. Findings at or above `fail_on` are failures; other findings are output."""
    failed = [config for config in report.checked if any(report.fails(finding) for finding in config.findings)]
    seconds = [config.seconds for config in report.checked if config.seconds is not None]
    head = f'name="{report.suite}" tests="{len(report.checked)}" failures="{len(failed)}" errors="0"'
    head += _time_attribute(sum(seconds) if seconds else None)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", f"  <testsuite {head}>"]
    for config in report.checked:
        lines += _test_case(config, report)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"]) + "\n"


def _time_attribute(seconds: float | None) -> str:
    return "" if seconds is None else f' time="{seconds:.3f}"'


def _test_case(config: Checked, report: Report) -> list[str]:
    """Return the lines of a config, which is one test."""
    fatal = [line(finding) for finding in config.findings if report.fails(finding)]
    milder = [line(finding) for finding in config.findings if not report.fails(finding)]
    milder += [_suppressed_line(suppression) for suppression in config.suppressed]
    place = f"classname={_attribute(config.group or report.suite)} name={_attribute(config.name)}"
    lines = [f"    <testcase {place}{_time_attribute(config.seconds)}>"]
    if fatal:
        message = _attribute(count_in_words(len(fatal), "finding"))
        lines.append(f"      <failure message={message}>{_content(fatal)}</failure>")
    if milder:
        lines.append(f"      <system-out>{_content(milder)}</system-out>")
    return [*lines, "    </testcase>"]


def _content(lines: list[str]) -> str:
    return escape(_ILLEGAL.sub(_UNKNOWN, "\n".join(lines)), quote=False)


def _attribute(text: str) -> str:
    return f'"{escape(_ILLEGAL.sub(_UNKNOWN, text)).translate(_SPACES)}"'


_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def sarif(report: Report) -> str:
    """Return the report as a SARIF log with one run; rules that found nothing are listed too."""
    rules = _described_rules(report)
    order = {rule["id"]: index for index, rule in enumerate(rules)}
    results = [_result(finding, order) for finding in report.findings]
    for suppression in report.suppressed:
        results.append({**_result(suppression.finding, order), "suppressions": [_suppression(suppression)]})
    driver = {"name": "o11y.opentelemetry", "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _described_rules(report: Report) -> list[dict[str, Any]]:
    """Return the rules of a report, and by their ids those that it lacks but has findings of."""
    described = {rule.id: _described_rule(rule) for rule in report.rules}
    for finding in (*report.findings, *(suppression.finding for suppression in report.suppressed)):
        described.setdefault(finding.rule, {"id": finding.rule})
    return list(described.values())


def _described_rule(rule: Rule) -> dict[str, Any]:
    """Return a rule as SARIF describes it."""
    # The docstring of a check says what it yields.
    said = rule.reason.removeprefix("Yield ")
    reason = said[:1].upper() + said[1:] or rule.id
    described: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.id.replace("-", " ")},
        "fullDescription": {"text": reason},
        "help": {"text": f"{reason} {rule.documentation}".strip()},
        "defaultConfiguration": {"level": _SARIF_LEVELS[rule.severity]},
    }
    if rule.documentation.startswith("https://"):
        described["helpUri"] = rule.documentation
    return described


def _result(finding: Finding, order: dict[str, int]) -> dict[str, Any]:
    """Return a finding as SARIF has it; `order` has the index of each rule."""
    location: dict[str, Any] = {}
    if finding.position.file:
        location["physicalLocation"] = _physical_location(finding)
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": order[finding.rule],
        "level": _SARIF_LEVELS[finding.severity],
        "message": {"text": _sentences(finding)},
        "locations": [location] if location else [],
    }


def _physical_location(finding: Finding) -> dict[str, Any]:
    """Return the place of a finding in its file."""
    position = finding.position
    scheme = "file://" if position.file.startswith("/") else ""
    location: dict[str, Any] = {"artifactLocation": {"uri": scheme + quote(position.file)}}
    if position.line:
        location["region"] = {"startLine": position.line, "startColumn": max(position.column, 1)}
    return location


def _suppression(suppression: Suppressed) -> dict[str, str]:
    kind = "inSource" if suppression.in_source else "external"
    return {"kind": kind, "justification": suppression.reason}


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": text,
    "json": json_text,
    "junit": junit,
    "sarif": sarif,
    "github": github,
}
