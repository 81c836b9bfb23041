# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which change of a collector an alert may be about."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.last_change import (
    LastChange,
    explain_kept_change,
)

CHANGE = LastChange("000002", "000001", written_time=1000.0)


def test_a_change_shortly_before_the_alert_is_undone() -> None:
    assert explain_kept_change(CHANGE, alert_began=1000.0, most_seconds=60) == ""
    assert explain_kept_change(CHANGE, alert_began=1060.0, most_seconds=60) == ""


@pytest.mark.parametrize(
    ("change", "began", "why"),
    [
        (CHANGE, 1061.0, "release 000002 was written 61 s before the alert began, and at most 60 count"),
        (CHANGE, 990.0, "release 000002 was written 10 s after the alert began, so the alert is not about it"),
        (replace(CHANGE, earlier_release=""), 1001.0, "no release before 000002 is kept"),
        (replace(CHANGE, has_come_back=True), 1001.0, "release 000002 runs since a later release was undone"),
        (replace(CHANGE, is_unfinished=True), 1001.0, "a killed run has left a change"),
    ],
)
def test_any_other_change_stays_and_the_reason_is_told(change: LastChange, began: float, why: str) -> None:
    assert explain_kept_change(change, began, most_seconds=60).startswith(why)
