# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory whose workloads work or not by their image, and the collectors of the tests of changes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import OWNER

from ...fake_api import FakeApi
from ...live_helpers import obj
from .bundle_helpers import NAMESPACE, RELEASE, absent, present

SELECTOR = "o11y.opentelemetry/collector"
WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
DEPLOYMENT = "/apis/apps/v1/namespaces/ns/deployments/a"
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/ns.a"
SERVICE = "/api/v1/namespaces/ns/services/a"
RECORD = "/api/v1/namespaces/ns/configmaps/a-change"
COUNTS = ("updatedReplicas", "replicas", "availableReplicas", "readyReplicas")
NODES = ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")


class Workloads(FakeApi):
    """Its controllers act at once. A workload with an image that contains `bad` has no available pod."""

    def _stored(self, new: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        stored = super()._stored(new, entry)
        if stored["kind"] in WORKLOADS:
            number = stored["metadata"].get("generation", 0) + 1
            stored["metadata"]["generation"] = number
            works = "bad" not in str(stored["spec"]["template"])
            counts = {**dict.fromkeys(COUNTS, stored["spec"].get("replicas", 1)), **dict.fromkeys(NODES, 1)}
            gone = {} if works else dict.fromkeys(("availableReplicas", "readyReplicas", "numberAvailable"), 0)
            revisions = {"currentRevision": "r", "updateRevision": "r"}
            stored["status"] = {"observedGeneration": number, **revisions, **counts, **gone}
        return stored

    def image(self, kind: str = "deployments", name: str = "a") -> str:
        pod = self.objects[f"/apis/apps/v1/namespaces/ns/{kind}/{name}"]["spec"]["template"]["spec"]
        return str(pod["containers"][0]["image"])

    def has(self, kind: str, name: str) -> bool:
        return any(path.endswith(f"/{kind}/{name}") for path in self.objects)


def labels(name: str = "a") -> dict[str, str]:
    return {SELECTOR: name, RELEASE: f"ns.{name}", "app.kubernetes.io/managed-by": "o11y.opentelemetry"}


def collector(image: str, name: str = "a", kind: str = "Deployment", **spec: Any) -> list[Any]:
    """Return the objects of a collector. Its config, port and rights change with its image."""
    pod = {"containers": [{"name": "c", "image": image}], "volumes": [{"configMap": {"name": f"{name}-{image}"}}]}
    count = {} if kind == "DaemonSet" else {"replicas": 1}
    template = {"metadata": {"labels": {SELECTOR: name}}, "spec": pod}
    own = {"labels": labels(name)}
    return [
        NAMESPACE,
        obj("ClusterRole", f"ns.{name}", rules=[{"verbs": [image]}], **own),
        obj("ConfigMap", f"{name}-{image}", immutable=True, data={"config": image}, **own),
        obj("Service", name, spec={"ports": [{"name": image}]}, **own),
        obj(kind, name, api="apps/v1", spec={**count, "template": template, **spec}, **own),
    ]


def cluster(*bundles: list[Any]) -> Workloads:
    """Return a cluster with what an earlier run applied."""
    api = Workloads()
    for bundle in bundles:
        run(api, bundle)
    api.requests.clear()
    return api


def run(api: FakeApi, manifests: list[Any], **more: Any) -> Any:
    return present(api, manifests, **{"prune_selector": SELECTOR, "field_manager": OWNER, **more})


def remove(api: FakeApi, manifests: list[Any]) -> Any:
    return absent(api, manifests, prune_selector=SELECTOR, field_manager=OWNER)


def fails(api: Workloads, manifests: list[Any], **more: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        run(api, manifests, **more)
    return caught.value


def state(api: Workloads) -> dict[str, Any]:
    """Return what the objects of the collector hold, without what every write changes."""
    return {
        path: {key: item[key] for key in ("spec", "data", "rules") if key in item}
        for path, item in api.objects.items()
        if path in (DEPLOYMENT, ROLE, SERVICE)
    }


class KilledError(BaseException):
    """The process ends."""


def killed(api: Workloads, manifests: list[Any], where: str) -> None:
    """Let a run end when it is about to write an object, or when it waits."""

    def end(method: str, path: str) -> None:
        if (method, path) == ("PATCH", where) and RECORD in api.objects:
            raise KilledError

    def end_of_wait(_now: float) -> None:
        raise KilledError

    api.trouble = end
    if not where:
        api.clock.on_sleep.append(end_of_wait)
    with pytest.raises(KilledError):
        run(api, manifests)
    api.trouble = lambda _method, _path: None
    api.clock.on_sleep.clear()
    assert RECORD in api.objects
