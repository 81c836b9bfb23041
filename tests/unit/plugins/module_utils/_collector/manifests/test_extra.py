# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own objects and containers of a collector."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import extra, pod
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.kinds import PLURALS, PRUNED_KINDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.object_names import PART_LABEL
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.support.cases import cases

from ...helpers import build
from .test_open_telemetry_collector import SETTINGS

SCALING = {"min_replicas": 1, "max_replicas": 2, "cpu_percent": 80}
OWN: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own"}, "data": {"a": "b"}}


def test_an_object_has_the_namespace_and_the_labels_of_its_collector() -> None:
    labels = {"team": "a", "app.kubernetes.io/managed-by": "somebody"}
    order = build(extra_manifests=[{**OWN, "metadata": {"name": "own", "labels": labels}}])
    (made,) = extra.label_extra_manifests(order, [])
    assert made["metadata"]["namespace"] == order.collector.namespace
    assert made["metadata"]["labels"] == {**labels, **order.collector.object_labels, PART_LABEL: "extra"}
    assert (made["data"], made["kind"]) == (OWN["data"], "ConfigMap")


def test_what_is_taken_is_pruned() -> None:
    assert set(extra.GROUP_BY_KIND) <= set(PRUNED_KINDS)
    assert all(kind in PLURALS[group] for kind, group in extra.GROUP_BY_KIND.items())


@cases(
    "item, said",
    ({**OWN, "kind": "Deployment"}, r"has kind 'Deployment' .*extra_manifests\[0\].*Kinds: Certificate"),
    ({**OWN, "kind": "ConfigMpa"}, "did you mean 'ConfigMap'"),
    ({**OWN, "kind": "ClusterRole"}, "Apply others with kubernetes.core.k8s"),
    ({"kind": "ConfigMap", "metadata": {"name": "own"}}, "has no apiVersion"),
    ({**OWN, "metadata": {"generateName": "own-"}}, r"has no metadata\.name"),
    ({**OWN, "metadata": {"name": "own", "namespace": "kube-system"}}, "is of namespace kube-system"),
    ({**OWN, "kind": "Service", "apiVersion": "serving.knative.dev/v1"}, "is a Service of serving.*not of the core"),
    ({**OWN, "apiVersion": 1}, "has no apiVersion"),
    ({**OWN, "metadata": "own"}, "metadata or labels that are no mapping"),
    ({**OWN, "metadata": {"name": "own", "labels": ["a"]}}, "metadata or labels that are no mapping"),
    ({**OWN, "metadata": {"name": 5}}, r"has no metadata\.name.*as text"),
    ({}, "has kind ''"),
)
def test_an_object_that_could_not_be_kept_is_refused(item: Any, said: str) -> None:
    with pytest.raises(Problem, match=said):
        extra.label_extra_manifests(build(extra_manifests=[item]), [])


def test_an_empty_namespace_is_that_of_the_collector() -> None:
    order = build(extra_manifests=[{**OWN, "metadata": {"name": "own", "namespace": None}}])
    assert extra.label_extra_manifests(order, [])[0]["metadata"]["namespace"] == order.collector.namespace


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_object_that_the_collector_has_already_is_refused(backend: str) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "gateway"}}
    order = build(backend=backend, extra_manifests=[account])
    with pytest.raises(Problem, match=r"is ServiceAccount gateway, which the collector has already.*extra_manifests"):
        BACKENDS[backend].build_manifests(order)


@cases(
    "kind, version, name, options",
    ("Service", "v1", "gateway-collector", {}),
    ("Service", "v1", "gateway-collector-monitoring", {}),
    ("PodDisruptionBudget", "policy/v1", "gateway-collector", {}),
    ("HorizontalPodAutoscaler", "autoscaling/v2", "gateway-collector", {"autoscaling": SCALING}),
    ("ConfigMap", "v1", "gateway-targetallocator", {"mode": "statefulset", "target_allocator": SETTINGS}),
)
def test_an_object_of_a_name_that_the_operator_gives_is_refused(
    kind: str, version: str, name: str, options: dict[str, Any]
) -> None:
    own = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
    order = build(extra_manifests=[own], **options)
    assert any(item["metadata"]["name"] == name for item in BACKENDS["kubernetes"].build_manifests(order))
    with pytest.raises(Problem, match=rf"is {kind} {name}, which the operator makes for the collector.*another name"):
        BACKENDS["operator"].build_manifests(build(backend="operator", extra_manifests=[own], **options))


@pytest.mark.parametrize("backend", BACKENDS)
def test_containers_stand_beside_the_collector(backend: str) -> None:
    given = {"containers": [{"name": "beside", "image": "a"}], "init_containers": [{"name": "before", "image": "b"}]}
    every = BACKENDS[backend].build_manifests(build(backend=backend, **given))
    workload = next(item for item in every if item["kind"] in ("Deployment", "OpenTelemetryCollector"))
    spec = workload["spec"].get("template", {}).get("spec") or workload["spec"]
    beside = spec.get("additionalContainers") or spec["containers"][1:]
    assert (beside, spec["initContainers"]) == (given["containers"], given["init_containers"])


@cases(
    "options, said",
    ({"containers": [{"image": "a"}]}, "containers has a container without a name"),
    ({"containers": [{"name": ["a"]}, {"name": ["a"]}]}, r"containers has two containers \['a'\]"),
    ({"containers": [{"name": "opentelemetry-collector"}]}, "containers has two containers opentelemetry-collector"),
    ({"init_containers": [{"name": "a"}], "containers": [{"name": "a"}]}, "containers has two containers a"),
)
def test_each_container_has_a_name_of_its_own(options: Any, said: str) -> None:
    with pytest.raises(Problem, match=said):
        pod.list_user_containers(build(**options))
