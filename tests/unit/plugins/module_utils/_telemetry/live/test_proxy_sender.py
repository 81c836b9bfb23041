# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send through an API server in memory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.arrival_evidence import (
    choose_pod_evidence,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_senders import NotSentError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.proxy_sender import create_proxy_sender

from tests.support.cases import cases

from ...fake_api import FakeApi, reply, status
from .test_probe import ARRIVAL, METRICS, POD, counted


def test_it_goes_through_the_api_server() -> None:
    api = FakeApi()
    api.trouble = lambda _method, _path: reply({})
    via = {"namespace": "ns", "service": "c", "pod": None, "port": 4318}
    create_proxy_sender(api.cluster(), via, {})("traces", b"x", 5)
    assert api.sent("POST") == ["/api/v1/namespaces/ns/services/c:4318/proxy/v1/traces"]


def pod(name: str, ready: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def test_a_selector_finds_a_pod_that_is_ready() -> None:
    api = FakeApi()
    pods = {"items": [pod("a", "False"), pod("b", "True")], "metadata": {}}
    api.trouble = lambda method, _path: reply(pods if method == "GET" else {})
    create_proxy_sender(api.cluster(), {"namespace": "ns", "selector": "app=x", "port": 4318}, {})("logs", b"x", 5)
    assert api.sent("POST") == ["/api/v1/namespaces/ns/pods/b:4318/proxy/v1/logs"]


def test_pods_beside_the_collector_are_not_asked() -> None:
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    ports = {"ports": [{"containerPort": 4318}, {"containerPort": 8888}]}
    allocator = POD | {"metadata": POD["metadata"] | {"name": "allocator"}, "status": ready}
    api = FakeApi(allocator, POD | {"spec": {"containers": [{"name": "c", **ports}]}, "status": ready})
    api.texts = {METRICS: counted(1), "/api/v1/namespaces/ns/pods/p:4318/proxy/v1/logs": "{}"}
    create_proxy_sender(api.cluster(), {"namespace": "ns", "selector": "app=c", "port": 4318}, {})("logs", b"", 1)
    choose_pod_evidence(api.cluster(), ARRIVAL | {"evidence": "metrics"}, "id1")
    assert [path for path in api.sent("GET", "POST") if "proxy" in path] == sorted(api.texts)


def test_a_selector_without_a_ready_pod_is_told() -> None:
    api = FakeApi()
    api.trouble = lambda _method, _path: reply({"items": [pod("a", "False")], "metadata": {}})
    with pytest.raises(Problem, match="none of 1 pods is ready"):
        create_proxy_sender(api.cluster(), {"namespace": "ns", "selector": "app=x", "port": 4318}, {})


def test_a_receiver_that_does_not_answer_is_asked_again() -> None:
    api = FakeApi()
    cluster = api.cluster()
    send = create_proxy_sender(cluster, {"namespace": "ns", "pod": "p", "port": 1}, {})

    def be_silent(_method: str, _path: str) -> None:
        raise LostError("timeout", "Read timed out.", "https://a", again=False)

    api.trouble = be_silent
    with pytest.raises(NotSentError, match=r"pods/p:1/proxy gives no answer: Read timed out\.") as lost:
        send("logs", b"x", 5)
    assert lost.value.again
    api.trouble = lambda _method, _path: reply({})
    send("logs", b"x", 5)
    assert cluster.get("/api/v1/namespaces/ns/pods/p") == {}


@cases(
    "code, error, words", (503, NotSentError, "no endpoints"), (403, Problem, "Send logs through the Kubernetes API")
)
def test_the_api_server_says_why_not(code: int, error: type[Exception], words: str) -> None:
    api = FakeApi()
    api.trouble = lambda _method, _path: status(code, "", "no endpoints available")
    with pytest.raises(error, match=words):
        create_proxy_sender(api.cluster(), {"namespace": "ns", "pod": "p", "port": 1}, {})("logs", b"x", 5)
    assert len(api.requests) == 1
