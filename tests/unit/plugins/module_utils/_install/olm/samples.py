# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of OLM, and what is found of them."""

from __future__ import annotations

from typing import Any

NAME, NAMESPACE = "opentelemetry-product", "openshift-opentelemetry-operator"
ONE, TWO, THREE = (f"opentelemetry-operator.v0.{minor}.0-1" for minor in (156, 157, 158))
V1ALPHA1 = "operators.coreos.com/v1alpha1"


def subscription(**more: Any) -> dict[str, Any]:
    """Return a Subscription of ours as `found` tells of it."""
    said = {"name": NAME, "namespace": NAMESPACE, "ours": True, "package": NAME}
    where = {"channel": "stable", "source": "redhat-operators", "source_namespace": "openshift-marketplace"}
    rest = {"starting_csv": "", "approval": "Automatic", "installed_csv": "", "current_csv": "", "state": ""}
    return {**said, **where, **rest, **more}


def package(**channels: list[str]) -> dict[str, Any]:
    """Return what a catalog offers."""
    return {
        "name": NAME,
        "source": "redhat-operators",
        "source_namespace": "openshift-marketplace",
        "default_channel": "stable",
        "channels": [
            {"name": name, "csv": csvs[0], "csvs": csvs, "min_kubernetes": "1.25.0", "all_namespaces": True}
            for name, csvs in channels.items()
        ],
    }


def olm(**more: Any) -> dict[str, Any]:
    """Return what olm_info tells of a cluster in which OLM works."""
    ready = {"name": "redhat-operators", "namespace": "openshift-marketplace", "state": "READY", "message": ""}
    there = {"served": True, "packages_served": True, "namespace": NAMESPACE}
    lists: dict[str, Any] = {"subscriptions": [], "operator_groups": [], "csvs": [], "catalogs": [ready]}
    return {**there, **lists, "package": package(stable=[THREE, TWO, ONE], old=[ONE]), "packages": [], **more}


def csv(name: str, phase: str = "Succeeded", reason: str = "", message: str = "", **more: Any) -> dict[str, Any]:
    """Return a ClusterServiceVersion of the API."""
    metadata = {"name": name, "namespace": NAMESPACE}
    status = {"phase": phase, "reason": reason, "message": message, **more}
    owned = [{"name": "opentelemetrycollectors.opentelemetry.io", "kind": "OpenTelemetryCollector"}]
    spec = {"customresourcedefinitions": {"owned": owned}, "install": {"spec": {"deployments": [{"name": "manager"}]}}}
    item = {"apiVersion": V1ALPHA1, "kind": "ClusterServiceVersion"}
    return {**item, "metadata": metadata, "spec": spec, "status": status}


def plan(
    name: str, *names: str, phase: str = "RequiresApproval", approved: bool = False, **more: Any
) -> dict[str, Any]:
    """Return an InstallPlan of the API."""
    owners = [{"kind": "Subscription", "name": NAME}]
    metadata = {"name": name, "namespace": NAMESPACE, "ownerReferences": owners, "resourceVersion": "7"}
    spec = {"clusterServiceVersionNames": list(names), "approved": approved, "generation": more.pop("generation", 1)}
    item = {"apiVersion": V1ALPHA1, "kind": "InstallPlan"}
    return {**item, "metadata": metadata, "spec": spec, "status": {"phase": phase, **more}}


def subscribed(plan_name: str = "", conditions: tuple[tuple[str, str, str], ...] = (), **status: Any) -> dict[str, Any]:
    """Return a Subscription of the API; conditions are type, reason and message."""
    told = [{"type": kind, "status": "True", "reason": reason, "message": said} for kind, reason, said in conditions]
    reference = {"installPlanRef": {"name": plan_name}} if plan_name else {}
    metadata = {"name": NAME, "namespace": NAMESPACE}
    item = {"apiVersion": V1ALPHA1, "kind": "Subscription", "metadata": metadata, "spec": {"name": NAME}}
    return {**item, "status": {**reference, "conditions": told, **status}}
