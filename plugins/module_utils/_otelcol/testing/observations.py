# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test without a written expectation saw. Private.

secret_leaks.py and followed_counts.py return observations, invariants.py sorts them. An invariant is what holds for
every config, such as that no record is lost without a reason.
"""

from __future__ import annotations

from typing import NamedTuple


class PipelineObservation(NamedTuple):
    """What was seen of one pipeline, exporter or processor."""

    is_breach: bool
    """Whether it breaks an invariant, so that the test fails."""
    text: str
    """What was seen, such as `traces: attributes loses 1 of 2 spans`."""
