# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the text of docs/rules.md: a table of all rules, then a chapter for each file of rules.

A rule's text comes from the rule itself: its reason is the docstring of its check, its chapter the docstring of the
module of that check. The wrong and the right config come from the cases that test the rule (`examples.py`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .examples import Example, build_example
from .project import import_plugin_module

_PAGE_HEAD = """<!-- Written by `python -m tools.rules --write` from the rules and their test cases; do not edit. -->
# Rules

This page lists what `pipeline_validate` finds in configs, and what role `otel_collector` finds before it applies them.
Options of the module and inputs of the role say which build runs a config, and where. The default build is the tested
version of contrib. A rule that needs to know where a config runs reports nothing if no input says it.

- **Severity** depends on the profile: `profile: development | default | production` of the module, and
  `otel_collector_profile` of the role. `severities: {RULE: error | warning | info | off}` takes precedence.
- **Accept a finding** with `suppressions: [{rule: RULE, path: "exporters.*", reason: WHY}]`, or in the file with a
  comment `# o11y: ignore RULE why` on its line or the one before. It stays in the report, with the reason.
- **Add rules of your own** in YAML, without Python: see [own_rules.md](own_rules.md).
- Rules marked ● find what `otelcol validate` rejects too. The others find what it does not check.
"""
# Types of components that begin a reason. They are written in small letters, like names with an underscore.
_NAMES_IN_SMALL_LETTERS = ("awsemf", "pprof")
_ENDS_OF_SENTENCES = (".", "?", "!")


@dataclass(frozen=True)
class Severities:
    """The severity of a rule in each profile: error, warning, info or off."""

    development: str
    """In the profile `development`."""
    default: str
    """In the profile `default`."""
    production: str
    """In the profile `production`."""


def build_page() -> str:
    """Return the text of docs/rules.md."""
    findings_module = import_plugin_module("plugin_utils._otelcol._findings")
    rules = list(import_plugin_module("module_utils._otelcol.rules.rules").RULES)
    rules_by_module: dict[str, list[Any]] = {}
    for rule in rules:
        rules_by_module.setdefault(_find_check_module(rule), []).append(rule)
    chapters = [_format_chapter(module, its_rules) for module, its_rules in rules_by_module.items()]
    explained_ids = {rule.id for rule in rules}
    return "\n".join([_PAGE_HEAD, _format_table([*rules, *findings_module.EXTRA_RULES], explained_ids), *chapters])


def _find_check_module(rule: Any) -> str:
    """Return the name of the module that has a rule's check, a function or a partial one."""
    function = getattr(rule.check, "func", rule.check)
    return str(function.__module__)


def _format_table(rules: list[Any], explained_ids: set[str]) -> str:
    """Return the table of all rules. The id of a rule that has a section is a link to it."""
    table_lines = ["| rule | ● | development | default | production | finds |", "|---|---|---|---|---|---|"]
    for rule in rules:
        name = f"[{rule.id}](#{rule.id})" if rule.id in explained_ids else rule.id
        rejected_mark = "●" if rule.shared else ""
        severities = _find_severities(rule)
        cells = (
            name,
            rejected_mark,
            severities.development,
            severities.default,
            severities.production,
            _format_reason(rule),
        )
        table_lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(table_lines) + "\n"


def _find_severities(rule: Any) -> Severities:
    """Return the severities of a rule: what a profile says, else the rule's own."""
    profiles = import_plugin_module("module_utils._otelcol.rules.profiles").PROFILES
    return Severities(
        development=profiles["development"].get(rule.id, rule.severity),
        default=profiles["default"].get(rule.id, rule.severity),
        production=profiles["production"].get(rule.id, rule.severity),
    )


def _format_chapter(module: str, rules: list[Any]) -> str:
    """Return the chapter of a module of rules: its title, its source and its rules.

    The title is in the first paragraph of the module's docstring, and the source is the second one, if that says so.
    """
    title_paragraph, source_paragraph, *_others = [*(sys.modules[module].__doc__ or "").split("\n\n"), ""]
    lines = [f"## {_chapter_title(title_paragraph.partition('. ')[0])}", ""]
    source = re.sub(r"\s*Private\.$", "", " ".join(source_paragraph.split()))
    if source.startswith("Source"):
        lines += [source.replace("Source of each: ", "Source: "), ""]
    for rule in rules:
        lines += _list_section_lines(rule)
    return "\n".join(lines)


def _chapter_title(sentence: str) -> str:
    """Return the title in the first sentence of a docstring: `Rules on ports: …` is about `Ports`."""
    subject = sentence.removeprefix("Rules on ").partition(":")[0].rstrip(".")
    return _capitalize(subject)


def _list_section_lines(rule: Any) -> Iterator[str]:
    """Yield the lines of a rule's section."""
    rule_example = build_example(rule.id)
    yield from (f"### {rule.id}", "", f"{_format_reason(rule)} {_describe_severity(rule)}", "")
    yield from _list_excerpt_lines("Wrong", rule_example.context, rule_example.wrong)
    yield from (_quote_finding(rule_example), "")
    has_other_context = rule_example.right_context != rule_example.context
    yield from _list_excerpt_lines("Right", rule_example.right_context if has_other_context else "", rule_example.right)
    if rule.documentation:
        yield from (f"See <{rule.documentation}>", "")


def _describe_severity(rule: Any) -> str:
    """Return the default severity and those that differ from it, such as `**warning**, error in production.`"""
    severities = _find_severities(rule)
    sentence = f"**{severities.default}**"
    if severities.development != severities.default:
        sentence += f", {severities.development} in development"
    if severities.production != severities.default:
        sentence += f", {severities.production} in production"
    return f"{sentence}."


def _list_excerpt_lines(heading_word: str, context: str, config: str) -> Iterator[str]:
    """Yield the lines that show a config, with what is known beside it in brackets."""
    title = f"{heading_word} ({context}):" if context else f"{heading_word}:"
    yield from (title, "", "```yaml", *config.rstrip("\n").split("\n"), "```", "")


def _quote_finding(rule_example: Example) -> str:
    """Return what the rule says of the wrong config: path, message and fix, as a quotation."""
    path = f"`{rule_example.path}`: " if rule_example.path else ""
    full_stop = "" if rule_example.message.endswith(_ENDS_OF_SENTENCES) else "."
    quotation = f"> {path}{rule_example.message}{full_stop} {rule_example.fix}".rstrip()
    return quotation.replace("[^", r"\[^")  # a glob is no footnote


def _format_reason(rule: Any) -> str:
    """Return a rule's reason as a sentence for a cell of a table. A name of a component keeps its first letter."""
    text = str(rule.reason).removeprefix("Yield ").replace("|", "\\|")
    first_word = text.partition(" ")[0]
    is_name = "_" in first_word or first_word in _NAMES_IN_SMALL_LETTERS
    return text if is_name else _capitalize(text)


def _capitalize(text: str) -> str:
    """Return a text with a capital first letter; the others stay."""
    return f"{text[:1].upper()}{text[1:]}"
