# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read objects that explain a failure, as far as this user may read them. Private.

A wait that fails explains why with what it finds. So a read that the API server refuses ends nothing: it returns None,
which is told apart from an object that is not there and from an empty list.
"""

from __future__ import annotations

from typing import Any

from ..._kube.live.cluster import ApiError, Cluster
from ..failures import Object

_PLURALS_OF_WORKLOADS = {"Deployment": "deployments", "DaemonSet": "daemonsets", "StatefulSet": "statefulsets"}


class AllowedReads:
    """The reads of a cluster by a user who may not have all rights."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def read_object(self, path: str) -> Object | None:
        """Return an object; None if it does not exist, or if this user may not read it."""
        try:
            return self.cluster.get(path)
        except ApiError:
            return None

    def list_objects(self, path: str, query: dict[str, Any] | None = None) -> list[Object] | None:
        """Return the objects of a list; None if this user may not list them, or if the kind is not served."""
        try:
            return list(self.cluster.items(path, query))
        except ApiError:
            return None

    def list_workloads(self, namespace: str = "", selector: str = "") -> list[Object]:
        """Return the Deployments, DaemonSets and StatefulSets of a namespace, without those that may not be listed.

        An empty namespace stands for all namespaces, an empty label selector for all workloads.
        """
        scope = f"/namespaces/{namespace}" if namespace else ""
        query = {"labelSelector": selector} if selector else None
        workloads: list[Object] = []
        for kind, plural in _PLURALS_OF_WORKLOADS.items():
            for workload in self.list_objects(f"/apis/apps/v1{scope}/{plural}", query) or []:
                workloads.append({**workload, "apiVersion": "apps/v1", "kind": kind})
        return workloads
