# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of checks, and what one finds. Private.

Each row is a JMESPath over the facts of one collector, which docs/diagnose.md lists; users add rows of their own.
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


class DiagnoseCheck(NamedTuple):
    """One check. `find` yields what is wrong: mappings or texts. `message` and `fix` have {fields} of what it yields.

    What it yields may have `about`: the component or end (`exporters/debug`, `in`) that it is about.
    """

    id: str
    stage: str
    severity: str
    find: str
    message: str
    fix: str


class CheckFinding(NamedTuple):
    check: DiagnoseCheck
    about: str
    message: str
    fix: str
    item: Mapping[str, Any]

    @property
    def rank(self) -> int:
        """Return its place in the causal order."""
        return STAGES.index(self.check.stage)


def found(search: Search, checks: Sequence[DiagnoseCheck], facts: Facts) -> list[CheckFinding]:
    """Return what all checks find, the causes first."""
    result = [finding for check in checks for finding in _found(search, check, facts)]
    return sorted(result, key=lambda finding: (finding.rank, SEVERITIES.index(finding.check.severity)))


def _found(search: Search, check: DiagnoseCheck, facts: Facts) -> Iterator[CheckFinding]:
    value = search(check.find, facts)
    for item in value if isinstance(value, list) else [value] if value else []:
        fields = item if isinstance(item, Mapping) else {"value": item}
        message, fix = (" ".join(_Filler().vformat(text, (), fields).split()) for text in (check.message, check.fix))
        yield CheckFinding(check, str(fields.get("about") or ""), message, fix, fields)


class _Filler(string.Formatter):
    """Fills in known fields, and leaves out unknown ones."""

    def get_field(self, field_name: str, _args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        value = kwargs.get(field_name)
        return "" if value is None else value, field_name
