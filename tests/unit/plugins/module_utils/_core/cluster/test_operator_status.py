# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator makes of a resource, and when it has done so."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster import operator_status

READY = {"type": "Ready", "status": "True", "reason": "Reconciled", "message": "ok"}
FAILED = {"type": "Ready", "status": "False", "reason": "ReconcileError", "message": "no right"}
DONE = {"observedGeneration": 2, "conditions": [READY], "version": "0.158.0"}
OLD = {"version": "0.152.1"}


def resource(status: Any = None, kind: str = "OpenTelemetryCollector", name: str = "a", **spec: Any) -> Any:
    metadata = {"name": name, "namespace": "ns", "generation": 2, "uid": "u"}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": status or {}}


def child(
    owner: str = "OpenTelemetryCollector", name: str = "a", image: str = "i", replicas: int = 1, **annotations: str
) -> Any:
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [{"image": image}]}}
    metadata = {"name": "a-collector", "ownerReferences": [{"kind": owner, "name": name}]}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas, "template": template}}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (resource(), ["Deployment ns/a-collector"]),
        (resource(mode="daemonset"), ["DaemonSet ns/a-collector"]),
        (resource(mode="statefulset"), ["StatefulSet ns/a-collector"]),
        (resource(mode="sidecar"), []),
        (
            resource(mode="statefulset", targetAllocator={"enabled": True}),
            ["StatefulSet ns/a-collector", "Deployment ns/a-targetallocator"],
        ),
        (resource(targetAllocator={"enabled": False}), ["Deployment ns/a-collector"]),
        (resource(kind="TargetAllocator"), ["Deployment ns/a-targetallocator"]),
    ],
)
def test_the_workloads_of_a_resource(given: Any, names: list[str]) -> None:
    assert [str(item) for item in operator_status.children(given)] == names


@pytest.mark.parametrize(
    ("name", "made"),
    [("a", "a-collector"), ("a.b", "a-b-collector"), ("x" * 60, f"{'x' * 53}-collector"), ("-a", "a-collector")],
)
def test_names_are_cut_as_the_operator_cuts_them(name: str, made: str) -> None:
    assert operator_status.child_name(name, "-collector") == made


@pytest.mark.parametrize(
    ("given", "live", "words"),
    [
        (resource(DONE), [child()], ""),
        (resource(DONE), [None], "Deployment ns/a-collector does not exist"),
        (resource(DONE | {"observedGeneration": 1}), [child()], "has seen generation 1, not 2"),
        (resource({"observedGeneration": 2, "conditions": [FAILED]}), [child()], "says ReconcileError: no right"),
        (resource(DONE, image="new"), [child()], ""),
        (resource(), [child()], "no operator has taken it up"),
        (resource(OLD), [child()], ""),
        (resource(OLD), [child(name="b")], "belongs to somebody else"),
        (resource(OLD, image="new"), [child()], "has not the image of the resource"),
        (resource(OLD, podAnnotations={"sum": "2"}), [child(sum="1")], "has not the podAnnotations"),
        (resource(OLD, podAnnotations={"sum": "2"}), [child(sum="2", more="x")], ""),
        (resource(OLD, replicas=2), [child()], "has not the replicas"),
        (resource(OLD, replicas=2, autoscaler={"maxReplicas": 3}), [child()], ""),
        (resource(OLD, replicas=2, mode="daemonset"), [child()], ""),
        (resource(OLD, mode="sidecar"), [], ""),
        (resource(DONE, mode="sidecar"), [], ""),
        (resource(mode="sidecar"), [], "no operator has taken it up"),
        (resource(managementState="unmanaged"), [child()], ""),
        (resource(managementState="unmanaged"), [None], "does not exist"),
        (resource(kind="TargetAllocator", image="new"), [child("TargetAllocator")], "has not the image"),
    ],
)
def test_when_a_resource_has_become_its_workloads(given: Any, live: Any, words: str) -> None:
    assert words in operator_status.untaken(given, live)
    assert bool(operator_status.untaken(given, live)) is bool(words)


def test_a_workload_that_is_going_does_not_count() -> None:
    gone = child()
    gone["metadata"]["deletionTimestamp"] = "now"
    assert "does not exist" in operator_status.untaken(resource(DONE), [gone])


@pytest.mark.parametrize(("found", "words"), [("1", "has not the podAnnotations"), ("2", "")])
def test_what_the_operator_says_does_not_hold_for_the_target_allocator(found: str, words: str) -> None:
    given = resource(DONE, podAnnotations={"sum": "2"}, targetAllocator={"enabled": True})
    assert words in operator_status.untaken(given, [child(), child("TargetAllocator", sum=found)])
    assert bool(operator_status.untaken(given, [child(), child("TargetAllocator", sum=found)])) is bool(words)
