# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing that a config may do with a record or not, and the settings that ask whether a record takes it. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..config.paths import Path

Settings = Mapping[str, Any]
ANY_SIGNAL = ("traces", "metrics", "logs")
# Why no test can tell whether a record takes a branch.
NO_PROFILES = "a test gives no profiles"
NOT_ASKED = "this component is not asked"


class Baseline(Enum):
    """What the records of the asked settings are compared with, if not with those of other settings."""

    RECORDS_BEFORE = "what enters the component"
    NO_RECORDS = "nothing"


@dataclass(frozen=True)
class Branch:
    """Something that a record takes or not: its place, its text, the pipelines' signals, and the settings that ask.

    A record takes it if the `asking_settings` settings make other records than those that they are compared with.
    `unknown_reason` says why no test can tell; there are no settings then.
    """

    path: Path
    description: str
    signals: tuple[str, ...] = ANY_SIGNAL
    asking_settings: Settings | None = None
    compared_with: Settings | Baseline = Baseline.NO_RECORDS
    unknown_reason: str = ""
