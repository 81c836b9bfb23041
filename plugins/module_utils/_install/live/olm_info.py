# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module olm_info: it reads the objects of the Operator Lifecycle Manager that matter to the operator. Private.

`olm/olm_objects.py` turns each object into a row of the result, and explains the words of OLM. Requests that do not
need each other's answers go out at the same time.
"""

from __future__ import annotations

import difflib
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import ask_server, explain
from ..._kube.live.cluster import NOT_FOUND, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._kube.namespaced_name import NamespacedName
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import clean_text
from ..._otelcol.kube.objects import Manifest
from ..olm import olm_decision, olm_objects
from ..olm.olm_objects import CatalogRow, FoundOlm, SubscriptionRow

# Where the API server keeps Subscriptions, versions and catalogs.
OPERATORS_PATH = f"/apis/{olm_objects.API}/v1alpha1"
# Where it keeps OperatorGroups.
GROUPS_PATH = f"/apis/{olm_objects.API}/v1"
# Where the package server of OLM offers packages.
PACKAGES_PATH = "/apis/packages.operators.coreos.com/v1"
# OLM copies the version of an operator for all namespaces into each of them.
WITHOUT_COPIES = {"labelSelector": "!olm.copiedFrom"}
# How many names of similar packages the result has.
MOST_SHOWN = 10
# How similar they are at least (difflib, from 0 to 1).
LEAST_SIMILARITY = 0.4
ARGUMENTS: dict[str, Any] = {
    "package": {"required": True},
    "namespace": {"default": ""},
    "source": {"default": "redhat-operators"},
    "source_namespace": {"default": "openshift-marketplace"},
    "offers": {"type": "bool", "default": True},
    "timeout_seconds": {"type": "float", "default": 30},
}


def run_info(module: AnsibleModule) -> None:
    """Run module olm_info, and exit with its result or failure."""
    params, package = module.params, module.params["package"]
    namespace = olm_decision.choose_namespace(package, params["namespace"])

    def read_olm() -> dict[str, Any]:
        catalog = NamespacedName(params["source_namespace"], params["source"])
        reader = OlmReader(connect(module), namespace, package, catalog)
        found_olm = reader.read_state(params["offers"], params["timeout_seconds"])
        return {"changed": False, **clean_text(found_olm)}

    run(module, read_olm)


class OlmReader:
    """Reads the objects of OLM for a package of a catalog. `namespace` is that of the operator."""

    def __init__(self, cluster: Cluster, namespace: str, package: str, catalog: NamespacedName) -> None:
        self.cluster, self.namespace, self.package, self.catalog = cluster, namespace, package, catalog

    def read_state(self, packages: bool, timeout_seconds: float) -> FoundOlm:
        """Return what the cluster has of OLM. `packages` is whether to read what the catalog offers too.

        A catalog that is not ready gets `timeout_seconds`, because its pod may be starting.
        """
        result: FoundOlm = {
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
            result["catalogs"] = self._read_catalogs(timeout_seconds)
            if self._is_ready(self._find_own_catalog(result["catalogs"])):
                self._add_package(result)
        return result

    def _select_own_subscriptions(self, subscriptions: list[Manifest]) -> list[SubscriptionRow]:
        """Return the Subscriptions of the operator in all namespaces, and every Subscription of its namespace."""
        packages = {*olm_objects.PACKAGES, self.package}
        own_subscriptions = []
        for manifest in subscriptions:
            subscription = olm_objects.read_subscription(manifest)
            if subscription["package"] in packages or subscription["namespace"] == self.namespace:
                own_subscriptions.append(subscription)
        return own_subscriptions

    def _read_catalogs(self, timeout_seconds: float) -> list[CatalogRow]:
        """Return the catalogs of the cluster, after a wait until the given one is ready."""
        catalogs: list[CatalogRow] = []
        for _poll in self.cluster.iter_polls(timeout_seconds):
            manifests = self._list_objects(f"{OPERATORS_PATH}/catalogsources", {})
            catalogs = [olm_objects.read_catalog(manifest) for manifest in manifests]
            own_catalog = self._find_own_catalog(catalogs)
            if own_catalog is None or self._is_ready(own_catalog):
                break
        return catalogs

    def _find_own_catalog(self, catalogs: list[CatalogRow]) -> CatalogRow | None:
        """Return the given catalog; None if the cluster does not have it."""
        for catalog in catalogs:
            if NamespacedName(catalog["namespace"], catalog["name"]) == self.catalog:
                return catalog
        return None

    @staticmethod
    def _is_ready(catalog: CatalogRow | None) -> bool:
        return catalog is not None and catalog["state"] == olm_objects.READY

    def _add_package(self, result: FoundOlm) -> None:
        """Set `package` of the result, or `packages` to similar names if the catalog does not offer the package.

        The request for one package may answer with that of another catalog, if several have the same name. Then all
        packages of the catalog are read.
        """
        path = f"{PACKAGES_PATH}/namespaces/{self.catalog.namespace}/packagemanifests"
        package_manifest = ask_server("Read the package", lambda: self.cluster.get(f"{path}/{self.package}"))
        if package_manifest is not None and self._is_offered(package_manifest):
            result["package"] = olm_objects.read_package(package_manifest)
            return
        manifests = self._list_objects(path, {"labelSelector": f"catalog={self.catalog.name}"})
        offered_by_name = {
            manifest["metadata"]["name"]: manifest for manifest in manifests if self._is_offered(manifest)
        }
        if self.package in offered_by_name:
            result["package"] = olm_objects.read_package(offered_by_name[self.package])
        else:
            result["packages"] = difflib.get_close_matches(
                self.package, sorted(offered_by_name), n=MOST_SHOWN, cutoff=LEAST_SIMILARITY
            )

    def _is_offered(self, package_manifest: Manifest) -> bool:
        """Return whether a package is of the given catalog."""
        status = mapping_at(package_manifest, "status")
        return (status.get("catalogSourceNamespace"), status.get("catalogSource")) == self.catalog

    def _list_objects(self, path: str, query: dict[str, Any]) -> list[Manifest]:
        """Return the objects of a list; none if the kind is not served or the namespace does not exist."""
        try:
            return list(self.cluster.items(path, query))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return []
            raise explain(error, f"List {path.rpartition('/')[2]}") from error
