# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the trace of a call may arrive: logs and counts of collectors, AWS X-Ray, or a backend with an HTTP API.
Private.

`trace_search.py` asks each of them again and again until it has the trace. Each is a class with the methods of
`TraceStore`. For example, the logs of the collectors return

    FoundTrace("the log of pod obs/gateway-0", ["Trace ID       : 65…", "Name           : GET /"])
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Protocol

from ..._identity.live.service_calls import ServiceCalls
from ..._kube.aws_failures import explain_failed_call
from ..._kube.live.eks_access import read_failed_call
from ..._kube.live.libraries import import_library
from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.bounded.live.bounded_reads import read_body
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import Problem, strip_credentials
from ..._telemetry.evidence import find_probe_lines
from ..._telemetry.live.arrival_evidence import LogEvidence, MetricsEvidence

# What the task does, for messages.
ACTION = "See the trace arrive"
_TRACES = "traces"
# For how many seconds a backend may take to answer.
_HTTP_SECONDS = 10.0
# From this status on, an answer has no trace.
_HTTP_MULTIPLE_CHOICES = 300
UNAUTHORIZED_STATUSES = (401, 403)
# The lines of the debug exporter's output that are shown for a span.
_SHOWN_LINES = re.compile(r"service\.name: |Trace ID |Name  ")


class FoundTrace(NamedTuple):
    """A trace that has arrived."""

    location: str
    """Where it was found, such as `the log of pod obs/gateway-0`."""
    lines: list[str]
    """The lines that show it."""


class TraceStore(Protocol):
    """A place where a trace may arrive."""

    name: str
    """The store as messages name it, such as `the logs of the collectors`."""

    def find_trace(self, trace_id: str) -> FoundTrace | None:
        """Return the trace if it has arrived; None if it has not."""

    def explain_missing(self) -> str:
        """Return what a user can check if the trace does not arrive."""


class TraceInLogs:
    """The logs of collectors, in which the debug exporter prints each span.

    A collector runs in a pod of its own, or as a sidecar of the application.
    """

    name = "the logs of the collectors"

    def __init__(self, logs: list[LogEvidence]) -> None:
        self._logs = logs

    def find_trace(self, trace_id: str) -> FoundTrace | None:
        """Return a span of the trace in the first log that has one."""
        for logs in self._logs:
            for log_owner, log_text in logs.read_texts():
                span_lines = find_probe_lines(log_text, _TRACES, trace_id)
                if span_lines:
                    shown_lines = [line.strip() for line in span_lines if _SHOWN_LINES.search(line)]
                    return FoundTrace(f"the log of {log_owner}", shown_lines)
        return None

    def explain_missing(self) -> str:
        return "A log shows spans only with `debug_output: {verbosity: detailed}`. Read the log of the application too."


class TraceInCounts:
    """The counts of spans in the collector that receives the trace. Spans of other applications count too."""

    def __init__(self, metrics: MetricsEvidence, described_source: str) -> None:
        self._metrics = metrics
        self.name = f"the metrics of {described_source}, which accepted and sent spans since the call"

    def find_trace(self, _trace_id: str) -> FoundTrace | None:
        """Return the counts that have grown since the call."""
        arrival = self._metrics.look([_TRACES]).get(_TRACES)
        return FoundTrace(self.name, arrival.evidence_lines) if arrival and arrival.evidence_lines else None

    def explain_missing(self) -> str:
        return self._metrics.hint(_TRACES)


class TraceInXRay:
    """AWS X-Ray, which has a segment for each service. Its trace IDs have two dashes, such as 1-5759e988-bd862e3f…."""

    def __init__(self, calls: ServiceCalls, region: str, services: list[str]) -> None:
        self._calls, self._services = calls, services
        self.name = f"AWS X-Ray in {region}"

    def find_trace(self, trace_id: str) -> FoundTrace | None:
        """Return the trace once each service has a segment. Raises Problem if the call fails."""
        xray_trace_id = f"1-{trace_id[:8]}-{trace_id[8:]}"
        try:
            traces = self._calls("batch_get_traces", TraceIds=[xray_trace_id])["Traces"]
        # boto3 is imported at run time, so its exceptions have no name here. `read_failed_call` reads any of them.
        except Exception as error:
            raise explain_failed_call(read_failed_call(error), f"Look for the trace in {self.name}") from None
        documents = [parse_json(entry["Document"]) for trace in traces for entry in trace["Segments"]]
        segment_names = {entry.get("name") for entry in documents}
        if not segment_names.issuperset(self._services):
            return None
        return FoundTrace(self.name, [f"{xray_trace_id}: segments of {', '.join(self._services)}"])

    def explain_missing(self) -> str:
        return "Check that the collector has the exporter awsxray for this region, and read its log."


class TraceInBackend:
    """A backend with an HTTP API, which returns the trace with the names of its services.

    `options` has `url` with the placeholder `{trace_id}`, and may have `headers` and `ca_file`.
    """

    def __init__(self, options: dict[str, Any], services: list[str]) -> None:
        self._options, self._services = options, services
        self._last_answer = ""
        # A query may hold a secret, and messages show the name.
        url_without_query = options["url"].partition("?")[0]
        self.name = strip_credentials(url_without_query.replace("{trace_id}", "…"))
        self._urllib3 = import_library("urllib3")
        self._pool = self._urllib3.PoolManager(ca_certs=options.get("ca_file"), retries=False)

    def find_trace(self, trace_id: str) -> FoundTrace | None:
        """Return the trace once an answer names all services. Raises Problem for wrong credentials."""
        url = self._options["url"].replace("{trace_id}", trace_id)
        headers = self._options.get("headers") or {}
        try:
            response = self._pool.request(
                "GET", url, headers=headers, timeout=_HTTP_SECONDS, redirect=False, preload_content=False
            )
            answer_bytes = read_body(response)
        except self._urllib3.exceptions.HTTPError as error:
            self._last_answer = mask_and_clean(str(error))
            return None
        if response.status in UNAUTHORIZED_STATUSES:
            raise Problem(
                f"{self.name} answers {response.status}", asked=ACTION, fix="Correct the headers of `backend`."
            )
        self._last_answer = f"status {response.status}"
        if response.status >= _HTTP_MULTIPLE_CHOICES:
            return None
        answer_text = answer_bytes.decode(errors="replace")
        names_all_services = all(service in answer_text for service in self._services)
        return FoundTrace(self.name, [f"spans of {', '.join(self._services)}"]) if names_all_services else None

    def explain_missing(self) -> str:
        return f"Its last answer: {self._last_answer}. Check `backend`, and the exporter of the collector."
