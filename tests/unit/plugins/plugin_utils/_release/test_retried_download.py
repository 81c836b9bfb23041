# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers answer, and which of their errors are worth another attempt."""

from __future__ import annotations

import http.client
import io
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from ansible.module_utils.urls import SSLValidationError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import retried_download

from tests.support.cases import cases

URL = "https://me:secret@example.com/cert-manager.yaml"


class Connection:
    """A connection on which a server has sent its answer, and that is closed then."""

    def __init__(self, sent: bytes) -> None:
        self.sent = sent

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self.sent)


def read_whole(url: str) -> bytes:
    """Return what is at an address, by one attempt."""
    with retried_download.open_answer(url) as answer:
        return answer.read(1000)  # type: ignore[no-any-return]


def fetch_answer(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> bytes | None:
    """Return what is fetched of a server that always sends this answer."""

    def open_url(url: str, **_options: Any) -> http.client.HTTPResponse:
        answer: Any = http.client.HTTPResponse(Connection(sent))  # type: ignore[arg-type]
        answer.begin()
        answer.url = url
        return answer  # type: ignore[no-any-return]

    monkeypatch.setattr(retried_download, "open_url", open_url)
    return retried_download.fetch_with_retries(URL, "Read it", read_whole, lambda _seconds: None)


def test_a_whole_answer_is_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    for head in (b"Content-Length: 8", b"Connection: close"):
        assert fetch_answer(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\nkind: A\n", monkeypatch) == b"kind: A\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nkind: A\n\r\n0\r\n\r\n"
    assert fetch_answer(chunked, monkeypatch) == b"kind: A\n"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nkind: A\n", id="shorter than it says"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nkind", id="half a chunk"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n", id="another protocol"),
    ],
)
def test_a_part_of_an_answer_is_no_content(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Problem, match=r"the whole answer did not come .*at https://example\.com") as error:
        fetch_answer(sent, monkeypatch)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "place", ["[::1/a", "me:secret/word@example.com/a", "example.com:secret/a", "a b.com", "example.com/ü"]
)
def test_an_address_that_none_can_be_is_refused_at_once(place: str) -> None:
    url = f"https://{place}"

    def never(_seconds: float) -> None:
        raise AssertionError("it was tried again")

    with pytest.raises(Problem, match=r"Read it: no server has such an address") as error:
        retried_download.fetch_with_retries(url, "Read it", read_whole, never)
    assert "Correct it" in str(error.value)


def test_a_redirection_to_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_url(_url: str, **_options: Any) -> http.client.HTTPResponse:
        raise http.client.InvalidURL("nonnumeric port: 'secret'")

    monkeypatch.setattr(retried_download, "open_url", open_url)
    with pytest.raises(Problem, match=r"no server has such an address .*example\.com/cert") as error:
        retried_download.fetch_with_retries(URL, "Read it", read_whole)
    assert "secret" not in str(error.value)
    assert error.value.__context__ is None, "a traceback would show the error with its text"


def http_error(code: int) -> HTTPError:
    return HTTPError(URL, code, "why", {}, None)  # type: ignore[arg-type]


class Server:
    """A server whose downloads end so, one after the other. An exception is raised."""

    def __init__(self, *outcomes: bytes | Exception) -> None:
        self.outcomes = list(outcomes)
        self.pauses: list[float] = []

    def download(self, _url: str) -> bytes:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def fetch(self) -> bytes | None:
        return retried_download.fetch_with_retries(URL, "Read it", self.download, self.pauses.append)


@pytest.mark.parametrize("passing", [http_error(503), URLError("timed out"), OSError("reset"), http_error(429)])
def test_what_passes_is_tried_again(passing: Exception) -> None:
    server = Server(passing, passing, b"a: 1")
    assert (server.fetch(), server.pauses) == (b"a: 1", [1.0, 3.0])


@pytest.mark.parametrize("code", [404, 410])
def test_where_nothing_is_nothing_is_returned(code: int) -> None:
    server = Server(http_error(503), http_error(code))
    assert (server.fetch(), server.pauses) == (None, [1.0])


@cases(
    "trouble, tries, said",
    (http_error(407), 1, "the server answers 407 why.*proxy"),
    (http_error(502), 3, "the server answers 502 why"),
    (URLError("no route"), 3, "no answer: no route.*release mirror"),
    (SSLValidationError("bad CA"), 1, "bad CA.*Add the CA"),
)
def test_what_stays_is_told(trouble: Exception, tries: int, said: str) -> None:
    server = Server(*[trouble] * 3)
    with pytest.raises(Problem, match=said):
        server.fetch()
    assert len(server.pauses) == tries - 1
