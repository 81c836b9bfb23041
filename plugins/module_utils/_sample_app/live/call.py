# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the sample application, and look for its trace in logs, counts and backends. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule

from ..._identity.live.aws_api import ServiceCalls
from ..._kube.aws_failures import explain_failed_call
from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.eks_access import read_failed_call
from ..._kube.live.libraries import import_library
from ..._kube.live.task_end import run
from ..._kube.live.urls import quote_segment
from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.bounded.live.bounded_reads import read_body
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import Failure, Problem, strip_credentials
from ..._telemetry.evidence import find_probe_lines
from ..._telemetry.live.arrival_evidence import LogEvidence, MetricsEvidence
from ..._telemetry.live.collector_pods import CollectorPods

ACTION = "See the trace arrive"
TRACES = "traces"
# For how long the log of a collector may follow its counts.
GRACE_SECONDS = 5.0
HTTP_SECONDS = 10.0
UNAUTHORIZED_STATUSES = (401, 403)
_TRACE_ID = re.compile(r"[0-9a-f]{32}\Z")
_SHOWN_LINES = re.compile(r"service\.name: |Trace ID |Name  ")


class TracePlace(Protocol):
    """Where a trace may be."""

    name: str

    def find_evidence(self, trace_id: str) -> list[str]:
        """Return what shows the trace, or nothing. Sets the name."""

    def explain_missing(self) -> str:
        """Return what to check if the trace is not there."""


class TraceInLogs:
    """The debug exporter of a collector prints each span, in a pod of its own or beside the application."""

    name = "the logs of the collectors"

    def __init__(self, logs: list[LogEvidence]) -> None:
        self._logs = logs

    def find_evidence(self, trace_id: str) -> list[str]:
        """Return the lines of the span."""
        for log_owner, log_text in (owner_and_text for logs in self._logs for owner_and_text in logs.read_texts()):
            if span_lines := find_probe_lines(log_text, TRACES, trace_id):
                self.name = f"the log of {log_owner}"
                return [line.strip() for line in span_lines if _SHOWN_LINES.search(line)]
        return []

    def explain_missing(self) -> str:
        return "A log shows spans only with `debug_output: {verbosity: detailed}`. Read the log of the application too."


class TraceInCounts:
    """The collector that receives the trace counts spans; other traffic counts too."""

    def __init__(self, metrics: MetricsEvidence, described_source: str) -> None:
        self._metrics, self.name = (
            metrics,
            f"the metrics of {described_source}, which accepted and sent spans since the call",
        )

    def find_evidence(self, _trace_id: str) -> list[str]:
        """Return the counts that grew."""
        return self._metrics.look([TRACES]).get(TRACES, ("", []))[1]

    def explain_missing(self) -> str:
        return self._metrics.hint(TRACES)


class TraceInXRay:
    """AWS X-Ray has a segment for each service. Its form of a trace ID has the time apart."""

    def __init__(self, calls: ServiceCalls, region: str, services: list[str]) -> None:
        self._calls, self._services = calls, services
        self.name = f"AWS X-Ray in {region}"

    def find_evidence(self, trace_id: str) -> list[str]:
        """Return the segments, once each service has one."""
        xray_trace_id = f"1-{trace_id[:8]}-{trace_id[8:]}"
        try:
            traces = self._calls("batch_get_traces", TraceIds=[xray_trace_id])["Traces"]
        except Exception as error:
            raise explain_failed_call(read_failed_call(error), f"Look for the trace in {self.name}") from None
        documents = [parse_json(entry["Document"]) for trace in traces for entry in trace["Segments"]]
        segment_names = {entry.get("name") for entry in documents}
        return (
            [f"{xray_trace_id}: segments of {', '.join(self._services)}"]
            if segment_names >= set(self._services)
            else []
        )

    def explain_missing(self) -> str:
        return "Check that the collector has the exporter awsxray for this region, and read its log."


class TraceInBackend:
    """An HTTP API returns the trace with the names of the services."""

    def __init__(self, options: dict[str, Any], services: list[str]) -> None:
        self._options, self._services, self._last = options, services, ""
        self.name = strip_credentials(options["url"].partition("?")[0].replace("{trace_id}", "…"))
        self._pool = import_library("urllib3").PoolManager(ca_certs=options.get("ca_file"), retries=False)

    def find_evidence(self, trace_id: str) -> list[str]:
        """Return the services that the answer names, once it names all."""
        url, headers = self._options["url"].replace("{trace_id}", trace_id), self._options.get("headers") or {}
        try:
            response = self._pool.request(
                "GET", url, headers=headers, timeout=HTTP_SECONDS, redirect=False, preload_content=False
            )
            answer_bytes = read_body(response)
        except import_library("urllib3").exceptions.HTTPError as error:
            self._last = mask_and_clean(str(error))
            return []
        if response.status in UNAUTHORIZED_STATUSES:
            raise Problem(
                f"{self.name} answers {response.status}", asked=ACTION, fix="Correct the headers of `backend`."
            )
        answer_text, self._last = answer_bytes.decode(errors="replace"), f"status {response.status}"
        names_all_services = response.status < 300 and all(service in answer_text for service in self._services)  # noqa: PLR2004
        return [f"spans of {', '.join(self._services)}"] if names_all_services else []

    def explain_missing(self) -> str:
        return f"Its last answer: {self._last}. Check `backend`, and the exporter of the collector."


@dataclass
class TraceSearch:
    """One call of the application, and the places where its trace is looked for.

    The trace must be in all of `required_places`; without those, in the logs, or in the counts after some seconds.
    """

    cluster: Cluster
    application_call: dict[str, Any]
    services: list[str]
    required_places: list[TracePlace]
    logs_place: TracePlace | None
    counts_place: TracePlace | None
    timeout_seconds: float
    evidence_by_place: dict[str, list[str]] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """Call, and look until the trace is found."""
        start = self.cluster.clock()
        trace_id = self._call_application(start)
        call_time = self.cluster.clock()
        for _poll in self.cluster.iter_polls(self.timeout_seconds, start):
            if self._has_arrived(trace_id, call_time):
                place_names = ", ".join(self.evidence_by_place) or "no place, because none is given"
                return {
                    "changed": False,
                    "msg": f"Trace {trace_id} was found in {place_names}.",
                    **self._collect_facts(trace_id),
                }
        missing_places = [place for place in self._places_to_search() if place.name not in self.evidence_by_place]
        wrong = f"trace {trace_id} is not in {missing_places[0].name} after {self.timeout_seconds:g} s"
        fix = f"{missing_places[0].explain_missing()} The playbook diagnose explains why no data arrives."
        raise Failure(wrong, asked=ACTION, fix=fix, facts=self._collect_facts(trace_id))

    def _places_to_search(self) -> list[TracePlace]:
        return self.required_places or [place for place in (self.logs_place, self.counts_place) if place]

    def _has_arrived(self, trace_id: str, call_time: float) -> bool:
        for place in self._places_to_search():
            if place.name not in self.evidence_by_place and (evidence_lines := place.find_evidence(trace_id)):
                self.evidence_by_place[place.name] = evidence_lines
        if self.required_places:
            return len(self.evidence_by_place) == len(self.required_places)
        if self.logs_place and self.logs_place.name in self.evidence_by_place:
            return True
        grace_is_over = self.cluster.clock() - call_time >= GRACE_SECONDS
        return bool(grace_is_over and self.evidence_by_place) or not self._places_to_search()

    def _collect_facts(self, trace_id: str) -> dict[str, Any]:
        found_places = [
            {"place": place, "evidence": evidence_lines} for place, evidence_lines in self.evidence_by_place.items()
        ]
        return {"trace_id": trace_id, "found": found_places}

    def _call_application(self, start: float) -> str:
        """Return the trace ID of the answer. A Service may need a moment until its pods are behind it."""
        namespace, service = (
            quote_segment(self.application_call["namespace"]),
            quote_segment(self.application_call["service"]),
        )
        path = f"/api/v1/namespaces/{namespace}/services/http:{service}:{self.application_call['port']}/proxy/"
        last_problem = ""
        for _poll in self.cluster.iter_polls(self.timeout_seconds, start):
            try:
                answer_text = self.cluster.text(path)
            except ApiError as error:
                if error.status in UNAUTHORIZED_STATUSES:
                    raise explain(error, "Call the sample application") from error
                last_problem = f"it answers {error.status}: {error.message}"
                continue
            trace_ids = [*_list_trace_ids(answer_text)]
            if len(trace_ids) == len(self.services) and len(set(trace_ids)) == 1:
                return trace_ids[0]
            last_problem = f"its services do not share one trace: {mask_and_clean(answer_text.strip())}"
        fix = f"Read the logs: kubectl -n {namespace} logs -l app.kubernetes.io/name={service}"
        raise Problem(last_problem, asked=f"Call the sample application {namespace}/{service}", fix=fix)


def _list_trace_ids(answer_text: str) -> Iterator[str]:
    """Yield the trace ID of each service in an answer."""
    try:
        service_answer = parse_json(answer_text)
    except ValueError:
        return
    while isinstance(service_answer, dict):
        trace_id = str(service_answer.get("trace_id"))
        if _TRACE_ID.match(trace_id):
            yield trace_id
        service_answer = service_answer.get("next")


def run_sample_app_call(module: AnsibleModule) -> None:
    """Do what the task asks."""
    params = module.params

    def call_and_search() -> dict[str, Any]:
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not called: check mode sends no telemetry."}
        cluster = connect(module)
        logs = [LogEvidence(CollectorPods(cluster, pods), "") for pods in params["pods"]]
        counted_pods, required = params["counts"], list(_list_required_places(cluster, params))
        return TraceSearch(
            cluster,
            params["via"],
            params["services"],
            required,
            TraceInLogs(logs) if logs else None,
            TraceInCounts(
                MetricsEvidence(CollectorPods(cluster, counted_pods), counted_pods["metrics_port"]),
                f"namespace {counted_pods['namespace']}",
            )
            if counted_pods
            else None,
            params["timeout_seconds"],
        ).run()

    run(module, call_and_search, ((params["backend"] or {}).get("headers") or {}).values())


def _list_required_places(cluster: Cluster, params: dict[str, Any]) -> Iterator[TracePlace]:
    """Yield the backends that must have the trace."""
    if params["backend"]:
        yield TraceInBackend(params["backend"], params["services"])
    if params["xray"]:
        region, profile = params["xray"]["region"], params["xray"].get("profile")

        def client() -> Any:
            return import_library("boto3").Session(profile_name=profile or None, region_name=region).client("xray")

        calls = ServiceCalls("xray", client, clock=cluster.clock, sleep=cluster.sleep)
        yield TraceInXRay(calls, region, params["services"])
