# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be proposed: a row for each kind of proposal, and a proposal itself. Private.

A proposal says that something of the telemetry is worth dropping, such as an attribute that makes many series. Its
option is a recipe or a processor that drops it (removal_options.py). The files that look at a capture make proposals,
such as `log_use.py`, and `observation.py` collects them. Where they could not look at everything, they say so by a
`CaptureGap`.

Example: `SavingProposal(DEBUG_LOGS, "below INFO", {"logs": Amount(90, 12000)}, option)` says that 90 log records, of
12,000 bytes, are below INFO.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .captured_records import Amount
from .removal_options import RemovalOption


class ProposalKind(NamedTuple):
    """A kind of proposal."""

    title: str
    """What it finds."""
    loss: str
    """What you lose if you follow it."""


# The kinds, by their names in results.
ATTRIBUTES = "attributes"
CONSTANT_ATTRIBUTES = "constant_resource"
SERIES = "series"
UNCHANGED_METRICS = "unchanged_metrics"
LOG_TEMPLATES = "log_templates"
DEBUG_LOGS = "debug_logs"
HEALTH_CHECKS = "health_checks"
LEAF_SPANS = "leaf_spans"
PLAIN_TRACES = "plain_traces"
DUPLICATE_METRICS = "duplicate_metrics"
DUPLICATE_RECORDS = "duplicate_records"
REPEATED_ERRORS = "repeated_errors"
# In the order in which the page of savings has them.
KINDS: Mapping[str, ProposalKind] = {
    ATTRIBUTES: ProposalKind("attribute", "No search or dashboard finds it any more."),
    CONSTANT_ATTRIBUTES: ProposalKind(
        "resource attributes with one value", "Data of another cluster or host is not told apart by them."
    ),
    SERIES: ProposalKind("attribute that makes series", "Series are summed, or averaged for gauges, without it."),
    UNCHANGED_METRICS: ProposalKind(
        "metric that never changes", "It may change in an incident. Look at alerts that read it."
    ),
    LOG_TEMPLATES: ProposalKind(
        "repeated log template", "The records are gone. Count them first if their number matters."
    ),
    DEBUG_LOGS: ProposalKind("debug logs", "Nobody can read them later."),
    HEALTH_CHECKS: ProposalKind("spans of health checks", "Slow health checks are not seen in traces."),
    LEAF_SPANS: ProposalKind(
        "spans without children and errors", "The time they took counts as that of their parents."
    ),
    PLAIN_TRACES: ProposalKind(
        "traces without errors, and not slow", "One in ten is kept. Metrics made of spans later on count less."
    ),
    DUPLICATE_METRICS: ProposalKind("metric from two scopes", "Dashboards that name the scope see nothing."),
    DUPLICATE_RECORDS: ProposalKind("record that came twice", "Nothing."),
    REPEATED_ERRORS: ProposalKind("error that repeats", "Each repetition within the interval is a count of the first."),
}


@dataclass(frozen=True)
class SavingProposal:
    """Something that is worth dropping."""

    kind: str
    """A key of `KINDS`."""
    subject: str
    """What it is about, such as the name of an attribute."""
    removed_amounts: Mapping[str, Amount]
    """How much of each signal is dropped."""
    option: RemovalOption | None
    """What drops it; None if no option does."""
    detail: str = ""

    @property
    def size_bytes(self) -> int:
        """The bytes that are dropped, of all signals."""
        return sum(amount.size_bytes for amount in self.removed_amounts.values())


class CaptureGap(NamedTuple):
    """What the capture does not show about a kind of proposals, so that there may be more of them.

    Example: `CaptureGap(DUPLICATE_METRICS, "names of scopes are masked")`. Task results have it as `not_told`.
    """

    kind: str
    """A key of `KINDS`."""
    reason: str
    """Why, in words."""
