# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays requests of a capture through a config in a real Collector, and counts what its exporters send. Private.

`forecasting.py` replays a capture through the config of before and the one of after. The config gets other ends, as in
a test: see harness.py and replaced_ends.py. A sink counts items of an exporter, a size sink its bytes (size_sinks.py).
An example: a config that drops half of 1000 captured spans has replayed ::

    sent_by_exporter={"otlp_grpc/backend": {"traces": Sent(byte_count=51200, …)}}, item_count_by_signal={"traces": 1000}
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.forecast.sent_changes import Sent
from ....module_utils._otelcol.forecast.sink_queues import batch_sinks
from ....module_utils._otelcol.forecast.size_sinks import add_size_sinks, exporter_of_size_sink
from ....module_utils._otelcol.otlp_requests import measure_resources
from ....module_utils._otelcol.testing import cluster_facts, harness
from ....module_utils._otelcol.testing.checked_pipelines import map_signals_of_receivers
from ....module_utils._otelcol.testing.replaced_ends import ReplacedEnds
from .._testing import collector_calls, collector_run, collector_runtime
from .._testing.arrival_waits import wait_for_flushes
from .._testing.collector_setup import CollectorSetup, build_command, check_reach
from .._testing.guard import run_with_retries
from .._testing.sink import ArrivedRecords, serve_sink

_TIMEOUT_SECONDS = 120.0
"""How long the Collector may take to start, for one request, and to stop."""
_BUSY_SECONDS = 60.0
"""For how many seconds a Collector may be too busy for a request: a replay is faster than its clients."""
_DROPPED_DATA_LOG = "Dropping data"
"""What the Collector logs of data that it gives up."""
_RUN_AGAIN_FIX = "Run it again while less else runs."
CAPTURE_AGAIN = "Capture it again, or name files that the exporter `file` or playbook capture wrote."
_JSON = {"Content-Type": "application/json"}


class CapturedRequest(NamedTuple):
    """A request of OTLP: its signal, its number of items, and the JSON of the capture, which is sent again."""

    signal: str
    items: int
    body: bytes
    where: str
    """The file, and the line of it."""


@dataclass(frozen=True)
class Replayed:
    """What the exporters sent, what came in, and how the config of the replay differs from the user's."""

    sent_by_exporter: Mapping[str, Mapping[str, Sent]]
    exporters: tuple[str, ...]
    item_count_by_signal: Mapping[str, int]
    """Items of the capture by signal."""
    config_changes: tuple[str, ...]
    signals_by_receiver: Mapping[str, Collection[str]]
    """The receivers that can be sent to, each with its signals."""

    @property
    def received_signals(self) -> frozenset[str]:
        """The signals that its receivers take."""
        return frozenset(signal for signals in self.signals_by_receiver.values() for signal in signals)


class CountingSink(ArrivedRecords):
    """What exporters sent, counted; nothing else of it is kept."""

    def __init__(self, objects: Mapping[str, list[dict[str, Any]]], tenant_attribute: str) -> None:
        super().__init__(objects, {})
        self.sent: dict[str, dict[str, Sent]] = defaultdict(lambda: defaultdict(Sent))
        self._tenant_attribute = tenant_attribute

    def keep(self, path: str, body: bytes) -> None:
        """Count a request of an exporter, or the bytes of one."""
        quoted_name, _v1, signal = path.strip("/").split("/")
        name = unquote(quoted_name)
        exporter = exporter_of_size_sink(name)
        with self._lock:
            if exporter:
                self.sent[exporter][signal].byte_count += len(body)
            else:
                resources = measure_resources(body.decode())
                self.sent[name][signal].tally.add_resources(signal, resources, self._tenant_attribute)
                self.requests[name] += 1


@dataclass(frozen=True)
class Replay:
    """What is replayed, and what the user says about it."""

    read_requests: Callable[[], Iterable[CapturedRequest]]
    """Reads the capture from its beginning; each replay calls it once."""
    receiver_by_signal: Mapping[str, str]
    """The receiver that the user names for a signal, where several take it."""
    tenant_attribute: str = ""
    """The attribute of resources that names the tenant; empty if there are no tenants."""


def replay_capture(setup: CollectorSetup, replay: Replay, side: str) -> Replayed:
    """Return what the exporters of a config send. Raises Problem if the config cannot be run, or refuses a request."""
    return run_with_retries("replaying the capture", side, lambda _number: _replay_once(setup, replay, side))


def _replay_once(setup: CollectorSetup, replay: Replay, side: str) -> Replayed:
    """Return what the exporters of a config send. Raises RetryableError if chance kept it from running."""
    check_reach(setup)
    objects = cluster_facts.build_cluster_objects(setup.cluster_objects, "cluster")
    counting_sink = CountingSink(objects, replay.tenant_attribute)
    with (
        tempfile.TemporaryDirectory() as folder,
        collector_runtime.open_runtime(setup.isolation.is_isolated) as runtime,
        serve_sink(collector_runtime.open_listener(runtime), counting_sink) as address,
    ):
        ports = {
            receiver: collector_runtime.find_free_port(runtime) for receiver in map_signals_of_receivers(setup.config)
        }
        ends = ReplacedEnds(address, ports, folder, setup.otlp_http, is_replay=True)
        built_harness = harness.build_harness(setup.config, ends)
        add_size_sinks(built_harness, ends, setup.config)
        batch_sinks(built_harness, ends)
        command = build_command(setup, built_harness, ends)
        with collector_run.run_collector(runtime, command, _TIMEOUT_SECONDS) as log_lines:
            with collector_calls.OtlpSender(runtime, _TIMEOUT_SECONDS, _BUSY_SECONDS) as sender:
                item_counts = _send_capture(sender, replay, built_harness, ports, side)
            wait_for_flushes(counting_sink, built_harness.flush_count)
    if any(_DROPPED_DATA_LOG in line for line in log_lines):
        raise Problem(
            "the Collector has dropped data of the replay, so the figures would be too small", fix=_RUN_AGAIN_FIX
        )
    sent = {exporter: order_by_arrival(by_signal, item_counts) for exporter, by_signal in counting_sink.sent.items()}
    return Replayed(
        sent_by_exporter=sent,
        exporters=built_harness.exporters,
        item_count_by_signal=item_counts,
        config_changes=built_harness.changes,
        signals_by_receiver=built_harness.signals_by_receiver,
    )


def order_by_arrival(by_signal: Mapping[str, Sent], arrived_signals: Iterable[str]) -> dict[str, Sent]:
    """Return what was sent of each signal, in the order in which the signals came in.

    The requests that exporters send last arrive in any order, which must not change a report.
    """
    ordered_signals = [signal for signal in arrived_signals if signal in by_signal]
    return {signal: by_signal[signal] for signal in (*ordered_signals, *by_signal)}


def _send_capture(
    sender: collector_calls.OtlpSender,
    replay: Replay,
    built_harness: harness.Harness,
    ports: Mapping[str, int],
    side: str,
) -> Counter[str]:
    """Send each request of the capture to the receiver of its signal; return how many items the capture has of each.

    Raises Problem for a signal that several receivers take, and for a request that the Collector refuses.
    """
    item_counts = Counter[str]()
    receivers: dict[str, str] = {}
    for signal, items, body, request_place in replay.read_requests():
        item_counts[signal] += items
        if signal not in receivers:
            receivers[signal] = _choose_receiver(built_harness, signal, replay.receiver_by_signal.get(signal, ""), side)
        if receivers[signal]:
            call = collector_calls.Call(ports[receivers[signal]], f"/v1/{signal}", "POST", body, _JSON)
            _send_request(sender, call, request_place)
    return item_counts


def _send_request(sender: collector_calls.OtlpSender, call: collector_calls.Call, request_place: str) -> None:
    """Send a request of a capture. Raises Problem if the Collector refuses it, without its answer, which quotes it."""
    try:
        sender.send_call(call)
    except collector_calls.RefusedCall as error:
        raise Problem(
            "the Collector refuses this request of the capture", where=request_place, fix=CAPTURE_AGAIN
        ) from error


def _choose_receiver(built_harness: harness.Harness, signal: str, requested_receiver: str, side: str) -> str:
    """Return the receiver that takes a signal; empty if the config takes none of it, so that all of it is lost.

    Raises Problem if several could, and none of them is asked for.
    """
    able_receivers = [receiver for receiver, signals in built_harness.signals_by_receiver.items() if signal in signals]
    if requested_receiver in able_receivers:
        return requested_receiver
    if not able_receivers:
        return ""
    # A receiver that is asked for and takes none of the signal counts as not asked for: it may be one of the config on
    # the other side of the change.
    try:
        return harness.find_receiver_of_signal(built_harness, signal, named_receiver="", where=side)
    except Problem as problem:
        fix = f"Name one with `receivers`, as in `{signal}: {able_receivers[0]}`."
        raise Problem(problem.wrong, where=side, fix=fix) from problem
