# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: what every rule finds, how severe that is, why, and what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from .examples import example
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


def page() -> str:
    """Return docs/rules.md."""
    findings = plugin("plugin_utils._otelcol._findings")
    rules = list(plugin("module_utils._otelcol.rules.rules").RULES)
    parts = [_HEAD, _table([*rules, *findings.OURS], {rule.id for rule in rules})]
    for module in dict.fromkeys(map(_module, rules)):
        parts.append(_chapter(module, [rule for rule in rules if _module(rule) == module]))
    return "\n".join(parts)


def _module(rule: Any) -> str:
    """Return the module of a rule's check, which is a function or a partial one."""
    return str(getattr(rule.check, "func", rule.check).__module__)


def _table(rules: list[Any], explained: set[str]) -> str:
    lines = ["| rule | ● | development | default | production | finds |", "|---|---|---|---|---|---|"]
    for rule in rules:
        name = f"[{rule.id}](#{rule.id})" if rule.id in explained else rule.id
        cells = (name, "●" if rule.shared else "", *_severities(rule), _reason(rule))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _severities(rule: Any) -> tuple[str, str, str]:
    profiles = plugin("module_utils._otelcol.rules.profiles").PROFILES
    development, default, production = (
        profiles[name].get(rule.id, rule.severity) for name in ("development", "default", "production")
    )
    return development, default, production


def _chapter(module: str, rules: list[Any]) -> str:
    about = " ".join((sys.modules[module].__doc__ or "").split())
    title, _stop, rest = about.partition(". ")
    what = title.removeprefix("Rules on ").partition(":")[0].rstrip(".")
    source = re.sub(r"\s*Private\.$", "", rest).strip()
    lines = [f"## {what[:1].upper()}{what[1:]}", ""]
    if source.startswith("Source"):
        lines += [source.replace("Source of each: ", "Source: "), ""]
    return "\n".join([*lines, *(line for rule in rules for line in _section(rule))])


def _section(rule: Any) -> Iterator[str]:
    shown = example(rule.id)
    development, default, production = _severities(rule)
    others = {"development": development, "production": production}
    differs = ", ".join(f"{value} in {name}" for name, value in others.items() if value != default)
    yield from (f"### {rule.id}", "", f"{_reason(rule)} **{default}**" + (f", {differs}" if differs else "") + ".", "")
    where = f" ({shown.around})" if shown.around else ""
    yield from (f"Wrong{where}:", "", "```yaml", *_lines(shown.wrong), "```", "")
    path = f"`{shown.path}`: " if shown.path else ""
    stop = "" if shown.message.endswith((".", "?", "!")) else "."
    said = f"> {path}{shown.message}{stop} {shown.fix}".rstrip()
    yield from (said.replace("[^", r"\[^"), "")  # a glob is no footnote
    other = f" ({shown.right_around})" if shown.right_around not in ("", shown.around) else ""
    yield from (f"Right{other}:", "", "```yaml", *_lines(shown.right), "```", "")
    if rule.documentation:
        yield from (f"See <{rule.documentation}>", "")


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


def _reason(rule: Any) -> str:
    """Return the reason as a sentence about what is found."""
    text = str(rule.reason).removeprefix("Yield ").replace("|", "\\|")
    first = text.split(" ")[0]
    is_name = "_" in first or first in ("awsemf", "pprof")
    return text if is_name else f"{text[:1].upper()}{text[1:]}"
