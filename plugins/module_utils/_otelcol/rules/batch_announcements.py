# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What upstream announces about the processor `batch`, by the versions of the Collector. Private.

Exporters make batches in their queues, so upstream wants to remove the processor, in three steps: the Collector warns
of it, then exporters make batches by default, and then the processor is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

# From which version on the Collector warns of the processor beside exporters that make batches.
WARNED_SINCE = "0.165.0"
# From which version on exporters make batches by default.
DEFAULT_SINCE = "0.171.0"
# From which version on the processor is gone.
GONE_SINCE = "0.177.0"
_CHANGES = "https://github.com/open-telemetry/opentelemetry-collector/blob/v0.165.0/CHANGELOG.md"
_BLOG = (
    "the announcement 'Deprecating the Collector Batch Processor' (collector-batching-migration) of opentelemetry.io"
)


@dataclass(frozen=True)
class Announcement:
    """What upstream does to the processor in a version, or plans to do."""

    version: str
    announced_change: str
    """What the Collector does from this version on, as the end of a sentence."""
    severity: str
    """That of a finding about the processor from this version on."""
    is_planned: bool
    """Whether no release does it yet."""
    source_url: str
    read_date: str
    """When somebody read the source, such as `2026-11-25`."""


# Upstream has announced the end of the processor, and deprecated it in no release so far: its README says beta. The RFC
# named 0.160, 0.166 and 0.172; the later announcement named the versions here. The oldest version comes first.
ANNOUNCED = (
    Announcement(
        version=WARNED_SINCE,
        announced_change="warns at its start of the processor beside exporters that make batches",
        severity="info",
        is_planned=False,
        source_url=_CHANGES,
        read_date="2026-11-25",
    ),
    Announcement(
        version=DEFAULT_SINCE,
        announced_change="makes batches in exporters by default",
        severity="warning",
        is_planned=True,
        source_url=_BLOG,
        read_date="2026-11-25",
    ),
    Announcement(
        version=GONE_SINCE,
        announced_change="has no processor batch",
        severity="error",
        is_planned=True,
        source_url=_BLOG,
        read_date="2026-11-25",
    ),
)
