# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the Kubernetes API whose objects are plain dicts: it repeats requests, reads pages, calls in parallel.

`connect` makes a Cluster for the options of a task. Tests make one with a transport and a clock of their own. `outage`
says how long a server is waited for. Private. For example:

    cluster.get("/api/v1/namespaces/obs") → {"kind": "Namespace", "metadata": {…}, …}, or None if it is not there
    list(cluster.items("/api/v1/pods", {"labelSelector": "app=web"})) → the pods of all pages
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any, NamedTuple, Protocol, TypeVar

from ..._otelcol.config.masking import mask_and_clean
from .api_responses import (
    NotJsonError,
    clean_sentences,
    is_webhook_failure,
    list_warnings,
    parse_object,
    parse_status,
    retry_after_seconds,
)
from .outage import FIRST_PAUSES, LostError, Outage
from .progress import Progress, tell_nobody
from .urls import build_target

Item = TypeVar("Item")
Answer = TypeVar("Answer")

# Media types of requests and answers.
JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
# An object, or a list of objects, with its metadata alone.
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# HTTP statuses. Below the first one, the server says yes.
REFUSED = 400
UNAUTHORIZED = 401
NOT_ALLOWED = 403
NOT_FOUND = 404
CONFLICT = 409
TOO_MANY = 429
SERVER_ERROR = 500
# Seconds between the tries of a request. About eleven seconds in all: long enough for a webhook's pod to come back,
# short enough to wait for.
BACKOFF_PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0)
# Seconds between two polls: the first pause, and the factor by which it grows up to the longest one.
POLL_FIRST = 0.1
POLL_GROWTH = 1.5
POLL_LAST = 2.0
# How many requests go out at the same time.
MOST_WORKERS = 8
# How many objects a page of a list has.
PAGE_SIZE = 500
# The path of a version of an API group, at which the server lists its kinds. The server behind that of another product
# may be away for ever.
DISCOVERY_PATH = re.compile("/apis/[^/]+/[^/]+")
# Words of answers 500 that no repetition changes: of server-side apply, and of a conversion, such as that of a Secret
# whose value is not base64.
MISTYPED_PHRASES = ("failed to create typed patch object", "unable to convert unstructured object to ")


class RawAnswer(NamedTuple):
    """An answer of the server as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Transport(Protocol):
    """Sends one request; raises `LostError` when no answer came."""

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        """Send it."""


class ApiError(Exception):
    """The server said no to a request, or its answer is broken."""

    def __init__(self, status: int, body: dict[str, Any], method: str, path: str) -> None:
        self.status = status
        """The HTTP status of the answer."""
        self.body = body
        """The `Status` object of the answer."""
        self.method, self.path = method, path
        self.message = mask_and_clean(str(body.get("message") or f"HTTP {status}"))
        self.reason = mask_and_clean(str(body.get("reason") or ""))
        self.details: dict[str, Any] = mask_and_clean(body.get("details") or {})
        self.causes: list[dict[str, Any]] = self.details.get("causes") or []
        """Such as `{"field": "spec.replicas", "reason": "FieldManagerConflict", "message": "…"}`."""
        super().__init__(self.message)

    def is_caused_by(self, reason: str) -> bool:
        """Return whether one of the causes has this reason."""
        return any(cause.get("reason") == reason for cause in self.causes)

    @property
    def is_kind_missing(self) -> bool:
        """Return whether the server does not serve the kind, rather than the object."""
        return self.status == NOT_FOUND and not self.details.get("name")

    @property
    def is_unreadable(self) -> bool:
        """Return whether the answer is broken, rather than a no: the server may have done what it was asked."""
        return self.status < REFUSED

    @property
    def is_mistyped(self) -> bool:
        """Return whether a field has the wrong type or value, for which server-side apply answers 500."""
        return any(phrase in self.message for phrase in MISTYPED_PHRASES)

    @property
    def is_webhook_error(self) -> bool:
        """Return whether a webhook gave no answer, rather than a denial."""
        return is_webhook_failure(self.message)

    @property
    def is_budget_error(self) -> bool:
        """Return whether a PodDisruptionBudget refuses an eviction. How long that lasts depends on its pods alone."""
        return self.is_caused_by("DisruptionBudget") or "more than one PodDisruptionBudget" in self.message

    @property
    def is_transient(self) -> bool:
        """Return whether the same request may well succeed in a moment."""
        if self.status == CONFLICT:
            return self.method != "DELETE" and not self.is_caused_by("FieldManagerConflict")
        may_pass = self.is_unreadable or self.status >= SERVER_ERROR or self.status == TOO_MANY
        return may_pass and not self.is_mistyped and not self.is_budget_error

    @property
    def is_rights_error(self) -> bool:
        """Return whether the account is refused. A server that has just started may not know all accounts yet."""
        return self.status == UNAUTHORIZED or (self.status == NOT_ALLOWED and " cannot " in self.message)

    @property
    def is_server_error(self) -> bool:
        """Return whether the server cannot work now, whatever it is asked."""
        is_refused = self.status < SERVER_ERROR and self.status != TOO_MANY
        return not (is_refused or self.is_budget_error or self.is_mistyped or self.is_webhook_error)


class Cluster:
    """One API server."""

    def __init__(
        self, transport: Transport, *, clock: Callable[[], float], sleep: Callable[[float], None], server: str = ""
    ) -> None:
        self._transport = transport
        self.clock, self.sleep, self.server = clock, sleep, server
        self.outage = Outage(clock)
        self.progress = Progress(tell_nobody, clock)
        # The warnings of the server in the order in which they came, each once.
        self.warnings: dict[str, None] = {}
        # Says of the error of a webhook that does not answer whether it stays so. Otherwise its pod may be starting.
        self.is_hopeless: Callable[[ApiError], bool] = lambda _error: False
        # Whether a request has waited in vain for a webhook.
        self._is_webhook_given_up = False

    def make_independent(self) -> Cluster:
        """Return the same server for a call whose backend may hang, which says nothing about the server."""
        return Cluster(self._transport, clock=self.clock, sleep=self.sleep, server=self.server)

    def request(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: Any = None,
        content_type: str = JSON,
        *,
        accept: str = JSON,
        patient: bool = True,
    ) -> dict[str, Any]:
        """Send one request and return its JSON. It is repeated while the error may pass, unless `patient` is false."""
        headers = {"Accept": accept}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = content_type
        # An object that has changed since this version of it fits no better at another try.
        pinned = isinstance(body, dict) and bool((body.get("metadata") or {}).get("resourceVersion"))
        return clean_sentences(self.request_json(method, path, query, headers, data, patient=patient, pinned=pinned))

    def request_json(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        *,
        patient: bool = True,
        pinned: bool = False,
    ) -> dict[str, Any]:
        """Send one request as `request_raw` does and return its JSON.

        An answer that was cut or replaced on its way may come whole again, so the request is repeated.
        """
        pauses = iter(FIRST_PAUSES if patient else ())
        while True:
            answer = self.request_raw(method, path, query, headers, body, patient=patient, pinned=pinned)
            try:
                return parse_object(answer.headers, answer.body)
            except NotJsonError as error:
                pause = next(pauses, None)
                if pause is None:
                    raise ApiError(answer.status, {"message": str(error)}, method, path) from None
                self.sleep(pause)

    def request_raw(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        *,
        patient: bool = True,
        pinned: bool = False,
    ) -> RawAnswer:
        """Send one request and return the raw answer. Raises ApiError if the server says no.

        A caller without patience repeats the request itself. `pinned` says that the body has a version of its object:
        then a conflict stays.
        """
        request_target = build_target(path, query)
        pauses, started_at = iter(BACKOFF_PAUSES if patient else ()), self.clock()
        is_patience_spent = self.outage.is_patience_over(sum(BACKOFF_PAUSES))
        while True:
            sent_at = self.clock()
            answer = self._send(method, request_target, headers or {}, body, started_at)
            if answer.status < REFUSED:
                self.outage.note_answer()
                self.warnings.update(dict.fromkeys(map(mask_and_clean, list_warnings(answer.headers))))
                return answer
            error = ApiError(answer.status, parse_status(answer.body), method, path)
            self._note_error(error, sent_at, patient=patient)
            if not self._is_passing(error, pinned=pinned, is_patience_spent=is_patience_spent):
                raise error
            pause = next(pauses, None)
            if pause is None:
                if not patient or not self._may_wait_for(error, started_at):
                    raise error
                pause = BACKOFF_PAUSES[-1]
            self.sleep(max(pause, min(retry_after_seconds(answer.headers), BACKOFF_PAUSES[-1])))

    def _note_error(self, error: ApiError, sent_at: float, *, patient: bool) -> None:
        """Note whether the server works, as an error shows."""
        if not error.is_server_error:
            self.outage.note_answer()
        elif patient:  # otherwise it may be the answer of a pod, which the server passes on
            self.outage.note_failure(sent_at)

    def _is_passing(self, error: ApiError, *, pinned: bool, is_patience_spent: bool) -> bool:
        """Return whether a later try may succeed. The conflict of a pinned request stays, and so does a long outage."""
        if (pinned and error.status == CONFLICT) or (is_patience_spent and error.is_server_error):
            return False
        return error.is_transient or (error.is_rights_error and self.outage.has_just_ended)

    def _may_wait_for(self, error: ApiError, started_at: float) -> bool:
        """Return whether to try again after the first pauses."""
        if error.is_webhook_error:
            return self._may_wait_for_webhook(error, started_at)
        return self._may_wait_for_server(error, started_at)

    def _may_wait_for_webhook(self, error: ApiError, started_at: float) -> bool:
        """Return whether to wait for the webhook of a request that was begun at `started_at`.

        The wait for one object is the wait for all: the next one that needs a webhook has the first pauses only.
        """
        has_time = self.clock() - started_at < self.outage.patience_seconds
        may_wait = has_time and not self._is_webhook_given_up and not self.is_hopeless(error)
        if not may_wait:
            self._is_webhook_given_up = True
        return may_wait

    def _may_wait_for_server(self, error: ApiError, started_at: float) -> bool:
        """Return whether to wait for a server that cannot work now, but has answered before."""
        if not error.is_server_error or not self.outage.has_answered or DISCOVERY_PATH.fullmatch(error.path):
            return False
        return self.outage.measure_seconds_away(started_at) < self.outage.patience_seconds

    def iter_polls(self, seconds: float, started_at: float | None = None) -> Iterator[None]:
        """Yield once at least, and then at growing intervals until the time is over.

        The time begins at `started_at`, or now. While the server is away nothing can become ready. So its absence comes
        on top, but at most as much again.
        """
        started_at = self.clock() if started_at is None else started_at
        pause, away_before = POLL_FIRST, self.outage.away
        yield
        while self.clock() - started_at < seconds + min(self.outage.away - away_before, seconds):
            self.sleep(pause)
            pause = min(pause * POLL_GROWTH, POLL_LAST)
            yield

    def _send(
        self, method: str, request_target: str, headers: dict[str, str], body: bytes | None, started_at: float
    ) -> RawAnswer:
        """Return the answer to one request, which is sent again while the server may come back. Raises LostError."""
        pauses = iter(FIRST_PAUSES)
        while True:
            if self.outage.final_error:  # one thread found out for all of them
                raise self.outage.final_error
            sent_at = self.clock()
            try:
                return self._transport(method, request_target, headers, body)
            except LostError as lost:
                pause = self.outage.find_pause(lost, started_at, sent_at, next(pauses, None))
                if pause is None:
                    raise
                self.sleep(pause)

    def get(self, path: str) -> dict[str, Any] | None:
        """Return one object, or nothing when it is absent."""
        try:
            return self.request("GET", path)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def items(self, path: str, query: dict[str, Any] | None = None, accept: str = JSON) -> Iterator[dict[str, Any]]:
        """Yield the objects of a list, page by page."""
        page_query = {**(query or {}), "limit": PAGE_SIZE}
        while True:
            page = self.request_json("GET", path, page_query, {"Accept": accept})
            yield from map(clean_sentences, page.get("items") or [])
            continue_token = (page.get("metadata") or {}).get("continue")
            if not continue_token:
                return
            page_query.pop("resourceVersion", None)  # the token stands for a version
            page_query["continue"] = continue_token

    def text(self, path: str, query: dict[str, Any] | None = None) -> str:
        """Return an answer that is no JSON, such as logs or metrics."""
        answer = self.request_raw("GET", path, query, {"Accept": "*/*"}, patient=False)
        return answer.body.decode(errors="replace")

    def call_in_parallel(self, call: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        """Return the result for each item in order; the first failure stops what has not started."""
        inputs = list(items)
        if len(inputs) < 2:  # noqa: PLR2004
            return [call(item) for item in inputs]
        with ThreadPoolExecutor(min(MOST_WORKERS, len(inputs))) as pool:
            futures = [pool.submit(call, item) for item in inputs]
            wait(futures, return_when=FIRST_EXCEPTION)
            pool.shutdown(wait=True, cancel_futures=True)
            failed_futures = [future for future in futures if not future.cancelled() and future.exception()]
            return [future.result() for future in (failed_futures or futures)]
