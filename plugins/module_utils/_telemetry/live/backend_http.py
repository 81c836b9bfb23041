# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a backend for a probe over HTTP, with its headers. Private."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..._kube.live.api_errors import library
from ..._otelcol.bounded.json_text import json_value
from ..._otelcol.bounded.live.bounded_reads import body as body_of
from ..._otelcol.config.masking import quoted
from ..._otelcol.errors import Problem, shown
from ..backend_queries import Question

ASKED = "See the probe arrive"
HTTP_SECONDS = 5.0
_LINE = 200
UNAUTHORIZED, REFUSED = (401, 403), 300


class HttpBackend:
    """One backend."""

    def __init__(self, options: Mapping[str, Any], pool: Any = None) -> None:
        self._options = options
        self._pool = pool or library("urllib3").PoolManager(ca_certs=options.get("ca_file"), retries=False)
        self.place = f"{options['kind']} at {shown(options['url'])}"

    def ask(self, question: Any) -> tuple[Any, str]:
        """Return the answer, or why there is none yet. Raises Problem for a refused login."""
        url, body = address(self._options["url"], question), None
        headers = {**(self._options.get("headers") or {}), "Accept": "application/json"}
        if question.body is not None:
            body = json.dumps(question.body).encode()
            headers["Content-Type"] = "application/json"
        try:
            answer = self._pool.request(
                question.method,
                url,
                body=body,
                headers=headers,
                timeout=HTTP_SECONDS,
                redirect=False,
                preload_content=False,
            )
            data = body_of(answer)
        except library("urllib3").exceptions.HTTPError as error:
            return None, f"it does not answer: {quoted(str(error.__cause__ or error))}"
        return read(answer.status, data, self.place, "Correct its `headers`.")


def address(url: str, question: Question) -> str:
    """Return the URL of a question."""
    return url.rstrip("/") + question.path + (f"?{urlencode(question.query)}" if question.query else "")


def read(status: int, data: bytes, place: str, fix: str) -> tuple[Any, str]:
    """Return an answer as JSON, or why there is none yet. Raises Problem for a refused login."""
    if status in UNAUTHORIZED:
        raise Problem(f"{place} answers {status}", asked=ASKED, fix=fix)
    if status >= REFUSED:
        return None, f"it answers {status}: {quoted(data.decode(errors='replace').strip(), _LINE)}"
    try:
        return json_value(data), ""
    except ValueError:
        return None, "its answer is not JSON"
