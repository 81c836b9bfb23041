# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report about a capture: proposals with the options that a user pastes, and words of the report. Private.

A capture is telemetry that a collector has recorded. A proposal says what of it is worth dropping, such as logs below
INFO (see proposals.py). The report has a proposal if it drops enough. A gap is what the capture does not show about a
kind of proposals. `_savings.py` of plugin_utils makes `Savings`; `savings_lines.py` and `savings_markdown.py` render
it. An example of a title and of its measured shares:

    debug logs: below INFO
    12.5 % of log records, 8.0 % of bytes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.otlp_requests import ITEM_NOUNS
from .capture_findings import CaptureFindings
from .instrumentation_score import Score
from .measured_shares import RemovedShares
from .observation import MOST_PROPOSALS_OF_KIND
from .proposals import KINDS, CaptureGap, SavingProposal

# How many characters of a subject a title has.
_LONGEST_SUBJECT = 200


@dataclass(frozen=True)
class ReportedProposal:
    """A proposal of the report: the options that follow it, and the shares that these were measured to remove."""

    proposal: SavingProposal
    pasted_options: Mapping[str, Any] = field(default_factory=dict)
    """The options that follow the proposal, by name; empty if no option does."""
    pasted_yaml: str = ""
    """These options as YAML."""
    measured_shares: Mapping[str, RemovedShares] = field(default_factory=dict)
    """What these options really removed of the capture, by signal."""
    why_not_measured: str = ""
    """Why there are no measured shares; empty if there are."""

    @property
    def title(self) -> str:
        """The kind of the proposal and its subject, such as `debug logs: below INFO`."""
        subject = self.proposal.subject
        short_subject = subject if len(subject) <= _LONGEST_SUBJECT else f"{subject[:_LONGEST_SUBJECT]}…"
        return f"{KINDS[self.proposal.kind].title}: {short_subject}"


@dataclass(frozen=True)
class Savings:
    """The report about a capture."""

    name: str
    """The name of the capture."""
    findings: CaptureFindings
    reported_proposals: tuple[ReportedProposal, ...]
    scores: tuple[Score, ...]
    notes: tuple[str, ...]


def describe_smaller_proposals(findings: CaptureFindings) -> Iterator[str]:
    """Yield lines about the proposals that the report leaves out, because they drop too little.

    An example: `3 proposals are below the least share of bytes, or of a kind with 10 that are larger`.
    """
    if not findings.proposals:
        yield "no proposal reaches the least share of bytes"
    if findings.smaller_count:
        why_left_out = f"below the least share of bytes, or of a kind with {MOST_PROPOSALS_OF_KIND} that are larger"
        counted_proposals = (
            "1 proposal is" if findings.smaller_count == 1 else f"{findings.smaller_count:,} proposals are"
        )
        yield f"{counted_proposals} {why_left_out}"


def describe_gap(gap: CaptureGap) -> str:
    """Return what the capture does not show about a kind of proposals, and why.

    An example: `debug logs: 20 log records without a severity were not looked at`.
    """
    return f"{KINDS[gap.kind].title}: {gap.reason}"


def describe_shares(signal: str, item_share: float, byte_share: float) -> str:
    """Return shares of a signal, from 0 to 1, in words: `12.5 % of log records, 8.0 % of bytes`.

    Without a share of items, the words are about bytes alone: an attribute that is removed leaves all items.
    """
    item_words = f"{format_percent(item_share)} of {ITEM_NOUNS[signal]}, " if item_share else ""
    return f"{item_words}{format_percent(byte_share)} of bytes"


def format_percent(share: float) -> str:
    """Return a share from 0 to 1 in percent, such as `12.5 %`."""
    return f"{100 * share:.1f} %"
