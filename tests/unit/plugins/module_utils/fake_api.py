# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server in memory, and a clock that sleeping moves. Just enough of both to tell right from wrong.

As a real one it keeps in managedFields who applied and who updated an object, refuses a DELETE whose preconditions do
not hold, and answers discovery.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import Cluster, RawAnswer

from .server_side_apply import ConflictError, applied, fields, updated

PATH = re.compile(
    r"^/(?:api/(?P<core>v1)|apis/(?P<api>[^/]+/[^/]+))(?:/namespaces/(?P<ns>[^/]+)(?=/))?/(?P<plural>[^/]+)"
    r"(?:/(?P<name>[^/]+))?(?P<rest>/.*)?$"
)
GROUP = re.compile(r"/apis/[^/]+/[^/]+")
KINDS = {"configmaps": "ConfigMap", "secrets": "Secret", "serviceaccounts": "ServiceAccount", "events": "Event"}
WEBHOOKS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
SERVED = {
    "v1": ("namespaces", "nodes", *KINDS, "services", "pods", "persistentvolumeclaims", "persistentvolumes"),
    "apps/v1": ("deployments", "daemonsets", "statefulsets", "replicasets", "controllerrevisions"),
    "rbac.authorization.k8s.io/v1": ("clusterroles", "clusterrolebindings", "roles", "rolebindings"),
    "apiextensions.k8s.io/v1": ("customresourcedefinitions",),
    "batch/v1": ("cronjobs", "jobs"),
    "networking.k8s.io/v1": ("networkpolicies",),
    "autoscaling/v2": ("horizontalpodautoscalers",),
    "opentelemetry.io/v1alpha1": ("instrumentations",),
    "admissionregistration.k8s.io/v1": WEBHOOKS,
    "discovery.k8s.io/v1": ("endpointslices",),
    "scheduling.k8s.io/v1": ("priorityclasses",),
    "storage.k8s.io/v1": ("storageclasses",),
    "policy/v1": ("poddisruptionbudgets",),
}
KUBECTL = "kubectl-create"
DEFINITIONS = "/customresourcedefinitions/"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
CLUSTER_SCOPED = (
    "namespaces",
    "nodes",
    "persistentvolumes",
    "priorityclasses",
    "storageclasses",
    "clusterroles",
    "clusterrolebindings",
    "customresourcedefinitions",
    *WEBHOOKS,
)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.on_sleep: list[Callable[[float], None]] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for watcher in self.on_sleep:
            watcher(self.now)


class FakeApi:
    """Objects by path. `trouble` may answer instead; `requests` has what was asked.

    Those that it is made with and `add` were made by kubectl, those of `apply` by server-side apply.
    """

    def __init__(self, *manifests: dict[str, Any]) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.texts: dict[str, str] = {}
        self.trouble: Callable[[str, str], RawAnswer | None] = lambda _method, _path: None
        self.clock = Clock()
        self.version = 0
        self.discovers = True
        # Whether the account may do what the attributes of a SelfSubjectAccessReview name.
        self.allows: Callable[[dict[str, Any]], bool] = lambda _spec: True
        self.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}, *manifests)

    def add(self, *manifests: dict[str, Any]) -> None:
        plurals = {
            "NetworkPolicy": "networkpolicies",
            "StorageClass": "storageclasses",
            "PriorityClass": "priorityclasses",
        }
        for manifest in manifests:
            version = manifest["apiVersion"]
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            namespace = manifest["metadata"].get("namespace")
            scope = f"/namespaces/{namespace}" if namespace else ""
            plural = plurals.get(manifest["kind"], manifest["kind"].lower() + "s")
            entry = {"manager": KUBECTL, "operation": "Update", "fieldsV1": fields(manifest)}
            path = f"{root}{scope}/{plural}/{manifest['metadata']['name']}"
            self.objects[path] = self._stored(copy.deepcopy(manifest), entry)

    def apply(self, manager: str, *manifests: dict[str, Any]) -> None:
        """Make objects as server-side apply does, and as if nobody had asked for it."""
        for manifest in manifests:
            entry = {"manager": manager, "operation": "Apply", "fieldsV1": fields(manifest)}
            self.add({**manifest, "metadata": {"managedFields": [entry], **manifest["metadata"]}})

    def _stored(self, new: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        """Return an object as a write leaves it: with an identity, a new version, and the fields of who wrote it."""
        self.version += 1
        metadata = {"managedFields": [entry], "uid": f"u{self.version}", **new["metadata"]}
        return {**new, "metadata": {**metadata, "resourceVersion": str(self.version)}}

    def cluster(self) -> Cluster:
        return Cluster(self, clock=self.clock, sleep=self.clock.sleep)

    def refuse(self, path: str, answer: RawAnswer | None = None, method: str = "", until: float = 1e9) -> None:
        """Answer requests to paths that end so, with 403 unless told otherwise, until some time."""
        given = answer or status(403, "Forbidden", "no")
        self.trouble = lambda asked, where: (
            given if where.endswith(path) and method in ("", asked) and self.clock.now < until else None
        )

    def later(self, seconds: float, *manifests: dict[str, Any]) -> None:
        """Add objects as soon as so much time has passed."""
        self.clock.on_sleep.append(lambda now: self.add(*manifests) if now > seconds else None)

    def sent(self, *methods: str) -> list[str]:
        return [path for method, path, _ in self.requests if method in methods]

    def __call__(self, method: str, target: str, _headers: dict[str, str], body: bytes | None) -> RawAnswer:
        path, found = parsed(target)
        query = dict(found)
        self.requests.append((method, path, query))
        answer = self.trouble(method, path)
        if answer is not None:
            return answer
        if path == REVIEWS:
            return reply({"status": {"allowed": self.allows(json.loads(body or b"{}")["spec"])}})
        if path in self.texts:
            return RawAnswer(200, {}, self.texts[path].encode())
        return self._answer(method, path, query, json.loads(body) if body else None)

    def _answer(self, method: str, path: str, query: dict[str, str], body: Any) -> RawAnswer:
        if self._is_discovery(path):
            return self._discover(path)
        match = matched(path)
        if not match or not self._is_served(match):
            return NOT_SERVED
        if not match["name"]:
            return self._list(path, query, match)
        return getattr(self, f"_{method.lower()}")(path, query, body, match)

    def _is_discovery(self, path: str) -> bool:
        """Whether a path asks for groups or for the kinds of one: `/apis`, `/api/v1` or `/apis/apps/v1`."""
        if path in ("/apis", "/api/v1"):
            return True
        return self.discovers and path.count("/") == 3 and bool(GROUP.fullmatch(path))

    def _discover(self, path: str) -> RawAnswer:
        if path == "/apis":
            return reply({"kind": "APIGroupList", "groups": self._groups()})
        return self._resources(path.split("/", 2)[2])

    def _is_served(self, match: re.Match[str]) -> bool:
        """Whether a path is that of a kind that exists, and of nothing below an object such as its log."""
        return not match["rest"] and self.serves(match["core"] or match["api"], match["plural"])

    def _list(self, path: str, query: dict[str, str], match: re.Match[str]) -> RawAnswer:
        items = [item for item in self._under(path, match) if selected(item, query)]
        return reply({"items": items, "metadata": {}}) if items else NO_ITEMS

    def _groups(self) -> list[dict[str, Any]]:
        defined = {
            f"{item['spec']['group']}/{version['name']}": None
            for item in list(self.objects.values())
            if item["kind"] == "CustomResourceDefinition"
            for version in item["spec"]["versions"]
        }
        groups: dict[str, list[dict[str, str]]] = {}
        for version in (name for name in {**dict.fromkeys(SERVED), **defined} if "/" in name):
            groups.setdefault(version.split("/")[0], []).append({"groupVersion": version})
        return [{"name": name, "versions": found, "preferredVersion": found[0]} for name, found in groups.items()]

    def _resources(self, version: str) -> RawAnswer:
        plurals = self.served(version)
        if not plurals:
            return NOT_SERVED
        kinds = {**{path.split("/")[-2]: item["kind"] for path, item in list(self.objects.items())}, **KINDS}
        verbs = ["create", "delete", "get", "list", "patch"]
        found = [
            {"name": name, "kind": kinds.get(name, name), "namespaced": name not in CLUSTER_SCOPED, "verbs": verbs}
            for name in plurals
        ]
        return reply({"kind": "APIResourceList", "groupVersion": version, "resources": found})

    def serves(self, version: str, plural: str) -> bool:
        """Whether there is such a kind. Most requests are for those of Kubernetes, which need no definition."""
        return plural in SERVED.get(version, ()) or plural in self.served(version)

    def served(self, version: str) -> list[str]:
        definitions = [item for path, item in list(self.objects.items()) if DEFINITIONS in path]
        return [*SERVED.get(version, ())] + [
            item["spec"]["names"]["plural"]
            for item in definitions
            for v in item["spec"]["versions"]
            if f"{item['spec']['group']}/{v['name']}" == version
        ]

    def _under(self, path: str, match: re.Match[str]) -> list[dict[str, Any]]:
        if match["ns"]:
            keys = [key for key in self.objects if key.startswith(path) and key.rpartition("/")[0] == path]
        else:
            root, plural = path.rpartition("/")[0], match["plural"]
            keys = [key for key in self.objects if key.startswith(root) and key.split("/")[-2] == plural]
        return [self.objects[key] for key in sorted(keys)]

    def _get(self, path: str, _query: dict[str, str], _body: Any, match: re.Match[str]) -> RawAnswer:
        return reply(self.objects[path]) if path in self.objects else missing(match)

    def _patch(self, path: str, query: dict[str, str], body: Any, match: re.Match[str]) -> RawAnswer:
        old = self.objects.get(path)
        refusal = self._refuse_without_namespace(match) or refuse_other_object(old, body)
        if refusal:
            return refusal
        manager, is_apply = query.get("fieldManager", "merge"), bool(body.get("kind"))
        try:
            if old and not is_apply:
                new = updated(old, body, manager)
            else:
                new = applied(old, body, manager, query.get("force") == "true")
        except ConflictError as conflict:
            return status(409, "Conflict", str(conflict), details={"causes": conflict.causes})
        if new == old:
            return reply(new)
        stored = self._stored(new, {"manager": manager, "operation": "Apply" if is_apply else "Update"})
        if "dryRun" not in query:
            self.objects[path] = stored
        return reply(stored)

    def _refuse_without_namespace(self, match: re.Match[str]) -> RawAnswer | None:
        """Return the refusal of a write into a namespace that is not there."""
        if not match["ns"] or f"/api/v1/namespaces/{match['ns']}" in self.objects:
            return None
        text = f'namespaces "{match["ns"]}" not found'
        return status(404, "NotFound", text, details={"kind": "namespaces", "name": match["ns"]})

    def _delete(self, path: str, _query: dict[str, str], body: Any, match: re.Match[str]) -> RawAnswer:
        if path not in self.objects:
            return missing(match)
        metadata = self.objects[path]["metadata"]
        for key, value in ((body or {}).get("preconditions") or {}).items():
            if metadata[key] != value:
                text = f"the {key} in the precondition ({value}) does not match the {key} in record ({metadata[key]})"
                return status(409, "Conflict", text)
        return reply(self.objects.pop(path))


def refuse_other_object(old: dict[str, Any] | None, body: dict[str, Any]) -> RawAnswer | None:
    """Return the refusal of a write that was meant for another object of this name, or for another version of it."""
    given = body.get("metadata") or {}
    now = old["metadata"] if old else {}
    if given.get("uid") not in (None, now.get("uid")):
        return status(409, "Conflict", "uid mismatch")
    # What does not exist is created, whatever version is given.
    if old and given.get("resourceVersion") not in (None, now["resourceVersion"]):
        text = "the object has been modified; please apply your changes to the latest version"
        return status(409, "Conflict", text)
    return None


@functools.cache
def matched(path: str) -> re.Match[str] | None:
    return PATH.match(path)


@functools.cache
def parsed(target: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return path and query of a URL; random sequences ask for the same ones again and again."""
    url = urlsplit(target)
    return url.path, tuple((key, values[0]) for key, values in parse_qs(url.query).items())


def selected(item: dict[str, Any], query: dict[str, str]) -> bool:
    labels = item["metadata"].get("labels") or {}
    return all(fits(term, labels) for term in terms(query.get("labelSelector", "")))


@functools.cache
def terms(selector: str) -> list[str]:
    return re.findall(r"[^,(]+(?:\([^)]*\))?", selector)


def fits(term: str, labels: dict[str, str]) -> bool:
    """Return whether labels fit `key=value`, `key in (value,value)`, `key` or `!key`."""
    if term.startswith("!"):
        return term[1:] not in labels
    if match := re.fullmatch(r"(\S+) in \((.*)\)", term):
        return labels.get(match[1]) in match[2].split(",")
    key, equals, value = term.partition("=")
    return labels.get(key) == value if equals else key in labels


def reply(body: dict[str, Any]) -> RawAnswer:
    return RawAnswer(200, {}, json.dumps(body).encode())


# Most lists that runs ask for are empty, and most kinds that they look for are not served.
NO_ITEMS = reply({"items": [], "metadata": {}})


def missing(match: re.Match[str]) -> RawAnswer:
    return status(404, "NotFound", f'{match["plural"]} "{match["name"]}" not found', details={"name": match["name"]})


def status(code: int, reason: str, message: str, **more: Any) -> RawAnswer:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message, **more}
    return RawAnswer(code, {}, json.dumps(body).encode())


NOT_SERVED = status(404, "NotFound", "the server could not find the requested resource")
