# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask X-Ray and CloudWatch for a probe, with the credentials that a profile or the environment names. Private."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..._kube.aws_failures import MISSING_CODES, explain_failed_call, is_passing
from ..._kube.live.eks_access import create_session, explain_missing_terminal, read_failed_call
from ..._kube.live.libraries import import_library
from ..._otelcol.errors import Problem
from ..backend_queries import AwsCall, BackendRequest
from .backend_http import build_request_url, read_answer

CONNECT_SECONDS, READ_SECONDS = 3, 5
# For how long the pages of one answer are read: CloudWatch Logs returns empty ones while it searches.
PAGES_SECONDS = 8.0
ACTION_NAMES = {"batch_get_traces": "BatchGetTraces", "filter_log_events": "FilterLogEvents"}
# The endpoint that answers PromQL, as botocore calls it.
METRICS_SERVICE = "cloudwatch"
FIX_OF_PERMISSIONS = "Allow cloudwatch:GetMetricData and cloudwatch:ListMetrics to the caller."


class AwsBackend:
    """One backend. A call that may succeed in a moment is tried again with the next look, not in one."""

    def __init__(self, options: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._options, self._clock = options, clock
        self._made: dict[str, Any] = {}
        region, log_group = options.get("region"), options.get("log_group")
        place_parts = (
            options["kind"],
            f" in {region}" if region else "",
            f", log group {log_group}" if log_group else "",
        )
        self.place = "".join(place_parts)

    def ask_backend(self, question: Any) -> tuple[Any, str]:
        """Return the answer, or why there is none yet. Raises Problem for what waiting does not mend."""
        try:
            return (self._call_operation if isinstance(question, AwsCall) else self._send_signed_request)(question)
        except Problem:
            raise
        except Exception as error:
            action = f"Look for the probe in {self.place}"
            if problem := explain_missing_terminal(error, action):
                raise problem from None
            if isinstance(question, AwsCall):
                error.o11y_called = (question.service, ACTION_NAMES[question.operation])  # type: ignore[attr-defined]
            error_answer = read_failed_call(error)
            if error_answer.code in MISSING_CODES:
                return None, f"it has no such log group yet ({error_answer.message})"
            if is_passing(error_answer):
                return None, f"it does not answer: {error_answer.code}: {error_answer.message}"
            raise explain_failed_call(error_answer, action) from None

    def _call_operation(self, call: AwsCall) -> tuple[Any, str]:
        """Return the first page that has something, or the last one."""
        operation, deadline = getattr(self._client(call.service), call.operation), self._clock() + PAGES_SECONDS
        page_token: dict[str, str] = {}
        while True:
            page = operation(**call.parameters, **page_token)
            next_token = page.get("nextToken")
            if page.get("events") or not next_token or self._clock() >= deadline:
                return page, ""
            page_token = {"nextToken": next_token}

    def _send_signed_request(self, question: BackendRequest) -> tuple[Any, str]:
        """Send a signed request for which botocore has no operation."""
        client_meta, http_session = (
            self._client(METRICS_SERVICE).meta,
            import_library("botocore.httpsession", "botocore"),
        )
        url = build_request_url(client_meta.endpoint_url, question)
        request = import_library("botocore.awsrequest", "botocore").AWSRequest(question.method, url)
        credentials = self._open_session().get_credentials()
        if credentials is None:
            raise import_library("botocore.exceptions", "botocore").NoCredentialsError
        signer = import_library("botocore.auth", "botocore").SigV4Auth
        signer(credentials, client_meta.service_model.signing_name, client_meta.region_name).add_auth(request)
        trusted_cas = self._options.get("ca_file") or self._open_session().get_config_variable("ca_bundle") or True
        proxies = import_library("botocore.utils", "botocore").get_environ_proxies(url)
        sender = http_session.URLLib3Session(
            verify=trusted_cas, proxies=proxies, timeout=(CONNECT_SECONDS, READ_SECONDS)
        )
        response = sender.send(request.prepare())
        return read_answer(response.status_code, response.content, self.place, FIX_OF_PERMISSIONS)

    def _open_session(self) -> Any:
        if "session" not in self._made:
            self._made["session"] = create_session(self._options)
        return self._made["session"]

    def _client(self, service: str) -> Any:
        if service not in self._made:
            client_config = import_library("botocore.config", "botocore").Config(
                retries={"total_max_attempts": 1}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
            )
            connection_options = {"endpoint_url": self._options.get("url"), "verify": self._options.get("ca_file")}
            self._made[service] = self._open_session().create_client(
                service, config=client_config, **connection_options
            )
        return self._made[service]
