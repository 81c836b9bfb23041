# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the sample application, and search its trace until it has arrived. Private.

`call.py` builds a `TraceSearch` out of the options of module sample_app_call. For example, the result is

    {"changed": False, "msg": "Trace 65… was found in AWS X-Ray in eu-west-1.", "trace_id": "65…",
     "found": [{"place": "AWS X-Ray in eu-west-1", "evidence": ["1-65…: segments of shop-frontend, shop-datastore"]}]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.outage import LostError
from ..._kube.live.urls import quote_segment
from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import Failure, Problem
from .trace_stores import ACTION, UNAUTHORIZED_STATUSES, FoundTrace, TraceStore

# A collector may count spans before its log shows them. After so many seconds, the counts are enough.
_GRACE_SECONDS = 5.0
# The id of a trace: 32 hexadecimal digits.
_TRACE_ID = re.compile(r"[0-9a-f]{32}\Z")


@dataclass
class TraceSearch:
    """One call of the application, and the search for its trace.

    The stores in which a user wants the trace are required: backends, and X-Ray. When the trace has arrived:

    | required stores | logs | counts | the trace has arrived |
    |---|---|---|---|
    | some | | | when all required stores have it; logs and counts are not searched |
    | none | given | | when a log shows it |
    | none | | given | when the counts have grown, after _GRACE_SECONDS at the earliest |
    | none | none | none | at once, with its call |
    """

    cluster: Cluster
    application_call: dict[str, Any]
    """The `namespace`, `service` and `port` of the frontend, as action sample_app_render returns them (`via`)."""
    services: list[str]
    """The names that the services have in the trace."""
    required_stores: list[TraceStore]
    logs_store: TraceStore | None
    counts_store: TraceStore | None
    timeout_seconds: float
    found_by_store: dict[str, FoundTrace] = field(default_factory=dict)
    """The trace as stores have it that have shown it so far, by the name of the store."""

    def run(self) -> dict[str, Any]:
        """Call the application, and return the result of the task when the trace has arrived.

        Raises Failure if it does not arrive in time.
        """
        start = self.cluster.clock()
        trace_id = self._call_application(start)
        call_time = self.cluster.clock()
        for _poll in self.cluster.iter_polls(self.timeout_seconds, start):
            if self._has_arrived(trace_id, call_time):
                locations = [found.location for found in self.found_by_store.values()]
                location_text = ", ".join(locations) or "no place, because none is given"
                return {
                    "changed": False,
                    "msg": f"Trace {trace_id} was found in {location_text}.",
                    **self._collect_facts(trace_id),
                }
        missing_store = next(store for store in self._list_stores() if store.name not in self.found_by_store)
        wrong = f"trace {trace_id} is not in {missing_store.name} after {self.timeout_seconds:g} s"
        fix = f"{missing_store.explain_missing()} The playbook diagnose explains why no data arrives."
        raise Failure(wrong, asked=ACTION, fix=fix, facts=self._collect_facts(trace_id))

    def _list_stores(self) -> list[TraceStore]:
        """Return the stores to search: the required ones, or else the logs and the counts."""
        return self.required_stores or [store for store in (self.logs_store, self.counts_store) if store]

    def _has_arrived(self, trace_id: str, call_time: float) -> bool:
        """Search the stores that have not shown the trace yet, and return whether the trace has arrived."""
        for store in self._list_stores():
            if store.name in self.found_by_store:
                continue
            found_trace = store.find_trace(trace_id)
            if found_trace is not None:
                self.found_by_store[store.name] = found_trace
        if self.required_stores:
            return len(self.found_by_store) == len(self.required_stores)
        if self.logs_store and self.logs_store.name in self.found_by_store:
            return True
        if not self._list_stores():
            return True
        # Counts say less than a log: spans of other applications count too. So the log gets some time first.
        grace_is_over = self.cluster.clock() - call_time >= _GRACE_SECONDS
        return grace_is_over and bool(self.found_by_store)

    def _collect_facts(self, trace_id: str) -> dict[str, Any]:
        """Return where the trace was found, for the result and for a failure."""
        found_rows = [{"place": found.location, "evidence": found.lines} for found in self.found_by_store.values()]
        return {"trace_id": trace_id, "found": found_rows}

    def _call_application(self, start: float) -> str:
        """Return the trace ID in the answer of the application. Raises Problem if it does not answer in time.

        The call is repeated, because a new Service may need a moment until it has endpoints.
        """
        namespace = quote_segment(self.application_call["namespace"])
        service = quote_segment(self.application_call["service"])
        path = f"/api/v1/namespaces/{namespace}/services/http:{service}:{self.application_call['port']}/proxy/"
        last_problem = ""
        for _poll in self.cluster.iter_polls(self.timeout_seconds, start):
            # The silence of an application says nothing about the API server, so the call has a Cluster of its own.
            separate_cluster = self.cluster.make_independent()
            try:
                answer_text = separate_cluster.text(path)
            except LostError as error:
                last_problem = f"it gives no answer: {error.text}"
                continue
            except ApiError as error:
                if error.status in UNAUTHORIZED_STATUSES:
                    raise explain(error, "Call the sample application") from error
                last_problem = f"it answers {error.status}: {error.message}"
                continue
            trace_ids = list(_iter_trace_ids(answer_text))
            has_answer_of_each = len(trace_ids) == len(self.services)
            is_one_trace = len(set(trace_ids)) == 1  # the SDKs of the services have handed on the context of the trace
            if has_answer_of_each and is_one_trace:
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
