# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a workload from being ready: one case per row of the tables."""

from __future__ import annotations

from typing import Any

import jmespath
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout import (
    failure_tables as rollout_tables,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout import failures

from ..helpers import cases
from .workloads import T0, daemon_set, deployment, stateful_set, workload

T1, T2 = "2026-01-01T00:00:10Z", "2026-01-01T00:00:20Z"
HOMELESS = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient memory"}
RUNNING = {"running": {"startedAt": T0}}
FAILED = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "webhook"}
UNCONSTRAINED = "pods are forbidden: unable to validate against any security context constraint: []"
BARRED = 'pods "a-1" is forbidden: violates PodSecurity "restricted:latest": hostPort (container "c" uses hostPort 1)'
LIMITED = 'pods "a-1" is forbidden: maximum memory usage per Container is 64Mi, but limit is 512Mi'
FULL = 'pods "a-1" is forbidden: exceeded quota: q, requested: limits.memory=512Mi, used: limits.memory=0, limited: 9'
UNNAMED = 'pods "a-1" is forbidden: failed quota: q: must specify limits.cpu for: c'
UNBOUND = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: not helpful"
UNRECONCILED = {"type": "Ready", "status": "False", "reason": "ReconcileError", "message": "no right"}
LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}
READY, PARALLEL = {"type": "Ready", "status": "True"}, {"podManagementPolicy": "Parallel"}


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


def event(reason: Any, message: Any = "m", uid: Any = "p", at: Any = T1) -> Any:
    about = {"involvedObject": {"uid": uid}, "lastTimestamp": at, "metadata": {}}
    return {"reason": reason, "message": message, **about}


def symptoms(workload: Any, pods: Any = (), events: Any = (), old: Any = ()) -> list[Any]:
    found = failures.find_symptoms(jmespath.search, workload, None, pods, events, allow_empty=False, old=old)
    return list(found)


@cases(
    "row, item, events",
    ("image_name", pod(waiting("InvalidImageName")), []),
    ("image_name", pod(waiting("ErrImageNeverPull")), []),
    ("image_pull", pod(waiting("ErrImagePull", "manifest unknown")), []),
    ("image_pull", pod(waiting("ImagePullBackOff")), []),
    ("image_pull_passing", pod(waiting("ErrImagePull", "dial tcp: i/o timeout")), []),
    ("container_user", pod(waiting("CreateContainerConfigError", "container has runAsNonRoot and x")), []),
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
    ("unbound_claim", pod(conditions=[{**HOMELESS, "message": UNBOUND}]), []),
    (None, pod(conditions=[{**HOMELESS, "message": UNBOUND}]), [event("TriggeredScaleUp")]),
    (None, pod(conditions=[HOMELESS]), [event("TriggeredScaleUp")]),
    (None, pod(conditions=[HOMELESS]), [event("Nominated")]),
    ("mount", pod(waiting("ContainerCreating")), [event("FailedMount", 'secret "x" not found')]),
    ("mount_slow", pod(waiting("ContainerCreating")), [event("FailedMount", "timed out")]),
    (None, pod(container(state=RUNNING), conditions=[{"type": "Ready", "status": "True"}]), [event("FailedMount")]),
    (None, pod(waiting("ContainerCreating")), [event("FailedMount", uid="other")]),
    (None, pod(waiting("ContainerCreating"), creationTimestamp=T2), [event("FailedMount", at=T1)]),
    (None, pod(container(state=RUNNING)), [event("FailedMount", 'secret "x" not found')]),
    (None, pod(container(state=RUNNING)), [event("Unhealthy", "Readiness probe failed")]),
)
def test_what_is_wrong_with_a_pod(row: Any, item: Any, events: Any) -> None:
    assert [symptom.failure_row.id for symptom in symptoms(daemon_set(), [item], events)] == ([row] if row else [])


def collector(generation: Any = 2) -> Any:
    made = workload("OpenTelemetryCollector", {"observedGeneration": 2, "conditions": [UNRECONCILED]})
    return {**made, "metadata": {**made["metadata"], "generation": generation}}


@cases(
    "row, workload, pods, events, old",
    ("constraints", daemon_set(desiredNumberScheduled=1), [], [event("FailedCreate", UNCONSTRAINED, uid="w")], []),
    ("constraints", deployment(conditions=[{**FAILED, "message": UNCONSTRAINED}]), [], [], []),
    ("pod_security", daemon_set(desiredNumberScheduled=1), [], [event("FailedCreate", BARRED, uid="w")], []),
    ("limit_range", daemon_set(desiredNumberScheduled=1), [], [event("FailedCreate", LIMITED, uid="w")], []),
    ("quota", daemon_set(desiredNumberScheduled=1), [], [event("FailedCreate", FULL, uid="w")], []),
    ("quota", deployment(conditions=[{**FAILED, "message": UNNAMED}]), [], [], []),
    ("quota", workload("Job", None), [], [event("FailedCreate", FULL, uid="w")], []),
    (None, workload("Job", {"conditions": [{"type": "Complete"}]}), [], [event("FailedCreate", FULL, uid="w")], []),
    (None, workload("Job", {}), [pod()], [event("FailedCreate", FULL, uid="w")], []),
    ("create_pods", daemon_set(desiredNumberScheduled=1), [], [event("FailedCreate", uid="w")], []),
    (None, daemon_set(desiredNumberScheduled=1), [pod()], [event("FailedCreate", uid="w")], []),
    (None, daemon_set(desiredNumberScheduled=2), [pod(creationTimestamp=T2)], [event("FailedCreate", uid="w")], []),
    ("create_replicas", deployment(conditions=[FAILED]), [], [], []),
    ("progress_deadline", deployment(conditions=[LATE], observedGeneration=2), [], [], []),
    (None, deployment(conditions=[LATE], observedGeneration=1), [], [], []),
    ("reconcile", collector(), [], [], []),
    (None, collector(generation=3), [], [], []),
    ("no_nodes", daemon_set(desiredNumberScheduled=0), [], [], []),
    (None, daemon_set(desiredNumberScheduled=1), [], [], []),
    ("stuck_pod", stateful_set(), [pod()], [], [pod()]),
    (None, stateful_set(), [pod()], [], [pod(conditions=[READY])]),
    (None, stateful_set(**PARALLEL), [pod()], [], [pod()]),
    (None, stateful_set(updateStrategy={"type": "OnDelete"}), [pod()], [], [pod()]),
)
def test_what_is_wrong_with_a_workload(row: Any, workload: Any, pods: Any, events: Any, old: Any) -> None:
    found = symptoms(workload, pods, events, old)
    assert [symptom.failure_row.id for symptom in found] == ([row] if row else [])


def test_every_row_is_found_by_a_case_with_the_words_of_the_kubelet() -> None:
    tests = (test_what_is_wrong_with_a_pod, test_what_is_wrong_with_a_workload)
    cases = {case[0] for test in tests for case in test.pytestmark[0].args[1]}
    assert cases - {None} == {row.id for row in rollout_tables.POD_FAILURES + rollout_tables.WORKLOAD_FAILURES}
    (found,) = symptoms(daemon_set(), [pod(waiting("CrashLoopBackOff", restarts=2, lastState=ended(code=3)))])
    assert (found.container, found.reason, found.detail) == ("c", "Error", "exit code 3, restarts: 2")


@cases("container, of, yes", ({}, "x", True), ({"readinessProbe": {}}, "x", False), ({}, "", False))
def test_without_a_probe_nobody_asks(container: Any, of: str, yes: bool) -> None:
    workload = {"kind": "Deployment", "of": of, "spec": {"template": {"spec": {"containers": [container]}}}}
    assert failures.has_no_readiness_probe(workload) is yes
