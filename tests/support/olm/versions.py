# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays ClusterServiceVersions (CSVs) of the simulated OLM: from Pending to Succeeded, until a newer one replaces them.

Phases and reasons are those of `ClusterServiceVersionPhase` and `ConditionReason` in
github.com/operator-framework/api, pkg/operators/v1alpha1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.support.cluster import wait_until

from . import operator
from .api import Api, Object
from .catalog import MODES, Catalog, version_number
from .definitions import GROUP, KINDS

V1ALPHA1 = "operators.coreos.com/v1alpha1"
ROOT = f"/apis/{V1ALPHA1}"
# Cluster-wide objects have no owner in a namespace: OLM removes them itself, by a finalizer.
FINALIZER = "operators.coreos.com/csv-cleanup"
CSV_KIND = "ClusterServiceVersion"
CLUSTER_WIDE = ("clusterroles", "clusterrolebindings")
RBAC, ADMISSION = "/apis/rbac.authorization.k8s.io/v1", "/apis/admissionregistration.k8s.io/v1"
WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
PACKAGE_ANNOTATION = "olm-of-tests/package"
"""The annotation with the package of a version that is in the channel of its subscription."""
SECONDS_TO_SERVE = 60
# By the phase of a version: the next one, its reason and its message.
NEXT_PHASE = {
    "": ("Pending", "RequirementsUnknown", ""),
    "Pending": ("InstallReady", "AllRequirementsMet", ""),
    "InstallReady": ("Installing", "InstallWaiting", "waiting for deployment to become ready"),
    "Installing": ("Succeeded", "InstallSucceeded", "install strategy completed with no errors"),
    "Failed": ("Pending", "NeedsReinstall", "what was wrong is gone"),
}


@dataclass
class Versions:
    """All versions of a cluster, at one look of the controller."""

    api: Api
    catalogs: Mapping[tuple[str, str], Catalog]
    """By the namespace and the name of the CatalogSource."""

    def create_version(self, name: str, subscription: Object, catalog: Catalog) -> None:
        """Create a version as its bundle describes it.

        A version that is not in the channel of the subscription, such as a dependency, brings no operator.
        """
        namespace = subscription["metadata"]["namespace"]
        package, channel = subscription["spec"]["name"], subscription["spec"].get("channel", "")
        is_operator = name in catalog.list_channel_versions(package, channel)
        metadata = {
            "name": name,
            "namespace": namespace,
            "labels": {f"operators.coreos.com/{package}.{namespace}": ""},
            "finalizers": [FINALIZER],
            "annotations": {PACKAGE_ANNOTATION: package} if is_operator else {},
        }
        spec = _build_spec(name, namespace, catalog.find_version(name), is_operator)
        self.api.apply({"apiVersion": V1ALPHA1, "kind": CSV_KIND, "metadata": metadata, "spec": spec})

    def advance_all(self, subscriptions: list[Object]) -> None:
        """Do the next step of every version."""
        listed = self.api.items(f"{ROOT}/clusterserviceversions")
        # Items of a list have neither an API version nor a kind.
        csvs = [{"apiVersion": V1ALPHA1, "kind": CSV_KIND, **csv} for csv in listed]
        for csv in csvs:
            if csv["metadata"].get("deletionTimestamp"):
                self._delete_cluster_objects(csv)
            else:
                self._advance_version(csv, csvs, subscriptions)

    def _advance_version(self, csv: Object, csvs: list[Object], subscriptions: list[Object]) -> None:
        """Do the next step of one version: it gives way to a newer one, fails, or goes on."""
        namespace, phase = csv["metadata"]["namespace"], _read_phase(csv)
        replacement = _find_replacement(csv, csvs)
        if replacement and phase in ("Succeeded", "Replacing"):
            self._give_way(csv, replacement)
            return
        subscription = _find_subscription(namespace, subscriptions)
        catalog = self._find_catalog(subscription)
        trouble = catalog.find_trouble(csv["metadata"]["name"], "csv") if catalog else None
        group_fault = self._group_fault(namespace)
        if group_fault and phase != "Succeeded":
            self._set_status(csv, "Failed", group_fault, "")
        elif trouble and phase not in ("", "Succeeded"):
            self._set_trouble(csv, trouble)
        else:
            self._advance_healthy(csv, catalog, subscription)

    def _advance_healthy(self, csv: Object, catalog: Catalog | None, subscription: Object | None) -> None:
        """Bring a version with which nothing is wrong to its next phase."""
        phase = _read_phase(csv)
        if phase == "InstallReady":
            self._install(csv, catalog, subscription)
        is_waiting = phase == "Installing" and not self._is_available(csv)
        if phase in NEXT_PHASE and not is_waiting:
            self._set_status(csv, *NEXT_PHASE[phase])

    def _set_trouble(self, csv: Object, trouble: Mapping[str, Any]) -> None:
        """Set the status that a test has ordered for this version."""
        extra_status = {"requirementStatus": trouble["requirements"]} if trouble.get("requirements") else {}
        self._set_status(
            csv, trouble.get("phase", "Failed"), trouble["reason"], trouble.get("message", ""), extra_status
        )

    def _group_fault(self, namespace: str) -> str:
        """Return the reason for which OLM refuses the OperatorGroups of a namespace; empty if it accepts them."""
        groups = self.api.items(f"/apis/operators.coreos.com/v1/namespaces/{namespace}/operatorgroups")
        if len(groups) != 1:
            return "TooManyOperatorGroups" if groups else "NoOperatorGroup"
        return "UnsupportedOperatorGroup" if (groups[0].get("spec") or {}).get("targetNamespaces") else ""

    def _give_way(self, csv: Object, replacement: Object) -> None:
        """Delete a version once the newer one that replaces it works."""
        if _read_phase(replacement) == "Succeeded":
            self._set_status(csv, "Deleting", "Replaced", "")
            self.api.delete(csv)
        else:
            message = f"being replaced by csv: {replacement['metadata']['name']}"
            self._set_status(csv, "Replacing", "BeingReplaced", message)

    def _install(self, csv: Object, catalog: Catalog | None, subscription: Object | None) -> None:
        """Apply the objects of a version that brings an operator; its Deployment has the subscription's settings."""
        package = (csv["metadata"].get("annotations") or {}).get(PACKAGE_ANNOTATION)
        if not package or catalog is None or subscription is None:
            return
        config = subscription["spec"].get("config") or {}
        manifests = operator.list_version_objects(csv, catalog.find_version(csv["metadata"]["name"]), package)
        for manifest in manifests:
            if manifest["kind"] == "Deployment":
                self._await_served(manifests)
                self.api.apply(operator.apply_config(manifest, config))
            else:
                self.api.apply(manifest)

    def _await_served(self, manifests: list[Object]) -> None:
        """Wait for the kinds of a version. An operator that starts before the API server has them ends."""
        for manifest in manifests:
            if manifest["kind"] == operator.DEFINITION_KIND:
                wait_until(
                    f"{manifest['metadata']['name']} is served",
                    partial(self._is_served, manifest["spec"]),
                    SECONDS_TO_SERVE,
                )

    def _is_served(self, definition_spec: Object) -> bool:
        """Whether the API server lists a kind in all versions of its definition."""
        for version in definition_spec["versions"]:
            listing = self.api.get(f"/apis/{definition_spec['group']}/{version['name']}") or {}
            plurals = [resource["name"] for resource in listing.get("resources", [])]
            if definition_spec["names"]["plural"] not in plurals:
                return False
        return True

    def _is_available(self, csv: Object) -> bool:
        """Whether all Deployments of a version have their replicas."""
        namespace = csv["metadata"]["namespace"]
        for deployment_entry in csv["spec"]["install"]["spec"]["deployments"]:
            deployment = (
                self.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment_entry['name']}") or {}
            )
            if not _has_replicas(deployment):
                return False
        return True

    def _delete_cluster_objects(self, csv: Object) -> None:
        """Delete the objects of a version that have no owner, then remove the finalizer."""
        metadata = csv["metadata"]
        selector = f"olm.owner={metadata['name']},olm.owner.namespace={metadata['namespace']}"
        paths = [f"{RBAC}/{plural}" for plural in CLUSTER_WIDE] + [f"{ADMISSION}/{kind.lower()}s" for kind in WEBHOOKS]
        for path in paths:
            self.api.call("DELETE", path, None, labelSelector=selector)
        remaining_finalizers = [name for name in metadata.get("finalizers") or [] if name != FINALIZER]
        path = f"{ROOT}/namespaces/{metadata['namespace']}/clusterserviceversions/{metadata['name']}"
        self.api.call("PATCH", path, {"metadata": {"finalizers": remaining_finalizers or None}})

    def _find_catalog(self, subscription: Object | None) -> Catalog | None:
        spec = (subscription or {}).get("spec") or {}
        return self.catalogs.get((spec.get("sourceNamespace", ""), spec.get("source", "")))

    def _set_status(
        self, csv: Object, phase: str, reason: str, message: str, extra_status: Object | None = None
    ) -> None:
        self.api.status(csv, {"phase": phase, "reason": reason, "message": message, **(extra_status or {})})


def _has_replicas(deployment: Object) -> bool:
    """Whether the newest template of a Deployment has all its replicas; a Deployment that does not exist has none."""
    status, spec = deployment.get("status") or {}, deployment.get("spec") or {}
    generation = (deployment.get("metadata") or {}).get("generation", 1)
    replicas = spec.get("replicas", 1)
    is_observed = status.get("observedGeneration", 0) >= generation
    counts = (status.get("availableReplicas", 0), status.get("updatedReplicas", 0))
    return bool(is_observed and min(counts) >= replicas)


def _find_subscription(namespace: str, subscriptions: list[Object]) -> Object | None:
    for subscription in subscriptions:
        if subscription["metadata"]["namespace"] == namespace:
            return subscription
    return None


def _read_phase(csv: Object) -> str:
    """Return the phase of a version; empty if it has none yet."""
    return str((csv.get("status") or {}).get("phase", ""))


def _find_replacement(csv: Object, csvs: list[Object]) -> Object | None:
    """Return the version of the same namespace that replaces one; None without one."""
    metadata = csv["metadata"]
    for other in csvs:
        in_same_namespace = other["metadata"]["namespace"] == metadata["namespace"]
        if in_same_namespace and other["spec"].get("replaces") == metadata["name"]:
            return other
    return None


def _build_spec(name: str, namespace: str, bundle: Mapping[str, Any], is_operator: bool) -> Object:
    """Return the spec of a version; one that is not the operator has no Deployment and owns no kinds."""
    deployment = operator.build_deployment(namespace, bundle.get("image", operator.IMAGE))
    deployments = [
        {"name": operator.DEPLOYMENT_NAME, "label": deployment["metadata"]["labels"], "spec": deployment["spec"]}
    ]
    owned = [
        {"name": f"{plural}.{GROUP}", "kind": kind, "version": versions[-1]}
        for plural, kind, versions, _namespaced in KINDS
    ]
    modes = [{"type": mode, "supported": False} for mode in MODES]
    spec: Object = {
        "displayName": name,
        "version": version_number(name),
        "install": {"strategy": "deployment", "spec": {"deployments": deployments if is_operator else []}},
        "installModes": [*modes, {"type": "AllNamespaces", "supported": True}],
        "customresourcedefinitions": {"owned": owned if is_operator else []},
    }
    if bundle.get("replaces"):
        spec["replaces"] = bundle["replaces"]
    return spec
