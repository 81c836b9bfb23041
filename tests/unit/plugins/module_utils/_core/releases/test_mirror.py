# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images are needed, and where each is in a mirror."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases.mirror import (
    ALL,
    USED,
    MirroredRelease,
    Need,
    in_object,
    needs,
    source,
)

STARTED = {"collector": "g/collector:1", "target_allocator": "g/ta:1", "java": "g/java:1", "python": "g/python:1"}
OPERATOR = MirroredRelease("opentelemetry-operator", "v1.0.0", ("g/operator:1",), STARTED)


def workload(*images: str, **container: Any) -> dict[str, Any]:
    containers = [{"image": image, **container} for image in images]
    return {
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "n"},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


def custom(kind: str = "OpenTelemetryCollector", **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "c", "namespace": "n"}, "spec": spec}


def names(*args: Any, **more: Any) -> list[str]:
    return [need.image for need in needs(*args, **more)]


def test_every_image_is_there_once_with_all_who_need_it() -> None:
    assert needs([workload("x:1"), custom(image="x:1")], []) == [
        Need("x:1", ("Deployment n/a", "OpenTelemetryCollector n/c"))
    ]


def test_flags_and_variables_of_a_workload_count() -> None:
    solver = workload("x:1", args=["--acme-http01-solver-image=s:1"], env=[{"name": "RELATED_IMAGE_A", "value": "r:1"}])
    assert names([solver], []) == ["r:1", "s:1", "x:1"]


def test_everything_in_a_custom_resource_counts_but_settings_of_the_collector() -> None:
    deep = {
        "initContainers": [{"image": "init:1"}],
        "targetAllocator": {"enabled": True, "image": "ta:2"},
        "image": "c:1",
    }
    written = {"receivers": {"docker": {"image": "no:1"}}}
    assert sorted(in_object(custom(**deep, config=written))) == ["c:1", "init:1", "ta:2"]
    assert list(in_object({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"image": "no:1"}})) == []


def test_the_operators_allocator_is_needed_only_where_one_is_asked_for_without_an_image() -> None:
    assert "g/ta:1" in names([custom(targetAllocator={"enabled": True})], [OPERATOR])
    for other in (
        {},
        {"targetAllocator": {"enabled": False}},
        {"targetAllocator": {"enabled": True, "image": "own:1"}},
    ):
        assert "g/ta:1" not in names([custom(**other)], [OPERATOR])


def test_of_instrumentation_the_languages_in_use_are_needed() -> None:
    found = names([custom("Instrumentation", python={"env": []}, java={"image": "own/java:1"})], [OPERATOR])
    assert found == ["g/operator:1", "g/python:1", "own/java:1"]


def test_all_that_the_operator_could_start_is_there_when_that_is_wanted() -> None:
    assert names([], [OPERATOR], ALL) == ["g/collector:1", "g/java:1", "g/operator:1", "g/python:1", "g/ta:1"]
    assert names([], [OPERATOR], USED) == ["g/operator:1"]


def test_what_is_given_is_needed() -> None:
    given = MirroredRelease(
        "opentelemetry-operator", "v1", (), {"collector": "own:1", "java": "g/java:1"}, frozenset({"collector"})
    )
    assert names([], [given]) == ["own:1"]


def test_what_nobody_wants_is_left_out() -> None:
    assert names([workload("a/x:1", "b/y:1")], [OPERATOR], USED, ["*/x:*", "g/*"]) == ["b/y:1"]


def test_more_can_be_asked_for() -> None:
    assert needs([workload("x:1")], [], more=["app:1", "x:1"]) == [
        Need("app:1", ("asked for",)),
        Need("x:1", ("Deployment n/a", "asked for")),
    ]


def test_archives_of_a_release_are_in_its_folder_whoever_else_needs_the_image() -> None:
    both = needs([workload("g/operator:1", "other:1")], [OPERATOR])
    assert [need.row("")["archive"] for need in both] == [
        "opentelemetry-operator/v1.0.0/images/g_operator_1.tar",
        "images/other_1.tar",
    ]


@pytest.mark.parametrize(
    ("image", "reference", "label"),
    [
        ("host:5000/a/b:1", "host:5000/a/b:1", "host:5000/a/b:1"),
        ("host:5000/a/b@sha256:ab", "host:5000/a/b@sha256:ab", ""),
        ("host:5000/a/b:1@sha256:ab", "host:5000/a/b@sha256:ab", ""),
    ],
)
def test_a_digest_counts_for_more_than_a_tag(image: str, reference: str, label: str) -> None:
    row = Need(image, ()).row("")
    assert (source(image), row["source"], row["label"]) == (reference, reference, label)


def test_in_the_registry_it_has_the_name_that_roles_give_it() -> None:
    assert Need("ghcr.io/a/b:1", ()).row("r.example.com/m/")["target"] == "r.example.com/m/a/b:1"
    assert Need("ghcr.io/a/b:1@sha256:ab", ()).row("r.example.com/m")["target"] == "r.example.com/m/a/b@sha256:ab"
    assert Need("ghcr.io/a/b:1", ()).row("")["target"] == ""
