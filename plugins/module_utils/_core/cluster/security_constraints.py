# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods of a bundle that a cluster with SecurityContextConstraints would reject. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..collector.names import COLLECTOR_LABEL, cluster_wide
from ..config.paths import at, items, section
from .bundle import Manifest, Ref, ref

# The API of clusters that have SecurityContextConstraints.
API = "/apis/security.openshift.io/v1"
_KIND = "SecurityContextConstraints"
_WORKLOADS = ("DaemonSet", "Deployment", "OpenTelemetryCollector", "StatefulSet")


class ConstraintNeeds(NamedTuple):
    """What the pods of a collector ask for beyond `restricted-v2`."""

    owner: Ref
    more: tuple[str, ...]


def unmet(manifests: Iterable[Manifest]) -> list[ConstraintNeeds]:
    """Return the collectors that need more than the default constraints and have none of their own in the bundle."""
    given = list(manifests)
    own = {ref(item).name for item in given if item["kind"] == _KIND}
    found = [ConstraintNeeds(ref(item), tuple(_more(item))) for item in given if _is_collector(item)]
    return [wish for wish in found if wish.more and cluster_wide(wish.owner.namespace, wish.owner.name) not in own]


def _is_collector(item: Manifest) -> bool:
    return item["kind"] in _WORKLOADS and COLLECTOR_LABEL in section(item, "metadata", "labels")


def _more(item: Manifest) -> Iterator[str]:
    spec = section(item, "spec")
    pod = section(spec, "template", "spec") or spec
    if any("hostPath" in volume for volume in items(pod, "volumes")):
        yield "folders of the node"
    if any("hostPort" in port for port in _ports(pod)):
        yield "ports of the node"
    if pod.get("hostNetwork"):
        yield "the node's network"
    users = (at(pod, (key, "runAsUser")) for key in ("securityContext", "podSecurityContext"))
    yield from (f"user {user}" for user in users if user is not None)


def _ports(pod: Manifest) -> Iterator[Any]:
    yield from items(pod, "ports")
    for container in items(pod, "containers"):
        yield from items(container, "ports")
