# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.metrics import (
    UPTIME,
    CountKey,
    sum_readings,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.signal_flow import SignalFlow

from ..helpers import LISTENERS, cases

CONFIG = yaml.safe_load("""
receivers: {otlp: {}, k8s_cluster: {collection_interval: 10s}}
connectors: {span_metrics: {}}
service:
  pipelines:
    traces/a: {receivers: [otlp], processors: [filter], exporters: [debug, span_metrics]}
    metrics: {receivers: [span_metrics, k8s_cluster], exporters: [debug]}
""")
# Logs came in before, and do not come now.
QUIET = yaml.safe_load(
    "service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}, logs: {receivers: [otlp]}}}"
)
ACCEPTED = CountKey("receiver_accepted", "otlp", "traces")
SENT = CountKey("exporter_sent", "debug", "traces")
QUEUED, INCOMING = CountKey("exporter_queue_size", "a/b", "traces"), CountKey("processor_incoming_items", "x", "logs")


def flow(gained: dict[CountKey, float], whole: dict[CountKey, float] | None = None, config: Any = None) -> SignalFlow:
    return SignalFlow(config or CONFIG, LISTENERS, sum_readings([gained]), sum_readings([whole or gained]), 5.2)


def rows(
    gained: dict[CountKey, float], whole: dict[CountKey, float] | None = None, config: Any = None
) -> dict[str, Any]:
    facts = flow(gained, whole, config).collect_facts()
    return {(kind, row["signal"], row["id"]): row for kind, found in facts.items() for row in found}


@cases(
    "gained, whole, state",
    ({ACCEPTED: 1}, {}, "comes"),
    ({}, {}, "idle"),
    ({}, {ACCEPTED: 4}, "idle"),
    ({ACCEPTED: 1, CountKey("receiver_refused", "otlp", "traces"): 1}, {}, "refused"),
    ({CountKey("receiver_failed", "otlp", "traces"): 1}, {}, "refused"),
)
def test_what_comes_in(gained: Any, whole: Any, state: str) -> None:
    row = rows(gained, whole)["receives", "traces", "otlp"]
    assert (row["state"], row["about"], row["items"]) == (state, "in", "spans")


@cases(
    "whole, state",
    ({UPTIME: 100}, "idle"),
    ({UPTIME: 5}, "starts"),
    ({UPTIME: 100, CountKey("receiver_accepted", "k8s_cluster", "metrics"): 3}, "rests"),
)
def test_who_asks_at_intervals_may_rest_between_them(whole: Any, state: str) -> None:
    row = rows({}, whole)["receives", "metrics", "k8s_cluster"]
    assert (row["state"], row["about"]) == (state, "receivers/k8s_cluster")


@cases(
    "gained, whole, state",
    ({ACCEPTED: 2, SENT: 2}, {}, "sends"),
    ({ACCEPTED: 2, CountKey("exporter_send_failed", "debug", "traces"): 2}, {}, "fails"),
    ({ACCEPTED: 2, CountKey("exporter_enqueue_failed", "debug", "traces"): 2}, {}, "fails"),
    ({SENT: 1, CountKey("exporter_send_failed", "debug", "traces"): 2}, {}, "fails_partly"),
    ({ACCEPTED: 2}, {CountKey("exporter_queue_size", "debug", "traces"): 2}, "waits"),
    ({ACCEPTED: 2}, {}, "silent"),
    ({}, {}, "idle"),
)
def test_what_goes_out(gained: Any, whole: Any, state: str) -> None:
    assert rows(gained, whole)["exports", "traces", "debug"]["state"] == state


@cases("flush_timeout, state", ("1s", "waits"), ("5s", "silent"), ("1m", "silent"))
def test_what_may_still_become_a_batch_does_not_wait_for_the_backend(flush_timeout: str, state: str) -> None:
    exporters = {"debug": {"sending_queue": {"batch": {"flush_timeout": flush_timeout}}}}
    gained, whole = {ACCEPTED: 2}, {CountKey("exporter_queue_size", "debug", "traces"): 2}
    assert rows(gained, whole, CONFIG | {"exporters": exporters})["exports", "traces", "debug"]["state"] == state


def test_connectors_are_no_ends() -> None:
    assert ("exports", "traces", "span_metrics") not in rows({})
    assert ("receives", "metrics", "span_metrics") not in rows({})


def test_what_a_processor_refuses_and_drops_and_the_queue_in_per_cent() -> None:
    names = {"processor_incoming_items": 9, "processor_outgoing_items": 2, "processor_memory_limiter_refused": 3}
    row = rows({CountKey(name, "filter", "traces"): count for name, count in names.items()})[
        "processes", "traces", "filter"
    ]
    assert (row["incoming"], row["outgoing"], row["refused"], row["dropped"]) == (9, 2, 3, 4)
    size, capacity = (CountKey(f"exporter_queue_{word}", "debug", "traces") for word in ("size", "capacity"))
    row = rows({}, {size: 900, capacity: 1000})["exports", "traces", "debug"]
    assert (row["queue_percent"], row["seconds"]) == (90, 5)


def test_waiting_ends_when_it_would_tell_no_more() -> None:
    assert flow({ACCEPTED: 1, SENT: 1}).has_settled()
    assert not flow({}).has_settled() and not flow({ACCEPTED: 1}).has_settled()
    assert not flow({ACCEPTED: 1, SENT: 1}, {CountKey("receiver_accepted", "otlp", "logs"): 3}, QUIET).has_settled()
