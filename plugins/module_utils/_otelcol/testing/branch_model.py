# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing that a config may do with a record or not, and the settings that ask whether a record takes it. Private.

A branch is such a thing: a statement, a condition, an action, a policy of sampling, or a route. A record takes a branch
if the branch does something with it. To ask is to run the component twice, with two settings, and to compare what comes
out, see probes.py. branches.py lists the branches of a config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..config.paths import Path

Settings = Mapping[str, Any]
ANY_SIGNAL = ("traces", "metrics", "logs")
# Why no test can tell whether a record takes a branch.
# Values of `unknown_reason`.
NO_PROFILES = "a test gives no profiles"
NOT_ASKED = "this component is not asked"


class Baseline(Enum):
    """What the result of the asking settings is compared with, if not with the result of other settings."""

    RECORDS_BEFORE = "what enters the component"
    NO_RECORDS = "nothing"


@dataclass(frozen=True)
class Branch:
    """Something that a record takes or not: its place, its text, the pipelines' signals, and the settings that ask.

    `path` is its place in the config, and `signals` those of the pipelines in which it counts. `asking_settings` are
    settings of its component. A record takes the branch if the component makes other records with them than with
    `compared_with`, which are other settings, or one of the baselines. `unknown_reason` says why no test can tell;
    `asking_settings` are None then.
    """

    path: Path
    description: str
    signals: tuple[str, ...] = ANY_SIGNAL
    asking_settings: Settings | None = None
    compared_with: Settings | Baseline = Baseline.NO_RECORDS
    unknown_reason: str = ""
