# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a capture: proposals with what a user pastes, and words that lines and tables share. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.otlp_requests import ITEM_NOUNS
from .instrumentation_score import Score
from .measured_shares import Shares
from .observation import MOST_OF_KIND, Found
from .proposals import KINDS, Proposal, Untold

# Characters of a subject in a title.
_LONGEST = 200


@dataclass(frozen=True)
class Told:
    """A proposal with what a user pastes, and with the shares that were measured.

    `why_not_measured` says why there are none.
    """

    proposal: Proposal
    pasted: Mapping[str, Any] = field(default_factory=dict)
    yaml: str = ""
    measured: Mapping[str, Shares] = field(default_factory=dict)
    why_not_measured: str = ""

    @property
    def title(self) -> str:
        """What it is about, in one line."""
        subject = self.proposal.subject
        short = subject if len(subject) <= _LONGEST else f"{subject[:_LONGEST]}…"
        return f"{KINDS[self.proposal.kind].title}: {short}"


@dataclass(frozen=True)
class Savings:
    """What is told of a capture."""

    name: str
    found: Found
    told: tuple[Told, ...]
    scores: tuple[Score, ...]
    notes: tuple[str, ...]


def smaller_lines(found: Found) -> Iterator[str]:
    """Yield what is said of proposals that are not told, because too little goes with them."""
    if not found.proposals:
        yield "no proposal reaches the least share of bytes"
    if found.smaller:
        least = f"below the least share of bytes, or of a kind with {MOST_OF_KIND} that are larger"
        smaller = "1 proposal is" if found.smaller == 1 else f"{found.smaller:,} proposals are"
        yield f"{smaller} {least}"


def untold_line(untold: Untold) -> str:
    """Return what the capture cannot tell of a kind."""
    return f"{KINDS[untold.kind].title}: {untold.why}"


def shares_in_words(signal: str, items: float, size: float) -> str:
    """Return shares of the items and bytes of a signal, from 0 to 1, in words; no words for no items."""
    of_items = f"{percent_words(items)} of {ITEM_NOUNS[signal]}, " if items else ""
    return f"{of_items}{percent_words(size)} of bytes"


def percent_words(share: float) -> str:
    """Return a share from 0 to 1 in percent."""
    return f"{100 * share:.1f} %"
