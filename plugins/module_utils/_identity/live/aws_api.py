# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call one service of AWS, again while a failure may pass, and with fresh credentials if they have expired. Private.

All modules for AWS run through `run` here. The AWSRetry of amazon.aws is not enough: it sleeps by itself for up to ten
minutes, it knows neither lost connections nor expired credentials, and botocore repeats calls below it. Here one loop
does it all, with the clock of the caller:

    calls = aws.calls("iam")  # `aws` is what `run` passes to the task of a module
    calls("get_role", RoleName="otel-agent")  # {"Role": {…}}, or the error of boto3 after the last attempt

aws_changes.py has what tasks share that create or change objects.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from ..._kube.aws_failures import (
    BUSY_CODES,
    MISSING_CODES,
    FailedCall,
    explain_failed_call,
    is_expired,
    is_passing,
)
from ..._kube.live.eks_access import (
    CalledAction,
    explain_missing_terminal,
    note_called_action,
    read_failed_call,
)
from ..._kube.live.hidden import hide_option_secrets
from ..._kube.live.libraries import import_library, missing_part_problem
from ..._kube.option_secrets import build_secret_remover
from ..._otelcol.config.masking import conceal_secrets
from ..._otelcol.errors import Problem, escape_tree, make_printable

# For how long one call is tried when nothing else sets a limit.
PATIENCE_SECONDS = 120.0
# The seconds before each new attempt; the last pause counts for all later ones.
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
# How long a connection, and an answer, may take.
CONNECT_SECONDS = 5
READ_SECONDS = 30
# The options with the credentials of AWS, of which these two are secret by themselves.
SECRET_OPTIONS = ("secret_key", "session_token")
CREDENTIALS = ("access_key", *SECRET_OPTIONS)


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


class AnsibleCallError(AnsibleAWSError):
    """A call that failed for good."""

    @property
    def answer(self) -> FailedCall:
        """What AWS or botocore said."""
        return read_failed_call(self.exception or self)


class CallErrors(AWSErrorHandler):
    """The error handlers of amazon.aws, as decorators of methods that call EKS and IAM.

    `common_error_handler` raises AnsibleCallError. `list_error_handler` returns its default for a missing object, and
    `deletion_error_handler` takes that for success.
    """

    _CUSTOM_EXCEPTION = AnsibleCallError

    @classmethod
    def _is_missing(cls) -> type[BaseException]:
        """Return what the handlers catch as a missing object. They call this method of the class of amazon.aws."""
        return exception_with_code(MISSING_CODES)


def exception_with_code(codes: frozenset[str]) -> type[BaseException]:
    """Return what `except` takes to catch the current exception if it has one of these codes."""
    from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code  # noqa: PLC0415

    exception_type: type[BaseException] = is_boto3_error_code(set(codes))
    return exception_type


def is_busy(error: AnsibleCallError) -> bool:
    """Return whether a call failed because another operation on the same object still runs."""
    return error.answer.code in BUSY_CODES


class Aws:
    """What a task for AWS needs of its module: calls to services, the clock, its options and its warnings."""

    def __init__(self, module: AnsibleAWSModule, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.module, self.clock, self.sleep = module, clock, sleep
        self.check, self.params = module.check_mode, module.params
        # The module of Ansible inside of that of amazon.aws.
        self._ansible_module = module._module

    def calls(self, service: str) -> ServiceCalls:
        """Return the calls to a service; no client is made yet."""

        def connect() -> Any:
            # One attempt each: the loop above it knows the time that is left. The user's aws_config comes last.
            config = import_library("botocore.config", "botocore").Config(
                retries={"total_max_attempts": 1}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
            )
            return self.module.client(service, config=config)

        # Jitter keeps the runs of many clusters from asking in step.
        return ServiceCalls(service, connect, clock=self.clock, sleep=self.sleep, jitter=lambda: random.uniform(0.5, 1))

    def warn(self, *warnings: str) -> None:
        """Show each warning that is not empty, with secrets hidden."""
        remove_secrets = build_secret_remover(self._ansible_module.no_log_values)
        for warning in filter(None, warnings):
            # Past amazon.aws' own list of warnings, which it returns in a way that ansible-core 2.19 deprecates.
            # Ansible hides no_log values in results, and not in warnings.
            self._ansible_module.warn(conceal_secrets(make_printable(remove_secrets(warning))))


def run(
    module: AnsibleAWSModule,
    task: Callable[[Aws], dict[str, Any]],
    *,
    secret_parts: Iterable[str] = (),
    partly_secret_option: Mapping[str, Any] | None = None,
) -> None:
    """Run a task, and exit with its result or failure.

    Options that are secret by themselves are hidden from all output. `partly_secret_option` is the value of an option
    such as `configuration_values`, in which only some texts are secret, and `secret_parts` are these texts.
    """
    credentials = {name: str(module.params[name]) for name in CREDENTIALS if module.params.get(name)}
    hidden_values = set(secret_parts)
    for name in SECRET_OPTIONS:
        if name in credentials:
            hidden_values.add(credentials[name])
    ansible_module = module._module
    hide_option_secrets(ansible_module, hidden_values, [partly_secret_option])
    remove_secrets = build_secret_remover(ansible_module.no_log_values)
    try:
        _refuse_spaces(credentials)
        _refuse_empty_names(module.params)
        result = task(Aws(module, clock=time.monotonic, sleep=time.sleep))
    except AnsibleCallError as error:
        answer = error.answer
        problem = explain_failed_call(answer, str(error.message))
        error_fields = {"code": answer.code, "message": answer.message}
        module.fail_json(**remove_secrets({"msg": conceal_secrets(str(problem)), "error": error_fields}))
    except Problem as problem:
        module.fail_json(**remove_secrets({**escape_tree(problem.facts), "msg": conceal_secrets(str(problem))}))
    module.exit_json(**remove_secrets(escape_tree(result)))


def _refuse_empty_names(params: Mapping[str, Any]) -> None:
    """Raise Problem for an empty name of what a task works on, such as that of an undefined variable.

    AWS would leave it out of the request, and answer about all objects: the first one would be that of a neighbour.
    """
    names = ["cluster_name", "service_account"]
    if "service_account" in params:
        names.append("namespace")  # of eks_addon it is a setting, and no name
    if "state" in params:
        names.append("name")  # of eks_addon_info it limits a list
    for option in names:
        if params.get(option) == "":
            fix = "Give the name of an object of AWS. Check the variable that it comes from."
            raise Problem(f"{option} is empty", asked="Call AWS", where=option, fix=fix)


def _refuse_spaces(credentials: Mapping[str, str]) -> None:
    """Raise Problem for a credential that cannot be sent. The message does not show it."""
    for name, value in credentials.items():
        if value.split() != [value]:
            fix = "Give it without a line end. A YAML block of `|-` has none."
            raise Problem(f"{name} has a line end or a space, so it cannot be sent", asked="Call AWS", fix=fix)
