# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server in memory with OLM's kinds, and something that moves them while time passes."""

from __future__ import annotations

import json
from typing import Any

from ... import live_helpers
from ...fake_api import FakeApi

NAMESPACE = "openshift-opentelemetry-operator"
ONE, TWO, THREE = (f"opentelemetry-operator.v0.{minor}.0-1" for minor in (156, 157, 158))
GROUP, PACKAGES = "operators.coreos.com", "packages.operators.coreos.com"
V1ALPHA1 = f"{GROUP}/v1alpha1"
KINDS = ((GROUP, "v1alpha1", "subscriptions"), (GROUP, "v1alpha1", "installplans"), (GROUP, "v1", "operatorgroups"))
MORE = ((GROUP, "v1alpha1", "clusterserviceversions"), (GROUP, "v1alpha1", "catalogsources"))
NAME = "opentelemetry-product"


def definition(group: str, version: str, plural: str) -> dict[str, Any]:
    spec = {"group": group, "names": {"plural": plural, "kind": plural}, "versions": [{"name": version}]}
    return dict(live_helpers.obj("CustomResourceDefinition", f"{plural}.{group}", spec=spec))


def obj(kind: str, name: str, namespace: str = NAMESPACE, version: str = V1ALPHA1, **more: Any) -> dict[str, Any]:
    return dict(live_helpers.obj(kind, name, namespace, version, **{"labels": {}, **more}))


def served(*manifests: dict[str, Any], packages: bool = True) -> FakeApi:
    """Return an API server that has OLM."""
    api = FakeApi(*[definition(*kind) for kind in (*KINDS, *MORE, (PACKAGES, "v1", "packagemanifests"))], *manifests)
    api.add(live_helpers.obj("Namespace", NAMESPACE))
    api.texts[f"/apis/{V1ALPHA1}"] = json.dumps({"resources": []})
    api.discovers = False
    if packages:
        api.texts[f"/apis/{PACKAGES}/v1"] = json.dumps({"resources": []})
    return api


def subscription(plan: str = "", conditions: tuple[tuple[str, str, str], ...] = (), **status: Any) -> dict[str, Any]:
    told = [{"type": kind, "status": "True", "reason": reason, "message": said} for kind, reason, said in conditions]
    reference = {"installPlanRef": {"name": plan}} if plan else {}
    return obj("Subscription", NAME, spec={"name": NAME}, status={"conditions": told, **reference, **status})


def plan(name: str, *names: str, phase: str = "RequiresApproval", approved: bool = False, **more: Any) -> Any:
    spec = {"clusterServiceVersionNames": list(names), "approved": approved}
    metadata = {"ownerReferences": [{"kind": "Subscription", "name": NAME}], "resourceVersion": "7"}
    return obj("InstallPlan", name, status={"phase": phase, **more}, spec=spec, metadata=metadata)


def csv(name: str, phase: str = "Succeeded", reason: str = "", message: str = "") -> dict[str, Any]:
    spec = {"install": {"spec": {"deployments": [{"name": "manager"}]}}}
    status = {"phase": phase, "reason": reason, "message": message}
    return obj("ClusterServiceVersion", name, spec=spec, status=status)


def path(item: dict[str, Any]) -> str:
    plural = f"{item['kind'].lower()}s"
    return f"/apis/{item['apiVersion']}/namespaces/{item['metadata']['namespace']}/{plural}/{item['metadata']['name']}"
