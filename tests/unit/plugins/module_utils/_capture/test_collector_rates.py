# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two readings of the pods of a collector say what all of them receive."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.collector_rates import (
    PodReading,
    ServingRates,
    serving_rates,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.metrics import Reading, reading

from tests.support.cases import cases

RECEIVERS = ("otlp", "otlp/internal")


def counted(**spans: int) -> Reading:
    """Return what a pod has counted of spans, by the name of the receiver without `/`."""
    names = {"otlp": "otlp", "internal": "otlp/internal", "scraped": "prometheus"}
    lines = [
        f'otelcol_receiver_accepted_spans_total{{receiver="{names[short]}",transport="grpc"}} {count}'
        for short, count in spans.items()
    ]
    return reading("\n".join(lines))


@cases(
    "before, after, ready_pods, rates",
    # All receivers of the capture count, and no others.
    (
        {"a": counted(otlp=10, internal=5, scraped=7)},
        {"a": counted(otlp=30, internal=25, scraped=99)},
        1,
        ServingRates({"traces": 4.0}, 1),
    ),
    # A pod that was started again counts from nothing, one that has gone not at all, and the third is as busy.
    (
        {"a": counted(otlp=100), "gone": counted(otlp=5)},
        {"a": counted(otlp=20), "new": counted(otlp=500)},
        3,
        ServingRates({"traces": 6.0}, 1),
    ),
    # Pods that became ready meanwhile are no reason to count less.
    ({"a": counted(otlp=0)}, {"a": counted(otlp=10)}, 0, ServingRates({"traces": 1.0}, 1)),
    (
        {"a": counted(otlp=0), "b": counted()},
        {"a": counted(otlp=10), "b": counted()},
        2,
        ServingRates({"traces": 1}, 2),
    ),
    # Who does not count a signal says nothing of it.
    ({"a": counted()}, {"a": counted(scraped=5)}, 1, ServingRates({}, 1)),
    ({"a": counted(otlp=1)}, {}, 1, None),
    ({}, {}, 0, None),
)
def test_rates_are_those_of_all_ready_pods(
    before: dict[str, Reading], after: dict[str, Reading], ready_pods: int, rates: ServingRates | None
) -> None:
    assert serving_rates(PodReading(before, 100.0), PodReading(after, 110.0), RECEIVERS, ready_pods) == rates


def test_a_time_that_did_not_pass_gives_no_rates() -> None:
    pods = {"a": counted(otlp=1)}
    assert serving_rates(PodReading(pods, 100.0), PodReading(pods, 100.0), RECEIVERS, 1) is None
