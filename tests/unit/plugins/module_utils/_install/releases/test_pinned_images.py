# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a release that come from another registry."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.pinned_images import (
    iter_workload_images,
    move_images,
)

from . import samples


def test_images_move_wherever_they_are_named() -> None:
    mirror = "mirror.local:5000/x"
    args = ["--v=2", "--acme-http01-solver-image=quay.io/j/solver:v1", "--image-pull=x"]
    env = [{"name": name, "value": "ghcr.io/c:1"} for name in ("RELATED_IMAGE_COLLECTOR", "OTHER")]
    env.append({"name": "RELATED_IMAGE_REF", "valueFrom": {}})
    workload = samples.deployment("a", "ns", "docker.io/a:1", container={"args": args, "env": env})
    move_images(workload, mirror)
    made = workload["spec"]["template"]["spec"]["containers"][0]
    assert made["image"] == f"{mirror}/a:1"
    assert made["args"] == ["--v=2", f"--acme-http01-solver-image={mirror}/j/solver:v1", "--image-pull=x"]
    assert [item.get("value") for item in made["env"]] == [f"{mirror}/c:1", "ghcr.io/c:1", None]
    assert list(iter_workload_images([workload])) == [
        f"{mirror}/a:1",
        f"{mirror}/j/solver:v1",
        f"{mirror}/c:1",
    ]
