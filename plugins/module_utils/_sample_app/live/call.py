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

from ..._identity.live.aws_api import Calls
from ..._kube import eks_token
from ..._kube.live.api_errors import explain, library
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.eks_access import answer_of
from ..._kube.live.urls import segment
from ..._otelcol.bounded.json_text import json_value
from ..._otelcol.bounded.live.bounded_reads import body
from ..._otelcol.config.masking import quoted
from ..._otelcol.errors import Failure, Problem, shown
from ..._telemetry.evidence import excerpt
from ..._telemetry.live.arrival_evidence import Logs, Metrics
from ..._telemetry.live.collector_pods import Pods

ASKED = "See the trace arrive"
TRACES = "traces"
# For how long the log of a collector may follow its counts.
GRACE_SECONDS = 5.0
HTTP_SECONDS = 10.0
UNAUTHORIZED = (401, 403)
_TRACE_ID = re.compile(r"[0-9a-f]{32}\Z")
_SHOWN_LINES = re.compile(r"service\.name: |Trace ID |Name  ")


class Place(Protocol):
    """Where a trace may be."""

    name: str

    def look(self, trace_id: str) -> list[str]:
        """Return what shows the trace, or nothing. Sets the name."""

    def hint(self) -> str:
        """Return what to check if the trace is not there."""


class InLogs:
    """The debug exporter of a collector prints each span, in a pod of its own or beside the application."""

    name = "the logs of the collectors"

    def __init__(self, logs: list[Logs]) -> None:
        self._logs = logs

    def look(self, trace_id: str) -> list[str]:
        """Return the lines of the span."""
        for where, text in (item for logs in self._logs for item in logs.texts()):
            if lines := excerpt(text, TRACES, trace_id):
                self.name = f"the log of {where}"
                return [line.strip() for line in lines if _SHOWN_LINES.search(line)]
        return []

    def hint(self) -> str:
        return "A log shows spans only with `debug_output: {verbosity: detailed}`. Read the log of the application too."


class InCounts:
    """The collector that receives the trace counts spans; other traffic counts too."""

    def __init__(self, metrics: Metrics, where: str) -> None:
        self._metrics, self.name = metrics, f"the metrics of {where}, which accepted and sent spans since the call"

    def look(self, _trace_id: str) -> list[str]:
        """Return the counts that grew."""
        return self._metrics.look([TRACES]).get(TRACES, ("", []))[1]

    def hint(self) -> str:
        return self._metrics.hint(TRACES)


class InXRay:
    """AWS X-Ray has a segment for each service. Its form of a trace ID has the time apart."""

    def __init__(self, calls: Calls, region: str, services: list[str]) -> None:
        self._calls, self._services = calls, services
        self.name = f"AWS X-Ray in {region}"

    def look(self, trace_id: str) -> list[str]:
        """Return the segments, once each service has one."""
        ours = f"1-{trace_id[:8]}-{trace_id[8:]}"
        try:
            found = self._calls("batch_get_traces", TraceIds=[ours])["Traces"]
        except Exception as error:
            raise eks_token.explain(answer_of(error), f"Look for the trace in {self.name}") from None
        documents = [json_value(item["Document"]) for trace in found for item in trace["Segments"]]
        names = {item.get("name") for item in documents}
        return [f"{ours}: segments of {', '.join(self._services)}"] if names >= set(self._services) else []

    def hint(self) -> str:
        return "Check that the collector has the exporter awsxray for this region, and read its log."


class InBackend:
    """An HTTP API returns the trace with the names of the services."""

    def __init__(self, options: dict[str, Any], services: list[str]) -> None:
        self._options, self._services, self._last = options, services, ""
        self.name = shown(options["url"].partition("?")[0].replace("{trace_id}", "…"))
        self._pool = library("urllib3").PoolManager(ca_certs=options.get("ca_file"), retries=False)

    def look(self, trace_id: str) -> list[str]:
        """Return the services that the answer names, once it names all."""
        url, headers = self._options["url"].replace("{trace_id}", trace_id), self._options.get("headers") or {}
        try:
            answer = self._pool.request(
                "GET", url, headers=headers, timeout=HTTP_SECONDS, redirect=False, preload_content=False
            )
            data = body(answer)
        except library("urllib3").exceptions.HTTPError as error:
            self._last = quoted(str(error))
            return []
        if answer.status in UNAUTHORIZED:
            raise Problem(f"{self.name} answers {answer.status}", asked=ASKED, fix="Correct the headers of `backend`.")
        text, self._last = data.decode(errors="replace"), f"status {answer.status}"
        named = answer.status < 300 and all(service in text for service in self._services)  # noqa: PLR2004
        return [f"spans of {', '.join(self._services)}"] if named else []

    def hint(self) -> str:
        return f"Its last answer: {self._last}. Check `backend`, and the exporter of the collector."


@dataclass
class Search:
    """One call of the application, and the places where its trace is looked for.

    The trace must be in all of `required`; without those, in the logs, or in the counts after some seconds.
    """

    cluster: Cluster
    via: dict[str, Any]
    services: list[str]
    required: list[Place]
    logs: Place | None
    counts: Place | None
    seconds: float
    found: dict[str, list[str]] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """Call, and look until the trace is found."""
        start = self.cluster.clock()
        trace_id = self._called(start)
        called = self.cluster.clock()
        for _poll in self.cluster.polls(self.seconds, start):
            if self._arrived(trace_id, called):
                names = ", ".join(self.found) or "no place, because none is given"
                return {"changed": False, "msg": f"Trace {trace_id} was found in {names}.", **self._facts(trace_id)}
        missing = [place for place in self._places() if place.name not in self.found]
        wrong = f"trace {trace_id} is not in {missing[0].name} after {self.seconds:g} s"
        fix = f"{missing[0].hint()} The playbook diagnose explains why no data arrives."
        raise Failure(wrong, asked=ASKED, fix=fix, facts=self._facts(trace_id))

    def _places(self) -> list[Place]:
        return self.required or [place for place in (self.logs, self.counts) if place]

    def _arrived(self, trace_id: str, called: float) -> bool:
        for place in self._places():
            if place.name not in self.found and (lines := place.look(trace_id)):
                self.found[place.name] = lines
        if self.required:
            return len(self.found) == len(self.required)
        if self.logs and self.logs.name in self.found:
            return True
        late = self.cluster.clock() - called >= GRACE_SECONDS
        return bool(late and self.found) or not self._places()

    def _facts(self, trace_id: str) -> dict[str, Any]:
        found = [{"place": place, "evidence": lines} for place, lines in self.found.items()]
        return {"trace_id": trace_id, "found": found}

    def _called(self, start: float) -> str:
        """Return the trace ID of the answer. A Service may need a moment until its pods are behind it."""
        namespace, service = segment(self.via["namespace"]), segment(self.via["service"])
        path = f"/api/v1/namespaces/{namespace}/services/http:{service}:{self.via['port']}/proxy/"
        wrong = ""
        for _poll in self.cluster.polls(self.seconds, start):
            try:
                text = self.cluster.text(path)
            except ApiError as error:
                if error.status in UNAUTHORIZED:
                    raise explain(error, "Call the sample application") from error
                wrong = f"it answers {error.status}: {error.message}"
                continue
            trace_ids = [*_trace_ids(text)]
            if len(trace_ids) == len(self.services) and len(set(trace_ids)) == 1:
                return trace_ids[0]
            wrong = f"its services do not share one trace: {quoted(text.strip())}"
        fix = f"Read the logs: kubectl -n {namespace} logs -l app.kubernetes.io/name={service}"
        raise Problem(wrong, asked=f"Call the sample application {namespace}/{service}", fix=fix)


def _trace_ids(text: str) -> Iterator[str]:
    """Yield the trace ID of each service in an answer."""
    try:
        answer = json_value(text)
    except ValueError:
        return
    while isinstance(answer, dict):
        trace_id = str(answer.get("trace_id"))
        if _TRACE_ID.match(trace_id):
            yield trace_id
        answer = answer.get("next")


def run_call(module: AnsibleModule) -> None:
    """Do what the task asks."""
    params = module.params

    def work() -> dict[str, Any]:
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not called: check mode sends no telemetry."}
        cluster = connect(module)
        logs = [Logs(Pods(cluster, pods), "") for pods in params["pods"]]
        counts, required = params["counts"], list(_required(cluster, params))
        return Search(
            cluster,
            params["via"],
            params["services"],
            required,
            InLogs(logs) if logs else None,
            InCounts(Metrics(Pods(cluster, counts), counts["metrics_port"]), f"namespace {counts['namespace']}")
            if counts
            else None,
            params["timeout_seconds"],
        ).run()

    run(module, work, ((params["backend"] or {}).get("headers") or {}).values())


def _required(cluster: Cluster, params: dict[str, Any]) -> Iterator[Place]:
    """Yield the backends that must have the trace."""
    if params["backend"]:
        yield InBackend(params["backend"], params["services"])
    if params["xray"]:
        region, profile = params["xray"]["region"], params["xray"].get("profile")

        def client() -> Any:
            return library("boto3").Session(profile_name=profile or None, region_name=region).client("xray")

        calls = Calls("xray", client, clock=cluster.clock, sleep=cluster.sleep)
        yield InXRay(calls, region, params["services"])
