# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seconds between two times of Kubernetes, and how people read a duration."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.times import (
    describe_duration,
    seconds_between,
)


def test_the_seconds_between_two_times() -> None:
    assert seconds_between("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:01+00:00") == pytest.approx(0.876544)


def test_a_time_that_is_not_known_is_no_time_ago() -> None:
    assert seconds_between("", "2026-01-01T00:10:00Z") == 0


@pytest.mark.parametrize(("seconds", "told"), [(5, "5 s"), (180, "3 min"), (7200, "2 h"), (180000, "2 days")])
def test_a_duration_is_told_in_its_largest_unit(seconds: float, told: str) -> None:
    assert describe_duration(seconds) == told
