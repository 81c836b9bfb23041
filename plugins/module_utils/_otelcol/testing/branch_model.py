# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing that a config may do with a record or not, and the settings with which probes see whether it does. Private.

A branch is such a thing: a statement, a condition, an action, a policy of sampling, or a route. A record takes a branch
if the branch does something with it. Two probes tell whether it does: each runs the component of the branch, one with
the branch and one without it (probes.py). If other records come out, a record took the branch. An example: of a filter
with the conditions `a` and `b`, the second is the branch ::

    Branch(
        path=("processors", "filter", "traces", "span", 1),
        description="b",
        signals=("traces",),
        settings_with_branch={"traces": {"span": ["a", "b"]}},
        settings_without_branch={"traces": {"span": ["a"]}},
    )

branches.py lists the branches of a config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..config.paths import Path
from ..otlp_requests import OTLP_SIGNALS

Settings = Mapping[str, Any]
ANY_SIGNAL = OTLP_SIGNALS
# Values of `unknown_reason`: why no test can tell whether a record takes a branch.
NO_PROFILES = "a test gives no profiles"
NOT_PROBED = "this component is not asked"


class Baseline(Enum):
    """What the records that come out with a branch are compared with, if no settings are without it."""

    RECORDS_BEFORE = "what enters the component"
    NO_RECORDS = "nothing"


@dataclass(frozen=True)
class Branch:
    """Something that a record takes or not."""

    path: Path
    """Its place in the config, such as `("processors", "filter", "traces", "span", 0)`."""
    description: str
    """Its text, such as the condition."""
    signals: tuple[str, ...] = ANY_SIGNAL
    """The signals of the pipelines in which it counts."""
    settings_with_branch: Settings | None = None
    """Settings of its component with the branch, and what stands before it; None if no probe can tell."""
    settings_without_branch: Settings | Baseline = Baseline.NO_RECORDS
    """The same settings without the branch, or what its records are compared with instead."""
    unknown_reason: str = ""
    """Why no probe can tell whether a record takes it; empty if one can."""
