# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A probe at the backends themselves: what is asked, what is found, and what is said to be missing."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.backend_kinds import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.arrivals import (
    Arrival,
    CombinedEvidence,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.backend_options import (
    check_backend_options,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.backend_search import BackendEvidence

from tests.support.cases import cases
from tests.unit.plugins.module_utils.live_helpers import answered

ID = {"key": "o11y.probe.id", "value": {"stringValue": "id1"}}
CLUSTER = {"key": "k8s.cluster.name", "value": {"stringValue": "blue"}}
SPANS = [{"attributes": [ID]}]
RESOURCE = {"resource": {"attributes": [CLUSTER]}, "scopeSpans": [{"spans": SPANS}]}
FLAT = {"resource": {"attributes": {"k8s.cluster.name": "blue"}}, "attributes": {"o11y.probe.id": "id1"}}
# By kind: an answer with a record, and one without.
ANSWERS: dict[str, tuple[Any, Any]] = {
    "prometheus": (
        {"data": {"result": [{"metric": {"k8s_cluster_name": "blue", "o11y_probe_id": "id1"}}]}},
        {"data": {"result": [{"metric": {"k8s.cluster.name": "blue", "o11y.probe.id": "id2"}}]}},
    ),
    "loki": ({"data": {"result": [{"stream": {"k8s_cluster_name": "blue"}}]}}, {"data": {"result": []}}),
    "jaeger": (
        {"result": {"resourceSpans": [RESOURCE]}},
        {"result": {"resourceSpans": [{**RESOURCE, "scopeSpans": [{"spans": [{"attributes": []}]}]}]}},
    ),
    "tempo": ({"traces": [{"spanSets": [{"spans": [{"attributes": [CLUSTER]}]}]}]}, {"traces": []}),
    "elasticsearch": ({"hits": {"hits": [{"_source": FLAT}]}}, {"hits": {"hits": []}}),
    "datadog": ({"data": [{"attributes": FLAT}]}, {"data": []}),
}


class Pool:
    """A backend in memory."""

    def __init__(self, answer: Any, status: int = 200) -> None:
        self.answer, self.status, self.requests = answer, status, list[Any]()

    def request(self, method: str, url: str, **more: Any) -> Any:
        self.requests.append((method, url, more))
        if isinstance(self.answer, Exception):
            raise self.answer
        data = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        return answered(self.status, data)


def backends(kind: str, pool: Pool, **more: Any) -> BackendEvidence:
    options = {"kind": kind, "url": "https://user:pw@b.example/api?x=1", "headers": {"X-Scope-OrgID": "shop"}, **more}
    options["url"] = more.get("url", "https://b.example/")
    return BackendEvidence([options], "id1", "svc", lambda: 1_000_000.0, pool)


HTTP = {kind: backend for kind, backend in BACKENDS.items() if not backend.is_aws}
KINDS = [(kind, signal) for kind, backend in HTTP.items() for signal in backend.signals]


@pytest.mark.parametrize(("kind", "signal"), KINDS)
def test_a_record_is_found_with_its_attributes(kind: str, signal: str) -> None:
    with_record, without = ANSWERS[kind]
    pool = Pool(with_record)
    wanted = {"k8s.cluster.name": "blue"}
    (found,) = backends(kind, pool, attributes=wanted).look([signal]).values()
    assert found[0] == f"{kind} at https://b.example/"
    ((_method, url, request),) = pool.requests
    assert "id1" in f"{url}{request['body']}" or "svc" in url
    assert request["headers"]["X-Scope-OrgID"] == "shop"
    lost = backends(kind, Pool(without))
    assert lost.look([signal]) == {}
    assert "it has no record of the probe, or not for this tenant" in lost.hint(signal)


def test_every_kind_has_its_answers() -> None:
    assert ANSWERS.keys() == HTTP.keys()


@cases(
    "wanted, said",
    ({"k8s.node.name": ""}, "the record has no attribute k8s.node.name"),
    ({"k8s.cluster.name": "green"}, "attribute k8s.cluster.name is not 'green'"),
)
@pytest.mark.parametrize("kind", HTTP)
def test_an_attribute_that_is_missing_is_named(wanted: Any, said: str, kind: str) -> None:
    signal = BACKENDS[kind].signals[0]
    found = backends(kind, Pool(ANSWERS[kind][0]), attributes=wanted)
    assert found.look([signal]) == {}
    assert said in found.hint(signal)


@cases(
    "answer, status, said",
    (urllib3.exceptions.ReadTimeoutError(None, "u", "timed out"), 200, "it does not answer: "),  # type: ignore[arg-type]
    (b"<html>", 200, "its answer is not JSON"),
    ({"error": "search depth"}, 500, 'it answers 500: {"error": "search depth"}'),
    ([], 200, "it has no record"),
)
def test_an_answer_that_helps_nobody_is_told(answer: Any, status: int, said: str) -> None:
    found = backends("prometheus", Pool(answer, status))
    assert found.look(["metrics"]) == {}
    assert f"prometheus at https://b.example/: {said}" in found.hint("metrics")


def test_a_refused_login_ends_the_wait() -> None:
    with pytest.raises(Problem, match=r"loki at https://b.example/ answers 401.*Correct its `headers`"):
        backends("loki", Pool({}, 401)).look(["logs"])


def test_jaeger_is_asked_for_the_service_around_now() -> None:
    pool = Pool(ANSWERS["jaeger"][0])
    backends("jaeger", pool).look(["traces"])
    query = parse_qs(urlsplit(pool.requests[0][1]).query)
    assert query["query.service_name"] == ["svc"]
    assert query["query.start_time_min"] < query["query.start_time_max"]
    assert query["query.num_traces"] == ["100"]


def test_an_index_may_be_named() -> None:
    pools = [Pool(ANSWERS["elasticsearch"][0]) for _ in range(2)]
    backends(kind="elasticsearch", pool=pools[0], index="mine").look(["logs"])
    backends("elasticsearch", pools[1]).look(["logs"])
    assert [pool.requests[0][1] for pool in pools] == [
        "https://b.example/mine/_search",
        "https://b.example/*logs*/_search",
    ]


@cases("signal, path", ("traces", "/api/v2/spans/events/search"), ("logs", "/api/v2/logs/events/search"))
def test_datadog_has_a_search_for_each_signal(signal: str, path: str) -> None:
    pool = Pool(ANSWERS["datadog"][0])
    backends(kind="datadog", pool=pool).look([signal])
    assert pool.requests[0][:2] == ("POST", f"https://b.example{path}")


class Part:
    """Evidence that sees some signals."""

    def __init__(self, *seen: str) -> None:
        self.seen, self.asked = seen, list[list[str]]()

    def keeps(self, _signal: str) -> bool:
        return True

    def look(self, signals: list[str]) -> Any:
        self.asked.append(list(signals))
        return {signal: Arrival("here", ["line"]) for signal in signals if signal in self.seen}

    def hint(self, signal: str) -> str:
        return f"not {signal} here"


def test_a_signal_arrives_where_all_who_keep_it_see_it() -> None:
    jaeger = backends("jaeger", Pool(ANSWERS["jaeger"][1]))
    both = CombinedEvidence([Part("traces", "logs"), jaeger])
    assert list(both.look(["traces", "logs", "metrics"])) == ["logs"]
    assert both.hint("metrics") == "not metrics here"
    assert list(
        CombinedEvidence([Part("traces"), backends("jaeger", Pool(ANSWERS["jaeger"][0]))]).look(["traces"])
    ) == ["traces"]


def test_pods_are_read_once_for_all_signals_and_backends_for_those_that_pods_saw() -> None:
    pods, backend = Part("traces", "logs"), Part("traces")
    both = CombinedEvidence([pods, backend])
    assert list(both.look(["traces", "metrics", "logs"])) == ["traces"]
    assert (pods.asked, backend.asked) == ([["traces", "metrics", "logs"]], [["traces", "logs"]])


def test_a_signal_that_nobody_looks_for_is_refused() -> None:
    named = [{"kind": "loki", "url": "u"}, {"kind": "elasticsearch", "url": "u", "signals": ["traces"]}]
    check_backend_options(named, ["logs", "traces"], None)
    check_backend_options(named, ["metrics"], {"namespace": "a"})
    check_backend_options([], ["metrics"], None)
    with pytest.raises(Problem, match=r"no backend keeps metrics.*signals: \['logs'\]"):
        check_backend_options(named, ["logs", "metrics"], None)


@cases(
    "one, said",
    ({"kind": "loki"}, "url is missing. Set `url`, the address of loki."),
    ({"kind": "loki", "url": "u", "region": "r", "log_group": "g"}, "loki has no use for region, log_group. Remove"),
    ({"kind": "xray", "headers": {"a": "b"}}, "xray has no use for headers. Remove"),
    ({"kind": "xray", "signals": ["logs"]}, "xray keeps no logs. Set `signals` to some of traces."),
    ({"kind": "cloudwatch", "log_group": "g"}, "signals is missing. Set `signals`"),
    ({"kind": "xray", "log_group": "g"}, "xray has no log groups. Remove `log_group`."),
    (
        {"kind": "cloudwatch", "signals": ["traces", "logs"], "log_group": "g"},
        "cloudwatch has one signal in a log group. Name a backend for each signal.",
    ),
    ({"kind": "cloudwatch", "signals": ["logs"]}, "cloudwatch keeps logs in a log group. Set `log_group`."),
)
def test_a_backend_that_cannot_be_asked_so_is_refused(one: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem) as raised:
        check_backend_options([{"kind": "jaeger", "url": "u"}, one], ["traces"], None)
    assert f"{raised.value.wrong}. {raised.value.fix}".startswith(said)
    assert raised.value.where == "backends[1]"


@cases(
    "one",
    {"kind": "xray"},
    {"kind": "xray", "url": "https://u", "ca_file": "f", "profile": "p", "role_arn": "r"},
    {"kind": "cloudwatch", "signals": ["metrics", "traces"]},
    {"kind": "cloudwatch", "signals": ["logs"], "log_group": "g", "region": "r"},
    ids=str,
)
def test_a_backend_of_aws_needs_no_address(one: dict[str, Any]) -> None:
    check_backend_options([one], [*(one.get("signals") or ["traces"])], None)
