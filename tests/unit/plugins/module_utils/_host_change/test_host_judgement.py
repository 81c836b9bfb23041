# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector does worse than before a change."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_judgement import (
    EarlierCounts,
    list_regressions,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_metrics import HostCountKey

ACCEPTED = HostCountKey("receiver_accepted", "receivers/otlp", "traces")
SENT, FAILED = (HostCountKey(name, "exporters/debug", "traces") for name in ("exporter_sent", "exporter_send_failed"))
SIZE, CAPACITY = (HostCountKey(name, "exporters/debug") for name in ("exporter_queue_size", "exporter_queue_capacity"))
CONFIG = "receivers: {otlp: {}}\nexporters: {debug: {}}\n"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({SENT: 100}, {SENT: 10}, ""),
        ({SENT: 100}, {SENT: 10, FAILED: 4}, ""),
        ({SENT: 100}, {SENT: 10, FAILED: 5}, "exporters/debug: 5 of 15 traces failed (33 %), before 0 %"),
        ({SENT: 100, FAILED: 90}, {SENT: 10, FAILED: 6}, ""),
        ({SENT: 100}, {}, "exporters/debug: no traces was sent, and about 100 were due by the rate before"),
        ({SENT: 10}, {}, ""),
        ({ACCEPTED: 100}, {}, "receivers/otlp: no traces came in, and about 100 were due by the rate before"),
        ({}, {SIZE: 30, CAPACITY: 100}, "exporters/debug: its queue grew from 0 to 30 % of its capacity"),
        ({SIZE: 25, CAPACITY: 100}, {SIZE: 30, CAPACITY: 100}, ""),
    ],
)
def test_what_is_worse_than_before_is_told(
    before: dict[HostCountKey, int], after: dict[HostCountKey, int], said: str
) -> None:
    found = list_regressions(EarlierCounts(Counter(before), 10.0), Counter(after), 10.0, CONFIG)
    assert [one.line for one in found] == ([said] if said else [])


def test_a_component_that_the_config_left_is_not_missed() -> None:
    assert list_regressions(EarlierCounts({SENT: 100}, 10.0), {}, 10.0, "exporters: {debug/other: {}}\n") == []
