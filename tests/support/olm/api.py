# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server over plain dicts, as the controller needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from kubernetes import client, config

Object = dict[str, Any]
MANAGER = "olm-of-tests"
PLURALS = {
    "CustomResourceDefinition": "customresourcedefinitions",
    "NetworkPolicy": "networkpolicies",
    "ClusterServiceVersion": "clusterserviceversions",
}
CLUSTER = ("Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding")
CLUSTER_WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
NOT_FOUND, FAILED = 404, 400


class ApiError(Exception):
    """The server said no."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(f"{status}: {text}")


@dataclass
class Api:
    """One API server."""

    pool: Any
    host: str
    headers: Mapping[str, str]

    @classmethod
    def connect(cls) -> Api:
        """Connect as kubectl would."""
        config.load_kube_config()
        found = client.Configuration.get_default_copy()
        headers = {item["key"]: item["value"] for item in found.auth_settings().values()}
        return cls(client.ApiClient(found).rest_client.pool_manager, found.host, headers)

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Send one request."""
        types = {"PATCH": "application/merge-patch+json"}
        kind = "application/apply-patch+yaml" if query.get("fieldManager") else types.get(method, "application/json")
        answer = self.pool.request(
            method,
            f"{self.host}{path}" + (f"?{urlencode(query)}" if query else ""),
            body=None if body is None else json.dumps(body).encode(),
            headers={"Accept": "application/json", "Content-Type": kind, **self.headers},
            timeout=20,
            retries=False,
        )
        if answer.status >= FAILED:
            raise ApiError(answer.status, f"{method} {path}: {answer.data.decode(errors='replace')}")
        return json.loads(answer.data)

    def get(self, path: str) -> Object | None:
        """Return one object, or nothing."""
        try:
            found: Object = self.call("GET", path)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return found

    def items(self, path: str, **query: str) -> list[Object]:
        """Return a list, which is empty where nobody serves the kind."""
        found = self.get(path) if not query else self.call("GET", path, **query)
        return list((found or {}).get("items") or [])

    def apply(self, manifest: Object) -> Object:
        """Make or change an object."""
        done: Object = self.call("PATCH", path_of(manifest), manifest, fieldManager=MANAGER, force="true")
        return done

    def create(self, manifest: Object) -> Object:
        """Make an object that is not there."""
        made: Object = self.call("POST", path_of(manifest).rpartition("/")[0], manifest)
        return made

    def status(self, item: Object, status: Mapping[str, Any]) -> None:
        """Write a status that differs; who is gone meanwhile needs none."""
        if status == item.get("status"):
            return
        try:
            self.call("PATCH", f"{path_of(item)}/status", {"status": {**_gone(item.get("status"), status), **status}})
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
        item["status"] = dict(status)

    def delete(self, item: Object) -> None:
        """Delete an object, if it is there."""
        try:
            self.call("DELETE", path_of(item))
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise


def _gone(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, None]:
    """Return what a merge must take away."""
    return dict.fromkeys(key for key in old or {} if key not in new)


def path_of(item: Object) -> str:
    """Return where an object lives."""
    version, kind = item["apiVersion"], item["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = item["metadata"].get("namespace")
    scope = f"/namespaces/{namespace}" if namespace and kind not in (*CLUSTER, *CLUSTER_WEBHOOKS) else ""
    return f"{root}{scope}/{PLURALS.get(kind, kind.lower() + 's')}/{item['metadata']['name']}"
