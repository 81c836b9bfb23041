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

from .examples import Example, example
from .project import plugin

_HEAD = """<!-- Written by `python -m tools.rules --write` from the rules and their test cases; do not edit. -->
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


def page() -> str:
    """Return the text of docs/rules.md."""
    findings = plugin("plugin_utils._otelcol._findings")
    rules = list(plugin("module_utils._otelcol.rules.rules").RULES)
    by_module: dict[str, list[Any]] = {}
    for rule in rules:
        by_module.setdefault(_module_of(rule), []).append(rule)
    chapters = [_chapter(module, its_rules) for module, its_rules in by_module.items()]
    explained = {rule.id for rule in rules}
    return "\n".join([_HEAD, _table([*rules, *findings.OURS], explained), *chapters])


def _module_of(rule: Any) -> str:
    """Return the name of the module that has a rule's check, a function or a partial one."""
    function = getattr(rule.check, "func", rule.check)
    return str(function.__module__)


def _table(rules: list[Any], explained: set[str]) -> str:
    """Return the table of all rules. The id of a rule that has a section is a link to it."""
    lines = ["| rule | ● | development | default | production | finds |", "|---|---|---|---|---|---|"]
    for rule in rules:
        name = f"[{rule.id}](#{rule.id})" if rule.id in explained else rule.id
        shared = "●" if rule.shared else ""
        severities = _severities(rule)
        cells = (name, shared, severities.development, severities.default, severities.production, _reason(rule))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _severities(rule: Any) -> Severities:
    """Return the severities of a rule: what a profile says, else the rule's own."""
    profiles = plugin("module_utils._otelcol.rules.profiles").PROFILES
    return Severities(
        development=profiles["development"].get(rule.id, rule.severity),
        default=profiles["default"].get(rule.id, rule.severity),
        production=profiles["production"].get(rule.id, rule.severity),
    )


def _chapter(module: str, rules: list[Any]) -> str:
    """Return the chapter of a module of rules: its title, its source if its docstring names one, and its rules."""
    docstring = " ".join((sys.modules[module].__doc__ or "").split())
    first_sentence, _stop, others = docstring.partition(". ")
    lines = [f"## {_title(first_sentence)}", ""]
    source = re.sub(r"\s*Private\.$", "", others).strip()
    if source.startswith("Source"):
        lines += [source.replace("Source of each: ", "Source: "), ""]
    for rule in rules:
        lines += _section(rule)
    return "\n".join(lines)


def _title(sentence: str) -> str:
    """Return the title in the first sentence of a docstring: `Rules on ports: …` is about `Ports`."""
    subject = sentence.removeprefix("Rules on ").partition(":")[0].rstrip(".")
    return _capitalized(subject)


def _section(rule: Any) -> Iterator[str]:
    """Yield the lines of a rule's section."""
    shown = example(rule.id)
    yield from (f"### {rule.id}", "", f"{_reason(rule)} {_severity_sentence(rule)}", "")
    yield from _excerpt("Wrong", shown.around, shown.wrong)
    yield from (_finding(shown), "")
    differs_around = shown.right_around != shown.around
    yield from _excerpt("Right", shown.right_around if differs_around else "", shown.right)
    if rule.documentation:
        yield from (f"See <{rule.documentation}>", "")


def _severity_sentence(rule: Any) -> str:
    """Return the default severity and those that differ from it, such as `**warning**, error in production.`"""
    severities = _severities(rule)
    sentence = f"**{severities.default}**"
    if severities.development != severities.default:
        sentence += f", {severities.development} in development"
    if severities.production != severities.default:
        sentence += f", {severities.production} in production"
    return f"{sentence}."


def _excerpt(word: str, around: str, config: str) -> Iterator[str]:
    """Yield the lines that show a config, with what is known around it in brackets."""
    title = f"{word} ({around}):" if around else f"{word}:"
    yield from (title, "", "```yaml", *config.rstrip("\n").split("\n"), "```", "")


def _finding(shown: Example) -> str:
    """Return what the rule says of the wrong config: path, message and fix, as a quotation."""
    path = f"`{shown.path}`: " if shown.path else ""
    stop = "" if shown.message.endswith(_ENDS_OF_SENTENCES) else "."
    quotation = f"> {path}{shown.message}{stop} {shown.fix}".rstrip()
    return quotation.replace("[^", r"\[^")  # a glob is no footnote


def _reason(rule: Any) -> str:
    """Return a rule's reason as a sentence for a cell of a table. A name of a component keeps its first letter."""
    text = str(rule.reason).removeprefix("Yield ").replace("|", "\\|")
    first_word = text.partition(" ")[0]
    is_name = "_" in first_word or first_word in _NAMES_IN_SMALL_LETTERS
    return text if is_name else _capitalized(text)


def _capitalized(text: str) -> str:
    """Return a text with a capital first letter; the others stay."""
    return f"{text[:1].upper()}{text[1:]}"
