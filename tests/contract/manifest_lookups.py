# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things stand in manifests, for the rules about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, TypeVar

Manifest = dict[str, Any]
Value = TypeVar("Value", bound=Hashable)

WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")


def identify_object(item: Manifest) -> str:
    """Return kind and name of an object: `Service agent`."""
    return f"{item['kind']} {item['metadata']['name']}"


def list_of_kinds(manifests: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    """Return the objects of these kinds."""
    return [item for item in manifests if item["kind"] in kinds]


def list_named(manifests: Iterable[Manifest], kind: str, name: str) -> list[Manifest]:
    """Return the objects of a kind that have a name."""
    return [item for item in list_of_kinds(manifests, kind) if item["metadata"]["name"] == name]


def find_repeated(values: Iterable[Value]) -> list[Value]:
    """Return the values that are there more than once."""
    return [value for value, count in Counter(values).items() if count > 1]


def read_pod_template(workload: Manifest) -> Manifest:
    """Return the template of the pods of a workload."""
    template: Manifest = workload["spec"]["template"]
    return template


def list_containers(workload: Manifest) -> Iterator[Manifest]:
    """Yield the containers of the pods of a workload."""
    yield from read_pod_template(workload)["spec"]["containers"]


def matches_pods(labels: Manifest, workload: Manifest) -> bool:
    """Whether labels select the pods of a workload."""
    pod_labels: Manifest = read_pod_template(workload)["metadata"]["labels"]
    return labels.items() <= pod_labels.items()
