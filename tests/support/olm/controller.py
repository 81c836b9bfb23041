# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller: one look at everything after the other, each doing the next step of every object."""

from __future__ import annotations

import secrets
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .api import Api, Object
from .catalog import PACKAGES_API, Catalog
from .versions import Versions

V1ALPHA1, V1 = "operators.coreos.com/v1alpha1", "operators.coreos.com/v1"
ROOT, GROUPS = f"/apis/{V1ALPHA1}", f"/apis/{V1}"
PENDING, LATEST = "UpgradePending", "AtLatestKnown"


@dataclass
class Controller:
    """What plays OLM."""

    api: Api
    catalogs: dict[tuple[str, str], Catalog] = field(default_factory=dict)

    def look(self) -> None:
        """Do the next step of everything."""
        self._read_catalogs()
        subscriptions = self.api.items(f"{ROOT}/subscriptions")
        plans = self.api.items(f"{ROOT}/installplans")
        for plan in plans:
            self._advance_plan({"apiVersion": V1ALPHA1, "kind": "InstallPlan", **plan}, subscriptions)
        for subscription in subscriptions:
            self._advance_subscription({"apiVersion": V1ALPHA1, "kind": "Subscription", **subscription}, plans)
        Versions(self.api, self.catalogs).advance_all(subscriptions)

    def _read_catalogs(self) -> None:
        self.catalogs = {}
        for source in self.api.items(f"{ROOT}/catalogsources"):
            manifest = {"apiVersion": V1ALPHA1, "kind": "CatalogSource", **source}
            namespace = manifest["metadata"]["namespace"]
            path = f"/api/v1/namespaces/{namespace}/configmaps/{manifest['spec'].get('configMap', 'none')}"
            catalog = Catalog.read(manifest, self.api.get(path))
            self.catalogs[namespace, catalog.name] = catalog
            connection = {"lastObservedState": catalog.connection_state}
            self.api.status(manifest, {"message": catalog.content.get("message", ""), "connectionState": connection})
        self._update_package_manifests()

    def _update_package_manifests(self) -> None:
        """Keep PackageManifests as the catalogs are; those of a catalog that does not answer are gone."""
        wanted_manifests = [
            manifest
            for catalog in self.catalogs.values()
            if catalog.connection_state == "READY"
            for manifest in catalog.build_package_manifests()
        ]
        wanted_keys = {
            (manifest["metadata"]["namespace"], manifest["metadata"]["name"]) for manifest in wanted_manifests
        }
        current_statuses = {}
        for manifest in self.api.items(f"/apis/{PACKAGES_API}/packagemanifests"):
            manifest_key = (manifest["metadata"]["namespace"], manifest["metadata"]["name"])
            current_statuses[manifest_key] = manifest.get("status")
            if manifest_key not in wanted_keys:
                self.api.delete({"apiVersion": PACKAGES_API, "kind": "PackageManifest", **manifest})
        for manifest in wanted_manifests:
            if (
                current_statuses.get((manifest["metadata"]["namespace"], manifest["metadata"]["name"]))
                != manifest["status"]
            ):
                self.api.apply(manifest)

    def _advance_subscription(self, subscription: Object, plans: list[Object]) -> None:
        """Take a Subscription one step on: the catalog, the version that comes next, and the plan for it."""
        spec, status = subscription["spec"], dict(subscription.get("status") or {})
        namespace = subscription["metadata"]["namespace"]
        versions = {version["metadata"]["name"]: version for version in self._list_versions(namespace)}
        if status.get("currentCSV") in versions:
            status["installedCSV"] = status["currentCSV"]
        catalog = self.catalogs.get((spec["sourceNamespace"], spec["source"]))
        conditions = [self._health_condition(spec, catalog)]
        is_usable = catalog is not None and catalog.connection_state == "READY"
        # With none or with two OperatorGroups OLM does nothing, and says nothing.
        if catalog and is_usable and len(self._list_operator_groups(namespace)) == 1:
            conditions += self._resolve(subscription, status, catalog, (versions, plans))
        timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        new_status = {
            **status,
            "conditions": conditions,
            "lastUpdated": (subscription.get("status") or {}).get("lastUpdated"),
        }
        if new_status != subscription.get("status"):
            self.api.status(subscription, {**new_status, "lastUpdated": timestamp})

    def _resolve(
        self,
        subscription: Object,
        status: dict[str, Any],
        catalog: Catalog,
        versions_and_plans: tuple[dict[str, Object], list[Object]],
    ) -> list[Object]:
        """Choose what comes next, make a plan for it, and return what is in the way."""
        spec, (versions, plans) = subscription["spec"], versions_and_plans
        installed = status.get("installedCSV", "")
        if installed and (versions.get(installed) or {}).get("status", {}).get("phase") != "Succeeded":
            return []
        channel = catalog.list_channel_versions(spec["name"], spec.get("channel", ""))
        next_version = catalog.find_next_version(channel, installed, spec.get("startingCSV", ""))
        if installed and not next_version:
            status.update(state=LATEST, currentCSV=installed)
            return []
        if obstacle := _find_obstacle(subscription, next_version, catalog, () if installed else versions):
            return [obstacle]
        version_names = [next_version, *catalog.find_version(next_version).get("needs", [])]
        plan = _find_plan(plans, subscription, version_names) or self._create_plan(
            subscription, version_names, len(plans)
        )
        reference = {"apiVersion": V1ALPHA1, "kind": "InstallPlan", "namespace": subscription["metadata"]["namespace"]}
        status.update(
            state=PENDING, currentCSV=next_version, installPlanRef={**reference, "name": plan["metadata"]["name"]}
        )
        return _plan_conditions(plan)

    def _create_plan(self, subscription: Object, version_names: list[str], generation: int) -> Object:
        metadata, spec = subscription["metadata"], subscription["spec"]
        approval = spec.get("installPlanApproval", "Automatic")
        owner = {"apiVersion": V1ALPHA1, "kind": "Subscription", "name": metadata["name"], "uid": metadata["uid"]}
        return self.api.create(
            {
                "apiVersion": V1ALPHA1,
                "kind": "InstallPlan",
                "metadata": {
                    "name": f"install-{secrets.token_hex(3)}",
                    "namespace": metadata["namespace"],
                    "ownerReferences": [{**owner, "controller": False, "blockOwnerDeletion": False}],
                },
                "spec": {
                    "approval": approval,
                    "approved": approval == "Automatic",
                    "clusterServiceVersionNames": version_names,
                    "generation": generation + 1,
                },
            }
        )

    def _advance_plan(self, plan: Object, subscriptions: list[Object]) -> None:
        """Take an InstallPlan one step on."""
        status = plan.get("status") or {}
        if status.get("phase") in ("Complete", "Failed"):
            return
        if not plan["spec"]["approved"]:
            self.api.status(plan, _plan_status("RequiresApproval"))
            return
        owner = next((subscription for subscription in subscriptions if _owns(subscription, plan)), None)
        if owner is None:
            return
        catalog = self.catalogs[owner["spec"]["sourceNamespace"], owner["spec"]["source"]]
        version_names = plan["spec"]["clusterServiceVersionNames"]
        trouble = catalog.find_trouble(version_names[0], "plan")
        if trouble:
            failed_condition = {
                "type": "Installed",
                "status": "False",
                "reason": trouble["reason"],
                "message": trouble["message"],
            }
            self.api.status(plan, {**_plan_status("Failed"), "conditions": [failed_condition]})
            return
        versions = Versions(self.api, self.catalogs)
        for name in version_names:
            versions.create_version(name, owner, catalog)
        self.api.status(plan, _plan_status("Complete"))

    def _health_condition(self, spec: Object, catalog: Catalog | None) -> Object:
        """Return the condition that every Subscription has; it is True when something is wrong."""
        name = f"{spec['sourceNamespace']}/{spec['source']}"
        if catalog is None:
            message = f"targeted catalogsource {name} missing"
            return _build_condition("CatalogSourcesUnhealthy", "UnhealthyCatalogSourceFound", message)
        if catalog.connection_state != "READY":
            message = f"targeted catalogsource {name} unhealthy"
            return _build_condition("CatalogSourcesUnhealthy", "UnhealthyCatalogSourceFound", message)
        healthy = _build_condition("CatalogSourcesUnhealthy", "AllCatalogSourcesHealthy", "all available are healthy")
        return {**healthy, "status": "False"}

    def _list_operator_groups(self, namespace: str) -> list[Object]:
        return self.api.items(f"{GROUPS}/namespaces/{namespace}/operatorgroups")

    def _list_versions(self, namespace: str) -> list[Object]:
        return self.api.items(f"{ROOT}/namespaces/{namespace}/clusterserviceversions")


def _owns(subscription: Object, plan: Object) -> bool:
    owners = plan["metadata"].get("ownerReferences") or []
    return any(owner["uid"] == subscription["metadata"]["uid"] for owner in owners)


def _find_plan(plans: Iterable[Object], subscription: Object, version_names: list[str]) -> Object | None:
    own_plans = [plan for plan in plans if _owns(subscription, plan)]
    return next((plan for plan in own_plans if plan["spec"]["clusterServiceVersionNames"] == version_names), None)


def _plan_conditions(plan: Object) -> list[Object]:
    """Return what a Subscription says of its plan."""
    status = plan.get("status") or {}
    if status.get("phase") == "Failed":
        failed_condition = (status.get("conditions") or [{}])[0]
        return [
            _build_condition(
                "InstallPlanFailed",
                failed_condition.get("reason", "InstallPlanFailed"),
                failed_condition.get("message", ""),
            )
        ]
    if status.get("phase") == "Complete":
        return []
    return [_build_condition("InstallPlanPending", status.get("phase") or "InstallPlanNotYetReconciled", "")]


def _plan_status(phase: str) -> Object:
    return {"phase": phase, "catalogSources": []}


def _find_obstacle(
    subscription: Object, next_version: str, catalog: Catalog, existing_versions: Container[str]
) -> Object | None:
    """Return what keeps a plan from being made."""
    spec, name = subscription["spec"], subscription["metadata"]["name"]
    if not next_version:
        return _unsatisfiable_condition(
            f"no operators found in channel {spec.get('channel')} of package {spec['name']} in the catalog referenced"
            f" by subscription {name}, subscription {name} exists"
        )
    if next_version in existing_versions:
        return _unsatisfiable_condition(
            f"clusterserviceversion {next_version} exists and is not referenced by a subscription"
        )
    if trouble := catalog.find_trouble(next_version, "resolve"):
        return _build_condition("ResolutionFailed", trouble["reason"], trouble["message"])
    if trouble := catalog.find_trouble(next_version, "unpack"):
        return _build_condition(trouble.get("type", "BundleUnpackFailed"), trouble["reason"], trouble["message"])
    return None


def _unsatisfiable_condition(message: str) -> Object:
    return _build_condition("ResolutionFailed", "ConstraintsNotSatisfiable", f"constraints not satisfiable: {message}")


def _build_condition(kind: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": "True", "reason": reason, "message": message}
