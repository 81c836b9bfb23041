"""A real API server with the same questions as the one in memory, for sequences of `inventories`."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import (
    Answered,
    Cluster,
    Transport,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import (
    CLUSTER_ARG_SPEC,
    connect,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.kinds import ApiResources

from .cluster import until
from .sharing import KINDS, RBAC, Object

LOOKED_AT = {**KINDS, "Namespace": "v1", "ClusterRoleBinding": RBAC}
# What Kubernetes makes in each namespace, and writes by itself.
OF_KUBERNETES = ("default", "kube-root-ca.crt")
OF_CONTROLLERS = "deployment.kubernetes.io/"


class RealApi:
    """Two namespaces of a cluster, and the cluster-wide objects that are named after them."""

    def __init__(self, transport: Transport, namespaces: tuple[str, ...]) -> None:
        self.transport, self.namespaces = transport, namespaces
        self.trouble: Callable[[str, str], Answered | None] = lambda _method, _path: None
        self._written: list[str] = []

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answered:
        url = urlsplit(path)
        self.trouble(method, url.path)
        if method in ("PATCH", "DELETE") and "dryRun" not in url.query:
            self._written.append(url.path)
        return self.transport(method, path, headers, body)

    def cluster(self) -> Cluster:
        return Cluster(self, clock=time.monotonic, sleep=time.sleep)

    def written(self) -> list[str]:
        found, self._written = self._written, []
        return found

    @property
    def objects(self) -> dict[str, Object]:
        """The objects as they compare: without what the server and controllers write by themselves."""
        return until("the end of all deletions", self._settled, 60)[0]

    def _settled(self) -> tuple[dict[str, Object], ...]:
        found = dict(self.found())
        if any(item["metadata"].get("deletionTimestamp") for item in found.values()):
            return ()
        return ({path: _essence(item) for path, item in found.items()},)

    def found(self) -> Iterator[tuple[str, Object]]:
        """Yield the objects as they are."""
        cluster = Cluster(self.transport, clock=time.monotonic, sleep=time.sleep)
        resources = ApiResources(cluster, [])
        for kind, version in LOOKED_AT.items():
            resource = resources.find(version, kind)
            assert resource
            for item in cluster.items(resource.path()):
                name, namespace = item["metadata"]["name"], item["metadata"].get("namespace", "")
                inside = namespace in self.namespaces or name in self.namespaces
                if (inside or name.startswith(self._wide)) and name not in OF_KUBERNETES:
                    yield resource.path(namespace, name), {**item, "apiVersion": version, "kind": kind}

    @property
    def _wide(self) -> tuple[str, ...]:
        return tuple(f"{name}." for name in self.namespaces)

    def create(self, item: Object) -> None:
        metadata = {
            key: value
            for key, value in item["metadata"].items()
            if key in ("name", "namespace", "labels", "annotations")
        }
        fresh = {key: value for key, value in item.items() if key != "status"} | {"metadata": metadata}
        kubectl("create", "--filename", "-", given=json.dumps(fresh), may_fail="AlreadyExists")

    def touch(self, path: str, value: str) -> None:
        kubectl("annotate", "--overwrite", *_named(path), f"touched={value}")

    def forget(self, path: str) -> None:
        kubectl("delete", "--wait", *_named(path))


def _essence(item: Object) -> Object:
    metadata = item["metadata"]
    annotations = {
        key: value for key, value in (metadata.get("annotations") or {}).items() if not key.startswith(OF_CONTROLLERS)
    }
    kept = {key: metadata[key] for key in ("name", "namespace", "uid", "labels", "ownerReferences") if key in metadata}
    rest = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    return {**rest, "metadata": {**kept, "annotations": annotations}}


def _named(path: str) -> list[str]:
    """Return an object as kubectl names it."""
    parts = path.split("/")
    scope = ["--namespace", parts[parts.index("namespaces") + 1]] if "namespaces" in parts[:-2] else []
    return [*scope, f"{parts[-2]}/{parts[-1]}"]


def real(kubeconfig: str, namespaces: tuple[str, ...], work: Callable[[RealApi], None]) -> None:
    """Connect as modules do, and remove what is left in the end."""
    module: Any = SimpleNamespace(params=dict.fromkeys(CLUSTER_ARG_SPEC) | {"kubeconfig": kubeconfig})
    with tempfile.TemporaryDirectory() as folder:
        module.tmpdir = folder
        api = RealApi(connect(module)._transport, namespaces)
        try:
            work(api)
        finally:
            left = [path for path, item in api.found() if "namespace" not in item["metadata"]]
            for path in left:
                kubectl("delete", "--ignore-not-found", "--wait=false", *_named(path))


def kubectl(*words: str, given: str = "", may_fail: str = "") -> None:
    done: Any = subprocess.run(
        ["kubectl", *words], input=given, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0 or (may_fail and may_fail in done.stderr), done.stderr
