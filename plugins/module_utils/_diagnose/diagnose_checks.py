# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of collectors and of canaries, and what one finds. Private.

Each check is a JMESPath over facts, which docs/diagnose.md and docs/change.md list; users add checks of their own. The
stage is its place in the order of causes: what is wrong in an early stage explains what is wrong in a later one. For
example, `run_checks` makes of

    Check(id="peer_refused", find_expression="peers[?state=='refused']", stage="way",
          message_template="nothing listens at {endpoint}", fix_template="Start what listens there.")
    {"peers": [{"about": "exporters/otlp", "endpoint": "jaeger:4317", "state": "refused"}]}

the finding `nothing listens at jaeger:4317` about the subject `exporters/otlp`. Forms of expressions:

    rows[?…].{id: id, size: queue_size}     a finding for each row that fits, with these fields for the templates
    running && rows[?…]                     the same, but only if `running`: `x && y` is y if x is true, else x
    x && [{about: 'start'}]                 one finding if x
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Facts = Mapping[str, Any]
# Takes an expression of JMESPath and the data to search in.
Search = Callable[[str, Any], Any]

SEVERITIES = ("error", "warning", "info")
# From causes to symptoms.
STAGES = (
    "exists",  # the workload or the service is there
    "holds",  # it has what it needs: files, Secrets, ports, room on the disk
    "config",  # its config is right
    "starts",  # its pods or its process run
    "rights",  # it may do what its components need
    "certificates",  # its certificates are valid
    "way",  # clients reach it, and it reaches its backends
    "capacity",  # memory, queues and nodes suffice
    "log",  # what it says itself
    "flow",  # data flows
    "own",  # checks of users
)
# What keeps a collector from running; while no pod of it does, the later stages say nothing new.
BEFORE_RUNNING = frozenset(STAGES[: STAGES.index("starts") + 1])


class Check(NamedTuple):
    """One check."""

    id: str
    find_expression: str
    """A JMESPath that yields what is wrong: mappings or texts. A mapping may have `about`, the subject of a finding."""
    message_template: str
    """The message of a finding, with {fields} of the mapping; {value} is a text."""
    fix_template: str = ""
    """What to do, with the same fields."""
    stage: str = "own"
    """One of STAGES."""
    severity: str = "error"
    """One of SEVERITIES."""
    growing_field: str = ""
    """In a canary, this field must grow from one reading to the next: what went wrong once undoes no change."""
    needs_data: bool = False
    """Whether the check says nothing about a canary that no data reached."""


class CheckFinding(NamedTuple):
    """One thing that a check has found."""

    check: Check
    subject: str
    """What it is about: a component such as `exporters/debug`, `in` for what clients send to, or `start` for what keeps
    the collector from running. Empty if the check does not say."""
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
    """Return what an expression found as a list. Nothing, false, zero and an empty text are no finding."""
    if isinstance(value, list):
        return value
    return [value] if value else []


def _fill_template(text: str, fields: Mapping[str, Any]) -> str:
    """Return a text with its fields filled in, on one line; as it is written if a format does not fit its value."""
    try:
        filled_text = _Filler().vformat(text, (), fields)
    except (TypeError, ValueError):
        filled_text = text
    return " ".join(filled_text.split())


class _Filler(string.Formatter):
    """Fills in known fields, and leaves out unknown ones: a check of a user may name a field that no row has."""

    def get_field(self, field_name: str, _args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        value = kwargs.get(field_name)
        return "" if value is None else value, field_name
