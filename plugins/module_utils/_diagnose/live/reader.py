# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read objects of a cluster: each path once, many at a time, and a note for each that this user may not see.

The modules that diagnose, watch and change collectors read through a `ClusterReader`. Its reads never raise an error
for an object that is forbidden or missing: the `Notes` of a collector say why it was not seen. For example:

    reader.read_ahead([("pods", "obs"), ("events", "obs")])    # both lists at the same time
    reader.list_objects("pods", "obs", notes)                  # [{"kind": "Pod", …}, …], without another request
    reader.list_objects("events", "obs", notes)                # None, if this user may not list them
    notes.build_rows()                                         # [{"what": "events in obs", "why": "… is forbidden"}]

A plural is the name of a kind in paths of the API server, such as `pods`. Private.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..._kube.live.cluster import NOT_FOUND, ApiError, Cluster
from ..._kube.live.outage import LostError
from ..._kube.live.urls import quote_segment
from ..._otelcol.errors import clean_text
from ..result_rows import UnseenRow

Object = dict[str, Any]
"""An object of Kubernetes."""
FORBIDDEN = 403
# A pod that does not answer through the API server would hold up all others for longer than anyone waits.
QUICK_SECONDS = 4.0
# The API version and the kind of each plural that is read.
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
# Objects of these are read by name: Secrets are never listed.
PLURALS_READ_BY_NAME = ("secrets", "configmaps")
LISTED_PLURALS = tuple(plural for plural in KINDS if plural not in PLURALS_READ_BY_NAME)
# The plurals of sources: the kinds whose keys pods mount or read.
PLURALS_OF_SOURCES = {"Secret": "secrets", "ConfigMap": "configmaps"}
_NODES_PATH = "/api/v1/nodes"
# Characters of an error message of a pod or a Service.
_LONGEST_MESSAGE = 300


class ReadResult(NamedTuple):
    """What a read has brought: an object, a list of objects, or a text.

    Without a value, `unread_reason` is why it could not be read. If both are empty, the object does not exist.
    """

    value: Any = None
    unread_reason: str = ""


class _ReadKey(NamedTuple):
    """What is read: an object, or all objects of a kind in a namespace if `name` is empty."""

    plural: str
    namespace: str
    name: str = ""

    @property
    def path(self) -> str:
        """Its path at the API server."""
        return object_path(*self)


def utc_now() -> str:
    """Return the time as Kubernetes writes it."""
    return datetime.now(UTC).isoformat()


def object_path(plural: str, namespace: str, name: str = "") -> str:
    """Return the path of an object at the API server; without a name, that of all objects of a kind.

    For a DaemonSet, that is `/apis/apps/v1/namespaces/obs/daemonsets/agent`.
    """
    version = KINDS[plural][0]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    path = f"{root}/namespaces/{quote_segment(namespace)}/{plural}"
    return f"{path}/{quote_segment(name)}" if name else path


class ClusterReader:
    """One cluster, read for one diagnosis.

    `quick_cluster` is the same cluster, with a short time limit for what pods answer: without it, a note says so.
    """

    def __init__(self, cluster: Cluster, quick_cluster: Cluster) -> None:
        self.cluster = cluster
        self.quick_cluster = quick_cluster
        self._known: dict[str, ReadResult] = {}  # what was read, by its path at the API server

    def read_ahead(self, lists: Iterable[tuple[str, str]], objects: Iterable[tuple[str, str, str]] = ()) -> None:
        """Read lists and objects that are not known yet, many at a time.

        A list is a plural and a namespace, an object is a plural, a namespace and a name.
        """
        wanted_keys = [_ReadKey(*key) for key in lists] + [_ReadKey(*key) for key in objects]
        new_keys = [key for key in dict.fromkeys(wanted_keys) if key.path not in self._known]
        answers = self.cluster.call_in_parallel(self._read_result, new_keys)
        for key, answer in zip(new_keys, answers, strict=True):
            self._known[key.path] = answer

    def _read_result(self, key: _ReadKey) -> ReadResult:
        """Read an object, or a list of which each object gets its kind, as lists leave it out."""
        version, kind = KINDS[key.plural]
        kind_fields = {"apiVersion": version, "kind": kind}
        try:
            if key.name:
                return ReadResult(self.cluster.get(key.path))
            return ReadResult([{**manifest, **kind_fields} for manifest in self.cluster.items(key.path)])
        except ApiError as error:
            if error.status == NOT_FOUND:  # a kind that is not installed; of a missing object, `get` returns None
                return ReadResult([])
            return ReadResult(None, error.message)

    def list_objects(self, plural: str, namespace: str, notes: Notes) -> list[Object] | None:
        """Return the objects of a kind in a namespace; None if this user may not see them."""
        self.read_ahead([(plural, namespace)])
        answer = self._known[object_path(plural, namespace)]
        if answer.unread_reason:
            notes.note_unseen(f"{plural} in {namespace}", answer.unread_reason, plural)
        manifests: list[Object] | None = answer.value
        return manifests

    def list_in_namespaces_of(self, plural: str, objects: Iterable[Object], notes: Notes) -> list[Object]:
        """Return the objects of kind `plural` in the namespaces of `objects`, as far as this user may see them."""
        namespaces = dict.fromkeys(str(manifest["metadata"]["namespace"]) for manifest in objects)
        self.read_ahead([(plural, namespace) for namespace in namespaces])
        visible: list[Object] = []
        for namespace in namespaces:
            visible += self.list_objects(plural, namespace, notes) or []
        return visible

    def list_nodes(self, notes: Notes) -> list[Object]:
        """Return the nodes of the cluster; none if this user may not see them."""
        if _NODES_PATH not in self._known:
            try:
                self._known[_NODES_PATH] = ReadResult(list(self.cluster.items(_NODES_PATH)))
            except ApiError as error:
                self._known[_NODES_PATH] = ReadResult([], error.message)
        answer = self._known[_NODES_PATH]
        if answer.unread_reason:
            notes.note_unseen("nodes of the cluster", answer.unread_reason, "nodes")
        node_manifests: list[Object] = answer.value
        return node_manifests

    def list_labelled_pods(self, selector: str, notes: Notes) -> list[Object] | None:
        """Return the pods of all namespaces that have a label; None if this user may not see them."""
        try:
            return list(self.cluster.items("/api/v1/pods", {"labelSelector": selector}))
        except ApiError as error:
            notes.note_unseen("pods of other namespaces", error.message, "pods")
            return None

    def read_object(self, plural: str, namespace: str, name: str, notes: Notes) -> ReadResult:
        """Return one object, out of a list that is known already if there is one, which spares a request."""
        known_list = self._known.get(object_path(plural, namespace), ReadResult())
        if known_list.value is not None:
            for manifest in known_list.value:
                if manifest["metadata"]["name"] == name:
                    return ReadResult(manifest)
            return ReadResult()
        self.read_ahead([], [(plural, namespace, name)])
        answer = self._known[object_path(plural, namespace, name)]
        if answer.unread_reason:
            notes.note_unseen(f"{plural} {namespace}/{name}", answer.unread_reason, plural)
        return answer

    def read_answer_text(self, path: str, query: dict[str, Any] | None = None) -> ReadResult:
        """Return the text that a pod or a Service answers through the API server, such as its metrics or its log."""
        # A pod that does not answer ends all further requests of a Cluster, so each read has a Cluster of its own.
        separate_cluster = self.quick_cluster.make_independent()
        try:
            return ReadResult(separate_cluster.text(path, query))
        except ApiError as error:
            return ReadResult(None, clean_text(error.message, _LONGEST_MESSAGE))
        except LostError as error:
            return ReadResult(None, f"no answer through the API server: {error.text}")


class _UnseenPart(NamedTuple):
    """What could not be read, such as `pods in obs`, and why."""

    what: str
    reason: str
    plural: str
    """The kind of its objects, such as `pods`; empty for a part that is no objects."""


class Notes:
    """The parts of one collector that could not be read, such as `own metrics`, and why; each part once."""

    def __init__(self) -> None:
        self._unseen_parts: dict[str, _UnseenPart] = {}

    def note_unseen(self, unseen_part: str, reason: str, plural: str = "") -> None:
        """Note why a part could not be read, and its kind if it is objects of a kind. The first reason stays."""
        self._unseen_parts.setdefault(unseen_part, _UnseenPart(unseen_part, reason, plural))

    def find_reason(self, part: str) -> str:
        """Return why a part could not be read; empty if it could."""
        unseen_part = self._unseen_parts.get(part)
        return unseen_part.reason if unseen_part else ""

    def build_rows(self) -> list[UnseenRow]:
        """Return the unseen parts as the result of a diagnosis has them."""
        return [{"what": part.what, "why": part.reason} for part in self._unseen_parts.values()]

    def build_rows_of_kinds(self, plurals: Container[str]) -> list[UnseenRow]:
        """Return the unseen parts of some kinds, in the same form."""
        return [
            {"what": part.what, "why": part.reason} for part in self._unseen_parts.values() if part.plural in plurals
        ]
