# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for workloads with a clock of its own: when it ends, how soon it fails, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure, Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.jmespath_search import compile_search
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.rollout_task import (
    read_awaited_workloads,
    read_left_generations,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.rollout_wait import (
    RolloutWait,
    RolloutWaitOptions,
)

from tests.support.cases import cases

from ...fake_api import FakeApi, reply
from ...live_helpers import obj, owned_by

DONE = {"observedGeneration": 1, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1}
LOG = "/api/v1/namespaces/ns/pods/p/log"


def workload(done: bool = False, name: str = "a", uid: str = "w", **state: Any) -> Any:
    state = (DONE if done else {"observedGeneration": 1, "replicas": 1}) | state
    return obj("Deployment", name, metadata={"uid": uid, "generation": 1}, spec={"replicas": 1}, status=state)


def replica_set(name: str = "r", revision: str = "1") -> Any:
    annotations = {"deployment.kubernetes.io/revision": revision}
    return obj("ReplicaSet", name, metadata=owned_by("w", uid=name, annotations=annotations))


def pod(name: str = "p", owner: str = "r", **state: Any) -> Any:
    return obj("Pod", name, metadata=owned_by(owner, uid=name), spec={"nodeName": "n1"}, status=state)


ENDS = {"waiting": {"reason": "CrashLoopBackOff"}}, {"terminated": {"reason": "Error", "exitCode": 1}}
CRASHED = {"containerStatuses": [{"name": "c", "restartCount": 2, "state": ENDS[0], "lastState": ENDS[1]}]}
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}
HOMELESS = {"conditions": [UNSCHEDULABLE]}
PULLED = {"waiting": {"reason": "ErrImagePull", "message": "i/o timeout"}}
IMAGE = {"containerStatuses": [{"name": "c", "restartCount": 0, "state": PULLED}]}


def wait(api: FakeApi, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "workloads": [{"kind": "Deployment", "name": "a", "namespace": "ns"}],
        "timeout_seconds": 60,
        "unschedulable_seconds": 15,
        "until": {},
        "allow_empty": False,
    } | more
    given["workloads"] = read_awaited_workloads(given["workloads"])
    given["left_generations"] = read_left_generations(given.pop("applied", ()))
    return RolloutWait(api.cluster(), compile_search(given["until"]), RolloutWaitOptions(**given)).wait()


def fails(api: FakeApi, **more: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        wait(api, **more)
    return caught.value


def test_it_waits_until_all_are_ready_and_what_is_ready_costs_one_request() -> None:
    api = FakeApi(workload(), replica_set(), pod())
    api.later(5, workload(done=True))
    assert 5 < wait(api)["seconds"] < 8
    done = FakeApi(workload(done=True))
    assert (wait(done)["msg"], len(done.requests)) == ("1 ready", 1)


def test_a_crash_is_told_at_once_with_its_log() -> None:
    api = FakeApi(workload(), replica_set(), pod(**CRASHED))
    api.texts[LOG] = "\n".join(f"line {number} {'x' * 999}" for number in range(40))
    failure = fails(api)
    fact = failure.facts["failures"][0]
    assert api.clock.now == 0
    assert (fact["id"], fact["pod"], fact["node"], fact["container"]) == ("crash", "p", "n1", "c")
    assert len(fact["log"]) == 10
    assert all("more characters" in line and len(line) < 350 for line in fact["log"])
    assert "line 39" in str(failure)
    assert "container c, pod p, node n1" in str(failure)


def test_a_line_that_names_the_failure_is_not_cut() -> None:
    api = FakeApi(workload(), replica_set(), pod(**CRASHED))
    words = f"listen tcp {'a' * 300}: bind: permission denied"
    api.texts[LOG] = f'2026\terror\tgraph.go:454\tFailed to start component\t{{"error": "{words}", "id": "otlp"}}'
    assert words in fails(api).fix


def test_a_folder_that_the_pod_may_not_use_is_named_with_the_group() -> None:
    api = FakeApi(workload(), replica_set(), pod(**CRASHED))
    api.texts[LOG] = "Error: open /var/lib/otelcol/a.db: permission denied"
    failure = fails(api)
    assert "Let the pod (no fsGroup) use /var/lib/otelcol/a.db" in failure.fix
    assert failure.facts["failures"][0]["fix"] in failure.fix


def test_an_unbound_claim_is_listed_once_for_all_its_pods() -> None:
    unbound = {"conditions": [{**UNSCHEDULABLE, "message": "pod has unbound immediate PersistentVolumeClaims"}]}
    pods = [pod(name, **unbound) for name in "pq"]
    for item in pods:
        item["spec"]["volumes"] = [{"persistentVolumeClaim": {"claimName": "state"}}]
    api = FakeApi(workload(), replica_set(), *pods, obj("PersistentVolumeClaim", "state", spec={}))
    assert "claim state of no StorageClass; the same for 1 more" in str(fails(api, unschedulable_seconds=0))
    assert [path.rpartition("/")[2] for path in api.sent("GET")].count("persistentvolumeclaims") == 1


def test_a_log_that_is_not_there_yet_is_asked_for_again() -> None:
    api = FakeApi(workload(), replica_set(), pod(**CRASHED))
    api.texts[LOG] = "unable to retrieve container logs for containerd://1"
    api.clock.on_sleep.append(lambda _now: api.texts.update({LOG: "boom"}))
    assert fails(api).facts["failures"][0]["log"] == ["boom"]


def test_who_may_not_read_logs_still_gets_the_reason_and_waits_for_no_log() -> None:
    api = FakeApi(workload(), replica_set(), pod(**CRASHED))
    api.refuse(LOG)
    assert "exit code 1" in str(fails(api))
    assert (api.clock.now, [path for path in api.sent("GET") if path == LOG]) == (0, [LOG])


def test_after_the_last_try_to_read_a_log_nothing_is_awaited() -> None:
    api = FakeApi(workload(), replica_set(), pod(**CRASHED))
    api.texts[LOG] = "unable to retrieve container logs for containerd://1"
    assert fails(api).facts["failures"][0]["log"] == []
    assert api.clock.now == 3 * 0.5  # three pauses between four tries


def test_what_a_condition_says_is_masked_and_cut() -> None:
    said = f"password=correct-horse-battery {'x' * 400}"
    unmet = {"type": "Progressing", "status": "False", "message": said}
    fix = fails(FakeApi(workload(conditions=[unmet]), replica_set(), pod())).fix
    (line,) = [line for line in fix.splitlines() if "Progressing is False" in line]
    assert "correct-horse" not in line
    assert "more characters" in line


def test_an_old_pod_that_crashes_is_no_failure() -> None:
    sets = (replica_set("old", "1"), replica_set("new", "2"))
    api = FakeApi(workload(), *sets, pod("p", "old", **CRASHED), pod("q", "new"))
    api.later(5, workload(done=True))
    assert wait(api)["msg"] == "1 ready"


def test_a_pod_without_a_node_has_some_time() -> None:
    api = FakeApi(workload(), replica_set(), pod(**HOMELESS))
    assert "no node" in str(fails(api, unschedulable_seconds=20))
    assert 20 <= api.clock.now < 23


def test_a_symptom_that_passes_is_no_failure() -> None:
    api = FakeApi(workload(), replica_set(), pod(**HOMELESS))
    api.later(10, workload(done=True), pod())
    assert wait(api)["msg"] == "1 ready"


def test_many_pods_that_fail_alike_are_told_once() -> None:
    api = FakeApi(workload(), replica_set(), *(pod(f"p{number}", **CRASHED) for number in range(30)))
    failure = fails(api)
    assert "the same for 29 more" in str(failure)
    assert len(failure.facts["failures"]) == 20


PROBED = obj(
    "Event",
    type="Warning",
    involvedObject={"kind": "Pod", "namespace": "ns", "name": "a-1", "uid": "p"},
    **{"lastTimestamp": "2026-01-01T00:00:00Z", "reason": "Unhealthy", "message": "probe failed: 503"},
)


def test_when_the_time_is_over_it_tells_what_is_missing() -> None:
    conditions = [{"type": "Available", "status": "False", "message": "too few"}]
    api = FakeApi(workload(conditions=conditions), replica_set(), pod(), PROBED)
    told = str(fails(api, timeout_seconds=9))
    assert 9 <= api.clock.now < 12
    assert "not ready after 9 s: Deployment ns/a: 0 of 1 ready" in told
    assert "raise `*_wait_seconds` of the role, or `timeout_seconds` of the module" in told
    assert "Available is False: too few" in told
    assert "Pod a-1: Unhealthy: probe failed: 503" in told
    assert "Deployment ns/a does not exist" in str(fails(FakeApi(), timeout_seconds=3))


def test_an_event_about_nothing_is_no_reason() -> None:
    odd = obj(
        "Event", "e", type="Warning", involvedObject={"kind": "Pod", "namespace": "ns"}, reason="Odd", message="a"
    )
    conditions = [{"type": "Available", "status": "False", "message": "too few"}]
    told = str(fails(FakeApi(workload(conditions=conditions), replica_set(), pod(), PROBED, odd), timeout_seconds=9))
    assert "Pod a-1: Unhealthy" in told
    assert "Odd" not in told


def test_an_expression_that_compares_unlike_values_is_told() -> None:
    with pytest.raises(Problem, match="the expression does not fit the object"):
        compile_search({})("contains(name, `1`)", {"name": "a"})


def agent(node: str, *, ready: bool, **state: Any) -> Any:
    state = {"conditions": [{"type": "Ready", "status": str(ready)}], **state}
    return obj("Pod", f"on-{node}", metadata=owned_by("d", uid=node), spec={"nodeName": node}, status=state)


def test_nodes_without_a_ready_pod_of_a_daemon_set_are_named() -> None:
    """Kubernetes reports no reason for a pod on a node that is down. A pod that has a reason names its node itself."""
    counts = {"observedGeneration": 1, "desiredNumberScheduled": 3, "numberAvailable": 1, "updatedNumberScheduled": 3}
    daemons = obj("DaemonSet", "d", metadata={"uid": "d", "generation": 1}, spec={}, status=counts)
    pods = agent("n0", ready=True), agent("n1", ready=False), agent("n2", ready=False, **IMAGE)
    named = {"kind": "DaemonSet", "name": "d", "namespace": "ns"}
    told = str(fails(FakeApi(daemons, *pods), workloads=[named], timeout_seconds=9))
    down = "If a node is down, start it, or delete it with `kubectl delete node NAME`."
    assert f"DaemonSet ns/d has no ready pod on node n1. {down}" in told
    assert "pod on-n2, node n2" in told


def test_the_deadline_of_a_deployment_comes_with_the_warnings() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}
    api = FakeApi(workload(conditions=[late]), replica_set(), pod(), PROBED)
    assert "Pod a-1: Unhealthy: probe failed" in str(fails(api))


def applied(**times: str) -> Any:
    """Return a workload in generation 2 with its writers, by the names of their field managers.

    As in a cluster, the collection owns the replicas of a workload that no autoscaler scales.
    """
    entries: list[Any] = []
    for name, time in times.items():
        entry = {"manager": name.replace("_", "."), "operation": "Update", "time": time}
        if name.startswith("o11y"):
            entry.update(operation="Apply", fieldsV1={"f:spec": {"f:replicas": {}}})
        entries.append(entry)
    item = workload()
    item["metadata"].update(generation=2, managedFields=entries)
    item["status"]["observedGeneration"] = 2
    return item


OURS = "o11y.opentelemetry"


@cases(
    "writers, generation, told",
    ({"o11y_opentelemetry": "T3", "kubectl": "T2"}, 1, True),
    ({"o11y_opentelemetry": "T3", "kubectl": "T2"}, 2, False),
    ({"o11y_opentelemetry": "T3", "kubectl": "T4"}, 1, False),
    ({"o11y_opentelemetry": "T3", "kubectl": "T3"}, 1, False),
    ids=["another run", "this run", "a restart", "a restart in the same second"],
)
def test_another_run_that_changes_a_workload_ends_the_wait(writers: Any, generation: int, told: bool) -> None:
    objects = [{"kind": "Deployment", "namespace": "ns", "name": "a", "action": "created", "generation": generation}]
    failure = str(fails(FakeApi(applied(**writers)), applied=objects, timeout_seconds=3))
    assert ("another run has changed it since this run (generation 2, and this run left 1)" in failure) is told


def test_lists_are_shared_by_the_workloads_of_a_namespace() -> None:
    api = FakeApi(workload(), workload(name="b", uid="x"))
    both = [{"kind": "Deployment", "name": name, "namespace": "ns"} for name in "ab"]
    fails(api, workloads=both, timeout_seconds=0)
    assert sorted(path.rpartition("/")[2] for path in api.sent("GET")) == ["a", "b", "events", "pods", "replicasets"]


def test_users_bring_their_own_kinds() -> None:
    thing = obj("Thing", api="example.com/v1", phase="Up")
    kinds = {"resources": [{"kind": "Thing", "name": "things", "namespaced": True}]}
    api = FakeApi()
    api.trouble = lambda _method, path: reply(thing if path.endswith("/a") else kinds)
    named = [{"kind": "Thing", "name": "a", "namespace": "ns", "api_version": "example.com/v1"}]
    assert wait(api, workloads=named, until={"Thing": "phase == 'Up'"})["msg"] == "1 ready"


@cases(
    "given, words",
    ({"until": {"Deployment": "a ==="}}, r"until\.Deployment"),
    ({"until": {"Deployment": 5}}, r"an expression is text, not 5.*until\.Deployment"),
    ({"workloads": [{"kind": "Thing", "name": "a"}]}, "Say it with api_version"),
    ({"workloads": [{"kind": "Thing", "name": "a", "api_version": "example.com/v1"}]}, "does not serve this kind"),
    ({"workloads": [{"kind": "Deployment", "name": "a"}]}, "has no namespace"),
)
def test_what_cannot_be_waited_for_is_told_at_once(given: Any, words: str) -> None:
    with pytest.raises(Problem, match=words):
        wait(FakeApi(), **given)


APPLIED = [{"kind": "Deployment", "namespace": "ns", "name": "a", "generation": 1}]


@pytest.mark.parametrize("applied", [[], APPLIED])
@pytest.mark.parametrize("going", ["gone", "leaving"])
def test_a_workload_that_is_deleted_ends_the_wait_at_once(going: str, applied: list[Any]) -> None:
    api = FakeApi(workload(), replica_set(), pod())
    path = "/apis/apps/v1/namespaces/ns/deployments/a"

    def delete(_now: float) -> None:
        if going == "leaving":
            api.objects[path]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        else:
            api.objects.pop(path, None)

    api.clock.on_sleep.append(delete)
    failure = fails(api, applied=applied)
    assert "Wait for Deployment ns/a: it was deleted: " in str(failure) and api.clock.now < 1


def test_a_workload_that_a_run_has_applied_and_that_is_gone_is_not_waited_for() -> None:
    failure = fails(FakeApi(), applied=APPLIED)
    assert "the namespace 'ns' was deleted too" in str(failure)
    api = FakeApi()
    api.later(5, workload(done=True))
    assert wait(api)["seconds"] > 5, "what another one creates is awaited"
