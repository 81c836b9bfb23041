# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module otlp_probe: what it checks before, and how it sends and looks. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.cluster import Cluster
from ..._kube.live.connect import connect
from ..._kube.live.progress import tell_nobody
from ..._kube.live.task_end import run
from ..._otelcol.errors import Problem
from ..otlp_target import XRAY, OtlpTarget
from .arrival_evidence import ArrivalEvidence, choose_pod_evidence
from .backend_search import BackendEvidence, CombinedEvidence
from .backend_search import check_backend_options as check_backends
from .hop_readings import HopReadings
from .otlp_payloads import build_otlp_request, build_xray_segment, create_probe_id
from .otlp_senders import SendRequest, create_proxy_sender, create_sender
from .probe import Probe

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CHECK_MODE_RESULT = {
    "changed": False,
    "skipped": True,
    "msg": "Not sent: a probe in check mode would still be telemetry.",
}


def run_otlp_probe(module: AnsibleModule) -> None:
    """Send a probe as the options of the module say, and leave the task."""
    params = module.params
    headers = {str(name): str(value) for name, value in (params["headers"] or {}).items()}

    def send_probe() -> dict[str, Any]:
        if module.check_mode:
            return _CHECK_MODE_RESULT
        check_headers(headers)
        if params["protocol"] == XRAY:
            check_xray_options(params)
        needs_cluster = params["via"] or params["arrival"] or params["hops"]
        cluster = connect(module) if needs_cluster else None
        probe = _build_probe(params, cluster, headers, getattr(module, "tell", tell_nobody))
        return probe.run(params["signals"])

    run(module, send_probe, [*headers.values(), *_list_header_values(params["backends"])])


def _list_header_values(backends: list[dict[str, Any]]) -> list[Any]:
    """Return the values of the headers of backends, which no message may show."""
    header_values: list[Any] = []
    for backend in backends:
        header_values += (backend.get("headers") or {}).values()
    return header_values


def _build_probe(params: Mapping[str, Any], cluster: Cluster | None, headers: dict[str, str], tell: Any) -> Probe:
    """Return the probe that the options of the module ask for. Counts and logs are read from now on."""
    probe_id = create_probe_id()
    send = _choose_sender(params, cluster, headers)
    evidence = _choose_evidence(params, cluster, probe_id)
    make_request = build_xray_segment if params["protocol"] == XRAY else build_otlp_request
    return Probe(
        send,
        evidence,
        probe_id,
        service=params["service_name"],
        timeout_seconds=params["timeout_seconds"],
        make_request=partial(make_request, failed=params["span_status"] == "error"),
        hop_readings=HopReadings(cluster, params["hops"]) if cluster and evidence and params["hops"] else None,
        tell=tell,
    )


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise Problem for a header that cannot be sent; clients would show its value. Source: RFC 9110, 5.5."""
    for name, value in headers.items():
        if _CONTROL_CHARACTERS.search(value):
            wrong = f"header '{name}' has a line end or another control character"
            fix = "Remove it. A file that is read often ends with a line end."
            raise Problem(wrong, asked="Send the probe", fix=fix)


def check_xray_options(params: Mapping[str, Any]) -> None:
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


def _choose_sender(params: Mapping[str, Any], cluster: Cluster | None, headers: dict[str, str]) -> SendRequest:
    """Return how to send: through the API server, or to an endpoint."""
    if params["via"] and cluster:
        return create_proxy_sender(cluster, params["via"], headers)
    target = OtlpTarget.from_endpoint(params["endpoint"], params["protocol"], headers, params["tls"] or {})
    return create_sender(target)


def _choose_evidence(params: Mapping[str, Any], cluster: Cluster | None, probe_id: str) -> ArrivalEvidence | None:
    """Return how to see the arrival: in pods, at backends, or at both; None if the options name neither."""
    check_backends(params["backends"], params["signals"], params["arrival"])
    evidence_kinds: list[ArrivalEvidence] = []
    if cluster and params["arrival"]:
        evidence_kinds.append(choose_pod_evidence(cluster, params["arrival"], probe_id))
    if params["backends"]:
        evidence_kinds.append(BackendEvidence(params["backends"], probe_id, params["service_name"]))
    return CombinedEvidence(evidence_kinds) if evidence_kinds else None
