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
CLUSTER_KINDS = ("Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding")
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
        configuration = client.Configuration.get_default_copy()
        headers = {setting["key"]: setting["value"] for setting in configuration.auth_settings().values()}
        return cls(client.ApiClient(configuration).rest_client.pool_manager, configuration.host, headers)

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Send one request."""
        type_by_method = {"PATCH": "application/merge-patch+json"}
        content_type = (
            "application/apply-patch+yaml"
            if query.get("fieldManager")
            else type_by_method.get(method, "application/json")
        )
        answer = self.pool.request(
            method,
            f"{self.host}{path}" + (f"?{urlencode(query)}" if query else ""),
            body=None if body is None else json.dumps(body).encode(),
            headers={"Accept": "application/json", "Content-Type": content_type, **self.headers},
            timeout=20,
            retries=False,
        )
        if answer.status >= FAILED:
            raise ApiError(answer.status, f"{method} {path}: {answer.data.decode(errors='replace')}")
        return json.loads(answer.data)

    def get(self, path: str) -> Object | None:
        """Return one object, or nothing."""
        try:
            received: Object = self.call("GET", path)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return received

    def items(self, path: str, **query: str) -> list[Object]:
        """Return a list, which is empty where nobody serves the kind."""
        answer = self.get(path) if not query else self.call("GET", path, **query)
        return list((answer or {}).get("items") or [])

    def apply(self, manifest: Object) -> Object:
        """Make or change an object."""
        applied: Object = self.call("PATCH", object_path(manifest), manifest, fieldManager=MANAGER, force="true")
        return applied

    def create(self, manifest: Object) -> Object:
        """Make an object that is not there."""
        created: Object = self.call("POST", object_path(manifest).rpartition("/")[0], manifest)
        return created

    def status(self, manifest: Object, status: Mapping[str, Any]) -> None:
        """Write a status that differs; who is gone meanwhile needs none."""
        if status == manifest.get("status"):
            return
        try:
            self.call(
                "PATCH",
                f"{object_path(manifest)}/status",
                {"status": {**_null_removed_keys(manifest.get("status"), status), **status}},
            )
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
        manifest["status"] = dict(status)

    def delete(self, manifest: Object) -> None:
        """Delete an object, if it is there."""
        try:
            self.call("DELETE", object_path(manifest))
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise


def _null_removed_keys(old_status: Mapping[str, Any] | None, new_status: Mapping[str, Any]) -> dict[str, None]:
    """Return what a merge must take away."""
    return dict.fromkeys(key for key in old_status or {} if key not in new_status)


def object_path(manifest: Object) -> str:
    """Return where an object lives."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = manifest["metadata"].get("namespace")
    scope = f"/namespaces/{namespace}" if namespace and kind not in (*CLUSTER_KINDS, *CLUSTER_WEBHOOKS) else ""
    return f"{root}{scope}/{PLURALS.get(kind, kind.lower() + 's')}/{manifest['metadata']['name']}"
