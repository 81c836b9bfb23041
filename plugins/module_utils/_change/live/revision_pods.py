# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the pods of a workload, and tell those of its newest revision from those of older ones. Private.

A controller makes a new revision (a ReplicaSet or a ControllerRevision) for each change of the pod template. While a
change spreads, the pods of the newest revision run the new config, and the others still run an earlier one:

    Deployment obs/gateway → ReplicaSet gateway-9c (newest) → newest = [gateway-9c-x]
                             ReplicaSet gateway-7d          → older  = [gateway-7d-a, gateway-7d-b]
"""

from __future__ import annotations

from typing import NamedTuple

from ..._diagnose.live.find_collectors import PLURALS
from ..._diagnose.live.reader import ClusterReader, Object, object_path
from ..._kube.live.api_errors import ask_server
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.kube.objects import ref
from ..._rollout.pod_revisions import find_newest_revision, is_owned_by, select_newest_pods, select_older_pods


class Pods(NamedTuple):
    """The pods of a workload: those of its newest revision, and those of older ones."""

    newest: list[Object]
    older: list[Object]

    @property
    def all(self) -> list[Object]:
        """All pods, the newest first."""
        return [*self.newest, *self.older]


def read_pods(reader: ClusterReader, workload: Object) -> Pods:
    """Return the pods of the newest revision of a workload, and those of older ones, as they are now."""
    return ask_server(f"Read the pods of {ref(workload)}", lambda: _read_pods(reader, workload))


def _read_pods(reader: ClusterReader, workload: Object) -> Pods:
    """Return the pods as `read_pods` does. Raises ApiError."""
    kind, namespace = workload["kind"], workload["metadata"]["namespace"]
    path = object_path(PLURALS[kind], namespace, workload["metadata"]["name"])
    live = {**(reader.cluster.get(path) or workload), "kind": kind}
    query = _build_selector_query(live)
    revision_plural = "replicasets" if kind == "Deployment" else "controllerrevisions"
    revisions = list(reader.cluster.items(object_path(revision_plural, namespace), query))
    pods = list(reader.cluster.items(object_path("pods", namespace), query))
    # A Deployment owns its pods by its ReplicaSets.
    owners = [live]
    if kind == "Deployment":
        owners = [revision for revision in revisions if is_owned_by(revision, live)]
    newest_pods = select_newest_pods(live, find_newest_revision(live, revisions), pods)
    older_pods: list[Object] = []
    for owner in owners:
        older_pods += select_older_pods(owner, newest_pods, pods)
    return Pods(newest_pods, older_pods)


def _build_selector_query(workload: Object) -> dict[str, str]:
    """Return the query for the objects with the labels of a workload's selector; without a selector, for all.

    The query only makes the answer shorter. Which pods are those of the workload, their owners tell.
    """
    labels = mapping_at(workload, "spec", "selector", "matchLabels")
    if not labels:
        return {}
    return {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
