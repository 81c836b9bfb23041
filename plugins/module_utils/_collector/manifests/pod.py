# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pod template of a collector. Private.

`workload.py` puts the template into a Deployment, DaemonSet or StatefulSet. The custom resource of the operator has
many of its fields under the same names, so `open_telemetry_collector.py` takes them from here. Parts of the pod have
files of their own, such as `collector_container.py` and `pod_volumes.py`.
"""

from __future__ import annotations

from typing import Any

from ..._kube.object_names import label_value
from ..._otelcol.errors import Problem
from . import own_metrics
from .build import CollectorBuild, omit_empty
from .collector_container import render_collector_container
from .config_map import render_config_volume
from .pod_security import render_pod_security
from .pod_volumes import list_volumes

HASH_ANNOTATION = "checksum/config"


def render_pod_template(build: CollectorBuild) -> dict[str, Any]:
    """Return the pod template; a change of config changes its hash, and so rolls the pods."""
    collector = build.collector
    version = {"app.kubernetes.io/version": label_value(collector.version)}
    labels = {**collector.pod_labels, **collector.selector, **collector.pods, **version}
    annotations = {
        **own_metrics.scrape_annotations(build),
        **collector.pod_annotations,
        HASH_ANNOTATION: build.config_hash,
    }
    return {"metadata": {"labels": labels, "annotations": annotations}, "spec": _render_pod_spec(build)}


def _render_pod_spec(build: CollectorBuild) -> dict[str, Any]:
    """Return the field `spec` of the template."""
    collector = build.collector
    return {
        "serviceAccountName": collector.service_account_name,
        "automountServiceAccountToken": build.wants_api_token,
        "securityContext": render_pod_security(build),
        "containers": [render_collector_container(build), *list_user_containers(build)],
        "volumes": [render_config_volume(build), *list_volumes(build)],
        "terminationGracePeriodSeconds": collector.termination_grace_seconds,
        **omit_empty(initContainers=collector.init_containers),
        **omit_empty(imagePullSecrets=[{"name": name} for name in collector.image_pull_secrets]),
        **render_shared_pod_fields(build, collector.selector),
        **omit_empty(dnsPolicy="ClusterFirstWithHostNet" if collector.host_network else None),
    }


def render_shared_pod_fields(build: CollectorBuild, pod_labels: dict[str, str]) -> dict[str, Any]:
    """Return the fields of a pod that the custom resource has under the same names; the pods have these labels.

    A constraint of topology selects them, unless it has a selector of its own.
    """
    collector = build.collector
    return omit_empty(
        nodeSelector=collector.node_labels,
        tolerations=collector.all_tolerations,
        affinity=collector.affinity,
        topologySpreadConstraints=[
            {"labelSelector": {"matchLabels": pod_labels}, **constraint} for constraint in collector.topology_spread
        ],
        priorityClassName=collector.priority_class_name,
        hostNetwork=collector.host_network or None,
        hostAliases=_render_host_aliases(build),
    )


def _render_host_aliases(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the names of hosts that the pods know beside DNS, each address once.

    Example: the lines `10.0.0.5 loki` and `10.0.0.5 tempo` are `[{ip: 10.0.0.5, hostnames: [loki, tempo]}]`.
    """
    names_by_address: dict[str, list[str]] = {}
    for line in build.host_names:
        address, name = line.split()
        names_by_address.setdefault(address, []).append(name)
    return [{"ip": address, "hostnames": names} for address, names in names_by_address.items()]


def list_user_containers(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the user's containers. Raises Problem for one without a name of its own."""
    collector = build.collector
    used_names = {collector.logs.container}
    for option in ("init_containers", "containers"):
        for container in getattr(collector, option):
            name = str(container.get("name") or "")
            if not name or name in used_names:
                wrong = f"{option} has {f'two containers {name}' if name else 'a container without a name'}"
                fix = f"Give each container a name of its own; the Collector's is {collector.logs.container}."
                raise Problem(wrong, asked=f"collector '{collector.name}'", fix=fix)
            used_names.add(name)
    return collector.containers
