# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about the same component, as one text from the symptom to the cause. Private.

Some findings are symptoms and others are their causes. A symptom has a higher `causal_rank` than its cause. So the
findings about exporter `otlp_grpc/jaeger` that it has a full queue, and that a Service has no endpoints, are one group:

    group_by_subject(findings)[0].list_texts()    ["spans wait at otlp_grpc/jaeger", "Service obs/jaeger has no …"]

The subject of a finding is the component that it is about, such as `exporters/otlp_grpc/jaeger`; it is `in` for what
clients reach, and empty for the collector as a whole. `verdict.py` and `undelivered.py` write their lines of groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .diagnose_checks import SEVERITIES, CheckFinding


class _Urgency(NamedTuple):
    """How urgent a group is. The most urgent one is the lowest: errors come before warnings, and causes first."""

    severity_rank: int
    causal_rank: int


class _CheckText(NamedTuple):
    """What one check found about a component, in one text."""

    causal_rank: int
    text: str


@dataclass(frozen=True)
class FindingGroup:
    """One or more findings about the same component, the causes first, as `run_checks` sorts them."""

    findings: Sequence[CheckFinding]

    @property
    def subject(self) -> str:
        """Return the component, such as `exporters/otlp`; empty for the collector as a whole."""
        return self.findings[0].subject

    @property
    def urgency(self) -> _Urgency:
        """Return that of the worst finding, and of the one that is nearest to a cause."""
        return _Urgency(
            severity_rank=min(SEVERITIES.index(finding.check.severity) for finding in self.findings),
            causal_rank=min(finding.causal_rank for finding in self.findings),
        )

    @property
    def first_fix(self) -> str:
        """Return the fix that is nearest to the cause; empty without any."""
        for finding in self.findings:
            if finding.fix:
                return finding.fix
        return ""

    def list_texts(self, most_texts: int | None = None) -> list[str]:
        """Return the texts from the symptom to the cause, each once and without its full stop.

        At most `most_texts` texts, see `_shorten_texts`; without it, all of them.
        """
        symptoms_first = sorted(self._merge_by_check(), key=lambda check_text: check_text.causal_rank, reverse=True)
        texts = [check_text.text for check_text in symptoms_first]
        if most_texts is not None:
            texts = _shorten_texts(texts, most_texts)
        return list(dict.fromkeys(text.rstrip(".") for text in texts))

    def _merge_by_check(self) -> list[_CheckText]:
        """Return one text for each check: its first message, and in short its findings with other messages."""
        findings_by_check: dict[str, list[CheckFinding]] = {}
        for finding in self.findings:
            findings_by_check.setdefault(finding.check.id, []).append(finding)
        check_texts = []
        for first_finding, *other_findings in findings_by_check.values():
            differing_findings = [finding for finding in other_findings if finding.message != first_finding.message]
            text = f"{first_finding.message}{_describe_others(differing_findings)}"
            check_texts.append(_CheckText(first_finding.causal_rank, text))
        return check_texts


def group_by_subject(findings: Iterable[CheckFinding]) -> list[FindingGroup]:
    """Return the findings in groups about the same component or end, the most urgent group first."""
    findings_by_subject: dict[str, list[CheckFinding]] = {}
    for finding in findings:
        # Findings about the collector as a whole need not be about the same fault, so each check has a group.
        findings_by_subject.setdefault(finding.subject or finding.check.id, []).append(finding)
    groups = [FindingGroup(group_findings) for group_findings in findings_by_subject.values()]
    return sorted(groups, key=lambda group: group.urgency)


def _shorten_texts(finding_texts: list[str], most_texts: int) -> list[str]:
    """Return at most `most_texts` texts, which is 1 or more: the first one, the symptom, and the last ones, the causes.

    With `most_texts` 3, [symptom, sign, other sign, cause, root] becomes [symptom, cause, root].
    """
    if len(finding_texts) <= most_texts:
        return finding_texts
    first_cause = len(finding_texts) - (most_texts - 1)
    return [finding_texts[0], *finding_texts[first_cause:]]


def _describe_others(differing_findings: Sequence[CheckFinding]) -> str:
    """Return further findings of a check as the end of a text, such as `; the same for spans`; empty without any."""
    if not differing_findings:
        return ""
    item_nouns = []
    for finding in differing_findings:
        if finding.found_fields.get("items"):
            item_nouns.append(str(finding.found_fields["items"]))
    if item_nouns:
        return f"; the same for {', '.join(item_nouns)}"
    return f" (and {len(differing_findings)} more like it)"
