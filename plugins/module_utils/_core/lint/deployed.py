# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules may know of a collector that this collection deploys itself. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..collector.collector import Collector
from ..collector.platform import Place
from ..collector.quantity import parse_bytes
from ..manifests.pod import CONFIG_DIRECTORY
from ..needs.derive import DOWNWARD, Needs, derive
from . import structure
from .finding import run
from .subject import Deployment, Subject

_MIB = 2**20
_UNCOUNTED = ("daemonset", "sidecar")
# What the operator gives to every container.
_BY_OPERATOR = {"operator": frozenset(("POD_NAME",))}
# What the webhooks of EKS add to pods whose ServiceAccount is annotated with a role.
# Source: aws/amazon-eks-pod-identity-webhook, README.
_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
_BY_WEBHOOK = frozenset(
    ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_STS_REGIONAL_ENDPOINTS")
)


def deployment(collector: Collector, config: Mapping[str, Any], place: Place | None = None) -> Deployment:
    """Return where a collector with this config will run. What follows from a malformed config is not known."""
    needs = None if run(structure.RULES, Subject(config)) else derive(config)
    scaler = collector.autoscaling
    return Deployment(
        mode=collector.mode,
        replicas=None if collector.mode in _UNCOUNTED else int(scaler.get("min_replicas", collector.replicas)),
        autoscaled=bool(scaler) and scaler["max_replicas"] > 1,
        memory_limit_mib=parse_bytes(collector.memory_limit) // _MIB,
        host_network=collector.host_network,
        mounts=_mounts(collector, needs) if needs else None,
        exposed=_exposed(collector, needs) if needs else None,
        granted=needs.rules if needs else None,
        probed=True,
        target_allocator=collector.is_allocated,
        network_policy=bool(collector.network_policy.get("enabled")),
        platform=collector.platform,
        confined=bool(place and place.selinux and not collector.selinux_type),
    )


def environment(collector: Collector) -> frozenset[str]:
    """Return the variables that a collector is given: the user's, the pod's own, and those of a cloud's webhook."""
    webhook = _BY_WEBHOOK if _ROLE_ANNOTATION in collector.service_account_annotations else frozenset()
    backend = _BY_OPERATOR.get(collector.backend, frozenset())
    return frozenset(collector.env) | frozenset(DOWNWARD) | webhook | backend


def _mounts(collector: Collector, needs: Needs) -> tuple[str, ...]:
    derived = (mount.path for mount in needs.mounts)
    own = (str(item.get("mount_path")) for item in collector.volumes)
    return (CONFIG_DIRECTORY, *derived, *needs.state_directories, *own)


def _exposed(collector: Collector, needs: Needs) -> frozenset[tuple[int, str]] | None:
    """A StatefulSet has a headless Service in any case; who shares a sidecar's pod reaches all of its ports."""
    if collector.mode == "sidecar":
        return None
    offered = (
        collector.wants_service
        or collector.uses_host_ports
        or collector.host_network
        or collector.mode == "statefulset"
    )
    return frozenset((port.number, port.protocol) for port in needs.ports if port.exposed and offered)
