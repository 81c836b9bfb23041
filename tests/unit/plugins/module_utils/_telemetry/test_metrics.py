# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Own metrics of several versions become the same counts, and counts become what a signal does."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry import metrics
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.metrics import (
    UPTIME,
    CountKey,
    sum_readings,
)

from ..helpers import cases

ACCEPTED = CountKey("receiver_accepted", "otlp", "traces")
SENT = CountKey("exporter_sent", "debug", "traces")
QUEUED = CountKey("exporter_queue_size", "a/b", "traces")
INCOMING = CountKey("processor_incoming_items", "x", "logs")


@cases(
    "line, key, value",
    ('otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} 7', ACCEPTED, 7),
    ('otelcol_receiver_accepted_spans_total{receiver="otlp"} 1.5e+01', ACCEPTED, 15),
    ('otelcol_receiver_accepted_spans__spans__total{receiver="otlp"} 3', ACCEPTED, 3),
    ('otelcol_exporter_sent_log_records{exporter="debug"} 1', CountKey("exporter_sent", "debug", "logs"), 1),
    ('otelcol_exporter_queue_size{data_type="traces",exporter="a/b"} 4', QUEUED, 4),
    ('otelcol_processor_incoming_items{otel_signal="logs",processor="x"} 2', INCOMING, 2),
    ("otelcol_process_uptime_seconds_total 30.5", UPTIME, 30.5),
    ("otelcol_process_uptime 30.5 1700000000000", UPTIME, 30.5),
    ("otelcol_process_memory_rss_bytes 1.0e+06", CountKey("process_memory_rss"), 1e6),
)
def test_a_line_of_any_version_is_read(line: str, key: CountKey, value: float) -> None:
    assert metrics.read_counts(f"# HELP x y\n{line}\n")[key] == value


def test_transports_add_up_and_growth_counts_anew_after_a_restart() -> None:
    text = 'otelcol_receiver_accepted_spans{receiver="otlp",transport="%s"} 2\n'
    assert metrics.read_counts(text % "grpc" + text % "http" + "go_threads 8\n") == {ACCEPTED: 4}
    before, after = sum_readings([{ACCEPTED: 5, SENT: 9}]), sum_readings([{ACCEPTED: 8, SENT: 2}])
    assert metrics.subtract_readings(before, after) == {ACCEPTED: 3, SENT: 2}
    assert sum_readings([after, after])[ACCEPTED] == 16
    assert sum_readings([{UPTIME: 9}, {UPTIME: 4}])[UPTIME] == 4
