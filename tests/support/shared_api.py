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
    Cluster,
    RawAnswer,
    Transport,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import (
    CLUSTER_ARG_SPEC,
    connect,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.kinds import ApiResources

from .cluster import wait_until
from .sharing import KINDS, RBAC, Object

COMPARED_KINDS = {**KINDS, "Namespace": "v1", "ClusterRoleBinding": RBAC}
# What Kubernetes makes in each namespace, and writes by itself.
KUBERNETES_NAMES = ("default", "kube-root-ca.crt")
CONTROLLER_PREFIX = "deployment.kubernetes.io/"


class RealApi:
    """Two namespaces of a cluster, and the cluster-wide objects that are named after them."""

    def __init__(self, transport: Transport, namespaces: tuple[str, ...]) -> None:
        self.transport, self.namespaces = transport, namespaces
        self.trouble: Callable[[str, str], RawAnswer | None] = lambda _method, _path: None
        self._written: list[str] = []

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        url = urlsplit(path)
        self.trouble(method, url.path)
        if method in ("PATCH", "DELETE") and "dryRun" not in url.query:
            self._written.append(url.path)
        return self.transport(method, path, headers, body)

    def cluster(self) -> Cluster:
        return Cluster(self, clock=time.monotonic, sleep=time.sleep)

    def written(self) -> list[str]:
        written_paths, self._written = self._written, []
        return written_paths

    @property
    def objects(self) -> dict[str, Object]:
        """The objects as they compare: without what the server and controllers write by themselves."""
        return wait_until("the end of all deletions", self._find_settled_objects, 60)[0]

    def _find_settled_objects(self) -> tuple[dict[str, Object], ...]:
        objects_by_path = dict(self.found())
        if any(manifest["metadata"].get("deletionTimestamp") for manifest in objects_by_path.values()):
            return ()
        return ({path: _comparable_fields(manifest) for path, manifest in objects_by_path.items()},)

    def found(self) -> Iterator[tuple[str, Object]]:
        """Yield the objects as they are."""
        cluster = Cluster(self.transport, clock=time.monotonic, sleep=time.sleep)
        resources = ApiResources(cluster, [])
        for kind, version in COMPARED_KINDS.items():
            resource = resources.find_resource(version, kind)
            assert resource
            for manifest in cluster.items(resource.build_path()):
                name, namespace = manifest["metadata"]["name"], manifest["metadata"].get("namespace", "")
                is_inside = namespace in self.namespaces or name in self.namespaces
                if (is_inside or name.startswith(self._cluster_wide_prefixes)) and name not in KUBERNETES_NAMES:
                    yield resource.build_path(namespace, name), {**manifest, "apiVersion": version, "kind": kind}

    @property
    def _cluster_wide_prefixes(self) -> tuple[str, ...]:
        return tuple(f"{name}." for name in self.namespaces)

    def create(self, manifest: Object) -> None:
        metadata = {
            key: value
            for key, value in manifest["metadata"].items()
            if key in ("name", "namespace", "labels", "annotations")
        }
        new_manifest = {key: value for key, value in manifest.items() if key != "status"} | {"metadata": metadata}
        run_kubectl("create", "--filename", "-", given=json.dumps(new_manifest), may_fail="AlreadyExists")

    def touch(self, path: str, value: str) -> None:
        run_kubectl("annotate", "--overwrite", *_kubectl_target(path), f"touched={value}")

    def forget(self, path: str) -> None:
        run_kubectl("delete", "--wait", *_kubectl_target(path))


def _comparable_fields(manifest: Object) -> Object:
    metadata = manifest["metadata"]
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if not key.startswith(CONTROLLER_PREFIX)
    }
    kept_metadata = {
        key: metadata[key] for key in ("name", "namespace", "uid", "labels", "ownerReferences") if key in metadata
    }
    other_fields = {key: value for key, value in manifest.items() if key not in ("metadata", "status")}
    return {**other_fields, "metadata": {**kept_metadata, "annotations": annotations}}


def _kubectl_target(path: str) -> list[str]:
    """Return an object as kubectl names it."""
    path_parts = path.split("/")
    namespace_arguments = (
        ["--namespace", path_parts[path_parts.index("namespaces") + 1]] if "namespaces" in path_parts[:-2] else []
    )
    return [*namespace_arguments, f"{path_parts[-2]}/{path_parts[-1]}"]


def run_on_real_api(kubeconfig: str, namespaces: tuple[str, ...], work: Callable[[RealApi], None]) -> None:
    """Connect as modules do, and remove what is left in the end."""
    module: Any = SimpleNamespace(params=dict.fromkeys(CLUSTER_ARG_SPEC) | {"kubeconfig": kubeconfig})
    with tempfile.TemporaryDirectory() as folder:
        module.tmpdir = folder
        api = RealApi(connect(module)._transport, namespaces)
        try:
            work(api)
        finally:
            leftover_paths = [path for path, manifest in api.found() if "namespace" not in manifest["metadata"]]
            for path in leftover_paths:
                run_kubectl("delete", "--ignore-not-found", "--wait=false", *_kubectl_target(path))


def run_kubectl(*arguments: str, given: str = "", may_fail: str = "") -> None:
    completed: Any = subprocess.run(
        ["kubectl", *arguments], input=given, capture_output=True, text=True, check=False, timeout=60
    )
    assert completed.returncode == 0 or (may_fail and may_fail in completed.stderr), completed.stderr
