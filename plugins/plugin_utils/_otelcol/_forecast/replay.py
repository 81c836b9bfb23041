# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays requests of a capture through a config in a real Collector, and counts what its exporters send. Private."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.forecast.sent_changes import Sent
from ....module_utils._otelcol.forecast.size_sinks import add_size_sinks, batch_sinks, exporter_of_size
from ....module_utils._otelcol.otlp_requests import measured_resources
from ....module_utils._otelcol.testing import cluster_facts, harness
from ....module_utils._otelcol.testing.checked_pipelines import fed_receivers
from ....module_utils._otelcol.testing.replaced_ends import Ends
from .._testing import collector_calls, collector_place, collector_run
from .._testing.bench import Bench, attempted, check_reach, command_of, wait_for_flushes
from .._testing.sink import Sink, listening_sink

_SECONDS = 120.0
"""How long the Collector may take to start, for one request, and to stop."""
_PATIENCE = 60.0
"""For how many seconds a Collector may be too busy for a request: a replay is faster than its clients."""
_DROPPED = "Dropping data"
"""What the Collector logs of data that it gives up."""
_AGAIN = "Run it again while less else runs."
CAPTURE_AGAIN = "Capture it again, or name files that the exporter `file` or playbook capture wrote."
_JSON = {"Content-Type": "application/json"}


class Request(NamedTuple):
    """A request of OTLP: its signal, its number of items, and the JSON of the capture, which is sent again."""

    signal: str
    items: int
    body: bytes
    where: str
    """The file, and the line of it."""


@dataclass(frozen=True)
class Replayed:
    """What the exporters sent, what came in, and how the config of the replay differs from the user's."""

    sent: Mapping[str, Mapping[str, Sent]]
    exporters: tuple[str, ...]
    came: Mapping[str, int]
    """Items of the capture by signal."""
    changes: tuple[str, ...]
    receivers: Mapping[str, Collection[str]]
    """The receivers that can be sent to, each with its signals."""

    @property
    def taken(self) -> frozenset[str]:
        """The signals that its receivers take."""
        return frozenset(signal for signals in self.receivers.values() for signal in signals)


class CountingSink(Sink):
    """What exporters sent, counted; nothing else of it is kept."""

    def __init__(self, objects: Mapping[str, list[dict[str, Any]]], tenant_attribute: str) -> None:
        super().__init__(objects, {})
        self.sent: dict[str, dict[str, Sent]] = defaultdict(lambda: defaultdict(Sent))
        self._tenant_attribute = tenant_attribute

    def keep(self, path: str, body: bytes) -> None:
        """Count a request of an exporter, or the bytes of one."""
        quoted, _v1, signal = path.strip("/").split("/")
        name = unquote(quoted)
        exporter = exporter_of_size(name)
        with self._lock:
            if exporter:
                self.sent[exporter][signal].size += len(body)
            else:
                resources = measured_resources(body.decode())
                self.sent[name][signal].tally.add(signal, resources, self._tenant_attribute)
                self.requests[name] += 1


@dataclass(frozen=True)
class Replay:
    """What is replayed: how to begin anew, the receiver of each signal where several take it, and the tenant."""

    requests: Callable[[], Iterable[Request]]
    receivers: Mapping[str, str]
    tenant_attribute: str = ""


def replayed(bench: Bench, replay: Replay, where: str) -> Replayed:
    """Return what the exporters of a config send. Raises Problem if the config cannot be run, or refuses a request."""
    return attempted("replaying the capture", where, lambda _number: _once(bench, replay, where))


def _once(bench: Bench, replay: Replay, where: str) -> Replayed:
    check_reach(bench)
    objects = cluster_facts.cluster_objects(bench.cluster, "cluster")
    kept = CountingSink(objects, replay.tenant_attribute)
    with (
        tempfile.TemporaryDirectory() as folder,
        collector_place.opened_place(bench.isolation.apart) as place,
        listening_sink(collector_place.listener(place), kept) as address,
    ):
        ports = {receiver: collector_place.free_port(place) for receiver in fed_receivers(bench.config)}
        ends = Ends(address, ports, folder, bench.otlp_http, replays=True)
        built = harness.build_harness(bench.config, ends)
        add_size_sinks(built.config, ends, bench.config, built.sinks)
        batch_sinks(built, ends)
        came = Counter[str]()
        with collector_run.running_collector(place, command_of(bench, built, ends), _SECONDS) as said:
            with collector_calls.Sender(place, _SECONDS, _PATIENCE) as sender:
                for call, line in _calls(built, ports, replay, came, where):
                    _send(sender, call, line)
            wait_for_flushes(kept, built.flushes)
    if any(_DROPPED in line for line in said):
        raise Problem("the Collector has dropped data of the replay, so the figures would be too small", fix=_AGAIN)
    sent = {exporter: in_order(by_signal, came) for exporter, by_signal in kept.sent.items()}
    return Replayed(sent, built.exporters, came, built.changes, built.receivers)


def in_order(by_signal: Mapping[str, Sent], came: Iterable[str]) -> dict[str, Sent]:
    """Return what was sent of each signal, first of those that came, in their order: the last batches come in any."""
    signals = (*(signal for signal in came if signal in by_signal), *by_signal)
    return {signal: by_signal[signal] for signal in signals}


def _calls(
    built: harness.Harness, ports: Mapping[str, int], replay: Replay, came: Counter[str], where: str
) -> Iterator[tuple[collector_calls.Call, str]]:
    """Yield the requests of the capture with their lines, each to the receiver of its signal, and count their items."""
    receivers: dict[str, str] = {}
    for signal, items, body, line in replay.requests():
        came[signal] += items
        if signal not in receivers:
            receivers[signal] = _receiver(built, signal, replay.receivers.get(signal, ""), where)
        if receivers[signal]:
            yield collector_calls.Call(ports[receivers[signal]], f"/v1/{signal}", "POST", body, _JSON), line


def _send(sender: collector_calls.Sender, call: collector_calls.Call, line: str) -> None:
    """Send a request of a capture. Raises Problem if the Collector refuses it, without its answer, which quotes it."""
    try:
        sender.send(call)
    except collector_calls.RefusedCall as error:
        raise Problem("the Collector refuses this request of the capture", where=line, fix=CAPTURE_AGAIN) from error


def _receiver(built: harness.Harness, signal: str, asked: str, where: str) -> str:
    """Return the receiver that takes a signal; empty if the config takes none of it, so that all of it is lost.

    Raises Problem if several could, and none of them is asked for.
    """
    able = [receiver for receiver, signals in built.receivers.items() if signal in signals]
    if asked in able:
        return asked
    if not able:
        return ""
    try:
        return harness.receiver_of_signal(built, signal, "", where)
    except Problem as problem:
        fix = f"Name one with `receivers`, as in `{signal}: {able[0]}`."
        raise Problem(problem.wrong, where=where, fix=fix) from problem
