# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sample_app_call: it calls the sample application, and looks for the trace of the call. Private.

A trace may be in the logs of collectors, in their counts, in AWS X-Ray, or in a backend with an HTTP API. Each place is
a class with the methods of `TracePlace`.
"""

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
# A collector may count spans before its log shows them. After so many seconds, the counts are enough.
GRACE_SECONDS = 5.0
# For how long a backend may take to answer.
HTTP_SECONDS = 10.0
HTTP_MULTIPLE_CHOICES = 300
UNAUTHORIZED_STATUSES = (401, 403)
# The id of a trace: 32 hexadecimal digits.
_TRACE_ID = re.compile(r"[0-9a-f]{32}\Z")
# The lines of the debug exporter's output that are shown for a span.
_SHOWN_LINES = re.compile(r"service\.name: |Trace ID |Name  ")


class TracePlace(Protocol):
    """A place where a trace may arrive."""

    name: str
    """The place as messages name it. `find_evidence` may make it more precise."""

    def find_evidence(self, trace_id: str) -> list[str]:
        """Return lines that show that the trace has arrived; none if it has not."""

    def explain_missing(self) -> str:
        """Return what a user can check if the trace does not arrive."""


class TraceInLogs:
    """The logs of collectors, in which the debug exporter prints each span.

    A collector runs in a pod of its own, or as a sidecar of the application.
    """

    name = "the logs of the collectors"

    def __init__(self, logs: list[LogEvidence]) -> None:
        self._logs = logs

    def find_evidence(self, trace_id: str) -> list[str]:
        """Return the lines of a span of the trace in the first log that has one."""
        for logs in self._logs:
            for log_owner, log_text in logs.read_texts():
                span_lines = find_probe_lines(log_text, TRACES, trace_id)
                if span_lines:
                    self.name = f"the log of {log_owner}"
                    return [line.strip() for line in span_lines if _SHOWN_LINES.search(line)]
        return []

    def explain_missing(self) -> str:
        return "A log shows spans only with `debug_output: {verbosity: detailed}`. Read the log of the application too."


class TraceInCounts:
    """The counts of spans in the collector that receives the trace. Spans of other applications count too."""

    def __init__(self, metrics: MetricsEvidence, described_source: str) -> None:
        self._metrics = metrics
        self.name = f"the metrics of {described_source}, which accepted and sent spans since the call"

    def find_evidence(self, _trace_id: str) -> list[str]:
        """Return the counts that have grown since the call."""
        _source, grown_counts = self._metrics.look([TRACES]).get(TRACES, ("", []))
        return grown_counts

    def explain_missing(self) -> str:
        return self._metrics.hint(TRACES)


class TraceInXRay:
    """AWS X-Ray, which has a segment for each service. Its trace IDs have two dashes, such as 1-5759e988-bd862e3f…."""

    def __init__(self, calls: ServiceCalls, region: str, services: list[str]) -> None:
        self._calls, self._services = calls, services
        self.name = f"AWS X-Ray in {region}"

    def find_evidence(self, trace_id: str) -> list[str]:
        """Return a line with the services, once each of them has a segment. Raises Problem if the call fails."""
        xray_trace_id = f"1-{trace_id[:8]}-{trace_id[8:]}"
        try:
            traces = self._calls("batch_get_traces", TraceIds=[xray_trace_id])["Traces"]
        except Exception as error:
            raise explain_failed_call(read_failed_call(error), f"Look for the trace in {self.name}") from None
        documents = [parse_json(entry["Document"]) for trace in traces for entry in trace["Segments"]]
        segment_names = {entry.get("name") for entry in documents}
        if not segment_names.issuperset(self._services):
            return []
        return [f"{xray_trace_id}: segments of {', '.join(self._services)}"]

    def explain_missing(self) -> str:
        return "Check that the collector has the exporter awsxray for this region, and read its log."


class TraceInBackend:
    """A backend with an HTTP API, which returns the trace with the names of its services.

    `options` has `url` with the placeholder `{trace_id}`, and may have `headers` and `ca_file`.
    """

    def __init__(self, options: dict[str, Any], services: list[str]) -> None:
        self._options, self._services = options, services
        self._last_answer = ""
        url_without_query = options["url"].partition("?")[0]
        self.name = strip_credentials(url_without_query.replace("{trace_id}", "…"))
        self._pool = import_library("urllib3").PoolManager(ca_certs=options.get("ca_file"), retries=False)

    def find_evidence(self, trace_id: str) -> list[str]:
        """Return a line with the services, once an answer names all of them. Raises Problem for wrong credentials."""
        url = self._options["url"].replace("{trace_id}", trace_id)
        headers = self._options.get("headers") or {}
        try:
            response = self._pool.request(
                "GET", url, headers=headers, timeout=HTTP_SECONDS, redirect=False, preload_content=False
            )
            answer_bytes = read_body(response)
        except import_library("urllib3").exceptions.HTTPError as error:
            self._last_answer = mask_and_clean(str(error))
            return []
        if response.status in UNAUTHORIZED_STATUSES:
            raise Problem(
                f"{self.name} answers {response.status}", asked=ACTION, fix="Correct the headers of `backend`."
            )
        self._last_answer = f"status {response.status}"
        if response.status >= HTTP_MULTIPLE_CHOICES:
            return []
        answer_text = answer_bytes.decode(errors="replace")
        names_all_services = all(service in answer_text for service in self._services)
        return [f"spans of {', '.join(self._services)}"] if names_all_services else []

    def explain_missing(self) -> str:
        return f"Its last answer: {self._last_answer}. Check `backend`, and the exporter of the collector."


@dataclass
class TraceSearch:
    """One call of the application, and the search for its trace.

    The trace has arrived when it is in all of `required_places`. If there are none, the logs are enough, or after
    GRACE_SECONDS the counts.
    """

    cluster: Cluster
    application_call: dict[str, Any]
    """The `namespace`, `service` and `port` of the frontend, as action sample_app_render returns them (`via`)."""
    services: list[str]
    """The names that the services have in the trace."""
    required_places: list[TracePlace]
    logs_place: TracePlace | None
    counts_place: TracePlace | None
    timeout_seconds: float
    evidence_by_place: dict[str, list[str]] = field(default_factory=dict)
    """The lines that show the trace, by the name of the place."""

    def run(self) -> dict[str, Any]:
        """Call the application, and return the result of the task when the trace has arrived.

        Raises Failure if it does not arrive in time.
        """
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
        missing_place = next(place for place in self._list_places() if place.name not in self.evidence_by_place)
        wrong = f"trace {trace_id} is not in {missing_place.name} after {self.timeout_seconds:g} s"
        fix = f"{missing_place.explain_missing()} The playbook diagnose explains why no data arrives."
        raise Failure(wrong, asked=ACTION, fix=fix, facts=self._collect_facts(trace_id))

    def _list_places(self) -> list[TracePlace]:
        """Return the places to search: the required ones, or else the logs and the counts."""
        return self.required_places or [place for place in (self.logs_place, self.counts_place) if place]

    def _has_arrived(self, trace_id: str, call_time: float) -> bool:
        """Search the places that have not shown the trace yet, and return whether the trace has arrived."""
        for place in self._list_places():
            if place.name in self.evidence_by_place:
                continue
            evidence_lines = place.find_evidence(trace_id)
            if evidence_lines:
                self.evidence_by_place[place.name] = evidence_lines
        if self.required_places:
            return len(self.evidence_by_place) == len(self.required_places)
        if self.logs_place and self.logs_place.name in self.evidence_by_place:
            return True
        if not self._list_places():
            return True
        grace_is_over = self.cluster.clock() - call_time >= GRACE_SECONDS
        return grace_is_over and bool(self.evidence_by_place)

    def _collect_facts(self, trace_id: str) -> dict[str, Any]:
        found_places = [
            {"place": place, "evidence": evidence_lines} for place, evidence_lines in self.evidence_by_place.items()
        ]
        return {"trace_id": trace_id, "found": found_places}

    def _call_application(self, start: float) -> str:
        """Return the trace ID in the answer of the application. Raises Problem if it does not answer in time.

        The call is repeated, because a new Service may need a moment until it has endpoints.
        """
        namespace = quote_segment(self.application_call["namespace"])
        service = quote_segment(self.application_call["service"])
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
            trace_ids = list(_iter_trace_ids(answer_text))
            if len(trace_ids) == len(self.services) and len(set(trace_ids)) == 1:
                return trace_ids[0]
            last_problem = f"its services do not share one trace: {mask_and_clean(answer_text.strip())}"
        fix = f"Read the logs: kubectl -n {namespace} logs -l app.kubernetes.io/name={service}"
        raise Problem(last_problem, asked=f"Call the sample application {namespace}/{service}", fix=fix)


def _iter_trace_ids(answer_text: str) -> Iterator[str]:
    """Yield the trace ID of each service in an answer.

    Each service puts the answer of the next one into its own: {"trace_id": ID, "next": {"trace_id": ID}}.
    """
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
    """Run the module sample_app_call, and exit with its result or failure."""
    params = module.params

    def call_and_search() -> dict[str, Any]:
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not called: check mode sends no telemetry."}
        return _build_search(connect(module), params).run()

    run(module, call_and_search, ((params["backend"] or {}).get("headers") or {}).values())


def _build_search(cluster: Cluster, params: dict[str, Any]) -> TraceSearch:
    """Return the search that the task wants."""
    logs = [LogEvidence(CollectorPods(cluster, pods), "") for pods in params["pods"]]
    counts_place = None
    counted_pods = params["counts"]
    required_places = list(_iter_required_places(cluster, params))
    if counted_pods:
        metrics = MetricsEvidence(CollectorPods(cluster, counted_pods), counted_pods["metrics_port"])
        counts_place = TraceInCounts(metrics, f"namespace {counted_pods['namespace']}")
    return TraceSearch(
        cluster=cluster,
        application_call=params["via"],
        services=params["services"],
        required_places=required_places,
        logs_place=TraceInLogs(logs) if logs else None,
        counts_place=counts_place,
        timeout_seconds=params["timeout_seconds"],
    )


def _iter_required_places(cluster: Cluster, params: dict[str, Any]) -> Iterator[TracePlace]:
    """Yield the backends that must have the trace."""
    if params["backend"]:
        yield TraceInBackend(params["backend"], params["services"])
    if params["xray"]:
        region, profile = params["xray"]["region"], params["xray"].get("profile")

        def client() -> Any:
            return import_library("boto3").Session(profile_name=profile or None, region_name=region).client("xray")

        calls = ServiceCalls("xray", client, clock=cluster.clock, sleep=cluster.sleep)
        yield TraceInXRay(calls, region, params["services"])
