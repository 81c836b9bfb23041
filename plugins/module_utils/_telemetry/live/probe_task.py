# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module otlp_probe: checks its options, and makes the probe that sends data and sees it arrive. Private.

`run_otlp_probe` is the entry point. `probe_options.py` has the options.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.cluster import Cluster
from ..._kube.live.connect import connect
from ..._kube.live.progress import tell_nobody
from ..._kube.live.task_end import run
from ..._otelcol.errors import Problem
from ..._otelcol.otlp_requests import OTLP_SIGNALS
from ..otlp_target import XRAY, OtlpTarget
from .arrival_evidence import choose_pod_evidence
from .arrivals import ArrivalEvidence, CombinedEvidence
from .backend_options import check_backend_options
from .backend_search import BackendEvidence
from .hop_readings import HopReadings
from .otlp_payloads import build_otlp_request, build_xray_segment, create_probe_id
from .otlp_senders import SendRequest, create_sender
from .probe import TelemetryProbe
from .probe_options import ArrivalOptions, BackendOptions, HopOptions
from .proxy_sender import create_proxy_sender

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CHECK_MODE_RESULT = {
    "changed": False,
    "skipped": True,
    "msg": "Not sent: a probe in check mode would still be telemetry.",
}


@dataclass(frozen=True)
class _ProbeTask:
    """The options of one task, which the documentation of module otlp_probe describes."""

    endpoint: str | None
    protocol: str | None
    signals: list[str]
    headers: Mapping[str, str]
    tls: Mapping[str, Any]
    service_name: str
    has_failed_span: bool
    via: Mapping[str, Any] | None
    arrival: ArrivalOptions | None
    backends: Sequence[BackendOptions]
    hops: Sequence[HopOptions]
    timeout_seconds: float

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> _ProbeTask:
        return cls(
            endpoint=params["endpoint"],
            protocol=params["protocol"],
            signals=params["signals"],
            headers={str(name): str(value) for name, value in (params["headers"] or {}).items()},
            tls=params["tls"] or {},
            service_name=params["service_name"],
            has_failed_span=params["span_status"] == "error",
            via=params["via"],
            arrival=params["arrival"],
            backends=params["backends"],
            hops=params["hops"],
            timeout_seconds=params["timeout_seconds"],
        )

    @property
    def needs_cluster(self) -> bool:
        return bool(self.via or self.arrival or self.hops)

    def list_secret_values(self) -> list[Any]:
        """Return the values of all headers, which no message may show."""
        secret_values: list[Any] = list(self.headers.values())
        for backend in self.backends:
            secret_values += (backend.get("headers") or {}).values()
        return secret_values


def run_otlp_probe(module: AnsibleModule) -> None:
    """Send a probe as the options of the module say, and leave the task."""
    task = _ProbeTask.from_params(module.params)

    def send_probe() -> dict[str, Any]:
        if module.check_mode:
            return _CHECK_MODE_RESULT
        check_signals(task.signals)
        check_headers(task.headers)
        if task.protocol == XRAY:
            check_xray_options(module.params)
        cluster = connect(module) if task.needs_cluster else None
        probe = _build_probe(task, cluster, getattr(module, "tell", tell_nobody))
        return probe.run(task.signals)

    run(module, send_probe, task.list_secret_values())


def _build_probe(task: _ProbeTask, cluster: Cluster | None, tell: Callable[[str], None]) -> TelemetryProbe:
    """Return the probe of a task. The counts and logs before the probe are read here."""
    probe_id = create_probe_id()
    send_request = _choose_sender(task, cluster)
    evidence = _choose_evidence(task, cluster, probe_id)
    build_request = build_xray_segment if task.protocol == XRAY else build_otlp_request
    hop_readings = None
    # Without evidence, nobody knows whether the probe arrives, so nobody asks where it was lost.
    if cluster and evidence and task.hops:
        hop_readings = HopReadings(cluster, task.hops)
    return TelemetryProbe(
        send_request=send_request,
        evidence=evidence,
        probe_id=probe_id,
        service=task.service_name,
        timeout_seconds=task.timeout_seconds,
        make_request=partial(build_request, failed=task.has_failed_span),
        hop_readings=hop_readings,
        tell=tell,
    )


def check_signals(signals: Sequence[str]) -> None:
    """Raise Problem without a signal: nothing would be sent, and nothing would be missing."""
    if not signals:
        fix = f"Name some of {', '.join(OTLP_SIGNALS)}, or leave `signals` out."
        raise Problem("there is no signal to send", asked="Send the probe", where="signals", fix=fix)


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise Problem for a header that cannot be sent. The errors of clients would show its value.

    Source: RFC 9110, 5.5.
    """
    for name, value in headers.items():
        if _CONTROL_CHARACTERS.search(value):
            wrong = f"header '{name}' has a line end or another control character"
            fix = "Remove it. A file that is read often ends with a line end."
            raise Problem(wrong, asked="Send the probe", fix=fix)


def check_xray_options(params: Mapping[str, Any]) -> None:
    """Raise Problem for options that do not fit X-Ray, whose segments go over UDP and get no answer."""
    wrong, fix = "", ""
    if params["via"]:
        wrong, fix = "the Kubernetes API forwards no UDP", "Set `endpoint` to an address that this machine reaches."
    elif params["signals"] != ["traces"]:
        wrong, fix = "segments of X-Ray are traces", "Set `signals: [traces]`."
    elif not (params["arrival"] or params.get("backends")):
        wrong, fix = "nobody answers a segment", "Set `arrival`, where the collector counts it, or `backends`."
    if wrong:
        raise Problem(wrong, asked="Send a segment with protocol xray", fix=fix)


def _choose_sender(task: _ProbeTask, cluster: Cluster | None) -> SendRequest:
    """Return how to send: through the API server, or to an endpoint."""
    if task.via and cluster:
        return create_proxy_sender(cluster, task.via, task.headers)
    # Without `via`, the module requires an endpoint.
    target = OtlpTarget.from_endpoint(str(task.endpoint), task.protocol, task.headers, task.tls)
    return create_sender(target)


def _choose_evidence(task: _ProbeTask, cluster: Cluster | None, probe_id: str) -> ArrivalEvidence | None:
    """Return how to see the arrival: in pods, at backends, or at both; None if the options name neither."""
    check_backend_options(task.backends, task.signals, task.arrival)
    evidence_kinds: list[ArrivalEvidence] = []
    if cluster and task.arrival:
        evidence_kinds.append(choose_pod_evidence(cluster, task.arrival, probe_id))
    if task.backends:
        evidence_kinds.append(BackendEvidence(task.backends, probe_id, task.service_name))
    return CombinedEvidence(evidence_kinds) if evidence_kinds else None
