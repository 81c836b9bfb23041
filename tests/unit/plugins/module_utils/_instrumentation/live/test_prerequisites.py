# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What auto-instrumentation needs, looked for in a cluster that lacks one thing at a time."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.live import (
    prerequisites as check,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.live.prerequisites import (
    PrerequisiteCheck,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError

from ...fake_api import FakeApi, reply, status
from ...live_helpers import obj

PYTHON = "instrumentation.opentelemetry.io/inject-python"
GROUP, WEBHOOKS = "/apis/opentelemetry.io/v1alpha1", check.WEBHOOKS_PATH
SLICES = "/apis/discovery.k8s.io/v1/namespaces/telemetry/endpointslices"
PROXY = "/api/v1/namespaces/telemetry/services/gateway:4318/proxy/v1"
GATEWAY = "/api/v1/namespaces/telemetry/services/gateway"
TARGET = {
    **{"namespace": "telemetry", "service": "gateway", "port": 4318, "scheme": "http", "path": ""},
    **{"protocol": "http/protobuf", "signals": ["traces", "metrics", "logs"], "languages": ["python"]},
}
REQUIREMENTS: dict[str, Any] = {
    "languages": ["python"],
    "targets": [TARGET],
    "namespaces": [{"metadata": {"name": "shop", "annotations": {PYTHON: "telemetry/default"}}}],
    "coming": ["telemetry"],
    "references": ["telemetry/default"],
    "files": [],
    "trials": [{"kind": "Instrumentation", "metadata": {"name": "default", "namespace": "telemetry"}}],
}
SERVICE = {"namespace": "op", "name": "webhook", "path": "/mutate-v1-pod"}
CONTAINERS = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "manager"}]}}
OPERATOR = obj("Deployment", "operator", "op", spec={"template": CONTAINERS}, status={"availableReplicas": 1})
ANNOTATED = {"metadata": {"name": "shop", "annotations": {PYTHON: "true"}}}
ENDPOINTS = {"ports": [{"name": "http"}], "endpoints": [{"conditions": {"ready": True}}]}


def service(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    return dict(obj("Service", name, namespace, spec=spec))


class Answers(FakeApi):
    """A cluster in which all is there. `answers` has what it says beside objects; a test takes something away."""

    def __init__(self) -> None:
        webhook = {"name": "mpod.kb.io", "clientConfig": {"service": SERVICE}}
        super().__init__(
            copy.deepcopy(OPERATOR),
            service("webhook", "op", selector={"a": "b"}),
            service("gateway", "telemetry", ports=[{"name": "http", "port": 4318}]),
            obj("Namespace", "shop"),
        )
        self.answers: dict[str, RawAnswer | None] = {
            GROUP: reply({"resources": [{"kind": "Instrumentation"}]}),
            WEBHOOKS: reply({"items": [{"metadata": {"name": "config"}, "webhooks": [webhook]}]}),
            SLICES: reply({"items": [ENDPOINTS]}),
            **{f"{PROXY}/{signal}": RawAnswer(200, {}, b"") for signal in TARGET["signals"]},
        }
        self.trouble = lambda _method, path: self.answers.get(path)

    def check(self, seconds: float = 0, **requirements: Any) -> tuple[list[str], PrerequisiteCheck]:
        found = PrerequisiteCheck(self.cluster(), {**REQUIREMENTS, **requirements})
        return [fault.wrong for fault in found.find_lasting_faults(seconds)], found


def forbidden(what: str) -> RawAnswer:
    return status(403, "Forbidden", f'User "me" cannot list resource "{what}"')


def test_all_is_there() -> None:
    api = Answers()
    faults, check = api.check()
    assert faults == []
    assert check.build_result([]) == {
        "changed": False,
        "msg": "all there",
        "missing": [],
        "operator": {"namespace": "op", "name": "operator"},
        "webhooks": [{"kind": "MutatingWebhookConfiguration", "name": "config"}],
        "trials": [{"kind": "Instrumentation", "metadata": {"name": "default", "namespace": "default"}}],
        "warnings": [],
    }
    assert api.sent("POST") == [f"{PROXY}/{signal}" for signal in ("traces", "metrics", "logs")]
    api.add(obj("Namespace", "telemetry"))
    assert api.check()[1].build_result([])["trials"] == REQUIREMENTS["trials"]


@pytest.mark.parametrize(
    ("path", "answer", "says"),
    [
        (GROUP, status(404, "NotFound", "no"), "does not serve Instrumentation of opentelemetry.io/v1alpha1"),
        (GROUP, reply({"resources": [{"kind": "Other"}]}), "does not serve Instrumentation"),
        (WEBHOOKS, reply({"items": []}), "no operator is asked about new pods"),
        (SLICES, reply({"items": []}), "has no ready endpoint for port 4318"),
        (f"{PROXY}/traces", status(404, "", "404 page not found"), "takes no traces over HTTP"),
        (f"{PROXY}/metrics", status(418, "", "what"), "does not answer as OTLP"),
        ("/apis/apps/v1/namespaces/op/deployments", reply({"items": []}), "no Deployment stands behind .* op/webhook"),
        ("/api/v1/namespaces/shop", status(404, "NotFound", "no"), "there is no namespace shop to annotate"),
        ("/api/v1/namespaces/shop", reply(ANNOTATED), "inject-python: true already, from an unknown field manager"),
        (GATEWAY, status(404, "", "no"), "there is no Service telemetry/gateway"),
        (GATEWAY, reply(service("gateway", "telemetry", ports=[{"port": 1}])), "has no port 4318"),
    ],
)
def test_what_is_missing_is_told(path: str, answer: RawAnswer, says: str) -> None:
    api = Answers()
    api.answers[path] = answer
    (fault,) = api.check()[0]
    assert re.search(says, fault)


def test_everything_is_told_at_once_with_languages_that_are_switched_off() -> None:
    api = Answers()
    api.answers[WEBHOOKS] = reply({"items": []})
    faults, _check = api.check(files=[{"kind": "Secret", "namespace": "shop", "name": "tls"}], targets=[])
    missing = ["no operator is asked about new pods, so none would be instrumented", "there is no Secret shop/tls"]
    assert [fault.split(" for ")[0] for fault in faults] == missing
    assert Answers().check(languages=["python", "go"])[0] == ["the operator op/operator does not instrument Go"]


def test_what_comes_up_is_waited_for() -> None:
    api = Answers()
    api.answers[SLICES] = reply({"items": []})
    ready = reply({"items": [ENDPOINTS]})
    api.clock.on_sleep.append(lambda now: api.answers.update({SLICES: ready}) if now > 3 else None)
    assert api.check(seconds=60)[0] == []
    assert 3 < api.clock.now < 10


def test_waiting_is_bounded_and_what_it_does_not_mend_is_told_at_once() -> None:
    api = Answers()
    api.objects["/apis/apps/v1/namespaces/op/deployments/operator"]["status"] = {}
    assert api.check(seconds=10)[0] == ["the operator op/operator is not available"]
    assert 10 <= api.clock.now < 15
    api = Answers()
    api.answers[SLICES] = reply({"items": []})
    api.answers[WEBHOOKS] = reply({"items": []})
    assert len(api.check(seconds=60)[0]) == 2
    assert api.clock.now == 0


def test_a_signal_without_a_pipeline_is_a_warning() -> None:
    api = Answers()
    api.answers[f"{PROXY}/logs"] = RawAnswer(404, {}, b"404 page not found")
    faults, check = api.check()
    (warning,) = check.warnings
    assert (faults, warning.split("; ")[0]) == ([], "port 4318 of Service telemetry/gateway takes no logs over HTTP")
    assert warning.endswith("set OTEL_LOGS_EXPORTER to none in `env`, or add a pipeline")


def test_grpc_is_asked_once_and_known_by_its_greeting() -> None:
    api = Answers()
    text = r'net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x00\x00\x06\x04"'
    service = PROXY.removesuffix("/v1") + "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    api.answers[service] = status(503, "ServiceUnavailable", text)
    assert api.check(targets=[{**TARGET, "protocol": "grpc"}])[0] == []
    assert len(api.sent("POST")) == 1


def test_tls_is_spoken_through_the_api_server() -> None:
    api = Answers()
    secure = PROXY.replace("gateway:", "https:gateway:")
    api.answers[f"{secure}/traces"] = status(503, "", "remote error: tls: certificate required")
    assert api.check(targets=[{**TARGET, "scheme": "https", "signals": ["traces"]}])[0] == []
    assert api.sent("POST") == [f"{secure}/traces"]


@pytest.mark.parametrize("path", [WEBHOOKS, "/api/v1/namespaces/shop", GATEWAY, f"{PROXY}/traces"])
def test_what_may_not_be_seen_is_told_and_stops_nothing(path: str) -> None:
    api = Answers()
    api.answers[path] = forbidden("them")
    faults, check = api.check()
    assert faults == []
    (warning,) = check.warnings
    assert warning.startswith("Not checked, ")


def test_of_a_secret_nothing_but_its_metadata_is_asked() -> None:
    api, asked = Answers(), []
    api.add(obj("Secret", "tls", "shop"))

    def transport(method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        asked.extend([headers["Accept"]] if "/secrets/" in target else [])
        return FakeApi.__call__(api, method, target, headers, body)

    files = [{"kind": "Secret", "namespace": "shop", "name": "tls"}]
    check = PrerequisiteCheck(api.cluster(), {**REQUIREMENTS, "files": files})
    check.cluster._transport = transport
    assert check.find_lasting_faults(0) == []
    assert ["PartialObjectMetadata" in accept for accept in asked] == [True]


def test_the_refusal_names_every_fix() -> None:
    api = Answers()
    api.answers[GROUP] = status(404, "NotFound", "no")
    found = PrerequisiteCheck(api.cluster(), {**REQUIREMENTS, "targets": []}).find_lasting_faults(0)
    told = str(check._build_refusal(found))
    assert "no Instrumentation was applied" in told
    assert "role otel_operator" in told


@pytest.mark.parametrize(
    ("services", "fix"),
    [
        (reply({"items": []}), "Deploy the collector first, or correct the endpoint."),
        (forbidden("services"), "Deploy the collector first, or correct the endpoint."),
        (
            reply({"items": [service("gateway", "observability"), service("gateway", "edge")]}),
            "A Service of this name is in edge, observability. Write `collector: {name: gateway, namespace: edge}`,"
            " or correct the endpoint.",
        ),
    ],
)
def test_a_service_of_another_namespace_is_proposed(services: RawAnswer, fix: str) -> None:
    api = Answers()
    api.answers |= {GATEWAY: status(404, "NotFound", "no"), "/api/v1/services": services}
    (fault,) = PrerequisiteCheck(api.cluster(), REQUIREMENTS).find_lasting_faults(0)
    assert (fault.wrong, fault.fix) == ("there is no Service telemetry/gateway to send to", fix)


def test_a_receiver_that_does_not_answer_is_no_api_server_that_is_away() -> None:
    api = Answers()
    usual_answer = api.trouble

    def be_silent(method: str, path: str) -> RawAnswer | None:
        if "/proxy/" in path:
            raise LostError("timeout", "Read timed out.", "https://a", again=False)
        return usual_answer(method, path)

    api.trouble = be_silent
    faults, _check = api.check(seconds=5)
    assert faults == [
        "port 4318 of Service telemetry/gateway does not answer as OTLP over HTTP does (504 no answer through the API"
        " server: Read timed out.)"
    ]
    assert api.clock.now >= 5
