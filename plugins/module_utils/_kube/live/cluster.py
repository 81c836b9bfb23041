# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API over plain dicts: retries, pages, parallel calls. Transport and clock are passed in. Private."""

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

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
# An object, or a list of objects, without all but its metadata.
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# About eleven seconds in all: long enough for a webhook's pod to come back, short enough to wait for.
BACKOFF_PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0)
POLL_FIRST, POLL_GROWTH, POLL_LAST = 0.1, 1.5, 2.0
MOST_WORKERS = 8
# What the API server says of a version of an API group. The server behind that of another product may be away for ever.
DISCOVERY_PATH = re.compile("/apis/[^/]+/[^/]+")
PAGE_SIZE = 500
REFUSED, UNAUTHORIZED, NOT_ALLOWED, NOT_FOUND, CONFLICT, TOO_MANY, SERVER_ERROR = 400, 401, 403, 404, 409, 429, 500


class RawAnswer(NamedTuple):
    """What the transport returns."""

    status: int
    headers: dict[str, str]
    body: bytes


# Words of answers 500 that no repetition changes: of server-side apply, and of a conversion, such as that of a Secret
# whose value is not base64.
MISTYPED_PHRASES = ("failed to create typed patch object", "unable to convert unstructured object to ")


class Transport(Protocol):
    """Sends one request; raises `LostError` when no answer came."""

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        """Send it."""


class ApiError(Exception):
    """The server said no: its `Status` object, and what it was asked."""

    def __init__(self, status: int, body: dict[str, Any], method: str, path: str) -> None:
        self.status, self.body, self.method, self.path = status, body, method, path
        self.message = mask_and_clean(str(body.get("message") or f"HTTP {status}"))
        self.reason = mask_and_clean(str(body.get("reason") or ""))
        self.details: dict[str, Any] = mask_and_clean(body.get("details") or {})
        self.causes: list[dict[str, Any]] = self.details.get("causes") or []
        super().__init__(self.message)

    def is_caused_by(self, reason: str) -> bool:
        return any(cause.get("reason") == reason for cause in self.causes)

    @property
    def is_kind_missing(self) -> bool:
        """Whether the server does not serve the kind, rather than the object."""
        return self.status == NOT_FOUND and not self.details.get("name")

    @property
    def is_unreadable(self) -> bool:
        """Whether the answer is broken, rather than a no: the server may have done what it was asked."""
        return self.status < REFUSED

    @property
    def is_mistyped(self) -> bool:
        """Whether a field has the wrong type or value, for which server-side apply answers 500."""
        return any(phrase in self.message for phrase in MISTYPED_PHRASES)

    @property
    def is_webhook_error(self) -> bool:
        """Whether a webhook gave no answer, rather than a denial."""
        return is_webhook_failure(self.message)

    @property
    def is_budget_error(self) -> bool:
        """Whether a PodDisruptionBudget keeps a pod: for how long, its pods say, and not the server."""
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
        """Whether the account is refused. A server that has just started may not know all accounts and roles yet."""
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
        self.warnings: dict[str, None] = {}
        # Whether a webhook that does not answer stays so; otherwise its pod may be starting, or be replaced.
        self.is_hopeless: Callable[[ApiError], bool] = lambda _error: False
        self._given_up = False

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
        """Send one request and return its JSON, retried while the reason looks passing."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept} | ({"Content-Type": content_type} if data is not None else {})
        # An object that has changed since this version of it fits no better at another try.
        pinned = isinstance(body, dict) and bool((body.get("metadata") or {}).get("resourceVersion"))
        return clean_sentences(self.request_json(method, path, query, headers, data, patient=patient, pinned=pinned))

    def request_json(
        self, method: str, path: str, *arguments: Any, patient: bool = True, pinned: bool = False
    ) -> dict[str, Any]:
        """Send one request as `request_raw` does and return its JSON.

        One that is cut or replaced may come whole again.
        """
        pauses = iter(FIRST_PAUSES if patient else ())
        while True:
            answer = self.request_raw(method, path, *arguments, patient=patient, pinned=pinned)
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
        """Send one request and return the raw answer. Without patience the caller retries, as for a pinned version."""
        request_target = build_target(path, query)
        pauses, started_at = iter(BACKOFF_PAUSES if patient else ()), self.clock()
        is_spent = self.outage.is_patience_over(sum(BACKOFF_PAUSES))
        while True:
            sent_at = self.clock()
            answer = self._send(method, request_target, headers or {}, body, started_at)
            if answer.status < REFUSED:
                self.outage.note_answer()
                self.warnings.update(dict.fromkeys(map(mask_and_clean, list_warnings(answer.headers))))
                return answer
            error = ApiError(answer.status, parse_status(answer.body), method, path)
            if not error.is_server_error:
                self.outage.note_answer()
            elif patient:  # otherwise it may be the answer of a pod, which the server passes on
                self.outage.note_failure(sent_at)
            if not self._is_passing(error, pinned=pinned, spent=is_spent):
                raise error
            pause = next(pauses, None)
            if pause is None:
                if not patient or not self._may_wait_for(error, started_at):
                    raise error
                pause = BACKOFF_PAUSES[-1]
            self.sleep(max(pause, min(retry_after_seconds(answer.headers), BACKOFF_PAUSES[-1])))

    def _is_passing(self, error: ApiError, *, pinned: bool, spent: bool) -> bool:
        """Return whether a later try may succeed. The version of a pinned request stays, as does an outage."""
        if (pinned and error.status == CONFLICT) or (spent and error.is_server_error):
            return False
        return error.is_transient or (error.is_rights_error and self.outage.has_just_ended)

    def _may_wait_for(self, error: ApiError, started_at: float) -> bool:
        """Return whether to try again after the first pauses: a webhook, or a server that has worked before."""
        if not error.is_webhook_error:
            return (
                error.is_server_error
                and not DISCOVERY_PATH.fullmatch(error.path)
                and self.outage.has_answered
                and self.outage.measure_seconds_away(started_at) < self.outage.patience_seconds
            )
        has_time = self.clock() - started_at < self.outage.patience_seconds
        may_wait = has_time and not self._given_up and not self.is_hopeless(error)
        # The wait for one object was the wait for all: the next one that needs a webhook has the first pauses only.
        self._given_up = self._given_up or not may_wait
        return may_wait

    def iter_polls(self, seconds: float, started_at: float | None = None) -> Iterator[None]:
        """Yield at growing intervals until the time is over, and once even when there is none.

        While the server is away nothing can become ready, so that time comes on top, but not without end.
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
        query = {**(query or {}), "limit": PAGE_SIZE}
        while True:
            page = self.request_json("GET", path, query, {"Accept": accept})
            yield from map(clean_sentences, page.get("items") or [])
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            query = {key: value for key, value in query.items() if key != "resourceVersion"} | {"continue": token}

    def text(self, path: str, query: dict[str, Any] | None = None) -> str:
        """Return an answer that is no JSON, such as logs or metrics."""
        return self.request_raw("GET", path, query, {"Accept": "*/*"}, patient=False).body.decode(errors="replace")

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
