# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases import images

from .samples import TABLE, deployment

MIRROR = "mirror.local:5000/x"


def test_images_move_wherever_they_are_named() -> None:
    container = {
        "args": ["--v=2", "--acme-http01-solver-image=quay.io/j/solver:v1", "--image-pull=x"],
        "env": [
            {"name": "RELATED_IMAGE_COLLECTOR", "value": "ghcr.io/c:1"},
            {"name": "RELATED_IMAGE_REF", "valueFrom": {}},
            {"name": "OTHER", "value": "ghcr.io/c:1"},
        ],
    }
    workload = deployment("a", "ns", "docker.io/a:1", container=container)
    images.move(workload, MIRROR)
    made = workload["spec"]["template"]["spec"]["containers"][0]
    assert made["image"] == f"{MIRROR}/a:1"
    assert made["args"] == ["--v=2", f"--acme-http01-solver-image={MIRROR}/j/solver:v1", "--image-pull=x"]
    assert [item.get("value") for item in made["env"]] == [f"{MIRROR}/c:1", None, "ghcr.io/c:1"]
    assert list(images.used([workload])) == [f"{MIRROR}/a:1", f"{MIRROR}/j/solver:v1", f"{MIRROR}/c:1"]


def test_the_operator_is_told_nothing_that_it_knows() -> None:
    started, flags = images.operator_images("0.152.0", "", {}, TABLE)
    assert flags == {}
    assert started == {
        "collector": "ghcr.io/otel/collector:0.152.1",
        "target_allocator": "ghcr.io/otel/allocator:0.152.0",
        "java": "ghcr.io/otel/java:2.28.1",
    }


def test_a_registry_moves_every_default() -> None:
    started, flags = images.operator_images("0.158.0", MIRROR, {"java": "docker.io/mine/java:3"}, TABLE)
    assert flags == {
        "collector-image": f"{MIRROR}/otel/collector:0.158.0",
        "target-allocator-image": f"{MIRROR}/otel/allocator:0.158.0",
        "auto-instrumentation-java-image": f"{MIRROR}/mine/java:3",
    }
    assert set(started.values()) == set(flags.values())


def test_a_version_that_nobody_knows_cannot_come_from_a_registry() -> None:
    with pytest.raises(Problem, match=r"0\.999\.0 .* not known.*Give them all: collector, target_allocator, java"):
        images.operator_images("0.999.0", MIRROR, {}, TABLE)
    given = {"collector": "a/c:1", "target_allocator": "a/t:1", "java": "a/j:1"}
    _started, flags = images.operator_images("0.999.0", MIRROR, given, TABLE)
    assert flags["collector-image"] == f"{MIRROR}/a/c:1"
    assert images.operator_images("0.999.0", "", {"java": "a/j:1"}, TABLE) == (
        {"java": "a/j:1"},
        {"auto-instrumentation-java-image": "a/j:1"},
    )


def test_an_image_that_there_is_not_is_refused() -> None:
    with pytest.raises(Problem, match="no image 'jaav'; did you mean 'java'"):
        images.operator_images("0.158.0", "", {"jaav": "x"}, TABLE)
