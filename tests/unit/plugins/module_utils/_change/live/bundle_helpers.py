# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles, clusters that have them, and runs that apply and remove them."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.collector_flows import Flow
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.apply import apply_bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.bundle_options import BundleOptions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.remove import remove_bundle

from ...fake_api import FakeApi
from ...live_helpers import COLLECTORS, definition, obj

NAMESPACE = obj("Namespace", "ns", labels={"app.kubernetes.io/managed-by": "o11y.opentelemetry"})
CONFIG = obj("ConfigMap", data={"a": "1"})
PORT = {"containerPort": 4317, "hostPort": 4317}
COLLECTOR = {"o11y.opentelemetry/collector": "a"}
DEFINITION = definition("OpenTelemetryCollector", COLLECTORS)
RESOURCE = "/apis/opentelemetry.io/v1beta1/namespaces/ns/opentelemetrycollectors/a"
RELEASE = "o11y.opentelemetry/release"


def template(name: str = "s", ports: Any = ()) -> Any:
    """Return the pods of a workload that run under a ServiceAccount."""
    return {"template": {"spec": {"serviceAccountName": name, "containers": [{"name": "c", "ports": list(ports)}]}}}


def plain(kind: str = "Deployment", ports: Any = (), **spec: Any) -> Any:
    """Return the workload of a collector in the standalone mode."""
    return obj(kind, labels=COLLECTOR, spec={"selector": {"matchLabels": COLLECTOR}, **template(ports=ports), **spec})


def custom(**spec: Any) -> Any:
    """Return the resource of a collector in the operator mode."""
    return obj("OpenTelemetryCollector", labels=COLLECTOR, spec=spec)


def released(namespace: str, name: str = "gw") -> list[Any]:
    """Return the objects of a collector in small, with the labels that its bundle has."""
    labels = {RELEASE: f"{namespace}.{name}"}
    return [
        obj("Namespace", namespace, labels={RELEASE: f"{namespace}_shared"}),
        obj("ServiceAccount", name, namespace, labels=labels),
        obj("ClusterRole", f"{namespace}.{name}", labels=labels),
        obj("ClusterRoleBinding", f"{namespace}.{name}", labels=labels),
        obj("ConfigMap", name, namespace, labels=labels, data={"a": namespace}),
        obj("Service", name, namespace, labels=labels, spec={"ports": []}),
        obj("Deployment", name, namespace, labels=labels, spec={"template": {"spec": {"containers": []}}}),
    ]


def run(api: FakeApi, namespace: str, name: str = "gw", **more: Any) -> Any:
    return present(api, released(namespace, name), prune_selector=f"{RELEASE}={namespace}.{name}", **more)


def remove(api: FakeApi, namespace: str, name: str = "gw", **more: Any) -> Any:
    return absent(api, released(namespace, name), prune_selector=f"{RELEASE}={namespace}.{name}", **more)


def ours(*manifests: Any) -> FakeApi:
    """Return a cluster with what an earlier run applied."""
    api = FakeApi()
    api.apply("us", *manifests)
    return api


def options(manifests: Any, **more: Any) -> BundleOptions:
    given = {"field_manager": "us", "force_conflicts": True, "prune_selector": "", "wait_seconds": 30}
    more["flows"] = [Flow(**flow) for flow in more.get("flows", ())]
    return BundleOptions(manifests=copy.deepcopy(manifests), **{**given, "check": False, "diff": True, **more})


def present(api: FakeApi, manifests: Any, **more: Any) -> Any:
    return apply_bundle(api.cluster(), options(manifests, **more))


def absent(api: FakeApi, manifests: Any, **more: Any) -> Any:
    return remove_bundle(api.cluster(), options(manifests, **more))


def actions(result: Any) -> dict[str, str]:
    return {f"{item['kind']} {item['name']}": item["action"] for item in result["objects"]}


def changes(api: FakeApi) -> list[tuple[str, str]]:
    """Return method and plural of the requests that changed something in a namespace."""
    asked = ((method, path.split("/")) for method, path, query in api.requests if "dryRun" not in query)
    return [(method, parts[-2]) for method, parts in asked if method in ("PATCH", "DELETE") and "ns" in parts[:-1]]
