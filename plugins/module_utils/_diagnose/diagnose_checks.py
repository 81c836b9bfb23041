# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of collectors and of canaries, and what one finds. Private.

Each check is a JMESPath over facts, which docs/diagnose.md and docs/change.md list; users add checks of their own.
The stage is the causal order: what is wrong in an early stage explains what is wrong in a later one.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Facts = Mapping[str, Any]
Search = Callable[[str, Any], Any]

SEVERITIES = ("error", "warning", "info")
# From causes to symptoms.
STAGES = ("exists", "holds", "config", "starts", "rights", "certificates", "way", "capacity", "log", "flow", "own")
# What keeps a collector from running; while no pod of it does, the later stages say nothing new.
BEFORE_RUNNING = frozenset(STAGES[: STAGES.index("starts") + 1])


class Check(NamedTuple):
    """One check. `find_expression` yields what is wrong: mappings or texts.

    `message_template` and `fix_template` have {fields} of what it yields. What it yields may have `about`: the
    component or end (`exporters/debug`, `in`) that it is about. In a canary, the field `growing_field` of what it
    yields must grow from one reading to the next: what went wrong once undoes no change. A check that `needs_data` says
    nothing about a canary that no data reached.
    """

    id: str
    find_expression: str
    message_template: str
    fix_template: str = ""
    stage: str = "own"
    severity: str = "error"
    growing_field: str = ""
    needs_data: bool = False


class CheckFinding(NamedTuple):
    """One thing that a check has found."""

    check: Check
    subject: str
    """The component or end that it is about, such as `exporters/debug` or `in`; empty if the check does not say."""
    message: str
    fix: str
    found_fields: Mapping[str, Any]
    """What the expression yielded; a text is under the key `value`."""

    @property
    def causal_rank(self) -> int:
        """Return its place in the causal order."""
        return STAGES.index(self.check.stage)


def run_checks(search: Search, checks: Sequence[Check], facts: Facts) -> list[CheckFinding]:
    """Return the findings of all checks, sorted by stage: the causes come first."""
    findings: list[CheckFinding] = []
    for check in checks:
        findings.extend(_run_check(search, check, facts))
    return sorted(findings, key=lambda finding: (finding.causal_rank, SEVERITIES.index(finding.check.severity)))


def _run_check(search: Search, check: Check, facts: Facts) -> Iterator[CheckFinding]:
    for found_value in _to_list(search(check.find_expression, facts)):
        fields = found_value if isinstance(found_value, Mapping) else {"value": found_value}
        message = _fill_template(check.message_template, fields)
        fix = _fill_template(check.fix_template, fields)
        yield CheckFinding(check, str(fields.get("about") or ""), message, fix, fields)


def _to_list(value: Any) -> list[Any]:
    """Return what an expression found as a list; nothing, false and zero are no finding."""
    if isinstance(value, list):
        return value
    return [value] if value else []


def _fill_template(text: str, fields: Mapping[str, Any]) -> str:
    """Return a text with its fields filled in, on one line; as it is written if a format does not fit its value."""
    try:
        filled_text = _Filler().vformat(text, (), fields)
    except ValueError:
        filled_text = text
    return " ".join(filled_text.split())


class _Filler(string.Formatter):
    """Fills in known fields, and leaves out unknown ones."""

    def get_field(self, field_name: str, _args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        value = kwargs.get(field_name)
        return "" if value is None else value, field_name
