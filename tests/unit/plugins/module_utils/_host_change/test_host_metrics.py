# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The own metrics of a collector are counted, whatever its version calls them."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_metrics import (
    HostCountKey,
    parse_host_counts,
    read_uptime_seconds,
)

METRICS = """# TYPE otelcol_receiver_accepted_spans counter
otelcol_receiver_accepted_spans__spans__total{receiver="otlp",transport="grpc"} 1.5e+03
otelcol_receiver_accepted_spans__spans__total{receiver="otlp",transport="http"} 500
otelcol_exporter_sent_log_records_total{exporter="otlp_grpc/b"} 7
otelcol_exporter_queue_size{data_type="traces",exporter="debug"} 30
otelcol_exporter_queue_capacity{data_type="traces",exporter="debug"} 100
otelcol_process_uptime_seconds_total{} 12.5
"""
ACCEPTED = HostCountKey("receiver_accepted", "receivers/otlp", "traces")
SIZE, CAPACITY = (HostCountKey(name, "exporters/debug") for name in ("exporter_queue_size", "exporter_queue_capacity"))


def test_metrics_of_all_versions_are_counted() -> None:
    found = parse_host_counts(METRICS)
    assert found[ACCEPTED] == 2000
    assert found[HostCountKey("exporter_sent", "exporters/otlp_grpc/b", "logs")] == 7
    assert (found[SIZE], found[CAPACITY], read_uptime_seconds(METRICS)) == (30, 100, 12.5)


def test_an_endless_count_is_no_count() -> None:
    with pytest.raises(ValueError, match="'1e999' is no count"):
        parse_host_counts('otelcol_exporter_sent_spans{exporter="debug"} 1e999')
