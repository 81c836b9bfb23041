# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a workload is ready, and what keeps it from it: one case per row of the tables."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster import rollout
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.rollout_tables import (
    POD_FAILURES,
    WORKLOAD_FAILURES,
)

T0, T1, T2 = "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z", "2026-01-01T00:00:20Z"


def deployment(**status: Any) -> Any:
    return {"kind": "Deployment", "metadata": {"generation": 2, "uid": "w"}, "spec": {"replicas": 2}, "status": status}


def daemon_set(strategy: Any = "RollingUpdate", **status: Any) -> Any:
    spec = {"updateStrategy": {"type": strategy}}
    metadata = {"generation": 2, "uid": "w", "name": "a", "creationTimestamp": T0}
    return {"kind": "DaemonSet", "metadata": metadata, "spec": spec, "status": {"observedGeneration": 2, **status}}


def stateful_set(**status: Any) -> Any:
    spec = {"replicas": 1, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}
    return {
        "kind": "StatefulSet",
        "metadata": {"generation": 2, "uid": "w", "name": "a", "creationTimestamp": T0},
        "spec": spec,
        "status": {"observedGeneration": 2, **status},
    }


def resource(*conditions: Any, generation: Any = 1, **status: Any) -> Any:
    listed = [{"type": name, "status": value} for name, value in conditions]
    return {"kind": "Other", "metadata": {"generation": generation}, "status": {"conditions": listed, **status}}


DONE = {"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}
DS_DONE = {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}
ONE = {"currentRevision": "a", "updateRevision": "a"}


@pytest.mark.parametrize(
    ("workload", "ready"),
    [
        (deployment(**DONE), True),
        (deployment(), False),
        (deployment(**DONE | {"observedGeneration": 1}), False),
        (deployment(**DONE | {"updatedReplicas": 1}), False),
        (deployment(**DONE | {"replicas": 3}), False),
        (deployment(**DONE | {"availableReplicas": 1}), False),
        (daemon_set(**DS_DONE), True),
        (daemon_set(**DS_DONE | {"observedGeneration": 1}), False),
        (daemon_set(**DS_DONE | {"updatedNumberScheduled": 1}), False),
        (daemon_set("OnDelete", **DS_DONE | {"updatedNumberScheduled": 1}), True),
        (daemon_set(**DS_DONE | {"numberAvailable": 2}), False),
        (daemon_set(desiredNumberScheduled=0), False),
        (stateful_set(availableReplicas=1, **ONE), True),
        (stateful_set(availableReplicas=1, **ONE | {"updateRevision": "b"}), False),
        (stateful_set(**ONE), False),
        (resource(("Ready", "True")), True),
        (resource(("Ready", "False")), False),
        (resource(("Available", "True"), generation=2, observedGeneration=1), False),
        (resource(), False),
        ({"kind": "Other", "metadata": {}}, False),
    ],
)
def test_ready(workload: Any, ready: Any) -> None:
    assert rollout.is_ready(jmespath.search, workload, {}, allow_empty=False) is ready


def test_an_empty_daemon_set_is_ready_only_when_allowed() -> None:
    assert rollout.is_ready(jmespath.search, daemon_set(desiredNumberScheduled=0), {}, allow_empty=True)


def test_users_add_kinds() -> None:
    until = {"Other": "status.phase == 'Up'"}
    assert rollout.is_ready(jmespath.search, {"kind": "Other", "status": {"phase": "Up"}}, until, allow_empty=False)


def test_count() -> None:
    assert rollout.count(jmespath.search, daemon_set(desiredNumberScheduled=3)) == "0 of 3 ready"
    assert rollout.count(jmespath.search, resource()) == "not ready"


def pod(*containers: Any, conditions: Any = (), **metadata: Any) -> Any:
    metadata = {"name": "p", "uid": "p", "namespace": "ns", "creationTimestamp": T0, **metadata}
    status = {"containerStatuses": list(containers), "conditions": list(conditions)}
    return {"metadata": metadata, "status": status, "spec": {"nodeName": "n1"}}


def container(restarts: Any = 0, **states: Any) -> Any:
    return {"name": "c", "restartCount": restarts, **states}


def waiting(reason: Any, message: Any = "m", restarts: Any = 0, **last: Any) -> Any:
    return container(restarts, state={"waiting": {"reason": reason, "message": message}}, **last)


def ended(reason: Any = "Error", code: Any = 1) -> Any:
    return {"terminated": {"reason": reason, "exitCode": code}}


def event(reason: Any, message: Any = "m", uid: Any = "p", at: Any = T1, **more: Any) -> Any:
    return {
        "reason": reason,
        "message": message,
        "involvedObject": {"uid": uid},
        "lastTimestamp": at,
        "metadata": {},
        **more,
    }


HOMELESS = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient memory"}
RUNNING = {"running": {"startedAt": T0}}


@pytest.mark.parametrize(
    ("row", "item", "events"),
    [
        ("image_name", pod(waiting("InvalidImageName")), []),
        ("image_name", pod(waiting("ErrImageNeverPull")), []),
        ("image_pull", pod(waiting("ErrImagePull", "manifest unknown")), []),
        ("image_pull", pod(waiting("ImagePullBackOff")), []),
        ("image_pull_passing", pod(waiting("ErrImagePull", "dial tcp: i/o timeout")), []),
        ("container_config", pod(waiting("CreateContainerConfigError", 'secret "x" not found')), []),
        ("container_start", pod(waiting("RunContainerError")), []),
        ("container_start", pod(waiting("CrashLoopBackOff", restarts=1, lastState=ended("StartError", 128))), []),
        ("out_of_memory", pod(waiting("CrashLoopBackOff", restarts=2, lastState=ended("OOMKilled", 137))), []),
        ("crash", pod(waiting("CrashLoopBackOff", restarts=2, lastState=ended())), []),
        ("crash", pod(container(1, state=ended())), []),
        (None, pod(container(0, state=ended())), []),
        (None, pod(container(1, state=RUNNING, lastState=ended())), []),
        (None, pod(container(3, state=ended("Completed", 0))), []),
        (None, pod(waiting("ContainerCreating")), []),
        (None, pod(), []),
        ("unschedulable", pod(conditions=[HOMELESS]), []),
        (None, pod(conditions=[HOMELESS]), [event("TriggeredScaleUp")]),
        (None, pod(conditions=[HOMELESS]), [event("Nominated")]),
        ("mount", pod(waiting("ContainerCreating")), [event("FailedMount", 'secret "x" not found')]),
        ("mount_slow", pod(waiting("ContainerCreating")), [event("FailedMount", "timed out")]),
        (None, pod(container(state=RUNNING), conditions=[{"type": "Ready", "status": "True"}]), [event("FailedMount")]),
        (None, pod(waiting("ContainerCreating")), [event("FailedMount", uid="other")]),
        (None, pod(waiting("ContainerCreating"), creationTimestamp=T2), [event("FailedMount", at=T1)]),
        (None, pod(container(state=RUNNING)), [event("FailedMount", 'secret "x" not found')]),
        (None, pod(container(state=RUNNING)), [event("Unhealthy", "Readiness probe failed")]),
    ],
)
def test_what_is_wrong_with_a_pod(row: Any, item: Any, events: Any) -> None:
    found = list(rollout.symptoms(jmespath.search, daemon_set(), None, [item], events, allow_empty=False))
    assert [symptom.row.id for symptom in found] == ([row] if row else [])


FAILED = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
UNCONSTRAINED = "pods are forbidden: unable to validate against any security context constraint: []"
UNRECONCILED = {"type": "Ready", "status": "False", "reason": "ReconcileError", "message": "no right"}


def collector(generation: Any = 2) -> Any:
    metadata = {"generation": generation, "uid": "w", "name": "a", "creationTimestamp": T0}
    state = {"observedGeneration": 2, "conditions": [UNRECONCILED]}
    return {"kind": "OpenTelemetryCollector", "metadata": metadata, "status": state}


LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}


@pytest.mark.parametrize(
    ("row", "workload", "pods", "events"),
    [
        ("constraints", daemon_set(desiredNumberScheduled=1), [], [event("FailedCreate", UNCONSTRAINED, uid="w")]),
        ("constraints", deployment(conditions=[{**FAILED, "message": UNCONSTRAINED}]), [], []),
        ("create_pods", daemon_set(desiredNumberScheduled=1), [], [event("FailedCreate", uid="w")]),
        (None, daemon_set(desiredNumberScheduled=1), [pod()], [event("FailedCreate", uid="w")]),
        (None, daemon_set(desiredNumberScheduled=2), [pod(creationTimestamp=T2)], [event("FailedCreate", uid="w")]),
        ("create_replicas", deployment(conditions=[FAILED]), [], []),
        ("progress_deadline", deployment(conditions=[LATE], observedGeneration=2), [], []),
        (None, deployment(conditions=[LATE], observedGeneration=1), [], []),
        ("reconcile", collector(), [], []),
        (None, collector(generation=3), [], []),
        ("no_nodes", daemon_set(desiredNumberScheduled=0), [], []),
        (None, daemon_set(desiredNumberScheduled=1), [], []),
    ],
)
def test_what_is_wrong_with_a_workload(row: Any, workload: Any, pods: Any, events: Any) -> None:
    found = list(rollout.symptoms(jmespath.search, workload, None, pods, events, allow_empty=False))
    assert [symptom.row.id for symptom in found] == ([row] if row else [])


READY = {"type": "Ready", "status": "True"}


@pytest.mark.parametrize(
    ("row", "spec", "old"),
    [
        ("stuck_pod", {}, pod()),
        (None, {}, pod(conditions=[READY])),
        (None, {"podManagementPolicy": "Parallel"}, pod()),
        (None, {"updateStrategy": {"type": "OnDelete"}}, pod()),
    ],
)
def test_a_stateful_set_keeps_a_pod_that_never_worked(row: Any, spec: Any, old: Any) -> None:
    workload = stateful_set()
    workload["spec"] |= spec
    found = list(rollout.symptoms(jmespath.search, workload, None, [pod()], [], allow_empty=False, old=[old]))
    assert [symptom.row.id for symptom in found] == ([row] if row else [])


def test_pods_that_are_to_be_replaced() -> None:
    pods = [pod(name=name, ownerReferences=[{"uid": "w"}]) for name in ("a", "b")]
    gone = pod(name="c", ownerReferences=[{"uid": "w"}], deletionTimestamp=T1)
    assert rollout.older_pods(daemon_set(), pods[:1], [*pods, gone, pod(name="d")]) == pods[1:]


def test_every_row_is_found_by_a_case() -> None:
    cases = [
        *test_what_is_wrong_with_a_pod.pytestmark[0].args[1],
        *test_what_is_wrong_with_a_workload.pytestmark[0].args[1],
        *test_a_stateful_set_keeps_a_pod_that_never_worked.pytestmark[0].args[1],
    ]
    assert {case[0] for case in cases} - {None} == {row.id for row in POD_FAILURES + WORKLOAD_FAILURES}


def test_the_words_of_the_kubelet_are_kept() -> None:
    item = pod(waiting("CrashLoopBackOff", restarts=2, lastState=ended(code=3)))
    found = next(rollout.symptoms(jmespath.search, daemon_set(), None, [item], [], allow_empty=False))
    assert (found.container, found.reason, found.detail) == ("c", "Error", "exit code 3, restarts: 2")


def revision(name: Any, number: Any, owner: Any = "w", **labels: Any) -> Any:
    metadata = {"name": name, "uid": name, "ownerReferences": [{"uid": owner}], "labels": labels}
    return {"revision": number, "metadata": metadata}


def test_only_pods_of_the_newest_revision_count() -> None:
    revisions = [
        revision("old", 1, **{"controller-revision-hash": "o"}),
        revision("new", 2, **{"controller-revision-hash": "n"}),
    ]
    newest = rollout.newest(daemon_set(), [*revisions, revision("other", 9, owner="x")])
    pods = [
        pod(name=name, ownerReferences=[{"uid": "w"}], labels={"controller-revision-hash": label}, **more)
        for name, label, more in [("a", "o", {}), ("b", "n", {}), ("c", "n", {"deletionTimestamp": T1})]
    ]
    assert newest["metadata"]["name"] == "new"
    assert [item["metadata"]["name"] for item in rollout.newest_pods(daemon_set(), newest, pods)] == ["b"]


def test_a_deployment_counts_the_pods_of_its_newest_replica_set() -> None:
    sets = [
        {
            "metadata": {
                "uid": uid,
                "ownerReferences": [{"uid": "w"}],
                "annotations": {"deployment.kubernetes.io/revision": number},
            }
        }
        for uid, number in [("r1", "9"), ("r2", "10")]
    ]
    newest = rollout.newest(deployment(), sets)
    pods = [pod(name=uid, ownerReferences=[{"uid": uid}]) for uid in ("r1", "r2")]
    assert [item["metadata"]["name"] for item in rollout.newest_pods(deployment(), newest, pods)] == ["r2"]


@pytest.mark.parametrize(
    ("certificates", "row"),
    [
        ([], "mount"),
        ([{"metadata": {"name": "c"}, "spec": {"secretName": "y"}}], "mount"),
        ([{"metadata": {"name": "c"}, "spec": {"secretName": "x"}}], "certificate"),
    ],
)
def test_a_secret_that_a_certificate_makes_is_waited_for(certificates: Any, row: Any) -> None:
    item = pod(waiting("ContainerCreating"))
    events = [event("FailedMount", 'MountVolume.SetUp failed for volume "v" : secret "x" not found')]
    found = next(rollout.symptoms(jmespath.search, daemon_set(), None, [item], events, allow_empty=False))
    assert rollout.issuing(found, certificates).row.id == row


@pytest.mark.parametrize(
    ("workload", "yes"),
    [
        (deployment(observedGeneration=2), True),
        (deployment(observedGeneration=1), False),
        (deployment(), False),
        (resource(), True),
    ],
)
def test_a_workload_that_its_controller_has_not_seen_has_no_troubles_yet(workload: Any, yes: Any) -> None:
    assert rollout.observed(workload) is yes


@pytest.mark.parametrize(
    ("container", "of", "yes"), [({}, "x", True), ({"readinessProbe": {}}, "x", False), ({}, "", False)]
)
def test_without_a_probe_nobody_asks(container: Any, of: str, yes: bool) -> None:
    workload = {"kind": "Deployment", "of": of, "spec": {"template": {"spec": {"containers": [container]}}}}
    assert rollout.unprobed(workload) is yes
