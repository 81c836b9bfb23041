# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of the newest revision of a workload, and older ones."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout import pod_revisions

from .test_failures import T1, pod
from .workloads import daemon_set, deployment


def test_pods_that_are_to_be_replaced() -> None:
    pods = [pod(name=name, ownerReferences=[{"uid": "w"}]) for name in ("a", "b")]
    gone = pod(name="c", ownerReferences=[{"uid": "w"}], deletionTimestamp=T1)
    assert pod_revisions.select_older_pods(daemon_set(), pods[:1], [*pods, gone, pod(name="d")]) == pods[1:]


def owned(name: str, owner: str = "w", **more: Any) -> Any:
    return {"name": name, "uid": name, "ownerReferences": [{"uid": owner}], **more}


def names(workload: Any, newest: Any, *pods: Any) -> list[str]:
    found = pod_revisions.select_newest_pods(workload, newest, [pod(**metadata) for metadata in pods])
    return [item["metadata"]["name"] for item in found]


def test_only_pods_of_the_newest_revision_or_replica_set_count() -> None:
    old, new = ({"labels": {"controller-revision-hash": letter}} for letter in "on")
    metadata = [(1, owned("old", **old)), (2, owned("new", **new)), (9, owned("other", "x"))]
    newest = pod_revisions.find_newest_revision(
        daemon_set(), [{"revision": number, "metadata": one} for number, one in metadata]
    )
    assert newest["metadata"]["name"] == "new"
    pods = [owned("a", **old), owned("b", **new), owned("c", **new, deletionTimestamp=T1)]
    assert names(daemon_set(), newest, *pods) == ["b"]
    key = "deployment.kubernetes.io/revision"
    sets = [{"metadata": owned(uid, annotations={key: number})} for uid, number in (("r1", "9"), ("r2", "10"))]
    newest = pod_revisions.find_newest_revision(deployment(), sets)
    assert names(deployment(), newest, owned("r1", "r1"), owned("r2", "r2")) == ["r2"]
