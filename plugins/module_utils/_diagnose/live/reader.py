# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads for a diagnosis: each path once, many at a time, and what this user may not see is noted. Private."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..._kube.live.cluster import NOT_FOUND, ApiError, Cluster
from ..._kube.live.outage import LostError
from ..._kube.live.urls import quote_segment
from ..._otelcol.errors import clean_text

Object = dict[str, Any]
FORBIDDEN = 403
# A pod that does not answer through the API server would hold up all others for longer than anyone waits.
QUICK_SECONDS = 4.0
# The kinds that are read once per namespace: API version, kind, plural.
KINDS = {
    plural: (version, kind)
    for version, kind, plural in (
        ("apps/v1", "Deployment", "deployments"),
        ("apps/v1", "DaemonSet", "daemonsets"),
        ("apps/v1", "StatefulSet", "statefulsets"),
        ("opentelemetry.io/v1beta1", "OpenTelemetryCollector", "opentelemetrycollectors"),
        ("v1", "Pod", "pods"),
        ("apps/v1", "ReplicaSet", "replicasets"),
        ("apps/v1", "ControllerRevision", "controllerrevisions"),
        ("v1", "Event", "events"),
        ("v1", "Service", "services"),
        ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
        ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
        ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
        ("cert-manager.io/v1", "Certificate", "certificates"),
        ("v1", "Secret", "secrets"),
        ("v1", "ConfigMap", "configmaps"),
    )
}
# The kinds whose objects are read by name only: Secrets are never listed.
PLURALS_READ_BY_NAME = ("secrets", "configmaps")
# The plurals of the kinds whose keys pods mount or read.
PLURALS = {"Secret": "secrets", "ConfigMap": "configmaps"}
_NODES_PATH = "/api/v1/nodes"
LISTED_PLURALS = tuple(plural for plural in KINDS if plural not in PLURALS_READ_BY_NAME)


class ReadResult(NamedTuple):
    """The result of a read; `unread_reason` is the reason for an empty one."""

    value: Any = None
    unread_reason: str = ""


def utc_now() -> str:
    """Return the time as Kubernetes writes it."""
    return datetime.now(UTC).isoformat()


def object_path(plural: str, namespace: str, name: str = "") -> str:
    """Return the URL path of an object, or of all of a kind in a namespace."""
    version = KINDS[plural][0]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    path = f"{root}/namespaces/{quote_segment(namespace)}/{plural}"
    return f"{path}/{quote_segment(name)}" if name else path


class ClusterReader:
    """One cluster, read for one diagnosis.

    `quick_cluster` is the same cluster, with a short time limit for calls whose answer is not needed.
    """

    def __init__(self, cluster: Cluster, quick_cluster: Cluster) -> None:
        self.cluster, self.quick_cluster = cluster, quick_cluster
        self._known: dict[str, ReadResult] = {}

    def read_ahead(self, lists: Iterable[tuple[str, str]], objects: Iterable[tuple[str, str, str]] = ()) -> None:
        """Read lists (plural, namespace) and objects (plural, namespace, name) at once."""
        reads = [(plural, namespace, "") for plural, namespace in lists] + list(objects)
        new_reads = [read for read in dict.fromkeys(reads) if object_path(*read) not in self._known]
        for read, answer in zip(new_reads, self.cluster.call_in_parallel(self._read_result, new_reads), strict=True):
            self._known[object_path(*read)] = answer

    def _read_result(self, object_key: tuple[str, str, str]) -> ReadResult:
        plural, namespace, name = object_key
        path, (version, kind) = object_path(plural, namespace, name), KINDS[plural]
        kind_fields = {"apiVersion": version, "kind": kind}
        try:
            if name:
                return ReadResult(self.cluster.get(path))
            return ReadResult([{**manifest, **kind_fields} for manifest in self.cluster.items(path)])
        except ApiError as error:
            if error.status == NOT_FOUND:  # a kind that is not installed
                return ReadResult([])
            return ReadResult(None, error.message)

    def list_objects(self, plural: str, namespace: str, notes: Notes) -> list[Object] | None:
        """Return the objects of a kind; None when this user may not see them."""
        self.read_ahead([(plural, namespace)])
        answer = self._known[object_path(plural, namespace)]
        if answer.unread_reason:
            notes.note_unseen(f"{plural} in {namespace}", answer.unread_reason)
        manifests: list[Object] | None = answer.value
        return manifests

    def list_in_namespaces_of(self, plural: str, objects: Iterable[Object], notes: Notes) -> list[Object]:
        """Return the objects of a kind in the namespaces of these objects, as far as this user may see them."""
        namespaces = dict.fromkeys(str(manifest["metadata"]["namespace"]) for manifest in objects)
        self.read_ahead([(plural, namespace) for namespace in namespaces])
        visible: list[Object] = []
        for namespace in namespaces:
            visible += self.list_objects(plural, namespace, notes) or []
        return visible

    def list_nodes(self, notes: Notes) -> list[Object]:
        """Return the nodes of the cluster; none when this user may not see them."""
        if _NODES_PATH not in self._known:
            try:
                self._known[_NODES_PATH] = ReadResult(list(self.cluster.items(_NODES_PATH)))
            except ApiError as error:
                self._known[_NODES_PATH] = ReadResult([], error.message)
        answer = self._known[_NODES_PATH]
        if answer.unread_reason:
            notes.note_unseen("nodes of the cluster", answer.unread_reason)
        node_manifests: list[Object] = answer.value
        return node_manifests

    def list_labelled_pods(self, selector: str, notes: Notes) -> list[Object] | None:
        """Return the pods of all namespaces that have a label; None when this user may not see them."""
        try:
            return list(self.cluster.items("/api/v1/pods", {"labelSelector": selector}))
        except ApiError as error:
            notes.note_unseen("pods of other namespaces", error.message)
            return None

    def read_object(self, plural: str, namespace: str, name: str, notes: Notes) -> ReadResult:
        """Return one object; an answer without value and reason is that it does not exist."""
        known_list = self._known.get(object_path(plural, namespace), ReadResult())
        if known_list.value is not None:
            for manifest in known_list.value:
                if manifest["metadata"]["name"] == name:
                    return ReadResult(manifest)
            return ReadResult()
        self.read_ahead([], [(plural, namespace, name)])
        answer = self._known[object_path(plural, namespace, name)]
        if answer.unread_reason:
            notes.note_unseen(f"{plural} {namespace}/{name}", answer.unread_reason)
        return answer

    def read_text(self, path: str, query: dict[str, Any] | None = None) -> ReadResult:
        """Return what a pod or a Service answers, through the API server."""
        separate_cluster = self.quick_cluster.make_independent()
        try:
            return ReadResult(separate_cluster.text(path, query))
        except ApiError as error:
            return ReadResult(None, clean_text(error.message, 300))
        except LostError as error:
            return ReadResult(None, f"no answer through the API server: {error.text}")


class Notes:
    """What could not be seen of one collector, and why; each thing once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def note_unseen(self, what: str, why: str) -> None:
        self._known.setdefault(what, why)

    def find_reason(self, what: str) -> str:
        """Return why something could not be seen; empty if it could."""
        return self._known.get(what, "")

    def build_rows(self) -> list[dict[str, str]]:
        return [{"what": what, "why": why} for what, why in self._known.items()]
