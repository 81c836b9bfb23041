# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask AWS X-Ray or CloudWatch for a probe, with the credentials of a profile or of the environment. Private.

`backend_search.py` makes an `AwsBackend` for the kinds of backends that AWS has, and calls `ask_backend` with what
backend_queries.py writes, until the probe is there. For example, a log group that does not exist yet gives
`BackendAnswer(None, "it has no such log group yet (…)")`, and the next question may find it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..._kube.aws_failures import MISSING_CODES, explain_failed_call, is_passing
from ..._kube.live.eks_access import CalledAction, create_session, explain_missing_terminal, read_failed_call
from ..._kube.live.libraries import import_library
from ..._otelcol.errors import Problem
from ..backend_queries import AwsCall, BackendRequest
from .backend_http import BackendAnswer, build_request_url, read_answer

# How long a connection, and an answer, may take.
CONNECT_SECONDS = 3
READ_SECONDS = 5
# For how many seconds the pages of one answer are read: CloudWatch Logs returns empty pages while it searches.
PAGES_SECONDS = 8.0
# The names of operations in permissions, by their names in boto3.
ACTION_NAMES = {"batch_get_traces": "BatchGetTraces", "filter_log_events": "FilterLogEvents"}
# The name in botocore of the endpoint that answers PromQL.
METRICS_SERVICE = "cloudwatch"
FIX_OF_PERMISSIONS = "Allow cloudwatch:GetMetricData and cloudwatch:ListMetrics to the caller."


class AwsBackend:
    """X-Ray or CloudWatch. `place` names it for people.

    A call that fails and may succeed in a moment is not repeated at once: the next look at the backend repeats it.
    """

    def __init__(self, options: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._options, self._clock = options, clock
        self._session: Any = None
        self._client_by_service: dict[str, Any] = {}
        self.place = options["kind"]
        if options.get("region"):
            self.place += f" in {options['region']}"
        if options.get("log_group"):
            self.place += f", log group {options['log_group']}"

    def ask_backend(self, question: BackendRequest | AwsCall) -> BackendAnswer:
        """Send a question, and return the answer. Raises Problem for a failure that waiting does not mend."""
        try:
            if isinstance(question, AwsCall):
                return self._call_operation(question)
            return self._send_signed_request(question)
        except Problem:
            raise
        except Exception as error:  # botocore's errors have no class in common, and a prompt for a code has others
            return self._explain_failure(error, question)

    def _explain_failure(self, error: Exception, question: BackendRequest | AwsCall) -> BackendAnswer:
        """Return why there is no answer yet. Raises Problem for a failure that waiting does not mend."""
        task = f"Look for the probe in {self.place}"
        terminal_problem = explain_missing_terminal(error, task)
        if terminal_problem:
            raise terminal_problem from None
        called_action = None
        if isinstance(question, AwsCall):
            called_action = CalledAction(question.service, ACTION_NAMES[question.operation])
        failed_call = read_failed_call(error, called_action)
        if failed_call.code in MISSING_CODES:
            return BackendAnswer(None, f"it has no such log group yet ({failed_call.message})")
        if is_passing(failed_call):
            return BackendAnswer(None, f"it does not answer: {failed_call.code}: {failed_call.message}")
        raise explain_failed_call(failed_call, task) from None

    def _call_operation(self, call: AwsCall) -> BackendAnswer:
        """Call an operation until a page of its answer has events, there are no more pages, or the time is over."""
        operation = getattr(self._get_client(call.service), call.operation)
        deadline = self._clock() + PAGES_SECONDS
        page_token: dict[str, str] = {}
        while True:
            page = operation(**call.parameters, **page_token)
            next_token = page.get("nextToken")
            if page.get("events") or not next_token or self._clock() >= deadline:
                return BackendAnswer(page)
            page_token = {"nextToken": next_token}

    def _send_signed_request(self, question: BackendRequest) -> BackendAnswer:
        """Send a request for which botocore has no operation, with a signature of AWS.

        botocore's own classes sign and send it, with the CAs and the proxies of the session.
        """
        client_meta = self._get_client(METRICS_SERVICE).meta
        session = self._get_session()
        url = build_request_url(client_meta.endpoint_url, question)
        request = import_library("botocore.awsrequest", "botocore").AWSRequest(question.method, url)
        credentials = session.get_credentials()
        if credentials is None:
            raise import_library("botocore.exceptions", "botocore").NoCredentialsError
        signer_class = import_library("botocore.auth", "botocore").SigV4Auth
        signer = signer_class(credentials, client_meta.service_model.signing_name, client_meta.region_name)
        signer.add_auth(request)
        http_session = import_library("botocore.httpsession", "botocore").URLLib3Session(
            verify=self._options.get("ca_file") or session.get_config_variable("ca_bundle") or True,
            proxies=import_library("botocore.utils", "botocore").get_environ_proxies(url),
            timeout=(CONNECT_SECONDS, READ_SECONDS),
        )
        response = http_session.send(request.prepare())
        return read_answer(response.status_code, response.content, self.place, FIX_OF_PERMISSIONS)

    def _get_session(self) -> Any:
        """Return the session of botocore, made at the first call."""
        if self._session is None:
            self._session = create_session(self._options)
        return self._session

    def _get_client(self, service: str) -> Any:
        """Return the client of a service, made at the first call."""
        if service not in self._client_by_service:
            client_config = import_library("botocore.config", "botocore").Config(
                retries={"total_max_attempts": 1}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
            )
            self._client_by_service[service] = self._get_session().create_client(
                service,
                config=client_config,
                endpoint_url=self._options.get("url"),
                verify=self._options.get("ca_file"),
            )
        return self._client_by_service[service]
