# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes a custom resource and its target allocator; tests/contract/test_examples.py shows whole ones."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import (
    open_telemetry_collector as cr,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import target_allocator
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.allocator_rules import (
    list_allocator_rules,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.collector_roles import (
    list_collector_rules,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import CONFIG, LABELS, PODS, build, cases, running

HASH = "o11y.opentelemetry/spec-hash"
QUEUE = running(
    extensions={"file_storage": {"directory": "/var/lib/otelcol/queue"}, "health_check": {"endpoint": ":1"}}
)
UNSAID = "podSecurityContext replicas podAnnotations terminationGracePeriodSeconds"
SCALER = {"min_replicas": 1, "max_replicas": 3, "cpu_percent": 80, "memory_percent": None, "behavior": None}
STATSD = running(receivers={"statsd": {}}, extensions={"health_check": {"endpoint": "0.0.0.0:13133"}})
SPREAD = {"labelSelector": {"matchLabels": PODS}, "maxSkew": 1}
MOUNT = {"name": "state", "mountPath": "/var/lib/otelcol/queue"}
FOLDER = {"path": "/var/lib/otelcol/telemetry-gateway", "type": "DirectoryOrCreate"}
PORT = {"name": "statsd", "port": 8125, "targetPort": 8125, "protocol": "UDP", "hostPort": 8125}
FROM_SECRET = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "backend", "key": "token"}}}
SETTINGS: dict[str, Any] = {
    **{"enabled": True, "replicas": 1, "filter_strategy": "relabel-config"},
    **{"memory_limit": "256Mi", "cpu_request": "50m"},
    **dict.fromkeys(("allocation_strategy", "service_account_name", "image", "node_selector", "tolerations")),
    **dict.fromkeys(("affinity", "prometheus_cr")),
}
SOURCES: dict[str, Any] = {
    **{"enabled": True, "scrape_interval": "30s", "service_monitor_selector": {}, "pod_monitor_selector": {}},
    **dict.fromkeys(("scrape_config_selector", "probe_selector", "namespaces", "denied_namespaces")),
    "secret_namespaces": None,
}


def made(config: Any = None, **options: Any) -> Any:
    return cr.render_collector_resource(build(config, backend="operator", **options))


def spec(config: Any = None, **options: Any) -> Any:
    return made(config, **options)["spec"]


def stamp(config: Any = None, **options: Any) -> str:
    found: str = spec(config, **options)["podAnnotations"][HASH]
    return found


@cases(
    "mode, has, has_not",
    ("deployment", "deploymentUpdateStrategy replicas", "daemonSetUpdateStrategy serviceName"),
    ("daemonset", "daemonSetUpdateStrategy", "deploymentUpdateStrategy replicas serviceName"),
    ("statefulset", "serviceName replicas", "deploymentUpdateStrategy daemonSetUpdateStrategy"),
    ("sidecar", "securityContext ports", UNSAID),
)
def test_a_mode_has_the_fields_that_the_operator_reads_in_it(mode: str, has: str, has_not: str) -> None:
    found = spec(mode=mode)
    assert found["mode"] == mode
    assert set(has.split()) <= set(found) and not set(has_not.split()) & set(found)
    keys = ("runAsNonRoot", "runAsUser", "fsGroup")
    user = (True, 10001, None) if mode == "sidecar" else (None, None, None)
    assert tuple(found["securityContext"].get(key) for key in keys) == user


@cases(
    "config, options, field, value",
    (None, {"autoscaling": SCALER}, "autoscaler", {"minReplicas": 1, "maxReplicas": 3, "targetCPUUtilization": 80}),
    (None, {"autoscaling": SCALER}, "replicas", None),
    (None, {"disruption_budget": {"min_available": 1}}, "podDisruptionBudget", {"minAvailable": 1}),
    (None, {"pre_stop_seconds": 5}, "lifecycle", {"preStop": {"sleep": {"seconds": 5}}}),
    (None, {"pre_stop_seconds": 5, "mode": "sidecar"}, "lifecycle", None),
    (None, {"replicas": 2}, "podDisruptionBudget", {"maxUnavailable": 1}),
    (None, {}, "deploymentUpdateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}),
    (None, {"revision_history_limit": 0}, "configVersions", 1),
    (None, {"revision_history_limit": 10}, "configVersions", 11),
    (None, {"revision_history_limit": 10, "mode": "sidecar"}, "configVersions", None),
    (None, {"topology_spread": [{"maxSkew": 1}]}, "topologySpreadConstraints", [SPREAD]),
    (STATSD, {"mode": "daemonset"}, "ports", [PORT]),
    (QUEUE, {}, "readinessProbe", {"periodSeconds": 2, "failureThreshold": 3}),
    (QUEUE, {"mode": "statefulset"}, "serviceName", "gateway-headless"),
    (QUEUE, {"mode": "statefulset"}, "volumeMounts", [MOUNT]),
    (QUEUE, {"mode": "daemonset"}, "volumeMounts", [MOUNT]),
    (QUEUE, {"mode": "daemonset"}, "volumes", [{"name": "state", "hostPath": FOLDER}]),
)
def test_the_custom_resource_is_as_asked_for(config: Any, options: Any, field: str, value: Any) -> None:
    assert spec(config, **options).get(field) == value


@pytest.mark.parametrize("mode", BACKENDS["operator"].modes)
def test_no_secret_comes_into_the_resource(mode: str) -> None:
    assert FROM_SECRET in spec(mode=mode, env={"TOKEN": {"secret": "backend", "key": "token"}})["env"]


def test_labels_of_pods_are_labels_of_the_resource_and_a_statefulset_claims_its_state() -> None:
    (claim,) = spec(QUEUE, mode="statefulset")["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "state"
    with pytest.raises(Problem, match="min_replicas 4 above max_replicas 3"):
        spec(autoscaling={**SCALER, "min_replicas": 4})
    labels = made(pod_labels={"team": "a", "o11y.opentelemetry/collector": "mine"}, labels={"b": "c"})["metadata"]
    assert labels["labels"] == {"team": "a", "b": "c", **LABELS}
    assert spec(pod_annotations={HASH: "mine", "a": "b"})["podAnnotations"] == {"a": "b", HASH: stamp()}


@cases(
    "same, options",
    (True, {"replicas": 5}),
    (True, {"autoscaling": {"min_replicas": 1, "max_replicas": 2}}),
    (True, {"disruption_budget": {"min_available": 1}}),
    (True, {"revision_history_limit": 1}),
    (True, {"update_strategy": {"rollingUpdate": {"maxSurge": 1}}}),
    (True, {"service": {"annotations": {"a": "b"}}}),
    (False, {"service": {"enabled": False}}),
    (True, {"upgrade_strategy": "automatic"}),
    (False, {"memory_limit": "1Gi"}),
    (False, {"env": {"A": "b"}}),
    (False, {"config": {**CONFIG, "exporters": {"debug": {"verbosity": "basic"}}}}),
    (False, {"host_ports": True}),
    (False, {"priority_class_name": "high"}),
    (False, {"mode": "statefulset"}),
    ids=str,
)
def test_the_hash_changes_with_what_replaces_pods(same: bool, options: dict[str, Any]) -> None:
    assert (stamp(**options) == stamp()) is same


def scraping(*jobs: dict[str, Any]) -> Any:
    receivers = {"prometheus": {"config": {"scrape_configs": list(jobs)}}}
    return running(receivers=receivers, processors={"k8s_attributes": {"passthrough": False}})


def order(config: Any = None, sources: Any = None, mode: str = "statefulset", **settings: Any) -> Any:
    options = {**SETTINGS, "prometheus_cr": sources, **settings}
    return build(config or scraping(), backend="operator", mode=mode, target_allocator=options)


def granted(rules: Any) -> set[tuple[str, str]]:
    return {(group, name) for rule in rules for group in rule.get("apiGroups", []) for name in rule["resources"]}


def test_a_daemonset_is_allocated_by_node_and_a_mirror_holds_for_an_image_that_is_given() -> None:
    settings = {**SETTINGS, "image": "ghcr.io/a/allocator:1", "filter_strategy": "none"}
    options = {"mode": "daemonset", "image_registry": "mirror.example", "target_allocator": settings}
    found = target_allocator.render_target_allocator(build(scraping(), backend="operator", **options))
    wanted = {"image": "mirror.example/a/allocator:1", "filterStrategy": "", "allocationStrategy": "per-node"}
    assert {key: found[key] for key in wanted} == wanted


def test_an_empty_selector_selects_all_and_none_nothing() -> None:
    sources = {**SOURCES, "probe_selector": {"matchLabels": {"a": "b"}}, "namespaces": ["x"]}
    assert target_allocator.render_target_allocator(order(sources=sources))["prometheusCR"] == {
        "enabled": True,
        "scrapeInterval": "30s",
        "serviceMonitorSelector": {},
        "podMonitorSelector": {},
        "probeSelector": {"matchLabels": {"a": "b"}},
        "allowNamespaces": ["x"],
    }


@cases(
    "written, given",
    ({"replacement": "$1"}, {"replacement": "$$1"}),
    ({"replacement": "$$1"}, {"replacement": "$$1"}),
    ({"replacement": "$${1}:$$2"}, {"replacement": "$${1}:$$2"}),
    ({"regex": "(.+)$"}, {"regex": "(.+)$"}),
    ({"regex": "(.+)$$"}, {"regex": "(.+)$"}),
    ({"separator": ";", "modulus": 2}, {"separator": ";", "modulus": 2}),
)
def test_dollar_signs_mean_to_the_allocator_what_they_mean_to_the_collector(written: Any, given: Any) -> None:
    one = order(scraping({"job_name": "a", "relabel_configs": [written]}, {"job_name": "b$$"}))
    jobs = target_allocator.prepare_operator_config(one)["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert jobs == [{"job_name": "a", "relabel_configs": [given]}, {"job_name": "b$"}]


def test_nothing_but_the_jobs_is_translated() -> None:
    config = scraping({"job_name": "a"})
    config["exporters"] = {"debug": {"verbosity": "$$x"}}
    config["receivers"]["prometheus"]["config"]["global"] = {"external_labels": {"a": "$$b"}}
    assert target_allocator.prepare_operator_config(order(config)) == config
    plain = build(scraping({"job_name": "b$$"}), backend="operator", mode="statefulset")
    assert target_allocator.prepare_operator_config(plain) is plain.config


def test_the_allocator_discovers_what_monitors_select_and_the_collector_scrapes() -> None:
    one = order(scraping({"job_name": "a", "kubernetes_sd_configs": [{"role": "pod"}, {"role": "node"}]}))
    assert granted(list_allocator_rules(one)) == {("", "pods"), ("", "nodes")}
    assert {"nonResourceURLs": ["/metrics"], "verbs": ["get"]} in list_collector_rules(one)
    scraped = granted(list_collector_rules(one))
    assert ("", "nodes/metrics") in scraped and ("", "nodes") not in scraped
    assert ("apps", "replicasets") in scraped, "those of other components stay"
    path = {"target_label": "__metrics_path__", "replacement": "/api/v1/nodes/$$1/proxy/metrics"}
    kubelets = order(scraping({"kubernetes_sd_configs": [{"role": "node"}], "relabel_configs": [path]}))
    assert ("", "nodes/proxy") in granted(list_collector_rules(kubelets)) - granted(list_allocator_rules(kubelets))
    assert granted(list_allocator_rules(order(scraping({"job_name": "a"})))) == {("", "pods")}
    found = granted(list_allocator_rules(order(sources=SOURCES)))
    assert {("monitoring.coreos.com", "servicemonitors"), ("discovery.k8s.io", "endpointslices")} <= found
    assert not any(name == "secrets" for _group, name in found)


def test_the_collector_scrapes_the_control_plane_of_eks_and_its_allocator_has_no_right_to_that() -> None:
    """The targets of such a job are static: the allocator hands them on, and shows no token."""
    job = {
        "job_name": "scheduler",
        "bearer_token_file": "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "metrics_path": "/apis/metrics.eks.amazonaws.com/v1/ksh/container/metrics",
        "static_configs": [{"targets": ["kubernetes.default.svc:443"]}],
    }
    one = order(scraping(job))
    right = {"apiGroups": ["metrics.eks.amazonaws.com"], "resources": ["ksh/metrics"], "verbs": ["get"]}
    assert right in list_collector_rules(one)
    assert granted(list_allocator_rules(one)) == {("", "pods")}


def test_secrets_are_read_where_the_user_says_so_and_nowhere_else() -> None:
    assert target_allocator.render_secret_roles(order(sources=SOURCES)) == []
    role, binding = target_allocator.render_secret_roles(order(sources={**SOURCES, "secret_namespaces": ["apps"]}))
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "apps")
    assert granted(role["rules"]) == {("", "secrets")}
    subject = {"kind": "ServiceAccount", "name": "gateway-targetallocator", "namespace": "telemetry"}
    assert (binding["roleRef"]["kind"], binding["subjects"][0]) == ("Role", subject)


@pytest.mark.parametrize("make", ["render_account", "render_cluster_role", "render_cluster_role_binding"])
def test_without_an_allocator_there_is_nothing_of_it(make: str) -> None:
    assert getattr(target_allocator, make)(build(backend="operator", mode="statefulset")) is None
    assert getattr(target_allocator, make)(build(mode="statefulset", target_allocator=SETTINGS)) is None
    assert getattr(target_allocator, make)(order()) is not None
