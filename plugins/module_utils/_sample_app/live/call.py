# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sample_app_call: call the sample application, and look for the trace of the call. Private.

This file reads the options of the module. trace_search.py calls and searches, and trace_stores.py has the places where
the trace may arrive: the logs and counts of collectors, AWS X-Ray, or a backend with an HTTP API.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._identity.live.service_calls import ServiceCalls
from ..._kube.live.cluster import Cluster
from ..._kube.live.connect import connect
from ..._kube.live.libraries import import_library
from ..._kube.live.task_end import run
from ..._telemetry.live.arrival_evidence import LogEvidence, MetricsEvidence
from ..._telemetry.live.collector_pods import CollectorPods
from .trace_search import TraceSearch
from .trace_stores import TraceInBackend, TraceInCounts, TraceInLogs, TraceInXRay, TraceStore


def run_sample_app_call(module: AnsibleModule) -> None:
    """Run the module sample_app_call, and exit with its result or failure. The headers of the backend are secret."""
    params = module.params

    def call_and_search() -> dict[str, Any]:
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not called: check mode sends no telemetry."}
        return _build_search(connect(module), params).run()

    run(module, call_and_search, ((params["backend"] or {}).get("headers") or {}).values())


def _build_search(cluster: Cluster, params: dict[str, Any]) -> TraceSearch:
    """Return the search that the task wants."""
    logs = [LogEvidence(CollectorPods(cluster, pods), "") for pods in params["pods"]]
    required_stores = list(_iter_required_stores(cluster, params))
    counts_store = None
    counted_pods = params["counts"]
    if counted_pods:
        metrics = MetricsEvidence(CollectorPods(cluster, counted_pods), counted_pods["metrics_port"])
        counts_store = TraceInCounts(metrics, f"namespace {counted_pods['namespace']}")
    return TraceSearch(
        cluster=cluster,
        application_call=params["via"],
        services=params["services"],
        required_stores=required_stores,
        logs_store=TraceInLogs(logs) if logs else None,
        counts_store=counts_store,
        timeout_seconds=params["timeout_seconds"],
    )


def _iter_required_stores(cluster: Cluster, params: dict[str, Any]) -> Iterator[TraceStore]:
    """Yield the backends that must have the trace."""
    if params["backend"]:
        yield TraceInBackend(params["backend"], params["services"])
    if params["xray"]:
        region, profile = params["xray"]["region"], params["xray"].get("profile")

        def client() -> Any:
            return import_library("boto3").Session(profile_name=profile or None, region_name=region).client("xray")

        calls = ServiceCalls("xray", client, clock=cluster.clock, sleep=cluster.sleep)
        yield TraceInXRay(calls, region, params["services"])
