# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for webhooks with a clock of its own: what is tried again, what is not, and what is said."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live import (
    webhook_wait as webhooks_wait,
)

from tests.support.cases import cases

from ...fake_api import FakeApi, reply, status
from ...live_helpers import definition, obj, owned_by

BUNDLE = base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()
NAME = "hook"
CONFIGURATION = {"kind": "ValidatingWebhookConfiguration", "name": NAME}
OBJECT = obj("ConfigMap", "try", "default")
TRY = "/api/v1/namespaces/default/configmaps/try"
CALL = 'Internal error: failed calling webhook "a.b": failed to call webhook: Post "https://hook.ns.svc:443/": '


def configuration(bundle: str = BUNDLE, **annotations: str) -> Any:
    client = {"service": {"namespace": "ns", "name": "hook"}, "caBundle": bundle}
    notes = {f"cert-manager.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    webhooks = [{"name": "a.b", "clientConfig": client}]
    return obj("ValidatingWebhookConfiguration", NAME, metadata={"annotations": notes}, webhooks=webhooks)


def slices(ready: bool = True) -> Any:
    endpoints = {"endpoints": [{"conditions": {"ready": ready}}], "ports": [{"port": 9443}]}
    return obj("EndpointSlice", "hook-1", labels={"kubernetes.io/service-name": "hook"}, **endpoints)


SERVICE = obj("Service", "hook", spec={"selector": {"app": "hook"}})


def deployment(name: str = "hook", available: int = 0, **labels: str) -> Any:
    state = {"observedGeneration": 1, "updatedReplicas": 1, "replicas": 1, "availableReplicas": available}
    spec = {"replicas": 1, "template": {"metadata": {"labels": {"app": name}}}}
    return obj("Deployment", name, labels=labels, metadata={"uid": name, "generation": 1}, spec=spec, status=state)


INJECTOR = deployment("ca", **{"app.kubernetes.io/name": "cainjector"})


def pods_of(name: str) -> list[Any]:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    states = [{"name": "c", "restartCount": 0, "state": waiting}]
    pod = obj("Pod", "p", metadata=owned_by("r", uid="p"), spec={}, status={"containerStatuses": states})
    return [obj("ReplicaSet", "r", metadata=owned_by(name, uid="r")), pod]


def wait(api: FakeApi, manifests: Any = (), webhooks: Any = (), seconds: float = 20, remind: float = 0) -> Any:
    options = webhooks_wait.WebhookWaitOptions(list(manifests), list(webhooks), seconds, remind)
    return webhooks_wait.AdmissionWait(api.cluster(), options).wait()


def fails(api: FakeApi, *args: Any, **more: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        wait(api, *args, **more)
    return caught.value


def failing(api: FakeApi, words: str, until: float = 1e9) -> None:
    api.refuse("", status(500, "InternalError", CALL + words), "PATCH", until)


def test_what_is_ready_is_not_waited_for() -> None:
    api = FakeApi(configuration(), slices())
    result = wait(api, [OBJECT], [CONFIGURATION])
    assert (result["changed"], result["seconds"]) == (False, 0)
    assert result["msg"] == "ready webhooks: 1, accepted objects: 1"
    assert {item["name"]: item["seconds"] for item in result["waited_for"]} == {"hook": 0, "try": 0}
    assert TRY not in api.objects
    assert all(query["dryRun"] == "All" for method, _, query in api.requests if method == "PATCH")
    assert api.sent("PATCH") == [TRY] * (1 + webhooks_wait.VOLLEY)


@pytest.mark.parametrize(("remind", "touched"), [(5, 1), (0, 0)])
def test_an_injector_that_has_missed_an_event_is_reminded(remind: float, touched: int) -> None:
    api = FakeApi(configuration("", inject_ca_from="ns/serving"), slices(), deployment(available=1), INJECTOR)
    place = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hook"
    after = 30 if not remind else 0
    api.clock.on_sleep.append(
        lambda now: api.add(configuration()) if now > after and (place in api.sent("PATCH") or not remind) else None
    )
    result = wait(api, webhooks=[CONFIGURATION], seconds=60, remind=remind)
    assert result["changed"] is bool(remind)
    assert (result["seconds"] < 10) is bool(remind)
    assert len(api.sent("PATCH")) == touched


def test_who_may_not_remind_waits_on() -> None:
    api = FakeApi(configuration("", inject_ca_from="ns/serving"), slices(), deployment(available=1), INJECTOR)
    api.refuse("", method="PATCH")
    api.later(8, configuration())
    assert not wait(api, webhooks=[CONFIGURATION], remind=5)["changed"]


def test_one_server_of_many_that_is_late_is_waited_for() -> None:
    api = FakeApi()
    calls = iter(range(1000))
    refused = status(500, "InternalError", CALL + "connect: connection refused")
    api.trouble = lambda method, _path: refused if method == "PATCH" and next(calls) == 5 else None
    assert wait(api, [OBJECT])["seconds"] > 0
    assert len(api.sent("PATCH")) == 2 * (1 + webhooks_wait.VOLLEY)


@pytest.mark.parametrize("words", ["connect: connection refused", "no endpoints available", "x509: unknown", "EOF"])
def test_a_webhook_that_does_not_answer_yet_is_waited_for(words: str) -> None:
    api = FakeApi()
    failing(api, words, until=5)
    result = wait(api, [OBJECT])
    assert 5 <= result["seconds"] < 8
    assert result["waited_for"][0]["seconds"] == result["seconds"]


def test_a_kind_that_is_not_served_yet_is_waited_for() -> None:
    api = FakeApi()
    thing = obj("Thing", "t", "default", "e.com/v1")
    listed = reply({"resources": [{"kind": "Thing", "name": "things", "namespaced": True}]})
    api.trouble = lambda _method, path: listed if path == "/apis/e.com/v1" and api.clock.now > 3 else None
    api.later(3, definition("Thing", "e.com/v1"))
    assert 3 < wait(api, [thing])["seconds"] < 6
    assert "its kind is not served yet" in str(fails(FakeApi(), [thing]))


@cases(
    "answer, words",
    (status(403, "Forbidden", 'admission webhook "a.b" denied the request: no way'), "denied the request: no way"),
    (status(400, "BadRequest", 'admission webhook "a.b" does not support dry run'), "does not support dry run"),
    (status(422, "Invalid", "spec.x: Required value"), "spec.x: Required value"),
    (status(404, "NotFound", 'namespaces "x" not found', details={"name": "x"}), "namespace does not exist"),
    (status(401, "Unauthorized", "no"), "does not accept the credentials"),
)
def test_what_another_try_does_not_change_is_told_at_once(answer: Any, words: str) -> None:
    api = FakeApi()
    api.refuse("", answer, "PATCH")
    assert words in str(fails(api, [OBJECT]))
    assert (api.clock.now, len(api.sent("PATCH"))) == (0, 1)


@cases(
    "live, words",
    ([], "it does not exist"),
    ([configuration("")], "no CA is injected into a.b"),
    ([configuration()], "no pod is ready behind ns/hook"),
    ([configuration(), slices(ready=False)], "no pod is ready behind ns/hook"),
)
def test_a_webhook_needs_a_ca_and_a_pod(live: Any, words: str) -> None:
    api = FakeApi(*live)
    api.later(5, configuration(), slices())
    assert 5 < wait(api, webhooks=[CONFIGURATION])["seconds"] < 8
    late = FakeApi(*live)
    told = str(fails(late, webhooks=[CONFIGURATION], seconds=3))
    assert f"not ready after 3 s: ValidatingWebhookConfiguration hook: {words}" in told
    assert 3 <= late.clock.now < 6


def test_who_may_not_see_endpoints_or_pods_waits_for_the_rest() -> None:
    api = FakeApi(configuration(), SERVICE, deployment())
    api.refuse("/pods")
    assert "no pod is ready behind ns/hook" in str(fails(api, webhooks=[CONFIGURATION], seconds=1))
    api.refuse("/endpointslices")
    assert wait(api, webhooks=[CONFIGURATION])["msg"] == "ready webhooks: 1, accepted objects: 0"


@cases(
    "live, given, words",
    ([configuration(), SERVICE, deployment()], {"webhooks": [CONFIGURATION]}, "Deployment ns/hook"),
    ([configuration("", inject_ca_from="ns/c"), INJECTOR], {"webhooks": [CONFIGURATION]}, "Deployment ns/ca"),
    ([SERVICE, deployment()], {"manifests": [OBJECT]}, "Deployment ns/hook"),
    ids=["of the webhook", "that injects the CA", "by the message alone"],
)
def test_a_pod_that_cannot_work_ends_the_wait_at_once(live: Any, given: Any, words: str) -> None:
    api = FakeApi(*live, *pods_of(words[14:]))
    failing(api, "no endpoints available")
    failure = fails(api, **given)
    assert (api.clock.now, f"Wait for {words}: ImagePullBackOff: no such image" in str(failure)) == (0, True)
    assert [item["id"] for item in failure.facts["failures"]] == ["image_pull"]  # type: ignore[attr-defined]


def test_when_the_time_is_over_it_tells_which_step_hangs() -> None:
    api = FakeApi(configuration(), slices(), SERVICE, deployment(available=1))
    failing(api, "context deadline exceeded")
    failure = fails(api, [OBJECT], [CONFIGURATION], seconds=9)
    assert 9 <= api.clock.now < 12
    assert "ConfigMap default/try: the control plane gets no answer from the Service ns/hook" in str(failure)
    assert "TCP port 9443" in str(failure)
    fact = failure.facts["failures"][0]  # type: ignore[attr-defined]
    assert (fact["id"], fact["kind"], fact["name"]) == ("unreachable", "ConfigMap", "try")


@cases("live, words", ([SERVICE], "selects the pods of no"), ([], "There is no Service ns/hook"))
def test_a_service_without_workload_is_told(live: Any, words: str) -> None:
    assert words in str(fails(FakeApi(configuration(), *live), webhooks=[CONFIGURATION], seconds=0))
