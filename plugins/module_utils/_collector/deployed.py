# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The context of collectors that this collection deploys, and rules between collectors of one run. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from .._otelcol.errors import Problem, at_most
from .._otelcol.kube import names
from .._otelcol.needs.derive_needs import DOWNWARD, Needs, Port
from .._otelcol.needs.quantities import parse_bytes
from .._otelcol.rules.subject import Deployment
from .manifests.pod import CONFIG_DIRECTORY, keeps_on_node
from .options import Collector
from .platform import Platform

_MIB = 2**20
_SHOWN = 5
_UNCOUNTED = ("daemonset", "sidecar")
# Variables that the operator adds to every container.
_BY_OPERATOR = {"operator": frozenset(("POD_NAME",))}
# Variables that EKS webhooks add to pods whose ServiceAccount has a role annotation.
# Source: aws/amazon-eks-pod-identity-webhook, README.
_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
_BY_WEBHOOK = frozenset(
    ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_STS_REGIONAL_ENDPOINTS")
)


def deployment(collector: Collector, needs: Needs | None, platform: Platform | None = None) -> Deployment:
    """Return the deployment of a collector with these needs; without needs, derived facts stay unknown."""
    scaler = collector.autoscaling
    return Deployment(
        mode=collector.mode,
        replicas=None if collector.mode in _UNCOUNTED else int(scaler.get("min_replicas", collector.replicas)),
        autoscaled=bool(scaler) and scaler["max_replicas"] > 1,
        unrequested=("cpu",) if scaler.get("cpu_percent") and not _requests_cpu(collector) else (),
        memory_limit_mib=parse_bytes(collector.memory_limit) // _MIB,
        host_network=collector.host_network,
        ip_families=tuple(collector.ip_families),
        mounts=_mounts(collector, needs) if needs else None,
        fleeting=_fleeting(collector, needs, platform) if needs else (),
        exposed=_exposed(collector, needs) if needs else None,
        granted=needs.rules if needs else None,
        probed=True,
        target_allocator=collector.is_allocated,
        by_operator=collector.backend == "operator",
        confined=bool(platform and platform.selinux and not collector.selinux_type),
        keeps_on_node=bool(platform and keeps_on_node(collector, platform)),
        allowed=tuple(collector.allow),
        open_ports=_open(collector, needs) if needs else frozenset(),
        logs=collector.logs,
        annotated=bool(collector.pod_annotations or collector.pod_labels),
    )


def _requests_cpu(collector: Collector) -> bool:
    """Whether the container requests CPU: by itself, or because its CPU is limited."""
    return bool(collector.cpu_request or collector.cpu_limit)


def _open(collector: Collector, needs: Needs) -> frozenset[tuple[int, str]]:
    """Return the ports of the node that are open by default, and to everybody."""
    asked = collector.host_ports is not None or collector.network_policy.get("ingress_from")
    found = () if asked or not collector.uses_host_ports else needs.ports
    return frozenset((port.number, port.protocol) for port in found if port.exposed)


def environment(collector: Collector) -> frozenset[str]:
    """Return the variables of a collector: from the user, the pod and the cloud's webhook."""
    webhook = _BY_WEBHOOK if _ROLE_ANNOTATION in collector.service_account_annotations else frozenset()
    backend = _BY_OPERATOR.get(collector.backend, frozenset())
    return frozenset(collector.env) | frozenset(DOWNWARD) | webhook | backend


def _mounts(collector: Collector, needs: Needs) -> tuple[str, ...]:
    derived = (mount.path for mount in needs.mounts)
    own = (str(item.get("mount_path")) for item in collector.volumes)
    return (CONFIG_DIRECTORY, *derived, *needs.state_directories, *own)


def _fleeting(collector: Collector, needs: Needs, platform: Platform | None) -> tuple[str, ...]:
    """Return the paths whose files end with the pod: unless a claim or a folder of the node keeps the state."""
    kept = collector.mode == "statefulset" or platform is None or keeps_on_node(collector, platform)
    own = (str(item.get("mount_path")) for item in collector.volumes if "emptyDir" in (item.get("source") or {}))
    return (*(() if kept else needs.state_directories), *own)


def _exposed(collector: Collector, needs: Needs) -> frozenset[tuple[int, str]] | None:
    """Containers of a sidecar's pod reach all its ports."""
    if collector.mode == "sidecar":
        return None
    ways_in = (collector.wants_service, collector.has_headless, collector.uses_host_ports, collector.host_network)
    if not any(ways_in):
        return frozenset()
    return frozenset((port.number, port.protocol) for port in needs.ports if port.exposed)


@dataclass(frozen=True)
class Member:
    """A collector and the ports that its config opens."""

    collector: Collector
    ports: tuple[Port, ...]


def check(members: Sequence[Member]) -> None:
    """Raise Problem if two collectors conflict. The message names both, and the first conflicts about ports."""
    for one, two in combinations(members, 2):
        _check_names(one.collector, two.collector)
        _check_children(one.collector, two.collector)
        _check_children(two.collector, one.collector)
    clashes = [clash for one, two in combinations(members, 2) for clash in _port_clashes(one, two)]
    if clashes:
        wrong = at_most(_SHOWN, clashes, "; ", "; ")
        fix = "Change an endpoint, set `host_ports: false` for one, or give them different node_selectors."
        raise Problem(wrong, asked="two collectors cannot open the same port on one node", fix=fix)


def union(manifests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the manifests, each object once. Raises Problem if two collectors define an object differently."""
    result: dict[tuple[str, ...], dict[str, Any]] = {}
    for manifest in manifests:
        kind, metadata = manifest["kind"], manifest["metadata"]
        group = manifest.get("apiVersion", "").rpartition("/")[0]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        if result.setdefault((group, kind, namespace, name), manifest) != manifest:
            wrong = f"two collectors define {kind} '{name}' in namespace '{namespace}' differently"
            raise Problem(wrong, fix="Give both the same settings for the object, or different names.")
    return list(result.values())


def _check_names(one: Collector, two: Collector) -> None:
    if (one.namespace, one.name) == (two.namespace, two.name):
        raise Problem(f"two collectors are named '{one.name}' in namespace '{one.namespace}'", fix="Rename one.")
    if one.namespace == two.namespace and one.selector == two.selector:
        raise Problem(
            f"collectors '{one.name}' and '{two.name}' would select each other's pods: "
            f"both have instance '{one.instance}' and mode {one.mode}",
            fix="Give each its own `instance`.",
        )


def _check_children(one: Collector, two: Collector) -> None:
    """Raise Problem if the operator would give a child of one collector the name of another collector."""
    if one.backend == "operator" and one.namespace == two.namespace and two.name in names.of_operator(one.name):
        wrong = f"collector '{two.name}' has the name that the operator gives to a workload of collector '{one.name}'"
        raise Problem(wrong, fix="Rename one.")


def _port_clashes(one: Member, two: Member) -> Iterator[str]:
    if not _may_share_a_node(one.collector, two.collector):
        return
    for port in sorted(_on_node(one) & _on_node(two)):
        yield f"'{one.collector.name}' and '{two.collector.name}' both open {port[0]}/{port[1]} on the node"


def _on_node(member: Member) -> set[tuple[int, str]]:
    collector = member.collector
    if collector.host_network:
        return {(port.number, port.protocol) for port in member.ports}
    if collector.uses_host_ports:
        return {(port.number, port.protocol) for port in member.ports if port.exposed}
    return set()


def _may_share_a_node(one: Collector, two: Collector) -> bool:
    """Two selectors with different values for one label never select the same node."""
    shared_keys = one.node_labels.keys() & two.node_labels.keys()
    return all(one.node_labels[key] == two.node_labels[key] for key in shared_keys)
