# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a backend for a probe over HTTP, with its headers. Private."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..._kube.live.libraries import import_library
from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.bounded.live.bounded_reads import read_body as body_of
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import Problem, strip_credentials
from ..backend_queries import BackendRequest

ACTION = "See the probe arrive"
HTTP_SECONDS = 5.0
_LONGEST_ERROR_LINE = 200
UNAUTHORIZED_STATUSES, FIRST_REFUSED_STATUS = (401, 403), 300


class HttpBackend:
    """One backend."""

    def __init__(self, options: Mapping[str, Any], pool: Any = None) -> None:
        self._options = options
        self._pool = pool or import_library("urllib3").PoolManager(ca_certs=options.get("ca_file"), retries=False)
        self.place = f"{options['kind']} at {strip_credentials(options['url'])}"

    def ask_backend(self, question: Any) -> tuple[Any, str]:
        """Return the answer, or why there is none yet. Raises Problem for a refused login."""
        url, request_body = build_request_url(self._options["url"], question), None
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
            response_body = body_of(response)
        except import_library("urllib3").exceptions.HTTPError as error:
            return None, f"it does not answer: {mask_and_clean(str(error.__cause__ or error))}"
        return read_answer(response.status, response_body, self.place, "Correct its `headers`.")


def build_request_url(url: str, question: BackendRequest) -> str:
    """Return the URL of a question."""
    return url.rstrip("/") + question.path + (f"?{urlencode(question.query)}" if question.query else "")


def read_answer(status: int, response_body: bytes, place: str, fix: str) -> tuple[Any, str]:
    """Return an answer as JSON, or why there is none yet. Raises Problem for a refused login."""
    if status in UNAUTHORIZED_STATUSES:
        raise Problem(f"{place} answers {status}", asked=ACTION, fix=fix)
    if status >= FIRST_REFUSED_STATUS:
        return (
            None,
            (
                f"it answers {status}:"
                f" {mask_and_clean(response_body.decode(errors='replace').strip(), _LONGEST_ERROR_LINE)}"
            ),
        )
    try:
        return parse_json(response_body), ""
    except ValueError:
        return None, "its answer is not JSON"
