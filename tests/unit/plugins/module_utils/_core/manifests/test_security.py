# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that pods need; what a cluster makes of it is in tests/contract/test_constraints.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.collector.platform import Platform
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests import (
    openshift,
    service_account,
    workload,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.build import CollectorBuild

from ..helpers import LABELS, METADATA, SELECTOR, build, cases, running

CONSTRAINED = Platform("here", security_context_constraints=True)
LOGS = running(receivers={"file_log": {"include": ["/var/log/pods/*/*/*.log"]}})
STATE = running(extensions={"file_storage": {}})
SILENT = running()
RIGHT = {
    "apiGroups": ["security.openshift.io"],
    "resources": ["securitycontextconstraints"],
    "verbs": ["use"],
    "resourceNames": ["telemetry.gateway"],
}


def placed(
    config: Any = None, platform: Platform = CONSTRAINED, user: int | None = None, **options: Any
) -> CollectorBuild:
    return replace(build(config, **options), run_as_user=user, platform=platform)


def allowed(config: Any = None, **options: Any) -> Any:
    manifest = openshift.security_context_constraints(placed(config, **options))
    assert manifest is not None
    return manifest


def test_constraints_are_whole_and_of_the_cluster() -> None:
    never = ("HostIPC", "HostNetwork", "HostPID", "HostPorts", "PrivilegeEscalation", "PrivilegedContainer")
    assert allowed(LOGS, mode="daemonset") == {
        "apiVersion": "security.openshift.io/v1",
        "kind": "SecurityContextConstraints",
        "metadata": {"name": "telemetry.gateway", "labels": {**LABELS, "component": "agent-collector"}},
        "allowHostDirVolumePlugin": True,
        **{f"allow{what}": False for what in never},
        "allowedCapabilities": [],
        "defaultAddCapabilities": [],
        "requiredDropCapabilities": ["ALL"],
        "priority": 0,
        "readOnlyRootFilesystem": True,
        "runAsUser": {"type": "MustRunAs", "uid": 0},
        **{what: {"type": "MustRunAs"} for what in ("fsGroup", "supplementalGroups", "seLinuxContext")},
        "seccompProfiles": ["runtime/default"],
        "volumes": ["configMap", "hostPath", "projected"],
    }


@cases(
    "options, field, value",
    ({"mode": "daemonset"}, "allowHostPorts", True),
    ({"host_ports": True}, "allowHostPorts", True),
    ({"host_network": True}, "allowHostNetwork", True),
    ({"host_network": True}, "allowHostPorts", True),
    ({"user": 1234}, "runAsUser", {"type": "MustRunAs", "uid": 1234}),
    ({"user": 1234}, "fsGroup", {"type": "MustRunAs", "ranges": [{"min": 1234, "max": 1234}]}),
    ({"host_ports": True}, "runAsUser", {"type": "MustRunAsRange"}),
    (
        {"selinux_type": "spc_t"},
        "seLinuxContext",
        {"type": "MustRunAs", "seLinuxOptions": {"type": "spc_t", "level": "s0"}},
    ),
    ({"config": STATE, "mode": "daemonset"}, "volumes", ["configMap", "hostPath", "projected"]),
    (
        {"config": STATE, "mode": "statefulset", "selinux_type": "spc_t"},
        "volumes",
        ["configMap", "persistentVolumeClaim", "projected"],
    ),
    (
        {"volumes": [{"name": "a", "mount_path": "/a", "source": {"cephfs": {"monitors": ["b"]}}}]},
        "volumes",
        ["cephFS", "configMap", "projected"],
    ),
)
def test_what_is_needed_is_allowed(options: dict[str, Any], field: str, value: Any) -> None:
    assert allowed(**options)[field] == value


@cases(
    "options",
    {},
    {"mode": "statefulset", "config": STATE},
    {"mode": "daemonset", "config": SILENT},
    {"mode": "daemonset", "platform": Platform()},
    {"mode": "sidecar", "backend": "operator", "config": LOGS},
    {"volumes": [{"name": "a", "mount_path": "/a", "source": {"emptyDir": {}}}]},
)
def test_who_needs_nothing_special_has_no_constraints(options: dict[str, Any]) -> None:
    assert (openshift.security_context_constraints(placed(**options)), openshift.use(placed(**options))) == (None, ())


def test_the_right_to_use_them_and_no_others_is_the_collectors() -> None:
    one = placed(LOGS, mode="daemonset")
    role, binding = service_account.cluster_role(one), service_account.cluster_role_binding(one)
    assert role is not None and binding is not None
    assert role["rules"] == [RIGHT]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "gateway", "namespace": "telemetry"}]


def test_with_a_target_allocator_the_right_is_still_the_collectors() -> None:
    scraping = running(receivers={"prometheus": {"config": {"scrape_configs": []}}})
    one = placed(scraping, mode="statefulset", backend="operator", target_allocator={"enabled": True}, host_ports=True)
    assert RIGHT not in service_account.cluster_role(one)["rules"]  # it opens no port
    two = replace(one, collector=replace(one.collector, selinux_type="spc_t"))
    assert RIGHT in service_account.cluster_role(two)["rules"]


BOUNDS = {"min_replicas": 1, "max_replicas": 3}


def metric(name: str, percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def test_an_autoscaler_follows_cpu_and_memory() -> None:
    one = build(autoscaling={**BOUNDS, "cpu_percent": 80, "memory_percent": 70, "behavior": {"scaleDown": {}}})
    assert workload.horizontal_pod_autoscaler(one) == {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": METADATA,
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [metric("cpu", 80), metric("memory", 70)],
            "behavior": {"scaleDown": {}},
        },
    }


@cases(
    "more, metrics",
    ({"cpu_percent": 80, "memory_percent": None}, [metric("cpu", 80)]),
    ({"memory_percent": 7}, [metric("memory", 7)]),
)
def test_an_autoscaler_follows_only_what_it_is_told(more: dict[str, Any], metrics: list[Any]) -> None:
    one = build(mode="statefulset", autoscaling={**BOUNDS, **more})
    spec = workload.horizontal_pod_autoscaler(one)["spec"]  # type: ignore[index]
    assert (spec["metrics"], spec["scaleTargetRef"]["kind"], "behavior" in spec) == (metrics, "StatefulSet", False)


def test_bounds_that_are_crossed_are_refused_and_may_be_the_same() -> None:
    with pytest.raises(Problem, match=r"'gateway' has min_replicas 4 above max_replicas 3\. Swap or raise them\."):
        workload.horizontal_pod_autoscaler(build(autoscaling={"min_replicas": 4, "max_replicas": 3}))
    assert workload.horizontal_pod_autoscaler(build(autoscaling={"min_replicas": 3, "max_replicas": 3})) is not None


@cases(
    "options, budget",
    ({"min_available": 1}, {"minAvailable": 1}),
    ({"min_available": 0}, {"minAvailable": 0}),
    ({"max_unavailable": "25%", "min_available": None}, {"maxUnavailable": "25%"}),
)
def test_a_budget_protects_the_pods(options: dict[str, Any], budget: dict[str, Any]) -> None:
    assert workload.pod_disruption_budget(build(disruption_budget=options)) == {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": METADATA,
        "spec": {"selector": {"matchLabels": SELECTOR}, **budget},
    }


def test_a_budget_says_one_thing_and_there_is_none_when_none_is_asked_for() -> None:
    with pytest.raises(Problem, match=r"'gateway' has both min_available and max_unavailable.*takes one of them"):
        workload.pod_disruption_budget(build(disruption_budget={"min_available": 1, "max_unavailable": 1}))
    assert (workload.horizontal_pod_autoscaler(build()), workload.pod_disruption_budget(build())) == (None, None)
