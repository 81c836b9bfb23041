# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask X-Ray and CloudWatch for a probe, with the credentials that a profile or the environment names. Private."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..._kube.eks_token import MISSING_CODES, explain, passing
from ..._kube.live.api_errors import library
from ..._kube.live.eks_access import answer_of, session_of, without_terminal
from ..._otelcol.errors import Problem
from ..backend_queries import Call, Question
from .backend_http import address, read

CONNECT_SECONDS, READ_SECONDS = 3, 5
# For how long the pages of one answer are read: CloudWatch Logs returns empty ones while it searches.
PAGES_SECONDS = 8.0
ACTIONS = {"batch_get_traces": "BatchGetTraces", "filter_log_events": "FilterLogEvents"}
# The endpoint that answers PromQL, as botocore calls it.
METRICS = "cloudwatch"
FIX = "Allow cloudwatch:GetMetricData and cloudwatch:ListMetrics to the caller."


class AwsBackend:
    """One backend. A call that may succeed in a moment is tried again with the next look, not in one."""

    def __init__(self, options: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._options, self._clock = options, clock
        self._made: dict[str, Any] = {}
        region, group = options.get("region"), options.get("log_group")
        places = (options["kind"], f" in {region}" if region else "", f", log group {group}" if group else "")
        self.place = "".join(places)

    def ask(self, question: Any) -> tuple[Any, str]:
        """Return the answer, or why there is none yet. Raises Problem for what waiting does not mend."""
        try:
            return (self._called if isinstance(question, Call) else self._queried)(question)
        except Problem:
            raise
        except Exception as error:
            asked = f"Look for the probe in {self.place}"
            if problem := without_terminal(error, asked):
                raise problem from None
            if isinstance(question, Call):
                error.o11y_called = (question.service, ACTIONS[question.operation])  # type: ignore[attr-defined]
            answer = answer_of(error)
            if answer.code in MISSING_CODES:
                return None, f"it has no such log group yet ({answer.message})"
            if passing(answer):
                return None, f"it does not answer: {answer.code}: {answer.message}"
            raise explain(answer, asked) from None

    def _called(self, call: Call) -> tuple[Any, str]:
        """Return the first page that has something, or the last one."""
        operation, end = getattr(self._client(call.service), call.operation), self._clock() + PAGES_SECONDS
        token: dict[str, str] = {}
        while True:
            page = operation(**call.parameters, **token)
            found = page.get("nextToken")
            if page.get("events") or not found or self._clock() >= end:
                return page, ""
            token = {"nextToken": found}

    def _queried(self, question: Question) -> tuple[Any, str]:
        """Send a signed request for which botocore has no operation."""
        meta, http = self._client(METRICS).meta, library("botocore.httpsession", "botocore")
        url = address(meta.endpoint_url, question)
        request = library("botocore.awsrequest", "botocore").AWSRequest(question.method, url)
        credentials = self._session().get_credentials()
        if credentials is None:
            raise library("botocore.exceptions", "botocore").NoCredentialsError
        auth = library("botocore.auth", "botocore").SigV4Auth
        auth(credentials, meta.service_model.signing_name, meta.region_name).add_auth(request)
        trust = self._options.get("ca_file") or self._session().get_config_variable("ca_bundle") or True
        proxies = library("botocore.utils", "botocore").get_environ_proxies(url)
        sender = http.URLLib3Session(verify=trust, proxies=proxies, timeout=(CONNECT_SECONDS, READ_SECONDS))
        answer = sender.send(request.prepare())
        return read(answer.status_code, answer.content, self.place, FIX)

    def _session(self) -> Any:
        if "session" not in self._made:
            self._made["session"] = session_of(self._options)
        return self._made["session"]

    def _client(self, service: str) -> Any:
        if service not in self._made:
            config = library("botocore.config", "botocore").Config(
                retries={"total_max_attempts": 1}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
            )
            where = {"endpoint_url": self._options.get("url"), "verify": self._options.get("ca_file")}
            self._made[service] = self._session().create_client(service, config=config, **where)
        return self._made[service]
