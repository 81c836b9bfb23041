# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a judgement of a canary could not find out, for want of data or of time. Private.

`live/observe.py` asks this at the end of an observation of some seconds. The user reads the notes as warnings, and the
message of the result names the checks that were not judged. For example, processor `tail_sampling` holds data for 30
seconds. An observation of 30 seconds gives the note `its components may hold data for 30 s: whether it is sent was not
judged; set `observe_seconds` to more than 50`, and does not count check `nothing_sent` as passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .canary_checks import CHECKS_NEEDING_DATA
from .fact_rows import ComparisonFacts
from .hold_times import MARGIN_SECONDS, count_hold_seconds


def find_checks_without_data(facts: ComparisonFacts, config: Mapping[str, Any], seconds: float) -> set[str]:
    """Return the ids of the checks that had nothing to compare in an observation of so many seconds.

    `facts` are those of its last reading, and `config` is the new config.
    """
    if not facts["canary"]["received"]:
        return set(CHECKS_NEEDING_DATA)
    if _may_hold_all_data(config, seconds):
        return {"nothing_sent"}
    return set()


def describe_data_limits(facts: ComparisonFacts, config: Mapping[str, Any], seconds: float) -> list[str]:
    """Return notes on what the data of an observation cannot show: the missing data, and what fails in the rest too."""
    notes: list[str] = []
    missing_data = _describe_missing_data(facts, config, seconds)
    if missing_data:
        notes.append(missing_data)
    for row in facts["exports"]:
        fails_in_both = row["failed"] and row["rest_failed"]
        if fails_in_both and not row["failed_excess"]:
            share_text = f"{row['rest_failed']} of {row['rest_offered']} {row['items']}"
            notes.append(f"{row['about']} fails in the rest too ({share_text})")
    return notes


def _describe_missing_data(facts: ComparisonFacts, config: Mapping[str, Any], seconds: float) -> str:
    """Return which data was missing; empty if none was."""
    canary_received, rest_received = facts["canary"]["received"], facts["rest"]["received"]
    if not canary_received and not rest_received:
        return "no data came in: judged by start and log alone"
    if not canary_received:
        return (
            "no data reached the canary, because clients keep their connections to older pods: judged by start,"
            " ports and log alone"
        )
    if _may_hold_all_data(config, seconds):
        hold_seconds = count_hold_seconds(config)
        return (
            f"its components may hold data for {round(hold_seconds)} s: whether it is sent was not judged; set"
            f" `observe_seconds` to more than {round(hold_seconds + 2 * MARGIN_SECONDS)}"
        )
    return ""


def _may_hold_all_data(config: Mapping[str, Any], seconds: float) -> bool:
    """Return whether components may still hold all that came in during so many seconds."""
    return count_hold_seconds(config) + MARGIN_SECONDS >= seconds
