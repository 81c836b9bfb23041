# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests import target_allocator
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.service_account import (
    of_allocator,
    of_collector,
)

from ..helpers import build, cases, running

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


def scraping(*jobs: dict[str, Any]) -> Any:
    receivers = {"prometheus": {"config": {"scrape_configs": list(jobs)}}}
    return running(receivers=receivers, processors={"k8s_attributes": {"passthrough": False}})


def order(config: Any = None, sources: Any = None, mode: str = "statefulset", **settings: Any) -> Any:
    options = {**SETTINGS, "prometheus_cr": sources, **settings}
    return build(config or scraping(), backend="operator", mode=mode, target_allocator=options)


def granted(rules: Any) -> set[tuple[str, str]]:
    return {(group, name) for rule in rules for group in rule.get("apiGroups", []) for name in rule["resources"]}


def test_settings_are_those_of_the_custom_resource() -> None:
    assert target_allocator.target_allocator(order()) == {
        "enabled": True,
        "replicas": 1,
        "allocationStrategy": "consistent-hashing",
        "filterStrategy": "relabel-config",
        "serviceAccount": "gateway-targetallocator",
        "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "50m", "memory": "256Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }


def test_a_daemonset_is_allocated_by_node_and_a_mirror_holds_for_an_image_that_is_given() -> None:
    settings = {**SETTINGS, "image": "ghcr.io/a/allocator:1", "filter_strategy": "none"}
    options = {"mode": "daemonset", "image_registry": "mirror.example", "target_allocator": settings}
    found = target_allocator.target_allocator(build(scraping(), backend="operator", **options))
    wanted = {"image": "mirror.example/a/allocator:1", "filterStrategy": "", "allocationStrategy": "per-node"}
    assert {key: found[key] for key in wanted} == wanted


def test_an_empty_selector_selects_all_and_none_nothing() -> None:
    sources = {**SOURCES, "probe_selector": {"matchLabels": {"a": "b"}}, "namespaces": ["x"]}
    assert target_allocator.target_allocator(order(sources=sources))["prometheusCR"] == {
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
    jobs = target_allocator.allocated(one)["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert jobs == [{"job_name": "a", "relabel_configs": [given]}, {"job_name": "b$"}]


def test_nothing_but_the_jobs_is_translated() -> None:
    config = scraping({"job_name": "a"})
    config["exporters"] = {"debug": {"verbosity": "$$x"}}
    config["receivers"]["prometheus"]["config"]["global"] = {"external_labels": {"a": "$$b"}}
    assert target_allocator.allocated(order(config)) == config
    plain = build(scraping({"job_name": "b$$"}), backend="operator", mode="statefulset")
    assert target_allocator.allocated(plain) is plain.config


def test_the_allocator_discovers_and_the_collector_scrapes() -> None:
    one = order(scraping({"job_name": "a", "kubernetes_sd_configs": [{"role": "pod"}, {"role": "node"}]}))
    assert granted(of_allocator(one)) == {("", "pods"), ("", "nodes")}
    assert {"nonResourceURLs": ["/metrics"], "verbs": ["get"]} in of_collector(one)
    scraped = granted(of_collector(one))
    assert ("", "nodes/metrics") in scraped and ("", "nodes") not in scraped
    assert ("apps", "replicasets") in scraped, "those of other components stay"
    path = {"target_label": "__metrics_path__", "replacement": "/api/v1/nodes/$$1/proxy/metrics"}
    kubelets = order(scraping({"kubernetes_sd_configs": [{"role": "node"}], "relabel_configs": [path]}))
    assert ("", "nodes/proxy") in granted(of_collector(kubelets)) - granted(of_allocator(kubelets))


def test_the_allocator_always_sees_its_collectors_and_reads_what_monitors_select() -> None:
    assert granted(of_allocator(order(scraping({"job_name": "a"})))) == {("", "pods")}
    found = granted(of_allocator(order(sources=SOURCES)))
    assert {("monitoring.coreos.com", "servicemonitors"), ("discovery.k8s.io", "endpointslices")} <= found
    assert not any(name == "secrets" for _group, name in found)


def test_secrets_are_read_where_the_user_says_so_and_nowhere_else() -> None:
    assert target_allocator.secret_roles(order(sources=SOURCES)) == []
    role, binding = target_allocator.secret_roles(order(sources={**SOURCES, "secret_namespaces": ["apps"]}))
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "apps")
    assert granted(role["rules"]) == {("", "secrets")}
    subject = {"kind": "ServiceAccount", "name": "gateway-targetallocator", "namespace": "telemetry"}
    assert (binding["roleRef"]["kind"], binding["subjects"][0]) == ("Role", subject)


@pytest.mark.parametrize("make", ["account", "cluster_role", "cluster_role_binding"])
def test_without_an_allocator_there_is_nothing_of_it(make: str) -> None:
    assert getattr(target_allocator, make)(build(backend="operator", mode="statefulset")) is None
    assert getattr(target_allocator, make)(build(mode="statefulset", target_allocator=SETTINGS)) is None
    assert getattr(target_allocator, make)(order()) is not None
