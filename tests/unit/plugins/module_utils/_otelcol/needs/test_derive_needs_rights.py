# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Permissions by config; most rows say what opentelemetry-operator's own end-to-end tests expect."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.component_needs import (
    find_guarded_rights,
    make_rule,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.derive_needs import derive_needs

from ...helpers import LISTENERS, cases, needs, rows, running

READ = "get list watch"
Rule = tuple[str, str, str]


def rule_of(text: str) -> Rule:
    """Return the group, resources and verbs of `group resources: verbs`."""
    where, _, verbs = text.partition(": ")
    groups, _, resources = where.partition(" ")
    return " ".join("" if group == "core" else group for group in groups.split(",")), resources, verbs or READ


# Section, type and settings of a component, then its rules. The verbs are get, list and watch unless a rule has others.
RULES = rows("""
- [processors, k8s_attributes, {}, core namespaces pods, apps replicasets]
- [processors, k8sattributes, null, core namespaces pods, apps replicasets]
- [processors, k8s_attributes, {passthrough: true}]
- [processors, k8s_attributes, {extract: {metadata: [k8s.node.name]}}, core namespaces pods, core nodes]
- [processors, k8s_attributes, {extract: {metadata: [service.name]}}, core namespaces pods, apps replicasets]
- [processors, k8s_attributes, {extract: {metadata: [k8s.deployment.name]}}, core namespaces pods, apps replicasets]
- [processors, k8s_attributes, {extract: {metadata: [k8s.pod.name]}}, core namespaces pods]
- [processors, k8s_attributes, {extract: {metadata: [k8s.job.uid]}}, core namespaces pods, batch jobs]
- [processors, k8s_attributes, {extract: {metadata: [k8s.daemonset.uid]}}, core namespaces pods, apps daemonsets]
- [processors, k8s_attributes, {extract: {metadata: [k8s.statefulset.uid]}}, core namespaces pods, apps statefulsets]
- [processors, k8s_attributes, {extract: {metadata: [x], labels: [{from: pod}]}}, core namespaces pods]
- [processors, k8s_attributes, {extract: {metadata: [x], labels: [{from: node}], annotations: [{from: daemonset}]}},
   core namespaces pods, core nodes, apps daemonsets]
- [processors, k8s_attributes, {extract: {metadata: [x], annotations: [{from: deployment}]}},
   core namespaces pods, apps deployments replicasets]
- [processors, resource_detection, {detectors: [k8snode]}, "core nodes: get list"]
- [processors, resourcedetection, {detectors: [k8snode]}, "core nodes: get list"]
- [processors, resource_detection, {detectors: [env, system]}]
- [processors, resource_detection, {detectors: [k8s_api]}, "core namespaces: get", "core nodes: get list"]
- [processors, resource_detection, {detectors: [openshift]},
   config.openshift.io infrastructures infrastructures/status]
- [processors, resource_detection, {detectors: [eks]}, "core nodes: get"]
- [processors, resource_detection, {detectors: [kubeadm]}, "core configmaps: get", "core namespaces: get"]
- - receivers
  - k8s_cluster
  - {}
  - core events namespaces namespaces/status nodes nodes/spec persistentvolumeclaims persistentvolumes pods pods/status
    replicationcontrollers replicationcontrollers/status resourcequotas services
  - apps daemonsets deployments replicasets statefulsets
  - autoscaling horizontalpodautoscalers
  - batch cronjobs jobs
- [receivers, k8s_events, {}, core events namespaces, events.k8s.io events]
- [receivers, k8sobjects, {objects: [{name: pods, mode: pull}]}, "core pods: get list"]
- [receivers, k8s_objects, {objects: [{name: pods}]}, "core pods: get list"]
- [receivers, k8s_objects, {objects: [{name: events, mode: watch, group: events.k8s.io}]}, events.k8s.io events]
- [receivers, kubeletstats, {auth_type: ""}, "core nodes/stats: get"]
- [receivers, kubelet_stats, {auth_type: serviceAccount}, "core nodes/stats: get"]
- [receivers, kubelet_stats, {extra_metadata_labels: [container.id]}, "core nodes/pods nodes/stats: get"]
- [receivers, kubelet_stats, {metrics: {k8s.pod.cpu_limit_utilization: {enabled: true}}},
   "core nodes/pods nodes/stats: get"]
- [receivers, kubelet_stats, {extra_metadata_labels: [k8s.volume.type], k8s_api_config: {auth_type: serviceAccount}},
   "core nodes/pods nodes/stats: get", "core persistentvolumeclaims persistentvolumes: get"]
- [receivers, kubelet_stats, {metrics: {k8s.pod.cpu.usage: {enabled: true}}}, "core nodes/stats: get"]
- [receivers, kubelet_stats, {metrics: {k8s.pod.cpu_limit_utilization: {enabled: false}}}, "core nodes/stats: get"]
- [receivers, receiver_creator, {}, core pods]
- [receivers, otlp, {protocols: {grpc: null}}]
- [exporters, load_balancing, {resolver: {k8s: {service: a}}}, discovery.k8s.io endpointslices]
- [exporters, loadbalancing, {resolver: {k8s: {service: a}}}, core endpoints, discovery.k8s.io endpointslices]
- [exporters, loadbalancing, {resolver: {dns: {hostname: a}}}]
- [extensions, k8s_leader_elector, {}, "coordination.k8s.io leases: create delete get list patch update watch"]
- [extensions, k8s_observer, {}, core nodes pods services, networking.k8s.io ingresses]
""")
CLUSTER = next(row for row in RULES if row[1] == "k8s_cluster")
RULES.append(
    [
        "receivers",
        "k8s_cluster",
        {"distribution": "openshift"},
        *CLUSTER[3:],
        "quota.openshift.io clusterresourcequotas",
    ]
)


def rules(config: dict[str, Any]) -> list[Rule]:
    """Return the rules as (group, resources, verbs), in order, whatever order they were written in."""
    return sorted(
        (" ".join(rule["apiGroups"]), " ".join(sorted(rule["resources"])), " ".join(sorted(rule["verbs"])))
        for rule in needs(config).rbac_rules
        if "nonResourceURLs" not in rule
    )


@pytest.mark.parametrize("row", RULES, ids=lambda row: f"{row[1]} {row[2]}")
def test_exactly_what_it_reads_is_granted(row: list[Any]) -> None:
    section, name, settings, *granted = row
    assert rules(running(**{section: {name: settings}})) == sorted(map(rule_of, granted))


DISCOVERY = {
    "node": ["core nodes nodes/metrics"],
    "pod": ["core pods"],
    "service": ["core services"],
    "endpoints": ["core endpoints pods services"],
    "endpointslice": ["core,discovery.k8s.io endpointslices pods services"],
    "ingress": ["networking.k8s.io ingresses"],
    "nothing": [],
}


def scraping(*roles: str) -> dict[str, Any]:
    jobs = [{"job_name": role, "kubernetes_sd_configs": [{"role": role}]} for role in roles]
    return running(receivers={"prometheus": {"config": {"scrape_configs": jobs}}})


@pytest.mark.parametrize(("role", "granted"), DISCOVERY.items())
def test_discovery_reads_what_its_role_names(role: str, granted: list[str]) -> None:
    assert rules(scraping(role)) == list(map(rule_of, granted))
    urls = [rule for rule in needs(scraping(role)).rbac_rules if "nonResourceURLs" in rule]
    assert urls == ([{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}] if granted else [])


@cases("path, asked", ("/api/v1/nodes/$$1/proxy/metrics/cadvisor", True), ("/metrics", False), (None, False))
def test_who_asks_kubelets_through_the_api_server_may_do_so(path: str | None, asked: bool) -> None:
    job = {
        "kubernetes_sd_configs": [{"role": "node"}],
        "relabel_configs": [{"target_label": "__metrics_path__", "replacement": path}],
    }
    found = rules(running(receivers={"prometheus": {"config": {"scrape_configs": [job]}}}))
    assert found == [("", "nodes nodes/metrics", READ), *([("", "nodes/proxy", "get")] if asked else [])]


TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
PASSED_ON = "/apis/metrics.eks.amazonaws.com/v1/{}/container/metrics"


@cases(
    "jobs, granted, urls",
    ([{"authorization": {"credentials_file": TOKEN}}], [], ["/metrics"]),
    ([{"bearer_token_file": TOKEN}], [], ["/metrics"]),
    ([{"authorization": {"credentials_file": "/etc/other"}}], [], []),
    ([{"metrics_path": PASSED_ON.format("ksh")}], [], []),
    (
        [{"metrics_path": PASSED_ON.format(name), "bearer_token_file": TOKEN} for name in ("ksh", "kcm", "ksh")],
        [("metrics.eks.amazonaws.com", "kcm/metrics ksh/metrics", "get")],
        [],
    ),
    ([{"metrics_path": "/apis/other/v1/ksh/container/metrics", "bearer_token_file": TOKEN}], [], []),
    ids=str,
)
def test_jobs_that_show_the_token_may_read_the_control_plane(
    jobs: list[Any], granted: list[Rule], urls: list[str]
) -> None:
    found = needs(running(receivers={"prometheus": {"config": {"scrape_configs": jobs}}}))
    assert rules(running(receivers={"prometheus": {"config": {"scrape_configs": jobs}}})) == granted
    assert [rule["nonResourceURLs"] for rule in found.rbac_rules if "nonResourceURLs" in rule] == (
        [urls] if urls else []
    )


def test_the_same_permission_of_two_components_or_jobs_is_granted_once() -> None:
    assert rules(scraping("pod", "node", "pod")) == [("", "nodes nodes/metrics", READ), ("", "pods", READ)]
    one = running(processors={"k8s_attributes": {}})
    both = running(processors={"k8s_attributes": {}, "k8s_attributes/2": {}})
    assert needs(one).rbac_rules == needs(both).rbac_rules


def test_what_has_one_name_is_granted_by_that_name() -> None:
    found = needs(running(processors={"resource_detection": {"detectors": ["kubeadm", "k8s_api"]}})).rbac_rules
    named = {rule["resources"][0]: rule.get("resourceNames") for rule in found}
    assert named == {"configmaps": ["kubeadm-config"], "namespaces": ["kube-system"], "nodes": None}


def test_no_component_may_write_but_the_leader_elector() -> None:
    assert [row[1] for row in RULES for granted in row[3:] if "create" in granted] == ["k8s_leader_elector"]


@cases(
    "settings, allow, resources",
    ({"extra_metadata_labels": ["container.id"]}, ["nodes/proxy"], {"nodes/stats", "nodes/pods", "nodes/proxy"}),
    ({"extra_metadata_labels": ["container.id"]}, ["root"], {"nodes/stats", "nodes/pods"}),
    ({}, ["nodes/proxy"], {"nodes/stats"}),
)
def test_what_kubelets_asked_for_before_1_33_is_granted_by_consent(
    settings: dict[str, Any], allow: list[str], resources: set[str]
) -> None:
    found = derive_needs(running(receivers={"kubelet_stats": settings}), LISTENERS, allowed_rights=allow)
    assert {name for rule in found.rbac_rules for name in rule["resources"]} == resources


@cases(
    "given, rights",
    (make_rule("core", "pods nodes/pods"), set()),
    (make_rule("core", "pods secrets"), {"secrets"}),
    (make_rule("*", "secrets"), {"secrets", "wildcard"}),
    (make_rule("apps", "secrets"), set()),
    (make_rule("core", "secrets", name="one"), set()),
    (make_rule("core", "*"), {"wildcard"}),
    (make_rule("core", "*/proxy"), {"wildcard"}),
    (make_rule("core", "pods", ("*",)), {"wildcard"}),
    (make_rule("core", "nodes/proxy"), {"nodes/proxy"}),
    ({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}, set()),
    ({"nonResourceURLs": ["*"], "verbs": ["get"]}, {"wildcard"}),
)
def test_some_rights_need_consent(given: dict[str, Any], rights: set[str]) -> None:
    assert find_guarded_rights(given) == rights
