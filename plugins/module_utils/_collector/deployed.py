# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules learn of a collector that this collection deploys: its deployment and its variables. Private.

A `Deployment` of the rules says how a collector runs, such as its mode and its number of pods (rules/subject.py). It is
no object of Kubernetes. `KubernetesRuntime` of _runtimes.py calls these functions. Example: a collector of mode
deployment with `autoscaling: {min_replicas: 2, max_replicas: 5, cpu_percent: 70}` and no `cpu_request` has the
deployment `replicas=2, autoscaled=True, unrequested=("cpu",)`. A rule then says that the autoscaler cannot work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .._otelcol.needs.derive_needs import Needs
from .._otelcol.needs.needed_ports import CollectorPort
from .._otelcol.needs.needed_variables import DOWNWARD_FIELDS
from .._otelcol.needs.quantities import parse_bytes
from .._otelcol.rules.subject import Deployment
from .manifests.config_map import CONFIG_DIRECTORY
from .manifests.pod_volumes import keeps_state_on_node
from .options import Collector
from .platform import Platform

_MIB = 2**20
# Modes whose number of pods follows from nodes or from pods of applications.
_UNCOUNTED_MODES = ("daemonset", "sidecar")
# Variables that the operator adds to every container.
_OPERATOR_VARIABLES = {"operator": frozenset(("POD_NAME",))}
# Variables that EKS webhooks add to pods whose ServiceAccount has a role annotation.
# Source: aws/amazon-eks-pod-identity-webhook, README.
_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
_WEBHOOK_VARIABLES = frozenset(
    ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_STS_REGIONAL_ENDPOINTS")
)


def build_deployment(collector: Collector, needs: Needs | None, platform: Platform | None = None) -> Deployment:
    """Return the deployment of a collector with these needs; without needs, derived facts stay unknown."""
    autoscaling = collector.autoscaling
    deployment_by_options = Deployment(
        mode=collector.mode,
        replicas=_count_replicas(collector),
        is_autoscaled=bool(autoscaling) and autoscaling["max_replicas"] > 1,
        unrequested_resources=_find_unrequested(collector),
        memory_limit_mib=parse_bytes(collector.memory_limit) // _MIB,
        uses_host_network=collector.host_network,
        ip_families=tuple(collector.ip_families),
        is_probed=True,
        has_target_allocator=collector.is_allocated,
        by_operator=collector.backend == "operator",
        is_confined=bool(platform and platform.selinux and not collector.selinux_type),
        keeps_on_node=bool(platform and keeps_state_on_node(collector, platform)),
        allowed_rights=tuple(collector.allow),
        pod_logs=collector.logs,
        has_user_metadata=bool(collector.pod_annotations or collector.pod_labels),
    )
    return _add_needs(deployment_by_options, collector, needs, platform) if needs else deployment_by_options


def _add_needs(
    known_deployment: Deployment, collector: Collector, needs: Needs, platform: Platform | None
) -> Deployment:
    """Return a deployment with the facts that follow from what the config needs."""
    return replace(
        known_deployment,
        mount_paths=_list_mounts(collector, needs),
        fleeting_paths=_find_fleeting_paths(collector, needs, platform),
        exposed_ports=_find_reached_ports(collector, needs),
        granted_rules=needs.rbac_rules,
        open_ports=_find_ports_open_to_all(collector, needs),
    )


def list_variables(collector: Collector) -> frozenset[str]:
    """Return the variables of a collector: from the user, the pod and the cloud's webhook."""
    webhook_variables = _WEBHOOK_VARIABLES if _ROLE_ANNOTATION in collector.service_account_annotations else frozenset()
    backend_variables = _OPERATOR_VARIABLES.get(collector.backend, frozenset())
    return frozenset(collector.env) | frozenset(DOWNWARD_FIELDS) | webhook_variables | backend_variables


def _count_replicas(collector: Collector) -> int | None:
    """Return the smallest number of pods, or None where the mode has no such number."""
    if collector.mode in _UNCOUNTED_MODES:
        return None
    return int(collector.autoscaling.get("min_replicas", collector.replicas))


def _find_unrequested(collector: Collector) -> tuple[str, ...]:
    """Return the resources that an autoscaler counts in percent, and that the container does not request."""
    # A container whose CPU is limited requests as much.
    requests_cpu = collector.cpu_request or collector.cpu_limit
    scales_by_cpu = collector.autoscaling.get("cpu_percent")
    return ("cpu",) if scales_by_cpu and not requests_cpu else ()


def _list_mounts(collector: Collector, needs: Needs) -> tuple[str, ...]:
    """Return the paths at which the container has a volume: of the config, of its needs, and of the user."""
    derived_paths = (mount.path for mount in needs.mounts)
    own_paths = (str(volume.get("mount_path")) for volume in collector.volumes)
    return (CONFIG_DIRECTORY, *derived_paths, *needs.state_directories, *own_paths)


def _find_fleeting_paths(collector: Collector, needs: Needs, platform: Platform | None) -> tuple[str, ...]:
    """Return the paths whose files end with the pod: unless a claim or a folder of the node keeps the state."""
    paths: list[str] = []
    # Without a platform, nobody knows whether the node keeps the state. The rules then say nothing about it.
    may_outlive_pod = collector.mode == "statefulset" or platform is None or keeps_state_on_node(collector, platform)
    if not may_outlive_pod:
        paths += needs.state_directories
    for volume in collector.volumes:
        if "emptyDir" in (volume.get("source") or {}):
            paths.append(str(volume.get("mount_path")))
    return tuple(paths)


def _find_ports_open_to_all(collector: Collector, needs: Needs) -> frozenset[tuple[int, str]]:
    """Return the ports of the node that are open to everybody, and that the user did not ask for."""
    is_asked_for = collector.host_ports is not None
    is_limited = bool(collector.network_policy.get("ingress_from"))
    if is_asked_for or is_limited or not collector.uses_host_ports:
        return frozenset()
    return _select_exposed_ports(needs.ports)


def _find_reached_ports(collector: Collector, needs: Needs) -> frozenset[tuple[int, str]] | None:
    """Return the ports that are reached from outside of the pod, or None where that is not known.

    Containers of a sidecar's pod reach all its ports.
    """
    if collector.mode == "sidecar":
        return None
    ways_in = (
        collector.wants_service,
        collector.has_headless_service,
        collector.uses_host_ports,
        collector.host_network,
    )
    return _select_exposed_ports(needs.ports) if any(ways_in) else frozenset()


def _select_exposed_ports(ports: Iterable[CollectorPort]) -> frozenset[tuple[int, str]]:
    """Return the number and protocol of each port that is exposed."""
    return frozenset((port.number, port.protocol) for port in ports if port.is_exposed)
