# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images are needed, and where each is in a mirror."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.image_references import (
    unambiguous_reference,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.mirror_images import (
    ALL_IMAGES,
    USED_IMAGES,
    MirroredRelease,
    MirrorImage,
    iter_object_images,
    list_mirror_images,
)

from ...helpers import cases

STARTED = {"collector": "g/collector:1", "target_allocator": "g/ta:1", "java": "g/java:1", "python": "g/python:1"}
OPERATOR = MirroredRelease("opentelemetry-operator", "v1.0.0", ("g/operator:1",), STARTED)
GIVEN = MirroredRelease(
    "opentelemetry-operator", "v1", (), {"collector": "own:1", "java": "g/java:1"}, frozenset({"collector"})
)


def workload(*names: str, **container: Any) -> dict[str, Any]:
    containers = [{"image": name, **container} for name in names]
    template = {"spec": {"containers": containers}}
    return {"kind": "Deployment", "metadata": {"name": "a", "namespace": "n"}, "spec": {"template": template}}


def custom(kind: str = "OpenTelemetryCollector", **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "c", "namespace": "n"}, "spec": spec}


def names(*args: Any, **more: Any) -> list[str]:
    return [need.image for need in list_mirror_images(*args, **more)]


def test_images_are_needed_once_wherever_they_are_named_but_in_settings_of_the_collector() -> None:
    twice = MirrorImage("x:1", ("Deployment n/a", "OpenTelemetryCollector n/c"))
    assert list_mirror_images([workload("x:1"), custom(image="x:1")], []) == [twice]
    solver = workload("x:1", args=["--acme-http01-solver-image=s:1"], env=[{"name": "RELATED_IMAGE_A", "value": "r:1"}])
    assert names([solver], []) == ["r:1", "s:1", "x:1"]
    allocator = {"enabled": True, "image": "ta:2"}
    deep = {"initContainers": [{"image": "init:1"}], "targetAllocator": allocator, "image": "c:1"}
    written = {"receivers": {"docker": {"image": "no:1"}}}
    assert sorted(iter_object_images(custom(**deep, config=written))) == ["c:1", "init:1", "ta:2"]
    assert list(iter_object_images({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"image": "no:1"}})) == []


def test_of_the_operators_images_those_that_are_asked_for_without_an_image_are_needed() -> None:
    assert "g/ta:1" in names([custom(targetAllocator={"enabled": True})], [OPERATOR])
    for allocator in (None, {"enabled": False}, {"enabled": True, "image": "own:1"}):
        assert "g/ta:1" not in names([custom(targetAllocator=allocator)], [OPERATOR])
    found = names([custom("Instrumentation", python={"env": []}, java={"image": "own/java:1"})], [OPERATOR])
    assert found == ["g/operator:1", "g/python:1", "own/java:1"]


@cases(
    "wanted, found",
    (([], [OPERATOR], ALL_IMAGES), ["g/collector:1", "g/java:1", "g/operator:1", "g/python:1", "g/ta:1"]),
    (([], [OPERATOR], USED_IMAGES), ["g/operator:1"]),
    (([], [GIVEN]), ["own:1"]),
    (([workload("a/x:1", "b/y:1")], [OPERATOR], USED_IMAGES, ["*/x:*", "g/*"]), ["b/y:1"]),
)
def test_what_the_operator_starts_is_there_unless_nobody_wants_it(wanted: Any, found: list[str]) -> None:
    assert names(*wanted) == found


def test_more_can_be_asked_for_and_archives_of_a_release_are_in_its_folder() -> None:
    asked = [
        MirrorImage("app:1", ("asked for",)),
        MirrorImage("x:1", ("Deployment n/a", "asked for")),
    ]
    assert list_mirror_images([workload("x:1")], [], added_images=["app:1", "x:1"]) == asked
    both = list_mirror_images([workload("g/operator:1", "other:1")], [OPERATOR])
    archives = ["opentelemetry-operator/v1.0.0/images/g_operator_1.tar", "images/other_1.tar"]
    assert [need.build_row("")["archive"] for need in both] == archives


@cases(
    "image, reference, label, target",
    ("host:5000/a/b:1", "host:5000/a/b:1", "host:5000/a/b:1", "r.example.com/m/a/b:1"),
    ("host:5000/a/b@sha256:ab", "host:5000/a/b@sha256:ab", "", "r.example.com/m/a/b@sha256:ab"),
    ("host:5000/a/b:1@sha256:ab", "host:5000/a/b@sha256:ab", "", "r.example.com/m/a/b@sha256:ab"),
)
def test_a_digest_counts_for_more_than_a_tag(image: str, reference: str, label: str, target: str) -> None:
    row = MirrorImage(image, ()).build_row("r.example.com/m/")
    assert (unambiguous_reference(image), row["source"], row["label"], row["target"]) == (
        reference,
        reference,
        label,
        target,
    )
    assert MirrorImage(image, ()).build_row("")["target"] == ""
