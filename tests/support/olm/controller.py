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
        self._catalogs()
        subscriptions = self.api.items(f"{ROOT}/subscriptions")
        plans = self.api.items(f"{ROOT}/installplans")
        for plan in plans:
            self._plan({"apiVersion": V1ALPHA1, "kind": "InstallPlan", **plan}, subscriptions)
        for subscription in subscriptions:
            self._subscription({"apiVersion": V1ALPHA1, "kind": "Subscription", **subscription}, plans)
        Versions(self.api, self.catalogs).look(subscriptions)

    def _catalogs(self) -> None:
        self.catalogs = {}
        for source in self.api.items(f"{ROOT}/catalogsources"):
            item = {"apiVersion": V1ALPHA1, "kind": "CatalogSource", **source}
            namespace = item["metadata"]["namespace"]
            path = f"/api/v1/namespaces/{namespace}/configmaps/{item['spec'].get('configMap', 'none')}"
            catalog = Catalog.read(item, self.api.get(path))
            self.catalogs[namespace, catalog.name] = catalog
            connection = {"lastObservedState": catalog.state}
            self.api.status(item, {"message": catalog.said.get("message", ""), "connectionState": connection})
        self._packages()

    def _packages(self) -> None:
        """Keep PackageManifests as the catalogs are; those of a catalog that does not answer are gone."""
        wanted = [item for one in self.catalogs.values() if one.state == "READY" for item in one.manifests()]
        names = {(item["metadata"]["namespace"], item["metadata"]["name"]) for item in wanted}
        there = {}
        for item in self.api.items(f"/apis/{PACKAGES_API}/packagemanifests"):
            place = (item["metadata"]["namespace"], item["metadata"]["name"])
            there[place] = item.get("status")
            if place not in names:
                self.api.delete({"apiVersion": PACKAGES_API, "kind": "PackageManifest", **item})
        for item in wanted:
            if there.get((item["metadata"]["namespace"], item["metadata"]["name"])) != item["status"]:
                self.api.apply(item)

    def _subscription(self, item: Object, plans: list[Object]) -> None:
        """Take a Subscription one step on: the catalog, the version that comes next, and the plan for it."""
        spec, status = item["spec"], dict(item.get("status") or {})
        namespace = item["metadata"]["namespace"]
        versions = {one["metadata"]["name"]: one for one in self._versions(namespace)}
        if status.get("currentCSV") in versions:
            status["installedCSV"] = status["currentCSV"]
        catalog = self.catalogs.get((spec["sourceNamespace"], spec["source"]))
        conditions = [self._health(spec, catalog)]
        usable = catalog is not None and catalog.state == "READY"
        # With none or with two OperatorGroups OLM does nothing, and says nothing.
        if catalog and usable and len(self._groups(namespace)) == 1:
            conditions += self._resolve(item, status, catalog, (versions, plans))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        changed = {**status, "conditions": conditions, "lastUpdated": (item.get("status") or {}).get("lastUpdated")}
        if changed != item.get("status"):
            self.api.status(item, {**changed, "lastUpdated": now})

    def _resolve(
        self, item: Object, status: dict[str, Any], catalog: Catalog, there: tuple[dict[str, Object], list[Object]]
    ) -> list[Object]:
        """Choose what comes next, make a plan for it, and return what is in the way."""
        spec, (versions, plans) = item["spec"], there
        installed = status.get("installedCSV", "")
        if installed and (versions.get(installed) or {}).get("status", {}).get("phase") != "Succeeded":
            return []
        channel = catalog.channel(spec["name"], spec.get("channel", ""))
        coming = catalog.next(channel, installed, spec.get("startingCSV", ""))
        if installed and not coming:
            status.update(state=LATEST, currentCSV=installed)
            return []
        if wrong := _wrong(item, coming, catalog, () if installed else versions):
            return [wrong]
        names = [coming, *catalog.version(coming).get("needs", [])]
        plan = _plan_for(plans, item, names) or self._make_plan(item, names, len(plans))
        reference = {"apiVersion": V1ALPHA1, "kind": "InstallPlan", "namespace": item["metadata"]["namespace"]}
        status.update(state=PENDING, currentCSV=coming, installPlanRef={**reference, "name": plan["metadata"]["name"]})
        return _of_plan(plan)

    def _make_plan(self, item: Object, names: list[str], generation: int) -> Object:
        metadata, spec = item["metadata"], item["spec"]
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
                    "clusterServiceVersionNames": names,
                    "generation": generation + 1,
                },
            }
        )

    def _plan(self, item: Object, subscriptions: list[Object]) -> None:
        """Take an InstallPlan one step on."""
        status = item.get("status") or {}
        if status.get("phase") in ("Complete", "Failed"):
            return
        if not item["spec"]["approved"]:
            self.api.status(item, _phase("RequiresApproval"))
            return
        owner = next((one for one in subscriptions if _owns(one, item)), None)
        if owner is None:
            return
        catalog = self.catalogs[owner["spec"]["sourceNamespace"], owner["spec"]["source"]]
        names = item["spec"]["clusterServiceVersionNames"]
        trouble = catalog.trouble(names[0], "plan")
        if trouble:
            failed = {
                "type": "Installed",
                "status": "False",
                "reason": trouble["reason"],
                "message": trouble["message"],
            }
            self.api.status(item, {**_phase("Failed"), "conditions": [failed]})
            return
        versions = Versions(self.api, self.catalogs)
        for name in names:
            versions.make(name, owner, catalog)
        self.api.status(item, _phase("Complete"))

    def _health(self, spec: Object, catalog: Catalog | None) -> Object:
        """Return the condition that every Subscription has; it is True when something is wrong."""
        name = f"{spec['sourceNamespace']}/{spec['source']}"
        if catalog is None:
            said = f"targeted catalogsource {name} missing"
            return _condition("CatalogSourcesUnhealthy", "UnhealthyCatalogSourceFound", said)
        if catalog.state != "READY":
            said = f"targeted catalogsource {name} unhealthy"
            return _condition("CatalogSourcesUnhealthy", "UnhealthyCatalogSourceFound", said)
        healthy = _condition("CatalogSourcesUnhealthy", "AllCatalogSourcesHealthy", "all available are healthy")
        return {**healthy, "status": "False"}

    def _groups(self, namespace: str) -> list[Object]:
        return self.api.items(f"{GROUPS}/namespaces/{namespace}/operatorgroups")

    def _versions(self, namespace: str) -> list[Object]:
        return self.api.items(f"{ROOT}/namespaces/{namespace}/clusterserviceversions")


def _owns(subscription: Object, plan: Object) -> bool:
    owners = plan["metadata"].get("ownerReferences") or []
    return any(owner["uid"] == subscription["metadata"]["uid"] for owner in owners)


def _plan_for(plans: Iterable[Object], subscription: Object, names: list[str]) -> Object | None:
    mine = [plan for plan in plans if _owns(subscription, plan)]
    return next((plan for plan in mine if plan["spec"]["clusterServiceVersionNames"] == names), None)


def _of_plan(plan: Object) -> list[Object]:
    """Return what a Subscription says of its plan."""
    status = plan.get("status") or {}
    if status.get("phase") == "Failed":
        said = (status.get("conditions") or [{}])[0]
        return [_condition("InstallPlanFailed", said.get("reason", "InstallPlanFailed"), said.get("message", ""))]
    if status.get("phase") == "Complete":
        return []
    return [_condition("InstallPlanPending", status.get("phase") or "InstallPlanNotYetReconciled", "")]


def _phase(phase: str) -> Object:
    return {"phase": phase, "catalogSources": []}


def _wrong(item: Object, coming: str, catalog: Catalog, there: Container[str]) -> Object | None:
    """Return what keeps a plan from being made."""
    spec, name = item["spec"], item["metadata"]["name"]
    if not coming:
        return _unsatisfiable(
            f"no operators found in channel {spec.get('channel')} of package {spec['name']} in the catalog referenced"
            f" by subscription {name}, subscription {name} exists"
        )
    if coming in there:
        return _unsatisfiable(f"clusterserviceversion {coming} exists and is not referenced by a subscription")
    if trouble := catalog.trouble(coming, "resolve"):
        return _condition("ResolutionFailed", trouble["reason"], trouble["message"])
    if trouble := catalog.trouble(coming, "unpack"):
        return _condition(trouble.get("type", "BundleUnpackFailed"), trouble["reason"], trouble["message"])
    return None


def _unsatisfiable(message: str) -> Object:
    return _condition("ResolutionFailed", "ConstraintsNotSatisfiable", f"constraints not satisfiable: {message}")


def _condition(kind: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": "True", "reason": reason, "message": message}
