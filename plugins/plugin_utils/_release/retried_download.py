# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads over the network, tried again after temporary errors. Controller only. Private.

`fetch_with_retries` calls a function that reads the address once, and that function reads from `open_answer`:

    def download(url: str) -> bytes:
        with open_answer(url) as answer:
            return read_stream(answer.read, TEXT_LIMIT, url)

    fetch_with_retries("https://example.com/a.yaml", "Read the release", download)

If the server answers 503 two times and then sends the file, the result is the file, after 4 seconds.
`fetched_manifest.py` downloads manifests so, and `archive_reader.py` the archives of programs.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, IncompleteRead, InvalidURL
from typing import Any, NamedTuple, TypeVar
from urllib.error import HTTPError

from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import SSLValidationError, open_url

from ...module_utils._otelcol.errors import Problem, strip_credentials
from .release_origins import check_protection, is_protected

_TIMEOUT_SECONDS = 20
# How long to wait before the second and the third attempt, in seconds.
_RETRY_PAUSES = (1.0, 3.0)
# Temporary HTTP errors of servers and proxies, after which another attempt may succeed.
_TEMPORARY_STATUSES = (408, 425, 429, 500, 502, 503, 504)
# What a server answers if there is nothing at an address.
_MISSING_STATUSES = (404, 410)
# What opening an address raises if none can be so.
_ADDRESS_ERRORS = (InvalidURL, ValueError)
# What reading an answer raises if a server or proxy sends no answer of HTTP, or only a part of one.
_CUT_OFF_ERRORS = (HTTPException, EOFError, zlib.error)
# All of these, and those of a connection: HTTPError and URLError are an OSError too.
_DOWNLOAD_ERRORS = (*_ADDRESS_ERRORS, *_CUT_OFF_ERRORS, UrlConnectionError, OSError)
_NETWORK_FIX = "Check the proxy and the network of this machine, or use a release mirror."
_ADDRESS_FIX = "Correct it: write a number as its port, and %20 and the like for other characters than those of ASCII."
_CERTIFICATE_FIX = "Add the CA of the server or proxy to this machine's."
_Content = TypeVar("_Content")


def fetch_with_retries(
    url: str, activity: str, download: Callable[[str], _Content], sleep: Callable[[float], None] = time.sleep
) -> _Content | None:
    """Return what is at an address, as `download` reads it; None if there is nothing. Retries temporary errors.

    A part of an answer is no answer. Raises Problem after the last attempt, and at once for an error that another
    attempt does not mend. A Problem that `download` raises is passed on.
    """
    outcome = _try_download(url, download)
    for pause in _RETRY_PAUSES:
        if not isinstance(outcome, _FetchFailure) or not outcome.may_retry:
            break
        sleep(pause)
        outcome = _try_download(url, download)
    if isinstance(outcome, _FetchFailure):
        shown_url = strip_credentials(url)
        raise Problem(outcome.reason.replace(url, shown_url), asked=activity, where=shown_url, fix=outcome.fix)
    return outcome


class _FetchFailure(NamedTuple):
    """Why one attempt failed, what to do about it, and whether another attempt may succeed."""

    reason: str
    fix: str
    may_retry: bool


def _try_download(url: str, download: Callable[[str], _Content]) -> _Content | _FetchFailure | None:
    """Return what is at an address, None if there is nothing, or why this attempt failed.

    A failure is returned and not raised, so that no traceback has the error: its text may have a password.
    """
    try:
        return download(url)
    except _DOWNLOAD_ERRORS as error:
        if isinstance(error, HTTPError) and error.code in _MISSING_STATUSES:
            return None
        return _explain_failure(error)


def _explain_failure(error: Exception) -> _FetchFailure:
    """Return what an error says about an attempt. The order counts: some errors are of two of the kinds."""
    if isinstance(error, HTTPError):
        reason = f"the server answers {error.code} {error.reason}"
        return _FetchFailure(reason, _NETWORK_FIX, may_retry=error.code in _TEMPORARY_STATUSES)
    if isinstance(error, SSLValidationError):
        return _FetchFailure(str(error), _CERTIFICATE_FIX, may_retry=False)
    # The texts of the next two kinds are left out: they may have a part of the address, such as a password.
    if isinstance(error, _ADDRESS_ERRORS):
        return _FetchFailure("no server has such an address", _ADDRESS_FIX, may_retry=False)
    if isinstance(error, _CUT_OFF_ERRORS):
        reason = f"the whole answer did not come ({type(error).__name__})"
        return _FetchFailure(reason, _NETWORK_FIX, may_retry=True)
    reason = f"no answer: {getattr(error, 'reason', None) or error}"
    return _FetchFailure(reason, _NETWORK_FIX, may_retry=True)


@contextmanager
def open_answer(url: str) -> Iterator[Any]:
    """Yield the open answer of an address, of which the caller reads all.

    Raises Problem for a redirection to an address that protects nothing, and IncompleteRead for a part of an answer.
    """
    with open_url(url, timeout=_TIMEOUT_SECONDS, http_agent="o11y.opentelemetry", follow_redirects="safe") as answer:
        if is_protected(url):
            check_protection([answer.geturl()], "Follow the redirection")
        yield answer
        # A read with a limit only returns less if the connection ends too soon.
        missing_bytes = getattr(answer, "length", None)
        if missing_bytes:
            raise IncompleteRead(b"", missing_bytes)
