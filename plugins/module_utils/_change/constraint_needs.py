# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What collectors ask for that OpenShift's default SecurityContextConstraints do not allow. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .._otelcol.config.paths import at, items, section
from .._otelcol.kube.names import COLLECTOR_LABEL, cluster_wide
from .._otelcol.kube.objects import Manifest, Ref, ref
from .workload_kinds import RUNS

# The API of clusters that have SecurityContextConstraints.
CONSTRAINTS_API = "/apis/security.openshift.io/v1"
_CONSTRAINTS = "SecurityContextConstraints"


class ConstraintNeeds(NamedTuple):
    """What the pods of a collector ask for beyond `restricted-v2`."""

    owner: Ref
    more: tuple[str, ...]


def unmet_needs(manifests: Iterable[Manifest]) -> list[ConstraintNeeds]:
    """Return the collectors that need more than the default constraints and have none of their own in the bundle."""
    given = list(manifests)
    own_constraints = {ref(manifest).name for manifest in given if manifest["kind"] == _CONSTRAINTS}
    found = []
    for manifest in filter(_is_collector, given):
        owner = ref(manifest)
        more = tuple(_more_than_default(manifest))
        if more and cluster_wide(owner.namespace, owner.name) not in own_constraints:
            found.append(ConstraintNeeds(owner, more))
    return found


def _is_collector(item: Manifest) -> bool:
    return item["kind"] in RUNS and COLLECTOR_LABEL in section(item, "metadata", "labels")


def _more_than_default(collector: Manifest) -> Iterator[str]:
    """Yield what the pods of a collector ask for that `restricted-v2` does not allow."""
    spec = section(collector, "spec")
    pod = section(spec, "template", "spec") or spec
    if any("hostPath" in volume for volume in items(pod, "volumes")):
        yield "folders of the node"
    if any("hostPort" in port for port in _ports_of(pod)):
        yield "ports of the node"
    if pod.get("hostNetwork"):
        yield "the node's network"
    for context in ("securityContext", "podSecurityContext"):
        user = at(pod, (context, "runAsUser"))
        if user is not None:
            yield f"user {user}"


def _ports_of(pod: Manifest) -> Iterator[Any]:
    """Yield the ports of a custom resource, or of the containers of a pod."""
    yield from items(pod, "ports")
    for container in items(pod, "containers"):
        yield from items(container, "ports")
