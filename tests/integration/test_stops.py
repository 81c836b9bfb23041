# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors from recipes that stop while a busy backend is slow to answer, as when Kubernetes replaces their pods.

A Collector that stops waits for its requests under way, and gives up what it would have to send again. So a request
that is late, but taken in the end, must not fail before: the exporter over gRPC waits only five seconds by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import wait_until
from tests.support.record_sizes import run_backend, send_records

from .test_real_collector import program, target  # noqa: F401 - fixtures
from .test_record_sizes import collector

SLOW, RECORDS = 7.0, 600  # seconds, longer than an exporter over gRPC waits by itself; records


@pytest.mark.parametrize("batching", ["exporters", "processor"])
def test_what_a_stopping_collector_has_accepted_reaches_a_slow_backend(
    program: Path,  # noqa: F811
    tmp_path: Path,
    batching: str,
) -> None:
    recipes: list[Any] = [{"baseline": {"batching": batching}}]
    with run_backend() as (slow, address):
        slow.seconds = SLOW
        with collector(program, tmp_path, f"grpc://{address}", *recipes) as gateway:
            sent = send_records(f"grpc://{gateway}:4317", "logs", 1000, RECORDS)
        assert len(sent.taken_names) == RECORDS, sent.refusals
        wait_until("all records", lambda: len(slow.stored) == RECORDS, SLOW)
    assert {*sent.taken_names} == {*slow.stored}
