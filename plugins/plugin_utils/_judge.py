# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User settings of rules: profile, severities and suppressions. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..module_utils._core.errors import Problem
from ..module_utils._core.lint import profiles
from ..module_utils._core.lint.profiles import Judged, Suppression
from ..module_utils._core.lint.rules import RULES
from ..module_utils._core.lint.subject import INTERNAL_ERROR, Finding, Rule

INVALID_YAML, REFUSED = "invalid-yaml", "otelcol-validate"
_KEYS = ("rule", "reason", "path")


def _no_check(_subject: Any) -> Iterator[Any]:
    yield from ()


# Findings from other sources than rules on configs.
OURS = (
    Rule(INVALID_YAML, "error", "Text that is not YAML.", _no_check, shared=True),
    Rule(REFUSED, "error", "Configs that `otelcol validate` rejects.", _no_check, shared=True),
    Rule(INTERNAL_ERROR, "error", "Rules that failed because of a mistake in this collection.", _no_check),
    Rule(profiles.WRONG, "warning", "A suppression of a rule that does not exist, or without a reason.", _no_check),
    Rule(profiles.UNUSED, "info", "A suppression without a matching finding.", _no_check),
)
ALL_RULES = (*RULES, *OURS)
KNOWN = frozenset(rule.id for rule in ALL_RULES)


@dataclass(frozen=True)
class Judgement:
    """The severities of findings, and the suppressions."""

    profile: str = profiles.DEFAULT
    severities: Mapping[str, str] = field(default_factory=dict)
    suppressions: Sequence[Suppression] = ()

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Judgement:
        """Return the settings in the arguments of a task. Raises Problem for an invalid suppression."""
        accepted = tuple(_suppression(item) for item in arguments["suppressions"])
        return cls(arguments["profile"] or profiles.DEFAULT, arguments["severities"], accepted)

    def judge(self, findings: Iterable[Finding]) -> Judged:
        """Return the remaining findings with their severities, and the suppressed findings."""
        return profiles.judge(findings, KNOWN, self.profile, self.severities, self.suppressions)


def _suppression(item: Any) -> Suppression:
    if not isinstance(item, Mapping) or not isinstance(item.get("rule"), str):
        raise Problem(f"'{item}' is not a suppression", fix="Write `rule`, `reason` and, to narrow it, `path`.")
    other = sorted(set(item) - set(_KEYS))
    if other:
        raise Problem(f"a suppression has no '{other[0]}'", fix="Write `rule`, `reason` and `path`.")
    return Suppression(item["rule"], str(item.get("reason") or ""), str(item.get("path") or "*"))
