# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of status 200 that are no JSON: a proxy has cut or replaced them."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.api_errors import explain
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import ApiError, RawAnswer

from ...fake_api import FakeApi
from .test_cluster import PATH, failing

HALF = b'{"kind": "Secret", "data": {"token": "half-of-a-secret'
BROKEN_ANSWERS = pytest.mark.parametrize("body", [HALF, b"", b"<html>", b"[]", b"null", b"\xff"])


@BROKEN_ANSWERS
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_an_answer_that_comes_whole_the_second_time_is_used(method: str, body: bytes) -> None:
    api = FakeApi()
    failing(api, RawAnswer(200, {}, body), times=2)
    found = api.cluster().request(method, "/api/v1/namespaces/default", body={"a": 1} if method == "PATCH" else None)
    assert (found["kind"], len(api.requests)) == ("Namespace", 3)
    assert api.clock.now < 2


@BROKEN_ANSWERS
def test_an_answer_that_stays_broken_is_explained_and_not_quoted(body: bytes) -> None:
    api = FakeApi()
    failing(api, RawAnswer(200, {"Content-type": "text/html", "Server": "nginx", "Via": "1.1 squid"}, body))
    with pytest.raises(ApiError) as raised:
        api.cluster().request("PATCH", PATH, body={})
    told = str(explain(raised.value, "Apply ConfigMap ns/a"))
    assert told.startswith("Apply ConfigMap ns/a: the answer of the server is not the JSON of an object (")
    assert f"({len(body)} bytes of text/html, from 1.1 squid, nginx) (at PATCH {PATH})." in told
    assert "Outside of check mode, the server may have done this all the same." in told
    assert "half-of" not in told
    assert raised.value.is_transient


def test_a_broken_answer_to_a_read_has_done_nothing() -> None:
    api = FakeApi()
    failing(api, RawAnswer(200, {}, HALF))
    with pytest.raises(ApiError) as raised:
        list(api.cluster().items("/api/v1/pods"))
    told = str(explain(raised.value, "List pods"))
    assert f"({len(HALF)} bytes of no Content-Type) (at GET /api/v1/pods). " in told
    assert "all the same" not in told
    assert len(api.requests) == 3


def test_who_asks_again_alone_gets_a_broken_answer_at_once() -> None:
    api = FakeApi()
    failing(api, RawAnswer(200, {}, HALF))
    with pytest.raises(ApiError):
        api.cluster().request("GET", PATH, patient=False)
    assert len(api.requests) == 1
