# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the requests of a task to an API server over connections that are kept, and say in a word why no answer came.

`connect` makes a transport for each Cluster. The word is a key of OUTAGES in `api_error_rows`, since urllib3's own
words name objects of Python: its NewConnectionError is the word `refused`, and its SSLError about a certificate that is
too old the word `expired`. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..._otelcol.bounded.live.bounded_reads import read_body
from ..._otelcol.bounded.read_limits import ANSWER_LIMIT
from ..._otelcol.errors import Problem
from .cluster import SERVER_ERROR, TOO_MANY, RawAnswer
from .libraries import import_library
from .outage import LostError

# How long a connection may take.
CONNECT_SECONDS = 2.5
# How long an answer may take. The server ends a change after 34 seconds (apiserver's requestTimeoutUpperBound), and
# gives a webhook up to 30 of them.
READ_SECONDS = 36.0
UNAUTHORIZED = 401


class LostReason(NamedTuple):
    """Why no answer came."""

    outage_key: str
    """A key of OUTAGES in `api_error_rows`."""
    may_repeat: bool
    """Whether another try may help, even at a server that has never answered."""


# By the names of exceptions of urllib3, and of those that they wrap. The first one that fits counts.
REASONS_BY_EXCEPTION = {
    # An SSLError wraps these of Python, so they come before it.
    "SSLEOFError": LostReason("reset", may_repeat=True),
    "SSLZeroReturnError": LostReason("reset", may_repeat=True),
    # A ProxyError may wrap any of those below, so it comes before them.
    "ProxyError": LostReason("reset", may_repeat=True),
    "NameResolutionError": LostReason("dns", may_repeat=True),
    "NewConnectionError": LostReason("refused", may_repeat=True),
    "ConnectTimeoutError": LostReason("timeout", may_repeat=True),
    "ReadTimeoutError": LostReason("timeout", may_repeat=False),
    "SSLError": LostReason("tls", may_repeat=False),
}

# What OpenSSL says of a TLS connection, and the key of OUTAGES; the first that fits.
# Source: crypto/x509/x509_txt.c and ssl/ssl_stat.c of OpenSSL, and Python's ssl module.
UNTRUSTED_REASONS = (
    ("certificate has expired", "expired"),
    ("certificate is not yet valid", "early"),
    ("alert certificate expired", "own_expired"),
    ("certificate is not valid for", "other_name"),
)


class PooledTransport:
    """Kept-alive connections to one server, without hidden retries.

    `pool` is a PoolManager of urllib3. `authorize` returns the headers that say who asks; each request calls it,
    as a token may be new. `watch` is the CommandWatch of a kubeconfig whose tokens a command makes.

    The first try of a read may have a shorter limit (`quick_seconds`), so that a lost connection is noticed soon. If a
    path gave no answer in this time, the answer may really take long, so the path has the full limit from then on. All
    requests have the full limit until the server has answered once.
    """

    def __init__(self, pool: Any, host: str, authorize: Callable[[], Mapping[str, Any]], watch: Any = None) -> None:
        self._urllib3 = import_library("urllib3")
        self._pool, self._authorize, self._watch = pool, authorize, watch
        # A server behind a path, such as Rancher's or a proxy's, has it in the host.
        self.host = host.rstrip("/")
        # Whether the server has answered a request of this transport.
        self._has_answered = False
        # The paths whose quick read had no answer.
        self._slow_paths = set[str]()
        self.set_read_seconds(READ_SECONDS)

    def set_read_seconds(self, read_seconds: float, quick_seconds: float = READ_SECONDS) -> None:
        """Set how many seconds an answer may take; `quick_seconds` is the limit for the first try of a read."""
        timeout = self._urllib3.Timeout
        self._full_timeout = timeout(connect=CONNECT_SECONDS, read=read_seconds)
        self._quick_timeout = timeout(connect=CONNECT_SECONDS, read=min(read_seconds, quick_seconds))

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        """Send one request over a connection of the pool, and return the whole answer.

        Raises LostError if no answer came, and Problem if the request cannot be sent.
        """
        request_headers = self._add_credentials(headers)
        is_quick = self._has_answered and method == "GET" and path not in self._slow_paths
        try:
            answer = self._send_request(method, path, request_headers, body, is_quick=is_quick)
        except self._urllib3.exceptions.HTTPError as error:
            if is_quick:
                self._slow_paths.add(path)
            raise self._build_lost_error(error) from error
        except OSError as error:  # TLS cannot read the files of the client's certificate; HTTPError has all else
            raise LostError("certificate", f"{type(error).__name__}: {error}", self.host, again=False) from error
        except ValueError:  # its text quotes the header, in an escaped form that no mask matches
            fix = "Give the token and the headers without a line end. A YAML block of `|-` has none."
            raise Problem("the token or a header cannot be sent", where=self.host, fix=fix) from None
        self._note_answer(answer.status)
        return answer

    def _send_request(self, method: str, path: str, headers: Any, body: bytes | None, *, is_quick: bool) -> RawAnswer:
        """Send one request, and read the whole answer. Raises the errors of urllib3 and of the system."""
        answer = self._pool.request(
            method,
            self.host + path,
            body=body,
            headers=headers,
            timeout=self._quick_timeout if is_quick else self._full_timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        data = read_body(answer, ANSWER_LIMIT, "the answer of the server")
        return RawAnswer(answer.status, dict(answer.headers), data)

    def _note_answer(self, status: int) -> None:
        """Note that the server answers, and have the next request ask for a new token if this one counts no more."""
        if status < SERVER_ERROR and status != TOO_MANY:
            self._has_answered = True
        if status == UNAUTHORIZED:
            self._forget_credentials()

    def _add_credentials(self, headers: Mapping[str, str]) -> Any:
        """Return the headers of a request, with those that say who asks."""
        request_headers = self._urllib3.HTTPHeaderDict({"User-Agent": "o11y.opentelemetry", **headers})
        for name, value in self._authorize().items():
            values = value if isinstance(value, list) else [value]
            for single_value in values:
                request_headers.add(name, single_value)
        return request_headers

    def _forget_credentials(self) -> None:
        """Have the next request ask for a new token. Raises Problem if there is none."""
        if self._watch:
            self._watch.forget()
            if problem := self._watch.problem:
                raise problem

    def _build_lost_error(self, error: Exception) -> LostError:
        """Return the error of a request without an answer: why none came, and whether another try may succeed."""
        reason = _find_reason(error)
        # urllib3 wraps what the system says in the names of its own objects.
        error_text = str(error.__cause__ or error)
        outage_key = _find_tls_key(error_text) if reason.outage_key == "tls" else reason.outage_key
        return LostError(outage_key, error_text, self.host, again=reason.may_repeat)


def _find_reason(error: Exception) -> LostReason:
    """Return what an exception of urllib3 means, by its own name and the names of what it wraps."""
    parts = (error, error.__cause__, getattr(error, "reason", None), *error.args)
    class_names = {type(part).__name__ for part in parts}
    for name, reason in REASONS_BY_EXCEPTION.items():
        if name in class_names:
            return reason
    return LostReason("reset", may_repeat=True)


def _find_tls_key(error_text: str) -> str:
    """Return the key of OUTAGES for what OpenSSL says of a TLS connection."""
    for phrase, outage_key in UNTRUSTED_REASONS:
        if phrase in error_text:
            return outage_key
    return "tls"
