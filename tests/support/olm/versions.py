# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ClusterServiceVersions of the tests' OLM: from Pending to Succeeded, and away when a newer one has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.support.cluster import until

from . import operator
from .api import Api, Object
from .catalog import MODES, Catalog, number

V1ALPHA1 = "operators.coreos.com/v1alpha1"
ROOT = f"/apis/{V1ALPHA1}"
# Cluster-wide objects have no owner in a namespace: OLM removes them itself, by a finalizer.
FINALIZER = "operators.coreos.com/csv-cleanup"
CLUSTER_WIDE = ("clusterroles", "clusterrolebindings")
RBAC, ADMISSION = "/apis/rbac.authorization.k8s.io/v1", "/apis/admissionregistration.k8s.io/v1"
WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
PACKAGE = "olm-of-tests/package"
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
    """The versions of one look."""

    api: Api
    catalogs: Mapping[tuple[str, str], Catalog]

    def make(self, name: str, subscription: Object, catalog: Catalog) -> None:
        """Make a version as its bundle says; what comes beside the operator brings nothing."""
        namespace, said = subscription["metadata"]["namespace"], catalog.version(name)
        ours = name in catalog.channel(subscription["spec"]["name"], subscription["spec"].get("channel", ""))
        spec = _spec(name, namespace, said, ours)
        labels = {f"operators.coreos.com/{subscription['spec']['name']}.{namespace}": ""}
        metadata = {"name": name, "namespace": namespace, "labels": labels, "finalizers": [FINALIZER]}
        metadata["annotations"] = {PACKAGE: subscription["spec"]["name"]} if ours else {}
        self.api.apply({"apiVersion": V1ALPHA1, "kind": "ClusterServiceVersion", "metadata": metadata, "spec": spec})

    def look(self, subscriptions: list[Object]) -> None:
        """Do the next step of every version."""
        listed = self.api.items(f"{ROOT}/clusterserviceversions")
        items = [{"apiVersion": V1ALPHA1, "kind": "ClusterServiceVersion", **item} for item in listed]
        for item in items:
            if item["metadata"].get("deletionTimestamp"):
                self._clean(item)
            else:
                self._step(item, items, subscriptions)

    def _step(self, item: Object, items: list[Object], subscriptions: list[Object]) -> None:
        """Do the next step of one version: it gives way to a newer one, fails, or goes on."""
        namespace, phase = item["metadata"]["namespace"], _phase(item)
        newer = _newer(item, items)
        if newer and phase in ("Succeeded", "Replacing"):
            self._replaced(item, newer)
            return
        subscription = next((one for one in subscriptions if one["metadata"]["namespace"] == namespace), None)
        catalog = self._catalog(subscription)
        trouble = catalog.trouble(item["metadata"]["name"], "csv") if catalog else None
        wrong = self._groups_wrong(namespace)
        if wrong and phase != "Succeeded":
            self._say(item, "Failed", wrong, "")
        elif trouble and phase not in ("", "Succeeded"):
            self._trouble(item, trouble)
        else:
            self._go_on(item, catalog, subscription)

    def _go_on(self, item: Object, catalog: Catalog | None, subscription: Object | None) -> None:
        """Bring a version with which nothing is wrong to its next phase."""
        phase = _phase(item)
        if phase == "InstallReady":
            self._install(item, catalog, subscription)
        is_waiting = phase == "Installing" and not self._is_available(item)
        if phase in NEXT_PHASE and not is_waiting:
            self._say(item, *NEXT_PHASE[phase])

    def _trouble(self, item: Object, trouble: Mapping[str, Any]) -> None:
        more = {"requirementStatus": trouble["requirements"]} if trouble.get("requirements") else {}
        self._say(item, trouble.get("phase", "Failed"), trouble["reason"], trouble.get("message", ""), more)

    def _groups_wrong(self, namespace: str) -> str:
        groups = self.api.items(f"/apis/operators.coreos.com/v1/namespaces/{namespace}/operatorgroups")
        if len(groups) != 1:
            return "TooManyOperatorGroups" if groups else "NoOperatorGroup"
        return "UnsupportedOperatorGroup" if (groups[0].get("spec") or {}).get("targetNamespaces") else ""

    def _replaced(self, item: Object, newer: Object) -> None:
        """Let a version go when the one that replaces it works."""
        if _phase(newer) == "Succeeded":
            self._say(item, "Deleting", "Replaced", "")
            self.api.delete(item)
        else:
            self._say(item, "Replacing", "BeingReplaced", f"being replaced by csv: {newer['metadata']['name']}")

    def _install(self, item: Object, catalog: Catalog | None, subscription: Object | None) -> None:
        package = (item["metadata"].get("annotations") or {}).get(PACKAGE)
        if not package or catalog is None or subscription is None:
            return
        parts = operator.objects(item, catalog.version(item["metadata"]["name"]), package)
        for part in parts:
            if part["kind"] == "Deployment":
                self._await_served(parts)
            config = subscription["spec"].get("config") or {}
            self.api.apply(operator.configured(part, config) if part["kind"] == "Deployment" else part)

    def _await_served(self, parts: list[Object]) -> None:
        """Wait for the kinds of a version, which is Pending until then; an operator that does not find them ends."""
        for part in parts:
            if part["kind"] == operator.DEFINITION:
                until(f"{part['metadata']['name']} is served", partial(self._is_served, part["spec"]), 60)

    def _is_served(self, spec: Object) -> bool:
        versions = [version["name"] for version in spec["versions"]]
        found = (self.api.get(f"/apis/{spec['group']}/{version}") or {} for version in versions)
        plurals = [[one["name"] for one in listing.get("resources", [])] for listing in found]
        return all(spec["names"]["plural"] in listed for listed in plurals)

    def _is_available(self, item: Object) -> bool:
        namespace = item["metadata"]["namespace"]
        for part in item["spec"]["install"]["spec"]["deployments"]:
            found = self.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{part['name']}") or {}
            status, wanted = found.get("status") or {}, (found.get("spec") or {}).get("replicas", 1)
            observed = status.get("observedGeneration", 0) >= (found.get("metadata") or {}).get("generation", 1)
            if not observed or min(status.get(key, 0) for key in ("availableReplicas", "updatedReplicas")) < wanted:
                return False
        return True

    def _clean(self, item: Object) -> None:
        """Remove what no owner takes along, then let go."""
        metadata = item["metadata"]
        selector = f"olm.owner={metadata['name']},olm.owner.namespace={metadata['namespace']}"
        paths = [f"{RBAC}/{plural}" for plural in CLUSTER_WIDE] + [f"{ADMISSION}/{kind.lower()}s" for kind in WEBHOOKS]
        for path in paths:
            self.api.call("DELETE", path, None, labelSelector=selector)
        kept = [name for name in metadata.get("finalizers") or [] if name != FINALIZER]
        path = f"{ROOT}/namespaces/{metadata['namespace']}/clusterserviceversions/{metadata['name']}"
        self.api.call("PATCH", path, {"metadata": {"finalizers": kept or None}})

    def _catalog(self, subscription: Object | None) -> Catalog | None:
        spec = (subscription or {}).get("spec") or {}
        return self.catalogs.get((spec.get("sourceNamespace", ""), spec.get("source", "")))

    def _say(self, item: Object, phase: str, reason: str, message: str, more: Object | None = None) -> None:
        self.api.status(item, {"phase": phase, "reason": reason, "message": message, **(more or {})})


def _phase(item: Object) -> str:
    """Return the phase of a version; empty if it has none yet."""
    return str((item.get("status") or {}).get("phase", ""))


def _newer(item: Object, items: list[Object]) -> Object | None:
    """Return the version of the same namespace that replaces one; None without one."""
    metadata = item["metadata"]
    for other in items:
        is_beside = other["metadata"]["namespace"] == metadata["namespace"]
        if is_beside and other["spec"].get("replaces") == metadata["name"]:
            return other
    return None


def _spec(name: str, namespace: str, said: Mapping[str, Any], ours: bool) -> Object:
    part = operator.deployment(namespace, said.get("image", operator.IMAGE))
    deployments = [{"name": operator.NAME, "label": part["metadata"]["labels"], "spec": part["spec"]}]
    owned = [
        {"name": f"{plural}.{operator.GROUP}", "kind": kind, "version": versions[-1]}
        for plural, kind, versions, _namespaced in operator.KINDS
    ]
    modes = [{"type": mode, "supported": False} for mode in MODES]
    spec: Object = {
        "displayName": name,
        "version": number(name),
        "install": {"strategy": "deployment", "spec": {"deployments": deployments if ours else []}},
        "installModes": [*modes, {"type": "AllNamespaces", "supported": True}],
        "customresourcedefinitions": {"owned": owned if ours else []},
    }
    return {**spec, **({"replaces": said["replaces"]} if said.get("replaces") else {})}
