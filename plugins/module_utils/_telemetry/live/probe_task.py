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
from ..._kube.live.connect import connect, run
from ..._kube.live.progress import silent
from ..._otelcol.errors import Problem
from ..otlp_target import XRAY, OtlpTarget
from .arrival_evidence import Evidence, pod_evidence
from .backend_search import Backends, Both
from .backend_search import check as check_backends
from .hop_readings import HopReadings
from .otlp_payloads import new_id, otlp_request, xray_segment
from .otlp_senders import Send, proxy_sender, sender
from .probe import Probe

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SKIPPED = {"changed": False, "skipped": True, "msg": "Not sent: a probe in check mode would still be telemetry."}


def run_probe(module: AnsibleModule) -> None:
    """Send a probe as the options of the module say, and leave the task."""
    params = module.params
    headers = {str(name): str(value) for name, value in (params["headers"] or {}).items()}

    def work() -> dict[str, Any]:
        if module.check_mode:
            return _SKIPPED
        check_headers(headers)
        if params["protocol"] == XRAY:
            check_xray(params)
        needs_cluster = params["via"] or params["arrival"] or params["hops"]
        cluster = connect(module) if needs_cluster else None
        probe = _probe(params, cluster, headers, getattr(module, "tell", silent))
        return probe.run(params["signals"])

    run(module, work, [*headers.values(), *_header_values(params["backends"])])


def _header_values(backends: list[dict[str, Any]]) -> list[Any]:
    """Return the values of the headers of backends, which no message may show."""
    values: list[Any] = []
    for backend in backends:
        values += (backend.get("headers") or {}).values()
    return values


def _probe(params: Mapping[str, Any], cluster: Cluster | None, headers: dict[str, str], tell: Any) -> Probe:
    """Return the probe that the options of the module ask for. Counts and logs are read from now on."""
    probe_id = new_id()
    send = _sender(params, cluster, headers)
    evidence = _evidence(params, cluster, probe_id)
    make_request = xray_segment if params["protocol"] == XRAY else otlp_request
    return Probe(
        send,
        evidence,
        probe_id,
        service=params["service_name"],
        seconds=params["timeout_seconds"],
        make_request=partial(make_request, failed=params["span_status"] == "error"),
        hop_readings=HopReadings(cluster, params["hops"]) if cluster and evidence and params["hops"] else None,
        tell=tell,
    )


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise Problem for a header that cannot be sent; clients would show its value. Source: RFC 9110, 5.5."""
    for name, value in headers.items():
        if _CONTROL.search(value):
            wrong = f"header '{name}' has a line end or another control character"
            fix = "Remove it. A file that is read often ends with a line end."
            raise Problem(wrong, asked="Send the probe", fix=fix)


def check_xray(params: Mapping[str, Any]) -> None:
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


def _sender(params: Mapping[str, Any], cluster: Cluster | None, headers: dict[str, str]) -> Send:
    """Return how to send: through the API server, or to an endpoint."""
    if params["via"] and cluster:
        return proxy_sender(cluster, params["via"], headers)
    target = OtlpTarget.of(params["endpoint"], params["protocol"], headers, params["tls"] or {})
    return sender(target)


def _evidence(params: Mapping[str, Any], cluster: Cluster | None, probe_id: str) -> Evidence | None:
    """Return how to see the arrival: in pods, at backends, or at both; None if the options name neither."""
    check_backends(params["backends"], params["signals"], params["arrival"])
    parts: list[Evidence] = []
    if cluster and params["arrival"]:
        parts.append(pod_evidence(cluster, params["arrival"], probe_id))
    if params["backends"]:
        parts.append(Backends(params["backends"], probe_id, params["service_name"]))
    return Both(parts) if parts else None
