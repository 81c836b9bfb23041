# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two readings of the pods of a collector say what all of them have accepted between them."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.collector_rates import (
    PodReading,
    compute_served_records,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.metrics import Reading, read_counts

from tests.support.cases import cases

RECEIVERS = ("otlp", "otlp/internal")


def counted(**spans: int) -> Reading:
    """Return what a pod has counted of spans, by the name of the receiver without `/`."""
    names = {"otlp": "otlp", "internal": "otlp/internal", "scraped": "prometheus"}
    lines = [
        f'otelcol_receiver_accepted_spans_total{{receiver="{names[short]}",transport="grpc"}} {count}'
        for short, count in spans.items()
    ]
    return read_counts("\n".join(lines))


def reading_at(at: float, ready_pods: int = 1, pods: tuple[str, ...] = (), **counts: Reading) -> PodReading:
    """Return a reading of some pods, beside which others may be known by name."""
    return PodReading(at, frozenset((*counts, *pods)), ready_pods, counts)


@cases(
    "before, after, records, known_pods",
    # All receivers of the capture count, and no others.
    (
        reading_at(100, a=counted(otlp=10, internal=5, scraped=7)),
        reading_at(110, a=counted(otlp=30, internal=25, scraped=99)),
        {"traces": 40.0},
        1,
    ),
    # A pod that was started again counts from nothing, and one that has gone not at all.
    (
        reading_at(100, 2, a=counted(otlp=100), gone=counted(otlp=5)),
        reading_at(110, 1, a=counted(otlp=20)),
        {"traces": 20.0},
        1,
    ),
    # All that a new pod has counted is new.
    (
        reading_at(100, 1, a=counted(otlp=100)),
        reading_at(110, 2, a=counted(otlp=130), new=counted(otlp=7)),
        {"traces": 37.0},
        2,
    ),
    # One that was there and not read may have counted all of it before: it is taken for as busy as the others.
    (
        reading_at(100, 2, pods=("silent",), a=counted(otlp=100)),
        reading_at(110, 2, a=counted(otlp=130), silent=counted(otlp=9000)),
        {"traces": 60.0},
        1,
    ),
    # Thirty pods are ready, and two of them are read.
    (
        reading_at(100, 30, a=counted(otlp=0), b=counted()),
        reading_at(110, 30, a=counted(otlp=10), b=counted()),
        {"traces": 150.0},
        2,
    ),
    # Who does not count a signal says nothing of it.
    (reading_at(100, a=counted()), reading_at(110, a=counted(scraped=5)), {}, 1),
    (reading_at(100, a=counted(otlp=1)), reading_at(110, 1, pods=("a",)), {}, 0),
    (reading_at(100, 0), reading_at(110, 0), {}, 0),
)
def test_records_are_those_of_all_ready_pods(
    before: PodReading, after: PodReading, records: dict[str, float], known_pods: int
) -> None:
    served = compute_served_records(before, after, RECEIVERS)
    assert (served.records_by_signal, served.known_pod_count, served.seconds) == (records, known_pods, 10.0)
