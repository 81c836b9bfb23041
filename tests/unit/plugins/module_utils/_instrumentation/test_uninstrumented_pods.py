# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads without the instrumentation that they should have, and whether a restart helps them."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.namespace_annotations import (
    find_annotated_since,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.uninstrumented_pods import (
    find_uninstrumented_workloads,
    split_by_restart,
)

from ..helpers import cases

PYTHON = "instrumentation.opentelemetry.io/inject-python"
ADDED = {"initContainers": [{"name": "opentelemetry-auto-instrumentation-python"}], "containers": [{"name": "app"}]}
WEB, RESTARTED = ("ReplicaSet", "web-5f7d"), {"kubectl.kubernetes.io/restartedAt": "10:00"}


def pod(name: str, owner: tuple[str, str] | None = None, **more: Any) -> dict[str, Any]:
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    labels = {"pod-template-hash": owner[1].rpartition("-")[2]} if owner and owner[0] == "ReplicaSet" else {}
    own_metadata = {"name": name, "namespace": "shop", "ownerReferences": owners, "labels": labels}
    metadata = {**own_metadata, **more.pop("metadata", {})}
    return {"metadata": metadata, "spec": {"containers": [{"name": "app"}]}, "status": {"phase": "Running"}, **more}


def test_workloads_of_older_pods_are_named_once() -> None:
    replicas = [pod(f"cart-{index}", ("ReplicaSet", "cart-5f7d")) for index in range(3)]
    found = find_uninstrumented_workloads([*replicas, pod("db-0", ("StatefulSet", "db")), pod("alone")], [PYTHON])
    assert [item["kind"] for item in found] == ["Deployment", "StatefulSet", "Pod"]
    assert [item["name"] for item in found] == ["cart", "db", "alone"]
    assert found[0] == {"kind": "Deployment", "namespace": "shop", "name": "cart", "language": "python"}


@cases(
    "settled",
    pod("a", spec=ADDED),
    pod("a", metadata={"annotations": {PYTHON: "false"}}),
    pod("a", metadata={"deletionTimestamp": "now"}),
    pod("a", status={"phase": "Succeeded"}),
)
def test_pods_that_need_no_restart_are_not_named(settled: dict[str, Any]) -> None:
    assert find_uninstrumented_workloads([settled], [PYTHON]) == []


def written(*times: str) -> dict[str, Any]:
    """Return a namespace with its annotation, as one field manager after the other wrote it."""
    fields = {"f:metadata": {"f:annotations": {f"f:{PYTHON}": {}}}}
    entries = [{"manager": f"m{number}", "fieldsV1": fields, "time": time} for number, time in enumerate(times)]
    return {"metadata": {"name": "shop", "annotations": {PYTHON: "telemetry/default"}, "managedFields": entries}}


@cases(
    "namespace, made, since",
    (written("12:00"), ["11:00"], "12:00"),
    (written("12:00"), ["13:00"], "13:00"),
    (written("12:00"), [], "12:00"),
    (written("12:00", "15:00"), ["11:00"], "12:00"),
    (written(""), ["11:00"], ""),
    (written(), ["11:00"], ""),
)
def test_pods_should_be_instrumented_since_both_the_annotation_and_its_instrumentation(
    namespace: dict[str, Any], made: list[str], since: str
) -> None:
    instrumentations = [{"metadata": {"creationTimestamp": time}} for time in made]
    assert find_annotated_since(namespace, [PYTHON], instrumentations) == since


def made(time: str, name: str = "a", owner: tuple[str, str] | None = None, **annotations: str) -> dict[str, Any]:
    return pod(name, owner, metadata={"creationTimestamp": time, "annotations": annotations})


@cases(
    "pods, since, helped, refused",
    ([made("11:59")], "12:00", ["a"], []),
    ([made("12:00")], "12:00", ["a"], []),
    ([made("12:01")], "12:00", [], ["a"]),
    ([made("11:59", **RESTARTED)], "12:00", ["a"], []),
    ([made("12:01")], "", ["a"], []),
    ([made("12:01", **RESTARTED)], "", [], ["a"]),
    ([made("11:59", "web-a", WEB), made("12:01", "web-b", WEB), made("11:59")], "12:00", ["a"], ["web"]),
    ([made("12:01") | {"spec": ADDED}], "12:00", [], []),
)
def test_a_restart_helps_only_pods_from_before(
    pods: list[dict[str, Any]], since: str, helped: list[str], refused: list[str]
) -> None:
    found = split_by_restart(pods, [PYTHON], since)
    assert [[item["name"] for item in side] for side in found] == [helped, refused]


def test_the_sidecar_of_go_counts() -> None:
    sidecar = {"containers": [{"name": "app"}, {"name": "opentelemetry-auto-instrumentation"}]}
    annotation = "instrumentation.opentelemetry.io/inject-go"
    assert find_uninstrumented_workloads([pod("a", spec=sidecar)], [annotation]) == []
    assert find_uninstrumented_workloads([pod("a")], [annotation])[0]["language"] == "go"
