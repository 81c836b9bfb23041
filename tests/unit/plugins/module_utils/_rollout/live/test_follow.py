# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for custom resources by the workloads that their operator makes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.apply import apply_bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.bundle_options import BundleOptions

from ...fake_api import FakeApi
from ...live_helpers import COLLECTORS, definition, obj
from .test_rollout_wait import CRASHED, DONE, LOG, fails, pod, replica_set, wait

KIND, NAME = "OpenTelemetryCollector", "OpenTelemetryCollector ns/a"
TAKEN = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}], "version": "0.158.0"}
COLLECTOR = {"workloads": [{"kind": "OpenTelemetryCollector", "name": "a", "namespace": "ns"}]}
DEFINITION = definition("OpenTelemetryCollector", COLLECTORS)


def resource(state: Any = None, **spec: Any) -> Any:
    return obj("OpenTelemetryCollector", metadata={"generation": 1, "uid": "u"}, spec=spec, status=state or {})


def child(
    done: bool = False, probed: bool = True, name: str = "a-collector", owner: str = "OpenTelemetryCollector"
) -> Any:
    owners = [{"kind": owner, "name": "a", "uid": "u", "controller": True}]
    containers = [{"image": "i"} | ({"readinessProbe": {}} if probed else {})]
    spec = {"replicas": 1, "template": {"spec": {"containers": containers}}}
    state = DONE if done else {"observedGeneration": 1, "replicas": 1}
    metadata = {"uid": "w", "generation": 1, "ownerReferences": owners}
    return obj("Deployment", name, metadata=metadata, spec=spec, status=state)


def api(*live: Any) -> FakeApi:
    return FakeApi(DEFINITION, *live)


def test_it_waits_for_the_operator_and_then_for_the_workload() -> None:
    server = api(resource())
    server.later(3, resource(TAKEN), child())
    server.later(6, child(done=True))
    assert 6 < wait(server, **COLLECTOR)["seconds"] < 9
    # A sidecar is ready when it is accepted.
    assert wait(api(resource(TAKEN, mode="sidecar")), **COLLECTOR)["seconds"] == 0


def test_the_target_allocator_is_waited_for_too() -> None:
    server = api(resource(TAKEN, targetAllocator={"enabled": True}), child(done=True))
    assert "Deployment ns/a-targetallocator does not exist" in str(fails(server, timeout_seconds=3, **COLLECTOR))
    server.add(child(done=True, name="a-targetallocator", owner="TargetAllocator"))
    assert wait(server, **COLLECTOR)["msg"] == "1 ready"


def test_a_workload_that_fails_is_told_with_its_resource() -> None:
    failure = fails(api(resource(TAKEN), child(), replica_set(), pod(**CRASHED)), **COLLECTOR)
    assert f"Wait for {NAME} (Deployment ns/a-collector): Error: exit code 1" in str(failure)
    fact = failure.facts["failures"][0]
    assert (fact["kind"], fact["name"], fact["of"], fact["id"]) == ("Deployment", "a-collector", NAME, "crash")


def test_the_troubles_of_an_older_generation_do_not_count() -> None:
    server = api(resource(TAKEN | {"observedGeneration": 0}), child(), replica_set(), pod(**CRASHED))
    server.later(5, resource(TAKEN), child(done=True))
    assert wait(server, **COLLECTOR)["msg"] == "1 ready"


def test_a_workload_without_a_probe_must_live_for_a_while() -> None:
    server = api(resource(TAKEN), child(done=True, probed=False))
    assert 5 <= wait(server, **COLLECTOR)["seconds"] < 8
    ends = api(resource(TAKEN), child(done=True, probed=False), replica_set())
    ends.later(2, pod(**CRASHED))
    assert "exit code 1" in str(fails(ends, **COLLECTOR))


def test_what_the_operator_says_is_told_when_it_lasts() -> None:
    no = {"type": "Ready", "status": "False", "reason": "ReconcileError", "message": "roles is forbidden"}
    server = api(resource({"observedGeneration": 1, "conditions": [no]}))
    failure = fails(server, **COLLECTOR)
    assert 10 <= server.clock.now < 13
    assert f"Wait for {NAME}: ReconcileError: roles is forbidden" in str(failure)


OPERATOR = obj("Pod", "o", "system", labels={"app.kubernetes.io/name": "opentelemetry-operator"})
SAID = '{"level":"ERROR","OpenTelemetryCollector":{"name":"a","namespace":"ns"},"error":"bad relabel config"}'


@pytest.mark.parametrize(
    ("live", "words"),
    [([], "The cluster has no pod of the operator"), ([OPERATOR], "The operator system/o: bad relabel config")],
)
def test_a_resource_that_nobody_takes_up_is_explained(live: Any, words: str) -> None:
    server = api(resource(), *live)
    server.texts["/api/v1/namespaces/system/pods/o/log"] = f'starting\n{SAID}\n{SAID}\nends with "name":"a"'
    told = str(fails(server, timeout_seconds=3, **COLLECTOR))
    assert f"{NAME}: no operator has reconciled it" in told
    assert told.count(words) == 1
    server.refuse("/api/v1/pods")
    assert "no operator has reconciled it" in str(fails(server, timeout_seconds=3, **COLLECTOR))


def test_a_collector_of_the_same_name_in_another_namespace_explains_nothing() -> None:
    server = api(resource(), OPERATOR)
    of_another = SAID.replace('"namespace":"ns"', '"namespace":"other"')
    server.texts["/api/v1/namespaces/system/pods/o/log"] = of_another
    told = str(fails(server, timeout_seconds=3, **COLLECTOR))
    assert f"{NAME}: no operator has reconciled it" in told
    assert "bad relabel config" not in told


def test_users_say_when_a_resource_is_ready() -> None:
    until = {"OpenTelemetryCollector": "status.version == '0.158.0'"}
    assert wait(api(resource({"version": "0.158.0"})), until=until, **COLLECTOR)["msg"] == "1 ready"


@pytest.mark.parametrize(
    ("state", "live", "ready"),
    [({}, [], False), (TAKEN, [child()], False), (TAKEN, [child(done=True)], True)],
)
def test_a_bundle_is_ready_when_its_resources_are(state: Any, live: Any, ready: bool) -> None:
    given = resource()
    server = api(obj("Namespace", "ns"), *live)
    server.apply("us", resource(state))
    manifest = {key: given[key] for key in ("apiVersion", "kind", "metadata", "spec")}
    options = BundleOptions([manifest], "us", True, "", 30, False, True)
    assert apply_bundle(server.cluster(), options)["ready"] is ready


def test_a_log_is_read_only_when_nothing_else_explains() -> None:
    server = api(resource(TAKEN), child(), replica_set(), pod(**CRASHED))
    server.texts[LOG] = "boom"
    assert "boom" in str(fails(server, **COLLECTOR))
    assert "/api/v1/pods" not in server.sent("GET")
