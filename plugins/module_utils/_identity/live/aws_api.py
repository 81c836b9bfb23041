# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to one service of AWS: tried again while the reason looks passing, with fresh credentials when they expired.

AWSRetry of amazon.aws sleeps by itself for up to ten minutes, knows neither lost connections nor expiry, and botocore
retries below it. Here one loop does it all, with the clock of the caller. Private.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags

from ..._kube.eks_token import BUSY_CODES, MISSING_CODES, FailedCall, expired, explain, passing
from ..._kube.live.api_errors import library
from ..._kube.live.eks_access import answer_of, without_terminal
from ..._kube.live.hidden import hide_more
from ..._kube.live.libraries import lacking
from ..._kube.option_secrets import without
from ..._otelcol.config.masking import concealed
from ..._otelcol.errors import Problem, escaped_tree, printable
from ..._otelcol.yaml.yaml_documents import load
from ..trust import tag_changes

# For how long one call is tried when nothing else sets a limit.
PATIENCE_SECONDS = 120.0
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
CONNECT_SECONDS, READ_SECONDS = 5, 30


def _action(operation: str) -> str:
    """Return the name of a call as IAM policies have it."""
    return "".join("ID" if word == "id" else word.capitalize() for word in operation.split("_"))


class Calls:
    """One service. `connect` makes a client, and a new one finds credentials anew."""

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
        self.until = 0.0
        """A time until which calls are tried, beyond what they get anyway."""

    @property
    def client(self) -> Any:
        """The client; made when it is needed."""
        if self._client is None:
            self._client = self._connect()
        return self._client

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation by its name in boto3, and return its answer."""
        until = max(self.clock() + PATIENCE_SECONDS, self.until)
        tried, renewed = 0, False
        while True:
            try:
                answer: dict[str, Any] = self._operation(operation)(**parameters)
                return answer
            except Exception as error:
                if problem := without_terminal(error, f"Call {self.service}:{_action(operation)}"):
                    raise problem from None
                # The exception itself does not say of which service it is, and botocore's own not even of which call.
                error.o11y_called = (self.service, _action(operation))  # type: ignore[attr-defined]
                answered = answer_of(error)
                if expired(answered) and not renewed:
                    self._client, renewed = None, True
                    continue
                pause = PAUSES[min(tried, len(PAUSES) - 1)] * self._jitter()
                again = passing(answered) or AWSRetry.found(answered.code)
                if not again or self.clock() + pause > until:
                    raise
            tried += 1
            self.sleep(pause)

    def _operation(self, name: str) -> Callable[..., dict[str, Any]]:
        found: Callable[..., dict[str, Any]] | None = getattr(self.client, name, None)
        if found is None:
            raise lacking("boto3", "it", f"Call {self.service}:{_action(name)}")
        return found

    def pages(self, operation: str, key: str, **parameters: Any) -> list[Any]:
        """Return what all pages of an operation have below a key."""
        listed: list[Any] = []
        page_parameters = dict(parameters)
        while True:
            page = self(operation, **page_parameters)
            listed += page.get(key) or []
            token = page.get("nextToken")
            if not token:
                return listed
            page_parameters["nextToken"] = token

    def takes(self, operation: str, field: str) -> bool:
        """Return whether this botocore knows a parameter."""
        model = self.client.meta.service_model
        return field in model.operation_model(operation).input_shape.members


class AnsibleCallError(AnsibleAWSError):
    """A call that failed for good."""

    @property
    def answer(self) -> FailedCall:
        """What AWS or botocore said."""
        return answer_of(self.exception or self)


class CallErrors(AWSErrorHandler):
    """The error handlers of amazon.aws, for EKS and IAM: reads and deletions accept missing objects."""

    _CUSTOM_EXCEPTION = AnsibleCallError

    @classmethod
    def _is_missing(cls) -> type[BaseException]:
        return coded(MISSING_CODES)


def coded(codes: frozenset[str]) -> type[BaseException]:
    """Return what `except` takes to catch the current exception if it has one of these codes."""
    from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code  # noqa: PLC0415

    found: type[BaseException] = is_boto3_error_code(set(codes))
    return found


def retagged(live: dict[str, str], params: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the tags as they are to be, as amazon.aws compares them, or nothing where the task gives none."""
    if params["tags"] is None:
        return None
    fresh, stale = compare_aws_tags(live, params["tags"], params["purge_tags"])
    tags = {key: value for key, value in live.items() if key not in stale}
    tags.update({key: str(value) for key, value in fresh.items()})
    return tags


def changes(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return the names of settings that differ; settings without a wanted value stay."""
    return [name for name, value in wanted.items() if value is not None and live.get(name) != value]


def tag(eks: Calls, arn: str, live: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Make the tags of an object of EKS the wanted ones."""
    fresh, stale = tag_changes(live, wanted)
    if fresh:
        eks("tag_resource", resourceArn=arn, tags=fresh)
    if stale:
        eks("untag_resource", resourceArn=arn, tagKeys=stale)


def busy(error: AnsibleCallError) -> bool:
    """Return whether another operation was in the way."""
    return error.answer.code in BUSY_CODES


SECRET_OPTIONS = ("secret_key", "session_token")
CREDENTIALS = ("access_key", *SECRET_OPTIONS)


class Aws:
    """Clients with the options of a module, and what it warns of."""

    def __init__(self, module: AnsibleAWSModule, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.module, self.clock, self.sleep = module, clock, sleep
        self.check, self.params = module.check_mode, module.params

    def calls(self, service: str) -> Calls:
        """Return the calls to a service; no client is made yet."""

        def connect() -> Any:
            # One attempt each: the loop above it knows the time that is left. The user's aws_config comes last.
            config = library("botocore.config", "botocore").Config(
                retries={"total_max_attempts": 1}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
            )
            return self.module.client(service, config=config)

        # Jitter keeps the runs of many clusters from asking in step.
        return Calls(service, connect, clock=self.clock, sleep=self.sleep, jitter=lambda: random.uniform(0.5, 1))

    def warn(self, *texts: str) -> None:
        """Warn of what is not empty."""
        visible = without(self.module._module.no_log_values)
        for text in filter(None, texts):
            # Past amazon.aws' own list of warnings, which it returns in a way that ansible-core 2.19 deprecates.
            # Ansible hides no_log values in results, and not in warnings.
            self.module._module.warn(concealed(printable(visible(text))))


def run(
    module: AnsibleAWSModule, work: Callable[[Aws], dict[str, Any]], secrets: Iterable[str] = (), tree: Any = None
) -> None:
    """Do the work and exit with its result or failure.

    `tree` is an option of which only these secrets are hidden.
    """
    credentials = {name: str(module.params[name]) for name in CREDENTIALS if module.params.get(name)}
    hidden = set(secrets)
    for name in SECRET_OPTIONS:
        if name in credentials:
            hidden.add(credentials[name])
    hide_more(module._module, hidden, [tree])
    visible = without(module._module.no_log_values)
    try:
        _refuse_spaces(credentials)
        result = work(Aws(module, clock=time.monotonic, sleep=time.sleep))
    except AnsibleCallError as error:
        answer = error.answer
        problem = explain(answer, str(error.message))
        said = {"code": answer.code, "message": answer.message}
        module.fail_json(**visible({"msg": concealed(str(problem)), "error": said}))
    except Problem as problem:
        module.fail_json(**visible({**escaped_tree(problem.facts), "msg": concealed(str(problem))}))
    module.exit_json(**visible(escaped_tree(result)))


def _refuse_spaces(credentials: Mapping[str, str]) -> None:
    """Raise Problem for a credential that cannot be sent. The message does not show it."""
    for name, value in credentials.items():
        if value.split() != [value]:
            fix = "Give it without a line end. A YAML block of `|-` has none."
            raise Problem(f"{name} has a line end or a space, so it cannot be sent", asked="Call AWS", fix=fix)


def parsed(text: str) -> Any:
    """Return parsed configuration values: JSON, or YAML of other owners."""
    try:
        return json.loads(text or "null")
    except ValueError:
        return load(library("yaml", "PyYAML"), text, "configuration_values").data
