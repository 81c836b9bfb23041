# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster has the components whose pods its workloads make; what cannot be read is a failure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.critical_found import (
    describe_components,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.live import find_critical
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi, status


def workload(kind: str, labels: dict[str, str]) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}}
    metadata = {"name": "a", "namespace": "any"}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {"template": template}}


CERT_MANAGER = {"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/component": "controller"}
WEBHOOK = {"app.kubernetes.io/name": "webhook", "app.kubernetes.io/component": "webhook"}


def test_components_are_found_by_the_labels_of_pods() -> None:
    api = FakeApi(workload("Deployment", {**CERT_MANAGER, "more": "x"}), workload("DaemonSet", {"k8s-app": "cilium"}))
    assert find_critical.find_critical_components(api.cluster()) == ["cilium", "apiserver", "cert_manager"]
    api = FakeApi(workload("Deployment", WEBHOOK))
    assert find_critical.find_critical_components(api.cluster()) == ["apiserver"]


def test_static_pods_of_the_control_plane_count() -> None:
    labels = {"component": "etcd", "tier": "control-plane"}
    metadata = {"name": "etcd-a", "namespace": "kube-system", "labels": labels}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    assert find_critical.find_critical_components(FakeApi(pod).cluster()) == ["apiserver", "etcd"]


def test_what_is_not_allowed_is_a_failure_with_words() -> None:
    api = FakeApi()
    message = 'daemonsets.apps is forbidden: User "ci" cannot list resource "daemonsets" in API group "apps"'
    api.trouble = lambda _method, path: status(403, "Forbidden", message) if "daemonsets" in path else None
    with pytest.raises(Problem, match="user ci may not list daemonsets"):
        find_critical.find_critical_components(api.cluster())


def test_what_is_found_and_what_is_not_is_told() -> None:
    assert describe_components(["coredns", "apiserver"]).startswith(
        "The cluster has coredns, apiserver. Not found: kube_proxy, cilium"
    )
