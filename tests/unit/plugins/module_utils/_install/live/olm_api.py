# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server in memory with OLM's kinds, and something that moves them while time passes."""

from __future__ import annotations

import json
from typing import Any

from ... import live_helpers
from ...fake_api import FakeApi
from ..olm.samples import NAMESPACE, V1ALPHA1

GROUP, PACKAGES = "operators.coreos.com", "packages.operators.coreos.com"
KINDS = ((GROUP, "v1alpha1", "subscriptions"), (GROUP, "v1alpha1", "installplans"), (GROUP, "v1", "operatorgroups"))
MORE = ((GROUP, "v1alpha1", "clusterserviceversions"), (GROUP, "v1alpha1", "catalogsources"))


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


def path(item: dict[str, Any]) -> str:
    plural = f"{item['kind'].lower()}s"
    return f"/apis/{item['apiVersion']}/namespaces/{item['metadata']['namespace']}/{plural}/{item['metadata']['name']}"
