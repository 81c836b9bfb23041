# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagnosis of sidecars sees their pods in the namespaces of applications."""

from __future__ import annotations

import pytest

from ... import fake_api
from ...fake_api import FakeApi, status
from ...live_helpers import obj
from .diagnose_api import CONFIG, NOW, facts


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, "opentelemetry.io/v1beta1", ("opentelemetrycollectors",))


def sidecars(name: str = "side") -> FakeApi:
    """Return a sidecar that runs in one pod, and for which a pod of another namespace waits."""
    custom = obj("OpenTelemetryCollector", name, metadata={"uid": "cr"}, spec={"mode": "sidecar", "config": {}})
    label, other = ({"sidecar.opentelemetry.io/injected": f"ns.{one}"[:63]} for one in (name, "other"))
    volumes = [{"name": "tls", "secret": {"secretName": "tls"}}]
    container = {"name": "otc-container", "volumeMounts": [{"name": "tls", "mountPath": "/tls"}]}
    spec = {"containers": [{"name": "app"}], "initContainers": [container], "volumes": volumes}
    pods = [
        obj("Pod", "own", labels=label, metadata={"uid": "own"}, spec=spec, status={"phase": "Running"}),
        obj("Pod", "web", "shop", labels=label, metadata={"uid": "web"}, spec=spec, status={"phase": "Pending"}),
        obj("Pod", "other", "shop", labels=other, metadata={"uid": "other"}, spec=spec, status={"phase": "Pending"}),
        obj("Pod", "plain", labels=other, metadata={"uid": "plain"}, spec=spec, status={"phase": "Running"}),
    ]
    event = {"type": "Warning", "reason": "FailedMount", "lastTimestamp": NOW, "message": 'secret "tls" not found'}
    events = [obj("Event", f"{uid}.1", "shop", involvedObject={"uid": uid}, **event) for uid in ("web", "other")]
    return FakeApi(custom, *pods, *events, obj("Secret", "tls"))


@pytest.mark.parametrize("name", ["side", "s" * 63])
def test_pods_with_a_sidecar_are_found_where_applications_are_with_their_events(name: str) -> None:
    (found,) = facts(sidecars(name), name=name)
    assert [(pod["namespace"], pod["name"]) for pod in found["pods"]] == [("ns", "own"), ("shop", "web")]
    assert [event["message"] for event in found["events"]] == ['secret "tls" not found']
    missing = [(row["namespace"], row["name"], row["state"]) for row in found["references"] if row["kind"] == "Secret"]
    assert missing == [("ns", "tls", "ok"), ("shop", "tls", "missing")]
    assert "pods of other namespaces" not in [note["what"] for note in found["unseen"]]


def test_who_may_not_list_pods_of_all_namespaces_sees_his_own_with_a_sidecar() -> None:
    made = sidecars()
    made.trouble = lambda _method, path: status(403, "Forbidden", "no") if path == "/api/v1/pods" else None
    (found,) = facts(made, name="side")
    assert [pod["name"] for pod in found["pods"]] == ["own"]
    assert {"what": "pods of other namespaces", "why": "no"} in found["unseen"]


SIDECAR_LOG = "/api/v1/namespaces/shop/pods/web/log"


def injected(*, native: bool) -> FakeApi:
    """Return an application that looks like a collector itself, with the sidecar that the operator has injected."""
    custom = obj("OpenTelemetryCollector", "side", metadata={"uid": "cr"}, spec={"mode": "sidecar", "config": {}})
    application = {"name": "otel-shop", "image": "shop:1", "args": ["--config=/etc/shop.yaml"]}
    sidecar = {
        "name": "otc-container",
        "image": "otelcol:1",
        "args": ["--config=env:OTEL_CONFIG"],
        "env": [{"name": "OTEL_CONFIG", "value": CONFIG}],
    }
    killed = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": NOW}
    sidecar_status = {"name": "otc-container", "restartCount": 3, "lastState": {"terminated": killed}}
    native_spec = {"initContainers": [{**sidecar, "restartPolicy": "Always"}], "containers": [application]}
    spec = native_spec if native else {"containers": [application, sidecar]}
    key = "initContainerStatuses" if native else "containerStatuses"
    labels = {"sidecar.opentelemetry.io/injected": "ns.side"}
    state = {"phase": "Running", key: [sidecar_status]}
    made = FakeApi(custom, obj("Pod", "web", "shop", labels=labels, metadata={"uid": "web"}, spec=spec, status=state))
    made.texts = {SIDECAR_LOG: ""}
    return made


@pytest.mark.parametrize("native", [True, False])
def test_a_sidecar_is_read_and_not_its_application(native: bool) -> None:
    """Since 0.140, the operator injects an init container that goes on running."""
    made = injected(native=native)
    (found,) = facts(made, name="side")
    assert found["image"] == "otelcol:1"
    assert list(found["config"]["exporters"]) == ["otlp_grpc/jaeger"]
    (pod,) = found["pods"]
    assert (pod["restarts"], pod["last_reason"], pod["container"]) == (3, "OOMKilled", "otc-container")
    logs = [query for _method, path, query in made.requests if path == SIDECAR_LOG]
    assert [query["container"] for query in logs] == ["otc-container"]


def test_an_application_without_its_sidecar_is_not_read_in_its_place() -> None:
    made = injected(native=True)
    pod = made.objects[next(path for path in made.objects if path.endswith("/pods/web"))]
    del pod["spec"]["initContainers"]
    (found,) = facts(made, name="side")
    assert found["image"] == ""
    assert SIDECAR_LOG not in [path for _method, path, _query in made.requests]


def test_a_pod_that_is_being_deleted_is_no_pod_of_a_sidecar() -> None:
    made = injected(native=True)
    pod = made.objects[next(path for path in made.objects if path.endswith("/pods/web"))]
    pod["metadata"]["deletionTimestamp"] = NOW
    (found,) = facts(made, name="side")
    assert found["pods"] == []
    made.trouble = lambda _method, path: status(403, "Forbidden", "no") if path == "/api/v1/pods" else None
    (found,) = facts(made, name="side")
    assert found["pods"] == []
