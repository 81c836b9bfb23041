# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture has, and what of it is worth dropping. Private.

`observation.py` finds it, and `savings_report.py` makes a report of it: as lines, as Markdown and as data. Example: a
capture with 1,000 log records of 400,000 bytes, of which 900 with 352,000 bytes are below INFO, has

    captured_amounts: {"logs": Amount(1000, 400000)}
    proposals:        one of kind debug_logs, with removed_amounts {"logs": Amount(900, 352000)}
    compute_shares:   {"logs": RemovedShare(item_share=0.9, byte_share=0.88)}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .attribute_use import AttributeRow
from .captured_records import Amount
from .proposals import CaptureGap, SavingProposal
from .service_summary import ServiceSummary


class RemovedShare(NamedTuple):
    """Which share of a signal a proposal removes, from 0 to 1."""

    item_share: float
    byte_share: float


@dataclass(frozen=True)
class CaptureFindings:
    """What a capture has, and what of it is worth dropping, with most bytes first."""

    captured_amounts: Mapping[str, Amount]
    """What the capture has, by signal."""
    proposals: tuple[SavingProposal, ...]
    """The proposals that the report has."""
    smaller_count: int
    """How many more proposals there are, which save less, and which the report leaves out."""
    capture_gaps: tuple[CaptureGap, ...]
    """What the capture does not show."""
    attribute_rows: tuple[AttributeRow, ...]
    summary_by_service: Mapping[str, ServiceSummary]
    """What is counted of each service, by its name; that of telemetry without `service.name` is empty."""
    unseen_names: tuple[str, ...] = ()
    """Names of attributes that the user keeps and that nothing has."""

    @property
    def size_bytes(self) -> int:
        """The bytes of all signals."""
        return sum(amount.size_bytes for amount in self.captured_amounts.values())

    def compute_shares(self, proposal: SavingProposal) -> dict[str, RemovedShare]:
        """Return which share of each signal a proposal removes."""
        shares = {}
        for signal, removed in proposal.removed_amounts.items():
            captured = self.captured_amounts[signal]
            shares[signal] = RemovedShare(
                item_share=divide_or_zero(removed.item_count, captured.item_count),
                byte_share=divide_or_zero(removed.size_bytes, captured.size_bytes),
            )
        return shares


def divide_or_zero(part: float, total: float) -> float:
    """Return which share a part is of a total; 0 of nothing."""
    return part / total if total else 0.0
