# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a capture: proposals with what a user pastes, and words that lines and tables share. Private.

A proposal says what of the telemetry is worth dropping (see proposals.py). It is told if it drops enough. A kind of
proposals is untold if the capture cannot say anything about it. `savings_lines.py` and `savings_markdown.py` render
this.
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
from .proposals import KINDS, SavingProposal, UntoldKind

# Characters of a subject in a title.
_LONGEST_SUBJECT = 200


@dataclass(frozen=True)
class ToldProposal:
    """A proposal with what a user pastes, and with the shares that were measured."""

    proposal: SavingProposal
    pasted_options: Mapping[str, Any] = field(default_factory=dict)
    """The options that follow the proposal, by name; empty if no option does."""
    pasted_yaml: str = ""
    """The same as YAML."""
    measured_shares: Mapping[str, RemovedShares] = field(default_factory=dict)
    """What these options really removed of the capture, by signal."""
    why_not_measured: str = ""
    """Why there are no measured shares; empty if there are."""

    @property
    def title(self) -> str:
        """What it is about, in one line."""
        subject = self.proposal.subject
        short_subject = subject if len(subject) <= _LONGEST_SUBJECT else f"{subject[:_LONGEST_SUBJECT]}…"
        return f"{KINDS[self.proposal.kind].title}: {short_subject}"


@dataclass(frozen=True)
class Savings:
    """What is told of a capture."""

    name: str
    findings: CaptureFindings
    told_proposals: tuple[ToldProposal, ...]
    scores: tuple[Score, ...]
    notes: tuple[str, ...]


def describe_smaller_proposals(findings: CaptureFindings) -> Iterator[str]:
    """Yield what is said of proposals that are not told, because too little goes with them."""
    if not findings.proposals:
        yield "no proposal reaches the least share of bytes"
    if findings.smaller_count:
        why_left_out = f"below the least share of bytes, or of a kind with {MOST_PROPOSALS_OF_KIND} that are larger"
        counted_proposals = (
            "1 proposal is" if findings.smaller_count == 1 else f"{findings.smaller_count:,} proposals are"
        )
        yield f"{counted_proposals} {why_left_out}"


def describe_untold(untold: UntoldKind) -> str:
    """Return what the capture cannot tell of a kind."""
    return f"{KINDS[untold.kind].title}: {untold.reason}"


def describe_shares(signal: str, item_share: float, byte_share: float) -> str:
    """Return shares of the items and bytes of a signal, from 0 to 1, in words; no words for no items."""
    item_words = f"{format_percent(item_share)} of {ITEM_NOUNS[signal]}, " if item_share else ""
    return f"{item_words}{format_percent(byte_share)} of bytes"


def format_percent(share: float) -> str:
    """Return a share from 0 to 1 in percent."""
    return f"{100 * share:.1f} %"
