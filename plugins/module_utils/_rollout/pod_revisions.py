# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods of a workload have its current template, and which an earlier one? Private.

A revision is a ReplicaSet of a Deployment, or a ControllerRevision of a DaemonSet or StatefulSet; the newest one has
the template that the workload has now. Waits and the diagnosis look for faults in the pods of the newest revision,
since the older ones are being replaced. For example, after a change of the Deployment `web`:

    ReplicaSet web-5d4f8c7b6 (revision 1): older pods      ReplicaSet web-6c9d7f4b8 (revision 2): newest pods
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._otelcol.config.paths import parse_amount

Object = dict[str, Any]

# The label of pods of a DaemonSet or StatefulSet that tells their revisions apart.
_REVISION_LABEL = "controller-revision-hash"


def find_newest_revision(workload: Object, revisions: Iterable[Object]) -> Object | None:
    """Return the newest revision of a workload, or None if it has none."""
    own_revisions = [revision for revision in revisions if is_owned_by(revision, workload)]
    return max(own_revisions, key=_read_revision_number, default=None)


def _read_revision_number(revision: Object) -> int:
    """Return the number of a revision: a field of a ControllerRevision, an annotation of a ReplicaSet."""
    annotations = revision["metadata"].get("annotations") or {}
    # Whoever may edit a ReplicaSet may write anything into its annotation.
    return int(parse_amount(str(revision.get("revision") or annotations.get("deployment.kubernetes.io/revision"))))


def select_newest_pods(workload: Object, revision: Object | None, pods: Iterable[Object]) -> list[Object]:
    """Return the pods of the newest revision that are not being deleted. Older pods are being replaced."""
    remaining_pods = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    if workload["kind"] == "Deployment":
        return _select_owned_pods(remaining_pods, revision) if revision else []
    own_pods = _select_owned_pods(remaining_pods, workload)
    if not revision:
        return own_pods
    # The label of a StatefulSet's pods is the name of a revision, which its status has. That of a DaemonSet's pods is
    # the label of a revision.
    newest_hash = workload.get("status", {}).get("updateRevision") or _read_labels(revision).get(_REVISION_LABEL)
    return [pod for pod in own_pods if _read_labels(pod).get(_REVISION_LABEL) == newest_hash]


def select_older_pods(workload: Object, pods_of_newest: list[Object], pods: Iterable[Object]) -> list[Object]:
    """Return the pods of a DaemonSet or StatefulSet that are not among the newest ones and not being deleted.

    A Deployment has none here, since its pods belong to its ReplicaSets. Older pods matter for a StatefulSet alone, see
    the row `stuck_pod` of failure_tables.py.
    """
    own_pods = [pod for pod in pods if is_owned_by(pod, workload) and pod not in pods_of_newest]
    return [pod for pod in own_pods if not pod["metadata"].get("deletionTimestamp")]


def is_owned_by(owned_object: Object, owner: Object) -> bool:
    """Return whether an object belongs to another."""
    references = owned_object["metadata"].get("ownerReferences") or []
    return any(reference.get("uid") == owner["metadata"]["uid"] for reference in references)


def _select_owned_pods(pods: Iterable[Object], owner: Object) -> list[Object]:
    return [pod for pod in pods if is_owned_by(pod, owner)]


def _read_labels(kubernetes_object: Object | None) -> dict[str, str]:
    return (kubernetes_object["metadata"].get("labels") or {}) if kubernetes_object else {}
