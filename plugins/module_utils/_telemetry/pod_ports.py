# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods by the ports that they declare, and their containers that keep running. Private.

A probe is sent to a pod that listens on a port, and looked for in the logs and metrics of such pods. A selector may
also select pods that do not listen there: the operator gives those of a target allocator the labels of their collector.
For example, `select_listening_pods(pods, 4317)` leaves out a pod without `containerPort: 4317`.
"""

from __future__ import annotations

from typing import Any

from .._otelcol.config.paths import list_at


def select_listening_pods(pods: list[dict[str, Any]], port: int) -> list[dict[str, Any]]:
    """Return the pods that declare a port, or all pods if none does: a pod may listen without declaring it."""
    listening_pods = []
    for pod in pods:
        for container in pod.get("spec", {}).get("containers") or []:
            container_ports = list_at(container, "ports")
            if any(container_port.get("containerPort") == port for container_port in container_ports):
                listening_pods.append(pod)
    return listening_pods or pods


def list_running_containers(pod_spec: dict[str, Any]) -> list[str]:
    """Return the names of the containers that run all the time. An init container that restarts is a sidecar."""
    init_containers = list_at(pod_spec, "initContainers")
    sidecars = [container for container in init_containers if container.get("restartPolicy") == "Always"]
    return [container["name"] for container in [*sidecars, *pod_spec["containers"]]]
