# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call one service of AWS, again while a failure may pass, and with fresh credentials if they have expired. Private.

The AWSRetry of amazon.aws is not enough: it sleeps by itself for up to ten minutes, it knows neither lost connections
nor expired credentials, and botocore repeats calls below it. Here one loop does it all, with the clock of the caller:

    calls = aws.calls("iam")  # `aws` is what `run` of aws_task.py passes to the task of a module
    calls("get_role", RoleName="otel-agent")  # {"Role": {…}}, or the error of boto3 after the last attempt
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from ..._kube.aws_failures import FailedCall, is_expired, is_passing
from ..._kube.live.eks_access import (
    CalledAction,
    explain_missing_terminal,
    note_called_action,
    read_failed_call,
)
from ..._kube.live.libraries import missing_part_problem

# For how long one call is tried when nothing else sets a limit.
PATIENCE_SECONDS = 120.0
# The seconds before each new attempt; the last pause counts for all later ones.
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)


def _iam_action(operation: str) -> str:
    """Return the name of a call as IAM policies have it."""
    return "".join("ID" if word == "id" else word.capitalize() for word in operation.split("_"))


class ServiceCalls:
    """The calls to one service, such as iam. `connect` makes a client of boto3, which reads the credentials anew."""

    def __init__(
        self,
        service: str,
        connect: Callable[[], Any],
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        jitter: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self.service, self.clock, self.sleep = service, clock, sleep
        self._connect, self._jitter = connect, jitter
        self._client: Any = None
        # Until when calls are tried, by the clock, if that is longer than PATIENCE_SECONDS.
        self._patience_end = 0.0

    @property
    def client(self) -> Any:
        """The client; made when it is needed."""
        if self._client is None:
            self._client = self._connect()
        return self._client

    def extend_patience_until(self, patience_end: float) -> None:
        """Try all later calls until a time of the clock, if that is longer than PATIENCE_SECONDS."""
        self._patience_end = patience_end

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation by its name in boto3, and return its answer.

        A call that fails for good raises the error of boto3. The methods that call this have a handler of `CallErrors`,
        which makes an AnsibleCallError of it.
        """
        deadline = max(self.clock() + PATIENCE_SECONDS, self._patience_end)
        earlier_pauses = 0
        has_renewed_client = False
        while True:
            try:
                answer: dict[str, Any] = self._client_method(operation)(**parameters)
                return answer
            except Exception as error:
                failed_call = self._note_failure(error, operation)
                # If the credentials of the new client have expired too, another client would not help: the failure
                # counts as any other.
                if is_expired(failed_call) and not has_renewed_client:
                    self._renew_client()
                    has_renewed_client = True
                    continue
                pause = self._choose_pause(earlier_pauses)
                if not self._may_repeat(failed_call, pause, deadline):
                    raise
            earlier_pauses += 1
            self.sleep(pause)

    def _note_failure(self, error: Exception, operation: str) -> FailedCall:
        """Return what a failed call says, and note in the error which action was called.

        Raises Problem if a person would have to type something, such as a code of MFA: no attempt can pass then.
        """
        action = _iam_action(operation)
        if problem := explain_missing_terminal(error, f"Call {self.service}:{action}"):
            raise problem from None
        note_called_action(error, CalledAction(self.service, action))
        return read_failed_call(error)

    def _renew_client(self) -> None:
        """Let the next call make a new client, which reads the credentials anew. So that call needs no pause before."""
        self._client = None

    def _choose_pause(self, earlier_pauses: int) -> float:
        """Return the seconds to wait before the next attempt. `earlier_pauses` is how often this call has waited."""
        return PAUSES[min(earlier_pauses, len(PAUSES) - 1)] * self._jitter()

    def _may_repeat(self, failed_call: FailedCall, pause: float, deadline: float) -> bool:
        """Whether the same call may work later, and the pause before it would end in time."""
        may_pass = is_passing(failed_call) or AWSRetry.found(failed_call.code)
        return may_pass and self.clock() + pause <= deadline

    def _client_method(self, operation: str) -> Callable[..., dict[str, Any]]:
        """Return the method of the client for an operation. Raises Problem if this boto3 is too old to have it."""
        method: Callable[..., dict[str, Any]] | None = getattr(self.client, operation, None)
        if method is None:
            raise missing_part_problem("boto3", "it", f"Call {self.service}:{_iam_action(operation)}")
        return method

    def read_pages(self, operation: str, key: str, **parameters: Any) -> list[Any]:
        """Return the entries on all pages of an operation of EKS. `key` names the list on each page."""
        return self._read_all_pages(operation, key, parameters, "nextToken", lambda page: page.get("nextToken"))

    def read_iam_pages(self, operation: str, key: str, **parameters: Any) -> list[Any]:
        """Return the entries on all pages of an operation of IAM, which names the next page by a marker.

        A page that says that there are more, and has no marker, is the last one: it would only come again.
        """

        def find_marker(page: Mapping[str, Any]) -> Any:
            return page.get("Marker") if page.get("IsTruncated") else None

        return self._read_all_pages(operation, key, parameters, "Marker", find_marker)

    def _read_all_pages(
        self,
        operation: str,
        key: str,
        parameters: Mapping[str, Any],
        next_parameter: str,
        find_next_page: Callable[[Mapping[str, Any]], Any],
    ) -> list[Any]:
        """Return the entries on all pages. `next_parameter` asks for the page that `find_next_page` finds in one."""
        entries: list[Any] = []
        page_parameters = dict(parameters)
        while True:
            page = self(operation, **page_parameters)
            entries += page.get(key) or []
            next_page = find_next_page(page)
            if not next_page:
                return entries
            page_parameters[next_parameter] = next_page

    def knows_parameter(self, operation: str, field: str) -> bool:
        """Return whether this botocore knows a parameter."""
        model = self.client.meta.service_model
        return field in model.operation_model(operation).input_shape.members
