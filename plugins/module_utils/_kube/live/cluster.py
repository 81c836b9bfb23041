# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the Kubernetes API whose objects are plain dicts. Private.

`connect` makes a `Cluster` for the options of a task; tests make one with a transport and a clock of their own.

    cluster.get("/api/v1/namespaces/obs") → {"kind": "Namespace", "metadata": {…}, …}, or None if it is not there
    list(cluster.items("/api/v1/pods", {"labelSelector": "app=web"})) → the pods of all pages
    cluster.request("PATCH", path, query, manifest, APPLY) → the object as the server has it now
    cluster.call_in_parallel(cluster.get, paths) → their objects in the same order

A request is sent again while its error may pass. A refusal that stays is an `ApiError`, and silence a `LostError`:

    what comes back                     when the request is sent again
    409: somebody else writes now       after the BACKOFF_PAUSES; not if the request names a version of the object
    429, 5xx: the server cannot work    after the BACKOFF_PAUSES, then while `outage` waits for the server
    a webhook gave no answer            after the BACKOFF_PAUSES, then for `patience_seconds` if it may come back
    401, 403                            after the BACKOFF_PAUSES if an outage has just ended, otherwise never
    another refusal                     never
    half an answer                      after the FIRST_PAUSES
    no answer                           as `outage` says
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
# HTTP statuses. An answer with a lower status than REFUSED is a success.
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
# The path of a version of an API group, such as `/apis/metrics.k8s.io/v1`, at which the server lists its kinds. The
# server passes some of them on to another product, which may be away for ever.
DISCOVERY_PATH = re.compile("/apis/[^/]+/[^/]+")
# Parts of messages with status 500 for which a further try is in vain: the object has a value of a wrong type. They are
# of server-side apply, and of a conversion, such as that of a Secret whose value is not base64.
MISTYPED_PHRASES = ("failed to create typed patch object", "unable to convert unstructured object to ")


class RawAnswer(NamedTuple):
    """An answer of the server as it came, such as `RawAnswer(200, {"Content-Type": "text/plain"}, b"ok")`."""

    status: int
    headers: dict[str, str]
    body: bytes


class Transport(Protocol):
    """The function that sends requests, such as a PooledTransport of pooled_transport.py."""

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        """Send one request and return its answer. Raises `LostError` when no answer came."""


class ApiError(Exception):
    """The server refused a request, or its answer is broken. The message is that of the server."""

    def __init__(self, status: int, body: dict[str, Any], method: str, path: str) -> None:
        self.status = status
        """The HTTP status of the answer."""
        self.body = body
        """The `Status` object of the answer."""
        self.method = method
        self.path = path
        self.message = mask_and_clean(str(body.get("message") or f"HTTP {status}"))
        self.reason = mask_and_clean(str(body.get("reason") or ""))
        self.details: dict[str, Any] = mask_and_clean(body.get("details") or {})
        self.causes: list[dict[str, Any]] = self.details.get("causes") or []
        """Such as `{"field": "spec.replicas", "reason": "FieldManagerConflict", "message": "…"}`."""
        super().__init__(self.message)

    def is_caused_by(self, reason: str) -> bool:
        """Return whether one of the causes has this reason, such as `FieldManagerConflict`."""
        return any(cause.get("reason") == reason for cause in self.causes)

    @property
    def is_kind_missing(self) -> bool:
        """Return whether the server does not serve the kind, rather than the object."""
        return self.status == NOT_FOUND and not self.details.get("name")

    @property
    def is_unreadable(self) -> bool:
        """Return whether a success came as a broken answer: the server may have done what it was asked."""
        return self.status < REFUSED

    @property
    def is_mistyped(self) -> bool:
        """Return whether a field has the wrong type or value, for which server-side apply answers 500."""
        return any(phrase in self.message for phrase in MISTYPED_PHRASES)

    @property
    def is_webhook_error(self) -> bool:
        """Return whether a webhook gave no answer. A webhook that denies a request gives one."""
        return is_webhook_failure(self.message)

    @property
    def is_budget_error(self) -> bool:
        """Return whether a PodDisruptionBudget refuses an eviction. How long that lasts depends on its pods alone."""
        return self.is_caused_by("DisruptionBudget") or "more than one PodDisruptionBudget" in self.message

    @property
    def is_transient(self) -> bool:
        """Return whether the same request may well succeed in a moment."""
        if self.status == CONFLICT:
            # A deletion names the uid of its object, and fields of another field manager stay those of it.
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
    """One API server, for all threads of a task.

    Two arguments of the requests say what is sent again:

    - Without `patient`, an answer with an error is final: the caller repeats the request itself, or not at all.
    - With `conflict_stays`, a conflict (409) is final. The body then names a version of the object, such as
      `{"metadata": {"resourceVersion": "4711"}}`: an object that has changed since does not fit at another try either.
    """

    def __init__(
        self, transport: Transport, *, clock: Callable[[], float], sleep: Callable[[float], None], server: str = ""
    ) -> None:
        self._transport = transport
        self.clock = clock
        """Returns the time in seconds, such as `time.monotonic`."""
        self.sleep = sleep
        self.server = server
        """The address as messages name it, such as `https://10.0.0.1:6443`."""
        self.outage = Outage(clock)
        """Whether the server is away, and for how long it is waited for."""
        self.progress = Progress(tell_nobody, clock)
        """Tells the user what a wait waits for."""
        self.warnings: dict[str, None] = {}
        """The warnings of the server in the order in which they came, each once."""
        self.is_hopeless: Callable[[ApiError], bool] = lambda _error: False
        """Whether a webhook that gave no answer will never give one. Otherwise its pod may be starting."""
        self._is_webhook_given_up = False
        """Whether a request has waited in vain for a webhook."""

    def make_independent(self) -> Cluster:
        """Return a Cluster of the same server with an Outage of its own.

        It is for a request that the server passes on to a pod: the silence of that pod says nothing about the server.
        """
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
        """Send one request with a JSON body, and return the JSON of the answer with clean sentences."""
        headers = {"Accept": accept}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = content_type
        # Such a body is meant for the object of that version alone, so a conflict stays one.
        names_version = isinstance(body, dict) and bool((body.get("metadata") or {}).get("resourceVersion"))
        answer = self.request_json(method, path, query, headers, data, patient=patient, conflict_stays=names_version)
        return clean_sentences(answer)

    def request_json(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        *,
        patient: bool = True,
        conflict_stays: bool = False,
    ) -> dict[str, Any]:
        """Send one request as `request_raw` does, and return the JSON of the answer as it is.

        If the answer was cut or replaced on its way, the request is repeated: a whole answer may come next.
        """
        pauses = iter(FIRST_PAUSES if patient else ())
        while True:
            answer = self.request_raw(
                method, path, query, headers, body, patient=patient, conflict_stays=conflict_stays
            )
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
        conflict_stays: bool = False,
    ) -> RawAnswer:
        """Send one request, again if its error may pass, and return the raw answer.

        Raises ApiError if the server refuses it for good, and LostError if no answer comes.
        """
        request_target = build_target(path, query)
        started_at = self.clock()
        first_pauses = iter(BACKOFF_PAUSES if patient else ())
        # Asked before the first try: what this request waits itself must not count.
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
            if not self._is_passing(error, conflict_stays=conflict_stays, is_patience_spent=is_patience_spent):
                raise error
            pause = next(first_pauses, None)
            if pause is None:
                if not patient:
                    raise error
                self._check_long_wait(error, started_at)
                pause = BACKOFF_PAUSES[-1]
            # The server may name any time. More than the longest pause is not waited for at once.
            pause_of_server = min(retry_after_seconds(answer.headers), BACKOFF_PAUSES[-1])
            self.sleep(max(pause, pause_of_server))

    def _note_error(self, error: ApiError, sent_at: float, *, patient: bool) -> None:
        """Tell `outage` whether the server works: an error such as 404 shows that it does, and 503 that it does not."""
        if not error.is_server_error:
            self.outage.note_answer()
        elif patient:  # otherwise it may be the answer of a pod, which the server passes on
            self.outage.note_failure(sent_at)

    def _is_passing(self, error: ApiError, *, conflict_stays: bool, is_patience_spent: bool) -> bool:
        """Return whether a later try may succeed.

        `is_patience_spent` says that the server was waited for in vain before this request.
        """
        if conflict_stays and error.status == CONFLICT:
            return False
        if is_patience_spent and error.is_server_error:
            return False
        return error.is_transient or (error.is_rights_error and self.outage.has_just_ended)

    def _check_long_wait(self, error: ApiError, started_at: float) -> None:
        """Raise the error of a request of time `started_at` if neither its webhook nor the server is waited for.

        The wait for one webhook is the wait for all: the next request without its webhook has the first pauses only.
        """
        if not error.is_webhook_error:
            if not self._is_server_waited_for(error, started_at):
                raise error
        elif not self._is_webhook_waited_for(error, started_at):
            self._is_webhook_given_up = True
            raise error

    def _is_webhook_waited_for(self, error: ApiError, started_at: float) -> bool:
        """Return whether a webhook that gave no answer may give one in the time that is left."""
        has_time = self.clock() - started_at < self.outage.patience_seconds
        return has_time and not self._is_webhook_given_up and not self.is_hopeless(error)

    def _is_server_waited_for(self, error: ApiError, started_at: float) -> bool:
        """Return whether the server cannot work now, but has answered before, and there is time left for it."""
        if not error.is_server_error or not self.outage.has_answered or DISCOVERY_PATH.fullmatch(error.path):
            return False
        return self.outage.measure_seconds_away(started_at) < self.outage.patience_seconds

    def iter_polls(self, seconds: float, started_at: float | None = None) -> Iterator[None]:
        """Yield at once, and then after growing pauses until the time is over: `for _poll in cluster.iter_polls(60):`.

        The time begins at `started_at`, or now. While the server is away nothing can become ready. So the time of its
        absence is added, but at most `seconds`.
        """
        started_at = self.clock() if started_at is None else started_at
        pause = POLL_FIRST
        away_before = self.outage.away
        yield
        while self.clock() - started_at < seconds + min(self.outage.away - away_before, seconds):
            self.sleep(pause)
            pause = min(pause * POLL_GROWTH, POLL_LAST)
            yield

    def _send(
        self, method: str, request_target: str, headers: dict[str, str], body: bytes | None, started_at: float
    ) -> RawAnswer:
        """Send a request until an answer of any status comes. Raises LostError if the server is given up."""
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
        """Return one object; None if the server has no such object, or no such kind."""
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
        """Return an answer that is no JSON, such as the log of a pod. An error of it is not repeated."""
        answer = self.request_raw("GET", path, query, {"Accept": "*/*"}, patient=False)
        return answer.body.decode(errors="replace")

    def call_in_parallel(self, call: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        """Return `call(item)` for each item, in order. The first error stops what has not started, and is raised."""
        inputs = list(items)
        if len(inputs) < 2:  # noqa: PLR2004 - one call needs no thread
            return [call(item) for item in inputs]
        with ThreadPoolExecutor(min(MOST_WORKERS, len(inputs))) as pool:
            futures = [pool.submit(call, item) for item in inputs]
            wait(futures, return_when=FIRST_EXCEPTION)
            pool.shutdown(wait=True, cancel_futures=True)
            failed_futures = [future for future in futures if not future.cancelled() and future.exception()]
            return [future.result() for future in (failed_futures or futures)]  # of a failed one, this raises its error
