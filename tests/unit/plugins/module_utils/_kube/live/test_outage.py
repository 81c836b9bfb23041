# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server that goes away after its first answer: what is sent again, for how long, and what is said then."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import connect
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.api_errors import explain_outage
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import (
    ApiError,
    Cluster,
    RawAnswer,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError

from tests.support.cases import cases

from ...fake_api import FakeApi, status
from .test_cluster import PATH

WAIT = 60.0
NODE = "/api/v1/namespaces/default"
PDB = {"causes": [{"reason": "DisruptionBudget"}]}
Away = Callable[[], "RawAnswer | None"]


def met(patience: float = WAIT) -> tuple[FakeApi, Cluster]:
    """Return a server that has answered once."""
    api = FakeApi()
    cluster = api.cluster()
    cluster.outage.patience_seconds = patience
    cluster.get(NODE)
    return api, cluster


def losing(why: str, takes: float = 0.0) -> Any:
    """Return a trouble by which no answer comes, after so many seconds."""

    def trouble(api: FakeApi) -> None:
        api.clock.now += takes
        raise LostError(why, "x", "https://a", again=why == "refused")

    return trouble


def away(api: FakeApi, trouble: Callable[[FakeApi], RawAnswer | None], until: float) -> None:
    api.trouble = lambda _method, _path: trouble(api) if api.clock.now < until else None


def answering(answer: RawAnswer) -> Callable[[FakeApi], RawAnswer]:
    return lambda _api: answer


@cases(
    "trouble, seconds",
    (losing("refused"), 55),
    (losing("reset"), 55),
    (losing("dns"), 55),
    (losing("timeout", 33.0), 30),
    (answering(status(429, "TooManyRequests", "later")), 55),
    (answering(status(500, "InternalError", "etcdserver: leader changed")), 55),
    (answering(RawAnswer(502, {}, b"<html>")), 55),
    (answering(status(503, "ServiceUnavailable", "")), 55),
)
def test_a_server_that_has_answered_is_waited_for(trouble: Any, seconds: float) -> None:
    api, cluster = met()
    away(api, trouble, seconds)
    assert cluster.request("PATCH", NODE, body={})["kind"] == "Namespace"
    assert seconds <= api.clock.now < WAIT + 10


@cases(
    "trouble, most",
    (losing("tls"), 0),
    (losing("certificate"), 0),
    (answering(status(401, "Unauthorized", "no")), 0),
    (answering(status(403, "Forbidden", "no")), 0),
    (answering(status(404, "NotFound", "no")), 0),
    (answering(status(422, "Invalid", "no")), 0),
    (answering(status(500, "", "failed to create typed patch object")), 0),
    (answering(status(409, "Conflict", "the object has been modified")), 15),
    (answering(status(429, "TooManyRequests", "would violate the budget", details=PDB)), 15),
)
def test_what_stays_is_told_as_soon_as_before(trouble: Any, most: float) -> None:
    api, cluster = met()
    away(api, trouble, 1e9)
    with pytest.raises((LostError, ApiError)):
        cluster.request("GET", PATH)
    assert api.clock.now <= most


def test_an_api_of_another_product_whose_server_is_away_holds_nothing_up() -> None:
    api, cluster = met()
    api.refuse("/apis/custom.metrics.k8s.io/v1beta1", status(503, "ServiceUnavailable", "no endpoints available"))
    with pytest.raises(ApiError):
        cluster.get("/apis/custom.metrics.k8s.io/v1beta1")
    assert api.clock.now < 15


@pytest.mark.parametrize("why", ["refused", "timeout", "reset"])
def test_a_server_that_never_answered_is_given_up_at_once(why: str) -> None:
    api = FakeApi()
    cluster = api.cluster()
    cluster.outage.patience_seconds = WAIT
    away(api, losing(why), 1e9)
    with pytest.raises(LostError) as raised:
        cluster.get(NODE)
    assert api.clock.now < 2
    assert "answered before" not in str(explain_outage(raised.value))


def test_the_end_of_patience_is_the_end_for_all_and_says_how_to_go_on() -> None:
    api, cluster = met()
    away(api, losing("refused"), 1e9)
    for _ in range(2):
        with pytest.raises(LostError) as raised:
            cluster.get(NODE)
    assert WAIT <= api.clock.now < WAIT + 5
    told = str(explain_outage(raised.value))
    assert "has answered before, but not in the last 61 s: nothing listens there" in told
    assert "the next run completes what this one has begun" in told
    assert "address" not in told


@cases(
    "first, then",
    (answering(status(503, "ServiceUnavailable", "")), None),
    (answering(status(429, "TooManyRequests", "later")), None),
    (losing("refused"), answering(RawAnswer(502, {}, b"<html>"))),
    (answering(RawAnswer(502, {}, b"<html>")), losing("refused")),
)
def test_an_outage_has_one_patience_for_all_requests(first: Any, then: Any) -> None:
    """A run has hundreds of requests: those after the first one to be given up fail as soon as they are answered."""
    api, cluster = met()
    half = WAIT / 2
    api.trouble = lambda _method, _path: (first if not then or api.clock.now < half else then)(api)
    for _ in range(4):
        with pytest.raises((ApiError, LostError)):
            cluster.get(NODE)
        assert WAIT <= api.clock.now < WAIT + 10


def test_a_good_answer_ends_the_outage_and_a_change_of_the_reason_does_not() -> None:
    api, cluster = met()
    unavailable = answering(status(503, "ServiceUnavailable", ""))
    for _ in range(2):
        end = api.clock.now + WAIT - 10
        away(api, unavailable, end)
        assert cluster.get(NODE)
        assert end <= api.clock.now < end + 10
    away(api, unavailable, 1e9)
    with pytest.raises(ApiError):
        cluster.get(NODE)
    given_up = api.clock.now
    api.trouble = lambda _method, _path: None
    assert cluster.get(NODE), "a server that works again is not refused"
    away(api, unavailable, given_up + 30)
    assert cluster.get(NODE)


def test_a_request_that_had_an_answer_before_ends_the_others_too() -> None:
    api, cluster = met()
    again = status(409, "Conflict", "the object has been modified")
    api.trouble = lambda _method, _path: again if api.clock.now < 1 else losing("timeout", 33)(api)
    for _ in range(2):
        with pytest.raises(LostError):
            cluster.get(NODE)
        assert WAIT < api.clock.now < WAIT + 33 + 10


def test_one_request_without_an_answer_ends_no_other() -> None:
    api, cluster = met(10)
    api.trouble = lambda _method, path: losing("timeout", 33)(api) if path == PATH else None

    def in_between(_now: float) -> None:
        cluster.get(NODE)

    with pytest.raises(LostError):
        cluster.get(PATH)
    api.clock.on_sleep.append(in_between)
    with pytest.raises(LostError):
        cluster.get(PATH)
    assert cluster.outage.final_error, "nobody had an answer meanwhile"

    api, cluster = met(40)
    api.trouble = lambda _method, path: losing("timeout", 33)(api) if path == PATH else None
    api.clock.on_sleep.append(lambda _now: cluster.get(NODE) and None)
    with pytest.raises(LostError):
        cluster.get(PATH)
    assert not cluster.outage.final_error
    assert cluster.get(NODE)


def test_a_wait_goes_on_for_as_long_as_the_server_was_away_but_not_without_end() -> None:
    api, cluster = met(50)
    away(api, losing("refused"), 15)
    start = api.clock.now
    for _poll in cluster.iter_polls(20, start):
        cluster.get(NODE)
    assert 35 <= api.clock.now - start < 40
    cluster.outage.away = 0.0
    start = api.clock.now
    for _poll in cluster.iter_polls(20, start):
        cluster.outage.away += 100
    assert 40 <= api.clock.now - start < 45


def test_what_workloads_show_just_after_an_outage_ends_no_wait() -> None:
    api, cluster = met()
    assert not cluster.outage.has_just_ended
    away(api, losing("refused"), 0.9)
    cluster.get(NODE)
    assert not cluster.outage.has_just_ended, "one that is so short hurts no workload"
    away(api, losing("refused"), 20)
    cluster.get(NODE)
    assert cluster.outage.has_just_ended
    api.clock.now += 21
    assert not cluster.outage.has_just_ended


@pytest.mark.parametrize("gone", [0, 20])
def test_a_server_that_has_just_come_back_may_not_know_all_rights_yet(gone: float) -> None:
    """RBAC's roles are read after the start."""
    api, cluster = met()
    unknown = status(403, "Forbidden", 'pods is forbidden: User "u" cannot list resource "pods"')

    def trouble(method: str, path: str) -> RawAnswer | None:
        if api.clock.now < gone:
            raise LostError("refused", "x", "https://a", again=True)
        return unknown if api.clock.now < gone + 2 else None

    api.trouble = trouble
    if gone:
        assert cluster.get(NODE)
    else:
        with pytest.raises(ApiError):
            cluster.get(NODE)
        assert api.clock.now == 0


def test_the_first_answer_counts_for_all_tasks_of_a_run(tmp_path: Any) -> None:
    def cluster(host: str, **more: Any) -> Cluster:
        module: Any = SimpleNamespace(params={"host": host, "api_key": "x"}, tmpdir=str(tmp_path), **more)
        return connect.connect(module)

    folder = {"run_folder": str(tmp_path)}
    first = cluster("https://a", **folder)
    assert not first.outage.has_answered
    first.outage.note_answer()
    assert cluster("https://a", **folder).outage.has_answered
    assert not cluster("https://b", **folder).outage.has_answered
    assert not cluster("https://a").outage.has_answered


@cases(
    "params, patience, read",
    ({}, 60, 33),
    ({"wait_seconds": 120.0}, 120, 36),
    ({"timeout_seconds": 40.0}, 40, 22),
    ({"wait_seconds": 10.0}, 10, 15),
)
def test_a_request_without_an_answer_ends_in_the_time_of_its_task(params: Any, patience: float, read: float) -> None:
    module: Any = SimpleNamespace(params={"host": "https://a", "api_key": "x", **params}, tmpdir="")
    cluster = connect.connect(module)
    assert cluster.outage.patience_seconds == patience
    transport: Any = cluster._transport
    assert round(transport._full_timeout.read_timeout) == read
    aside = connect.connect(module, 4.0)
    assert aside.outage.patience_seconds == 0
