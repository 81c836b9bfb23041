# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the Operator Lifecycle Manager has: in two rounds of requests, each at once. Private."""

from __future__ import annotations

import difflib
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import ask_server, explain
from ..._kube.live.cluster import NOT_FOUND, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import clean_text
from ..._otelcol.kube.objects import Manifest
from ..olm import olm_decision, olm_objects

OPERATORS_PATH, GROUPS_PATH = f"/apis/{olm_objects.API}/v1alpha1", f"/apis/{olm_objects.API}/v1"
PACKAGES_PATH = "/apis/packages.operators.coreos.com/v1"
# OLM copies the version of an operator for all namespaces into each of them.
WITHOUT_COPIES = {"labelSelector": "!olm.copiedFrom"}
MOST_SHOWN = 10
ARGUMENTS: dict[str, Any] = {
    "package": {"required": True},
    "namespace": {"default": ""},
    "source": {"default": "redhat-operators"},
    "source_namespace": {"default": "openshift-marketplace"},
    "offers": {"type": "bool", "default": True},
    "timeout_seconds": {"type": "float", "default": 30},
}


def run_info(module: AnsibleModule) -> None:
    params, package = module.params, module.params["package"]
    namespace = olm_decision.choose_namespace(package, params["namespace"])

    def read_olm() -> dict[str, Any]:
        reader = OlmReader(connect(module), namespace, package, (params["source_namespace"], params["source"]))
        return {"changed": False, **clean_text(reader.read_state(params["offers"], params["timeout_seconds"]))}

    run(module, read_olm)


class OlmReader:
    def __init__(self, cluster: Cluster, namespace: str, package: str, catalog: tuple[str, str]) -> None:
        self.cluster, self.namespace, self.package, self.catalog = cluster, namespace, package, catalog

    def read_state(self, packages: bool, timeout_seconds: float) -> dict[str, Any]:
        """Return the objects. Waits for a catalog that is not ready, because its pod may be starting."""
        result: dict[str, Any] = {
            "served": False,
            "packages_served": False,
            "namespace": self.namespace,
            "subscriptions": [],
            "operator_groups": [],
            "csvs": [],
            "catalogs": [],
            "packages": [],
            "package": None,
        }
        if ask_server("Look for OLM", lambda: self.cluster.get(OPERATORS_PATH)) is None:
            return result
        lists = [
            (f"{OPERATORS_PATH}/subscriptions", {}),
            (f"{GROUPS_PATH}/namespaces/{self.namespace}/operatorgroups", {}),
            (f"{OPERATORS_PATH}/namespaces/{self.namespace}/clusterserviceversions", WITHOUT_COPIES),
        ]
        subscriptions, groups, csvs = self.cluster.call_in_parallel(
            lambda list_arguments: self._list_objects(*list_arguments), lists
        )
        result["served"] = True
        result["subscriptions"] = self._select_own_subscriptions(subscriptions)
        result["operator_groups"] = [olm_objects.read_operator_group(group) for group in groups]
        result["csvs"] = [olm_objects.read_csv_object(csv) for csv in csvs]
        if packages and ask_server("Look for the package server", lambda: self.cluster.get(PACKAGES_PATH)) is not None:
            result["packages_served"] = True
            result |= self._read_catalogs(timeout_seconds)
        return result

    def _select_own_subscriptions(self, subscriptions: list[Manifest]) -> list[dict[str, Any]]:
        """Return the Subscriptions of the operator anywhere, and all of its namespace."""
        packages = {*olm_objects.PACKAGES, self.package}
        own_subscriptions = []
        for manifest in subscriptions:
            facts = olm_objects.read_subscription(manifest)
            if facts["package"] in packages or facts["namespace"] == self.namespace:
                own_subscriptions.append(facts)
        return own_subscriptions

    def _read_catalogs(self, timeout_seconds: float) -> dict[str, Any]:
        """Return the catalogs of the cluster, and what the given one offers once it is ready; waits for so long."""
        catalogs: list[dict[str, Any]] = []
        own_catalog: dict[str, Any] = {}
        for _poll in self.cluster.iter_polls(timeout_seconds):
            catalogs = [
                olm_objects.read_catalog(catalog)
                for catalog in self._list_objects(f"{OPERATORS_PATH}/catalogsources", {})
            ]
            catalogs_by_key = {(catalog["namespace"], catalog["name"]): catalog for catalog in catalogs}
            own_catalog = catalogs_by_key.get(self.catalog, {})
            if not own_catalog or own_catalog["state"] == olm_objects.READY:
                break
        result: dict[str, Any] = {"catalogs": catalogs}
        if own_catalog.get("state") == olm_objects.READY:
            result |= self._read_package()
        return result

    def _read_package(self) -> dict[str, Any]:
        """Return what the catalog offers, or similar names. Several catalogs may have a package of the same name."""
        path = f"{PACKAGES_PATH}/namespaces/{self.catalog[0]}/packagemanifests"
        manifest = ask_server("Read the package", lambda: self.cluster.get(f"{path}/{self.package}"))
        if manifest is not None and self._is_offered(manifest):
            return {"package": olm_objects.read_package(manifest)}
        manifests = self._list_objects(path, {"labelSelector": f"catalog={self.catalog[1]}"})
        offered_by_name = {
            manifest["metadata"]["name"]: manifest for manifest in manifests if self._is_offered(manifest)
        }
        if self.package in offered_by_name:
            return {"package": olm_objects.read_package(offered_by_name[self.package])}
        return {"packages": difflib.get_close_matches(self.package, sorted(offered_by_name), n=MOST_SHOWN, cutoff=0.4)}

    def _is_offered(self, manifest: Manifest) -> bool:
        status = mapping_at(manifest, "status")
        return (status.get("catalogSourceNamespace"), status.get("catalogSource")) == self.catalog

    def _list_objects(self, path: str, query: dict[str, Any]) -> list[Manifest]:
        """Return a list; empty if the kind is not served or the namespace does not exist."""
        try:
            return list(self.cluster.items(path, query))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return []
            raise explain(error, f"List {path.rpartition('/')[2]}") from error
