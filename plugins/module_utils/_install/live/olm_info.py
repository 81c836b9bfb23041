# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the Operator Lifecycle Manager has: in two rounds of requests, each at once. Private."""

from __future__ import annotations

import difflib
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._errors import cleaned
from ..._kube.bundle import Manifest
from ..._kube.live.api_errors import asking, explain
from ..._kube.live.cluster import NOT_FOUND, ApiError, Cluster
from ..._kube.live.connect import connect, run
from ..olm import olm_decision, olm_objects

OPERATORS, GROUPS = f"/apis/{olm_objects.API}/v1alpha1", f"/apis/{olm_objects.API}/v1"
PACKAGES = "/apis/packages.operators.coreos.com/v1"
# OLM copies the version of an operator for all namespaces into each of them.
NO_COPIES = {"labelSelector": "!olm.copiedFrom"}
SHOWN = 10
ARGUMENTS: dict[str, Any] = {
    "package": {"required": True},
    "namespace": {"default": ""},
    "source": {"default": "redhat-operators"},
    "source_namespace": {"default": "openshift-marketplace"},
    "offers": {"type": "bool", "default": True},
    "timeout_seconds": {"type": "float", "default": 30},
}


def run_info(module: AnsibleModule) -> None:
    params = module.params
    package = params["package"]
    namespace = olm_decision.namespace_for(package, params["namespace"])

    def work() -> dict[str, Any]:
        reader = OlmReader(connect(module), namespace, package, (params["source_namespace"], params["source"]))
        return {"changed": False, **cleaned(reader.read(params["offers"], params["timeout_seconds"]))}

    run(module, work)


class OlmReader:
    def __init__(self, cluster: Cluster, namespace: str, package: str, catalog: tuple[str, str]) -> None:
        self.cluster, self.namespace, self.package, self.catalog = cluster, namespace, package, catalog

    def read(self, packages: bool, seconds: float) -> dict[str, Any]:
        """Return the objects. Waits for a catalog that is not ready, because its pod may be starting."""
        served = asking("Look for OLM", lambda: self.cluster.get(OPERATORS)) is not None
        result: dict[str, Any] = {"served": served, "packages_served": False, "namespace": self.namespace}
        result |= {"subscriptions": [], "operator_groups": [], "csvs": [], "catalogs": []}
        result |= {"package": None, "packages": []}
        if not served:
            return result
        subscriptions, groups, csvs = self.cluster.parallel(
            lambda listed: self._list(*listed),
            [
                (f"{OPERATORS}/subscriptions", {}),
                (f"{GROUPS}/namespaces/{self.namespace}/operatorgroups", {}),
                (f"{OPERATORS}/namespaces/{self.namespace}/clusterserviceversions", NO_COPIES),
            ],
        )
        those = [olm_objects.subscription(item) for item in subscriptions]
        mine = {*olm_objects.PACKAGES, self.package}
        result["subscriptions"] = [i for i in those if i["package"] in mine or i["namespace"] == self.namespace]
        result["operator_groups"] = [olm_objects.operator_group(item) for item in groups]
        result["csvs"] = [olm_objects.csv(item) for item in csvs]
        return result | (self._catalog(seconds) if packages else {})

    def _catalog(self, seconds: float) -> dict[str, Any]:
        if asking("Look for the package server", lambda: self.cluster.get(PACKAGES)) is None:
            return {"packages_served": False}
        catalogs = self._catalogs(seconds)
        package = self._package() if any(self._is_ready(item) for item in catalogs) else None
        result = {"packages_served": True, "catalogs": catalogs, "package": package, "packages": []}
        if package is None and any(self._is_ready(item) for item in catalogs):
            names = [item["metadata"]["name"] for item in self._listed_packages()]
            result["packages"] = difflib.get_close_matches(self.package, sorted(set(names)), n=SHOWN, cutoff=0.4)
        return result

    def _catalogs(self, seconds: float) -> list[dict[str, Any]]:
        catalogs: list[dict[str, Any]] = []
        for _poll in self.cluster.polls(seconds):
            catalogs = [olm_objects.catalog(item) for item in self._list(f"{OPERATORS}/catalogsources", {})]
            mine = [item for item in catalogs if (item["namespace"], item["name"]) == self.catalog]
            if not mine or self._is_ready(mine[0]):
                break
        return catalogs

    def _is_ready(self, item: dict[str, Any]) -> bool:
        return (item["namespace"], item["name"]) == self.catalog and item["state"] == olm_objects.READY

    def _package(self) -> dict[str, Any] | None:
        """Return what the catalog offers; several catalogs may have a package of the same name."""
        path = f"{PACKAGES}/namespaces/{self.catalog[0]}/packagemanifests/{self.package}"
        item = asking("Read the package", lambda: self.cluster.get(path))
        if item is not None and self._is_mine(item):
            return olm_objects.package(item)
        named = [one for one in self._listed_packages() if one["metadata"]["name"] == self.package]
        return next((olm_objects.package(one) for one in named), None)

    def _listed_packages(self) -> list[Manifest]:
        path = f"{PACKAGES}/namespaces/{self.catalog[0]}/packagemanifests"
        listed = self._list(path, {"labelSelector": f"catalog={self.catalog[1]}"})
        return [item for item in listed if self._is_mine(item)]

    def _is_mine(self, item: Manifest) -> bool:
        status = item.get("status") or {}
        return (status.get("catalogSourceNamespace"), status.get("catalogSource")) == self.catalog

    def _list(self, path: str, query: dict[str, Any]) -> list[Manifest]:
        """Return a list; empty if the kind is not served or the namespace does not exist."""
        try:
            return list(self.cluster.items(path, query))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return []
            raise explain(error, f"List {path.rpartition('/')[2]}") from error
