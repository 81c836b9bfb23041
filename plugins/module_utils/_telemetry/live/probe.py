# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send one item of each signal, and see it arrive. Private."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.cluster import Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.progress import Progress, silent
from ..._otelcol.errors import Failure, Problem
from ..evidence import Counts, arrived, containers, counted_by, counters, excerpt, growth
from ..lost_records import Lost, lost
from .backend_http import ASKED
from .backend_search import Arrival, Backends, Both, Seen
from .backend_search import check as check_backends
from .collector_pods import Pods
from .hop_readings import HopReadings
from .otlp import XRAY, NotSentError, OtlpTarget, Send, message, new_id, proxied, rejected, sender, xray_segment

POLL_FIRST, POLL_GROWTH, POLL_LAST = 0.1, 1.5, 2.0
SEND_SECONDS = 5.0
# A wait is told anew in this time, so that nobody takes it for a hang.
TELL_SECONDS = 10
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
LOST = "Correct the config of that collector or the endpoint; playbook diagnose says more about it."


@dataclass
class Probe:
    """One probe: how far each signal came, within one span of time."""

    send: Send
    arrival: Evidence | None
    probe_id: str
    service: str
    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    message: Callable[[str, str, str], bytes] = message
    way: HopReadings | None = None
    tell: Callable[[str], None] = silent
    signals: dict[str, dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def progress(self) -> Progress:
        """What is told while the probe waits."""
        return Progress(self.tell, self.clock)

    def run(self, signals: list[str]) -> dict[str, Any]:
        """Send all signals, then wait until all arrived."""
        start = self.clock()
        sent_at = {signal: self._sent(signal, start) for signal in signals}
        if self.arrival:
            self._arrived(self.arrival, sent_at, start)
        facts = self._facts()
        msg = arrived(self.signals) if self.arrival else f"{', '.join(signals)} sent"
        return {"changed": False, "msg": msg, **facts}

    def _facts(self) -> dict[str, Any]:
        return {"probe_id": self.probe_id, "signals": self.signals}

    def _sent(self, signal: str, start: float) -> float:
        self.signals[signal] = {"sent": False, "arrived": False, "seconds": None, "seen": "", "evidence": []}
        body = self.message(signal, self.probe_id, self.service)
        for _poll in self._polls(start):
            began = self.clock()
            try:
                reason = rejected(signal, self.send(signal, body, min(self.seconds, SEND_SECONDS)))
            except NotSentError as error:
                reason = str(error)
                if error.again:
                    self._waits(start, f"{signal} not taken yet")
                    continue
            if reason:
                break
            self.signals[signal].update(sent=True, seconds=round(self.clock() - began, 3))
            return began
        fix = "Check the address, the protocol, TLS and the headers, and that the collector has an OTLP receiver there."
        raise Failure(f"not taken: {reason}", asked=f"Send {signal}", fix=fix, facts=self._facts())

    def _arrived(self, arrival: Evidence, sent_at: dict[str, float], start: float) -> None:
        """Wait until all signals have arrived. Raises Failure with what lost them if they have not in time."""
        for _poll in self._polls(start):
            for signal, (where, lines) in arrival.look(self._missing()).items():
                seconds = round(self.clock() - sent_at[signal], 3)
                self.signals[signal].update(arrived=True, seconds=seconds, seen=where, evidence=lines)
            missing = self._missing()
            if not missing:
                return
            self._waits(start, f"{', '.join(missing)} not arrived yet")
        missing = self._missing()
        wrong = f"{', '.join(missing)} sent and taken, but not arrived after {self.seconds:g} s"
        losses = self._lost(missing)
        if losses.lines:
            wrong += f": {'; '.join(losses.lines)}"
        raise Failure(
            wrong,
            asked=f"See probe {self.probe_id} arrive",
            fix=LOST if losses.inside else arrival.hint(missing[0]),
            facts=self._facts(),
        )

    def _missing(self) -> list[str]:
        """Return the signals that have not arrived."""
        return [signal for signal, state in self.signals.items() if not state["arrived"]]

    def _waits(self, start: float, state: str) -> None:
        """Tell what the probe waits for, each time that some seconds have passed."""
        left = max(self.seconds - (self.clock() - start), 0)
        rounded = -(-left // TELL_SECONDS) * TELL_SECONDS
        self.progress(f"Probe of {self.service}", f"{state}, at most {rounded:.0f} s more")

    def _lost(self, missing: list[str]) -> Lost:
        """Return which collector on the way lost the signals; nothing if the way is not known."""
        hops = self.way.hops() if self.way else []
        lines: dict[str, None] = {}
        is_inside = False
        if hops:
            for signal in missing:
                losses = lost(hops, signal)
                self.signals[signal]["lost"] = losses.lines
                lines.update(dict.fromkeys(losses.lines))
                is_inside = is_inside or losses.inside
        return Lost(list(lines), is_inside)

    def _polls(self, start: float) -> Iterator[None]:
        pause = POLL_FIRST
        yield
        while self.clock() - start < self.seconds:
            self.sleep(pause)
            pause = min(pause * POLL_GROWTH, POLL_LAST)
            yield


def run_probe(module: AnsibleModule) -> None:
    params = module.params
    headers = {str(name): str(value) for name, value in (params["headers"] or {}).items()}

    def work() -> dict[str, Any]:
        if module.check_mode:
            return {
                "changed": False,
                "skipped": True,
                "msg": "Not sent: a probe in check mode would still be telemetry.",
            }
        check_headers(headers)
        if params["protocol"] == XRAY:
            check_xray(params)
        on_cluster = params["via"] or params["arrival"] or params["hops"]
        cluster: Cluster | None = connect(module) if on_cluster else None
        probe_id = new_id()
        send = _way(params, cluster, headers)
        arrival = _evidence(params, cluster, probe_id)
        made = xray_segment if params["protocol"] == XRAY else message
        probe = Probe(send, arrival, probe_id, params["service_name"], params["timeout_seconds"])
        probe.message = partial(made, failed=params["span_status"] == "error")
        probe.tell = getattr(module, "tell", silent)
        probe.way = HopReadings(cluster, params["hops"]) if cluster and arrival and params["hops"] else None
        return probe.run(params["signals"])

    hidden = [value for one in params["backends"] for value in (one.get("headers") or {}).values()]
    run(module, work, [*headers.values(), *hidden])


def _evidence(params: dict[str, Any], cluster: Cluster | None, probe_id: str) -> Evidence | None:
    """Return how to see the arrival: in pods, at backends, or at both."""
    backends = params["backends"]
    check_backends(backends, params["signals"], params["arrival"])
    parts: list[Evidence] = []
    if cluster and params["arrival"]:
        parts.append(evidence(cluster, params["arrival"], probe_id))
    if backends:
        parts.append(Backends(backends, probe_id, params["service_name"]))
    return Both(parts) if parts else None


def check_headers(headers: dict[str, str]) -> None:
    """Raise Problem for a header that cannot be sent; clients would show its value. Source: RFC 9110, 5.5."""
    for name, value in headers.items():
        if _CONTROL.search(value):
            wrong = f"header '{name}' has a line end or another control character"
            raise Problem(
                wrong, asked="Send the probe", fix="Remove it. A file that is read often ends with a line end."
            )


def check_xray(params: dict[str, Any]) -> None:
    """Raise Problem for what UDP or X-Ray cannot do; a datagram has no answer, so only its arrival proves anything."""
    wrong, fix = "", ""
    if params["via"]:
        wrong, fix = "the Kubernetes API forwards no UDP", "Set `endpoint` to an address that this machine reaches."
    elif params["signals"] != ["traces"]:
        wrong, fix = "segments of X-Ray are traces", "Set `signals: [traces]`."
    elif not (params["arrival"] or params.get("backends")):
        wrong, fix = "nobody answers a segment", "Set `arrival`, where the collector counts it, or `backends`."
    if wrong:
        raise Problem(wrong, asked="Send a segment with protocol xray", fix=fix)


def _way(params: dict[str, Any], cluster: Cluster | None, headers: dict[str, str]) -> Send:
    """Return how to send: through the API server, or to an endpoint, whose address may say the protocol."""
    if params["via"] and cluster:
        return proxied(cluster, params["via"], headers)
    endpoint, protocol = params["endpoint"], params["protocol"]
    if not protocol:
        is_http = endpoint.lower().startswith("http") and ":4317" not in endpoint
        protocol = "http/protobuf" if is_http else "grpc"
    return sender(OtlpTarget(endpoint, protocol, headers, params["tls"] or {}))


# How much earlier than the probe a log is read: the node's clock counts whole seconds.
LOG_MARGIN_SECONDS = 3


class Evidence(Protocol):
    """Knows whether a signal arrived, and if not what may keep it."""

    def look(self, signals: list[str]) -> Seen:
        """Return where each signal that arrived was seen, and the evidence."""

    def hint(self, signal: str) -> str:
        """Return what to check when a signal does not arrive."""


class Logs:
    """The debug exporter prints each record."""

    def __init__(self, pods: Pods, probe_id: str) -> None:
        self._pods, self._id = pods, probe_id
        self._start = pods.cluster.clock()

    def look(self, signals: list[str]) -> Seen:
        """Return the lines of each signal's record, of the first log that has it."""
        arrivals: Seen = {}
        for where, text in self.texts():
            for signal in signals:
                lines = [] if signal in arrivals else excerpt(text, signal, self._id)
                if lines:
                    arrivals[signal] = Arrival(f"the log of {where}", lines)
        return arrivals

    def texts(self) -> list[tuple[str, str]]:
        """Return the log of each container since the start, and where it is."""
        seconds = int(self._pods.cluster.clock() - self._start) + LOG_MARGIN_SECONDS
        places: list[str] = []
        paths: list[tuple[str, dict[str, Any]]] = []
        for pod in self._pods.running:
            pod_name = pod["metadata"]["name"]
            for container in containers(pod["spec"]):
                places.append(f"pod {self._pods.namespace}/{pod_name}, container {container}")
                paths.append((f"{self._pods.root}/{pod_name}/log", {"container": container, "sinceSeconds": seconds}))
        return list(zip(places, self._pods.ask(paths), strict=True))

    def hint(self, signal: str) -> str:
        """Return what keeps a record out of a log."""
        return f"Check that a {signal} pipeline of these pods has the debug exporter with verbosity: detailed."


class Metrics:
    """The collector counts what it accepts and sends; other traffic counts too, so this shows less than a log."""

    def __init__(self, pods: Pods, port: int) -> None:
        self._pods, self._port = pods, port
        self._before = self._read()
        self._trouble: dict[str, list[str]] = {}

    def _read(self) -> dict[str, Counts]:
        try:
            texts = self._pods.metrics(self._port)
        except Problem as problem:
            served = f"Prometheus metrics on the pod's address, port {self._port}"
            fix = f"Let service.telemetry serve {served}, or use evidence: logs."
            raise Problem(problem.wrong, asked=ASKED, where=problem.where, fix=fix) from problem
        return {name: counters(text) for name, text in texts}

    def look(self, signals: list[str]) -> Seen:
        """Return the counts that grew for each signal that was accepted and sent, and the pods that counted it."""
        before, after = self._before, self._read()
        whole_before = sum(before.values(), Counter())
        whole_after = sum(after.values(), Counter())
        self._trouble = {}
        arrivals: Seen = {}
        for signal in signals:
            grown = growth(whole_before, whole_after, signal)
            self._trouble[signal] = grown.trouble
            if grown.has_passed:
                where = counted_by(self._pods.namespace, before, after, signal)
                arrivals[signal] = Arrival(where, grown.lines)
        return arrivals

    def hint(self, signal: str) -> str:
        """Return what the counters say of failures, or what to check if they say nothing."""
        trouble = ", ".join(self._trouble.get(signal) or [])
        if trouble:
            return f"The collector counts: {trouble}; read its log."
        return f"Check its {signal} pipeline and its log."


def evidence(cluster: Cluster, arrival: dict[str, Any], probe_id: str) -> Evidence:
    """Return how to see the arrival, with what it must know from before the sending."""
    pods = Pods(cluster, arrival)
    return Logs(pods, probe_id) if arrival["evidence"] == "logs" else Metrics(pods, arrival["metrics_port"])
