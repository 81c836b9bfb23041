# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a backend for a probe over HTTP, with the headers that a user gives. Private.

`live/backend_search.py` makes the clients of backends; `live/backend_aws.py` has the one for AWS.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from ..._kube.live.libraries import import_library
from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.bounded.live.bounded_reads import read_body
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import Problem, strip_credentials
from ..backend_queries import BackendRequest

# What a task does, in messages.
ACTION = "See the probe arrive"
# How long an answer may take.
HTTP_SECONDS = 5.0
# How many characters of an answer that says no are shown.
_LONGEST_ERROR_LINE = 200
# HTTP statuses of a refused login.
UNAUTHORIZED_STATUSES = (401, 403)
# From this HTTP status on, an answer says no.
FIRST_REFUSED_STATUS = 300


class BackendAnswer(NamedTuple):
    """The answer of a backend, parsed from JSON, or why there is none yet."""

    content: Any
    problem: str = ""
    """Empty if there is an answer."""


class HttpBackend:
    """A backend that answers over HTTP. `place` names it for people."""

    def __init__(self, options: Mapping[str, Any], pool: Any = None) -> None:
        self._options = options
        self._pool = pool or import_library("urllib3").PoolManager(ca_certs=options.get("ca_file"), retries=False)
        self.place = f"{options['kind']} at {strip_credentials(options['url'])}"

    def ask_backend(self, question: BackendRequest) -> BackendAnswer:
        """Send a question, and return the answer. Raises Problem for a refused login."""
        url = build_request_url(self._options["url"], question)
        request_body = None
        headers = {**(self._options.get("headers") or {}), "Accept": "application/json"}
        if question.body is not None:
            request_body = json.dumps(question.body).encode()
            headers["Content-Type"] = "application/json"
        try:
            response = self._pool.request(
                question.method,
                url,
                body=request_body,
                headers=headers,
                timeout=HTTP_SECONDS,
                redirect=False,
                preload_content=False,
            )
            response_body = read_body(response)
        except import_library("urllib3").exceptions.HTTPError as error:
            return BackendAnswer(None, f"it does not answer: {mask_and_clean(str(error.__cause__ or error))}")
        return read_answer(response.status, response_body, self.place, "Correct its `headers`.")


def build_request_url(url: str, question: BackendRequest) -> str:
    """Return the URL of a question to the backend at `url`."""
    query_text = f"?{urlencode(question.query)}" if question.query else ""
    return url.rstrip("/") + question.path + query_text


def read_answer(status: int, response_body: bytes, place: str, fix: str) -> BackendAnswer:
    """Return the answer in a response. Raises Problem for a refused login of the backend `place`, with this fix."""
    if status in UNAUTHORIZED_STATUSES:
        raise Problem(f"{place} answers {status}", asked=ACTION, fix=fix)
    if status >= FIRST_REFUSED_STATUS:
        error_text = mask_and_clean(response_body.decode(errors="replace").strip(), _LONGEST_ERROR_LINE)
        return BackendAnswer(None, f"it answers {status}: {error_text}")
    try:
        return BackendAnswer(parse_json(response_body))
    except ValueError:
        return BackendAnswer(None, "its answer is not JSON")
