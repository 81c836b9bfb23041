# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collector on the way lost a record, by the counts of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.lost_records import HopCounts, find_losses
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.metrics import CountKey, Reading

from tests.support.cases import cases


def way(*to: str, signals: tuple[str, ...] = ("traces", "logs")) -> dict[str, Any]:
    return {"signals": list(signals), "to": list(to)}


EXPORTERS: dict[str, dict[str, dict[str, Any]]] = {
    "agent": {"otlp/gateway": way("gateway")},
    "gateway": {"load_balancing": way("sampler", signals=("traces",)), "otlp/backend": way(signals=("logs",))},
    "sampler": {"otlp/backend": way()},
}
TAKEN = {("receiver_accepted", "otlp"): 1}
SENT = {
    "agent": TAKEN | {("exporter_sent", "otlp/gateway"): 1},
    "gateway": TAKEN | {("exporter_sent", "load_balancing"): 1},
    "sampler": TAKEN | {("exporter_sent", "otlp/backend"): 1},
}
ENDED = {("processor_incoming_items", name): 1 for name in ("filter", "transform")}


def counts(given: Mapping[tuple[str, str], int]) -> Reading:
    return Reading({CountKey(name, component, "traces"): count for (name, component), count in given.items()})


def hops(gained: Mapping[str, Any], now: Mapping[str, Any], unread: Mapping[str, str]) -> list[HopCounts]:
    return [
        HopCounts(name, exporters, counts(gained.get(name, {})), counts(now.get(name, {})), unread.get(name, ""))
        for name, exporters in EXPORTERS.items()
    ]


@cases(
    "gained, inside, lines",
    (
        SENT,
        False,
        ["sampler sent spans by otlp/backend, and the backend behind it took them"],
    ),
    (
        SENT | {"sampler": TAKEN | ENDED | {("processor_outgoing_items", "filter"): 1}},
        True,
        ["sampler took spans and sent none: all were dropped by transform"],
    ),
    (
        {"agent": TAKEN | {("exporter_send_failed", "otlp/gateway"): 1}},
        True,
        ["agent took spans and sent none: sending failed at otlp/gateway"],
    ),
    (
        {"agent": TAKEN | {("exporter_enqueue_failed", "otlp/gateway"): 1}},
        True,
        ["agent took spans and sent none: the queue was full at otlp/gateway"],
    ),
    (
        {"agent": TAKEN | {("processor_memory_limiter_refused", "memory_limiter"): 1}},
        True,
        ["agent took spans and sent none: refused by memory_limiter"],
    ),
    ({"agent": TAKEN}, True, ["agent took spans and sent none: a processor or connector drops or holds them"]),
    (
        {"agent": SENT["agent"]},
        True,
        ["agent sent spans by otlp/gateway, but none came to gateway: another receiver answered"],
    ),
    ({}, True, ["no spans came to agent, gateway, sampler, so another receiver answered"]),
    # An exporter that counts nothing has sent what came to the next collector.
    (
        SENT | {"gateway": TAKEN},
        False,
        ["sampler sent spans by otlp/backend, and the backend behind it took them"],
    ),
    (
        SENT
        | {
            "agent": {("receiver_accepted", "otlp"): 40, ("exporter_sent", "otlp/gateway"): 40},
            "gateway": TAKEN | ENDED,
            "sampler": {},
        },
        True,
        [
            "gateway took spans and sent none: all were dropped by filter, transform",
            "other spans flow too, and the counts include them",
        ],
    ),
)
def test_who_lost_it(gained: Mapping[str, Any], inside: bool, lines: list[str]) -> None:
    assert find_losses(hops(gained, {}, {}), "traces") == (lines, inside)


def test_what_waits_in_a_queue_is_not_lost_yet() -> None:
    waiting = {"agent": {("exporter_queue_size", "otlp/gateway"): 3}}
    (line,) = find_losses(hops({"agent": TAKEN}, waiting, {}), "traces").lines
    assert line == "agent took spans and sent none: they wait in the queue of otlp/gateway"


def test_tail_sampling_counts_traces_and_no_items() -> None:
    reading = counts(TAKEN) + Reading({CountKey("processor_tail_sampling_new_trace_id_received"): 1})
    (line,) = find_losses([HopCounts("sampler", EXPORTERS["sampler"], reading, Reading())], "traces").lines
    assert line == "sampler took spans and sent none: dropped or held by tail_sampling"


def test_a_collector_that_cannot_be_read_is_not_accused() -> None:
    blind = {"gateway": "no running pod is selected"}
    said = "the counts of gateway cannot be read: no running pod is selected"
    assert find_losses(hops({"agent": SENT["agent"]}, {}, blind), "traces").lines == [said]
    assert find_losses(hops({}, {}, dict.fromkeys(EXPORTERS, "forbidden")), "traces").is_inside is False


def test_counts_of_another_signal_say_nothing() -> None:
    (line,) = find_losses(hops(SENT, {}, {}), "logs").lines
    assert line.startswith("no log records came to agent, gateway, sampler")


def alone(*exporters: str, **counts_of: dict[str, int]) -> HopCounts:
    """Return a collector that got a span, with exporters to backends, and counts of theirs and of processors."""
    given = {(name, component): count for name, each in counts_of.items() for component, count in each.items()}
    return HopCounts("gw", {name: way() for name in exporters}, counts(TAKEN | given), Reading())


def test_an_exporter_that_failed_is_named_beside_one_that_sent() -> None:
    hop = alone("a", "b", exporter_sent={"a": 1}, exporter_send_failed={"b": 1})
    assert find_losses([hop], "traces") == (
        ["gw took spans, and not all exporters sent them: sending failed at b"],
        True,
    )
    hop = alone("a", "b", exporter_sent={"a": 1}, exporter_enqueue_failed={"b": 1})
    assert "the queue was full at b" in find_losses([hop], "traces").lines[0]
    hop = alone("a", "b", exporter_sent={"a": 1})
    assert find_losses([hop], "traces").lines == ["gw sent spans by a, and the backend behind it took them"]


def test_a_processor_that_drops_all_is_named_though_a_connector_makes_other_records() -> None:
    hop = alone("a", exporter_sent={"a": 20}, processor_incoming_items={"filter": 1})
    assert find_losses([hop], "traces").lines == [
        "gw took spans: all were dropped by filter",
        "other spans flow too, and the counts include them",
    ]


def test_a_collector_whose_traces_end_in_it_is_not_accused() -> None:
    counting = HopCounts("counting", {"otlp/metrics": way(signals=("metrics",))}, counts(TAKEN), Reading())
    sampler = HopCounts("sampler", EXPORTERS["sampler"], counts(SENT["sampler"]), Reading())
    found = find_losses([counting, sampler], "traces")
    assert found == (["sampler sent spans by otlp/backend, and the backend behind it took them"], False)


def test_nobody_else_is_said_to_answer_while_a_collector_is_unread() -> None:
    found = find_losses(hops({}, {}, {"gateway": "forbidden"}), "traces")
    assert found == (["the counts of gateway cannot be read: forbidden"], False)


def test_what_the_limiter_refuses_is_not_dropped() -> None:
    limited = {"processor_memory_limiter_refused": {"m": 1}, "processor_incoming_items": {"m": 1}}
    (line,) = find_losses([alone("a", **limited)], "traces").lines
    assert line == "gw took spans and sent none: refused by m"
