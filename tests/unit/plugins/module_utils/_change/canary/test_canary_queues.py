# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue is measured in what its exporter sends at once."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.canary_queues import count_request_units
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.memory_sizes import BATCH_BYTES

from ...helpers import cases


@cases(
    "queue, unit",
    ({"sizer": "bytes", "queue_size": 2**30, "batch": {"min_size": 2**20}}, 2**20),
    ({"sizer": "bytes", "queue_size": 4_000_000, "batch": {"min_size": 1_000_000}}, 200_000),
    ({"sizer": "bytes", "queue_size": 2**30, "batch": {"sizer": "items", "min_size": 100}}, 2**20),
    ({"sizer": "items", "batch": {"sizer": "bytes", "min_size": 2**20}}, 1),
    ({"sizer": "items", "batch": {"min_size": -5}}, 1),
    ({"sizer": "bytes", "batch": {"min_size": -5}}, BATCH_BYTES),
    ({}, 1),
)
def test_a_queue_of_bytes_is_measured_in_batches_or_in_parts_of_itself(queue: dict[str, Any], unit: int) -> None:
    config = {"exporters": {"debug": {"sending_queue": queue}}}
    assert count_request_units(config, "debug") == unit
