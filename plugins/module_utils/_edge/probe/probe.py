# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send one item of each signal, and see it arrive. Private."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..api.cluster import Cluster
from ..api.connect import connect
from ..api.translate import Failure, run
from .evidence import Evidence, evidence
from .otlp import NotSentError, OtlpTarget, Send, message, proxied, rejected, sender

POLL_FIRST, POLL_GROWTH, POLL_LAST = 0.1, 1.5, 2.0
SEND_SECONDS = 5.0


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
    signals: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, signals: list[str]) -> dict[str, Any]:
        """Send all signals, then wait until all arrived."""
        start = self.clock()
        sent_at = {signal: self._sent(signal, start) for signal in signals}
        if self.arrival:
            self._arrived(self.arrival, sent_at, start)
        facts = self._facts()
        far = "arrived" if self.arrival else "sent"
        return {"changed": False, "msg": f"{', '.join(signals)} {far}", **facts}

    def _facts(self) -> dict[str, Any]:
        return {"probe_id": self.probe_id, "signals": self.signals}

    def _sent(self, signal: str, start: float) -> float:
        self.signals[signal] = {"sent": False, "arrived": False, "seconds": None, "evidence": []}
        body = message(signal, self.probe_id, self.service)
        for _poll in self._polls(start):
            began = self.clock()
            try:
                reason = rejected(signal, self.send(signal, body, min(self.seconds, SEND_SECONDS)))
            except NotSentError as error:
                reason = str(error)
                if error.again:
                    continue
            if reason:
                break
            self.signals[signal].update(sent=True, seconds=round(self.clock() - began, 3))
            return began
        fix = "Check the address, the protocol, TLS and the headers, and that the collector has an OTLP receiver there."
        raise Failure(f"not taken: {reason}", asked=f"Send {signal}", fix=fix, facts=self._facts())

    def _arrived(self, arrival: Evidence, sent_at: dict[str, float], start: float) -> None:
        for _poll in self._polls(start):
            missing = [signal for signal, state in self.signals.items() if not state["arrived"]]
            for signal, lines in arrival.look(missing).items():
                seconds = round(self.clock() - sent_at[signal], 3)
                self.signals[signal].update(arrived=True, seconds=seconds, evidence=lines)
            if all(state["arrived"] for state in self.signals.values()):
                return
        lost = [signal for signal, state in self.signals.items() if not state["arrived"]]
        raise Failure(
            f"{', '.join(lost)} sent and taken, but not arrived after {self.seconds:g} s",
            asked=f"See probe {self.probe_id} arrive",
            fix=arrival.hint(lost[0]),
            facts=self._facts(),
        )

    def _polls(self, start: float) -> Iterator[None]:
        pause = POLL_FIRST
        yield
        while self.clock() - start < self.seconds:
            self.sleep(pause)
            pause = min(pause * POLL_GROWTH, POLL_LAST)
            yield


def run_probe(module: AnsibleModule) -> None:
    """Do what the task asks."""
    params = module.params
    headers = {str(name): str(value) for name, value in (params["headers"] or {}).items()}

    def work() -> dict[str, Any]:
        if module.check_mode:
            return {
                "changed": False,
                "skipped": True,
                "msg": "Not sent: a probe in check mode would still be telemetry.",
            }
        cluster: Cluster | None = connect(module) if params["via"] or params["arrival"] else None
        probe_id = secrets.token_hex(8)
        send = _way(params, cluster, headers)
        arrival = evidence(cluster, params["arrival"], probe_id) if cluster and params["arrival"] else None
        probe = Probe(send, arrival, probe_id, params["service_name"], params["timeout_seconds"])
        return probe.run(params["signals"])

    run(module, work, headers.values())


def _way(params: dict[str, Any], cluster: Cluster | None, headers: dict[str, str]) -> Send:
    if params["via"] and cluster:
        return proxied(cluster, params["via"], headers)
    endpoint = params["endpoint"]
    protocol = params["protocol"] or (
        "http/protobuf" if endpoint.startswith("http") and ":4317" not in endpoint else "grpc"
    )
    return sender(OtlpTarget(endpoint, protocol, headers, params["tls"] or {}))
