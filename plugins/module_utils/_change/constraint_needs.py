# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What collectors ask for that OpenShift's default SecurityContextConstraints do not allow. Private.

On OpenShift, constraints (SecurityContextConstraints) say what pods may ask for. Pods get `restricted-v2` by default.
A collector that needs more has constraints of its own in the bundle, which have its `cluster_wide_name`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .._kube.object_names import cluster_wide_name
from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.kube.objects import Manifest, ObjectRef, ref
from .workload_kinds import POD_RUNNING_KINDS

# The API of clusters that have SecurityContextConstraints.
CONSTRAINTS_API = "/apis/security.openshift.io/v1"
_CONSTRAINTS_KIND = "SecurityContextConstraints"


class ConstraintNeeds(NamedTuple):
    """What the pods of a collector ask for beyond `restricted-v2`."""

    owner: ObjectRef
    """The workload or custom resource of the collector."""
    extra_needs: tuple[str, ...]
    """Such as `folders of the node`."""


def find_unmet_needs(manifests: Iterable[Manifest]) -> list[ConstraintNeeds]:
    """Return the collectors that need more than the default constraints and have none of their own in the bundle."""
    manifest_list = list(manifests)
    own_constraints = {ref(manifest).name for manifest in manifest_list if manifest["kind"] == _CONSTRAINTS_KIND}
    collector_needs = []
    for manifest in filter(_is_collector, manifest_list):
        owner = ref(manifest)
        extra_needs = tuple(_find_needs_beyond_default(manifest))
        if extra_needs and cluster_wide_name(owner.namespace, owner.name) not in own_constraints:
            collector_needs.append(ConstraintNeeds(owner, extra_needs))
    return collector_needs


def _is_collector(manifest: Manifest) -> bool:
    return manifest["kind"] in POD_RUNNING_KINDS and COLLECTOR_LABEL in mapping_at(manifest, "metadata", "labels")


def _find_needs_beyond_default(collector: Manifest) -> Iterator[str]:
    """Yield what the pods of a collector ask for that `restricted-v2` does not allow."""
    spec = mapping_at(collector, "spec")
    pod_spec = mapping_at(spec, "template", "spec") or spec  # a custom resource has the fields of its pods in its spec
    if any("hostPath" in volume for volume in list_at(pod_spec, "volumes")):
        yield "folders of the node"
    if any("hostPort" in port for port in _list_ports(pod_spec)):
        yield "ports of the node"
    if pod_spec.get("hostNetwork"):
        yield "the node's network"
    for context_field in ("securityContext", "podSecurityContext"):
        user = value_at(pod_spec, (context_field, "runAsUser"))
        if user is not None:
            yield f"user {user}"


def _list_ports(pod_spec: Manifest) -> Iterator[Any]:
    """Yield the ports of a custom resource, or of the containers of a pod."""
    yield from list_at(pod_spec, "ports")
    for container in list_at(pod_spec, "containers"):
        yield from list_at(container, "ports")
