# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container of the Collector in a pod of its own. Private.

`pod.py` puts it into the pod template. The custom resource of the operator has some of its fields under the same names,
so `open_telemetry_collector.py` takes them from here. For example, an agent gets

    {name: opentelemetry-collector, image: …, args: [--config=/conf/config.yaml],
     ports: [{name: otlp, hostPort: 4317, …}, …], env: [{name: GOMEMLIMIT, …}, {name: MY_POD_IP, …}, …],
     resources: {…}, volumeMounts: [{name: config, …}, …], …}
"""

from __future__ import annotations

from typing import Any

from .build import CollectorBuild, omit_empty
from .config_map import CONFIG_PATH, render_config_mount
from .container_probes import render_probes
from .pod_environment import render_environment
from .pod_security import CONTAINER_SECURITY
from .pod_volumes import list_volume_mounts


def render_collector_container(build: CollectorBuild) -> dict[str, Any]:
    """Return the container of the Collector."""
    return {
        "name": build.collector.logs.container,
        "image": build.image,
        "imagePullPolicy": build.collector.image_pull_policy,
        "args": [f"--config={CONFIG_PATH}"],
        "ports": _list_container_ports(build),
        **render_shared_fields(build),
        "securityContext": dict(CONTAINER_SECURITY),
        "volumeMounts": [render_config_mount(), *list_volume_mounts(build)],
        **omit_empty(lifecycle=render_lifecycle(build)),
        **render_probes(build),
    }


def render_shared_fields(build: CollectorBuild) -> dict[str, Any]:
    """Return the fields of the container that the custom resource has under the same names."""
    resize = omit_empty(resizePolicy=build.collector.resize_policy)
    return {"env": render_environment(build), "resources": render_resources(build), **resize}


def _list_container_ports(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the ports of the container. Agents open those for clients on their node too."""
    container_ports = []
    for port in build.needs.ports:
        container_port: dict[str, Any] = {
            "name": port.name,
            "containerPort": port.number,
            "protocol": port.protocol,
        }
        if build.collector.uses_host_ports and port.is_exposed:
            container_port["hostPort"] = port.number
        container_ports.append(container_port)
    return container_ports


def render_resources(build: CollectorBuild) -> dict[str, Any]:
    """Return requests and limits. By default, the whole memory is requested: an evicted collector loses its queues."""
    collector = build.collector
    limits = omit_empty(cpu=collector.cpu_limit, memory=collector.memory_limit)
    memory = collector.memory_request or collector.memory_limit
    return {"limits": limits, "requests": omit_empty(cpu=collector.cpu_request, memory=memory)}


def render_lifecycle(build: CollectorBuild) -> dict[str, Any]:
    """Return the pause before the stop of a pod behind a Service: at most half of the time that it may take.

    Endpoints forget a pod while it stops, not before. The image has no shell, so Kubernetes itself sleeps.
    Source: kubernetes.io, "Container Lifecycle Hooks"; the action `sleep` is on by default since 1.30.
    """
    pause_seconds = build.collector.stop_pause_seconds
    is_behind_service = build.collector.wants_service and build.exposed_ports
    if not pause_seconds or not is_behind_service:
        return {}
    return {"preStop": {"sleep": {"seconds": pause_seconds}}}
